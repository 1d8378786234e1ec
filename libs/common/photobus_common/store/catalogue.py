"""What a person says of photos: what is kept of them and their tags, read for planning and written as planned."""

from collections.abc import Sequence
from typing import Any, Final

from photobus_common.catalogue_changes import CataloguePhoto, KeepChange, Kinds, TagsChange
from photobus_common.store.database import Connection
from photobus_common.store.photos import LOCK_PHOTOS

CATALOGUE_PHOTOS: Final = """
SELECT p.id, p.project_id, pr.folder AS project_folder, p.filename, p.version,
    p.jpg_available, p.raw_available, p.other_available, p.keep_jpg, p.keep_raw, p.keep_other,
    ARRAY (SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id ORDER BY t.tag) AS tags
FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.id = ANY($2::bigint[]) AND pr.status = 'active'
"""

WRITE_KEEP: Final = """
UPDATE photos p SET keep_jpg = n.jpg, keep_raw = n.raw, keep_other = n.other,
    version = p.version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::boolean[], $3::boolean[], $4::boolean[]) AS n (id, jpg, raw, other)
WHERE p.id = n.id AND p.tenant = $5
RETURNING p.id, p.version
"""

ADD_TAGS: Final = """
INSERT INTO photo_tags (photo_id, tenant, tag)
SELECT n.id, $1, n.tag FROM unnest($2::bigint[], $3::text[]) AS n (id, tag) ON CONFLICT DO NOTHING
"""

REMOVE_TAGS: Final = """
DELETE FROM photo_tags t USING unnest($1::bigint[], $2::text[]) AS n (id, tag)
WHERE t.photo_id = n.id AND t.tag = n.tag
"""

RAISE_VERSIONS: Final = """
UPDATE photos SET version = version + 1, updated_at = now() WHERE id = ANY($1::bigint[]) RETURNING id, version
"""


async def catalogue_photos(
    connection: Connection, tenant: str, photo_ids: Sequence[int], *, lock: bool = False
) -> dict[int, CataloguePhoto]:
    """Return those of ``photo_ids`` that there are, by id; ``lock`` keeps them so until the transaction ends.

    They are locked by a statement before: one that waits for a photo that moves would not see its new project.
    """
    if lock:
        await connection.execute(LOCK_PHOTOS, photo_ids)
    rows = await connection.fetch(CATALOGUE_PHOTOS, tenant, photo_ids)
    return {row["id"]: _photo(row) for row in rows}


async def write_keep(connection: Connection, tenant: str, changes: Sequence[KeepChange]) -> dict[int, int]:
    """Write what is kept from now on; returns the new version of each photo. The rows are locked."""
    if not changes:
        return {}
    rows = await connection.fetch(
        WRITE_KEEP,
        [change.photo.id for change in changes],
        [change.keep.jpg for change in changes],
        [change.keep.raw for change in changes],
        [change.keep.other for change in changes],
        tenant,
    )
    return {row["id"]: row["version"] for row in rows}


async def write_tags(connection: Connection, tenant: str, changes: Sequence[TagsChange]) -> dict[int, int]:
    """Write tags that photos get and lose; returns the new version of each photo. The rows are locked."""
    if not changes:
        return {}
    added = [(change.photo.id, tag) for change in changes for tag in change.added]
    removed = [(change.photo.id, tag) for change in changes for tag in change.removed]
    if added:
        await connection.execute(ADD_TAGS, tenant, *_columns(added))
    if removed:
        await connection.execute(REMOVE_TAGS, *_columns(removed))
    rows = await connection.fetch(RAISE_VERSIONS, [change.photo.id for change in changes])
    return {row["id"]: row["version"] for row in rows}


def _columns(pairs: Sequence[tuple[int, str]]) -> tuple[list[int], list[str]]:
    return [photo_id for photo_id, _ in pairs], [tag for _, tag in pairs]


def _photo(row: Any) -> CataloguePhoto:
    return CataloguePhoto(
        id=row["id"],
        project_id=row["project_id"],
        project_folder=row["project_folder"],
        filename=row["filename"],
        version=row["version"],
        available=Kinds(row["jpg_available"], row["raw_available"], row["other_available"]),
        keep=Kinds(row["keep_jpg"], row["keep_raw"], row["keep_other"]),
        tags=tuple(row["tags"]),
    )
