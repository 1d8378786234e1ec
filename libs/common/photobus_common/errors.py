"""The one exception base of photobus, and the errors that several services raise.

Every error carries a stable ``code`` word, the HTTP ``status`` it becomes at the gateway, whether trying again may help
(``retryable``), and a ``public_message`` that is safe to show to a caller (design: style, habit 6).
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One field of the input and what is wrong with it; ``limit`` names the bound that was passed, if any."""

    field: str
    message: str
    limit: int | None = None


class PhotobusError(Exception):
    """Base of every error that photobus raises on purpose."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    retry_after_seconds: int = 1

    def __init__(self, public_message: str, *, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(public_message)
        self.public_message = public_message
        self.fields = fields


class InvalidInputError(PhotobusError):
    """The caller's input is wrong; ``fields`` says where."""

    code = "invalid_input"
    status = 400


class UnauthorizedError(PhotobusError):
    """No token, or one that is unknown or revoked."""

    code = "unauthorized"
    status = 401


class ForbiddenError(PhotobusError):
    """The caller's role does not allow the call."""

    code = "forbidden"
    status = 403


class NotFoundError(PhotobusError):
    """What was asked for does not exist for this tenant."""

    code = "not_found"
    status = 404


class ConflictError(PhotobusError):
    """The state of things does not allow the call."""

    code = "conflict"
    status = 409


class TooLargeError(PhotobusError):
    """The body or file is over a limit."""

    code = "too_large"
    status = 413


class NotProvidedError(PhotobusError):
    """A definition needs a job type that no service of this version runs."""

    code = "not_provided"
    status = 501


class StorageUnavailableError(PhotobusError):
    """The library does not answer as itself: sentinel missing or foreign, unreadable folder, I/O error."""

    code = "storage_unavailable"
    status = 503
    retryable = True


class BrokerUnavailableError(PhotobusError):
    """The broker did not answer in time; what was accepted stays in the outbox."""

    code = "broker_unavailable"
    status = 503
    retryable = True


class ConfigurationError(PhotobusError):
    """Settings, definitions or stream configuration that the service refuses to start with."""

    code = "configuration"
