"""Photos whose rows are gone, written anew from what the log kept of them (``PhotoRemoved``), with the ids they had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from photobus_common.events.projects import PhotoRemoved, PhotoRestored
from photobus_common.store.database import Connection
from photobus_common.store.lost_files import forget_found, know_again

_COLUMNS: Final[Mapping[str, str]] = {
    "jpg_available": "false",
    "raw_available": "false",
    "other_available": "false",
    "thumbnail_status": "'pending'",
    "preview_status": "'pending'",
    "derivative_key": "NULL",
    "derivative_reason": "NULL",
    "taken_at": "now()",
    "taken_offset_minutes": "NULL",
    "taken_from": "'file'",
    "size": "0",
    "width": "NULL",
    "height": "NULL",
    "exif_orientation": "NULL",
    "camera_make": "NULL",
    "camera_model": "NULL",
    "lens": "NULL",
    "exposure_seconds": "NULL",
    "f_number": "NULL",
    "iso": "NULL",
    "focal_length_mm": "NULL",
    "gps_latitude": "NULL",
    "gps_longitude": "NULL",
    "gps_altitude_m": "NULL",
    "created_at": "now()",
}
"""Columns that come from ``PhotoRemoved.row``, and what they are where that of an earlier version has none."""

INSERT_REMOVED: Final = f"""
INSERT INTO photos (
    id, tenant, project_id, filename, keep_jpg, keep_raw, keep_other, version, {", ".join(_COLUMNS)}
) OVERRIDING SYSTEM VALUE
SELECT r.id, $1, $2, r.filename, r.keep_jpg, r.keep_raw, r.keep_other, r.version,
    {", ".join(f"coalesce(r.{name}, {default})" for name, default in _COLUMNS.items())}
FROM jsonb_populate_recordset(NULL::photos, $3) AS r ORDER BY r.id
ON CONFLICT DO NOTHING
RETURNING id, version, thumbnail_status, preview_status
"""  # noqa: S608 - put together from constants

INSERT_FILES: Final = """
INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at)
SELECT $1, f.photo_id, $2, f.name, f.kind, f.size, f.md5, coalesce(f.modified_at, now())
FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::timestamptz[])
    AS f (photo_id, name, kind, size, md5, modified_at)
ON CONFLICT DO NOTHING
RETURNING photo_id, name
"""

INSERT_TAGS: Final = """
INSERT INTO photo_tags (photo_id, tenant, tag) SELECT t.photo_id, $1, t.tag
FROM unnest($2::bigint[], $3::text[]) AS t (photo_id, tag)
"""

# The index of photos finds the events (OFFSET); what is not archived yet is in the outbox alone.
LAST_REMOVALS: Final = """
SELECT (c.part ->> 'photo_id')::bigint AS photo_id, max((c.part ->> 'version')::bigint) AS version
FROM (
    SELECT l.payload::jsonb AS document
    FROM (SELECT type, payload FROM event_log WHERE photo_ids && $1::bigint[] OFFSET 0) AS l
    WHERE l.type = 'PhotosRemoved'
    UNION ALL
    SELECT convert_from(o.payload, 'UTF8')::jsonb FROM outbox o
    WHERE o.kind = 'event' AND position('"PhotosRemoved"'::bytea IN o.payload) > 0
) AS t
CROSS JOIN LATERAL jsonb_array_elements(t.document -> 'data' -> 'photos') AS c (part)
WHERE (c.part ->> 'photo_id')::bigint = ANY($1::bigint[])
GROUP BY 1
"""

THERE: Final = "SELECT id FROM photos WHERE id = ANY($1::bigint[])"


@dataclass(frozen=True)
class Restoration:
    """What came of it: the ``photos`` that are back, for the event that tells of them, and the ids of the others.

    ``there`` had never gone, or were back already; of ``taken`` another photo of the project has the name now.
    """

    photos: tuple[PhotoRestored, ...]
    there: frozenset[int]
    taken: frozenset[int]


async def restore_photos(
    connection: Connection,
    tenant: str,
    project_id: int,
    removed: Sequence[PhotoRemoved],
    modified_at: Mapping[str, datetime],
) -> Restoration:
    """Write rows, files and tags of the photos ``removed``, in ``project_id``.

    Their versions count on from when they were last removed, which may have been since, by somebody else.
    The caller says by ``removed`` how each is to come back: with which filename, files, flags and statuses; a file
    without an MD5 is left for a check of the folder to find, and one whose name another photo has does not come back.
    ``modified_at`` are the files' own times, by name. Nothing of what is there is changed.
    """
    last = await connection.fetch(LAST_REMOVALS, [photo.photo_id for photo in removed])
    versions = {row["photo_id"]: row["version"] for row in last}
    documents = [_document(photo, versions.get(photo.photo_id, 0)) for photo in removed]
    rows = {row["id"]: row for row in await connection.fetch(INSERT_REMOVED, tenant, project_id, documents)}
    back = [photo for photo in removed if photo.photo_id in rows]
    written = await _insert_files(connection, tenant, project_id, back, modified_at)
    tags = [(photo.photo_id, tag) for photo in back for tag in photo.tags]
    if tags:
        await connection.execute(INSERT_TAGS, tenant, *map(list, zip(*tags, strict=True)))
    await know_again(connection, list(rows))
    await forget_found(connection, [(p.photo_id, f.name, f.md5) for p in back for f in p.files if f.md5 is not None])
    others = [photo.photo_id for photo in removed if photo.photo_id not in rows]
    there = frozenset(row["id"] for row in await connection.fetch(THERE, others)) if others else frozenset[int]()
    return Restoration(
        tuple(_restored(photo, rows[photo.photo_id], written) for photo in back), there, frozenset(others) - there
    )


async def _insert_files(
    connection: Connection,
    tenant: str,
    project_id: int,
    photos: Sequence[PhotoRemoved],
    modified_at: Mapping[str, datetime],
) -> frozenset[tuple[int, str]]:
    files = [
        (photo.photo_id, file.name, file.kind, file.size, file.md5, modified_at.get(file.name))
        for photo in photos
        for file in photo.files
        if file.md5 is not None
    ]
    if not files:
        return frozenset()
    rows = await connection.fetch(INSERT_FILES, tenant, project_id, *map(list, zip(*files, strict=True)))
    return frozenset((row["photo_id"], row["name"]) for row in rows)


def _document(photo: PhotoRemoved, last: int) -> dict[str, Any]:
    return {
        **photo.row,
        "id": photo.photo_id,
        "filename": photo.filename,
        "keep_jpg": photo.keep.jpg,
        "keep_raw": photo.keep.raw,
        "keep_other": photo.keep.other,
        "version": max(photo.version, last) + 1,
    }


def _restored(photo: PhotoRemoved, row: Any, written: frozenset[tuple[int, str]]) -> PhotoRestored:
    return PhotoRestored(
        photo_id=photo.photo_id,
        filename=photo.filename,
        version=row["version"],
        keep=photo.keep,
        tags=photo.tags,
        files=tuple(file for file in photo.files if (photo.photo_id, file.name) in written),
        thumbnail_status=row["thumbnail_status"],
        preview_status=row["preview_status"],
    )
