"""How a task stood when the log had come to a place: the lifecycle events of one task, reduced to what callers see.

Pure. What the orchestrator decides because of a fact counts with the fact, as it does there, wherever in the log the
decision came to lie: so at each place this is what the rows said that were folded up to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID, uuid5

from photobus_common.events import Event
from photobus_common.events.confirmations import (
    ConfirmationAnswered,
    ConfirmationExpired,
    ConfirmationRequested,
    JobWaiting,
)
from photobus_common.events.parts import Scope, TaskSource
from photobus_common.events.tasks import (
    JobAttemptFailed,
    JobCanceled,
    JobCompleted,
    JobEvent,
    JobFailed,
    JobHandedBack,
    JobLost,
    JobProgress,
    JobQueued,
    JobStarted,
    StepPlan,
    TargetsResolved,
    TargetsUnresolvable,
    TaskCanceled,
    TaskCancelRequested,
    TaskCompleted,
    TaskEvent,
    TaskFailed,
    TaskRequested,
    TaskStarted,
)

Status = Literal["requested", "running", "waiting", "completed", "completed_with_errors", "failed", "canceled"]
JobStatus = Literal["queued", "running", "retrying", "waiting", "completed", "failed", "canceled"]

JOB_ENDS: Final[frozenset[JobStatus]] = frozenset({"completed", "failed", "canceled"})
TASK_ENDS: Final[frozenset[Status]] = frozenset({"completed", "completed_with_errors", "failed", "canceled"})


class Logged(NamedTuple):
    """An event of a task with its place in the log; None stands for one of which only the place is known."""

    seq: int
    id: UUID
    event: Event | None


@dataclass(frozen=True)
class JobThen:
    """A job as it stood; ``count`` items are its own, 0 for one over projects or the library."""

    step: int
    count: int
    attempt: int
    dispatch: int
    status: JobStatus
    started_at: datetime | None = None
    progress: int = 0
    total: int | None = None
    done: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def open(self) -> bool:
        """Whether it had not ended."""
        return self.status not in JOB_ENDS

    @property
    def waits_for_worker(self) -> JobStatus:
        """How a job is called that no worker has."""
        return "queued" if self.attempt == 1 else "retrying"


@dataclass(frozen=True)
class TaskThen:
    """A task as it stood; the counts are of items over all its steps."""

    id: UUID
    type: str
    scope: Scope
    source: TaskSource
    label: str
    actor: str
    created_at: datetime
    retry_of: UUID | None = None
    undo_of: UUID | None = None
    status: Status = "requested"
    items: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    error_code: str | None = None
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    steps: Sequence[StepPlan] = ()
    jobs: Mapping[UUID, JobThen] = field(default_factory=dict)
    stop_asked: TaskCancelRequested | None = None


def task_as_of(log: Iterable[Logged], seq: int) -> TaskThen | None:
    """Return the task of ``log`` when the log had come to ``seq``; None where it had not been asked for.

    ``log`` holds the events of one task in the log's order, those after ``seq`` included: what was decided because of
    the last facts before it lies behind it.
    """
    task: TaskThen | None = None
    for event in _in_effect(log, seq):
        if task is None:
            task = _requested(event, event.data) if isinstance(event.data, TaskRequested) else None
        elif task.status not in TASK_ENDS and (change := CHANGES.get(type(event.data))):
            task = change(task, event.data, event)
    return task


def open_confirmations(log: Iterable[Logged], seq: int) -> list[tuple[datetime, ConfirmationRequested]]:
    """Return what an open task waited for when the log had come to ``seq``, each with the time when it was asked."""
    asked: dict[UUID, tuple[datetime, ConfirmationRequested]] = {}
    for entry in log:
        if entry.seq > seq or entry.event is None:
            continue
        data = entry.event.data
        if isinstance(data, ConfirmationRequested):
            asked[data.confirmation_id] = (entry.event.time, data)
        elif isinstance(data, ConfirmationAnswered | ConfirmationExpired):
            asked.pop(data.confirmation_id, None)
    return list(asked.values())


def _in_effect(log: Iterable[Logged], seq: int) -> Iterator[Event]:
    """Yield the facts up to ``seq`` in order, and after each what was decided because of it."""
    entries = list(log)
    decided = {entry.id: entry.event for entry in entries if entry.event and type(entry.event.data) in DECISIONS}
    for entry in entries:
        if entry.seq > seq or entry.id in decided:
            continue
        if entry.event is not None:
            yield entry.event
        number = 0
        while (decision := decided.get(uuid5(entry.id, str(number)))) is not None:
            yield decision
            number += 1


def _requested(event: Event, data: TaskRequested) -> TaskThen:
    return TaskThen(
        id=data.task_id,
        type=data.task_type,
        scope=data.scope,
        source=data.source,
        label=data.label,
        actor=event.actor,
        created_at=event.time,
        retry_of=data.retry_of,
        undo_of=data.undo_of,
        items=len(data.targets.photo_ids),
    )


# --- the task -------------------------------------------------------------------------------------------------------


def _start(task: TaskThen, data: TaskStarted, event: Event) -> TaskThen:
    return replace(task, status="running", started_at=event.time, items=data.items, steps=data.steps)


def _ask_to_stop(task: TaskThen, data: TaskCancelRequested, _event: Event) -> TaskThen:
    return replace(task, stop_asked=data)


def _complete(task: TaskThen, data: TaskCompleted, event: Event) -> TaskThen:
    return replace(task, status="completed_with_errors" if data.failed else "completed", ended_at=event.time)


def _fail(task: TaskThen, data: TaskFailed, event: Event) -> TaskThen:
    return replace(task, status="failed", ended_at=event.time, error_code=data.code, error=data.reason)


def _cancel(task: TaskThen, _data: TaskCanceled, event: Event) -> TaskThen:
    ended, why = replace(task, status="canceled", ended_at=event.time), task.stop_asked
    if why is None or why.code is None:
        return ended
    return replace(ended, error_code=why.code, error=why.reason or "")


# --- its jobs -------------------------------------------------------------------------------------------------------


def _queue_job(task: TaskThen, data: JobQueued, _event: Event) -> TaskThen:
    known = task.jobs.get(data.job_id)
    job = known or JobThen(data.step, data.count, data.attempt, data.dispatch, "queued")
    job = replace(job, attempt=data.attempt, dispatch=data.dispatch)
    return _with_job(task, data, replace(job, status=job.waits_for_worker))


def _start_job(task: TaskThen, data: JobStarted, event: Event) -> TaskThen:
    job = _of_attempt(task, data)
    if job is None or job.status != job.waits_for_worker:
        return task
    begun = replace(job, started_at=job.started_at or event.time, progress=max(job.progress, data.done))
    return _with_job(task, data, replace(begun, status="running"))


def _progress_job(task: TaskThen, data: JobProgress, _event: Event) -> TaskThen:
    job = _of_attempt(task, data)
    if job is None or data.done <= job.progress:
        return task
    return _with_job(task, data, replace(job, progress=data.done, total=None if job.count else data.total))


def _hand_back_job(task: TaskThen, data: JobHandedBack, _event: Event) -> TaskThen:
    job = _of_attempt(task, data)
    if job is None or job.status != "running":
        return task
    return _with_job(task, data, replace(job, status=job.waits_for_worker))


def _let_job_wait(task: TaskThen, data: JobWaiting, _event: Event) -> TaskThen:
    job = _of_attempt(task, data)
    if job is None or job.dispatch != data.dispatch:
        return task
    return _with_job(task, data, replace(job, status="waiting"))


def _complete_job(task: TaskThen, data: JobCompleted, _event: Event) -> TaskThen:
    job = task.jobs.get(data.job_id)
    if job is None or not job.open:
        return task
    progress = data.done + data.failed + data.skipped if job.count else job.total or job.progress
    ended = replace(job, status="completed", progress=progress)
    with_job = _with_job(task, data, replace(ended, done=data.done, failed=data.failed, skipped=data.skipped))
    done, failed, skipped = task.done + data.done, task.failed + data.failed, task.skipped + data.skipped
    return replace(with_job, done=done, failed=failed, skipped=skipped)


def _fail_job(task: TaskThen, data: JobFailed, _event: Event) -> TaskThen:
    return _end_job(task, data, "failed")


def _cancel_job(task: TaskThen, data: JobCanceled, _event: Event) -> TaskThen:
    return _end_job(task, data, "canceled")


def _end_job(task: TaskThen, data: JobEvent, status: JobStatus) -> TaskThen:
    job = task.jobs.get(data.job_id)
    return task if job is None else _with_job(task, data, replace(job, status=status))


def _of_attempt(task: TaskThen, data: JobEvent) -> JobThen | None:
    """Return the job if it is open, in the attempt that the event tells of."""
    job = task.jobs.get(data.job_id)
    return job if job is not None and job.open and job.attempt == data.attempt else None


def _with_job(task: TaskThen, data: JobEvent, job: JobThen) -> TaskThen:
    """Return the task with the job so; as long as one of them waits for persons, so does the task."""
    jobs = {**task.jobs, data.job_id: job}
    waits = any(one.status == "waiting" for one in jobs.values())
    return replace(task, jobs=jobs, status="waiting" if waits else "running")


DECISIONS: Final[Mapping[type[Any], Callable[[TaskThen, Any, Event], TaskThen]]] = {
    TaskStarted: _start,
    TaskCompleted: _complete,
    TaskFailed: _fail,
    TaskCanceled: _cancel,
    JobQueued: _queue_job,
    JobFailed: _fail_job,
    JobCanceled: _cancel_job,
}
"""What the orchestrator decides; the id of each follows from that of the fact that it is because of."""

CHANGES: Final[Mapping[type[Any], Callable[[TaskThen, Any, Event], TaskThen]]] = {
    **DECISIONS,
    TaskCancelRequested: _ask_to_stop,
    JobStarted: _start_job,
    JobProgress: _progress_job,
    JobHandedBack: _hand_back_job,
    JobWaiting: _let_job_wait,
    JobCompleted: _complete_job,
}
"""What each event changes, but for ``TaskRequested``, which begins a task."""

LEADING: Final[frozenset[type[TaskEvent]]] = frozenset(
    {
        TargetsResolved,
        TargetsUnresolvable,
        JobAttemptFailed,
        JobLost,
        ConfirmationAnswered,
        ConfirmationExpired,
    }
)
"""Facts that change nothing of what is reduced here, but lead to decisions that do."""

TYPES: Final[tuple[str, ...]] = (TaskRequested.TYPE, *(model.TYPE for model in (*CHANGES, *LEADING)))
"""The events of a task that ``task_as_of`` wants to know of."""

TOLD: Final[tuple[str, ...]] = (TaskRequested.TYPE, *(model.TYPE for model in CHANGES))
"""Those of them of which it wants to know all; of the others, and of ``PROGRESS`` in lists, the place is enough."""

CONFIRMING: Final[tuple[str, ...]] = (ConfirmationRequested.TYPE, ConfirmationAnswered.TYPE, ConfirmationExpired.TYPE)
"""What ``open_confirmations`` wants to know."""

PROGRESS: Final[frozenset[str]] = frozenset(model.TYPE for model in (JobStarted, JobProgress, JobHandedBack))
"""What says how far jobs are, and nothing of their task."""
