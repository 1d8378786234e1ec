"""Reading the archive for clients that come back: what one tenant's events said after a position in the log."""

from typing import Final, NamedTuple
from uuid import UUID

from photobus_common.store.database import Connection

ARCHIVED_UNTIL: Final = "SELECT coalesce(max(seq), 0) FROM fold_cursor"

FIRST_ARCHIVED: Final = "SELECT min(seq) FROM event_log"

NEWEST_ARCHIVED: Final = "SELECT event_id FROM event_log WHERE seq <= $1 ORDER BY seq DESC LIMIT $2"

COUNT_EVENTS_AFTER: Final = """
SELECT count(*) FROM (SELECT FROM event_log WHERE tenant = $1 AND seq > $2 LIMIT $3) bounded
"""

EVENTS_FROM: Final = """
SELECT seq, payload FROM event_log WHERE tenant = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq LIMIT $4
"""

ALL_EVENTS_FROM: Final = "SELECT seq, payload FROM event_log WHERE seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3"

# Where nothing follows yet, the cursor says from where the log is read on: far above the archive, if the stream is new.
NEIGHBOURS_OF: Final = """
SELECT coalesce((SELECT max(seq) FROM event_log WHERE seq <= $1), 0) AS last,
    coalesce((SELECT min(seq) FROM event_log WHERE seq > $1), (SELECT max(seq) + 1 FROM fold_cursor), 0) AS next
"""


class ArchivedEvent(NamedTuple):
    """One event as it was stored."""

    seq: int
    payload: str


async def archived_until(connection: Connection) -> int:
    """Return the sequence up to which the archive holds every event; 0 when it holds none."""
    return int(await connection.fetchval(ARCHIVED_UNTIL))


async def first_archived(connection: Connection) -> int | None:
    """Return the lowest sequence in the archive, or None when it is empty."""
    first: int | None = await connection.fetchval(FIRST_ARCHIVED)
    return first


async def newest_archived(connection: Connection, until: int, limit: int) -> list[UUID]:
    """Return the ids of the last ``limit`` events that the archive holds up to the sequence ``until``, in its order."""
    rows = await connection.fetch(NEWEST_ARCHIVED, until, limit)
    return [row["event_id"] for row in reversed(rows)]


async def more_events_than(connection: Connection, tenant: str, after: int, bound: int) -> bool:
    """Whether the archive holds more than ``bound`` events of ``tenant`` after the sequence ``after``."""
    return int(await connection.fetchval(COUNT_EVENTS_AFTER, tenant, after, bound + 1)) > bound


async def was_lost(connection: Connection, seq: int, gap: int) -> bool:
    """Whether ``seq`` was a place of a stream that was lost before it was archived to there.

    What it told has other places now, at least ``gap`` above, where the next stream began. A place of which the archive
    lacks the event alone, because that had come before, is none of these.
    """
    row = await connection.fetchrow(NEIGHBOURS_OF, seq)
    return row is not None and row["last"] < seq < row["next"] and row["next"] - row["last"] >= gap


async def events_from(
    connection: Connection, tenant: str, first: int, last: int, limit: int
) -> tuple[ArchivedEvent, ...]:
    """Return up to ``limit`` events of ``tenant`` from sequence ``first`` to ``last``, both included, in order."""
    rows = await connection.fetch(EVENTS_FROM, tenant, first, last, limit)
    return tuple(ArchivedEvent(row["seq"], row["payload"]) for row in rows)


async def all_events_from(connection: Connection, first: int, last: int, limit: int) -> tuple[ArchivedEvent, ...]:
    """Do the same for the events of all tenants."""
    rows = await connection.fetch(ALL_EVENTS_FROM, first, last, limit)
    return tuple(ArchivedEvent(row["seq"], row["payload"]) for row in rows)
