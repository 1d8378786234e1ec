"""What the making of derivatives reads of photos, and what it writes about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from photobus_common.derivation import PhotoState, SourceFile
from photobus_common.store.database import Connection
from photobus_common.store.photos import LOCK_PHOTOS

PHOTOS_TO_SHOW: Final = """
SELECT p.id, p.project_id, p.filename, p.derivative_key,
    p.thumbnail_status = 'generated' AND p.preview_status = 'generated' AS generated,
    pr.folder, t.library_id,
    coalesce(
        (SELECT json_agg(json_build_array(f.name, f.kind, f.md5) ORDER BY f.name)
         FROM photo_files f WHERE f.photo_id = p.id AND f.kind <> 'sidecar'),
        '[]'
    ) AS files
FROM photos p JOIN projects pr ON pr.id = p.project_id JOIN tenants t ON t.tenant = p.tenant
WHERE p.tenant = $1 AND p.id = ANY($2) AND pr.status = 'active'
"""

RECORD_DERIVATIVES: Final = """
UPDATE photos p SET thumbnail_status = o.status, preview_status = o.status, derivative_key = o.key,
    derivative_reason = o.reason, width = coalesce(o.width, p.width), height = coalesce(o.height, p.height),
    version = p.version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[])
    AS o(id, status, key, reason, width, height)
WHERE p.id = o.id
RETURNING p.id, p.version
"""


@dataclass(frozen=True)
class ShownPhoto:
    """A photo of an active project; ``files`` are name, kind and MD5 of its originals, by name."""

    id: int
    project_id: int
    filename: str
    derivative_key: str | None
    generated: bool
    folder: str
    library_id: UUID
    files: tuple[tuple[str, Any, str], ...]

    @property
    def state(self) -> PhotoState:
        """What is planned with."""
        files = tuple(SourceFile(name, kind, md5) for name, kind, md5 in self.files)
        return PhotoState(self.id, self.project_id, self.filename, files, self.generated, self.derivative_key)


@dataclass(frozen=True)
class DerivativeResult:
    """What became of a photo's derivatives. ``key`` is set where they were made, ``reason`` where they were not.

    ``width`` and ``height`` are those of the upright original, in pixels, where it could be read.
    """

    photo_id: int
    key: str | None = None
    reason: str | None = None
    width: int | None = None
    height: int | None = None

    @property
    def status(self) -> str:
        """The status that both derivatives then have."""
        return "generated" if self.key else "failed"


async def photos_to_show(
    connection: Connection,
    tenant: str,
    photo_ids: Sequence[int],
    *,
    lock: bool = False,
) -> dict[int, ShownPhoto]:
    """Return those of ``photo_ids`` that there are, by id; ``lock`` keeps them so until the transaction ends.

    They are locked by a statement before: one that waits for a photo that moves would not see its new project.
    """
    if lock:
        await connection.execute(LOCK_PHOTOS, photo_ids)
    rows = await connection.fetch(PHOTOS_TO_SHOW, tenant, photo_ids)
    return {
        row["id"]: ShownPhoto(**{**row, "files": tuple((name, kind, md5) for name, kind, md5 in row["files"])})
        for row in rows
    }


async def record_derivatives(connection: Connection, results: Sequence[DerivativeResult]) -> dict[int, int]:
    """Write ``results``; returns the new version of each photo by its id."""
    rows = await connection.fetch(
        RECORD_DERIVATIVES,
        [result.photo_id for result in results],
        [result.status for result in results],
        [result.key for result in results],
        [result.reason for result in results],
        [result.width for result in results],
        [result.height for result in results],
    )
    return {row["id"]: row["version"] for row in rows}
