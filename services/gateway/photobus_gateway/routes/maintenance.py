"""Runs of maintenance: what they looked at, changed, refused, and why."""

from typing import Annotated
from uuid import UUID

import asyncpg
from aiohttp import web
from pydantic import Field

from photobus_common.definitions import Definitions
from photobus_common.errors import NotFoundError
from photobus_common.events import Event
from photobus_common.events.origin import now
from photobus_common.storable import STORABLE
from photobus_common.store import maintenance_runs as runs
from photobus_common.store import task_views
from photobus_common.store.database import Connection
from photobus_common.store.findings import FindingKind
from photobus_common.store.maintenance_runs import LineFilter
from photobus_common.store.task_views import NEWEST_TASKS, TaskFilter
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import Input, PageQuery
from photobus_gateway.keys import DATABASE, DEFINITIONS
from photobus_gateway.registry import route
from photobus_gateway.routes.tasks import unknown_task
from photobus_gateway.run_views import LineList, RunList, RunView, line_view, run_view
from photobus_gateway.task_answers import TaskStatus, TaskView, task_of_request

Word = Annotated[str, Field(min_length=1, max_length=100, pattern=STORABLE)]


class RunsQuery(PageQuery):
    """Which runs; a repeated parameter means any of its values. ``type`` is a task type."""

    status: tuple[TaskStatus, ...] = Field(default=(), max_length=10)
    type: tuple[Word, ...] = Field(default=(), max_length=50)


class LinesQuery(PageQuery):
    """Which lines; a repeated parameter means any of its values."""

    kind: tuple[FindingKind, ...] = Field(default=(), max_length=3)
    code: tuple[Word, ...] = Field(default=(), max_length=50)
    job_type: tuple[Word, ...] = Field(default=(), max_length=50)


class RunPath(Input):
    """A path that names a run by its task."""

    task_id: UUID


@route("GET", "/api/maintenance/runs", role="viewer", summary="Runs of maintenance")
async def list_runs(request: web.Request, query: RunsQuery) -> RunList:
    """List the runs of maintenance, newest first: tasks every step of which looks after the library.

    Those are the tasks that the schedules start, and the same for a project; not commits or uploads, though some of
    their steps are the same.
    """
    types = [name for name in _run_types(request.app[DEFINITIONS]) if not query.type or name in query.type]
    async with request.app[DATABASE].connection() as connection:
        wanted = TaskFilter(query.status, types or ("none of these",))
        start_at = query.start(NEWEST_TASKS)
        found = await task_views.page_of_tasks(
            connection, caller_of(request).tenant, wanted, start_at, query.bounded(request)
        )
        items = await _runs(connection, [TaskView(**row) for row in found.page.rows])
    return RunList(
        items=items,
        total=found.total,
        total_exact=found.exact,
        next_cursor=found.page.next_cursor,
        prev_cursor=found.page.prev_cursor,
    )


@route("GET", "/api/maintenance/runs/{task_id}", role="viewer", summary="One run", errors=(NotFoundError,))
async def show_run(request: web.Request, path: RunPath) -> RunView:
    """Show what the steps of a run did, from the moment that its task was accepted. Any task may be named."""
    async with request.app[DATABASE].connection() as connection:
        [run] = await _runs(connection, [await _task(connection, caller_of(request).tenant, path.task_id)])
    return run


@route(
    "GET",
    "/api/maintenance/runs/{task_id}/lines",
    role="viewer",
    summary="Report of a run",
    errors=(NotFoundError,),
)
async def list_lines(request: web.Request, path: RunPath, query: LinesQuery) -> LineList:
    """List the lines of a run's report, each with the event that tells of it. They are kept for a time only."""
    tenant, limit = caller_of(request).tenant, query.bounded(request)
    wanted = LineFilter(query.kind, query.code, query.job_type)
    async with request.app[DATABASE].connection() as connection:
        await _task(connection, tenant, path.task_id)
        found = await runs.page_of_lines(connection, tenant, path.task_id, wanted, query.start(runs.BY_AGE), limit)
    return LineList(
        items=[line_view(row) for row in found.page.rows],
        total=found.total,
        total_exact=found.exact,
        next_cursor=found.page.next_cursor,
        prev_cursor=found.page.prev_cursor,
    )


def _run_types(definitions: Definitions) -> list[str]:
    return [definition.type for definition in definitions.values() if definition.is_upkeep]


async def _runs(connection: Connection, tasks: list[TaskView]) -> list[RunView]:
    steps: dict[UUID, list[asyncpg.Record]] = {task.id: [] for task in tasks}
    for row in await runs.steps_of_runs(connection, list(steps)):
        steps[row["task_id"]].append(row)
    moment = now()
    return [run_view(task, steps[task.id], moment) for task in tasks]


async def _task(connection: Connection, tenant: str, task_id: UUID) -> TaskView:
    found = await task_views.task_or_request(connection, tenant, task_id)
    if found is None:
        raise unknown_task(task_id)
    return task_of_request(found) if isinstance(found, Event) else TaskView(**found)


ROUTES = [list_runs, show_run, list_lines]
