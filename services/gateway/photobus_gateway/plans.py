"""What dry runs answer: what a task would be, and what would become of each of its first photos. Nothing was started.

Each plan lists the first 2,000 photos that the task would work on, in its order.
"""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, RootModel

from photobus_common.events.parts import Scope
from photobus_common.reconciliation import PhotoKind
from photobus_common.removal import DerivativesFate


class PlannedStep(BaseModel):
    """One step of a task that was not started, and into how many jobs it would be cut."""

    type: str
    priority: int
    service: str
    jobs: int


class TaskPlan(BaseModel):
    """What a task would be: nothing was started."""

    type: str
    scope: Scope
    label: str
    dry_run: bool = True
    photos: int
    projects: int
    steps: list[PlannedStep]


class PlannedPhoto(BaseModel):
    """A photo that a task would work on, and where it lies now."""

    photo_id: int
    project_folder: str
    filename: str


class PlannedRemoval(PlannedPhoto):
    """What a commit would do to one photo: files that go to the trash, whether the photo goes, its derivatives."""

    removes: list[str]
    photo_goes: bool
    derivatives: DerivativesFate


class CommitPlan(TaskPlan):
    """What a commit would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedRemoval]


class PlannedFile(BaseModel):
    """A file, and its name at the destination."""

    name: str
    new_name: str


class PlannedMove(PlannedPhoto):
    """What a move would do to one photo. ``reason`` says why it stays, or why it gets another name."""

    new_filename: str | None
    status: Literal["moves", "stays"]
    reason: str | None
    files: list[PlannedFile]


class MovePlan(TaskPlan):
    """What a move would be: of the first 2,000 of its photos, each for itself."""

    dest_folder: str
    items: list[PlannedMove]


class PlannedKeep(PlannedPhoto):
    """Which kinds of one photo would be kept that are not, or given up that are kept."""

    status: Literal["changes", "unchanged"]
    keeps: list[PhotoKind]
    gives_up: list[PhotoKind]


class KeepPlan(TaskPlan):
    """What a change of keep flags, or a revert, would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedKeep]


class PlannedTags(PlannedPhoto):
    """Which tags one photo would get and lose; ``reason`` says why it can have none of that."""

    status: Literal["changes", "unchanged", "fails"]
    adds: list[str]
    removes: list[str]
    reason: str | None


class TagsPlan(TaskPlan):
    """What a change of tags would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedTags]


class PlannedDerivatives(PlannedPhoto):
    """Which derivatives of one photo would be made, and of which file; if none, ``reason`` says why.

    Those that are ``up_to_date`` are looked for nevertheless, and made if one is gone from disk. If the file cannot be
    read they are made of the photo's next.
    """

    status: Literal["makes", "unchanged", "fails"]
    makes: list[Literal["thumbnail", "preview"]]
    source: str | None
    reason: Literal["up_to_date", "no_original"] | None


class DerivativesPlan(TaskPlan):
    """What the making of derivatives would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedDerivatives]


class PlannedReading(PlannedPhoto):
    """Which files of one photo would be read again, the one that it is shown by first; if none, ``reason`` says why.

    What they tell, and whether the photo would change by it, is not known before.
    """

    status: Literal["reads", "fails"]
    files: list[str]
    reason: Literal["no_original"] | None


class MetadataPlan(TaskPlan):
    """What reading metadata again would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedReading]


class PlannedDeletion(PlannedPhoto):
    """One photo that would go with its project, and the names of its files."""

    removes: list[str]


class StoppedTask(BaseModel):
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


class PlannedUndo(BaseModel):
    """What an undo would do to one photo, ``what`` in words. ``reason`` says what cannot be taken back, and why.

    ``project_folder`` is where the photo lies or, if it is gone, lay before.
    """

    photo_id: int
    project_folder: str | None
    filename: str | None
    status: Literal["restores", "refused", "unchanged"]
    what: list[str]
    reason: str | None


class UndoPlan(TaskPlan):
    """What an undo would be: of the first 2,000 of its photos, each for itself."""

    items: list[PlannedUndo]


class AnyPlan(
    RootModel[DeletionPlan | MovePlan | CommitPlan | KeepPlan | TagsPlan | DerivativesPlan | MetadataPlan | TaskPlan],
):
    """The plan of a task of any type: with ``items`` where it is known what becomes of each photo."""
