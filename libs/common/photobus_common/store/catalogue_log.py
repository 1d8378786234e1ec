"""What the log says of projects and photos, change by change, and the rows that it must lead to.

Events that are committed and not archived yet count too: the rows have them already.
"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

from asyncpg import Record
from pydantic import ValidationError

from photobus_common.catalogue_changes import Kinds
from photobus_common.catalogue_fold import (
    LAST,
    PHOTO_EVENTS,
    PROJECT_EVENTS,
    FileRow,
    PhotoRow,
    ProjectRow,
    changes_of,
    evolve_photo,
    evolve_project,
)
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.upcasting import UnreadableEventError, upcast
from photobus_common.store.database import Connection

RowT = TypeVar("RowT", PhotoRow, ProjectRow)

PAGE: Final = 1000
"""Rows that are held at once."""

PHOTO_TYPES: Final = [model.TYPE for model in PHOTO_EVENTS]

PROJECT_TYPES: Final = [model.TYPE for model in PROJECT_EVENTS]

# Each document is parsed once, which is most of the work: hence `OFFSET 0`, behind which Postgres does not look.
_TOLD: Final = """
    SELECT l.seq, l.tenant, l.payload::jsonb AS document FROM event_log l WHERE l.type = ANY($1::text[])
    OFFSET 0
"""

_WAITING: Final = """
    SELECT NULL::bigint AS seq, w.tenant, w.document FROM (
        SELECT o.tenant, convert_from(o.payload, 'UTF8')::jsonb AS document FROM outbox o
        WHERE o.kind = 'event' AND NOT EXISTS (SELECT FROM event_log e WHERE e.event_id = o.id)
        OFFSET 0
    ) AS w WHERE w.document ->> 'type' = ANY($1::text[])
"""

PARTS: Final = """
SELECT (c.part ->> 'photo_id')::bigint AS photo_id, (c.part ->> 'version')::bigint AS version, t.seq, t.tenant,
    t.document ->> 'type' AS type, (t.document ->> 'schemaversion')::int AS schema,
    ((t.document -> 'data') - 'photos')::text AS head, c.part::text AS part
"""
"""What is read of each part ``c`` of an event ``t`` that tells of photos, for ``told_of_photo``."""

PHOTO_CHANGES: Final = f"""
{PARTS} FROM (({_TOLD}) UNION ALL ({_WAITING})) AS t
CROSS JOIN LATERAL jsonb_array_elements(t.document -> 'data' -> 'photos') AS c (part)
ORDER BY 1, 2, 3
"""

PROJECT_CHANGES: Final = f"""
SELECT (t.document -> 'data' ->> 'project_id')::bigint AS project_id,
    CASE t.document ->> 'type' WHEN 'ProjectRemoved' THEN {LAST} WHEN 'ProjectCreated' THEN 1
        ELSE (t.document -> 'data' ->> 'version')::bigint END AS version,
    t.seq, t.tenant, t.document ->> 'type' AS type, (t.document ->> 'schemaversion')::int AS schema,
    (t.document -> 'data')::text AS head, NULL AS part
FROM (({_TOLD}) UNION ALL ({_WAITING})) AS t
ORDER BY 1, 2, 3
"""  # noqa: S608 - put together from constants

PHOTO_ROWS: Final = """
SELECT p.id, p.tenant, p.project_id, p.filename, p.version, p.keep_jpg, p.keep_raw, p.keep_other,
    p.thumbnail_status, p.preview_status, p.jpg_available, p.raw_available, p.other_available, p.size,
    ARRAY (SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id) AS tags,
    (SELECT json_agg(json_build_array(f.name, f.kind, f.size, f.md5, f.project_id)) FROM photo_files f
     WHERE f.photo_id = p.id)::text AS files
FROM photos p ORDER BY p.id
"""

PROJECT_ROWS: Final = "SELECT id, tenant, name, folder, status, version FROM projects ORDER BY id"


@dataclass(frozen=True, slots=True)
class Told(Generic[RowT]):
    """What an event says of one row; ``seq`` is None for one that is not archived yet, ``then`` is the row after it."""

    id: int
    version: int
    seq: int | None
    then: Callable[[RowT | None], RowT | None]


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo as its rows say.

    ``available`` and ``size`` are what its own row has of its files, ``strays`` those whose rows name another project.
    """

    row: PhotoRow
    available: Kinds
    size: int
    strays: tuple[str, ...]


async def told_of_photos(connection: Connection) -> AsyncIterator[Told[PhotoRow]]:
    """Yield all that was ever said of photos, photo by photo in the order of versions; memory is flat.

    Runs in the transaction of the caller, as do the others. Raises ``UnreadableEventError``.
    """
    async for row in _rows(connection, PHOTO_CHANGES, PHOTO_TYPES):
        yield told_of_photo(row)


async def told_of_projects(connection: Connection) -> AsyncIterator[Told[ProjectRow]]:
    """Yield all that was ever said of projects' rows, project by project in the order of versions."""
    async for row in _rows(connection, PROJECT_CHANGES, PROJECT_TYPES):
        data = _read(row, json.loads(row["head"]))
        then = partial(evolve_project, tenant=row["tenant"], data=data)
        yield Told(row["project_id"], row["version"], row["seq"], then)


async def photo_rows(connection: Connection) -> AsyncIterator[StoredPhoto]:
    """Yield every photo of the catalogue, in the order of ids."""
    async for row in _rows(connection, PHOTO_ROWS):
        yield _stored(row)


async def project_rows(connection: Connection) -> AsyncIterator[ProjectRow]:
    """Yield every project of the catalogue, in the order of ids."""
    async for row in _rows(connection, PROJECT_ROWS):
        yield ProjectRow(**row)


def told_of_photo(row: Record) -> Told[PhotoRow]:
    """Read a row of ``PARTS``; raises ``UnreadableEventError``."""
    data = {**json.loads(row["head"]), "photos": [json.loads(row["part"])]}
    (change,) = changes_of(row["tenant"], _read(row, data))
    return Told(change.photo_id, change.version, row["seq"], partial(evolve_photo, change=change))


def _read(row: Record, data: dict[str, Any]) -> Any:
    """Return what an event of the log says, of any version."""
    try:
        return CATALOGUE[row["type"]].model_validate(upcast(row["type"], row["schema"], data))
    except (KeyError, ValidationError) as error:
        place = "of the outbox" if row["seq"] is None else str(row["seq"])
        raise UnreadableEventError(f"The event {place} is no {row['type']} of any version: {error}") from error


async def _rows(connection: Connection, query: str, *parameters: Sequence[str]) -> AsyncIterator[Record]:
    cursor = await connection.cursor(query, *parameters)
    while page := await cursor.fetch(PAGE):
        for row in page:
            yield row


def _stored(row: Record) -> StoredPhoto:
    files = sorted(json.loads(row["files"] or "[]"))
    photo = PhotoRow(
        id=row["id"],
        tenant=row["tenant"],
        project_id=row["project_id"],
        filename=row["filename"],
        version=row["version"],
        keep=Kinds(row["keep_jpg"], row["keep_raw"], row["keep_other"]),
        tags=tuple(sorted(row["tags"])),
        files=tuple(FileRow(name, kind, size, md5) for name, kind, size, md5, _ in files),
        thumbnail_status=row["thumbnail_status"],
        preview_status=row["preview_status"],
    )
    available = Kinds(row["jpg_available"], row["raw_available"], row["other_available"])
    strays = tuple(name for name, _, _, _, project_id in files if project_id != row["project_id"])
    return StoredPhoto(photo, available, row["size"], strays)
