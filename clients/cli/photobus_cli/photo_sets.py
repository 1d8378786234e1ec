"""``photobus move | commit | revert | process``: one task over photos of any projects."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from photobus_cli.carrying_out import SHOWN, DryRun, Fate, Json, Manner, Wait, see_through, show_plan
from photobus_cli.connection import Address, Token
from photobus_cli.errors import run
from photobus_cli.selecting import Chosen, Conditions, Folders, PhotoIds
from photobus_client import Photo, PhotobusClient, Selection
from photobus_client.plans import PlannedMove, PlannedRemoval

_DERIVATIVES: Final = {"removed": "thumbnail and preview go", "pending": "thumbnail and preview are made anew"}
_KINDS: Final = ("jpg", "raw", "other")


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
            photos = await first_photos(photobus, which, {"pending_deletion": True})
            show_plan(plan, map(_reverted, photos), manner)
        else:
            await see_through(photobus, await photobus.photo_sets.revert_changes(which), manner)


async def _process(manner: Manner, chosen: Chosen, force: bool) -> None:
    which = chosen.something()
    async with manner.client() as photobus:
        if manner.dry_run:
            plan = await photobus.photo_sets.process(which, force=force, dry_run=True)
            photos = await first_photos(photobus, which)
            show_plan(plan, (_processed(photo, force) for photo in photos), manner)
        else:
            await see_through(photobus, await photobus.photo_sets.process(which, force=force), manner)


async def first_photos(
    photobus: PhotobusClient, which: Selection, filters: Mapping[str, Any] | None = None
) -> list[Photo]:
    """Return as many photos of the selection as are shown, of those that match ``filters`` where it names none."""
    if which.photo_ids is not None:
        return [await photobus.photo(photo_id) for photo_id in list(dict.fromkeys(which.photo_ids))[:SHOWN]]
    found: list[Photo] = []
    wanted = {"project_folders": which.projects, **(which.filters or {}), **(filters or {})}
    async for photo in photobus.photos(filters=wanted):
        found.append(photo)
        if len(found) == SHOWN:
            break
    return found


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


def _reverted(photo: Photo) -> Fate:
    kinds = [kind for kind in _KINDS if getattr(photo, f"{kind}_available") and not getattr(photo, f"keep_{kind}")]
    return Fate(photo.filename, photo.project_folder, f"kept again: {', '.join(kinds)}" if kinds else "stays as it is")


def _processed(photo: Photo, force: bool) -> Fate:
    words = "thumbnail and preview are made" if force else "thumbnail and preview are made unless they are up to date"
    return Fate(photo.filename, photo.project_folder, words)
