"""What dry runs answer: what a task would be, and what would become of each photo. Nothing was started."""

from typing import Literal
from uuid import UUID

from photobus_client.models import Model


class PlannedStep(Model):
    """One step of a task, and into how many jobs it would be cut."""

    type: str
    priority: int
    service: str
    jobs: int


class TaskPlan(Model):
    """What a task would be, over how many photos of how many projects."""

    type: str
    scope: str
    label: str
    photos: int
    projects: int
    steps: list[PlannedStep]


class PlannedRemoval(Model):
    """What a commit would do to one photo: files that go to the trash, whether the photo goes, its derivatives."""

    photo_id: int
    project_folder: str
    filename: str
    removes: list[str]
    photo_goes: bool
    derivatives: str


class CommitPlan(TaskPlan):
    """What a commit would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedRemoval]


class PlannedFile(Model):
    """A file, and the name that it would have in the destination."""

    name: str
    new_name: str


class PlannedMove(Model):
    """What a move would do to one photo. ``reason`` says why it stays, or why it gets another name."""

    photo_id: int
    project_folder: str
    filename: str
    new_filename: str | None = None
    status: Literal["moves", "stays"]
    reason: str | None = None
    files: list[PlannedFile]


class MovePlan(TaskPlan):
    """What a move into ``dest_folder`` would be: of the first 2,000 of its photos, each for itself."""

    dest_folder: str
    items: list[PlannedMove]


class StoppedTask(Model):
    """An open task that a deletion stops; if it works on other projects too, only its items of this one."""

    id: UUID
    type: str
    label: str
    whole: bool


class DeletionPlan(TaskPlan):
    """What a deletion would be. ``files`` and their ``bytes`` are those that the catalogue knows."""

    files: int
    bytes: int
    stops: list[StoppedTask]


class PlannedUndo(Model):
    """What an undo would do to one photo, ``what`` in words. ``reason`` says what cannot be taken back, and why."""

    photo_id: int
    filename: str | None = None
    status: Literal["restores", "refused", "unchanged"]
    what: list[str]
    reason: str | None = None


class UndoPlan(TaskPlan):
    """What an undo would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedUndo]
