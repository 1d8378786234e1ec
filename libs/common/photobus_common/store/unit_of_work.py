"""One transaction for rows and the events that tell of them (accepted means: committed in Postgres).

Events and commands are collected while the rows are written, inserted into the outbox in the same transaction, and
handed to the publisher right after the commit. If the process dies in between, a relay publishes them.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID, uuid4

from photobus_common.commands import RunJob
from photobus_common.events import Event, encode
from photobus_common.store.database import Connection, Database


@dataclass(frozen=True)
class OutboxMessage:
    """One row of the outbox: what is published, where, and under which message id."""

    id: UUID
    kind: Literal["event", "command"]
    message_id: str
    tenant: str
    subject: str
    payload: bytes
    not_before: datetime | None = None


class Publisher(Protocol):
    """Takes what was committed and publishes it without making the caller wait."""

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Publish soon; what cannot be published stays in the outbox for the relay."""


@dataclass
class UnitOfWork:
    """The open transaction and what it will have said when it commits."""

    connection: Connection
    messages: list[OutboxMessage] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        """Say ``event`` if and when the transaction commits."""
        self.messages.append(
            OutboxMessage(event.id, "event", str(event.id), event.tenant, event.subject, encode(event)),
        )

    def command(self, command: RunJob, not_before: datetime | None = None) -> None:
        """Send ``command`` when the transaction has committed, and not before ``not_before``."""
        self.messages.append(
            OutboxMessage(
                uuid4(),
                "command",
                command.message_id,
                command.tenant,
                command.subject,
                command.encode(),
                not_before,
            ),
        )


INSERT_OUTBOX = """
INSERT INTO outbox (id, kind, message_id, tenant, subject, payload, not_before)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[])
"""

INSERT_OUTBOX_ONCE = f"{INSERT_OUTBOX} ON CONFLICT (id) DO NOTHING"


@asynccontextmanager
async def unit_of_work(database: Database, publisher: Publisher) -> AsyncIterator[UnitOfWork]:
    """Open a transaction; on leaving, write the outbox, commit, and offer the messages to ``publisher``.

    An error inside rolls everything back and publishes nothing.
    """
    async with database.transaction() as connection:
        work = UnitOfWork(connection)
        yield work
        if work.messages:
            await insert_outbox(connection, work.messages)
    publisher.offer([message for message in work.messages if message.not_before is None])


async def insert_outbox(connection: Connection, messages: Sequence[OutboxMessage]) -> None:
    """Write ``messages`` into the outbox, in one statement."""
    await _insert(connection, INSERT_OUTBOX, messages)


async def insert_outbox_once(connection: Connection, messages: Sequence[OutboxMessage]) -> None:
    """Do the same, leaving out those that stand there already because the answer to an earlier try got lost."""
    await _insert(connection, INSERT_OUTBOX_ONCE, messages)


async def _insert(connection: Connection, statement: str, messages: Sequence[OutboxMessage]) -> None:
    columns = zip(
        *((m.id, m.kind, m.message_id, m.tenant, m.subject, m.payload, m.not_before) for m in messages),
        strict=True,
    )
    await connection.execute(statement, *(list(column) for column in columns))
