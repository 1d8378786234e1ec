"""A log in a list, folded by the orchestrator's true fold into a true database, for tests that need no broker."""

from collections.abc import Sequence
from datetime import UTC, datetime

from orchestration import rules

from photobus_common.bus.reader import StoredEvent
from photobus_common.events import Event, encode
from photobus_common.events.tasks import TargetsResolved
from photobus_common.store import event_log
from photobus_common.store.database import Database
from photobus_common.store.tasks import copy_items
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_orchestrator.domain.plan import Rules
from photobus_orchestrator.fold import Fold, Folded
from photobus_orchestrator.projection import resolved_items

OUTBOX_OF_KIND = "SELECT payload FROM outbox WHERE kind = $1 ORDER BY created_at, id"


class LeftInOutbox:
    """Publishes nothing: what is offered stays in the outbox, as while the broker is away."""

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Leave ``messages`` where they are."""


class Log:
    """A stream with its own sequences, read by one orchestrator at a time."""

    def __init__(self, database: Database, by: Rules | None = None) -> None:
        self.database = database
        self.rules = by or rules()
        self.last = 0

    async def lead(self) -> Fold:
        """Begin to fold where the archive ends, as an orchestrator that takes over does."""
        async with self.database.transaction() as connection:
            cursor = await event_log.ensure_cursor(connection)
        return Fold(self.database, LeftInOutbox(), self.rules, cursor)

    def store(self, *events: Event | bytes) -> list[StoredEvent]:
        """Append ``events`` to the stream."""
        stored = []
        for event in events:
            self.last += 1
            payload = event if isinstance(event, bytes) else encode(event)
            stored.append(StoredEvent(self.last, datetime.now(UTC), payload))
        return stored

    async def fold(self, *events: Event) -> Folded:
        """Append ``events`` and fold them as one batch; snapshots are written before, as the resolver does."""
        async with self.database.transaction() as connection:
            for event in events:
                if isinstance(event.data, TargetsResolved):
                    await copy_items(connection, resolved_items(event.data))
        return await (await self.lead()).fold(self.store(*events))

    async def come_back(self) -> None:
        """Let every event of the outbox come back in the stream, and archive it."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(OUTBOX_OF_KIND, "event")
        await (await self.lead()).fold(self.store(*(row["payload"] for row in rows)))
