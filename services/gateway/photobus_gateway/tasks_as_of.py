"""Tasks as they stood at a place in the log, shown as those of the present are."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import asyncpg

from photobus_common.definitions import Definitions
from photobus_common.store import keyset
from photobus_common.store.confirmations import Confirmation
from photobus_common.store.database import Connection
from photobus_common.store.history import BY_SEQUENCE
from photobus_common.store.keyset import Cursor
from photobus_common.store.task_history import logs_of_tasks, page_of_tasks_as_of, tasks_as_of
from photobus_common.store.task_views import TaskFilter
from photobus_common.task_history import (
    CONFIRMING,
    PROGRESS,
    TOLD,
    TYPES,
    JobThen,
    Logged,
    TaskThen,
    open_confirmations,
    task_as_of,
)
from photobus_gateway.confirmation_views import SHOWN_WITH_TASK
from photobus_gateway.task_answers import ENDED, TaskDetail, TaskList, TaskView, task_detail

LOOKED_THROUGH: Final = 500
"""How many tasks are looked at for a page of those that had one of some statuses."""

_OF_LIST: Final = [word for word in TOLD if word not in PROGRESS]

_SHOWN: Final = frozenset(TaskView.model_fields) & {column.name for column in fields(TaskThen)}


async def list_as_of(
    connection: Connection, tenant: str, wanted: TaskFilter, seq: int, start: Cursor | None, limit: int
) -> TaskList:
    """Return a page of the tasks that had been asked for, the last one first.

    Which status they had is known by their events alone: a page of some statuses may hold fewer than there are, and
    all tasks are counted, whatever their status.
    """
    selection = tasks_as_of(tenant, wanted.types, seq)
    window = max(limit, LOOKED_THROUGH) if wanted.statuses else limit
    page, total, exact = await page_of_tasks_as_of(connection, selection, start, window)
    task_ids = [row["id"] for row in page.rows]
    logs = await logs_of_tasks(connection, tenant, task_ids, TYPES, _OF_LIST)
    then = await asyncio.to_thread(_reduced, logs, seq)
    matching = {task.id for task in then if not wanted.statuses or task.status in wanted.statuses}
    backward = start is not None and start.backward
    page = keyset.shorten(page, _within(page.rows, matching, limit, backward=backward), BY_SEQUENCE, start)
    shown = {task.id: task for task in then}
    return TaskList(
        items=[_view(shown[row["id"]]) for row in page.rows if row["id"] in matching],
        total=total,
        total_exact=exact and not wanted.statuses,
        next_cursor=page.next_cursor,
        prev_cursor=page.prev_cursor,
    )


async def show_as_of(
    connection: Connection, definitions: Definitions, tenant: str, task_id: UUID, seq: int
) -> TaskDetail | None:
    """Return the task with its steps, or None where it had not been asked for."""
    types = [*TYPES, *CONFIRMING]
    log = (await logs_of_tasks(connection, tenant, [task_id], types, [*TOLD, *CONFIRMING]))[task_id]
    task = await asyncio.to_thread(task_as_of, log, seq)
    if task is None:
        return None
    plan = [step.model_dump() for step in task.steps]
    asked = [] if task.status in ENDED else list(_asked(tenant, log, seq))[:SHOWN_WITH_TASK]
    return task_detail(_view(task), definitions.get(task.type), plan, _counted(task.jobs.values()), asked)


def _reduced(logs: Mapping[UUID, Sequence[Logged]], seq: int) -> list[TaskThen]:
    return [task for log in logs.values() if (task := task_as_of(log, seq)) is not None]


def _within(
    rows: Sequence[asyncpg.Record], matching: set[UUID], limit: int, *, backward: bool
) -> Sequence[asyncpg.Record]:
    """Return the rows from where the page starts up to the one that matches as the last of ``limit``."""
    found = 0
    for number, row in enumerate(reversed(rows) if backward else rows, start=1):
        found += row["id"] in matching
        if found == limit:
            return rows[-number:] if backward else rows[:number]
    return rows


def _view(task: TaskThen) -> TaskView:
    return TaskView(**{name: getattr(task, name) for name in _SHOWN})


def _counted(jobs: Iterable[JobThen]) -> Iterator[dict[str, Any]]:
    """Yield the jobs, counted by step and status, as ``task_detail`` takes them."""
    ordered = sorted(jobs, key=lambda job: (job.step, job.status))
    for (step, status), group in groupby(ordered, key=lambda job: (job.step, job.status)):
        same = list(group)
        yield {
            "step": step,
            "status": status,
            "jobs": len(same),
            "done": sum(job.done for job in same),
            "failed": sum(job.failed for job in same),
            "skipped": sum(job.skipped for job in same),
            "progress": sum(max(job.progress, job.done + job.failed + job.skipped) for job in same),
            "total": None,
            "started_at": None,  # how much longer it takes is nothing to guess of what is past
        }


def _asked(tenant: str, log: Sequence[Logged], seq: int) -> Iterator[Confirmation]:
    for when, data in open_confirmations(log, seq):
        yield Confirmation(
            id=data.confirmation_id,
            tenant=tenant,
            **data.model_dump(exclude={"confirmation_id"}),
            status="open",
            requested_at=when,
            answered_at=None,
            answered_by=None,
            applied_at=None,
        )
