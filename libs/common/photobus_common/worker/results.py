"""How a run of a job can end, and which end an error stands for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from photobus_common.errors import PhotobusError
from photobus_common.storable import storable
from photobus_common.storage.errors import LockedError
from photobus_common.store.claims import ClaimLostError, JobCanceledError
from photobus_common.store.job_items import REASON_LENGTH
from photobus_common.store.outages import SESSION_ERRORS

HandBackReason = Literal["drain", "portion", "pause", "locked"]

_FIRST_DELAY_SECONDS: Final = 0.5
_LONGEST_DELAY_SECONDS: Final = 15.0

MOST_AWAITED: Final = 1000
"""Confirmations that a job waits for at a time; an event and the state of a task hold so many."""


class HandBackError(PhotobusError):
    """Raised by a handler to give its job back unfinished, which is no failure: it is delivered again."""

    code = "handed_back"
    retryable = True

    def __init__(self, reason: HandBackReason) -> None:
        super().__init__(f"The job was handed back ({reason}).")
        self.reason = reason


class AwaitsConfirmationError(PhotobusError):
    """Raised by a handler that has done all it may before persons answer: its job comes again once they have.

    Of very many confirmations it names some: then it comes again when those are answered, and may wait anew.
    """

    code = "awaits_confirmation"
    retryable = True

    def __init__(self, confirmation_ids: Iterable[UUID]) -> None:
        super().__init__("The job waits for confirmation.")
        self.confirmation_ids = tuple(confirmation_ids)[:MOST_AWAITED]


class UnfinishedItemsError(PhotobusError):
    """A handler returned although items of its job have no outcome."""

    code = "unfinished_items"
    retryable = True


class WorkerLostError(PhotobusError):
    """The job's worker died while it ran it, again and again; the job is taken to be the cause."""

    code = "worker_lost"


@dataclass(frozen=True)
class Completed:
    """Every item has its outcome, or the whole of the job is done."""


@dataclass(frozen=True)
class AttemptFailed:
    """The attempt ended in an error; ``retryable`` says whether another may help."""

    code: str
    reason: str
    retryable: bool


@dataclass(frozen=True)
class HandedBack:
    """The job goes back to its lane, unfinished."""

    reason: HandBackReason


@dataclass(frozen=True)
class Waiting:
    """The job rests, without a command, until the confirmations are answered."""

    confirmation_ids: tuple[UUID, ...]


@dataclass(frozen=True)
class Abandoned:
    """The run has no right to say anything: its claim is lost, or the job was canceled."""

    why: Literal["lost", "canceled"]


Result = Completed | AttemptFailed | HandedBack | Waiting
"""What a run writes down."""


def result_of(error: BaseException) -> Result | Abandoned:
    """Return the end that a handler's ``error`` stands for."""
    match error:
        case ClaimLostError():
            return Abandoned("lost")
        case JobCanceledError():
            return Abandoned("canceled")
        case HandBackError():
            return HandedBack(error.reason)
        case LockedError():
            return HandedBack("locked")
        case AwaitsConfirmationError():
            return Waiting(error.confirmation_ids)
    return failure_of(error)


def failure_of(error: BaseException) -> AttemptFailed:
    """Return the failure that ``error`` stands for, whatever it is."""
    if isinstance(error, PhotobusError):
        return AttemptFailed(error.code, _reason(error.public_message), error.retryable)
    if isinstance(error, SESSION_ERRORS):
        return AttemptFailed("database_unavailable", "The database did not answer.", retryable=True)
    return AttemptFailed("internal_error", _reason(f"{type(error).__name__}: {error}"), retryable=True)


def _reason(text: str) -> str:
    """Return what is kept of ``text``, in which a library may have quoted anything."""
    return storable(text[:REASON_LENGTH])


def redelivery_delay(result: HandedBack, deliveries: int) -> float:
    """Return the seconds after which a job that was handed back may come again, having come ``deliveries`` times.

    A draining worker's job is wanted elsewhere at once. One that made room for others comes after them: what is given
    back without delay is delivered first. A lock that is held is asked for in growing pauses.
    """
    match result.reason:
        case "drain":
            return 0.0
        case "locked":
            return float(min(_FIRST_DELAY_SECONDS * 2 ** min(deliveries - 1, 10), _LONGEST_DELAY_SECONDS))
        case _:
            return _FIRST_DELAY_SECONDS
