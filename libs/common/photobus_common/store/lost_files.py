"""Files that were found gone, by whose bytes a photo is known again wherever they turn up.

A file is here from the check that found it gone until it is back. Those of a photo whose row is gone as well name the
``PhotosRemoved`` that tells of it (``removed_by``). What its owner removed on purpose is not here: bytes that come anew
are a new photo then.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from photobus_common.reconciliation import CatalogueFile
from photobus_common.removal import RemovablePhoto
from photobus_common.store.database import Connection

RECORD_LOST: Final = """
INSERT INTO lost_files (tenant, project_id, task_id, removed_by, photo_id, name, kind, size, md5)
SELECT $1, $2, $3, $4, f.photo_id, f.name, f.kind, f.size, f.md5
FROM unnest($5::bigint[], $6::text[], $7::text[], $8::bigint[], $9::text[]) AS f (photo_id, name, kind, size, md5)
ON CONFLICT (photo_id, name) DO UPDATE SET
    project_id = excluded.project_id, task_id = excluded.task_id, removed_by = excluded.removed_by,
    kind = excluded.kind, size = excluded.size, md5 = excluded.md5, lost_at = now()
"""

# By its bytes too: it may have come back under the name that its photo has by now.
FORGET_FOUND: Final = """
DELETE FROM lost_files l USING unnest($1::bigint[], $2::text[], $3::text[]) AS f (photo_id, name, md5)
WHERE l.photo_id = f.photo_id AND (l.name = f.name OR l.md5 = f.md5)
"""

FORGET_PHOTOS: Final = "DELETE FROM lost_files WHERE photo_id = ANY($1::bigint[])"

FORGET_UNKEPT: Final = """
DELETE FROM lost_files l USING photos p
WHERE p.id = ANY($1::bigint[]) AND l.photo_id = p.id AND NOT CASE l.kind
    WHEN 'jpg' THEN p.keep_jpg WHEN 'raw' THEN p.keep_raw WHEN 'other' THEN p.keep_other ELSE true END
"""

MARK_REMOVED: Final = "UPDATE lost_files SET removed_by = $2 WHERE photo_id = ANY($1::bigint[])"


async def record_lost(
    connection: Connection,
    project: tuple[str, int],
    task_id: UUID,
    files: Iterable[tuple[int, CatalogueFile]],
    removed_by: UUID | None = None,
) -> None:
    """Note that ``files``, each with its photo, are gone from the project, given as tenant and id.

    In the transaction that removes their rows; ``removed_by`` is the event of the photos', if those go as well.
    """
    gone = list(files)
    if not gone:
        return
    await connection.execute(
        RECORD_LOST,
        *project,
        task_id,
        removed_by,
        [photo_id for photo_id, _ in gone],
        [file.name for _, file in gone],
        [file.kind for _, file in gone],
        [file.size for _, file in gone],
        [file.md5 for _, file in gone],
    )


async def keep_removed(
    connection: Connection, tenant: str, task_id: UUID, photos: Sequence[RemovablePhoto], event_id: UUID
) -> None:
    """Note of photos whose rows go, told of by the event, what they would be known by again: all files they had.

    ``photos`` are how they were before, with the files that were still on record.
    """
    await connection.execute(MARK_REMOVED, [photo.id for photo in photos], event_id)
    by_project: dict[int, list[tuple[int, CatalogueFile]]] = {}
    for photo in photos:
        by_project.setdefault(photo.project_id, []).extend((photo.id, file) for file in photo.files)
    for project_id, files in by_project.items():
        await record_lost(connection, (tenant, project_id), task_id, files, event_id)


async def forget_found(connection: Connection, files: Sequence[tuple[int, str, str]]) -> None:
    """Forget files that are there again, given as photo, name and MD5."""
    if files:
        await connection.execute(FORGET_FOUND, *map(list, zip(*files, strict=True)))


async def forget_photos(connection: Connection, photo_ids: Sequence[int]) -> None:
    """Forget all of these photos: their owner removed them, or nothing of them is missing."""
    if photo_ids:
        await connection.execute(FORGET_PHOTOS, photo_ids)


async def forget_unkept(connection: Connection, photo_ids: Sequence[int]) -> None:
    """Forget what their owner does not keep of these photos: a commit takes what is missing for removed."""
    if photo_ids:
        await connection.execute(FORGET_UNKEPT, photo_ids)


async def know_again(connection: Connection, photo_ids: Sequence[int]) -> None:
    """Note that the rows of these photos are back, whatever had removed them."""
    if photo_ids:
        await connection.execute(MARK_REMOVED, photo_ids, None)
