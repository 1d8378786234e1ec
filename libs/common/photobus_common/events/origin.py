"""Where an event comes from: who, for which tenant, by which task, because of what. Makes the events of one source."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self
from uuid import UUID, uuid4

from photobus_common.events.envelope import Event, EventData


def now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Origin:
    """What the events of one request, job or decision have in common. ``source`` is the service: ``/gateway``."""

    source: str
    tenant: str
    actor: str
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    traceparent: str | None = None
    clock: Callable[[], datetime] = now
    new_id: Callable[[], UUID] = uuid4

    def event(self, data: EventData, *, event_id: UUID | None = None) -> Event:
        """Make the event that says ``data``; its id is ``event_id`` or a new one."""
        return Event(
            id=event_id or self.new_id(),
            time=self.clock(),
            source=self.source,
            tenant=self.tenant,
            actor=self.actor,
            correlation_id=self.correlation_id or data.task(),
            causation_id=self.causation_id,
            traceparent=self.traceparent,
            data=data,
        )

    def caused_by(self, event_id: UUID) -> Self:
        """Return the same origin, with ``event_id`` as the cause."""
        return replace(self, causation_id=event_id)
