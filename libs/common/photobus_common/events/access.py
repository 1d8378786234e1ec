"""Events of who there is and who may do what."""

from typing import ClassVar, Literal
from uuid import UUID

from photobus_common import subjects
from photobus_common.events.envelope import EventData


class AccessEvent(EventData):
    """Base of changes of who there is and who may do what."""

    def subject(self, tenant: str) -> str:
        """Return the tenant's access subject."""
        return subjects.access_subject(tenant)


class TenantCreated(AccessEvent):
    """Photos of another owner are looked after; ``library_id`` is what the folder of its projects is known by."""

    TYPE: ClassVar[str] = "TenantCreated"

    name: str
    library_id: UUID


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
