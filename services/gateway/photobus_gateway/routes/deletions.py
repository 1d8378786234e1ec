"""Deleting projects."""

from aiohttp import web
from pydantic import Field

from photobus_common.errors import NotFoundError, NotProvidedError
from photobus_common.store.database import Connection
from photobus_common.task_requests import Ask
from photobus_gateway.callers import caller_of
from photobus_gateway.deleting import TASK_TYPE, archive
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError
from photobus_gateway.inputs import Input, ProjectPath
from photobus_gateway.new_tasks import definition_for, project_targets
from photobus_gateway.plans import DeletionPlan
from photobus_gateway.registry import route
from photobus_gateway.starting import TaskAnswer, start


class DeletionQuery(Input):
    """Whether to do it."""

    dry_run: bool = Field(default=False, description="Answer 200 with what would be done, and do nothing.")


@route(
    "DELETE",
    "/api/projects/{folder}",
    role="admin",
    summary="Delete a project",
    response={202: TaskAnswer, 200: DeletionPlan},
    errors=(NotFoundError, KeyReusedError, NotProvidedError),
)
async def delete_project(
    request: web.Request, path: ProjectPath, query: DeletionQuery, headers: IdempotencyHeaders
) -> web.Response:
    """Delete the project: it is gone at once, its folder goes to the library's trash, its photos leave the catalogue.

    As long as the folder is in the trash, an undo of the task brings all of it back.
    """
    definition = definition_for(request, TASK_TYPE)
    tenant = caller_of(request).tenant

    async def prepare(connection: Connection) -> Ask:
        return Ask(definition, await project_targets(connection, tenant, [path.folder], "path.folder"))

    return await start(request, headers, path, prepare, dry_run=query.dry_run, beside=archive)


ROUTES = [delete_project]
