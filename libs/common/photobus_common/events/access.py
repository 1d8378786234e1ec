"""Events of who may do what."""

from typing import ClassVar, Literal
from uuid import UUID

from photobus_common import subjects
from photobus_common.events.envelope import EventData


class AccessEvent(EventData):
    """Base of changes of who may do what."""

    def subject(self, tenant: str) -> str:
        """Return the tenant's access subject."""
        return subjects.access_subject(tenant)


class TokenCreated(AccessEvent):
    """An API token was made; its secret is in no event."""

    TYPE: ClassVar[str] = "TokenCreated"

    token_id: UUID
    name: str
    role: Literal["viewer", "editor", "admin"]


class TokenRevoked(AccessEvent):
    """An API token no longer opens anything."""

    TYPE: ClassVar[str] = "TokenRevoked"

    token_id: UUID
