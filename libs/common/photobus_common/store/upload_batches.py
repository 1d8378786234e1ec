"""Photos that were uploaded and wait to become a task, by the client's batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from photobus_common.store.database import Connection

ADD_TO_BATCHES: Final = """
INSERT INTO upload_batches (tenant, project_id, batch, photo_id, actor)
SELECT $1, $2, n.batch, n.photo_id, $3 FROM unnest($4::text[], $5::bigint[]) AS n (batch, photo_id)
ON CONFLICT DO NOTHING
"""

COUNT_ANSWERED: Final = """
INSERT INTO upload_batch_counts AS c (tenant, project_id, batch, files) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, project_id, batch) DO UPDATE SET files = c.files + excluded.files, updated_at = now()
RETURNING files
"""

DUE_BATCHES: Final = """
SELECT b.tenant, b.project_id, b.batch
FROM upload_batches b
GROUP BY b.tenant, b.project_id, b.batch
HAVING count(*) >= $2 OR min(b.added_at) <= now() - $1::interval
ORDER BY min(b.added_at)
"""

TAKE_FROM_BATCH: Final = """
WITH taken AS (
    SELECT b.ctid FROM upload_batches b
    WHERE b.tenant = $1 AND b.project_id = $2 AND b.batch = $3
    ORDER BY b.added_at, b.photo_id LIMIT $4 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM upload_batches b USING taken WHERE b.ctid = taken.ctid RETURNING b.photo_id, b.actor, b.added_at
)
SELECT photo_id, actor FROM gone ORDER BY added_at, photo_id
"""

FORGET_COUNTS: Final = """
DELETE FROM upload_batch_counts WHERE tenant = $1 AND project_id = $2 AND batch = $3
"""

FORGET_OLD_COUNTS: Final = "DELETE FROM upload_batch_counts WHERE updated_at < now() - $1::interval"

PROJECT_NAME: Final = "SELECT name FROM projects WHERE id = $1"


@dataclass(frozen=True)
class BatchKey:
    """One client's batch of uploads into one project."""

    tenant: str
    project_id: int
    batch: str


async def add_to_batches(
    connection: Connection, tenant: str, project_id: int, actor: str, photos: Sequence[tuple[str, int]]
) -> None:
    """Let photos (batch and id) wait to become part of a task."""
    batches, photo_ids = [batch for batch, _ in photos], [photo_id for _, photo_id in photos]
    await connection.execute(ADD_TO_BATCHES, tenant, project_id, actor, batches, photo_ids)


async def count_answered(connection: Connection, key: BatchKey, files: int) -> int:
    """Count ``files`` more of the batch as answered for; return how many there are now."""
    return int(await connection.fetchval(COUNT_ANSWERED, key.tenant, key.project_id, key.batch, files))


async def due_batches(connection: Connection, after: timedelta, files: int) -> list[BatchKey]:
    """Return batches of at least ``files`` photos, and those whose first photo is older than ``after``."""
    rows = await connection.fetch(DUE_BATCHES, after, files)
    return [BatchKey(row["tenant"], row["project_id"], row["batch"]) for row in rows]


async def take_from_batch(connection: Connection, key: BatchKey, limit: int) -> list[tuple[int, str]]:
    """Remove up to ``limit`` photos from the batch that nobody else is taking; return each with its actor."""
    rows = await connection.fetch(TAKE_FROM_BATCH, key.tenant, key.project_id, key.batch, limit)
    return [(row["photo_id"], row["actor"]) for row in rows]


async def forget_counts(connection: Connection, key: BatchKey) -> None:
    """Forget how many files of the batch were answered for."""
    await connection.execute(FORGET_COUNTS, key.tenant, key.project_id, key.batch)


async def forget_old_counts(connection: Connection, after: timedelta) -> None:
    """Forget the counts of batches that have been quiet for ``after``."""
    await connection.execute(FORGET_OLD_COUNTS, after)


async def project_name(connection: Connection, project_id: int) -> str:
    """Return the project's name."""
    name: str = await connection.fetchval(PROJECT_NAME, project_id)
    return name
