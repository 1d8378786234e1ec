"""``photobus history photo | project | task | photos``: what happened, when, who did it, and what there was then."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final
from uuid import UUID

import typer

from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import run
from photobus_cli.output import print_json, print_table
from photobus_cli.photos_as_of import of_project_then
from photobus_client import HistoryEvent, PhotobusClient

app = typer.Typer(help="What happened to a photo, a project, in a task.", no_args_is_help=True)
app.command("photos")(of_project_then)

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for scripts.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="Most events.")]
Oldest = Annotated[bool, typer.Option("--oldest-first/--newest-first", help="Which events come first.")]

Ask = Callable[[PhotobusClient], AsyncIterator[HistoryEvent]]
"""Asks for events."""

_COLUMNS: Final = ("seq", "when", "who", "what")


@app.command("photo")
def of_photo(
    photo_id: Annotated[int, typer.Argument(min=1, help="Id of the photo, which may be there no more.")],
    address: Address = None,
    token: Token = None,
    limit: Limit = 50,
    oldest_first: Oldest = False,
    as_json: AsJson = False,
) -> None:
    """Show what happened to a photo, wherever it was."""
    run(tell(address, token, lambda it: it.history.photo(photo_id, newest_first=not oldest_first), limit, as_json))


@app.command("project")
def of_project(
    folder: Annotated[str, typer.Argument(help="Folder that the project has or had.")],
    project_id: Annotated[
        int | None, typer.Option(min=1, help="Which project, if several have had the folder; by default the last one.")
    ] = None,
    address: Address = None,
    token: Token = None,
    limit: Limit = 50,
    oldest_first: Oldest = False,
    as_json: AsJson = False,
) -> None:
    """Show what happened to a project and its photos, also if it was renamed, deleted or is gone for good."""

    def ask(photobus: PhotobusClient) -> AsyncIterator[HistoryEvent]:
        return photobus.history.project(folder, project_id=project_id, newest_first=not oldest_first)

    run(tell(address, token, ask, limit, as_json))


@app.command("task")
def of_task(
    task_id: Annotated[UUID, typer.Argument(help="Id of the task.")],
    address: Address = None,
    token: Token = None,
    limit: Limit = 50,
    oldest_first: Oldest = True,
    as_json: AsJson = False,
) -> None:
    """Show what a task went through and what it did."""
    run(tell(address, token, lambda it: it.history.task(task_id, newest_first=not oldest_first), limit, as_json))


async def tell(address: str | None, token: str | None, ask: Ask, limit: int, as_json: bool) -> None:
    """Write up to ``limit`` of the events that are asked for, as a table or as JSON."""
    events: list[HistoryEvent] = []
    async with client(address, token) as photobus:
        async for event in ask(photobus):
            events.append(event)
            if len(events) == limit:
                break
    if as_json:
        print_json(events)
    else:
        print_table(_COLUMNS, map(_row, events))


def _row(event: HistoryEvent) -> tuple[str, ...]:
    when = event.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return (str(event.seq), when, event.actor_name or event.actor, event.summary)
