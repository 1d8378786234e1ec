"""Jobs: of everything, of a project, one with its items; and the project's form of starting a task."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self
from uuid import UUID

from aiohttp import web
from pydantic import Field, model_validator

from photobus_common.config import MAX_ITEMS
from photobus_common.definitions import TaskDefinition
from photobus_common.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    NotProvidedError,
)
from photobus_common.events.tasks import Targets
from photobus_common.store import photo_pages, projects, task_views
from photobus_common.store.database import Connection
from photobus_common.store.task_views import BY_POSITION, NEWEST_JOBS, JobFilter
from photobus_common.task_requests import Ask
from photobus_gateway.callers import caller_of
from photobus_gateway.deleting import beside, refuse_parts
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError
from photobus_gateway.inputs import Filename, Input, PageQuery, ProjectPath, RowId, never_null, refuse_unless_one
from photobus_gateway.keys import DATABASE, SETTINGS
from photobus_gateway.named_photos import named_photos
from photobus_gateway.new_tasks import (
    SCAVENGE,
    checked_params,
    definition_for,
    deleted_targets,
    destination,
    photo_targets,
    unknown_targets,
)
from photobus_gateway.registry import route
from photobus_gateway.starting import TaskAnswer, start
from photobus_gateway.task_answers import (
    ItemList,
    ItemStatus,
    ItemView,
    JobDetail,
    JobList,
    JobStatus,
    item_summary,
    job_view,
)

ProjectTask = Literal[
    "upload_postprocess",
    "change_commit",
    "maintenance",
    "project_delete",
    "project_scavenge",
    "image_move",
    "generate_derivatives",
]


class ItemRef(Input):
    """A photo of the project: by its id, by its basename, or by the name of one of its files."""

    model_config = Input.model_config | {"json_schema_extra": {"minProperties": 1, "maxProperties": 1}}

    photo_id: RowId | None = Field(default=None, json_schema_extra=never_null)
    filename: Filename | None = Field(default=None, json_schema_extra=never_null)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        refuse_unless_one(self, "photo_id", "filename")
        return self


class NewProjectTask(Input):
    """A task on the project: on the given photos of it, or on all of it."""

    task_type: ProjectTask
    items: tuple[ItemRef, ...] = Field(default=(), max_length=MAX_ITEMS)
    filenames: tuple[Filename, ...] = Field(default=(), max_length=MAX_ITEMS)
    force: bool = Field(default=False, description="Make derivatives although they are up to date.")

    @property
    def names(self) -> list[str]:
        """The names among items and filenames, in that order."""
        return [*(item.filename for item in self.items if item.filename is not None), *self.filenames]

    @property
    def field_of_names(self) -> str:
        """Where a name that means no photo is told to stand."""
        return "items" if any(item.filename is not None for item in self.items) else "filenames"

    def photo_ids(self, named: Mapping[str, int]) -> list[int]:
        """Return the photos that items and filenames mean, in that order; ``named`` has those of the names."""
        items = [named.get(item.filename or "", item.photo_id) for item in self.items]
        return [photo_id for photo_id in (*items, *map(named.get, self.filenames)) if photo_id is not None]


class JobsQuery(PageQuery):
    """Which jobs; a repeated parameter means any of its values. ``type`` is a job type."""

    status: tuple[JobStatus, ...] = Field(default=(), max_length=10)
    type: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(default=(), max_length=50)


class AllJobsQuery(JobsQuery):
    """The same, and of which task."""

    task_id: UUID | None = None


class ItemsQuery(PageQuery):
    """Which items of the job."""

    status: ItemStatus | None = None


class JobPath(Input):
    """A path that names a job."""

    job_id: UUID


@route(
    "POST",
    "/api/projects/{folder}/jobs",
    role="editor",
    summary="Start a task on a project",
    response={202: TaskAnswer},
    errors=(ForbiddenError, NotFoundError, ConflictError, KeyReusedError, NotProvidedError),
)
async def create_project_task(
    request: web.Request, path: ProjectPath, headers: IdempotencyHeaders, body: NewProjectTask
) -> web.Response:
    """Start a task on some photos of the project, or on all of it when neither `items` nor `filenames` is given.

    For `image_move` the project is where photos go to, and those that are named may lie in any project.
    """
    named = len(body.items) + len(body.filenames)
    if named > MAX_ITEMS:
        message = f"items and filenames together are {named}; at most {MAX_ITEMS} are allowed"
        raise InvalidInputError(f"items: {message}", fields=(FieldError("items", message, MAX_ITEMS),))
    definition = definition_for(request, body.task_type, "task_type")
    moves = definition.type == "image_move"
    given = {"dest_folder": path.folder} if moves else {}
    params = checked_params(definition, {**given, "force": True} if body.force else given, place="")

    async def prepare(connection: Connection) -> Ask:
        tenant = caller_of(request).tenant
        if moves:
            return await _move_here(connection, request, definition, path.folder, body)
        if definition.type == SCAVENGE:
            _refuse_photos(body)
            return Ask(definition, await deleted_targets(connection, tenant, path.folder, "path.folder"))
        project_id = await _project_id(connection, tenant, path.folder)
        if named == 0:
            return Ask(definition, Targets(kind="projects", project_ids=(project_id,)), params)
        photo_ids = await _photo_ids(connection, project_id, body)
        ask = Ask(definition, await photo_targets(connection, tenant, photo_ids, "items", project_id), params)
        refuse_parts(ask, "items")
        return ask

    return await start(request, headers, body, prepare, beside=beside(definition.type))


@route("GET", "/api/projects/{folder}/jobs", role="viewer", summary="Jobs of a project", errors=(NotFoundError,))
async def list_project_jobs(request: web.Request, path: ProjectPath, query: JobsQuery) -> JobList:
    """List the jobs with a photo of the project among their items, or on the project as a whole, newest first."""
    async with request.app[DATABASE].connection() as connection:
        project_id = await _project_id(connection, caller_of(request).tenant, path.folder)
        return await _jobs(request, connection, query, JobFilter(query.status, query.type, project_id=project_id))


@route("GET", "/api/jobs", role="viewer", summary="List jobs")
async def list_jobs(request: web.Request, query: AllJobsQuery) -> JobList:
    """List all jobs, newest first."""
    async with request.app[DATABASE].connection() as connection:
        return await _jobs(request, connection, query, JobFilter(query.status, query.type, task_id=query.task_id))


@route("GET", "/api/jobs/{job_id}", role="viewer", summary="One job with its items", errors=(NotFoundError,))
async def show_job(request: web.Request, path: JobPath, query: ItemsQuery) -> JobDetail:
    """Show a job, its items counted by status, and a page of them; `status` picks those of one status."""
    limit = query.bounded(request)
    async with request.app[DATABASE].connection() as connection:
        row = await task_views.job_by_id(connection, caller_of(request).tenant, path.job_id)
        if row is None:
            raise NotFoundError(f"There is no job {path.job_id}.")
        counts = await task_views.summary_of_job(connection, path.job_id)
        page = await task_views.page_of_items(connection, path.job_id, query.status, query.start(BY_POSITION), limit)
    job = job_view(row)
    summary = item_summary(job, counts)
    items = ItemList(
        items=[ItemView(**item) for item in page.rows],
        total=summary.total if query.status is None else getattr(summary, query.status),
        next_cursor=page.next_cursor,
        prev_cursor=page.prev_cursor,
    )
    return JobDetail(job=job, items_summary=summary, items=items)


async def _project_id(connection: Connection, tenant: str, folder: str) -> int:
    found = await projects.ids_of_folders(connection, tenant, [folder])
    if folder not in found:
        message = f"There is no project in the folder {folder}."
        raise NotFoundError(message, fields=(FieldError("path.folder", message),))
    return found[folder]


def _refuse_photos(body: NewProjectTask) -> None:
    if body.items or body.filenames:
        message = f"{SCAVENGE} works on a whole deleted project: name no photos"
        raise InvalidInputError(f"items: {message}", fields=(FieldError("items", message),))


async def _photo_ids(connection: Connection, project_id: int, body: NewProjectTask) -> list[int]:
    """Return the photos of the project that items and filenames mean, in that order."""
    found = await photo_pages.photos_of_names(connection, project_id, body.names)
    unknown = [name for name, photo in found.items() if photo is None]
    if unknown:
        raise unknown_targets("filenames", body.field_of_names, unknown)
    return body.photo_ids({name: photo for name, photo in found.items() if photo is not None})


async def _move_here(
    connection: Connection, request: web.Request, definition: TaskDefinition, folder: str, body: NewProjectTask
) -> Ask:
    """Ask for the photos to be moved into the project in ``folder``."""
    tenant, uploader = caller_of(request).tenant, request.app[SETTINGS].uploader
    params = await destination(connection, tenant, folder, "path.folder")
    found = await named_photos(connection, tenant, body.names, uploader, body.field_of_names)
    photo_ids = body.photo_ids({name: photo.id for name, photo in found.items()})
    if not photo_ids:
        message = "name the photos that are to be moved here"
        raise InvalidInputError(f"items: {message}", fields=(FieldError("items", message),))
    return Ask(definition, await photo_targets(connection, tenant, photo_ids, "items"), params)


async def _jobs(request: web.Request, connection: Connection, query: JobsQuery, wanted: JobFilter) -> JobList:
    found = await task_views.page_of_jobs(
        connection, caller_of(request).tenant, wanted, query.start(NEWEST_JOBS), query.bounded(request)
    )
    return JobList(
        items=[job_view(row) for row in found.page.rows],
        total=found.total,
        total_exact=found.exact,
        next_cursor=found.page.next_cursor,
        prev_cursor=found.page.prev_cursor,
    )


ROUTES = [create_project_task, list_project_jobs, list_jobs, show_job]
