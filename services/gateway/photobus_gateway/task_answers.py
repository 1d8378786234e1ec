"""Tasks and jobs as the API shows them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from photobus_common.definitions import TaskDefinition
from photobus_common.events import Event
from photobus_common.events.origin import now
from photobus_common.events.parts import Scope, TaskSource
from photobus_common.store.confirmations import Confirmation
from photobus_gateway.confirmation_views import ConfirmationView, confirmation_view
from photobus_gateway.remaining import remaining_seconds
from photobus_gateway.starting import requested
from photobus_gateway.views import ListView

TaskStatus = Literal["requested", "running", "waiting", "completed", "completed_with_errors", "failed", "canceled"]
JobStatus = Literal["queued", "running", "retrying", "waiting", "completed", "failed", "canceled"]
ItemStatus = Literal["pending", "done", "failed", "skipped", "canceled"]

ENDED: frozenset[str] = frozenset({"completed", "completed_with_errors", "failed", "canceled"})


Counted = asyncpg.Record | Mapping[str, Any]
"""How many jobs of a step have one status, and what became of their items (``task_views.steps_of_task``)."""


class TaskView(BaseModel):
    """A task. ``items`` counts its photos; ``done``, ``failed`` and ``skipped`` count items over all its steps.

    Items canceled because their project was deleted count as ``skipped``; a job says which they are.
    """

    id: UUID
    type: str
    scope: Scope
    status: TaskStatus
    source: TaskSource
    label: str
    actor: str
    items: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    error_code: str | None = None
    error: str | None = None
    retry_of: UUID | None = None
    undo_of: UUID | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class StepView(BaseModel):
    """One step of a task. ``jobs`` is null until the task has started; ``jobs_by_status`` counts those made so far.

    ``progress_done`` of ``progress_total`` counts items, or jobs for a step that works on projects or the library.
    ``remaining_seconds`` is how much longer the step takes if it goes on as it did; null while nobody can know.
    """

    step: int
    type: str
    priority: int
    service: str
    over: Literal["items", "projects", "library"]
    jobs: int | None
    jobs_by_status: dict[JobStatus, int]
    done: int
    failed: int
    skipped: int
    progress_done: int
    progress_total: int
    remaining_seconds: float | None


class TaskDetail(TaskView):
    """A task with its steps, and its progress summed over them; ``confirmations`` are those that it waits for.

    ``remaining_seconds`` is that of its last step: what earlier steps take says nothing of the later ones.
    """

    progress_done: int
    progress_total: int
    remaining_seconds: float | None
    steps: list[StepView]
    confirmations: list[ConfirmationView]


class TaskList(ListView):
    """A page of tasks, newest first."""

    items: list[TaskView]


class JobView(BaseModel):
    """A job: one step of a task over ``items`` photos of it (0: over projects or the library).

    ``progress_total`` counts its photos; over projects or the library it is null until the job has said how many there
    are. ``remaining_seconds`` is how much longer it takes if it goes on as it did; null while nobody can know.
    """

    id: UUID
    task_id: UUID
    task_type: str
    job_type: str
    scope: Scope
    source: TaskSource
    step: int
    index: int
    service: str
    lane: Literal["priority", "normal"]
    priority: int
    over: Literal["items", "projects", "library"]
    items: int
    status: JobStatus
    attempt: int
    progress_done: int
    progress_total: int | None
    remaining_seconds: float | None
    done: int
    failed: int
    skipped: int
    error_code: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class JobList(ListView):
    """A page of jobs, newest first."""

    items: list[JobView]


class ItemView(BaseModel):
    """One photo of a job and what became of it; ``project_folder`` and ``filename`` are null once it is gone."""

    position: int
    photo_id: int
    project_id: int
    project_folder: str | None
    filename: str | None
    status: ItemStatus
    reason: str | None
    attempt: int | None
    at: datetime | None


class ItemSummary(BaseModel):
    """How many items of a job have which status."""

    total: int
    pending: int
    done: int
    failed: int
    skipped: int
    canceled: int


class ItemList(ListView):
    """A page of a job's items, in the order of the task's snapshot."""

    items: list[ItemView]


class JobDetail(BaseModel):
    """A job, its items counted, and a page of them."""

    job: JobView
    items_summary: ItemSummary
    items: ItemList


def task_of_request(event: Event) -> TaskView:
    """Show a task that the orchestrator has not seen yet."""
    data, task = requested(event)
    return TaskView(
        **task.model_dump(exclude={"job_count"}), actor=event.actor, retry_of=data.retry_of, undo_of=data.undo_of
    )


def task_detail(
    view: TaskView,
    definition: TaskDefinition | None,
    plan: Sequence[dict[str, Any]] | None,
    counted: Iterable[Counted],
    asked: Iterable[Confirmation] = (),
) -> TaskDetail:
    """Show a task with its steps: as planned when it started, or as its definition has them until then."""
    rows = list(counted)
    outline = list(plan or []) or _outline(definition)
    steps = [_step(view, number, step, _rows_of(number, rows)) for number, step in enumerate(outline)]
    return TaskDetail(
        **view.model_dump(),
        progress_done=sum(step.progress_done for step in steps),
        progress_total=sum(step.progress_total for step in steps),
        remaining_seconds=steps[-1].remaining_seconds if steps else None,
        steps=steps,
        confirmations=[confirmation_view(one) for one in asked],
    )


def job_view(row: asyncpg.Record) -> JobView:
    """Show a job."""
    progress = (row["progress_done"], row["progress_total"], row["started_at"])
    rest = None if row["ended_at"] or row["status"] == "waiting" else remaining_seconds(*progress, now())
    return JobView(**row, remaining_seconds=rest)


def item_summary(job: JobView, counts: dict[str, int]) -> ItemSummary:
    """Count the items of a job; those without an outcome are pending, or canceled with the job.

    Items are canceled one by one too, when their project is deleted.
    """
    open_items = max(0, job.items - sum(counts.values()))
    with_job = open_items if job.status == "canceled" else 0
    return ItemSummary(
        total=job.items,
        pending=open_items - with_job,
        done=counts.get("done", 0),
        failed=counts.get("failed", 0),
        skipped=counts.get("skipped", 0),
        canceled=counts.get("canceled", 0) + with_job,
    )


def _outline(definition: TaskDefinition | None) -> list[dict[str, Any]]:
    if definition is None:
        return []
    return [
        {"job_type": step.type, "priority": step.priority, "service": step.service, "over": step.over, "jobs": None}
        for step in definition.steps
    ]


def _rows_of(step: int, rows: Iterable[Counted]) -> list[Counted]:
    return [row for row in rows if row["step"] == step]


def _rest(view: TaskView, rows: Sequence[Counted], *, by_items: bool) -> float | None:
    """Guess how much longer a step takes, by the photos of its jobs."""
    started = [row["started_at"] for row in rows if row["started_at"] is not None]
    counted = [row["total"] for row in rows if row["total"] is not None]
    if view.status != "running" or not started or not counted or all(row["status"] in ENDED for row in rows):
        return None
    done = sum(int(row["progress"]) for row in rows)
    return remaining_seconds(done, view.items if by_items else int(sum(counted)), min(started), now())


def _step(view: TaskView, number: int, planned: dict[str, Any], rows: Sequence[Counted]) -> StepView:
    by_items = planned["over"] == "items"
    by_status: dict[JobStatus, int] = {row["status"]: row["jobs"] for row in rows}
    ended = sum(count for status, count in by_status.items() if status in ENDED)
    progress = sum(int(row["progress"]) for row in rows)
    return StepView(
        step=number,
        type=planned["job_type"],
        priority=planned["priority"],
        service=planned["service"],
        over=planned["over"],
        jobs=planned["jobs"],
        jobs_by_status=by_status,
        done=sum(int(row["done"]) for row in rows),
        failed=sum(int(row["failed"]) for row in rows),
        skipped=sum(int(row["skipped"]) for row in rows),
        progress_done=progress if by_items else ended,
        progress_total=view.items if by_items else planned["jobs"] or 0,
        remaining_seconds=_rest(view, rows, by_items=by_items),
    )
