"""Photos whose files a commit removes: read for planning, and written as it came out."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from photobus_common.catalogue_changes import Kinds
from photobus_common.reconciliation import CatalogueFile
from photobus_common.removal import Aftermath, DeletedRow, RemovablePhoto
from photobus_common.store.database import Connection
from photobus_common.store.photos import LOCK_PHOTOS
from photobus_common.store.reconciliation import CHANGED_PHOTO, REMOVE_FILES, ChangedPhoto

REMOVABLE_PHOTOS: Final = """
SELECT p.id, p.project_id, pr.folder AS project_folder, p.filename, p.version,
    p.keep_jpg, p.keep_raw, p.keep_other, p.thumbnail_status, p.preview_status,
    ARRAY (SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id ORDER BY t.tag) AS tags,
    coalesce(
        (SELECT json_agg(json_build_array(f.name, f.kind, f.size, f.md5) ORDER BY f.name)
         FROM photo_files f WHERE f.photo_id = p.id),
        '[]'
    ) AS files
FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.id = ANY($2::bigint[]) AND ($3 OR pr.status = 'active')
ORDER BY p.project_id, p.id
"""

SHRINK_PHOTOS: Final = f"""
UPDATE photos p SET jpg_available = c.jpg, raw_available = c.raw, other_available = c.other,
    size = (SELECT coalesce(sum(f.size), 0) FROM photo_files f WHERE f.photo_id = p.id AND f.kind <> 'sidecar'),
    thumbnail_status = CASE c.fate WHEN 'pending' THEN 'pending' WHEN 'removed' THEN 'missing'
        ELSE p.thumbnail_status END,
    preview_status = CASE c.fate WHEN 'pending' THEN 'pending' WHEN 'removed' THEN 'missing'
        ELSE p.preview_status END,
    derivative_key = CASE c.fate WHEN 'kept' THEN p.derivative_key END,
    derivative_reason = CASE c.fate WHEN 'kept' THEN p.derivative_reason END,
    version = p.version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::boolean[], $3::boolean[], $4::boolean[], $5::text[]) AS c (id, jpg, raw, other, fate)
WHERE p.id = c.id
RETURNING {CHANGED_PHOTO}
"""  # noqa: S608 - put together from constants

# `row` is what an undo needs beside what the event names by itself; what is null, counted or generated is left out.
DELETE_PHOTOS: Final = """
DELETE FROM photos p WHERE p.id = ANY($1::bigint[])
RETURNING p.id, p.version + 1 AS version, jsonb_strip_nulls(to_jsonb(p)) - ARRAY[
    'id', 'tenant', 'project_id', 'filename', 'keep_jpg', 'keep_raw', 'keep_other', 'version', 'updated_at', 'shape'
] AS row
"""

PHOTOS_TO_SHOW_ANEW: Final = """
SELECT p.id, p.project_id FROM photos p
WHERE p.id IN (SELECT photo_id FROM job_items WHERE job_id = $1 AND status = 'done')
    AND p.thumbnail_status = 'pending' AND (p.jpg_available OR p.raw_available OR p.other_available)
ORDER BY p.project_id, p.id
"""


async def removable_photos(
    connection: Connection, tenant: str, photo_ids: Sequence[int], *, lock: bool = False
) -> dict[int, RemovablePhoto]:
    """Return those of ``photo_ids`` that there are, by id; ``lock`` keeps them so until the transaction ends.

    They are locked by a statement before, so that files and tags are read as they are once the locks were granted. Who
    locks them completes what is on record, also for a project deleted meanwhile; else those of active ones are meant.
    """
    if lock:
        await connection.execute(LOCK_PHOTOS, photo_ids)
    rows = await connection.fetch(REMOVABLE_PHOTOS, tenant, photo_ids, lock)
    return {row["id"]: _photo(row) for row in rows}


async def remove_files(connection: Connection, project_id: int, files: Sequence[tuple[int, str]]) -> None:
    """Remove the rows of ``files``, given as photo and name."""
    if files:
        await connection.execute(REMOVE_FILES, project_id, [photo for photo, _ in files], [name for _, name in files])


async def shrink_photos(connection: Connection, changes: Mapping[int, Aftermath]) -> list[ChangedPhoto]:
    """Let photos that stay say what is left of them; the rows of files that went are removed already."""
    if not changes:
        return []
    rows = await connection.fetch(
        SHRINK_PHOTOS,
        list(changes),
        ["jpg" in change.available for change in changes.values()],
        ["raw" in change.available for change in changes.values()],
        ["other" in change.available for change in changes.values()],
        [change.derivatives for change in changes.values()],
    )
    return [ChangedPhoto(**row) for row in rows]


async def delete_photos(connection: Connection, photo_ids: Sequence[int]) -> dict[int, DeletedRow]:
    """Remove photos with their files and tags; returns by id what their rows said."""
    if not photo_ids:
        return {}
    rows = await connection.fetch(DELETE_PHOTOS, photo_ids)
    return {row["id"]: DeletedRow(row["version"], row["row"]) for row in rows}


async def photos_to_show_anew(connection: Connection, job_id: UUID) -> list[tuple[int, int]]:
    """Return photo and project of what the job left to be shown by another file, whose derivatives are to be made."""
    return [(row["id"], row["project_id"]) for row in await connection.fetch(PHOTOS_TO_SHOW_ANEW, job_id)]


def _photo(row: Any) -> RemovablePhoto:
    return RemovablePhoto(
        id=row["id"],
        project_id=row["project_id"],
        project_folder=row["project_folder"],
        filename=row["filename"],
        version=row["version"],
        keep=Kinds(row["keep_jpg"], row["keep_raw"], row["keep_other"]),
        tags=tuple(row["tags"]),
        files=tuple(CatalogueFile(*file) for file in row["files"]),
        thumbnail_status=row["thumbnail_status"],
        preview_status=row["preview_status"],
    )
