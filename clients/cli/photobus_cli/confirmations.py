"""``photobus confirmations list | show | confirm | refuse``: what waits for the word of a person."""

from typing import Annotated, Final
from uuid import UUID

import typer
from pydantic import BaseModel
from rich.text import Text

from photobus_cli.carrying_out import Json
from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import run
from photobus_cli.output import age, print_json, print_table, printable, status
from photobus_client import Confirmation, MissedPhoto

SHOWN: Final = 100
"""Photos that are shown of a confirmation; as JSON all are."""

ConfirmationId = Annotated[UUID, typer.Argument(help="Id of the confirmation.")]

app = typer.Typer(
    help="What maintenance would remove, and waits to be told: list, show, confirm, refuse.", no_args_is_help=True
)


class _Shown(BaseModel):
    """A confirmation with all that it is about."""

    confirmation: Confirmation
    photos: list[MissedPhoto]


@app.command("list")
def list_all(
    address: Address = None,
    token: Token = None,
    wanted: Annotated[
        str, typer.Option("--status", help="Those with this status: open, confirmed, refused, expired, or all.")
    ] = "open",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most entries, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List what waits for confirmation, newest first."""
    run(_list(address, token, None if wanted == "all" else wanted, limit, json))


@app.command()
def show(confirmation_id: ConfirmationId, address: Address = None, token: Token = None, json: Json = False) -> None:
    """Show what would be removed, photo by photo."""
    run(_show(address, token, confirmation_id, json))


@app.command()
def confirm(confirmation_id: ConfirmationId, address: Address = None, token: Token = None, json: Json = False) -> None:
    """Say that what is shown is truly gone: the task goes on and removes it from the catalogue."""
    run(_answer(address, token, confirmation_id, json, confirmed=True))


@app.command()
def refuse(confirmation_id: ConfirmationId, address: Address = None, token: Token = None, json: Json = False) -> None:
    """Say that nothing may be removed: the task goes on without."""
    run(_answer(address, token, confirmation_id, json, confirmed=False))


async def _list(address: str | None, token: str | None, wanted: str | None, limit: int, json: bool) -> None:
    async with client(address, token) as photobus:
        page = await photobus.confirmations.list(wanted, limit=limit)
    if json:
        print_json(page.items)
    else:
        print_table(("id", "status", "project", "photos", "asked", "task", "reason"), map(_row, page.items))


async def _show(address: str | None, token: str | None, confirmation_id: UUID, json: bool) -> None:
    photos: list[MissedPhoto] = []
    async with client(address, token) as photobus:
        found = await photobus.confirmations.show(confirmation_id)
        async for photo in photobus.confirmations.photos(confirmation_id):
            photos.append(photo)
            if not json and len(photos) == SHOWN:
                break
    if json:
        print_json(_Shown(confirmation=found, photos=photos))
        return
    typer.echo(printable(f"{found.status}: {found.reason} Task {found.task_id}."))
    rows = ((p.filename, p.project_folder or "", ", ".join(p.files)) for p in photos)
    print_table(("photo", "project", "files that are gone"), rows)
    if found.lacking > len(photos):
        typer.echo(f"and {found.lacking - len(photos):,} more")


async def _answer(
    address: str | None, token: str | None, confirmation_id: UUID, json: bool, *, confirmed: bool
) -> None:
    async with client(address, token) as photobus:
        asked = photobus.confirmations
        answered = await (asked.confirm if confirmed else asked.refuse)(confirmation_id)
    if json:
        print_json(answered)
    else:
        typer.echo(printable(f"{answered.id} {answered.status}: {answered.reason}"))


def _row(one: Confirmation) -> tuple[str | Text, ...]:
    return (
        str(one.id),
        status(one.status),
        one.project_folder or "",
        f"{one.lacking}/{one.photos}",
        age(one.requested_at),
        str(one.task_id),
        one.reason,
    )
