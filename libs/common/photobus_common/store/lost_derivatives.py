"""Derivatives that rows say are there: which those are, and that some of them are gone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from photobus_common.events.parts import DerivativeStatus
from photobus_common.store.database import Connection
from photobus_common.store.photos import LOCK_PHOTOS
from photobus_common.subjects import task_subject

GENERATED_IN_PROJECT: Final = """
SELECT id, filename, thumbnail_status, preview_status FROM photos
WHERE project_id = $1 AND id = ANY($2::bigint[]) AND 'generated' IN (thumbnail_status, preview_status) ORDER BY id
"""

# Whoever moves, removes or brings back a photo settles its derivatives with it.
PHOTOS_IN_MOTION: Final = """
SELECT DISTINCT photo_id FROM file_operations WHERE state = 'open' AND photo_id = ANY($1::bigint[])
"""

MARK_MISSING: Final = """
UPDATE photos p SET version = p.version + 1, updated_at = now(), derivative_reason = $4,
    thumbnail_status = CASE WHEN n.thumbnail THEN 'missing' ELSE p.thumbnail_status END,
    preview_status = CASE WHEN n.preview THEN 'missing' ELSE p.preview_status END
FROM unnest($1::bigint[], $2::boolean[], $3::boolean[]) AS n (id, thumbnail, preview)
WHERE p.id = n.id
RETURNING p.id, p.filename, p.version, p.thumbnail_status, p.preview_status
"""

ANY_MISSING: Final = """
SELECT EXISTS (
    SELECT FROM photos p JOIN projects pr ON pr.id = p.project_id
    WHERE p.tenant = $1 AND pr.status = 'active' AND (p.thumbnail_status = 'missing' OR p.preview_status = 'missing')
        AND ($2::bigint[] IS NULL OR p.project_id = ANY($2::bigint[]))
)
"""

CHANGED_BY_JOB: Final = "SELECT changed > 0 FROM maintenance_counts WHERE job_id = $1"

# A request that is not folded yet is in the outbox alone.
GENERATION_IS_OPEN: Final = """
SELECT EXISTS (SELECT FROM tasks WHERE tenant = $1 AND type = $2 AND ended_at IS NULL)
    OR EXISTS (SELECT FROM outbox WHERE tenant = $1 AND kind = 'event' AND subject = $3)
"""


@dataclass(frozen=True)
class ShownPhoto:
    """A photo of a project and what its row says of its derivatives."""

    id: int
    filename: str
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus


@dataclass(frozen=True)
class Gone:
    """Which derivatives of a photo are recorded and not there."""

    photo_id: int
    thumbnail: bool
    preview: bool


@dataclass(frozen=True)
class MarkedPhoto(ShownPhoto):
    """A photo's row after it was marked."""

    version: int


async def generated_in_project(
    connection: Connection, project_id: int, photo_ids: Sequence[int], *, lock: bool = False
) -> list[ShownPhoto]:
    """Return those of ``photo_ids`` that lie in the project and are said to have a derivative.

    ``lock`` keeps them as they are until the transaction ends, against whoever makes derivatives too. They are locked
    by a statement before: one that waits for a photo that is written would not see what was.
    """
    if lock:
        await connection.execute(LOCK_PHOTOS, photo_ids)
    return [ShownPhoto(**row) for row in await connection.fetch(GENERATED_IN_PROJECT, project_id, photo_ids)]


async def photos_in_motion(connection: Connection, photo_ids: Sequence[int]) -> frozenset[int]:
    """Return those of ``photo_ids`` that an open file operation is about."""
    return frozenset(row["photo_id"] for row in await connection.fetch(PHOTOS_IN_MOTION, photo_ids))


async def mark_missing(connection: Connection, gone: Sequence[Gone], reason: str) -> list[MarkedPhoto]:
    """Let the rows say that derivatives are missing."""
    columns = ([one.photo_id for one in gone], [one.thumbnail for one in gone], [one.preview for one in gone])
    return [MarkedPhoto(**row) for row in await connection.fetch(MARK_MISSING, *columns, reason)]


async def any_missing(connection: Connection, tenant: str, project_ids: Collection[int] | None) -> bool:
    """Whether derivatives of the projects' photos are missing, or of any active project's for None."""
    return bool(await connection.fetchval(ANY_MISSING, tenant, None if project_ids is None else list(project_ids)))


async def changed_by_job(connection: Connection, job_id: UUID) -> bool:
    """Whether the report of the job tells of any change, whichever of its runs made it."""
    return bool(await connection.fetchval(CHANGED_BY_JOB, job_id))


async def generation_is_open(connection: Connection, tenant: str) -> bool:
    """Whether derivatives are being made, as far as is known: sooner yes than no."""
    task_type = "generate_derivatives"
    return bool(await connection.fetchval(GENERATION_IS_OPEN, tenant, task_type, task_subject(tenant, task_type)))
