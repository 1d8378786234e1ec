"""Runs of maintenance as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from photobus_common.events.parts import Scope, TaskSource
from photobus_common.store.findings import FindingKind
from photobus_gateway.remaining import remaining_seconds
from photobus_gateway.task_answers import JobStatus, TaskStatus, TaskView
from photobus_gateway.views import ListView

_FOREMOST: Final[tuple[JobStatus, ...]] = ("failed", "running", "retrying", "waiting", "queued", "canceled")
"""Which of its jobs' statuses is that of a step; if none of these, it is completed."""


class RunStep(BaseModel):
    """What one step of a run did, or has done so far: how many photos (or other things) it ``looked_at``.

    ``changed``, ``refused`` and ``reported`` count what the report's lines of that kind stand for. ``progress_total``
    and ``remaining_seconds`` are null while nobody can know.
    """

    step: int
    job_type: str
    status: JobStatus
    looked_at: int
    changed: int
    refused: int
    reported: int
    progress_done: int
    progress_total: int | None
    remaining_seconds: float | None
    started_at: datetime | None
    ended_at: datetime | None


class RunView(BaseModel):
    """A run of maintenance: its task, how long it took or has taken so far, and what its begun steps did.

    ``changed``, ``refused`` and ``reported`` are summed over the steps. ``task`` and ``lines`` are where more is told.
    """

    task_id: UUID
    type: str
    label: str
    scope: Scope
    status: TaskStatus
    source: TaskSource
    actor: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    error_code: str | None
    error: str | None
    changed: int
    refused: int
    reported: int
    steps: list[RunStep]
    task: str
    lines: str


class RunList(ListView):
    """A page of runs, newest first."""

    items: list[RunView]


class LineView(BaseModel):
    """A line of a report: something that was ``changed``, ``refused`` or is ``reported`` and left as it is.

    ``code`` is a stable word for what it is, ``reason`` says why in a sentence, ``subject`` names the file or folder.
    ``count`` is how many things the line stands for. ``event`` is where the event that tells of it is shown.
    """

    id: int
    kind: FindingKind
    code: str
    reason: str | None
    job_id: UUID
    job_type: str
    project_id: int | None
    project_folder: str | None
    subject: str | None
    photo_id: int | None
    count: int
    found_at: datetime
    event_id: UUID
    event: str


class LineList(ListView):
    """A page of lines, in the order in which they were written."""

    items: list[LineView]


def run_view(task: TaskView, rows: Sequence[asyncpg.Record], now: datetime) -> RunView:
    """Show a run as it is ``now``; ``rows`` are its begun steps."""
    steps = [_step(row, now) for row in rows]
    took = None if task.started_at is None else (task.ended_at or now) - task.started_at
    path = f"/api/maintenance/runs/{task.id}"
    return RunView(
        task_id=task.id,
        **task.model_dump(
            include={"type", "label", "scope", "status", "source", "actor", "created_at", "started_at", "ended_at"}
        ),
        duration_seconds=None if took is None else max(0.0, round(took.total_seconds(), 3)),
        error_code=task.error_code,
        error=task.error,
        changed=sum(step.changed for step in steps),
        refused=sum(step.refused for step in steps),
        reported=sum(step.reported for step in steps),
        steps=steps,
        task=f"/api/tasks/{task.id}",
        lines=f"{path}/lines",
    )


def line_view(row: asyncpg.Record) -> LineView:
    """Show a line."""
    return LineView(**row, event=f"/api/events/{row['event_id']}")


def _step(row: asyncpg.Record, now: datetime) -> RunStep:
    status = next((status for status in _FOREMOST if status in row["statuses"]), "completed")
    open_now = row["ended_at"] is None and status != "waiting"
    progress = (row["progress_done"], row["progress_total"], row["started_at"])
    return RunStep(**row, status=status, remaining_seconds=remaining_seconds(*progress, now) if open_now else None)
