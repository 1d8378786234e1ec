"""A task as of a place in the log, held against the rows that the orchestrator's fold has there."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from photobus_common.events import Event
from photobus_common.task_history import PROGRESS, TOLD, Logged, task_as_of
from photobus_orchestrator.domain.reaction import Transition
from photobus_orchestrator.projection import Projection

OF_TASK: Final = (
    *("id", "type", "scope", "source", "label", "actor", "status", "items", "done", "failed", "skipped"),
    *("error_code", "error", "retry_of", "undo_of", "created_at", "started_at", "ended_at"),
)
OF_JOB: Final = ("step", "count", "attempt", "dispatch", "status", "started_at", "done", "failed", "skipped")


def logged(events: Iterable[Event]) -> list[Logged]:
    """Number ``events`` in their order, from 1."""
    return [Logged(number, event.id, event) for number, event in enumerate(events, start=1)]


def rows_of(transitions: Iterable[Transition]) -> tuple[Any, list[Any]]:
    """Return the row of the one task of ``transitions``, None where there is none, and those of its jobs."""
    projection = Projection()
    for transition in transitions:
        projection.note(transition)
    tasks = list(projection.tasks.values())
    return tasks[0] if tasks else None, sorted(projection.job_rows(), key=lambda job: job.id)


def assert_was(log: Sequence[Logged], seq: int, transitions: Iterable[Transition]) -> None:
    """Hold the task as of ``seq`` against the rows by ``transitions``; also as lists have it, without progress."""
    row, jobs = rows_of(transitions)
    then = task_as_of(log, seq)
    if row is None:
        assert then is None
        return
    assert then is not None
    assert {name: getattr(then, name) for name in OF_TASK} == {name: getattr(row, name) for name in OF_TASK}
    assert sorted(then.jobs) == [job.id for job in jobs]
    for job in jobs:
        found = then.jobs[job.id]
        assert {name: getattr(found, name) for name in OF_JOB} == {name: getattr(job, name) for name in OF_JOB}
        assert (found.progress, found.total) == (job.progress_done, job.progress_total)
    brief = [
        one._replace(event=None) if one.event and (one.event.type in PROGRESS or one.event.type not in TOLD) else one
        for one in log
    ]
    listed = task_as_of(brief, seq)
    assert listed is not None
    assert {name: getattr(listed, name) for name in OF_TASK} == {name: getattr(row, name) for name in OF_TASK}
