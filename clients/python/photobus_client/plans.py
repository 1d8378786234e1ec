"""What dry runs answer: what a task would be, and what would become of each photo. Nothing was started."""

from collections.abc import Mapping
from typing import Final, Literal
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


class PlannedPhoto(Model):
    """A photo that a task would work on, and where it lies now."""

    photo_id: int
    project_folder: str
    filename: str


class PlannedRemoval(PlannedPhoto):
    """What a commit would do to one photo: files that go to the trash, whether the photo goes, its derivatives."""

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


class PlannedMove(PlannedPhoto):
    """What a move would do to one photo. ``reason`` says why it stays, or why it gets another name."""

    new_filename: str | None = None
    status: Literal["moves", "stays"]
    reason: str | None = None
    files: list[PlannedFile]


class MovePlan(TaskPlan):
    """What a move into ``dest_folder`` would be: of the first 2,000 of its photos, each for itself."""

    dest_folder: str
    items: list[PlannedMove]


class PlannedKeep(PlannedPhoto):
    """Which kinds of one photo would be kept that are not, or given up that are kept."""

    status: Literal["changes", "unchanged"]
    keeps: list[str]
    gives_up: list[str]


class KeepPlan(TaskPlan):
    """What a change of keep flags, or a revert, would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedKeep]


class PlannedTags(PlannedPhoto):
    """Which tags one photo would get and lose; ``reason`` says why it can have none of that."""

    status: Literal["changes", "unchanged", "fails"]
    adds: list[str]
    removes: list[str]
    reason: str | None = None


class TagsPlan(TaskPlan):
    """What a change of tags would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedTags]


class PlannedDerivatives(PlannedPhoto):
    """Which derivatives of one photo would be made, and of which file; if none, ``reason`` says why."""

    status: Literal["makes", "unchanged", "fails"]
    makes: list[str]
    source: str | None = None
    reason: str | None = None


class DerivativesPlan(TaskPlan):
    """What the making of derivatives would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedDerivatives]


class PlannedDeletion(PlannedPhoto):
    """One photo that would go with its project, and the names of its files."""

    removes: list[str]


class PlannedReading(Model):
    """Which files of one photo would be read again; if none, ``reason`` says why."""

    photo_id: int
    project_folder: str
    filename: str
    status: Literal["reads", "fails"]
    files: list[str]
    reason: str | None


class MetadataPlan(TaskPlan):
    """What reading metadata again would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedReading]


class StoppedTask(Model):
    """An open task that a deletion stops; if it works on other projects too, only its items of this one."""

    id: UUID
    type: str
    label: str
    whole: bool


class DeletionPlan(TaskPlan):
    """What a deletion would be, and of the first 2,000 photos which go.

    ``files`` and their ``bytes`` are those that the catalogue knows.
    """

    files: int
    bytes: int
    stops: list[StoppedTask]
    items: list[PlannedDeletion]


class PlannedUndo(Model):
    """What an undo would do to one photo, ``what`` in words. ``reason`` says what cannot be taken back, and why.

    ``project_folder`` is where the photo lies or, if it is gone, lay before.
    """

    photo_id: int
    project_folder: str | None = None
    filename: str | None = None
    status: Literal["restores", "refused", "unchanged"]
    what: list[str]
    reason: str | None = None


class UndoPlan(TaskPlan):
    """What an undo would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedUndo]


PLANS: Final[Mapping[str, type[TaskPlan]]] = {
    "change_commit": CommitPlan,
    "change_commit_all": CommitPlan,
    "change_revert": KeepPlan,
    "keep_update": KeepPlan,
    "tags_update": TagsPlan,
    "image_move": MovePlan,
    "generate_derivatives": DerivativesPlan,
    "upload_postprocess": DerivativesPlan,
    "regenerate_metadata": MetadataPlan,
    "project_delete": DeletionPlan,
}
"""What a dry run answers, by task type; of others only numbers are known."""
