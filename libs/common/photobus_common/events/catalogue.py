"""Every event of photobus. A new event is added here, with its version; a changed one gets an upcaster.

The three families go to three kinds of subject: tasks, projects (with their photos), access.
"""

from datetime import datetime
from typing import Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from photobus_common import subjects
from photobus_common.events.envelope import EventData
from photobus_common.job_types import Unit

Scope = Literal["project", "photo_set", "global"]
TaskSource = Literal["user", "upload", "system", "task"]
DerivativeStatus = Literal["pending", "generated", "failed", "missing", "not_supported"]
FileKind = Literal["jpg", "raw", "other", "sidecar"]
TargetKind = Literal["photos", "projects", "filter", "all", "failed_items"]


class Part(BaseModel):
    """Base of what stands inside an event's data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- tasks ---------------------------------------------------------------------------------------------------------


class Targets(Part):
    """What a task was asked to work on: the fields that ``kind`` names are filled, the others empty.

    For ``photos``, ``project_ids`` runs parallel to ``photo_ids`` and says where each lay when asked for, so that
    the log alone tells the whole snapshot.
    """

    kind: TargetKind
    photo_ids: tuple[int, ...] = ()
    project_ids: tuple[int, ...] = ()
    filter: dict[str, Any] | None = None
    failed_of: UUID | None = None


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
    """A caller asked to stop the task."""

    TYPE: ClassVar[str] = "TaskCancelRequested"


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


# --- projects and their photos -------------------------------------------------------------------------------------


class FileFact(Part):
    """One file of a photo as it lies in the project folder; ``md5`` in lower-case hex, ``size`` in bytes."""

    name: str
    kind: FileKind
    size: int
    md5: str | None = None


class PhotoAdded(Part):
    """A photo that became visible. ``version`` is its row's version after the change."""

    photo_id: int
    filename: str
    version: int
    files: tuple[FileFact, ...]


class PhotoFiles(Part):
    """What changed among the files of a photo that exists already, and the state of its derivatives after that."""

    photo_id: int
    filename: str
    version: int
    added: tuple[FileFact, ...] = ()
    removed: tuple[FileFact, ...] = ()
    thumbnail_status: DerivativeStatus | None = None
    preview_status: DerivativeStatus | None = None


class PhotoDerivatives(Part):
    """The state of a photo's derivatives after an attempt to make them."""

    photo_id: int
    filename: str
    version: int
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus
    reason: str | None = None


class TrashedFile(Part):
    """A file that went to the trash, and where it lies there, relative to the project folder."""

    photo_id: int
    name: str
    trash_path: str
    size: int
    md5: str | None = None


class KeptKinds(Part):
    """Which kinds of file of a photo its owner wants to keep."""

    jpg: bool
    raw: bool
    other: bool


class PhotoKeep(Part):
    """What is kept of a photo: ``before`` is what an undo brings back."""

    photo_id: int
    filename: str
    version: int
    before: KeptKinds
    after: KeptKinds


class PhotoRemoved(Part):
    """A photo whose row is gone: what an undo needs to bring it back. ``version`` counts on from that of its row."""

    photo_id: int
    filename: str
    version: int
    keep: KeptKinds
    tags: tuple[str, ...] = ()
    files: tuple[FileFact, ...] = ()


class PhotoTags(Part):
    """Tags that a photo got and lost; ``tags`` are all that it has after that."""

    photo_id: int
    filename: str
    version: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class ProjectEvent(EventData):
    """Base of what happens to one project. ``project_folder`` is its folder at that time."""

    project_id: int
    project_folder: str
    task_id: UUID | None = None

    def subject(self, tenant: str) -> str:
        """Return the project's subject."""
        return subjects.project_subject(tenant, self.project_id)

    def project(self) -> int | None:
        """Return the project."""
        return self.project_id


class ProjectCreated(ProjectEvent):
    """A project and its folder were made."""

    TYPE: ClassVar[str] = "ProjectCreated"

    name: str


class ProjectRenamed(ProjectEvent):
    """A person gave the project another name. Its folder follows later, by maintenance."""

    TYPE: ClassVar[str] = "ProjectRenamed"

    old_name: str
    name: str
    version: int


class PhotosAdded(ProjectEvent):
    """Photos became visible in the project."""

    TYPE: ClassVar[str] = "PhotosAdded"

    photos: tuple[PhotoAdded, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the added photos."""
        return tuple(photo.photo_id for photo in self.photos)


class PhotoFilesChanged(ProjectEvent):
    """Files of existing photos came, went or were replaced. ``cause`` says by what."""

    TYPE: ClassVar[str] = "PhotoFilesChanged"

    cause: Literal["upload", "manifest_check", "folder_check", "file_removal"]
    photos: tuple[PhotoFiles, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class DerivativesUpdated(ProjectEvent):
    """Derivatives were made, or could not be made for the reason given."""

    TYPE: ClassVar[str] = "DerivativesUpdated"

    photos: tuple[PhotoDerivatives, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class FilesTrashed(ProjectEvent):
    """Files went to the project's trash; the photos' rows may live on."""

    TYPE: ClassVar[str] = "FilesTrashed"

    reason: Literal["overwritten", "committed"]
    files: tuple[TrashedFile, ...]


class PhotosRemoved(ProjectEvent):
    """Photos left the catalogue: nothing of them is kept, or there, any more. ``FilesTrashed`` says where files lie."""

    TYPE: ClassVar[str] = "PhotosRemoved"

    cause: Literal["file_removal", "manifest_cleaning"]
    photos: tuple[PhotoRemoved, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the removed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class KeepChanged(ProjectEvent):
    """A person decided anew what is kept of photos; nothing on disk changes before a commit."""

    TYPE: ClassVar[str] = "KeepChanged"

    photos: tuple[PhotoKeep, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class TagsChanged(ProjectEvent):
    """Photos got or lost tags."""

    TYPE: ClassVar[str] = "TagsChanged"

    photos: tuple[PhotoTags, ...]

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Return the changed photos."""
        return tuple(photo.photo_id for photo in self.photos)


class ManifestChanged(ProjectEvent):
    """A reconciliation changed the rows of the project or wrote its manifest; the counts are of photos."""

    TYPE: ClassVar[str] = "ManifestChanged"

    changed: int = 0
    created: int = 0
    manifest_written: bool = False
    removed: int = 0
    removed_filenames: tuple[str, ...] = ()


# --- access --------------------------------------------------------------------------------------------------------


class AccessEvent(EventData):
    """Base of changes of who may do what."""

    def subject(self, tenant: str) -> str:
        """Return the tenant's access subject."""
        return subjects.access_subject(tenant)


class TokenCreated(AccessEvent):
    """An API token was made; its secret is in no event."""

    TYPE: ClassVar[str] = "TokenCreated"

    token_id: UUID
    name: str
    role: Literal["viewer", "editor", "admin"]


class TokenRevoked(AccessEvent):
    """An API token no longer opens anything."""

    TYPE: ClassVar[str] = "TokenRevoked"

    token_id: UUID


_ALL: Final[tuple[type[EventData], ...]] = (
    TaskRequested,
    TargetsResolved,
    TargetsUnresolvable,
    TaskStarted,
    TaskCancelRequested,
    TaskCanceled,
    TaskCompleted,
    TaskFailed,
    JobQueued,
    JobStarted,
    JobProgress,
    JobHandedBack,
    JobAttemptFailed,
    JobLost,
    JobCompleted,
    JobFailed,
    JobCanceled,
    ProjectCreated,
    ProjectRenamed,
    PhotosAdded,
    PhotoFilesChanged,
    DerivativesUpdated,
    FilesTrashed,
    PhotosRemoved,
    KeepChanged,
    TagsChanged,
    ManifestChanged,
    TokenCreated,
    TokenRevoked,
)

CATALOGUE: Final[dict[str, type[EventData]]] = {model.TYPE: model for model in _ALL}
