"""Committing pending deletions: files that are no longer to be kept go to the trash, in any projects, as one task."""

from aiohttp import web
from pydantic import BaseModel

from photobus_common.config import MAX_ITEMS
from photobus_common.errors import NotFoundError, NotProvidedError
from photobus_common.removal import DerivativesFate, RemovablePhoto, plan_removal
from photobus_common.store import photo_pages
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter
from photobus_common.store.removals import removable_photos
from photobus_common.task_requests import Ask
from photobus_gateway.callers import caller_of
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError
from photobus_gateway.inputs import ProjectPath
from photobus_gateway.new_tasks import definition_for
from photobus_gateway.rate_limits import RateLimitedError, admit
from photobus_gateway.registry import route
from photobus_gateway.routes.pending_changes import DryRun, WhichChanges, targets_of_changes
from photobus_gateway.starting import TaskAnswer, TaskPlan, start


class PlannedRemoval(BaseModel):
    """What a commit would do to one photo: files that go to the trash, whether the photo goes, its derivatives."""

    photo_id: int
    project_folder: str
    filename: str
    removes: list[str]
    photo_goes: bool
    derivatives: DerivativesFate


class CommitPlan(TaskPlan):
    """What a commit would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedRemoval]


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

    async def detail(connection: Connection, ask: Ask, plan: TaskPlan) -> TaskPlan:
        return CommitPlan(**plan.model_dump(), items=await _planned(connection, tenant, ask))

    return await start(request, headers, which, prepare, dry_run=which.dry_run, detail=detail)


async def _planned(connection: Connection, tenant: str, ask: Ask) -> list[PlannedRemoval]:
    """Plan as the worker does, with what the rows say now."""
    targets = ask.targets
    if targets.kind == "photos":
        photo_ids = list(targets.photo_ids)
    else:
        wanted = PhotoFilter.model_validate(targets.filter)
        photo_ids = await photo_pages.first_photo_ids(connection, tenant, wanted, MAX_ITEMS)
    photos = await removable_photos(connection, tenant, photo_ids)
    return [_view(photos[photo_id]) for photo_id in photo_ids if photo_id in photos]


def _view(photo: RemovablePhoto) -> PlannedRemoval:
    plan = plan_removal(photo)
    return PlannedRemoval(
        photo_id=photo.id,
        project_folder=photo.project_folder,
        filename=photo.filename,
        removes=[file.name for file in plan.going] if plan else [],
        photo_goes=plan is not None and plan.aftermath.photo_goes,
        derivatives=plan.aftermath.derivatives if plan else "kept",
    )


ROUTES = [commit_changes, commit_project_changes]
