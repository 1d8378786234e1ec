"""From transitions to rows: what tasks, jobs and snapshots look like to callers, collected and written by batch."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from photobus_common.events import Event
from photobus_common.events.tasks import (
    JobCanceled,
    JobCompleted,
    JobEvent,
    JobFailed,
    TargetsResolved,
    TaskRequested,
    TaskStarted,
)
from photobus_common.store import tasks as store
from photobus_common.store.database import Connection
from photobus_common.store.tasks import ItemRun, JobRow
from photobus_orchestrator.domain.reaction import Transition
from photobus_orchestrator.domain.state import OpenJob, TaskState

_STATUS_OF_PHASE: Final = {"faulted": "retrying", "lost": "queued"}
"""Phases that callers never see, because the decision on them is in the same transaction."""


@dataclass
class Projection:
    """The rows that a batch of transitions changes, in their last form; the jobs that are open, with their tasks.

    The photos of ``TargetsResolved`` are written by the resolver in the transaction that says so, since a million rows
    would hold up the fold; only a replay takes them from the event (``with_resolved``).
    """

    with_resolved: bool = False
    tasks: dict[UUID, TaskState] = field(default_factory=dict)
    ended_jobs: dict[UUID, JobRow] = field(default_factory=dict)
    open_jobs: dict[UUID, UUID] = field(default_factory=dict)
    items: list[ItemRun] = field(default_factory=list)
    projects: list[tuple[UUID, int]] = field(default_factory=list)
    over_projects_of_items: list[UUID] = field(default_factory=list)

    def note(self, transition: Transition) -> None:
        """Take the rows that ``transition`` changes."""
        before, event, after = transition
        if self.with_resolved and isinstance(event.data, TargetsResolved):
            self.items.append(resolved_items(event.data))
        if after is before or not isinstance(after, TaskState):
            return
        self.tasks[after.id] = after
        if isinstance(event.data, JobEvent) and isinstance(before, TaskState):
            self._note_job(before, event, after, event.data.job_id)
        else:
            self._note_snapshot(after, event.data)

    def _note_job(self, before: TaskState, event: Event, after: TaskState, job_id: UUID) -> None:
        if job_id in after.open:
            self.open_jobs[job_id] = after.id
            return
        self.open_jobs.pop(job_id, None)
        row = job_row(before, before.open[job_id])
        self.ended_jobs[job_id] = row.model_copy(update=_end_of(event, row))

    def _note_snapshot(self, task: TaskState, data: Any) -> None:
        if isinstance(data, TaskRequested) and data.targets.kind == "photos":
            self.items.append(ItemRun(task.id, 0, data.targets.photo_ids, data.targets.project_ids))
        elif isinstance(data, TaskRequested):
            self.projects += [(task.id, project) for project in data.targets.project_ids]
        elif isinstance(data, TaskStarted) and task.items and any(step.over == "projects" for step in data.steps):
            self.over_projects_of_items.append(task.id)

    async def write(self, connection: Connection) -> None:
        """Write the rows, a statement for each table."""
        if self.tasks:
            await store.save_tasks(connection, [document(task) for task in self.tasks.values()])
        if jobs := self.job_rows():
            await store.save_jobs(connection, jobs)
        if self.items:
            await store.add_items(connection, self.items)
        if self.projects:
            await store.add_projects(connection, self.projects)
        if self.over_projects_of_items:
            await store.add_projects_of_items(connection, self.over_projects_of_items)

    def job_rows(self) -> list[JobRow]:
        """Return the rows of jobs, made at the end only: most jobs of a batch change several times in it, or end."""
        rows = list(self.ended_jobs.values())
        for job_id, task_id in self.open_jobs.items():
            task = self.tasks[task_id]
            if (job := task.open.get(job_id)) is not None:  # a log that lost events may end tasks before their jobs
                rows.append(job_row(task, job))
        return rows


def resolved_items(data: TargetsResolved) -> ItemRun:
    """Return the part of the snapshot that ``data`` tells of."""
    return ItemRun(data.task_id, data.first, data.photo_ids, data.project_ids)


def document(task: TaskState) -> str:
    """Return the state of ``task`` as it is stored."""
    return task.model_dump_json(exclude_none=True)


def job_row(task: TaskState, job: OpenJob) -> JobRow:
    """Return the row of an open job."""
    plan = task.steps[job.step]
    return JobRow(
        id=job.id,
        tenant=task.tenant,
        task_id=task.id,
        step=job.step,
        index=job.index,
        job_type=plan.job_type,
        service=plan.service,
        lane=plan.lane,
        priority=plan.priority,
        over=plan.over,
        first=job.first,
        count=job.count,
        status=_STATUS_OF_PHASE.get(job.phase, job.phase),
        attempt=job.attempt,
        dispatch=job.dispatch,
        dispatched_at=job.dispatched_at,
        progress_done=job.progress,
        progress_total=job.total,
        error_code=job.fault.code if job.fault else None,
        error=job.fault.reason if job.fault else None,
        created_at=job.created_at,
        started_at=job.started_at,
    )


def _end_of(event: Event, job: JobRow) -> dict[str, Any]:
    """Return the columns of ``job`` that ended by ``event``; one without items has done all that it counted."""
    data = event.data
    if isinstance(data, JobCompleted):
        counts = {"done": data.done, "failed": data.failed, "skipped": data.skipped}
        return {
            "status": "completed",
            "ended_at": event.time,
            "progress_done": sum(counts.values()) if job.count else job.progress_total or job.progress_done,
            "error_code": None,
            "error": None,
            **counts,
        }
    if isinstance(data, JobFailed):
        return {"status": "failed", "ended_at": event.time, "error_code": data.code, "error": data.reason}
    if isinstance(data, JobCanceled):
        return {"status": "canceled", "ended_at": event.time}
    raise AssertionError(f"{event.type} closes no job")
