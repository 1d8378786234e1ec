"""History: what happened to a photo, to a project, in a task, as the log tells it."""

from typing import Final

from aiohttp import web
from pydantic import Field

from photobus_common.errors import FieldError, NotFoundError
from photobus_common.store import history
from photobus_common.store.history import Place
from photobus_common.store.task_views import task_or_request
from photobus_gateway.callers import caller_of
from photobus_gateway.history_views import History, ProjectHistory, shown
from photobus_gateway.inputs import PageQuery, ProjectPath, RowId
from photobus_gateway.keys import DATABASE
from photobus_gateway.registry import route
from photobus_gateway.routes.photos import Order, PhotoPath
from photobus_gateway.routes.tasks import TaskPath, unknown_task

ORDER: Final = "By place in the log: `desc` has the newest event first, `asc` the oldest."


class HistoryQuery(PageQuery):
    """Which page of a history."""

    order: Order = Field(default="desc", description=ORDER)

    def place(self, request: web.Request) -> Place:
        """Return the page that is asked for."""
        return Place(self.cursor, self.bounded(request), self.order == "desc")


class ProjectHistoryQuery(HistoryQuery):
    """Which page, and of which project if several have had the folder."""

    project_id: RowId | None = Field(
        default=None,
        description="One of the projects that have or had the folder; by default the one that has it, or had it last.",
    )


class TaskEventsQuery(HistoryQuery):
    """Which page of a task's events, which begin with the request unless asked otherwise."""

    order: Order = Field(default="asc", description=ORDER)


@route(
    "GET", "/api/photos/{photo_id}/history", role="viewer", summary="What happened to a photo", errors=(NotFoundError,)
)
async def show_photo_history(request: web.Request, path: PhotoPath, query: HistoryQuery) -> History:
    """Show what happened to a photo, newest first, in all projects that it lay in, also if it is there no more.

    Events show as soon as they are in the archive, which is usually within a second.
    """
    tenant, place = caller_of(request).tenant, query.place(request)
    async with request.app[DATABASE].connection() as connection:
        page = await history.history_of_photo(connection, tenant, path.photo_id, place)
        if not page.events and not await history.knows_photo(connection, tenant, path.photo_id):
            message = f"There never was a photo {path.photo_id}."
            raise NotFoundError(message, fields=(FieldError("path.photo_id", message),))
        return History(**await shown(connection, tenant, page, path.photo_id))


@route(
    "GET",
    "/api/projects/{folder}/history",
    role="viewer",
    summary="What happened to a project",
    errors=(NotFoundError,),
)
async def show_project_history(request: web.Request, path: ProjectPath, query: ProjectHistoryQuery) -> ProjectHistory:
    """Show what happened to a project and its photos, newest first: those included that came from it, or left it.

    If no project has the folder now, it is the one that had it last, be it renamed, deleted or gone for good.
    """
    tenant, place = caller_of(request).tenant, query.place(request)
    async with request.app[DATABASE].connection() as connection:
        known = await history.projects_of_folder(connection, tenant, path.folder)
        project_id = _chosen(known, path.folder, query.project_id)
        page = await history.history_of_project(connection, project_id, place)
        told = await shown(connection, tenant, page)
    return ProjectHistory(**told, project_id=project_id, project_ids=known)


@route("GET", "/api/tasks/{task_id}/events", role="viewer", summary="What happened in a task", errors=(NotFoundError,))
async def list_task_events(request: web.Request, path: TaskPath, query: TaskEventsQuery) -> History:
    """Show what a task went through and what it did to projects and photos, beginning with its request."""
    tenant, place = caller_of(request).tenant, query.place(request)
    async with request.app[DATABASE].connection() as connection:
        page = await history.events_of_task(connection, tenant, path.task_id, place)
        if not page.events and await task_or_request(connection, tenant, path.task_id) is None:
            raise unknown_task(path.task_id)
        return History(**await shown(connection, tenant, page))


def _chosen(known: list[int], folder: str, wanted: int | None) -> int:
    if not known:
        raise NotFoundError(f"There never was a project in the folder {folder}.")
    if wanted is None:
        return known[0]
    if wanted not in known:
        message = f"The project {wanted} never had the folder {folder}."
        raise NotFoundError(message, fields=(FieldError("query.project_id", message),))
    return wanted


ROUTES = [show_photo_history, show_project_history, list_task_events]
