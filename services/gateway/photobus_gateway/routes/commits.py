"""Committing pending deletions: files that are no longer to be kept go to the trash, in any projects, as one task."""

from aiohttp import web

from photobus_common.errors import NotFoundError, NotProvidedError
from photobus_common.store.database import Connection
from photobus_common.task_requests import Ask
from photobus_gateway.callers import caller_of
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError
from photobus_gateway.inputs import ProjectPath
from photobus_gateway.new_tasks import definition_for
from photobus_gateway.plans import CommitPlan
from photobus_gateway.rate_limits import RateLimitedError, admit
from photobus_gateway.registry import route
from photobus_gateway.routes.pending_changes import DryRun, WhichChanges, targets_of_changes
from photobus_gateway.starting import TaskAnswer, start


@route(
    "POST",
    "/api/photos/commit-changes",
    role="editor",
    summary="Commit pending deletions",
    response={202: TaskAnswer, 200: CommitPlan},
    errors=(NotFoundError, KeyReusedError, RateLimitedError, NotProvidedError),
)
async def commit_changes(request: web.Request, headers: IdempotencyHeaders, body: WhichChanges) -> web.Response:
    """Move to the trash every file that is no longer to be kept, in any projects, as one task."""
    await admit(request, "commit")
    return await _commit(request, headers, body, "change_commit_all", "projects")


@route(
    "POST",
    "/api/projects/{folder}/commit-changes",
    role="editor",
    summary="Commit pending deletions of a project",
    response={202: TaskAnswer, 200: CommitPlan},
    errors=(NotFoundError, KeyReusedError, RateLimitedError, NotProvidedError),
)
async def commit_project_changes(
    request: web.Request, path: ProjectPath, headers: IdempotencyHeaders, body: DryRun
) -> web.Response:
    """Move to the trash every file of the project that is no longer to be kept."""
    await admit(request, "commit")
    which = WhichChanges(projects=(path.folder,), dry_run=body.dry_run)
    return await _commit(request, headers, which, "change_commit", "path.folder")


async def _commit(
    request: web.Request, headers: IdempotencyHeaders, which: WhichChanges, task_type: str, field: str
) -> web.Response:
    definition = definition_for(request, task_type)
    tenant = caller_of(request).tenant

    async def prepare(connection: Connection) -> Ask:
        return Ask(definition, await targets_of_changes(connection, tenant, which, field), {})

    return await start(request, headers, which, prepare, dry_run=which.dry_run)


ROUTES = [commit_changes, commit_project_changes]
