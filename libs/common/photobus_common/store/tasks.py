"""Tasks, jobs and snapshots as callers see them: projections of the log, written by the orchestrator alone.

Rows come as JSON documents whose keys are the columns, many in one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter

from photobus_common.store.database import Connection

# `state` is the whole document of the fold's state; the other columns are those of its fields that are asked for.
SAVE_TASKS = """
INSERT INTO tasks AS t (
    id, tenant, type, scope, source, label, actor, status, state, items, done, failed, skipped,
    error_code, error, retry_of, undo_of, created_at, started_at, ended_at
)
SELECT r.id, r.tenant, r.type, r.scope, r.source, r.label, r.actor, r.status, document, r.items, r.done, r.failed,
    r.skipped, r.error_code, r.error, r.retry_of, r.undo_of, r.created_at, r.started_at, r.ended_at
FROM jsonb_array_elements($1::text::jsonb) AS document, jsonb_populate_record(NULL::tasks, document) AS r
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status, state = excluded.state, items = excluded.items, done = excluded.done,
    failed = excluded.failed, skipped = excluded.skipped, error_code = excluded.error_code, error = excluded.error,
    started_at = excluded.started_at, ended_at = excluded.ended_at
"""

SAVE_JOBS = """
INSERT INTO jobs AS j (
    id, tenant, task_id, step, index, job_type, service, lane, priority, over, first, count, status, attempt, dispatch,
    dispatched_at, progress_done, progress_total, done, failed, skipped, error_code, error, created_at, started_at,
    ended_at
)
SELECT id, tenant, task_id, step, index, job_type, service, lane, priority, over, first, count, status, attempt,
    dispatch, dispatched_at, progress_done, progress_total, done, failed, skipped, error_code, error, created_at,
    started_at, ended_at
FROM jsonb_populate_recordset(NULL::jobs, $1::text::jsonb)
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status, attempt = excluded.attempt, dispatch = excluded.dispatch,
    dispatched_at = excluded.dispatched_at, progress_done = excluded.progress_done,
    progress_total = excluded.progress_total, done = excluded.done, failed = excluded.failed,
    skipped = excluded.skipped, error_code = excluded.error_code, error = excluded.error,
    started_at = excluded.started_at, ended_at = excluded.ended_at
"""

ADD_TASK_ITEMS = """
INSERT INTO task_items (task_id, position, photo_id, project_id)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])
ON CONFLICT (task_id, position) DO NOTHING
"""

ADD_TASK_PROJECTS = """
INSERT INTO task_projects (task_id, project_id)
SELECT * FROM unnest($1::uuid[], $2::bigint[]) ON CONFLICT DO NOTHING
"""

ADD_PROJECTS_OF_ITEMS = """
INSERT INTO task_projects (task_id, project_id)
SELECT DISTINCT task_id, project_id FROM task_items WHERE task_id = ANY($1::uuid[]) ON CONFLICT DO NOTHING
"""

UNRESOLVED_TASKS = """
SELECT t.state::text FROM tasks t
WHERE t.ended_at IS NULL AND t.status = 'requested'
    AND NOT EXISTS (SELECT FROM target_resolutions r WHERE r.task_id = t.id)
ORDER BY t.created_at LIMIT $1
"""

CLAIM_RESOLUTION = "INSERT INTO target_resolutions (task_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING task_id"

# A claim that is settled for the present attempt has a result on its way; one that is held is alive by its heartbeat. A
# job that waits for persons has neither, and is commanded again by their answers.
UNATTENDED_JOBS = """
SELECT j.id, j.tenant, j.task_id, t.type AS task_type, t.scope, t.source, t.actor, j.job_type, j.service, j.lane,
    j.attempt, j.dispatch
FROM jobs j JOIN tasks t ON t.id = j.task_id
WHERE j.ended_at IS NULL AND j.status <> 'waiting' AND j.dispatched_at < now() - $1::interval
    AND NOT EXISTS (
        SELECT FROM job_claims c WHERE c.job_id = j.id AND c.attempt = j.attempt AND (
            c.state IN ('completed', 'failed')
            OR c.state = 'held' AND c.heartbeat_at BETWEEN now() - $2::interval AND now() + $2::interval
        )
    )
    AND NOT EXISTS (
        SELECT FROM outbox o WHERE o.kind = 'command' AND o.message_id = j.id || ':' || j.attempt || ':' || j.dispatch
    )
ORDER BY j.dispatched_at
"""


class JobRow(BaseModel):
    """One row of ``jobs``."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    tenant: str
    task_id: UUID
    step: int
    index: int
    job_type: str
    service: str
    lane: str
    priority: int
    over: str
    first: int
    count: int
    status: str
    attempt: int
    dispatch: int
    dispatched_at: datetime
    progress_done: int = 0
    progress_total: int | None = None
    done: int = 0
    failed: int = 0
    skipped: int = 0
    error_code: str | None = None
    error: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


_JOB_ROWS: Final = TypeAdapter(list[JobRow])


@dataclass(frozen=True)
class ItemRun:
    """Photos at consecutive positions of a task's snapshot, from ``first`` on."""

    task_id: UUID
    first: int
    photo_ids: tuple[int, ...]
    project_ids: tuple[int, ...]


@dataclass(frozen=True)
class UnattendedJob:
    """An open job that nobody holds and whose command is in no outbox; it may still be a message of the broker."""

    job_id: UUID
    tenant: str
    task_id: UUID
    task_type: str
    scope: str
    source: str
    actor: str
    job_type: str
    service: str
    lane: str
    attempt: int
    dispatch: int


async def save_tasks(connection: Connection, documents: Sequence[str]) -> None:
    """Write tasks, new or changed; each document is a JSON object whose keys include the columns."""
    await connection.execute(SAVE_TASKS, f"[{','.join(documents)}]")


async def save_jobs(connection: Connection, jobs: Sequence[JobRow]) -> None:
    """Write jobs, new or changed."""
    await connection.execute(SAVE_JOBS, _JOB_ROWS.dump_json(list(jobs), exclude_none=True).decode())


async def add_items(connection: Connection, runs: Sequence[ItemRun]) -> None:
    """Write parts of snapshots; a position that is there already stays as it is."""
    rows = [
        (run.task_id, position, photo, project)
        for run in runs
        for position, (photo, project) in enumerate(zip(run.photo_ids, run.project_ids, strict=True), start=run.first)
    ]
    if rows:
        await connection.execute(ADD_TASK_ITEMS, *map(list, zip(*rows, strict=True)))


async def copy_items(connection: Connection, run: ItemRun) -> None:
    """Write a part of a snapshot that is not there yet; the fast way for many photos."""
    positions = range(run.first, run.first + len(run.photo_ids))
    await connection.copy_records_to_table(
        "task_items",
        columns=("task_id", "position", "photo_id", "project_id"),
        records=[
            (run.task_id, position, photo, project)
            for position, photo, project in zip(positions, run.photo_ids, run.project_ids, strict=True)
        ],
    )


async def add_projects(connection: Connection, pairs: Sequence[tuple[UUID, int]]) -> None:
    """Note the projects that tasks were asked to work on as a whole, as (task, project)."""
    tasks, projects = zip(*pairs, strict=True)
    await connection.execute(ADD_TASK_PROJECTS, list(tasks), list(projects))


async def add_projects_of_items(connection: Connection, task_ids: Sequence[UUID]) -> None:
    """Let tasks with steps over projects work on every project that their snapshots touch."""
    await connection.execute(ADD_PROJECTS_OF_ITEMS, task_ids)


async def unresolved(connection: Connection, limit: int) -> list[str]:
    """Return the state documents of up to ``limit`` tasks that wait for their targets to be resolved, oldest first."""
    rows = await connection.fetch(UNRESOLVED_TASKS, limit)
    return [row["state"] for row in rows]


async def claim_resolution(connection: Connection, task_id: UUID) -> bool:
    """Take the right to resolve the targets of a task in this transaction; false when they were resolved before."""
    return await connection.fetchval(CLAIM_RESOLUTION, task_id) is not None


async def unattended_jobs(
    connection: Connection, dispatched_before: timedelta, stale_after: timedelta
) -> list[UnattendedJob]:
    """Return open jobs dispatched longer ago than ``dispatched_before`` without live claim, result or outbox row."""
    rows = await connection.fetch(UNATTENDED_JOBS, dispatched_before, stale_after)
    return [UnattendedJob(row["id"], *list(row.values())[1:]) for row in rows]
