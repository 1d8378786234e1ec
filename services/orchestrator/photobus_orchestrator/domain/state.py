"""The state of one task, as the fold keeps it: counters, the plan, and only the jobs that are open.

Closed jobs are counted and forgotten, and the number of open ones is bounded (``pipeline.max_jobs_in_flight``), so that
a task over a million photos has a state of a few kilobytes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from photobus_common.events.parts import Scope, TaskSource
from photobus_common.events.tasks import StepPlan, Targets

TaskStatus = Literal["requested", "running", "waiting", "completed", "completed_with_errors", "failed", "canceled"]
"""``requested``: waits for its targets to be resolved. ``running``: its jobs are on their way. ``waiting``: one of them
waits for persons. The others are ends."""

ENDS: Final[frozenset[TaskStatus]] = frozenset({"completed", "completed_with_errors", "failed", "canceled"})

Ids = Annotated[tuple[UUID, ...], Field(exclude_if=lambda ids: not ids)]
"""Stored only where there are any: a state that a version without them stored is the same as one that is folded now."""

JobPhase = Literal["queued", "running", "retrying", "waiting", "faulted", "lost"]
"""Where an open job stands.

``queued``: commanded, no worker yet. ``running``: a worker has the claim. ``retrying``: a later attempt is commanded.
``waiting``: it has no command until all that it ``awaits`` is answered.
``faulted`` and ``lost``: an attempt failed, or its command is gone, and ``decide`` has not yet said what follows.
"""


class Value(BaseModel):
    """Base of what the state is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def but(self, **changes: Any) -> Self:
        """Return a copy with ``changes``, which are not validated: they come from validated events."""
        return self.model_copy(update=changes)


class Fault(Value):
    """Why something failed. ``retryable`` false: no retry can mend it."""

    code: str
    reason: str
    retryable: bool = False


class OpenJob(Value):
    """A job that has been commanded and has not ended. ``first`` and ``count`` delimit its items in the snapshot.

    ``progress`` counts its items; one without items says itself of what ``total`` it counts.
    ``awaits`` are the confirmations that a ``waiting`` one has asked for.
    """

    id: UUID
    step: int
    index: int
    first: int
    count: int
    attempt: int
    dispatch: int
    phase: JobPhase
    created_at: datetime
    dispatched_at: datetime
    started_at: datetime | None = None
    progress: int = 0
    total: int | None = None
    fault: Fault | None = None
    awaits: Ids = ()

    @property
    def waiting_phase(self) -> JobPhase:
        """The phase of a job that waits for a worker."""
        return "queued" if self.attempt == 1 else "retrying"


class NotRequested(Value):
    """A task of which the log has no request yet; a request to cancel may overtake it."""

    cancel_requested: bool = False


class TaskState(Value):
    """One task, from its request to its end.

    ``targets`` is set until the snapshot is whole; ``parts_seen`` are the parts of it that came. ``projects`` says
    whether there is any project for a step over projects. ``step`` is the step that runs, ``next_index`` the next job
    of it that is to be made. ``fault`` is the first job that failed for good, or why the task cannot start;
    ``cancel_fault`` is why it is to stop, where no person asked for that.
    """

    id: UUID
    tenant: str
    type: str
    scope: Scope
    source: TaskSource
    label: str
    actor: str
    status: TaskStatus = "requested"
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
    params: dict[str, Any]
    cancel_requested: bool = False
    cancel_fault: Fault | None = None
    targets: Targets | None = None
    parts_seen: tuple[int, ...] = ()
    projects: bool = False
    fault: Fault | None = None
    steps: tuple[StepPlan, ...] = ()
    step: int = 0
    next_index: int = 0
    answered: Ids = ()
    open: Mapping[UUID, OpenJob] = Field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the task is over; nothing changes it any more."""
        return self.status in ENDS

    def answered_all(self, job: OpenJob) -> bool:
        """Whether all that the job waits for is answered."""
        return set(job.awaits) <= set(self.answered)

    @property
    def jobs(self) -> list[OpenJob]:
        """The open jobs in the order of the plan; a stored mapping has forgotten the order of its keys."""
        return sorted(self.open.values(), key=lambda job: (job.step, job.index))


State: TypeAlias = NotRequested | TaskState


def job_id(task_id: UUID, step: int, index: int) -> UUID:
    """Return the id of a job, which follows from its place in the task."""
    return uuid5(task_id, f"{step}.{index}")
