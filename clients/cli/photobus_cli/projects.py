"""``photobus delete``: a project goes, and may be brought back by ``photobus undo``."""

from typing import Annotated

import typer

from photobus_cli.carrying_out import DryRun, Fate, Json, Manner, Wait, see_through, show_plan
from photobus_cli.connection import Address, Token
from photobus_cli.errors import run
from photobus_cli.output import printable
from photobus_client.plans import PlannedDeletion, StoppedTask


def delete(
    project: Annotated[str, typer.Argument(help="Folder of the project.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    address: Address = None,
    token: Token = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    json: Json = False,
) -> None:
    """Delete a project with all its photos. Its folder goes to the library's trash; undo brings it back from there."""
    run(_delete(Manner(address, token, dry_run, wait, json), project, yes))


async def _delete(manner: Manner, folder: str, yes: bool) -> None:
    async with manner.client() as photobus:
        if manner.dry_run:
            plan = await photobus.delete_project(folder, dry_run=True)
            show_plan(plan, map(_deleted, plan.items), manner, map(_stopped, plan.stops))
            return
        if not yes:
            project = await photobus.project(folder)
            question = f"Delete {project.name} with its {project.photos:,} photos?"
            typer.confirm(printable(question), abort=True, err=manner.json)
        await see_through(photobus, await photobus.delete_project(folder), manner)


def _deleted(item: PlannedDeletion) -> Fate:
    files = f": {', '.join(item.removes)}" if item.removes else ""
    return Fate(item.filename, item.project_folder, f"goes to the library's trash with its project{files}")


def _stopped(task: StoppedTask) -> str:
    return f"stops {task.label} ({task.id}){'' if task.whole else ', as far as it is about this project'}"
