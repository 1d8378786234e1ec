"""What it means that a photo is settled: on whose behalf, what became of its operations, what is said of its item."""

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from photobus_common.events import Origin
from photobus_common.store.file_operations import FileOperation
from photobus_common.store.job_items import ItemOutcome
from photobus_common.worker import Job, JobItem

SOURCE: Final = "/filemover"


@dataclass(frozen=True)
class Cause:
    """The item of a job on whose behalf something is done with a photo's files."""

    job_id: UUID
    attempt: int
    position: int
    task_id: UUID
    actor: str

    @classmethod
    def of(cls, operation: FileOperation) -> "Cause":
        """Return on whose behalf ``operation`` was put on record."""
        return cls(operation.job_id, operation.attempt, operation.position, operation.task_id, operation.actor)

    def origin(self, tenant: str) -> Origin:
        """Return the origin of the events that tell of it."""
        return Origin(SOURCE, tenant, self.actor, self.task_id)


class Settled(Protocol):
    """What became of one photo."""

    @property
    def cause(self) -> Cause:
        """On whose behalf."""

    @property
    def photo_id(self) -> int:
        """Which photo."""

    @property
    def project_id(self) -> int:
        """Where it lies now, or lay when it was still there."""

    @property
    def derivatives_wanted(self) -> bool:
        """Whether its derivatives are to be made anew by somebody."""

    @property
    def outcome(self) -> ItemOutcome:
        """What is said of the item."""


def cause_of(job: Job, item: JobItem) -> Cause:
    """Return the item as the cause of what its job does."""
    command = job.command
    return Cause(command.job_id, command.attempt, item.position, command.task_id, command.actor)
