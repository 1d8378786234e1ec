"""What goes wrong between a client and photobus, each in one line that can be shown to a person."""

from http import HTTPStatus
from typing import Any, Final

TRY_LATER: Final = frozenset(
    {
        *(HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT),
        *(HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT),
    }
)
"""Answers that ask to come again."""


class ClientError(Exception):
    """Base of all errors of this client."""


class UnreachableError(ClientError):
    """No photobus answered within the client's patience."""


class ApiError(ClientError):
    """photobus refused the request. ``code`` is the stable word to branch on; ``errors`` name the fields."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail") or problem.get("title") or f"HTTP status {status}")
        self.errors: list[dict[str, Any]] = list(problem.get("errors", []))
        super().__init__(self.detail)

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in TRY_LATER
