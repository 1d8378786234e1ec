"""Photos and their files as rows: what is known of a name, and what files that arrived make of the photos.

A photo is shown by its JPEG, else by its other format, else by its RAW; of several files of one kind by the first name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from asyncpg import Record

from photobus_common.events.parts import DerivativeStatus, FileKind
from photobus_common.events.projects import KeptKinds
from photobus_common.photos.exif import Exif
from photobus_common.store.database import Connection
from photobus_common.store.lost_files import forget_found

SHOWN_FIRST: Final[tuple[FileKind, ...]] = ("jpg", "other", "raw")
"""Which kind of file a photo is shown by, best first; a sidecar shows nothing."""

_TAKEN: Final = ("taken_at", "taken_offset_minutes", "taken_from")
_COLUMN_TYPES: Final[Mapping[str, str]] = {
    "taken_at": "timestamptz",
    "taken_offset_minutes": "int",
    "taken_from": "text",
    "exif_orientation": "smallint",
    "width": "int",
    "height": "int",
    "camera_make": "text",
    "camera_model": "text",
    "lens": "text",
    "exposure_seconds": "double precision",
    "f_number": "double precision",
    "iso": "int",
    "focal_length_mm": "double precision",
    "gps_latitude": "double precision",
    "gps_longitude": "double precision",
    "gps_altitude_m": "double precision",
}
METADATA: Final = tuple(_COLUMN_TYPES)
"""The columns of a photo's row that its files tell."""

METADATA_RECORD: Final = ", ".join(f"{name} {kind}" for name, kind in _COLUMN_TYPES.items())

Weight = Literal["replace", "lead", "fill"]
"""How a file's EXIF meets what the photo has: in its place, before it, or only where it has nothing.

In its place where the file took that of another, or the photo has nothing else to be shown by. Unless it only fills in,
the photo is shown by the file from now on, and has no derivatives yet.
"""

PHOTOS_OF_BASENAMES: Final = """
SELECT p.id, p.filename, f.name, f.kind, f.size, f.md5, f.modified_at
FROM photos p LEFT JOIN photo_files f ON f.photo_id = p.id
WHERE p.project_id = $1 AND p.filename = ANY($2::text[])
ORDER BY f.name
"""

FILES_OF_MD5: Final = """
SELECT p.id, p.filename, f.name, f.kind, f.size, f.md5, f.modified_at
FROM photo_files f JOIN photos p ON p.id = f.photo_id
WHERE f.tenant = $1 AND f.project_id = $2 AND f.md5 = ANY($3::text[])
ORDER BY f.name
"""

INSERT_PHOTOS: Final = f"""
INSERT INTO photos (
    tenant, project_id, filename, size, {", ".join(METADATA)},
    jpg_available, raw_available, other_available, keep_jpg, keep_raw, keep_other
)
SELECT $1, $2, n.filename, n.size, {", ".join(f"n.{name}" for name in METADATA)},
    n.jpg, n.raw, n.other, n.jpg, n.raw, n.other
FROM jsonb_to_recordset($3)
    AS n (filename text, size bigint, jpg boolean, raw boolean, other boolean, {METADATA_RECORD})
RETURNING id, filename, version, thumbnail_status, preview_status, keep_jpg, keep_raw, keep_other
"""  # noqa: S608 - put together from constants

# In the order of their ids, as whoever records derivatives locks them, so that neither can wait for the other's second.
LOCK_PHOTOS: Final = "SELECT FROM photos WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

PUT_FILES: Final = """
INSERT INTO photo_files (tenant, project_id, photo_id, name, kind, size, md5, modified_at)
SELECT $1, $2, n.photo_id, n.name, n.kind, n.size, n.md5, n.modified_at
FROM jsonb_to_recordset($3)
    AS n (photo_id bigint, name text, kind text, size bigint, md5 text, modified_at timestamptz)
ON CONFLICT (project_id, name) DO UPDATE SET
    photo_id = excluded.photo_id, kind = excluded.kind, size = excluded.size, md5 = excluded.md5,
    modified_at = excluded.modified_at
"""

COUNT_FILES_IN: Final = """
UPDATE photos p SET
    jpg_available = n.jpg, raw_available = n.raw, other_available = n.other,
    keep_jpg = p.keep_jpg OR (n.jpg AND NOT p.jpg_available),
    keep_raw = p.keep_raw OR (n.raw AND NOT p.raw_available),
    keep_other = p.keep_other OR (n.other AND NOT p.other_available),
    size = n.size, version = p.version + 1, updated_at = now()
FROM (
    SELECT photo_id, bool_or(kind = 'jpg') AS jpg, bool_or(kind = 'raw') AS raw, bool_or(kind = 'other') AS other,
        coalesce(sum(size) FILTER (WHERE kind <> 'sidecar'), 0) AS size
    FROM photo_files WHERE photo_id = ANY($1::bigint[]) GROUP BY photo_id
) n
WHERE p.id = n.photo_id
RETURNING p.id, p.version, p.thumbnail_status, p.preview_status, p.keep_jpg, p.keep_raw, p.keep_other
"""

_TIME_WINS: Final = """
    CASE WHEN n.weight = 'replace'
        OR n.taken_from = 'exif' AND (n.weight = 'lead' OR p.taken_from = 'file')
        OR n.weight = 'lead' AND p.taken_from = 'file'
"""
_TIME_MEETS: Final = ", ".join(f"{name} = {_TIME_WINS} THEN n.{name} ELSE p.{name} END" for name in _TAKEN)
_REST_MEETS: Final = ", ".join(
    f"{name} = CASE n.weight WHEN 'replace' THEN n.{name} WHEN 'lead' THEN coalesce(n.{name}, p.{name}) "
    f"ELSE coalesce(p.{name}, n.{name}) END"
    for name in METADATA
    if name not in _TAKEN
)

MEET_METADATA: Final = f"""
UPDATE photos p SET {_TIME_MEETS}, {_REST_MEETS},
    thumbnail_status = CASE n.weight WHEN 'fill' THEN p.thumbnail_status ELSE 'pending' END,
    preview_status = CASE n.weight WHEN 'fill' THEN p.preview_status ELSE 'pending' END,
    derivative_reason = CASE n.weight WHEN 'fill' THEN p.derivative_reason END
FROM jsonb_to_recordset($1) AS n (photo_id bigint, weight text, {METADATA_RECORD})
WHERE p.id = n.photo_id
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class StoredFile:
    """One file as its row tells: ``size`` in bytes, ``md5`` in lower-case hex, ``modified_at`` the file's own time."""

    name: str
    kind: FileKind
    size: int
    md5: str
    modified_at: datetime


@dataclass(frozen=True)
class KnownFile:
    """A file that has a row, and the photo it belongs to."""

    photo_id: int
    basename: str
    file: StoredFile


@dataclass(frozen=True)
class KnownPhotos:
    """Photos that a project has of some basenames: their ids by basename, and their files by name."""

    ids: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, KnownFile] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrival:
    """A file that has come to lie in its project: new, or in the place of one of that name."""

    basename: str
    file: StoredFile
    exif: Exif


@dataclass(frozen=True)
class Recorded:
    """What arrivals made of one photo; ``version``, the statuses and ``keep`` are the row's after the change."""

    photo_id: int
    basename: str
    version: int
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus
    keep: KeptKinds
    created: bool
    arrivals: tuple[Arrival, ...]
    replaced: tuple[StoredFile, ...]


async def photos_of_basenames(connection: Connection, project_id: int, basenames: Sequence[str]) -> KnownPhotos:
    """Return the project's photos with these basenames, and all their files."""
    rows = await connection.fetch(PHOTOS_OF_BASENAMES, project_id, list(basenames))
    files = [_known_file(row) for row in rows if row["name"] is not None]
    return KnownPhotos({row["filename"]: row["id"] for row in rows}, {found.file.name: found for found in files})


async def files_of_md5(connection: Connection, tenant: str, project_id: int, md5s: Sequence[str]) -> list[KnownFile]:
    """Return the project's files that have one of these MD5, by name."""
    return [_known_file(row) for row in await connection.fetch(FILES_OF_MD5, tenant, project_id, list(md5s))]


def _known_file(row: Record) -> KnownFile:
    file = StoredFile(row["name"], row["kind"], row["size"], row["md5"], row["modified_at"])
    return KnownFile(row["id"], row["filename"], file)


async def record_files(
    connection: Connection, tenant: str, project_id: int, known: KnownPhotos, arrivals: Sequence[Arrival]
) -> list[Recorded]:
    """Write the rows of files that now lie in the project: new photos, or files of photos it has.

    ``known`` is what the project has of the arrivals' basenames. The caller holds the lock of the project's folder, in
    one transaction with the events that tell of it.
    """
    groups: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(arrival.basename, []).append(arrival)
    await connection.execute(LOCK_PHOTOS, [known.ids[name] for name in groups if name in known.ids])
    new = {name: group for name, group in groups.items() if name not in known.ids}
    inserted = await _insert_photos(connection, tenant, project_id, new)
    ids = {**known.ids, **{name: row["id"] for name, row in inserted.items()}}
    await _put_files(connection, tenant, project_id, ids, arrivals)
    grown = {known.ids[name]: group for name, group in groups.items() if name in known.ids}
    states = {row["id"]: _state(row) for row in [*inserted.values(), *await _count_in(connection, grown, known)]}
    return [
        Recorded(
            photo_id=ids[name],
            basename=name,
            **states[ids[name]],
            created=name in inserted,
            arrivals=tuple(group),
            replaced=tuple(
                known.files[arrival.file.name].file for arrival in group if arrival.file.name in known.files
            ),
        )
        for name, group in groups.items()
    ]


def shown_first(files: Sequence[StoredFile]) -> StoredFile | None:
    """Return the file that a photo with ``files`` is shown by."""
    showing = [file for file in files if file.kind in SHOWN_FIRST]
    return min(showing, key=lambda file: (SHOWN_FIRST.index(file.kind), file.name), default=None)


def metadata_row(exif: Exif, file_time: datetime) -> dict[str, Any]:
    """Return the metadata columns of a photo row; a photo that tells no time was taken at its file's time."""
    row = {("exif_orientation" if name == "orientation" else name): value for name, value in vars(exif).items()}
    row["taken_from"] = "file" if exif.taken_at is None else "exif"
    row["taken_at"] = (exif.taken_at or file_time).isoformat()
    return row


def combined_metadata(files: Sequence[tuple[Exif, datetime]]) -> dict[str, Any]:
    """Return the metadata columns of a photo of which each file, in the order of showing, tells EXIF and its own time.

    The first counts before the others, and a time that a camera told before that of a file.
    """
    metadata: dict[str, Any] = {}
    for exif, file_time in files:
        found = metadata_row(exif, file_time)
        if not metadata or (metadata["taken_from"] == "file" and found["taken_from"] == "exif"):
            metadata |= {name: found[name] for name in _TAKEN}
        rest = {name: value for name, value in found.items() if name not in _TAKEN}
        metadata |= {name: value for name, value in rest.items() if metadata.get(name) is None}
    return metadata


async def _insert_photos(
    connection: Connection, tenant: str, project_id: int, groups: Mapping[str, Sequence[Arrival]]
) -> dict[str, Record]:
    if not groups:
        return {}
    rows = [_new_photo(basename, arrivals) for basename, arrivals in groups.items()]
    found = await connection.fetch(INSERT_PHOTOS, tenant, project_id, rows)
    return {row["filename"]: row for row in found}


def _new_photo(basename: str, arrivals: Sequence[Arrival]) -> dict[str, Any]:
    kinds = {arrival.file.kind for arrival in arrivals}
    size = sum(arrival.file.size for arrival in arrivals if arrival.file.kind != "sidecar")
    ordered = sorted(arrivals, key=_order_of_showing)
    metadata = combined_metadata([(arrival.exif, arrival.file.modified_at) for arrival in ordered])
    availability: dict[str, Any] = {kind: kind in kinds for kind in SHOWN_FIRST}
    return {"filename": basename, "size": size, **availability, **metadata}


def _order_of_showing(arrival: Arrival) -> tuple[int, str]:
    kind = arrival.file.kind
    return (SHOWN_FIRST.index(kind) if kind in SHOWN_FIRST else len(SHOWN_FIRST), arrival.file.name)


async def _put_files(
    connection: Connection, tenant: str, project_id: int, ids: Mapping[str, int], arrivals: Sequence[Arrival]
) -> None:
    rows = [
        {
            **vars(arrival.file),
            "modified_at": arrival.file.modified_at.isoformat(),
            "photo_id": ids[arrival.basename],
        }
        for arrival in arrivals
    ]
    await connection.execute(PUT_FILES, tenant, project_id, rows)


async def _count_in(
    connection: Connection, groups: Mapping[int, Sequence[Arrival]], known: KnownPhotos
) -> list[Record]:
    """Let photos that were there already know their new files; return what their rows say after that."""
    if not groups:
        return []
    rows = [
        {"photo_id": photo_id, "weight": _weight(arrival, photo_id, known), **metadata}
        for photo_id, group in groups.items()
        if (arrival := min(group, key=_order_of_showing)).file.kind != "sidecar"
        for metadata in (metadata_row(arrival.exif, arrival.file.modified_at),)
    ]
    if rows:
        await connection.execute(MEET_METADATA, rows)
    found = await connection.fetch(COUNT_FILES_IN, list(groups))
    there = [(photo_id, one.file.name, one.file.md5) for photo_id, group in groups.items() for one in group]
    await forget_found(connection, there)
    return list(found)


def _state(row: Record) -> dict[str, Any]:
    """Return how a photo stands, by the names of ``Recorded``."""
    keep = KeptKinds(jpg=row["keep_jpg"], raw=row["keep_raw"], other=row["keep_other"])
    return {"keep": keep, **{name: row[name] for name in ("version", "thumbnail_status", "preview_status")}}


def _weight(arrival: Arrival, photo_id: int, known: KnownPhotos) -> Weight:
    others = [found for found in known.files.values() if found.photo_id == photo_id]
    files = [found.file for found in others if found.file.name != arrival.file.name]
    if shown_first([*files, arrival.file]) != arrival.file:
        return "fill"
    return "replace" if arrival.file.name in known.files or shown_first(files) is None else "lead"
