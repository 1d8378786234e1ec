"""Tasks and jobs as callers read them: the projections, and the outbox for a task that is not folded yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from photobus_common.events import Event, decode
from photobus_common.events.tasks import TaskRequested
from photobus_common.store import keyset
from photobus_common.store.conditions import Conditions
from photobus_common.store.database import Connection
from photobus_common.store.event_log import event_payload
from photobus_common.store.keyset import Cursor, Page, Selection, Sort

COUNTED: Final = 10_000
"""Up to how many tasks or jobs are counted for the total of a list."""

TASK_COLUMNS: Final = """
    t.id, t.type, t.scope, t.source, t.label, t.actor, t.status, t.items, t.done, t.failed, t.skipped,
    t.error_code, t.error, t.retry_of, t.undo_of, t.created_at, t.started_at, t.ended_at
"""

# One statement, so that a task is seen in one of the two places also while it goes from one to the other.
TASK_OR_REQUEST: Final = f"""
SELECT {TASK_COLUMNS}, t.state -> 'steps' AS plan, o.payload AS request
FROM (SELECT $2::uuid AS id) AS asked
LEFT JOIN tasks t ON t.id = asked.id AND t.tenant = $1
LEFT JOIN outbox o ON o.id = asked.id AND o.tenant = $1 AND o.kind = 'event'
WHERE t.id IS NOT NULL OR o.id IS NOT NULL
"""  # noqa: S608  all constants

STEPS_OF_TASK: Final = """
SELECT step, job_type, priority, lane, service, over, status, count(*) AS jobs, sum(count) AS items, sum(done) AS done,
    sum(failed) AS failed, sum(skipped) AS skipped, sum(greatest(progress_done, done + failed + skipped)) AS progress,
    sum(CASE over WHEN 'items' THEN count ELSE progress_total END) AS total, min(started_at) AS started_at
FROM jobs WHERE task_id = $1 GROUP BY step, job_type, priority, lane, service, over, status ORDER BY step
"""

JOB_COLUMNS: Final = """
    j.id, j.task_id, t.type AS task_type, j.job_type, t.scope, t.source, j.step, j.index, j.service, j.lane, j.priority,
    j.over, j.count AS items, j.status, j.attempt, j.done, j.failed, j.skipped,
    greatest(j.progress_done, j.done + j.failed + j.skipped) AS progress_done,
    CASE j.over WHEN 'items' THEN j.count ELSE j.progress_total END AS progress_total, j.error_code, j.error,
    j.created_at, j.started_at, j.ended_at
"""

JOB_SOURCE: Final = "jobs j JOIN tasks t ON t.id = j.task_id"

JOB_BY_ID: Final = f"SELECT {JOB_COLUMNS}, j.first FROM {JOB_SOURCE} WHERE j.tenant = $1 AND j.id = $2"  # noqa: S608

# With an item of the project, or on the project as a whole.
OF_PROJECT: Final = """
CASE j.over
    WHEN 'items' THEN EXISTS (
        SELECT FROM task_items i
        WHERE i.project_id = {0} AND i.task_id = j.task_id AND i.position >= j.first AND i.position < j.first + j.count
    )
    WHEN 'projects' THEN EXISTS (
        SELECT FROM task_projects w WHERE w.task_id = j.task_id AND w.project_id = {0}
    )
    ELSE false
END
"""

SUMMARY_OF_JOB: Final = "SELECT status, count(*) AS items FROM job_items WHERE job_id = $1 GROUP BY status"

ITEM_STATUS: Final = "coalesce(o.status, CASE j.status WHEN 'canceled' THEN 'canceled' ELSE 'pending' END)"

ITEM_COLUMNS: Final = f"""
    i.position, i.photo_id, coalesce(p.project_id, i.project_id) AS project_id, pr.folder AS project_folder, p.filename,
    {ITEM_STATUS} AS status, o.reason, o.attempt, o.at
"""

ITEM_SOURCE: Final = """
    jobs j
    JOIN task_items i ON i.task_id = j.task_id AND i.position >= j.first AND i.position < j.first + j.count
    LEFT JOIN job_items o ON o.job_id = j.id AND o.position = i.position
    LEFT JOIN photos p ON p.id = i.photo_id
    LEFT JOIN projects pr ON pr.id = coalesce(p.project_id, i.project_id)
"""

NEWEST_TASKS: Final = Sort("created_at", "t.created_at", "t.id", keyset.timestamp, keyset.uuid, descending=True)
NEWEST_JOBS: Final = Sort("created_at", "j.created_at", "j.id", keyset.timestamp, keyset.uuid, descending=True)
BY_POSITION: Final = Sort("position", "i.position", "i.photo_id", keyset.number, keyset.number, descending=False)


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks are listed; empty means any."""

    statuses: Sequence[str] = ()
    types: Sequence[str] = ()


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are listed; empty means any. ``project_id``: jobs with an item of it, or on it as a whole."""

    statuses: Sequence[str] = ()
    types: Sequence[str] = ()
    task_id: UUID | None = None
    project_id: int | None = None


@dataclass(frozen=True)
class CountedPage:
    """A page and the length of the whole list, which is exact unless it is ``COUNTED`` or more."""

    page: Page
    total: int
    exact: bool


async def task_or_request(connection: Connection, tenant: str, task_id: UUID) -> asyncpg.Record | Event | None:
    """Return the task's row, or its ``TaskRequested`` if it is not folded yet, or None if there is no such task."""
    row = await connection.fetchrow(TASK_OR_REQUEST, tenant, task_id)
    if row is None or row["id"] is not None:
        return row
    return _request_in(row["request"])


async def request_of_task(connection: Connection, tenant: str, task_id: UUID) -> Event | None:
    """Return the event by which the task was asked for, however long ago."""
    payload = await event_payload(connection, tenant, task_id)
    return None if payload is None else _request_in(payload)


async def steps_of_task(connection: Connection, task_id: UUID) -> Sequence[asyncpg.Record]:
    """Return the jobs made so far, counted by step and status."""
    return list(await connection.fetch(STEPS_OF_TASK, task_id))


async def page_of_tasks(
    connection: Connection, tenant: str, wanted: TaskFilter, cursor: Cursor | None, limit: int
) -> CountedPage:
    """Return a page of the tenant's tasks, newest first."""
    where = Conditions()
    where.add("t.tenant = {}", tenant)
    where.add_any("t.status", wanted.statuses)
    where.add_any("t.type", wanted.types)
    selection = _selection(TASK_COLUMNS, "tasks t", where, NEWEST_TASKS)
    return await _counted_page(connection, selection, NEWEST_TASKS, cursor, limit)


async def page_of_jobs(
    connection: Connection, tenant: str, wanted: JobFilter, cursor: Cursor | None, limit: int
) -> CountedPage:
    """Return a page of the tenant's jobs, newest first."""
    where = Conditions()
    where.add("j.tenant = {}", tenant)
    where.add_any("j.status", wanted.statuses)
    where.add_any("j.job_type", wanted.types)
    if wanted.task_id is not None:
        where.add("j.task_id = {}", wanted.task_id)
    if wanted.project_id is not None:
        where.add(OF_PROJECT, wanted.project_id)
    selection = _selection(JOB_COLUMNS, JOB_SOURCE, where, NEWEST_JOBS)
    return await _counted_page(connection, selection, NEWEST_JOBS, cursor, limit)


async def job_by_id(connection: Connection, tenant: str, job_id: UUID) -> asyncpg.Record | None:
    """Return one job."""
    return await connection.fetchrow(JOB_BY_ID, tenant, job_id)


async def summary_of_job(connection: Connection, job_id: UUID) -> dict[str, int]:
    """Return how many items of the job have each outcome; those without one are in none."""
    return {row["status"]: row["items"] for row in await connection.fetch(SUMMARY_OF_JOB, job_id)}


async def page_of_items(
    connection: Connection, job_id: UUID, status: str | None, cursor: Cursor | None, limit: int
) -> Page:
    """Return a page of the job's items, in the order of the task's snapshot, those of one status if asked for."""
    where = Conditions()
    where.add("j.id = {}", job_id)
    if status is not None:
        where.add(f"{ITEM_STATUS} = {{}}", status)
    selection = _selection(ITEM_COLUMNS, ITEM_SOURCE, where, BY_POSITION)
    return await keyset.read_page(connection, selection, BY_POSITION, cursor, limit)


def _selection(columns: str, source: str, where: Conditions, sort: Sort) -> Selection:
    keys = f"{sort.column} AS sort_key, {sort.tie} AS sort_tie"
    return Selection(f"{columns}, {keys}", source, where.sql, where.params)


async def _counted_page(
    connection: Connection, selection: Selection, sort: Sort, cursor: Cursor | None, limit: int
) -> CountedPage:
    page = await keyset.read_page(connection, selection, sort, cursor, limit)
    total, exact = await keyset.bounded_count(connection, selection, COUNTED)
    return CountedPage(page, total, exact)


def _request_in(payload: bytes | str) -> Event | None:
    """Return the event if it asks for a task; any other event may have been named by its id."""
    event = decode(payload)
    return event if isinstance(event.data, TaskRequested) else None
