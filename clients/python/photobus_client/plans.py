"""What dry runs answer: what a task would be, and what would become of each photo. Nothing was started."""

from typing import Literal

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
    """What a move would do to one photo. One that ``stays`` has the ``reason``."""

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


class PlannedUndo(Model):
    """What an undo would do to one photo: ``what`` in words. One that is ``refused`` has the ``reason``."""

    photo_id: int
    filename: str | None = None
    status: Literal["restores", "refused", "unchanged"]
    what: list[str]
    reason: str | None = None


class UndoPlan(TaskPlan):
    """What an undo would be, photo by photo."""

    items: list[PlannedUndo]
