"""Files that come back to photos whose rows are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from photobus_common.reconciliation import CatalogueFile, PhotoKind
from photobus_common.store.database import Connection
from photobus_common.store.reconciliation import CHANGED_PHOTO, INSERT_FILES, ChangedPhoto

GROW_PHOTOS: Final = f"""
UPDATE photos p SET jpg_available = c.jpg, raw_available = c.raw, other_available = c.other,
    size = (SELECT coalesce(sum(f.size), 0) FROM photo_files f WHERE f.photo_id = p.id AND f.kind <> 'sidecar'),
    thumbnail_status = CASE WHEN c.shown_anew THEN 'pending' ELSE p.thumbnail_status END,
    preview_status = CASE WHEN c.shown_anew THEN 'pending' ELSE p.preview_status END,
    derivative_key = CASE WHEN NOT c.shown_anew THEN p.derivative_key END,
    derivative_reason = CASE WHEN NOT c.shown_anew THEN p.derivative_reason END,
    version = p.version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::boolean[], $3::boolean[], $4::boolean[], $5::boolean[])
    AS c (id, jpg, raw, other, shown_anew)
WHERE p.id = c.id
RETURNING {CHANGED_PHOTO}
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class Growth:
    """Files that a photo gets, each with its own time; it has those ``available`` kinds then.

    ``shown_anew``: another file of it is shown than before. What is kept of it stays as it is.
    """

    photo_id: int
    files: tuple[tuple[CatalogueFile, datetime], ...]
    available: frozenset[PhotoKind]
    shown_anew: bool


async def grow_photos(
    connection: Connection, tenant: str, project_id: int, growths: Sequence[Growth]
) -> dict[int, ChangedPhoto]:
    """Give photos of the project files; returns each as it is now. Their rows are locked."""
    if not growths:
        return {}
    files = [(one.photo_id, file, modified_at) for one in growths for file, modified_at in one.files]
    await connection.execute(
        INSERT_FILES,
        tenant,
        project_id,
        [photo_id for photo_id, _, _ in files],
        [file.name for _, file, _ in files],
        [file.kind for _, file, _ in files],
        [file.size for _, file, _ in files],
        [file.md5 for _, file, _ in files],
        [modified_at for _, _, modified_at in files],
    )
    rows = await connection.fetch(
        GROW_PHOTOS,
        [one.photo_id for one in growths],
        ["jpg" in one.available for one in growths],
        ["raw" in one.available for one in growths],
        ["other" in one.available for one in growths],
        [one.shown_anew for one in growths],
    )
    return {row["id"]: ChangedPhoto(**row) for row in rows}
