"""Moving photos of any projects into one, as one task; or saying beforehand under which names they would lie there."""

from typing import Self

from aiohttp import web
from pydantic import ConfigDict, Field, model_validator

from photobus_common.errors import ConflictError, NotFoundError, NotProvidedError
from photobus_common.events.tasks import Targets
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter
from photobus_common.task_requests import Ask
from photobus_gateway.callers import caller_of
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError
from photobus_gateway.inputs import Folder, Input, never_null, one_of, refuse_unless_one
from photobus_gateway.new_tasks import (
    Folders,
    definition_for,
    destination,
    filter_targets,
    photo_targets,
    project_targets,
)
from photobus_gateway.plans import MovePlan
from photobus_gateway.registry import route
from photobus_gateway.routes.tasks import PhotoRefs
from photobus_gateway.starting import TaskAnswer, start


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

    return await start(request, headers, body, prepare, dry_run=body.dry_run)


async def _targets(connection: Connection, tenant: str, body: MovePhotos) -> Targets:
    if body.filter is not None:
        return filter_targets(body.filter, "filter")
    if body.projects is not None:
        return await project_targets(connection, tenant, body.projects, "projects")
    return await photo_targets(connection, tenant, [item.photo_id for item in body.items or ()], "items")


ROUTES = [move_photos]
