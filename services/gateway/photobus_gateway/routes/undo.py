"""Taking back what a task did, as a task of its own; or saying beforehand what of it can be, photo by photo."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from aiohttp import web

from photobus_common.config import MAX_ITEMS
from photobus_common.errors import ConflictError, ForbiddenError, NotFoundError, NotProvidedError
from photobus_common.events import Event
from photobus_common.events.tasks import Targets
from photobus_common.storage.errors import TrashExpiredError
from photobus_common.store import task_views, undoing
from photobus_common.store.catalogue import catalogue_photos
from photobus_common.store.database import Connection
from photobus_common.store.deletions import count_deleted, deletion_tasks, next_removed, photos_left
from photobus_common.store.moves import planned_moves
from photobus_common.store.reconciliation import photo_ids_after, projects_of_tenant
from photobus_common.store.removals import removable_photos
from photobus_common.store.trash_removals import is_expired
from photobus_common.store.undoing import LogIncompleteError
from photobus_common.task_requests import Ask
from photobus_common.undoing import MoveBack, Undo, told
from photobus_gateway.callers import caller_of
from photobus_gateway.deleting import TASK_TYPE, archive
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError
from photobus_gateway.keys import SETTINGS
from photobus_gateway.new_tasks import definition_for
from photobus_gateway.plans import PlannedUndo, TaskPlan, UndoPlan
from photobus_gateway.registry import route
from photobus_gateway.routes.pending_changes import DryRun
from photobus_gateway.routes.tasks import TaskPath, unknown_task
from photobus_gateway.starting import TaskAnswer, requested, start
from photobus_gateway.task_answers import ENDED, TaskView, task_of_request
from photobus_gateway.undos import RESTORE, refuse_second_undo, undone_by


@route(
    "POST",
    "/api/tasks/{task_id}/undo",
    role="editor",
    summary="Undo a task",
    response={202: TaskAnswer, 200: UndoPlan},
    errors=(
        *(ForbiddenError, NotFoundError, ConflictError, TrashExpiredError, KeyReusedError, NotProvidedError),
        LogIncompleteError,
    ),
)
async def undo_task(request: web.Request, path: TaskPath, headers: IdempotencyHeaders, body: DryRun) -> web.Response:
    """Take back what a task did to photos or a project, as long as the files exist; an undo can be undone too.

    What has changed since is left as it is, and told item by item.
    """

    async def prepare(connection: Connection) -> Ask:
        await undoing.hold_undo(connection, path.task_id)
        return await _ask(connection, request, path)

    return await start(request, headers, body, prepare, dry_run=body.dry_run, detail=_foretell, beside=archive)


async def _ask(connection: Connection, request: web.Request, path: TaskPath) -> Ask:
    """Return what undoes the task; raises why it cannot be undone."""
    tenant = caller_of(request).tenant
    found = await task_views.task_or_request(connection, tenant, path.task_id)
    if found is None:
        raise unknown_task(path.task_id)
    view = task_of_request(found) if isinstance(found, Event) else TaskView(**found)
    definition = definition_for(request, undone_by(view.type))
    if view.status not in ENDED:
        raise ConflictError(f"The task has not ended: {view.status}.")
    await refuse_second_undo(connection, tenant, path.task_id)
    targets = Targets(kind="items_of", items_of=path.task_id)
    if definition.type != "undo":
        targets = await _project_of(connection, tenant, path.task_id)
        await _refuse_undone_project(connection, tenant, definition.type, targets)
    return Ask(definition, targets, {"undo_of": str(path.task_id)}, undo_of=path.task_id)


async def _project_of(connection: Connection, tenant: str, task_id: UUID) -> Targets:
    asked = await task_views.request_of_task(connection, tenant, task_id)
    if asked is None:
        raise unknown_task(task_id)
    return requested(asked)[0].targets


async def _refuse_undone_project(connection: Connection, tenant: str, task_type: str, targets: Targets) -> None:
    """Raise where the project is as the undo would have it already, or can be so no more."""
    projects = await projects_of_tenant(connection, tenant, targets.project_ids)
    if not projects:
        raise ConflictError("The project is no longer in the catalogue.")
    for project in projects.values():
        if task_type == RESTORE and project.active:
            raise ConflictError(f"The project {project.name} is there already.")
        if task_type == RESTORE and await is_expired(connection, project.id):
            raise TrashExpiredError(f"The folder of {project.name} is no longer in the library's trash.")
        if task_type == TASK_TYPE and not project.active:
            raise ConflictError(f"The project {project.name} was deleted already.")


async def _foretell(request: web.Request, connection: Connection, ask: Ask, plan: TaskPlan) -> TaskPlan:
    if ask.definition.type == RESTORE:
        (project_id,) = ask.targets.project_ids
        plan = plan.model_copy(update={"photos": await count_deleted(connection, project_id)})
    return UndoPlan(**plan.model_dump(), items=await _planned(connection, request, ask))


async def _planned(connection: Connection, request: web.Request, ask: Ask) -> list[PlannedUndo]:
    """Plan as the worker does, with what the rows say now."""
    tenant, task_id = caller_of(request).tenant, ask.targets.items_of
    if task_id is None:
        return await _of_project(connection, tenant, ask)
    await undoing.refuse_incomplete_log(connection, tenant, task_id)
    photo_ids = await undoing.first_items(connection, task_id, MAX_ITEMS)
    deeds = await undoing.deeds_of_task(connection, tenant, task_id, photo_ids)
    unique = request.app[SETTINGS].library.unique_names
    undos = await undoing.planned_undos(connection, tenant, deeds, unique)
    moves = [undo.move for undo in undos.values() if undo.move is not None]
    names: dict[int, str] = {}
    for project_id, group in groupby(sorted(moves, key=_destination), key=_destination):
        wishes = [move.wish for move in group]
        for move in await planned_moves(connection, tenant, project_id, wishes, unique):
            names[move.photo.id] = move.filename
    undos |= await _untouched(connection, tenant, [photo_id for photo_id in photo_ids if photo_id not in undos])
    return [_view(undos[photo_id], names.get(photo_id)) for photo_id in photo_ids]


async def _untouched(connection: Connection, tenant: str, photo_ids: Sequence[int]) -> dict[int, Undo]:
    """Say of photos to which the task did nothing what they are called and where they lie."""
    photos = await catalogue_photos(connection, tenant, photo_ids)
    there = {photo.id: Undo(photo.id, photo.filename, photo.project_folder) for photo in photos.values()}
    return {photo_id: there.get(photo_id, Undo(photo_id)) for photo_id in photo_ids}


async def _of_project(connection: Connection, tenant: str, ask: Ask) -> list[PlannedUndo]:
    """Say which photos come back, or go again, with their project."""
    (project_id,) = ask.targets.project_ids
    if ask.definition.type == TASK_TYPE:
        photos = await removable_photos(connection, tenant, await photo_ids_after(connection, project_id, 0, MAX_ITEMS))
        what = "goes again with its project"
        return [_with_project(one.id, one.project_folder, one.filename, what) for one in photos.values()]
    folder = (await projects_of_tenant(connection, tenant, [project_id]))[project_id].folder
    what = "comes back with its project"
    left = await photos_left(connection, project_id, MAX_ITEMS)
    found = [_with_project(photo_id, folder, filename, what) for photo_id, filename in left]
    tasks, after = await deletion_tasks(connection, project_id), 0
    while len(found) < MAX_ITEMS and (portion := await next_removed(connection, tasks, project_id, after)):
        found += [_with_project(one.photo_id, folder, one.filename, what) for one in portion.photos]
        after = portion.seq
    return found[:MAX_ITEMS]


def _with_project(photo_id: int, folder: str, filename: str, what: str) -> PlannedUndo:
    return PlannedUndo(
        photo_id=photo_id, project_folder=folder, filename=filename, status="restores", what=[what], reason=None
    )


def _destination(move: MoveBack) -> int:
    return move.project.id


def _view(undo: Undo, filename: str | None) -> PlannedUndo:
    return PlannedUndo(
        photo_id=undo.photo_id,
        project_folder=undo.project_folder,
        filename=undo.filename,
        status=undo.status,
        what=list(told(undo, filename)),
        reason=" ".join(undo.refused) or None,
    )


ROUTES = [undo_task]
