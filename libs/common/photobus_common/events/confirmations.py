"""Events of confirmations: what a task would remove, and what a person said to it."""

from typing import ClassVar, Literal
from uuid import UUID

from photobus_common.events.tasks import JobEvent, TaskEvent


class ConfirmationEvent(TaskEvent):
    """Base of the events of one confirmation; without a project it is about whole projects whose folders are gone."""

    confirmation_id: UUID
    project_id: int | None = None
    project_folder: str | None = None

    def project(self) -> int | None:
        """Return the project, if it is about one."""
        return self.project_id


class ConfirmationRequested(ConfirmationEvent):
    """A job would remove what is gone of ``lacking`` of ``photos`` photos, and asks a person before it does."""

    TYPE: ClassVar[str] = "ConfirmationRequested"

    job_id: UUID
    job_type: str
    reason: str
    lacking: int
    photos: int


class ConfirmationAnswered(ConfirmationEvent):
    """A person, the event's actor, said that it is truly gone (``confirmed``), or that nothing may be removed."""

    TYPE: ClassVar[str] = "ConfirmationAnswered"

    confirmed: bool


class ConfirmationExpired(ConfirmationEvent):
    """Nobody needs to answer any more."""

    TYPE: ClassVar[str] = "ConfirmationExpired"

    why: Literal["project_gone"]


class JobWaiting(JobEvent):
    """A job has done all that it may, and waits until each of the confirmations is answered or has expired."""

    TYPE: ClassVar[str] = "JobWaiting"

    dispatch: int
    confirmation_ids: tuple[UUID, ...]
