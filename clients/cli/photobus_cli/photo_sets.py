"""``photobus move | commit | revert | process``: one task over photos of any projects."""

from typing import Annotated, Final

import typer

from photobus_cli.carrying_out import DryRun, Fate, Json, Manner, Wait, see_through, show_plan
from photobus_cli.connection import Address, Token
from photobus_cli.errors import run
from photobus_cli.selecting import Chosen, Conditions, Folders, PhotoIds
from photobus_client.plans import PlannedDerivatives, PlannedKeep, PlannedMove, PlannedRemoval

_DERIVATIVES: Final = {"removed": "thumbnail and preview go", "pending": "thumbnail and preview are made anew"}
_NOT_MADE: Final = {
    "up_to_date": "thumbnail and preview are up to date",
    "no_original": "there is nothing to make them of",
}


def move(  # noqa: PLR0913  an option is a parameter
    destination: Annotated[str, typer.Argument(help="Folder of the project that they are moved into.")],
    *,
    photo: PhotoIds = None,
    project: Folders = None,
    condition: Conditions = None,
    address: Address = None,
    token: Token = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    json: Json = False,
) -> None:
    """Move photos with all their files into a project; where it has the name, a photo gets another."""
    chosen = Chosen(photo, project, condition)
    run(_move(Manner(address, token, dry_run, wait, json), destination, chosen))


def commit(
    photo: PhotoIds = None,
    project: Folders = None,
    condition: Conditions = None,
    address: Address = None,
    token: Token = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    json: Json = False,
) -> None:
    """Move to the trash what is no longer to be kept: all there is, or that of some photos."""
    run(_commit(Manner(address, token, dry_run, wait, json), Chosen(photo, project, condition)))


def revert(
    photo: PhotoIds = None,
    project: Folders = None,
    condition: Conditions = None,
    address: Address = None,
    token: Token = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    json: Json = False,
) -> None:
    """Keep again what a commit would remove: all there is, or that of some photos."""
    run(_revert(Manner(address, token, dry_run, wait, json), Chosen(photo, project, condition)))


def process(  # noqa: PLR0913  an option is a parameter
    *,
    photo: PhotoIds = None,
    project: Folders = None,
    condition: Conditions = None,
    force: Annotated[bool, typer.Option("--force", help="Also where they are up to date.")] = False,
    address: Address = None,
    token: Token = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    json: Json = False,
) -> None:
    """Make thumbnails and previews."""
    chosen = Chosen(photo, project, condition)
    run(_process(Manner(address, token, dry_run, wait, json), chosen, force))


async def _move(manner: Manner, destination: str, chosen: Chosen) -> None:
    which = chosen.something()
    async with manner.client() as photobus:
        if manner.dry_run:
            plan = await photobus.photo_sets.move(which, destination, dry_run=True)
            show_plan(plan, map(_moved, plan.items), manner)
        else:
            await see_through(photobus, await photobus.photo_sets.move(which, destination), manner)


async def _commit(manner: Manner, chosen: Chosen) -> None:
    which = chosen.selection()
    async with manner.client() as photobus:
        if manner.dry_run:
            plan = await photobus.photo_sets.commit_changes(which, dry_run=True)
            show_plan(plan, map(_committed, plan.items), manner)
        else:
            await see_through(photobus, await photobus.photo_sets.commit_changes(which), manner)


async def _revert(manner: Manner, chosen: Chosen) -> None:
    which = chosen.selection()
    async with manner.client() as photobus:
        if manner.dry_run:
            plan = await photobus.photo_sets.revert_changes(which, dry_run=True)
            show_plan(plan, map(_reverted, plan.items), manner)
        else:
            await see_through(photobus, await photobus.photo_sets.revert_changes(which), manner)


async def _process(manner: Manner, chosen: Chosen, force: bool) -> None:
    which = chosen.something()
    async with manner.client() as photobus:
        if manner.dry_run:
            plan = await photobus.photo_sets.process(which, force=force, dry_run=True)
            show_plan(plan, map(_processed, plan.items), manner)
        else:
            await see_through(photobus, await photobus.photo_sets.process(which, force=force), manner)


def _moved(item: PlannedMove) -> Fate:
    if item.status == "stays":
        return Fate(item.filename, item.project_folder, f"stays: {item.reason}", odd=True)
    renamed = f" as {item.new_filename}" if item.new_filename not in (None, item.filename) else ""
    files = ", ".join(file.new_name for file in item.files)
    return Fate(item.filename, item.project_folder, f"moves{renamed}: {files}", odd=bool(renamed))


def _committed(item: PlannedRemoval) -> Fate:
    if not item.removes:
        return Fate(item.filename, item.project_folder, "stays as it is")
    rest = "the photo goes" if item.photo_goes else _DERIVATIVES.get(item.derivatives, "the photo stays")
    return Fate(item.filename, item.project_folder, f"to the trash: {', '.join(item.removes)}; {rest}")


def _reverted(item: PlannedKeep) -> Fate:
    words = f"kept again: {', '.join(item.keeps)}" if item.keeps else "stays as it is"
    return Fate(item.filename, item.project_folder, words)


def _processed(item: PlannedDerivatives) -> Fate:
    words = _NOT_MADE.get(item.reason or "", f"stays as it is: {item.reason}")
    if item.makes:
        words = f"{' and '.join(item.makes)} are made of {item.source}"
    return Fate(item.filename, item.project_folder, words, odd=item.status == "fails")
