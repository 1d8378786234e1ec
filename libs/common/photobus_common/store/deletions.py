"""Projects that are deleted and brought back, as rows: archived, emptied, filled anew from the log, made active."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from photobus_common import subjects
from photobus_common.events import decode
from photobus_common.events.projects import PhotoRemoved, PhotosRemoved
from photobus_common.reconciliation import CatalogueProject
from photobus_common.store.database import Connection

ARCHIVE_PROJECTS: Final = """
UPDATE projects SET status = 'canceled', cancel_cause = 'deleted', archived_at = $4, deleted_by = $3,
    version = version + 1, updated_at = now()
WHERE tenant = $1 AND id = ANY($2::bigint[]) AND status = 'active'
RETURNING id, folder, name, version
"""

ACTIVATE_PROJECT: Final = """
UPDATE projects SET status = 'active', cancel_cause = NULL, archived_at = NULL, deleted_by = NULL,
    name = $2, folder = $3, version = version + 1, updated_at = now()
WHERE id = $1 RETURNING version
"""

FOLLOW_FOLDER: Final = """
UPDATE projects SET folder = $2, version = version + 1, updated_at = now()
WHERE id = $1 AND folder <> $2 RETURNING version
"""

LOCK_PROJECT: Final = """
SELECT pr.id, pr.tenant, pr.name, pr.folder, pr.status = 'active' AS active, pr.created_at, t.library_id
FROM projects pr JOIN tenants t USING (tenant)
WHERE pr.tenant = $1 AND pr.id = $2 FOR NO KEY UPDATE OF pr
"""

# Tasks that delete the project or bring it back wait for each other by themselves, and must not stop each other.
TASKS_AT_WORK: Final = """
SELECT t.id, t.type, t.label, NOT EXISTS (
        SELECT FROM task_items i LEFT JOIN photos p ON p.id = i.photo_id
        WHERE i.task_id = t.id AND coalesce(p.project_id, i.project_id) <> $2
    ) AND NOT EXISTS (SELECT FROM task_projects w WHERE w.task_id = t.id AND w.project_id <> $2) AS alone,
    coalesce((t.state ->> 'cancel_requested')::boolean, false) AS cancel_requested
FROM tasks t
WHERE t.tenant = $1 AND t.ended_at IS NULL AND t.type NOT IN ('project_delete', 'project_restore') AND (
    EXISTS (SELECT FROM task_projects w WHERE w.task_id = t.id AND w.project_id = $2)
    OR EXISTS (SELECT FROM task_items i WHERE i.task_id = t.id AND i.project_id = $2)
    OR EXISTS (
        SELECT FROM photos p JOIN task_items i ON i.photo_id = p.id AND i.task_id = t.id WHERE p.project_id = $2
    )
)
ORDER BY t.created_at, t.id
"""

OPEN_ITEM_JOBS: Final = """
SELECT id FROM jobs WHERE task_id = ANY($1::uuid[]) AND ended_at IS NULL AND over = 'items' ORDER BY id
"""

IS_BEING_DELETED: Final = """
SELECT EXISTS (
    SELECT FROM tasks t JOIN task_projects w ON w.task_id = t.id
    WHERE w.project_id = $1 AND t.type = 'project_delete' AND t.ended_at IS NULL
)
"""

IS_OPEN_TASK: Final = "SELECT EXISTS (SELECT FROM tasks WHERE id = $1 AND ended_at IS NULL)"

IS_PLACING: Final = "SELECT EXISTS (SELECT FROM uploads WHERE project_id = $1 AND state = 'placing')"

SIZE_OF_PROJECT: Final = """
SELECT count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes FROM photo_files WHERE project_id = $1
"""

FORGET_UPLOADS: Final = (
    "DELETE FROM uploads WHERE project_id = $1",
    "DELETE FROM upload_batches WHERE project_id = $1",
    "DELETE FROM upload_batch_counts WHERE project_id = $1",
    "DELETE FROM upload_renames WHERE project_id = $1",
)

DELETION_TASKS: Final = """
WITH RECURSIVE chain (id) AS (
    SELECT deleted_by FROM projects WHERE id = $1 AND deleted_by IS NOT NULL
    UNION
    SELECT t.id FROM chain c JOIN tasks t ON t.retry_of = c.id
)
SELECT id FROM chain
"""

IS_ARCHIVED: Final = """
SELECT NOT EXISTS (
    SELECT FROM outbox o WHERE o.kind = 'event' AND o.tenant = $1 AND o.subject = $2
        AND NOT EXISTS (SELECT FROM event_log e WHERE e.event_id = o.id)
)
"""

COUNT_REMOVED: Final = """
SELECT coalesce(sum(cardinality(photo_ids)), 0) FROM event_log
WHERE task_id = ANY($1::uuid[]) AND project_id = $2 AND type = 'PhotosRemoved'
"""

COUNT_LEFT: Final = "SELECT count(*) FROM photos WHERE project_id = $1"

LEFT: Final = "SELECT id, filename FROM photos WHERE project_id = $1 ORDER BY id LIMIT $2"

NEXT_REMOVED: Final = """
SELECT seq, payload FROM event_log
WHERE task_id = ANY($1::uuid[]) AND project_id = $2 AND type = 'PhotosRemoved' AND seq > $3
ORDER BY seq LIMIT 1
"""

LAST_REMOVED: Final = """
SELECT seq, payload FROM event_log
WHERE task_id = ANY($1::uuid[]) AND project_id = $2 AND type = 'PhotosRemoved' AND ($3::bigint IS NULL OR seq < $3)
ORDER BY seq DESC LIMIT 1
"""

HAS_PENDING_DERIVATIVES: Final = """
SELECT EXISTS (
    SELECT FROM photos WHERE project_id = $1 AND (thumbnail_status = 'pending' OR preview_status = 'pending')
)
"""


@dataclass(frozen=True)
class ArchivedProject:
    """A project that was archived just now."""

    id: int
    folder: str
    name: str
    version: int


@dataclass(frozen=True)
class TaskAtWork:
    """An open task with photos of a project, or on it as a whole; ``alone``: it works on nothing else."""

    id: UUID
    type: str
    label: str
    alone: bool
    cancel_requested: bool


@dataclass(frozen=True)
class RemovedPortion:
    """What one event of a deletion says was removed; ``seq`` is its place in the log."""

    seq: int
    photos: tuple[PhotoRemoved, ...]


async def archive_projects(
    connection: Connection, tenant: str, project_ids: Sequence[int], task_id: UUID, at: datetime
) -> list[ArchivedProject]:
    """Archive those of the projects that are active: from the end of the transaction on they are in no list."""
    rows = await connection.fetch(ARCHIVE_PROJECTS, tenant, project_ids, task_id, at)
    return [ArchivedProject(**row) for row in rows]


async def activate_project(connection: Connection, project_id: int, name: str, folder: str) -> int:
    """Make an archived project active again under a name and folder that are free; return its version."""
    return int(await connection.fetchval(ACTIVATE_PROJECT, project_id, name, folder))


async def follow_folder(connection: Connection, project_id: int, folder: str) -> int | None:
    """Note the folder in which an archived project lies; return the row's new version, None where it said so before."""
    version: int | None = await connection.fetchval(FOLLOW_FOLDER, project_id, folder)
    return version


async def lock_project(connection: Connection, tenant: str, project_id: int) -> CatalogueProject | None:
    """Return the project, archived or not, and keep it so until the transaction ends."""
    row = await connection.fetchrow(LOCK_PROJECT, tenant, project_id)
    return None if row is None else CatalogueProject(**row)


async def tasks_at_work(connection: Connection, tenant: str, project_id: int) -> list[TaskAtWork]:
    """Return the open tasks on the project or its photos, oldest first; none that delete it or bring it back."""
    return [TaskAtWork(**row) for row in await connection.fetch(TASKS_AT_WORK, tenant, project_id)]


async def open_item_jobs(connection: Connection, task_ids: Sequence[UUID]) -> list[UUID]:
    """Return the jobs over items of the tasks that have been made and have not ended."""
    return [row["id"] for row in await connection.fetch(OPEN_ITEM_JOBS, task_ids)]


async def is_being_deleted(connection: Connection, project_id: int) -> bool:
    """Whether a task that deletes the project has not ended."""
    return bool(await connection.fetchval(IS_BEING_DELETED, project_id))


async def is_open_task(connection: Connection, task_id: UUID) -> bool:
    """Whether the task has not ended."""
    return bool(await connection.fetchval(IS_OPEN_TASK, task_id))


async def is_placing(connection: Connection, project_id: int) -> bool:
    """Whether files are on record to be placed in the project."""
    return bool(await connection.fetchval(IS_PLACING, project_id))


async def size_of_project(connection: Connection, project_id: int) -> tuple[int, int]:
    """Return how many files the catalogue has of the project, and their bytes."""
    (row,) = await connection.fetch(SIZE_OF_PROJECT, project_id)
    return row["files"], row["bytes"]


async def forget_uploads(connection: Connection, project_id: int) -> None:
    """Remove what is known of files on their way into the project, whose folder is gone; their bytes expire."""
    for statement in FORGET_UPLOADS:
        await connection.execute(statement, project_id)


async def deletion_tasks(connection: Connection, project_id: int) -> list[UUID]:
    """Return the task that deleted an archived project, and the retries of it."""
    return [row["id"] for row in await connection.fetch(DELETION_TASKS, project_id)]


async def is_archived(connection: Connection, tenant: str, project_id: int) -> bool:
    """Whether the archive holds everything that was said of the project."""
    subject = subjects.project_subject(tenant, project_id)
    return bool(await connection.fetchval(IS_ARCHIVED, tenant, subject))


async def count_removed(connection: Connection, task_ids: Sequence[UUID], project_id: int) -> int:
    """Return how many photos of the project the tasks removed."""
    return int(await connection.fetchval(COUNT_REMOVED, task_ids, project_id))


async def count_deleted(connection: Connection, project_id: int) -> int:
    """Return how many photos an archived project had: those that its deletion removed, and those it did not get to."""
    tasks = await deletion_tasks(connection, project_id)
    left = await connection.fetchval(COUNT_LEFT, project_id)
    return int(left) + await count_removed(connection, tasks, project_id)


async def photos_left(connection: Connection, project_id: int, limit: int) -> list[tuple[int, str]]:
    """Return id and basename of the first photos of an archived project whose rows are there."""
    return [(row["id"], row["filename"]) for row in await connection.fetch(LEFT, project_id, limit)]


async def next_removed(
    connection: Connection, task_ids: Sequence[UUID], project_id: int, after: int
) -> RemovedPortion | None:
    """Return what the tasks removed of the project, by the next event after the sequence ``after``."""
    return _portion(await connection.fetchrow(NEXT_REMOVED, task_ids, project_id, after))


async def last_removed(
    connection: Connection, task_ids: Sequence[UUID], project_id: int, before: int | None
) -> RemovedPortion | None:
    """Return what the tasks removed of the project, by the last event, or the last before the sequence ``before``."""
    return _portion(await connection.fetchrow(LAST_REMOVED, task_ids, project_id, before))


async def has_pending_derivatives(connection: Connection, project_id: int) -> bool:
    """Whether photos of the project wait for their derivatives."""
    return bool(await connection.fetchval(HAS_PENDING_DERIVATIVES, project_id))


def _portion(row: Any) -> RemovedPortion | None:
    if row is None:
        return None
    data: Any = decode(row["payload"]).data
    return RemovedPortion(row["seq"], data.photos if isinstance(data, PhotosRemoved) else ())
