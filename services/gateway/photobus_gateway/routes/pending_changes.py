"""Pending deletions as a whole: what a commit would remove, and taking it back before that."""

from typing import Final, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from photobus_common.errors import NotFoundError
from photobus_common.events.tasks import Targets
from photobus_common.store import pending_changes, projects
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter
from photobus_common.task_requests import Ask
from photobus_gateway.callers import caller_of
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError
from photobus_gateway.inputs import Input, ProjectPath, never_null
from photobus_gateway.keys import DATABASE
from photobus_gateway.new_tasks import Folders, definition_for, filter_targets, photo_targets, unknown_targets
from photobus_gateway.plans import KeepPlan
from photobus_gateway.rate_limits import RateLimitedError, admit
from photobus_gateway.registry import route
from photobus_gateway.routes.tasks import PhotoRefs
from photobus_gateway.starting import TaskAnswer, start


class PendingOfProjectView(BaseModel):
    """How many files of each kind a commit would remove from one project."""

    project_id: int
    project_folder: str
    jpg: int
    raw: int
    other: int
    total: int


class PendingDeletes(BaseModel):
    """How many files of each kind a commit of everything would remove, and from which projects."""

    jpg: int
    raw: int
    other: int
    total: int
    by_project: list[PendingOfProjectView]


_PAIRS: Final = (["projects", "items"], ["projects", "filter"], ["items", "filter"])
_AT_MOST_ONE: Final[JsonDict] = {"not": {"anyOf": [{"required": list(pair)} for pair in _PAIRS]}}


class WhichChanges(Input):
    """Whose pending deletions: at most one of ``projects``, ``items``, ``filter``; none of them means all there are."""

    model_config = Input.model_config | ConfigDict(json_schema_extra=_AT_MOST_ONE)

    projects: Folders | None = Field(default=None, json_schema_extra=never_null)
    items: PhotoRefs | None = Field(default=None, json_schema_extra=never_null)
    filter: PhotoFilter | None = Field(default=None, json_schema_extra=never_null)
    dry_run: bool = Field(default=False, description="Answer 200 with what would be done, and do nothing.")

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        given = [getattr(self, name) for name in self.model_fields_set & {"projects", "items", "filter"}]
        if len(given) > 1 or None in given:
            raise ValueError("give at most one of projects, items, filter")
        return self


class DryRun(Input):
    """Whether it is meant."""

    dry_run: bool = Field(default=False, description="Answer 200 with what would be done, and do nothing.")


@route("GET", "/api/photos/pending-deletes", role="viewer", summary="What a commit would remove")
async def show_pending_deletes(request: web.Request) -> PendingDeletes:
    """Count the files that are no longer to be kept, by kind and by project."""
    async with request.app[DATABASE].connection() as connection:
        found = await pending_changes.count_pending_by_project(connection, caller_of(request).tenant)
    return PendingDeletes(
        jpg=sum(project.jpg for project in found),
        raw=sum(project.raw for project in found),
        other=sum(project.other for project in found),
        total=sum(project.total for project in found),
        by_project=[PendingOfProjectView.model_validate(project, from_attributes=True) for project in found],
    )


@route(
    "POST",
    "/api/photos/revert-changes",
    role="editor",
    summary="Keep again what is pending",
    response={202: TaskAnswer, 200: KeepPlan},
    errors=(NotFoundError, KeyReusedError, RateLimitedError),
)
async def revert_changes(request: web.Request, headers: IdempotencyHeaders, body: WhichChanges) -> web.Response:
    """Keep again every file that a commit would remove, in any projects, as one task. Nothing on disk changes."""
    await admit(request, "revert")
    return await _revert(request, headers, body, "projects")


@route(
    "POST",
    "/api/projects/{folder}/revert-changes",
    role="editor",
    summary="Keep again what is pending in a project",
    response={202: TaskAnswer, 200: KeepPlan},
    errors=(NotFoundError, KeyReusedError, RateLimitedError),
)
async def revert_project_changes(
    request: web.Request, path: ProjectPath, headers: IdempotencyHeaders, body: DryRun
) -> web.Response:
    """Keep again every file of the project that a commit would remove."""
    await admit(request, "revert")
    return await _revert(request, headers, WhichChanges(projects=(path.folder,), dry_run=body.dry_run), "path.folder")


async def _revert(request: web.Request, headers: IdempotencyHeaders, which: WhichChanges, field: str) -> web.Response:
    definition = definition_for(request, "change_revert")

    async def prepare(connection: Connection) -> Ask:
        return Ask(definition, await targets_of_changes(connection, caller_of(request).tenant, which, field), {})

    return await start(request, headers, which, prepare, dry_run=which.dry_run)


async def targets_of_changes(connection: Connection, tenant: str, which: WhichChanges, field: str) -> Targets:
    """Return the photos that are named, or whatever is pending; ``field`` is what named the projects by themselves."""
    if which.items is not None:
        return await photo_targets(connection, tenant, [item.photo_id for item in which.items], "items")
    wanted = which.filter or PhotoFilter(project_folders=which.projects or ())
    whole, folders = ("filter", "filter.project_folders") if which.filter else (field, field)
    known = await projects.ids_of_folders(connection, tenant, wanted.project_folders)
    unknown = [folder for folder in wanted.project_folders if folder not in known]
    if unknown:
        raise unknown_targets("project folders", folders, unknown)
    return filter_targets(wanted.model_copy(update={"pending_deletion": True}), whole)


ROUTES = [show_pending_deletes, revert_changes, revert_project_changes]
