"""Events of tasks and their jobs."""

from datetime import datetime
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from photobus_common import subjects
from photobus_common.events.envelope import EventData
from photobus_common.events.parts import Part, Scope, TargetKind, TaskSource
from photobus_common.job_types import Unit


class Targets(Part):
    """What a task was asked to work on: the fields that ``kind`` names are filled, the others empty.

    For ``photos``, ``project_ids`` runs parallel to ``photo_ids`` and says where each lay when asked for, so that
    the log alone tells the whole snapshot. ``failed_items`` are those of the task ``failed_of``, ``items_of`` the whole
    snapshot of the task of that name.
    """

    kind: TargetKind
    photo_ids: tuple[int, ...] = ()
    project_ids: tuple[int, ...] = ()
    filter: dict[str, Any] | None = None
    failed_of: UUID | None = None
    items_of: UUID | None = None


class StepPlan(Part):
    """One step as it was when the task started, so that a later change of the definitions changes no running task.

    ``size`` is the number of items of one job; ``jobs`` the number that the step is cut into.
    """

    job_type: str
    service: str
    priority: int
    lane: subjects.Lane
    over: Unit
    size: int
    jobs: int


class TaskEvent(EventData):
    """Base of the events of one task."""

    task_id: UUID
    task_type: str

    def subject(self, tenant: str) -> str:
        """Return the task subject of the tenant."""
        return subjects.task_subject(tenant, self.task_type)

    def task(self) -> UUID | None:
        """Return the task."""
        return self.task_id


class TaskRequested(TaskEvent):
    """A caller asked for a task and was answered 202."""

    TYPE: ClassVar[str] = "TaskRequested"

    scope: Scope
    source: TaskSource
    label: str
    targets: Targets
    params: dict[str, Any] = Field(default_factory=dict)
    retry_of: UUID | None = None
    undo_of: UUID | None = None

    @model_validator(mode="after")
    def _photos_have_projects(self) -> Self:
        if self.targets.kind == "photos" and len(self.targets.project_ids) != len(self.targets.photo_ids):
            raise ValueError("targets.project_ids must run parallel to targets.photo_ids")
        return self


class TargetsResolved(TaskEvent):
    """One part (of at most 2,000 photos) of the snapshot of photos that the task works on.

    ``part`` counts from 0 to ``parts`` - 1; the position of a photo in the task is ``first`` + its place in
    ``photo_ids``; ``project_ids`` runs parallel to ``photo_ids``.
    """

    TYPE: ClassVar[str] = "TargetsResolved"

    part: int
    parts: int
    first: int
    total: int
    photo_ids: tuple[int, ...]
    project_ids: tuple[int, ...]


class TargetsUnresolvable(TaskEvent):
    """The targets can be turned into no list of photos; the task fails for this reason."""

    TYPE: ClassVar[str] = "TargetsUnresolvable"

    code: str
    reason: str


class TaskStarted(TaskEvent):
    """The snapshot is whole and the steps are planned. ``items`` counts the photos of the task."""

    TYPE: ClassVar[str] = "TaskStarted"

    items: int
    steps: tuple[StepPlan, ...]


class TaskCancelRequested(TaskEvent):
    """A caller asked to stop the task; where that was no person, ``code`` and ``reason`` say why."""

    TYPE: ClassVar[str] = "TaskCancelRequested"

    code: str | None = None
    reason: str | None = None


class TaskCanceled(TaskEvent):
    """The task ended because it was canceled."""

    TYPE: ClassVar[str] = "TaskCanceled"


class TaskCompleted(TaskEvent):
    """Every job of every step ended well. ``failed`` > 0 makes the status ``completed_with_errors``.

    The counts are of items over all steps.
    """

    TYPE: ClassVar[str] = "TaskCompleted"

    done: int
    failed: int
    skipped: int


class TaskFailed(TaskEvent):
    """A job failed for good, or the task could not start; later steps did not run."""

    TYPE: ClassVar[str] = "TaskFailed"

    code: str
    reason: str


class JobEvent(TaskEvent):
    """Base of the events of one job of a task. ``attempt`` counts from 1.

    ``job_type``, ``scope`` and ``source`` never change, yet stand in each: live updates and people reading the log know
    from the event alone what kind of work it tells of.
    """

    job_id: UUID
    attempt: int
    job_type: str
    scope: Scope
    source: TaskSource


class JobQueued(JobEvent):
    """The orchestrator made a job (attempt 1) or asks for its next attempt or dispatch, and commands a worker.

    The job covers the items ``first`` to ``first`` + ``count`` - 1 of the task's snapshot; both are 0 for a step over
    projects or the library. ``due`` is when the command is sent; absent: at once.
    """

    TYPE: ClassVar[str] = "JobQueued"

    step: int
    index: int
    dispatch: int
    first: int
    count: int
    due: datetime | None = None


class JobStarted(JobEvent):
    """A worker took the claim of this attempt. ``done`` of ``total`` items have an outcome from earlier runs."""

    TYPE: ClassVar[str] = "JobStarted"

    holder: str
    done: int = 0
    total: int = 0


class JobProgress(JobEvent):
    """How far the job is; published straight to the stream, at most 4 a second a job."""

    TYPE: ClassVar[str] = "JobProgress"

    done: int
    total: int


class JobHandedBack(JobEvent):
    """A worker gave the job back unfinished, which is no failure: its message is delivered again."""

    TYPE: ClassVar[str] = "JobHandedBack"

    reason: Literal["drain", "portion", "pause", "locked"]


class JobAttemptFailed(JobEvent):
    """One attempt ended in an error; the orchestrator decides whether another follows."""

    TYPE: ClassVar[str] = "JobAttemptFailed"

    code: str
    reason: str
    retryable: bool = True


class JobLost(JobEvent):
    """The rescuer found the dispatch to have neither claim nor message; it is commanded again."""

    TYPE: ClassVar[str] = "JobLost"

    dispatch: int


class JobCompleted(JobEvent):
    """A worker finished the job; the counts are of its items."""

    TYPE: ClassVar[str] = "JobCompleted"

    done: int
    failed: int
    skipped: int


class JobFailed(JobEvent):
    """The job failed for good, after its last attempt or by an error that no retry can mend."""

    TYPE: ClassVar[str] = "JobFailed"

    code: str
    reason: str


class JobCanceled(JobEvent):
    """The job was stopped with its task."""

    TYPE: ClassVar[str] = "JobCanceled"
