"""The archive: every event of the log in Postgres, in stream order, chained by hash, and the cursor of the fold.

Only the orchestrator's loop writes it, in the transaction that moves the cursor, so there is one writer and no gap that
nobody noticed. Each hash covers the one before, so that a row changed or taken out later shows.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from photobus_common.store.database import Connection

PARTITION: Final = 0
"""The one partition of the fold; the column is there for the day on which measurement asks for more."""

CHAIN_START: Final = bytes(32)
"""What the first hash of the chain covers."""

PAYLOAD_OF_EVENT: Final = """
SELECT payload FROM event_log WHERE event_id = $2 AND tenant = $1
UNION ALL
SELECT convert_from(payload, 'UTF8') FROM outbox WHERE id = $2 AND tenant = $1 AND kind = 'event'
LIMIT 1
"""

ENSURE_CURSOR = """
INSERT INTO fold_cursor (partition, seq, hash) VALUES ($1, 0, $2) ON CONFLICT (partition) DO NOTHING
"""

CURSOR = "SELECT seq, hash, stream_created FROM fold_cursor WHERE partition = $1"

# One statement, since each round trip counts here: nothing is added unless the cursor stands where it should.
MOVE_CURSOR_AND_APPEND = """
WITH moved AS (
    UPDATE fold_cursor SET seq = $3, hash = $4 WHERE partition = $1 AND seq = $2 RETURNING partition
), added AS (
    INSERT INTO event_log (
        seq, event_id, time, type, tenant, subject, actor, task_id, project_id, photo_ids, payload, hash
    )
    SELECT e.seq, e.event_id, e.time, e.type, e.tenant, e.subject, e.actor, e.task_id, e.project_id,
        e.photo_ids::bigint[], e.payload, e.hash
    FROM moved, unnest(
        $5::bigint[], $6::uuid[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::uuid[],
        $13::bigint[], $14::text[], $15::text[], $16::bytea[]
    ) AS e(seq, event_id, time, type, tenant, subject, actor, task_id, project_id, photo_ids, payload, hash)
)
SELECT count(*) FROM moved
"""

FOLLOW_STREAM = """
UPDATE fold_cursor SET seq = $3, stream_created = $4 WHERE partition = $1 AND seq = $2
"""

ARCHIVED_AMONG = "SELECT event_id FROM event_log WHERE event_id = ANY($1::uuid[])"

WHAT_IS_KNOWN = """
SELECT 'event' AS of, event_id AS id, NULL AS state FROM event_log WHERE event_id = ANY($1::uuid[])
UNION ALL
SELECT 'task', id, state::text FROM tasks WHERE id = ANY($2::uuid[])
UNION ALL
SELECT DISTINCT 'cancel', task_id, NULL FROM event_log
WHERE task_id = ANY($3::uuid[]) AND seq < $4 AND type = 'TaskCancelRequested'
"""

ENTRIES_BETWEEN = """
SELECT seq, event_id, time, type, tenant, subject, actor, task_id, project_id, photo_ids, payload, hash
FROM event_log WHERE seq > $1 AND seq <= $2 ORDER BY seq
"""

# Waiting for a row that a relay holds could end in a deadlock with it; the rows passed over are the answer.
DELETE_ARCHIVED_OUTBOX = """
WITH free AS (
    SELECT id FROM outbox WHERE id = ANY($1::uuid[]) AND kind = 'event' FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM outbox USING free WHERE outbox.id = free.id RETURNING outbox.id
)
SELECT id FROM outbox WHERE id = ANY($1::uuid[]) AND kind = 'event' EXCEPT SELECT id FROM deleted
"""

OUTBOX_EVENTS_AFTER = """
SELECT id FROM outbox WHERE kind = 'event' AND id > $1 ORDER BY id LIMIT $2
"""


FETCHED_AT_ONCE: Final = 500

PAGE_CHARACTERS: Final = 8 * 1024**2
"""Where a page of the archive ends, however few entries it has: some are a thousand times as long as others."""


@dataclass(frozen=True)
class Cursor:
    """The last sequence that was folded, the hash of the last archived event, and the stream they came from."""

    seq: int
    hash: bytes
    stream_created: datetime | None


@dataclass(frozen=True)
class Entry:
    """One event as the archive keeps it; ``payload`` is what the stream held, to the byte."""

    seq: int
    event_id: UUID
    time: datetime
    type: str
    tenant: str
    subject: str
    actor: str
    task_id: UUID | None
    project_id: int | None
    photo_ids: tuple[int, ...]
    payload: str
    hash: bytes


@dataclass(frozen=True)
class Known:
    """What the database knows of a batch.

    ``archived`` are those of its events that came before, ``states`` the state documents of its tasks, ``canceled``
    those of the tasks it requests whose cancellation was asked for before.
    """

    archived: frozenset[UUID]
    states: tuple[str, ...]
    canceled: frozenset[UUID]


def link(previous: bytes, seq: int, payload: bytes) -> bytes:
    """Return the hash of an entry: SHA-256 over the hash before it, its sequence (8 bytes) and its payload."""
    return hashlib.sha256(previous + seq.to_bytes(8) + payload).digest()


async def ensure_cursor(connection: Connection) -> Cursor:
    """Return the cursor; on a new database it stands before the first event."""
    await connection.execute(ENSURE_CURSOR, PARTITION, CHAIN_START)
    return await read_cursor(connection)


async def read_cursor(connection: Connection) -> Cursor:
    """Return the cursor, which must exist."""
    row = await connection.fetchrow(CURSOR, PARTITION)
    if row is None:
        return Cursor(0, CHAIN_START, None)
    return Cursor(row["seq"], row["hash"], row["stream_created"])


async def move_cursor_and_append(
    connection: Connection, expected: int, seq: int, chain: bytes, entries: Sequence[Entry]
) -> bool:
    """Move the cursor from ``expected`` to ``seq`` and add ``entries`` to the archive.

    Returns false, having done neither, when the cursor does not stand at ``expected``.
    """
    rows = [_row(entry) for entry in entries]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in fields(Entry)]
    moved = await connection.fetchval(MOVE_CURSOR_AND_APPEND, PARTITION, expected, seq, chain, *columns)
    return bool(moved)


def _row(entry: Entry) -> tuple[Any, ...]:
    """Return the columns of ``entry``; an array within arrays goes as its text."""
    photos = f"{{{','.join(map(str, entry.photo_ids))}}}" if entry.photo_ids else None
    return (
        entry.seq,
        entry.event_id,
        entry.time,
        entry.type,
        entry.tenant,
        entry.subject,
        entry.actor,
        entry.task_id,
        entry.project_id,
        photos,
        entry.payload,
        entry.hash,
    )


async def follow_stream(connection: Connection, expected: int, seq: int, created: datetime) -> bool:
    """Note the stream made at ``created`` and read it on from ``seq``; false when the cursor is not at ``expected``."""
    return await connection.execute(FOLLOW_STREAM, PARTITION, expected, seq, created) == "UPDATE 1"


async def archived_among(connection: Connection, event_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return those of ``event_ids`` that the archive holds."""
    rows = await connection.fetch(ARCHIVED_AMONG, event_ids)
    return frozenset(row["event_id"] for row in rows)


async def what_is_known(
    connection: Connection, event_ids: Sequence[UUID], tasks: Sequence[UUID], requested: Sequence[UUID], before: int
) -> Known:
    """Return what the database knows of a batch of ``event_ids`` that begins at the sequence ``before``.

    ``tasks`` are the tasks it is about, ``requested`` those that it requests.
    """
    found: dict[str, list[Any]] = {"event": [], "task": [], "cancel": []}
    for row in await connection.fetch(WHAT_IS_KNOWN, event_ids, tasks, requested, before):
        found[row["of"]].append(row["state"] or row["id"])
    return Known(frozenset(found["event"]), tuple(found["task"]), frozenset(found["cancel"]))


async def event_payload(connection: Connection, tenant: str, event_id: UUID) -> str | None:
    """Return the document of an event of the tenant, from the archive or on its way there; None if there is none."""
    payload: str | None = await connection.fetchval(PAYLOAD_OF_EVENT, tenant, event_id)
    return payload


async def entries_between(connection: Connection, after: int, until: int, page: int) -> AsyncIterator[list[Entry]]:
    """Yield the archive after ``after`` up to ``until``, in order, up to ``page`` entries or some MB at a time.

    Needs a transaction, whose snapshot is read.
    """
    entries: list[Entry] = []
    size = 0
    async for row in connection.cursor(ENTRIES_BETWEEN, after, until, prefetch=FETCHED_AT_ONCE):
        entries.append(_entry(row))
        size += len(entries[-1].payload)
        if len(entries) == page or size > PAGE_CHARACTERS:
            yield entries
            entries, size = [], 0
    if entries:
        yield entries


def _entry(row: asyncpg.Record) -> Entry:
    columns = dict(row)
    return Entry(**columns | {"photo_ids": tuple(columns["photo_ids"] or ())})


async def delete_archived_outbox(connection: Connection, event_ids: Sequence[UUID]) -> list[UUID]:
    """Delete the outbox rows of archived events; returns those that somebody held, which are still there."""
    rows = await connection.fetch(DELETE_ARCHIVED_OUTBOX, event_ids)
    return [row["id"] for row in rows]


async def outbox_events_after(connection: Connection, after: UUID, page: int) -> list[UUID]:
    """Return the ids of up to ``page`` events in the outbox, in the order of their ids, after ``after``."""
    rows = await connection.fetch(OUTBOX_EVENTS_AFTER, after, page)
    return [row["id"] for row in rows]
