"""The outbox after the commit: what its own process did not publish is found here, and what was published leaves.

Rows of commands go when the broker has acknowledged them. Rows of events stay until the event is archived, so that a
broker that loses its disk loses nothing; that is why a row says when a relay may look at it next.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from photobus_common.store.database import Connection, Database
from photobus_common.store.unit_of_work import OutboxMessage

LONGEST_WAIT: Final = timedelta(minutes=10)
"""Most that a relayed message which was not acknowledged waits for the next relay."""

REST: Final = timedelta(hours=1)
"""How long a relayed and acknowledged event is left alone; longer than an orchestrator should be away."""

# A row is lost when it was due `$1` ago and is still here; a command with a time of its own is due then.
# Each relay makes the wait for the next one four times longer.
TAKE_DUE_MESSAGES = """
WITH lost AS (
    SELECT id FROM outbox
    WHERE not_before IS NULL AND coalesce(relay_at, created_at) <= now() - $1::interval
    ORDER BY coalesce(relay_at, created_at)
    LIMIT $3
    FOR UPDATE SKIP LOCKED
), scheduled AS (
    SELECT id FROM outbox
    WHERE not_before IS NOT NULL AND coalesce(relay_at, not_before) <= now()
    ORDER BY coalesce(relay_at, not_before)
    LIMIT $3
    FOR UPDATE SKIP LOCKED
), due AS (
    SELECT id FROM lost UNION ALL SELECT id FROM scheduled
)
UPDATE outbox
SET relays = relays + 1, relay_at = now() + least($1::interval * 4 ^ least(relays + 1, 10), $2::interval)
FROM due
WHERE outbox.id = due.id
RETURNING outbox.id, kind, message_id, tenant, subject, payload, not_before, created_at,
    extract(epoch FROM now() - coalesce(not_before, created_at))::float8 AS age
"""

OLDEST_LOST_AGE = """
SELECT coalesce(max(age), 0)::float8 FROM (
    SELECT extract(epoch FROM now() - min(coalesce(relay_at, created_at))) AS age FROM outbox
    WHERE not_before IS NULL AND coalesce(relay_at, created_at) <= now() - $1::interval
    UNION ALL
    SELECT extract(epoch FROM now() - min(coalesce(relay_at, not_before))) FROM outbox
    WHERE not_before IS NOT NULL AND coalesce(relay_at, not_before) <= now()
) AS waiting
"""

# A row that somebody holds is passed over: it is the relay that holds it, and so it comes back.
DELETE_PUBLISHED_COMMANDS = """
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE id = ANY($1::uuid[]) FOR UPDATE SKIP LOCKED)
"""

# A row that was made due since, because its stream was lost, stays due: what took the event is gone.
LET_PUBLISHED_EVENTS_REST = """
UPDATE outbox SET relay_at = now() + $2::interval
WHERE id IN (SELECT id FROM outbox WHERE id = ANY($1::uuid[]) AND relays > 0 FOR UPDATE SKIP LOCKED)
"""

LET_NEXT_RELAY_LOOK_SOON = """
UPDATE outbox SET relays = 0, relay_at = greatest(now(), not_before)
WHERE id IN (SELECT id FROM outbox WHERE id = ANY($1::uuid[]) FOR UPDATE SKIP LOCKED)
"""

MAKE_ALL_EVENTS_DUE = "UPDATE outbox SET relays = 0, relay_at = created_at WHERE kind = 'event'"

COMMIT_LAZILY = "SET LOCAL synchronous_commit TO off"


@dataclass(frozen=True)
class Due:
    """Messages that a relay has taken, oldest first, and the age of the oldest in seconds (0: none)."""

    messages: tuple[OutboxMessage, ...]
    oldest_seconds: float


async def take_due(connection: Connection, relay_after: timedelta, limit: int) -> Due:
    """Take up to ``limit`` messages lost for ``relay_after`` and as many commands whose time has come.

    No other relay takes them before a while has passed.
    """
    rows = await connection.fetch(TAKE_DUE_MESSAGES, relay_after, LONGEST_WAIT, limit)
    rows.sort(key=lambda row: row["created_at"])
    messages = tuple(
        OutboxMessage(
            row["id"],
            row["kind"],
            row["message_id"],
            row["tenant"],
            row["subject"],
            row["payload"],
            row["not_before"],
        )
        for row in rows
    )
    return Due(messages, max((row["age"] for row in rows), default=0.0))


async def oldest_lost_seconds(connection: Connection, relay_after: timedelta) -> float:
    """Return how long the oldest message has been due without being published; 0 when there is none."""
    return float(await connection.fetchval(OLDEST_LOST_AGE, relay_after))


@dataclass(frozen=True)
class Outcomes:
    """What became of messages, by the ids of their rows.

    ``commands`` were published, and ``events`` that a relay had found; ``postponed`` are those that a relay had found
    and that the broker could not take: it is an outage, which says nothing of how often they should be tried.
    """

    commands: tuple[UUID, ...] = ()
    events: tuple[UUID, ...] = ()
    postponed: tuple[UUID, ...] = ()

    def __len__(self) -> int:
        return len(self.commands) + len(self.events) + len(self.postponed)


async def settle(database: Database, outcomes: Outcomes) -> None:
    """Delete the rows of published commands, let published events rest, and have what was postponed looked at soon.

    It is not synced on its own: when a crash undoes it, the messages go out once more and are dropped as repeats.
    """
    if not outcomes:
        return
    async with database.transaction() as connection:
        await connection.execute(COMMIT_LAZILY)
        if outcomes.commands:
            await connection.execute(DELETE_PUBLISHED_COMMANDS, outcomes.commands)
        if outcomes.events:
            await connection.execute(LET_PUBLISHED_EVENTS_REST, outcomes.events, REST)
        if outcomes.postponed:
            await connection.execute(LET_NEXT_RELAY_LOOK_SOON, outcomes.postponed)


async def make_all_events_due(connection: Connection) -> None:
    """Have every event that is not archived published again, because the stream was lost and made anew."""
    await connection.execute(MAKE_ALL_EVENTS_DUE)
