"""Moving photos of any projects into one, as one task; or saying beforehand under which names they would lie there."""

from typing import Literal, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from photobus_common.config import MAX_ITEMS
from photobus_common.errors import ConflictError, NotFoundError, NotProvidedError
from photobus_common.events.tasks import Targets
from photobus_common.moving import Move, Wish
from photobus_common.removal import RemovablePhoto
from photobus_common.store import photo_pages
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter
from photobus_common.store.moves import planned_moves
from photobus_common.store.removals import removable_photos
from photobus_common.task_requests import Ask
from photobus_gateway.callers import caller_of
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError
from photobus_gateway.inputs import Folder, Input, never_null, one_of, refuse_unless_one
from photobus_gateway.keys import SETTINGS
from photobus_gateway.new_tasks import (
    Folders,
    definition_for,
    destination,
    filter_targets,
    photo_targets,
    project_targets,
)
from photobus_gateway.registry import route
from photobus_gateway.routes.tasks import PhotoRefs
from photobus_gateway.starting import TaskAnswer, TaskPlan, start


class MovePhotos(Input):
    """Photos, by exactly one of ``items``, ``filter``, ``projects``, that move into the project of ``dest_folder``."""

    model_config = Input.model_config | ConfigDict(json_schema_extra=one_of("items", "filter", "projects"))

    items: PhotoRefs | None = Field(default=None, json_schema_extra=never_null)
    filter: PhotoFilter | None = Field(default=None, json_schema_extra=never_null)
    projects: Folders | None = Field(default=None, json_schema_extra=never_null)
    dest_folder: Folder
    dry_run: bool = Field(default=False, description="Answer 200 with what would be done, and do nothing.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        refuse_unless_one(self, "items", "filter", "projects")
        return self


class PlannedFile(BaseModel):
    """A file, and its name at the destination."""

    name: str
    new_name: str


class PlannedMove(BaseModel):
    """What a move would do to one photo. ``reason`` says why it stays, or why it gets another name."""

    photo_id: int
    project_folder: str
    filename: str
    new_filename: str | None
    status: Literal["moves", "stays"]
    reason: str | None
    files: list[PlannedFile]


class MovePlan(TaskPlan):
    """What a move would be: of the first 2,000 of its photos, each for itself."""

    dest_folder: str
    items: list[PlannedMove]


@route(
    "POST",
    "/api/photos/move",
    role="editor",
    summary="Move photos into a project",
    response={202: TaskAnswer, 200: MovePlan},
    errors=(NotFoundError, ConflictError, KeyReusedError, NotProvidedError),
)
async def move_photos(request: web.Request, headers: IdempotencyHeaders, body: MovePhotos) -> web.Response:
    """Move photos of any projects, with all their files, into one project, as one task.

    Nothing is replaced there: a photo whose name is taken is called `name (2)`. One that lies there already stays.
    """
    definition = definition_for(request, "image_move")
    tenant = caller_of(request).tenant

    async def prepare(connection: Connection) -> Ask:
        params = await destination(connection, tenant, body.dest_folder, "dest_folder")
        return Ask(definition, await _targets(connection, tenant, body), params)

    async def detail(connection: Connection, ask: Ask, plan: TaskPlan) -> TaskPlan:
        items = await _planned(connection, request, body, ask)
        return MovePlan(**plan.model_dump(), dest_folder=body.dest_folder, items=items)

    return await start(request, headers, body, prepare, dry_run=body.dry_run, detail=detail)


async def _targets(connection: Connection, tenant: str, body: MovePhotos) -> Targets:
    if body.filter is not None:
        return filter_targets(body.filter, "filter")
    if body.projects is not None:
        return await project_targets(connection, tenant, body.projects, "projects")
    return await photo_targets(connection, tenant, [item.photo_id for item in body.items or ()], "items")


async def _planned(connection: Connection, request: web.Request, body: MovePhotos, ask: Ask) -> list[PlannedMove]:
    """Plan as the worker does, with what the rows say now."""
    tenant, dest_id = caller_of(request).tenant, ask.params["dest_project_id"]
    photo_ids = list(ask.targets.photo_ids)
    if body.items is None:
        wanted = body.filter or PhotoFilter(project_folders=body.projects or ())
        photo_ids = await photo_pages.first_photo_ids(connection, tenant, wanted, MAX_ITEMS)
    found = await removable_photos(connection, tenant, photo_ids)
    photos = [found[photo_id] for photo_id in photo_ids if photo_id in found]
    wishes = [Wish(photo, photo.filename) for photo in photos if photo.project_id != dest_id]
    unique = request.app[SETTINGS].library.unique_names
    moves = {move.photo.id: move for move in await planned_moves(connection, tenant, dest_id, wishes, unique)}
    return [_view(photo, moves.get(photo.id)) for photo in photos]


def _view(photo: RemovablePhoto, move: Move | None) -> PlannedMove:
    reason = "It lies there already." if move is None else "Its name is taken there." if move.is_numbered else None
    files = () if move is None else move.files
    return PlannedMove(
        photo_id=photo.id,
        project_folder=photo.project_folder,
        filename=photo.filename,
        new_filename=None if move is None else move.filename,
        status="stays" if move is None else "moves",
        reason=reason,
        files=[PlannedFile(name=file.name, new_name=new_name) for file, new_name in files],
    )


ROUTES = [move_photos]
