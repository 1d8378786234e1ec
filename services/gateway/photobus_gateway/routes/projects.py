"""Projects: made, listed, shown."""

from datetime import datetime
from http import HTTPStatus
from typing import Final, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from photobus_common.errors import ConflictError, NotFoundError, StorageUnavailableError
from photobus_common.store import projects
from photobus_common.store.projects import SORTS, ProjectSort
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_gateway.callers import caller_of, origin_of
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError, Outcome, once
from photobus_gateway.inputs import Input, PageQuery, ProjectPath
from photobus_gateway.keys import DATABASE, LIBRARY
from photobus_gateway.new_projects import create
from photobus_gateway.rate_limits import RateLimitedError, admit
from photobus_gateway.registry import route
from photobus_gateway.renaming import follow_in_manifest, rename
from photobus_gateway.views import ListView

READABLE: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$"
"""A name holds something that can be read, and no control characters."""


class NewProject(Input):
    """What a project is called; a name that is taken becomes `name (2)`, `name (3)` and so on."""

    name: str = Field(min_length=1, max_length=200, pattern=READABLE)


class NewName(Input):
    """What a project is to be called."""

    new_name: str = Field(min_length=1, max_length=200, pattern=READABLE)


class ProjectView(BaseModel):
    """A project; ``photos`` counts them."""

    id: int
    name: str
    folder: str
    status: Literal["active", "canceled"]
    photos: int
    version: int
    created_at: datetime
    updated_at: datetime


class ProjectList(ListView):
    """A page of projects."""

    items: list[ProjectView]


class ProjectsQuery(PageQuery):
    """In which order."""

    sort: ProjectSort = "name"
    order: Literal["asc", "desc"] | None = Field(default=None, description="By default A to Z, or newest first.")


@route(
    "POST",
    "/api/projects",
    role="editor",
    summary="Make a project",
    response={201: ProjectView},
    errors=(ConflictError, StorageUnavailableError),
)
async def create_project(request: web.Request, headers: IdempotencyHeaders, body: NewProject) -> web.Response:
    """Make a project with its folder and manifest. The folder is named after it, as file systems can hold it."""

    async def make(work: UnitOfWork) -> Outcome:
        caller = caller_of(request)
        library = request.app[LIBRARY].tenant(caller.tenant, caller.library_id)
        row = await create(work, origin_of(request), library, body.name.strip())
        return Outcome(HTTPStatus.CREATED, ProjectView(**row))

    return await once(request, headers, body, make)


@route("GET", "/api/projects", role="viewer", summary="List projects")
async def list_projects(request: web.Request, query: ProjectsQuery) -> ProjectList:
    """List the active projects."""
    tenant = caller_of(request).tenant
    sort = SORTS[query.sort]
    if query.order is not None:
        sort = sort.directed(query.order == "desc")
    async with request.app[DATABASE].connection() as connection:
        page = await projects.page_of_projects(connection, tenant, sort, query.start(sort), query.bounded(request))
        total = await projects.count_active(connection, tenant)
    return ProjectList(
        items=[ProjectView(**row) for row in page.rows],
        total=total,
        next_cursor=page.next_cursor,
        prev_cursor=page.prev_cursor,
    )


@route("GET", "/api/projects/{folder}", role="viewer", summary="One project", errors=(NotFoundError,))
async def show_project(request: web.Request, path: ProjectPath) -> ProjectView:
    """Show the active project in the folder."""
    async with request.app[DATABASE].connection() as connection:
        row = await projects.project_of_folder(connection, caller_of(request).tenant, path.folder)
    if row is None:
        raise NotFoundError(f"There is no project in the folder {path.folder}.")
    return ProjectView(**row)


@route(
    "PATCH",
    "/api/projects/{folder}/rename",
    role="editor",
    summary="Rename a project",
    response=ProjectView,
    errors=(NotFoundError, ConflictError, KeyReusedError, RateLimitedError),
)
async def rename_project(
    request: web.Request, path: ProjectPath, headers: IdempotencyHeaders, body: NewName
) -> web.Response:
    """Give the project another name at once; its folder gets it with the next alignment (`folder_renamed`)."""
    await admit(request, "rename")
    renamed: list[int] = []

    async def act(work: UnitOfWork) -> Outcome:
        row = await rename(work, origin_of(request), path.folder, body.new_name.strip())
        renamed.append(row["id"])
        return Outcome(HTTPStatus.OK, ProjectView(**row))

    answer = await once(request, headers, body, act)
    caller = caller_of(request)
    library = request.app[LIBRARY].tenant(caller.tenant, caller.library_id)
    for project_id in renamed:
        await follow_in_manifest(request.app[DATABASE], library, project_id, path.folder)
    return answer


ROUTES = [create_project, list_projects, show_project, rename_project]
