"""What each event makes of the state of its task. Total: in a state where an event means nothing, nothing changes.

The state that comes back is the very same object when nothing changed, which is how a recorded no-op is known.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

from photobus_common.events import Event
from photobus_common.events.confirmations import ConfirmationAnswered, ConfirmationExpired, JobWaiting
from photobus_common.events.tasks import (
    JobAttemptFailed,
    JobCanceled,
    JobCompleted,
    JobFailed,
    JobHandedBack,
    JobLost,
    JobProgress,
    JobQueued,
    JobStarted,
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
from photobus_orchestrator.domain.state import Fault, NotRequested, OpenJob, State, TaskState, TaskStatus

DataT = TypeVar("DataT", bound=TaskEvent)
Change = Callable[[TaskState, Any, Event], TaskState]


def evolve(state: State, event: Event) -> State:
    """Return the state after ``event``, which belongs to the same task."""
    if isinstance(state, NotRequested):
        return _announce(state, event)
    change = CHANGES.get(type(event.data))
    if change is None or state.ended:
        return state
    return change(state, event.data, event)


def _announce(state: NotRequested, event: Event) -> State:
    data = event.data
    if isinstance(data, TaskCancelRequested) and not state.cancel_requested:
        return state.but(cancel_requested=True)
    if not isinstance(data, TaskRequested):
        return state
    targets = data.targets
    explicit = targets.kind == "photos"
    return TaskState(
        id=data.task_id,
        tenant=event.tenant,
        type=data.task_type,
        scope=data.scope,
        source=data.source,
        label=data.label,
        actor=event.actor,
        items=len(targets.photo_ids),
        retry_of=data.retry_of,
        undo_of=data.undo_of,
        created_at=event.time,
        params=data.params,
        cancel_requested=state.cancel_requested,
        targets=None if explicit else targets,
        projects=bool(targets.project_ids) or targets.kind == "all",
    )


# --- the task -------------------------------------------------------------------------------------------------------


def _take_part(state: TaskState, data: TargetsResolved, event: Event) -> TaskState:
    del event
    if state.targets is None or data.part in state.parts_seen:
        return state
    if len(state.parts_seen) + 1 < data.parts:
        return state.but(parts_seen=(*state.parts_seen, data.part))
    return state.but(targets=None, parts_seen=(), items=data.total, projects=state.projects or data.total > 0)


def _refuse_targets(state: TaskState, data: TargetsUnresolvable, event: Event) -> TaskState:
    del event
    if state.targets is None:
        return state
    return state.but(fault=Fault(code=data.code, reason=data.reason))


def _start(state: TaskState, data: TaskStarted, event: Event) -> TaskState:
    if state.status != "requested":
        return state
    return state.but(status="running", started_at=event.time, items=data.items, steps=data.steps, targets=None)


def _request_cancel(state: TaskState, data: TaskCancelRequested, event: Event) -> TaskState:
    del event
    if state.cancel_requested:
        return state
    fault = None if data.code is None else Fault(code=data.code, reason=data.reason or "")
    return state.but(cancel_requested=True, cancel_fault=fault)


def _complete(state: TaskState, data: TaskCompleted, event: Event) -> TaskState:
    return _end(state, event, "completed_with_errors" if data.failed else "completed")


def _fail(state: TaskState, data: TaskFailed, event: Event) -> TaskState:
    return _end(state, event, "failed", error_code=data.code, error=data.reason)


def _cancel(state: TaskState, data: TaskCanceled, event: Event) -> TaskState:
    del data
    if state.cancel_fault is None:
        return _end(state, event, "canceled")
    return _end(state, event, "canceled", error_code=state.cancel_fault.code, error=state.cancel_fault.reason)


def _end(state: TaskState, event: Event, status: TaskStatus, **changes: str) -> TaskState:
    return state.but(status=status, ended_at=event.time, targets=None, parts_seen=(), open={}, **changes)


# --- its jobs -------------------------------------------------------------------------------------------------------


def _queue_job(state: TaskState, data: JobQueued, event: Event) -> TaskState:
    job = state.open.get(data.job_id)
    if job is not None:
        return _queue_again(state, job, data, event)
    at_next = (data.step, data.index) == (state.step, state.next_index)
    at_later_step = data.step > state.step and data.index == 0 and not state.open
    if state.status not in ("running", "waiting") or not (at_next or at_later_step):
        return state
    opened = OpenJob(
        id=data.job_id,
        step=data.step,
        index=data.index,
        first=data.first,
        count=data.count,
        attempt=data.attempt,
        dispatch=data.dispatch,
        phase="queued",
        created_at=event.time,
        dispatched_at=data.due or event.time,
    )
    return state.but(
        step=data.step,
        next_index=data.index + 1,
        open={**state.open, data.job_id: opened},
    )


def _queue_again(state: TaskState, job: OpenJob, data: JobQueued, event: Event) -> TaskState:
    if (data.attempt, data.dispatch) <= (job.attempt, job.dispatch):
        return state
    queued = job.but(
        attempt=data.attempt,
        dispatch=data.dispatch,
        dispatched_at=data.due or event.time,
        fault=None,
        awaits=(),
    )
    return _with_job(state, data.job_id, queued.but(phase=queued.waiting_phase))


def _start_job(state: TaskState, data: JobStarted, event: Event) -> TaskState:
    job = state.open.get(data.job_id)
    if job is None or job.attempt != data.attempt or job.phase not in ("queued", "retrying"):
        return state
    changed = job.but(
        phase="running",
        started_at=job.started_at or event.time,
        progress=max(job.progress, data.done),
    )
    return _with_job(state, data.job_id, changed)


def _progress_job(state: TaskState, data: JobProgress, event: Event) -> TaskState:
    del event
    job = state.open.get(data.job_id)
    if job is None or job.attempt != data.attempt or data.done <= job.progress:
        return state
    return _with_job(state, data.job_id, job.but(progress=data.done, total=None if job.count else data.total))


def _hand_back_job(state: TaskState, data: JobHandedBack, event: Event) -> TaskState:
    del event
    job = state.open.get(data.job_id)
    if job is None or job.attempt != data.attempt or job.phase != "running":
        return state
    return _with_job(state, data.job_id, job.but(phase=job.waiting_phase))


def _fault_job(state: TaskState, data: JobAttemptFailed, event: Event) -> TaskState:
    del event
    job = state.open.get(data.job_id)
    if job is None or job.attempt != data.attempt or job.phase == "faulted":
        return state
    fault = Fault(code=data.code, reason=data.reason, retryable=data.retryable)
    return _with_job(state, data.job_id, job.but(phase="faulted", fault=fault))


def _lose_job(state: TaskState, data: JobLost, event: Event) -> TaskState:
    del event
    job = state.open.get(data.job_id)
    if job is None or (job.attempt, job.dispatch) != (data.attempt, data.dispatch):
        return state
    if job.phase in ("faulted", "waiting"):
        return state
    return _with_job(state, data.job_id, job.but(phase="lost"))


def _let_job_wait(state: TaskState, data: JobWaiting, event: Event) -> TaskState:
    """Let the present dispatch wait: what an earlier one asked, the present one will find and say again."""
    del event
    job = state.open.get(data.job_id)
    if job is None or (job.attempt, job.dispatch) != (data.attempt, data.dispatch):
        return state
    if job.phase in ("faulted", "waiting"):
        return state
    return _with_job(state, data.job_id, job.but(phase="waiting", awaits=data.confirmation_ids))


def _take_answer(state: TaskState, data: ConfirmationAnswered | ConfirmationExpired, event: Event) -> TaskState:
    """Remember it, for the job that waits for it may say so only later."""
    del event
    if state.status == "requested" or data.confirmation_id in state.answered:
        return state
    return state.but(answered=(*state.answered, data.confirmation_id))


def _complete_job(state: TaskState, data: JobCompleted, event: Event) -> TaskState:
    """Count the job, whichever attempt finished it: the claims let only one run say so."""
    del event
    if data.job_id not in state.open:
        return state
    return _without_job(state, data.job_id).but(
        done=state.done + data.done,
        failed=state.failed + data.failed,
        skipped=state.skipped + data.skipped,
    )


def _fail_job(state: TaskState, data: JobFailed, event: Event) -> TaskState:
    del event
    if data.job_id not in state.open:
        return state
    fault = state.fault or Fault(code=data.code, reason=data.reason)
    return _without_job(state, data.job_id).but(fault=fault)


def _cancel_job(state: TaskState, data: JobCanceled, event: Event) -> TaskState:
    del event
    return _without_job(state, data.job_id) if data.job_id in state.open else state


def _with_job(state: TaskState, job_id: UUID, job: OpenJob) -> TaskState:
    return _with_open(state, {**state.open, job_id: job})


def _without_job(state: TaskState, job_id: UUID) -> TaskState:
    return _with_open(state, {other: job for other, job in state.open.items() if other != job_id})


def _with_open(state: TaskState, jobs: Mapping[UUID, OpenJob]) -> TaskState:
    """Return the state with these open jobs; as long as one of them waits, so does the task."""
    waits = any(job.phase == "waiting" for job in jobs.values())
    return state.but(open=jobs, status="waiting" if waits else "running")


FACTS: Final[Mapping[type[TaskEvent], Change]] = {
    TargetsResolved: _take_part,
    TargetsUnresolvable: _refuse_targets,
    TaskCancelRequested: _request_cancel,
    JobStarted: _start_job,
    JobProgress: _progress_job,
    JobHandedBack: _hand_back_job,
    JobWaiting: _let_job_wait,
    ConfirmationAnswered: _take_answer,
    ConfirmationExpired: _take_answer,
    JobAttemptFailed: _fault_job,
    JobLost: _lose_job,
    JobCompleted: _complete_job,
}
"""What others tell the orchestrator; beside these, ``TaskRequested``, which begins a state."""

DECISIONS: Final[Mapping[type[TaskEvent], Change]] = {
    TaskStarted: _start,
    JobQueued: _queue_job,
    JobFailed: _fail_job,
    JobCanceled: _cancel_job,
    TaskCompleted: _complete,
    TaskFailed: _fail,
    TaskCanceled: _cancel,
}
"""What the orchestrator itself says. The state changes by them where they are decided, not where the log has them."""

CHANGES: Final[Mapping[type[Any], Change]] = {**FACTS, **DECISIONS}
