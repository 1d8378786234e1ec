"""Projects and photos as they stood at a place in the log, by the archive alone.

Which photos a project may have had is known by the events that brought them there; where each of them was then, and
how it stood, by all events about it. So a page costs what its photos cost, however many the project has.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from asyncpg import Record

from photobus_common.catalogue_fold import PhotoRow, ProjectRow, fold
from photobus_common.events import decode
from photobus_common.events.maintenance import PhotosRecognized
from photobus_common.events.projects import PhotosAdded, PhotosMoved, PhotosRestored
from photobus_common.store.catalogue_log import PARTS, PHOTO_TYPES, PROJECT_TYPES, told_of_photo
from photobus_common.store.database import Connection

LOOKED_AT: Final = 5_000
"""How many photos are looked at for one page; of a project whose photos nearly all went, few of them are shown."""

PORTION: Final = 250
"""Photos whose events are read at once."""

_BRINGING: Final = [model.TYPE for model in (PhotosAdded, PhotosMoved, PhotosRecognized, PhotosRestored)]

# The types and the expression are those of the index of folders.
EVENTS_OF_FOLDER: Final = """
SELECT e.project_id, e.seq, e.payload FROM event_log e
WHERE e.tenant = $1 AND e.seq <= $3 AND e.type = ANY($4::text[]) AND e.project_id IN (
    SELECT l.project_id FROM event_log l
    WHERE l.tenant = $1 AND l.seq <= $3
        AND l.type IN ('ProjectCreated', 'ProjectDiscovered', 'ProjectReturned', 'ProjectRestored', 'FolderRenamed')
        AND coalesce(l.payload::jsonb #>> '{data,new_folder}', l.payload::jsonb #>> '{data,project_folder}') = $2
)
ORDER BY e.seq
"""

BROUGHT: Final = """
SELECT DISTINCT p.id FROM event_log e CROSS JOIN LATERAL unnest(e.photo_ids) AS p (id)
WHERE e.tenant = $1 AND e.project_id = $2 AND e.seq <= $3 AND e.type = ANY($4::text[]) AND p.id > $5
ORDER BY p.id LIMIT $6
"""

# By the index of photos alone: each `OFFSET 0` keeps Postgres from going another way, or parsing a document twice.
CHANGES_OF_PHOTOS: Final = f"""
{PARTS} FROM (
    SELECT l.seq, l.tenant, l.payload::jsonb AS document
    FROM (SELECT * FROM event_log WHERE photo_ids && $1::bigint[] OFFSET 0) AS l
    WHERE l.tenant = $2 AND l.seq <= $3 AND l.type = ANY($4::text[]) OFFSET 0
) AS t
CROSS JOIN LATERAL jsonb_array_elements(t.document -> 'data' -> 'photos') AS c (part)
WHERE (c.part ->> 'photo_id')::bigint = ANY($1::bigint[])
ORDER BY 1, 2, 3
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class PhotosThen:
    """Some photos of a project, by id; ``last`` is the one to go on after, None where that is all."""

    rows: tuple[PhotoRow, ...]
    last: int | None


async def project_as_of(connection: Connection, tenant: str, folder: str, seq: int) -> ProjectRow | None:
    """Return the project that had the folder then: the active one, else the one that was archived with it last."""
    found: Sequence[Record] = await connection.fetch(EVENTS_OF_FOLDER, tenant, folder, seq, PROJECT_TYPES)
    projects = (fold(decode(row["payload"]) for row in found)).projects
    last_told = {row["project_id"]: row["seq"] for row in found}
    had = [project for project in projects.values() if project.folder == folder]
    return max(had, key=lambda one: (one.status == "active", last_told[one.id]), default=None)


async def photos_as_of(
    connection: Connection, tenant: str, project_id: int, seq: int, after: int, limit: int
) -> PhotosThen:
    """Return up to ``limit`` photos that the project had then, with ids over ``after``.

    They may be fewer although more follow: no more than ``LOOKED_AT`` are looked at.
    """
    rows: list[PhotoRow] = []
    for _ in range(LOOKED_AT // PORTION):
        brought = await connection.fetch(BROUGHT, tenant, project_id, seq, _BRINGING, after, PORTION)
        ids = [row["id"] for row in brought]
        told = await connection.fetch(CHANGES_OF_PHOTOS, ids, tenant, seq, PHOTO_TYPES) if ids else []
        there = [row for row in await asyncio.to_thread(_folded, told) if row.project_id == project_id]
        wanted = limit - len(rows)
        rows += there[:wanted]
        if len(there) > wanted:
            return PhotosThen(tuple(rows), rows[-1].id)
        if len(ids) < PORTION:
            return PhotosThen(tuple(rows), None)
        after = ids[-1]
    return PhotosThen(tuple(rows), after)


def _folded(told: Sequence[Record]) -> list[PhotoRow]:
    """Return where the events lead, photo by photo; each one's come in the order of its versions."""
    rows = []
    for _, changes in groupby(map(told_of_photo, told), key=lambda one: one.id):
        row: PhotoRow | None = None
        for change in changes:
            row = change.then(row)
        if row is not None:
            rows.append(row)
    return rows
