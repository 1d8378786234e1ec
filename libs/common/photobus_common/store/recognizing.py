"""Photos whose files are not where they were: found by bytes, and written as they lie under other names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from photobus_common.events import decode
from photobus_common.events.parts import FileKind
from photobus_common.events.projects import PhotoRemoved, PhotosRemoved
from photobus_common.recognition import Bytes, MissedPhoto
from photobus_common.reconciliation import CatalogueFile, CatalogueProject
from photobus_common.store.database import Connection
from photobus_common.store.lost_files import forget_photos, record_lost
from photobus_common.store.moves import TAKEN_BASENAMES
from photobus_common.store.reconciliation import CHANGED_PHOTO, INSERT_FILES, ChangedPhoto

LIMIT: Final = 16
"""Photos that are looked at beside those of the same name where many have the same bytes: those say little then."""

# Files found gone are looked through first: that each of them is in its place is the exception.
PHOTOS_OF_BYTES: Final = """
SELECT c.photo_id FROM unnest($2::text[], $3::bigint[]) AS m (md5, size) CROSS JOIN LATERAL (
    (SELECT l.photo_id FROM lost_files l
     WHERE l.tenant = $1 AND l.md5 = m.md5 AND l.size = m.size AND l.kind <> 'sidecar' LIMIT $5)
    UNION ALL
    (SELECT f.photo_id FROM photo_files f
     WHERE f.tenant = $1 AND f.md5 = m.md5 AND f.size = m.size AND f.kind <> 'sidecar' LIMIT $6)
) AS c
UNION
SELECT p.id FROM photos p JOIN photo_files f ON f.photo_id = p.id
WHERE p.tenant = $1 AND p.filename = ANY($4::text[]) AND f.md5 = ANY($2::text[]) AND f.kind <> 'sidecar'
"""

FILES_OF_MISSED: Final = """
SELECT n.id, p.project_id, p.filename, l.project_id AS left_project, l.removed_by,
    l.name, l.kind, l.size, l.md5
FROM unnest($2::bigint[]) AS n (id)
LEFT JOIN photos p ON p.id = n.id AND p.tenant = $1
LEFT JOIN LATERAL (
    SELECT f.project_id, NULL::uuid AS removed_by, f.name, f.kind, f.size, f.md5 FROM photo_files f
    WHERE f.photo_id = n.id
    UNION ALL
    SELECT f.project_id, f.removed_by, f.name, f.kind, f.size, f.md5 FROM lost_files f
    WHERE f.photo_id = n.id AND f.tenant = $1
        AND NOT EXISTS (SELECT FROM photo_files o WHERE o.photo_id = n.id AND o.name = f.name)
) AS l ON true
WHERE l.name IS NOT NULL
ORDER BY n.id, l.name
"""

PLACES: Final = """
SELECT pr.id, pr.tenant, pr.name, pr.folder, pr.status = 'active' AS active, pr.created_at, t.library_id,
    pr.cancel_cause,
    EXISTS (
        SELECT FROM projects o WHERE o.tenant = pr.tenant AND o.folder = pr.folder AND o.status = 'active'
            AND o.id <> pr.id
    ) AS folder_of_another
FROM projects pr JOIN tenants t USING (tenant) WHERE pr.tenant = $1 AND pr.id = ANY($2::bigint[]) ORDER BY pr.id
"""

# Names that another photo has stay out of reach of new ones, but a photo does not stand in its own way.
BASENAMES_OF_SIZE: Final = """
SELECT DISTINCT p.filename FROM unnest($3::text[], $4::bigint[]) AS n (basename, size)
JOIN photos p ON p.tenant = $1 AND p.filename = n.basename AND p.project_id <> $2
WHERE EXISTS (SELECT FROM photo_files f WHERE f.photo_id = p.id AND f.size = n.size AND f.kind <> 'sidecar')
    OR EXISTS (SELECT FROM lost_files f WHERE f.photo_id = p.id AND f.size = n.size AND f.kind <> 'sidecar')
"""

REMOVED_FILES: Final = "DELETE FROM photo_files WHERE photo_id = ANY($1::bigint[])"

RECOGNIZE_PHOTOS: Final = f"""
UPDATE photos p SET project_id = $1, filename = n.filename, size = n.size,
    jpg_available = n.jpg, raw_available = n.raw, other_available = n.other,
    keep_jpg = p.keep_jpg OR 'jpg' = ANY(n.anew), keep_raw = p.keep_raw OR 'raw' = ANY(n.anew),
    keep_other = p.keep_other OR 'other' = ANY(n.anew),
    thumbnail_status = 'pending', preview_status = 'pending', derivative_key = NULL, derivative_reason = NULL,
    version = p.version + 1, updated_at = now()
FROM (
    SELECT u.id, u.filename, u.size, u.jpg, u.raw, u.other, string_to_array(u.anew, ' ') AS anew
    FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::boolean[], $7::boolean[], $8::text[])
        AS u (id, filename, size, jpg, raw, other, anew)
) AS n
WHERE p.id = n.id
RETURNING {CHANGED_PHOTO}
"""  # noqa: S608 - put together from constants

REMOVAL: Final = "SELECT payload FROM event_log WHERE event_id = ANY($1::uuid[])"


@dataclass(frozen=True)
class PlaceOfPhotos:
    """A project in which photos lie or lay; ``folder_gone``: it is archived because its folder was found gone.

    ``folder_of_another``: an active project has the folder of that name by now.
    """

    project: CatalogueProject
    folder_gone: bool
    folder_of_another: bool


@dataclass(frozen=True)
class Recognition:
    """How a photo lies from now on: its ``files``, each with its own time, and those that did not turn up, renamed.

    ``anew`` are kinds that it has not had, which are kept: by another ending the same bytes may be of another kind.
    """

    photo_id: int
    filename: str
    files: tuple[tuple[CatalogueFile, datetime], ...]
    missing: tuple[CatalogueFile, ...]
    anew: frozenset[FileKind] = frozenset()


async def missed_photos(
    connection: Connection, tenant: str, wanted: Sequence[Bytes], basenames: Sequence[str]
) -> list[int]:
    """Return photos that have originals of the ``wanted`` bytes on record, or lost them, those of ``basenames`` too."""
    if not wanted:
        return []
    md5s, sizes = [one.md5 for one in wanted], [one.size for one in wanted]
    limit = max(LIMIT, len(basenames))
    rows = await connection.fetch(PHOTOS_OF_BYTES, tenant, md5s, sizes, list(basenames), limit, LIMIT)
    return sorted(row["photo_id"] for row in rows)


async def missed_files(connection: Connection, tenant: str, photo_ids: Sequence[int]) -> list[MissedPhoto]:
    """Return these photos with the files that they have on record or lost; one without a row has its event."""
    if not photo_ids:
        return []
    rows = await connection.fetch(FILES_OF_MISSED, tenant, photo_ids)
    by_photo: dict[int, list[Any]] = {}
    for row in rows:
        by_photo.setdefault(row["id"], []).append(row)
    return [photo for of_photo in by_photo.values() if (photo := _missed(of_photo)) is not None]


async def places_of_photos(connection: Connection, tenant: str, project_ids: Sequence[int]) -> dict[int, PlaceOfPhotos]:
    """Return the projects, archived ones too, by id."""
    places = {}
    for row in await connection.fetch(PLACES, tenant, project_ids):
        columns = dict(row)
        gone, other = columns.pop("cancel_cause") == "folder_gone", columns.pop("folder_of_another")
        places[row["id"]] = PlaceOfPhotos(CatalogueProject(**columns), gone, other)
    return places


async def basenames_perhaps_moved(
    connection: Connection, tenant: str, project_id: int, sizes: Sequence[tuple[str, int]]
) -> frozenset[str]:
    """Return those basenames of which another project's photo has, or had, a file of the size given with it."""
    if not sizes:
        return frozenset()
    columns = map(list, zip(*sizes, strict=True))
    return frozenset(row["filename"] for row in await connection.fetch(BASENAMES_OF_SIZE, tenant, project_id, *columns))


async def basenames_taken(
    connection: Connection,
    tenant: str,
    project_id: int,
    basenames: Sequence[str],
    photo_ids: Sequence[int],
    unique: Literal["library", "project"],
) -> frozenset[str]:
    """Return the basenames that photos other than ``photo_ids`` have, or are about to get, where that matters."""
    rows = await connection.fetch(TAKEN_BASENAMES, tenant, project_id, basenames, photo_ids, unique == "library")
    return frozenset(row["filename"] for row in rows)


async def removals_in_log(
    connection: Connection, event_ids: Sequence[UUID], photo_ids: Sequence[int]
) -> dict[int, PhotoRemoved]:
    """Return what the archive tells of photos that these events removed; one not archived yet tells nothing."""
    wanted = frozenset(photo_ids)
    found: dict[int, PhotoRemoved] = {}
    for row in await connection.fetch(REMOVAL, event_ids):
        data = decode(row["payload"]).data
        if isinstance(data, PhotosRemoved):
            found.update((photo.photo_id, photo) for photo in data.photos if photo.photo_id in wanted)
    return found


async def recognize_photos(
    connection: Connection, project: CatalogueProject, task_id: UUID, photos: Sequence[Recognition]
) -> dict[int, ChangedPhoto]:
    """Let photos lie in the project under their new names, with all else they have; their rows are locked."""
    ids = [one.photo_id for one in photos]
    kinds = [{file.kind for file, _ in one.files} for one in photos]
    await connection.execute(REMOVED_FILES, ids)
    rows = await connection.fetch(
        RECOGNIZE_PHOTOS,
        project.id,
        ids,
        [one.filename for one in photos],
        [size_of(one) for one in photos],
        *([kind in there for there in kinds] for kind in ("jpg", "raw", "other")),
        [" ".join(sorted(one.anew)) for one in photos],
    )
    files = [(one.photo_id, file, time) for one in photos for file, time in one.files]
    await connection.execute(
        INSERT_FILES,
        project.tenant,
        project.id,
        [photo_id for photo_id, _, _ in files],
        [file.name for _, file, _ in files],
        [file.kind for _, file, _ in files],
        [file.size for _, file, _ in files],
        [file.md5 for _, file, _ in files],
        [time for _, _, time in files],
    )
    await note_missing(connection, project, task_id, photos)
    return {row["id"]: ChangedPhoto(**row) for row in rows}


async def note_missing(
    connection: Connection, project: CatalogueProject, task_id: UUID, photos: Sequence[Recognition]
) -> None:
    """Keep of recognised photos what did not turn up with the rest, and nothing else."""
    await forget_photos(connection, [one.photo_id for one in photos])
    missing = [(one.photo_id, file) for one in photos for file in one.missing]
    await record_lost(connection, (project.tenant, project.id), task_id, missing)


def size_of(photo: Recognition) -> int:
    """Return the size of the photo's originals, in bytes."""
    return sum(file.size for file, _ in photo.files if file.kind != "sidecar")


def _missed(rows: Sequence[Mapping[str, Any]]) -> MissedPhoto | None:
    """Return the photo of ``rows``; None for one without a row of which no event tells."""
    first = rows[0]
    files = tuple(CatalogueFile(row["name"], row["kind"], row["size"], row["md5"]) for row in rows)
    if first["filename"] is not None:
        return MissedPhoto(first["id"], first["project_id"], first["filename"], files)
    removed_by = next((row["removed_by"] for row in rows if row["removed_by"] is not None), None)
    originals = sorted(file.name for file in files if file.kind != "sidecar")
    if removed_by is None or not originals:
        return None
    return MissedPhoto(first["id"], first["left_project"], originals[0].rpartition(".")[0], files, removed_by)
