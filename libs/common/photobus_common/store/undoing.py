"""What an undo has to know: what the log says that a task did, how its photos are now, and whose undo is under way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from photobus_common.deeds import TOLD_BY, Deed, Place, deeds_of
from photobus_common.errors import PhotobusError
from photobus_common.events import decode
from photobus_common.reconciliation import CatalogueProject
from photobus_common.store.database import Connection
from photobus_common.store.moves import UniqueNames
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.store.removals import removable_photos
from photobus_common.subjects import task_subject
from photobus_common.undoing import Situation, Undo, plan_undo

# The photos stand apart (OFFSET), so that their index finds the events: a task may have said a thousand times more, and
# a long list is held against another only slowly.
EVENTS_OF_TASK: Final = """
SELECT e.payload
FROM (SELECT $4::bigint[] AS photo_ids OFFSET 0) AS wanted CROSS JOIN LATERAL (
    SELECT seq, tenant, task_id, type, payload FROM event_log l WHERE l.photo_ids && wanted.photo_ids OFFSET 0
) AS e
WHERE e.tenant = $1 AND e.task_id = $2 AND e.type = ANY($3::text[])
ORDER BY e.seq
"""

# What the task said and is not archived yet, and what its workers left on record, of which more will be said. Only
# events with its id in them are read as JSON: where much is going on there are many others.
HAS_MORE_TO_SAY: Final = """
SELECT EXISTS (
    SELECT FROM outbox o
    WHERE o.kind = 'event' AND o.tenant = $1
        AND position(convert_to($2::uuid::text, 'UTF8') IN o.payload) > 0
        AND convert_from(o.payload, 'UTF8')::jsonb ->> 'correlationid' = $2::uuid::text
        AND NOT EXISTS (SELECT FROM event_log e WHERE e.event_id = o.id)
) OR EXISTS (
    SELECT FROM file_operations f WHERE f.task_id = $2::uuid AND f.tenant = $1 AND f.state = 'open'
)
"""

# Also an upload that is about to bring a photo of the name.
NAMESAKES: Final = """
SELECT n.project_id, n.filename, min(pr.folder) AS folder
FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS n (photo_id, project_id, filename)
JOIN LATERAL (
    SELECT p.project_id FROM photos p WHERE p.tenant = $1 AND p.filename = n.filename AND p.id <> n.photo_id
    UNION ALL
    SELECT u.project_id FROM uploads u WHERE u.state = 'placing' AND u.tenant = $1 AND u.basename = n.filename
) o ON o.project_id = n.project_id OR $5
JOIN projects pr ON pr.id = o.project_id AND pr.status = 'active'
GROUP BY 1, 2
"""

# One statement, so that an undo is seen in one of the two places also while it goes from one to the other.
UNDO_OF_TASK: Final = """
SELECT t.id, t.status FROM tasks t
WHERE t.undo_of = $2::uuid AND t.tenant = $1 AND t.status NOT IN ('completed_with_errors', 'failed', 'canceled')
UNION ALL
SELECT o.id, 'requested' FROM outbox o
WHERE o.kind = 'event' AND o.tenant = $1 AND o.subject = ANY($3::text[])
    AND convert_from(o.payload, 'UTF8')::jsonb #>> '{data,undo_of}' = $2::uuid::text
    AND NOT EXISTS (SELECT FROM tasks t WHERE t.id = o.id)
LIMIT 1
"""

HOLD_UNDO: Final = "SELECT pg_advisory_xact_lock(hashtextextended('undo ' || $1::uuid, 0))"

UNDONE_BY: Final = "SELECT id, undo_of FROM tasks WHERE id = ANY($1::uuid[]) AND undo_of IS NOT NULL"

FIRST_ITEMS: Final = "SELECT photo_id FROM task_items WHERE task_id = $1 ORDER BY position LIMIT $2"

SIZE_OF_TASK: Final = """
SELECT count(*) AS photos, count(DISTINCT coalesce(p.project_id, i.project_id)) AS projects
FROM tasks t JOIN task_items i ON i.task_id = t.id LEFT JOIN photos p ON p.id = i.photo_id
WHERE t.tenant = $1 AND t.id = $2
"""


class LogIncompleteError(PhotobusError):
    """The archive does not hold all that a task said, or will say: an undo by it would take back half."""

    code = "log_incomplete"
    status = 503
    retryable = True


@dataclass(frozen=True)
class EarlierUndo:
    """An undo of a task that is under way or has come to a good end; ``status`` is its task's."""

    id: UUID
    status: str


async def refuse_incomplete_log(connection: Connection, tenant: str, task_id: UUID) -> None:
    """Raise ``LogIncompleteError`` where the archive does not tell all of the task yet."""
    if await connection.fetchval(HAS_MORE_TO_SAY, tenant, task_id):
        raise LogIncompleteError(f"Not all of what the task {task_id} did is in the log yet.")


async def deeds_of_task(
    connection: Connection, tenant: str, task_id: UUID, photo_ids: Sequence[int]
) -> dict[int, Deed]:
    """Return what the task did to those of ``photo_ids`` to which it did anything."""
    wanted = frozenset(photo_ids)
    rows = await connection.fetch(EVENTS_OF_TASK, tenant, task_id, list(TOLD_BY), sorted(wanted))
    deeds = deeds_of(decode(row["payload"]).data for row in rows)
    return {photo_id: deed for photo_id, deed in deeds.items() if photo_id in wanted}


async def planned_undos(
    connection: Connection,
    tenant: str,
    deeds: Mapping[int, Deed],
    unique: UniqueNames,
    *,
    lock: bool = False,
) -> dict[int, Undo]:
    """Plan by how the photos of ``deeds`` are now; ``lock`` keeps them so until the transaction ends.

    Where basenames are unique in the library (``unique``), a photo does not come back beside one of any project.
    """
    photos = await removable_photos(connection, tenant, sorted(deeds), lock=lock)
    places = {photo_id: deed.place for photo_id, deed in deeds.items() if deed.place and photo_id not in photos}
    projects = await _projects(connection, tenant, deeds, [photo.project_id for photo in photos.values()])
    namesakes = await _namesakes(connection, tenant, places, unique)
    return {
        photo_id: plan_undo(deed, Situation(photos.get(photo_id), projects, namesakes))
        for photo_id, deed in deeds.items()
    }


async def undone_by(connection: Connection, task_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return which task is undone by each of ``task_ids`` that is an undo."""
    return {row["id"]: row["undo_of"] for row in await connection.fetch(UNDONE_BY, task_ids)}


async def hold_undo(connection: Connection, task_id: UUID) -> None:
    """Let no other transaction ask for an undo of the task before this one has ended."""
    await connection.execute(HOLD_UNDO, task_id)


async def earlier_undo(
    connection: Connection, tenant: str, task_id: UUID, task_types: Sequence[str]
) -> EarlierUndo | None:
    """Return the undo of the task, by a task of ``task_types``, beside which there can be no other."""
    subjects = [task_subject(tenant, task_type) for task_type in task_types]
    row = await connection.fetchrow(UNDO_OF_TASK, tenant, task_id, subjects)
    return None if row is None else EarlierUndo(row["id"], row["status"])


async def first_items(connection: Connection, task_id: UUID, limit: int) -> list[int]:
    """Return the first photos of a task's snapshot."""
    return [row["photo_id"] for row in await connection.fetch(FIRST_ITEMS, task_id, limit)]


async def size_of_task(connection: Connection, tenant: str, task_id: UUID) -> tuple[int, int]:
    """Return how many photos a task worked on, and in how many projects they lie now, or lay."""
    row: Any = await connection.fetchrow(SIZE_OF_TASK, tenant, task_id)
    return row["photos"], row["projects"]


async def _projects(
    connection: Connection, tenant: str, deeds: Mapping[int, Deed], now: Sequence[int]
) -> dict[int, CatalogueProject]:
    places = [place for deed in deeds.values() for place in (deed.place, *(deed.moved or ())) if place is not None]
    return await projects_of_tenant(connection, tenant, sorted({*now, *(place.project_id for place in places)}))


async def _namesakes(
    connection: Connection, tenant: str, places: Mapping[int, Place], unique: UniqueNames
) -> dict[Place, str]:
    rows = await connection.fetch(
        NAMESAKES,
        tenant,
        list(places),
        [place.project_id for place in places.values()],
        [place.filename for place in places.values()],
        unique == "library",
    )
    return {Place(row["project_id"], row["filename"]): row["folder"] for row in rows}
