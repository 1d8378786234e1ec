"""What photobus answers. Fields that are not known here are left out, so that a newer photobus can be talked to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Role = Literal["viewer", "editor", "admin"]

TASK_ENDED = frozenset({"completed", "completed_with_errors", "failed", "canceled", "skipped"})
"""Statuses that a task never leaves."""


class Model(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


ItemT = TypeVar("ItemT", bound=Model)


class Page(Model, Generic[ItemT]):
    """A part of a list; a cursor is None where there is no such page."""

    items: list[ItemT]
    total: int
    next_cursor: str | None = None
    prev_cursor: str | None = None


class Project(Model):
    """A project; ``folder`` names it in paths."""

    id: int
    name: str
    folder: str
    status: str
    photos: int
    created_at: datetime
    updated_at: datetime


class Photo(Model):
    """A photo as it stands in lists; ``size`` in bytes of all its files, ``width`` and ``height`` upright."""

    id: int
    project_id: int
    project_folder: str
    filename: str
    jpg_available: bool
    raw_available: bool
    other_available: bool
    keep_jpg: bool
    keep_raw: bool
    keep_other: bool
    thumbnail_status: str
    preview_status: str
    derivative_reason: str | None = None
    taken_at: datetime
    size: int
    width: int | None = None
    height: int | None = None
    tags: list[str]
    version: int


class PhotoChange(Model):
    """What became of one photo: how it stands now, or, if it failed, why."""

    photo_id: int
    status: Literal["changed", "unchanged", "failed"]
    version: int | None = None
    tags: list[str] | None = None
    keep_jpg: bool | None = None
    keep_raw: bool | None = None
    keep_other: bool | None = None
    code: str | None = None
    detail: str | None = None


class PhotoChanges(Model):
    """What became of each photo, in the order in which they were first named; the rest says how many of each."""

    dry_run: bool
    changed: int
    unchanged: int
    failed: int
    items: list[PhotoChange]


class PendingFiles(Model):
    """How many files of each kind a commit would remove."""

    jpg: int
    raw: int
    other: int
    total: int


class PendingOfProject(PendingFiles):
    """The same, of one project."""

    project_id: int
    project_folder: str


class PendingDeletes(PendingFiles):
    """The same of everything, and of each project that has any."""

    by_project: list[PendingOfProject]


class LocatedPage(Model):
    """The page on which a photo stands, its number (from 0), and the photo's place on it and in the whole list."""

    items: list[Photo]
    position: int
    page_index: int
    idx_in_items: int
    next_cursor: str | None = None
    prev_cursor: str | None = None


class RenamedBefore(Model):
    """What a file became by an earlier upload with ``on_conflict="rename"``."""

    photo_id: int
    stored_as: str


class FileAnalysis(Model):
    """What uploading a file would lead to; ``clash`` says what already has its name, or the same bytes."""

    name: str
    accepted: bool
    code: str | None = None
    reason: str | None = None
    clash: Literal["none", "same_bytes", "other_bytes", "unknown_bytes", "name_in_other_project"] = "none"
    basename: str | None = None
    kind: str | None = None
    photo_id: int | None = None
    project_folder: str | None = None
    renamed_before: RenamedBefore | None = None


class UploadResult(Model):
    """How one file ended. ``code`` and ``reason`` say why it was not simply created."""

    filename: str
    status: Literal["created", "paired", "skipped", "conflict", "renamed", "overwritten", "refused", "unfinished"]
    photo_id: int | None = None
    stored_as: str | None = None
    code: str | None = None
    reason: str | None = None

    @property
    def stored(self) -> bool:
        """Whether the project has the file now, also when it had it before."""
        return self.status not in {"conflict", "refused", "unfinished"}


class Task(Model):
    """What was asked for, and how far it is; the counts are of items over all steps."""

    id: UUID
    type: str
    scope: str
    status: str
    source: str
    label: str
    items: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    error: str | None = None
    created_at: datetime
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.status in TASK_ENDED


class Step(Model):
    """One step of a task; ``jobs`` is None until the task has started."""

    step: int
    type: str
    jobs: int | None = None
    done: int
    failed: int
    skipped: int
    remaining_seconds: float | None = None


class TaskDetail(Task):
    """A task with its steps. Progress counts items, and jobs of steps over whole projects, over all steps."""

    progress_done: int
    progress_total: int
    remaining_seconds: float | None = None
    steps: list[Step]


class Job(Model):
    """One unit of a task's work; the counts are of its items.

    ``progress_total`` and ``remaining_seconds`` are None while they cannot be known.
    """

    id: UUID
    task_id: UUID
    job_type: str
    status: str
    attempt: int
    items: int = 0
    progress_done: int = 0
    progress_total: int | None = None
    remaining_seconds: float | None = None
    done: int = 0
    failed: int = 0
    skipped: int = 0
    error: str | None = None
    created_at: datetime
    ended_at: datetime | None = None


class JobItem(Model):
    """One photo of a job and what became of it; folder and name are None once it is gone."""

    photo_id: int
    project_id: int
    project_folder: str | None = None
    filename: str | None = None
    status: Literal["pending", "done", "failed", "skipped", "canceled"]
    reason: str | None = None


class Token(Model):
    """An API token, without its secret."""

    id: UUID
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None = None


class CreatedToken(Token):
    """A token just made; ``token`` is its secret, told this once."""

    token: str


Filter = Mapping[str, Any]
"""The query of a list, such as ``GET /api/photos``, as an object; a list of values means any of them."""
