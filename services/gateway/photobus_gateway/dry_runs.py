"""What would become of each photo of a task, by the task's type: planned as its workers do, with what the rows say now.

Whoever asks for a dry run is told the same of a task, by whichever route. Only the first photos of its targets are
looked at, however many there are.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from aiohttp import web

from photobus_common.catalogue_changes import CataloguePhoto, KeepChange, Kinds, Planned, TagsChange, plan_all, plan_of
from photobus_common.config import MAX_ITEMS, Settings
from photobus_common.derivation import Impossible, PhotoState, Plan, Recipe
from photobus_common.derivation import plan as plan_derivatives
from photobus_common.events.tasks import Targets
from photobus_common.moving import Move, Wish
from photobus_common.removal import RemovablePhoto, plan_removal
from photobus_common.store import deletions, photo_pages
from photobus_common.store.catalogue import catalogue_photos
from photobus_common.store.database import Connection
from photobus_common.store.derivatives import photos_to_show
from photobus_common.store.filters import PhotoFilter
from photobus_common.store.metadata import DescribedPhoto, described_photos
from photobus_common.store.moves import planned_moves
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.store.removals import removable_photos
from photobus_common.task_requests import Ask
from photobus_gateway.callers import caller_of
from photobus_gateway.keys import SETTINGS
from photobus_gateway.plans import (
    CommitPlan,
    DeletionPlan,
    DerivativesPlan,
    KeepPlan,
    MetadataPlan,
    MovePlan,
    PlannedDeletion,
    PlannedDerivatives,
    PlannedFile,
    PlannedKeep,
    PlannedMove,
    PlannedReading,
    PlannedRemoval,
    PlannedTags,
    StoppedTask,
    TagsPlan,
    TaskPlan,
)


class Asked(NamedTuple):
    """A task that is asked for, and what is needed to tell what it would do."""

    connection: Connection
    tenant: str
    settings: Settings
    ask: Ask


async def foretell(request: web.Request, connection: Connection, ask: Ask, plan: TaskPlan) -> TaskPlan:
    """Return ``plan`` with what would become of each of the first photos; as it is where that is not foreseen."""
    detail = FORESEEN.get(ask.definition.type)
    if detail is None:
        return plan
    asked = Asked(connection, caller_of(request).tenant, request.app[SETTINGS], ask)
    return await detail(asked, plan)


async def first_photos(connection: Connection, tenant: str, targets: Targets) -> list[int]:
    """Return the first photos of targets that were not resolved yet, in the order in which the task takes them up."""
    if targets.kind == "photos":
        return list(targets.photo_ids)
    if targets.kind == "projects":
        return await photo_pages.first_photo_ids_of_projects(connection, tenant, targets.project_ids, MAX_ITEMS)
    wanted = PhotoFilter.model_validate(targets.filter or {})
    return await photo_pages.first_photo_ids(connection, tenant, wanted, MAX_ITEMS)


async def _commit(asked: Asked, plan: TaskPlan) -> TaskPlan:
    return CommitPlan(**plan.model_dump(), items=[_removal(photo) for photo in await _removable(asked)])


async def _move(asked: Asked, plan: TaskPlan) -> TaskPlan:
    connection, tenant, settings, ask = asked
    dest_id = ask.params["dest_project_id"]
    destination = (await projects_of_tenant(connection, tenant, [dest_id]))[dest_id]
    photos = await _removable(asked)
    wishes = [Wish(photo, photo.filename) for photo in photos if photo.project_id != dest_id]
    planned = await planned_moves(connection, tenant, dest_id, wishes, settings.library.unique_names)
    moves = {move.photo.id: move for move in planned}
    items = [_moved(photo, moves.get(photo.id)) for photo in photos]
    return MovePlan(**plan.model_dump(), dest_folder=destination.folder, items=items)


async def _keep(asked: Asked, plan: TaskPlan) -> TaskPlan:
    photos, planned = await _changes(asked)
    return KeepPlan(**plan.model_dump(), items=[_kept(photo, planned) for photo in photos])


async def _tags(asked: Asked, plan: TaskPlan) -> TaskPlan:
    photos, planned = await _changes(asked)
    return TagsPlan(**plan.model_dump(), items=[_tagged(photo, planned) for photo in photos])


async def _derivatives(asked: Asked, plan: TaskPlan) -> TaskPlan:
    connection, tenant, settings, ask = asked
    photo_ids = await first_photos(connection, tenant, ask.targets)
    photos = await photos_to_show(connection, tenant, photo_ids)
    recipe, force = Recipe.of(settings.processing), bool(ask.params.get("force"))
    found = [photos[photo_id] for photo_id in photo_ids if photo_id in photos]
    items = [_made(photo.folder, photo.state, plan_derivatives(photo.state, recipe, force=force)) for photo in found]
    return DerivativesPlan(**plan.model_dump(), items=items)


async def _metadata(asked: Asked, plan: TaskPlan) -> TaskPlan:
    photo_ids = await first_photos(asked.connection, asked.tenant, asked.ask.targets)
    photos = await described_photos(asked.connection, asked.tenant, photo_ids)
    found = [photos[photo_id] for photo_id in photo_ids if photo_id in photos]
    return MetadataPlan(**plan.model_dump(), items=[_read_again(photo) for photo in found])


async def _deletion(asked: Asked, plan: TaskPlan) -> TaskPlan:
    connection, tenant, _, ask = asked
    (project_id,) = ask.targets.project_ids
    files, size = await deletions.size_of_project(connection, project_id)
    at_work = await deletions.tasks_at_work(connection, tenant, project_id)
    return DeletionPlan(
        **plan.model_dump(),
        files=files,
        bytes=size,
        stops=[StoppedTask(id=task.id, type=task.type, label=task.label, whole=task.alone) for task in at_work],
        items=[
            PlannedDeletion(**_place(photo), removes=[file.name for file in photo.files])
            for photo in await _removable(asked)
        ],
    )


async def _removable(asked: Asked) -> list[RemovablePhoto]:
    photo_ids = await first_photos(asked.connection, asked.tenant, asked.ask.targets)
    photos = await removable_photos(asked.connection, asked.tenant, photo_ids)
    return [photos[photo_id] for photo_id in photo_ids if photo_id in photos]


async def _changes(asked: Asked) -> tuple[list[CataloguePhoto], Planned[KeepChange | TagsChange]]:
    """Return what is said of each photo, and what the task would make of that."""
    photo_ids = await first_photos(asked.connection, asked.tenant, asked.ask.targets)
    photos = await catalogue_photos(asked.connection, asked.tenant, photo_ids)
    found = [photos[photo_id] for photo_id in photo_ids if photo_id in photos]
    return found, plan_all(found, plan_of(asked.ask.definition.type, asked.ask.params))


def _removal(photo: RemovablePhoto) -> PlannedRemoval:
    removal = plan_removal(photo)
    return PlannedRemoval(
        **_place(photo),
        removes=[file.name for file in removal.going] if removal else [],
        photo_goes=removal is not None and removal.aftermath.photo_goes,
        derivatives=removal.aftermath.derivatives if removal else "kept",
    )


def _moved(photo: RemovablePhoto, move: Move | None) -> PlannedMove:
    reason = "It lies there already." if move is None else "Its name is taken there." if move.is_numbered else None
    files = () if move is None else move.files
    return PlannedMove(
        **_place(photo),
        new_filename=None if move is None else move.filename,
        status="stays" if move is None else "moves",
        reason=reason,
        files=[PlannedFile(name=file.name, new_name=new_name) for file, new_name in files],
    )


def _kept(photo: CataloguePhoto, planned: Planned[KeepChange | TagsChange]) -> PlannedKeep:
    change = planned.changes.get(photo.id)
    after = photo.keep if change is None else change.after.keep
    kinds = list(zip(Kinds._fields, photo.keep, after, strict=True))
    return PlannedKeep(
        **_place(photo),
        status="unchanged" if change is None else "changes",
        keeps=[kind for kind, was, will in kinds if will and not was],
        gives_up=[kind for kind, was, will in kinds if was and not will],
    )


def _tagged(photo: CataloguePhoto, planned: Planned[KeepChange | TagsChange]) -> PlannedTags:
    change, refusal = planned.changes.get(photo.id), planned.refused.get(photo.id)
    before, after = photo.tags, photo.tags if change is None else change.after.tags
    return PlannedTags(
        **_place(photo),
        status="fails" if refusal else "unchanged" if change is None else "changes",
        adds=[tag for tag in after if tag not in before],
        removes=[tag for tag in before if tag not in after],
        reason=refusal.public_message if refusal else None,
    )


def _made(folder: str, photo: PhotoState, planned: Plan) -> PlannedDerivatives:
    about = {"photo_id": photo.photo_id, "project_folder": folder, "filename": photo.filename}
    if isinstance(planned, Impossible):
        return PlannedDerivatives(**about, status="fails", makes=[], source=None, reason=planned.reason)
    source = planned.sources[0].name
    if planned.present_suffices:
        return PlannedDerivatives(**about, status="unchanged", makes=[], source=source, reason="up_to_date")
    return PlannedDerivatives(**about, status="makes", makes=["thumbnail", "preview"], source=source, reason=None)


def _read_again(photo: DescribedPhoto) -> PlannedReading:
    return PlannedReading(
        photo_id=photo.id,
        project_folder=photo.folder,
        filename=photo.filename,
        status="reads" if photo.files else "fails",
        files=[file.name for file in photo.files],
        reason=None if photo.files else "no_original",
    )


def _place(photo: CataloguePhoto | RemovablePhoto) -> dict[str, Any]:
    return {"photo_id": photo.id, "project_folder": photo.project_folder, "filename": photo.filename}


FORESEEN: Final[Mapping[str, Callable[[Asked, TaskPlan], Awaitable[TaskPlan]]]] = {
    "change_commit": _commit,
    "change_commit_all": _commit,
    "change_revert": _keep,
    "keep_update": _keep,
    "tags_update": _tags,
    "image_move": _move,
    "generate_derivatives": _derivatives,
    "upload_postprocess": _derivatives,
    "regenerate_metadata": _metadata,
    "project_delete": _deletion,
}
"""What is foreseen, by task type; of others nobody knows before they run."""
