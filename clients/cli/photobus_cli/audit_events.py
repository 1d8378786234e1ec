"""``photobus audit events``: all that the log tells, by who did it, what it was, and when; asked of the API."""

from collections.abc import AsyncIterator
from typing import Annotated

import typer

from photobus_cli.connection import Address, Token
from photobus_cli.errors import run
from photobus_cli.history import AsJson, Limit, tell
from photobus_client import HistoryEvent, PhotobusClient

_PLACE = "a time such as 2026-03-01T12:00:00Z, or a place in the log"


def events(
    actor: Annotated[str | None, typer.Option(help="Who did it, as events name them, such as token:<id>.")] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="What happened, such as PhotosMoved; may be repeated.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help=f"Since when, included: {_PLACE}.")] = None,
    last: Annotated[str | None, typer.Option("--to", help=f"Until when, included: {_PLACE}.")] = None,
    address: Address = None,
    token: Token = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show what was done, by whom and when, newest first, access included; needs the token of an admin."""

    def ask(photobus: PhotobusClient) -> AsyncIterator[HistoryEvent]:
        return photobus.history.audit(actor=actor, types=types or (), first=first, last=last)

    run(tell(address, token, ask, limit, as_json))
