"""``photobus watch``: what happens, live."""

import json
import sys
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import run
from photobus_cli.output import printable, status
from photobus_client import LiveEvent
from photobus_client.live import CHANNELS

_TOLD: Final = (
    "project_folder",
    "filename",
    "thumbnail_status",
    "preview_status",
    "type",
    "job_type",
    "label",
    "done",
    "failed",
    "progress_done",
    "progress_total",
    "reason",
    "error",
    "lacking",
    "photos",
)


def watch(
    address: Address = None,
    token: Token = None,
    since: Annotated[str | None, typer.Option(help="Id of an event: begin with what followed it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show what happens, live, until Ctrl-C. Nothing is missed or told twice over a lost connection."""
    run(_watch(address, token, since, as_json))


async def _watch(address: str | None, token: str | None, since: str | None, as_json: bool) -> None:
    console = Console()
    async with client(address, token) as photobus:
        async for event in photobus.follow(CHANNELS, since):
            if as_json:
                sys.stdout.write(json.dumps({"id": event.id, "event": event.name, "data": event.data}) + "\n")
                sys.stdout.flush()
            else:
                console.print(_line(event), highlight=False)


def _line(event: LiveEvent) -> Text:
    told = [f"{name}={event.data[name]}" for name in _TOLD if event.data.get(name) not in (None, "")]
    word = event.data.get("status")
    return Text.assemble(
        (f"{event.id or '·':>10} ", "dim"),
        (printable(event.name), "bold"),
        *((" ", status(str(word))) if word else ()),
        f"  {printable('  '.join(told))}",
    )
