"""What follows from the state of a task: events that say so, one after the other until nothing more follows.

``decide`` looks at the state alone; the event that brought it about only lends its id and time to what is decided. So
a fact that comes twice, late or for an ended task decides nothing: it changed nothing that anything could follow from.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from photobus_common.events import Event, EventData, Origin
from photobus_common.events.tasks import (
    JobCanceled,
    JobFailed,
    JobQueued,
    TaskCanceled,
    TaskCompleted,
    TaskFailed,
    TaskStarted,
)
from photobus_orchestrator.domain.evolve import evolve
from photobus_orchestrator.domain.plan import Rules, items_of_job, jobs_at_once, needs_snapshot, plan_steps
from photobus_orchestrator.domain.retry import retry_delay
from photobus_orchestrator.domain.state import Fault, OpenJob, State, TaskState, job_id

SOURCE = "/orchestrator"

IDS_AT_HAND = 20_000
"""Ids of decisions that are kept; a replay asks for each several times, to find it and to take it."""


def decide(state: State, cause: Event, rules: Rules) -> Iterator[tuple[Event, TaskState]]:
    """Yield each event that follows from ``state`` (into which ``cause`` has evolved), with the state after it.

    Ids and times come from ``cause``, so that deciding again gives the same events.
    """
    number = 0
    while isinstance(state, TaskState):
        data = _next(state, cause, rules)
        if data is None:
            return
        event = _event(data, state, cause, number)
        after = evolve(state, event)
        if not isinstance(after, TaskState) or after is state:
            raise AssertionError(f"{data.TYPE} was decided in a state that it does not change")
        yield event, after
        state, number = after, number + 1


@lru_cache(maxsize=IDS_AT_HAND)
def decision_id(cause: UUID, number: int) -> UUID:
    """Return the id of the decision ``number`` (from 0) that the event ``cause`` led to."""
    return uuid5(cause, str(number))


def _event(data: EventData, state: TaskState, cause: Event, number: int) -> Event:
    origin = Origin(
        source=SOURCE,
        tenant=state.tenant,
        actor=state.actor,
        correlation_id=state.id,
        causation_id=cause.id,
        traceparent=cause.traceparent,
        clock=lambda: cause.time,
    )
    return origin.event(data, event_id=decision_id(cause.id, number))


def _next(state: TaskState, cause: Event, rules: Rules) -> EventData | None:
    if state.status == "requested":
        return _begin(state, rules)
    if state.status in ("running", "waiting"):
        return _stop(state) if state.cancel_requested else _go_on(state, cause, rules)
    return None


def _begin(state: TaskState, rules: Rules) -> EventData | None:
    about = {"task_id": state.id, "task_type": state.type}
    definition = rules.definitions.get(state.type)
    if state.cancel_requested:
        return TaskCanceled(**about)
    if state.fault is not None:
        return TaskFailed(**about, code=state.fault.code, reason=state.fault.reason)
    if definition is None:
        return TaskFailed(**about, code="unknown_task_type", reason=f"There is no task {state.type}.")
    if definition.missing_job_types:
        missing = ", ".join(definition.missing_job_types)
        return TaskFailed(**about, code="not_provided", reason=f"No service runs {missing} yet.")
    if state.targets is not None and needs_snapshot(definition, state.targets):
        return None
    return TaskStarted(**about, items=state.items, steps=plan_steps(state, definition, rules))


def _stop(state: TaskState) -> EventData:
    for job in state.jobs:
        return JobCanceled(**_about(state, job))
    return TaskCanceled(task_id=state.id, task_type=state.type)


def _go_on(state: TaskState, cause: Event, rules: Rules) -> EventData | None:
    for job in state.jobs:
        if job.phase == "faulted":
            return _after_fault(state, job, cause, rules)
        if job.phase == "lost" or (job.phase == "waiting" and state.answered_all(job)):
            return _queued(state, job.step, job.index, attempt=job.attempt, dispatch=job.dispatch + 1)
    step = state.steps[state.step]
    if state.next_index < step.jobs:
        if len(state.open) < jobs_at_once(step, rules):
            return _queued(state, state.step, state.next_index)
        return None
    return None if state.open else _after_step(state)


def _after_fault(state: TaskState, job: OpenJob, cause: Event, rules: Rules) -> EventData:
    """Try the job again, later, or give it up."""
    fault = job.fault or Fault(code="internal_error", reason="The attempt failed without a reason.")
    if fault.retryable and job.attempt < rules.pipeline.max_attempts_default:
        due = cause.time + retry_delay(job.attempt, cause.id, rules.pipeline)
        queued = _queued(state, job.step, job.index, attempt=job.attempt + 1)
        return queued.model_copy(update={"due": due})
    return JobFailed(**_about(state, job), code=fault.code, reason=fault.reason)


def _after_step(state: TaskState) -> EventData:
    """Go on with the next step that has anything to do, or end the task; a step with a failed job is the last one."""
    about = {"task_id": state.id, "task_type": state.type}
    if state.fault is not None:
        return TaskFailed(**about, code=state.fault.code, reason=state.fault.reason)
    for step in range(state.step + 1, len(state.steps)):
        if state.steps[step].jobs:
            return _queued(state, step, 0)
    return TaskCompleted(**about, done=state.done, failed=state.failed, skipped=state.skipped)


def _queued(state: TaskState, step: int, index: int, *, attempt: int = 1, dispatch: int = 1) -> JobQueued:
    first, count = items_of_job(state, step, index)
    return JobQueued(
        task_id=state.id,
        task_type=state.type,
        job_type=state.steps[step].job_type,
        scope=state.scope,
        source=state.source,
        job_id=job_id(state.id, step, index),
        attempt=attempt,
        dispatch=dispatch,
        step=step,
        index=index,
        first=first,
        count=count,
    )


def _about(state: TaskState, job: OpenJob) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "attempt": job.attempt,
        "task_id": state.id,
        "task_type": state.type,
        "job_type": state.steps[job.step].job_type,
        "scope": state.scope,
        "source": state.source,
    }
