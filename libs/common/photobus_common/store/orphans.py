"""Projects whose folders are not in the library: since when that is known, archived for it, and removed at last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from photobus_common.reconciliation import CatalogueProject
from photobus_common.store.database import Connection
from photobus_common.store.deletions import forget_uploads

MISSING_FOLDERS: Final = """
SELECT project_id, since <= now() - $2::interval AND task_id <> $3 AS confirmed FROM missing_folders
WHERE project_id = ANY($1::bigint[])
"""

# `since` and the task are those of the run that missed it first: another run must have missed it as well.
NOTE_MISSING: Final = """
INSERT INTO missing_folders (project_id, task_id) SELECT unnest($1::bigint[]), $2
ON CONFLICT (project_id) DO UPDATE SET seen_at = now()
"""

FORGET_MISSING: Final = "DELETE FROM missing_folders WHERE project_id = ANY($1::bigint[])"

ARCHIVE: Final = """
UPDATE projects SET status = 'canceled', cancel_cause = 'folder_gone', archived_at = now(), deleted_by = NULL,
    version = version + 1, updated_at = now()
WHERE id = $1 AND status = 'active' RETURNING version
"""

NOTE_ARCHIVED: Final = """
INSERT INTO missing_folders (project_id, task_id) VALUES ($1, $2)
ON CONFLICT (project_id) DO UPDATE SET since = now(), seen_at = now(), task_id = excluded.task_id
"""

_ORPHANS: Final = """
SELECT pr.id, pr.tenant, pr.name, pr.folder, false AS active, pr.created_at, t.library_id
FROM projects pr JOIN tenants t USING (tenant) JOIN missing_folders m ON m.project_id = pr.id
WHERE pr.tenant = $1 AND pr.status = 'canceled' AND pr.cancel_cause = 'folder_gone'
    AND pr.archived_at <= now() - $2::interval AND m.task_id <> $3
"""

ORPHANS: Final = _ORPHANS + "AND pr.id > $4 ORDER BY pr.id LIMIT $5"

LOCK_ORPHAN: Final = _ORPHANS + "AND pr.id = $4 FOR UPDATE OF pr"

IS_BEING_RENAMED: Final = "SELECT EXISTS (SELECT FROM file_renames WHERE project_id = $1 AND state = 'open')"

FORGET_OPERATIONS: Final = "DELETE FROM project_operations WHERE project_id = $1"

REMOVE_PROJECT: Final = "DELETE FROM projects WHERE id = $1"


@dataclass(frozen=True)
class Absence:
    """How long the folder of a project has to be gone, and in which task that is looked at."""

    hours: float
    task_id: UUID

    @property
    def parameters(self) -> tuple[timedelta, UUID]:
        """Return both as statements take them."""
        return timedelta(hours=self.hours), self.task_id


async def missing_folders(connection: Connection, project_ids: Sequence[int], absence: Absence) -> Mapping[int, bool]:
    """Return the projects whose folders were gone before, each with whether another run saw that long enough ago."""
    rows = await connection.fetch(MISSING_FOLDERS, project_ids, *absence.parameters)
    return {row["project_id"]: row["confirmed"] for row in rows}


async def note_missing(connection: Connection, project_ids: Sequence[int], task_id: UUID) -> None:
    """Note that the folders of these projects are gone; since when stands, where it is known."""
    await connection.execute(NOTE_MISSING, project_ids, task_id)


async def forget_missing(connection: Connection, project_ids: Sequence[int]) -> None:
    """Note that the folders of these projects are there."""
    await connection.execute(FORGET_MISSING, project_ids)


async def archive_orphan(connection: Connection, project_id: int, task_id: UUID) -> int:
    """Archive an active project, whose row is locked, since its folder is gone; return its version."""
    version = int(await connection.fetchval(ARCHIVE, project_id))
    await connection.execute(NOTE_ARCHIVED, project_id, task_id)
    return version


async def orphans_after(
    connection: Connection, tenant: str, absence: Absence, after: int, limit: int
) -> list[CatalogueProject]:
    """Return projects that another run archived long enough ago since their folders were gone, by their ids."""
    rows = await connection.fetch(ORPHANS, tenant, *absence.parameters, after, limit)
    return [CatalogueProject(**row) for row in rows]


async def lock_orphan(connection: Connection, project: CatalogueProject, absence: Absence) -> bool:
    """Keep such a project as it is until the transaction ends; say whether it still is one."""
    row: Any = await connection.fetchrow(LOCK_ORPHAN, project.tenant, *absence.parameters, project.id)
    return row is not None and CatalogueProject(**row) == project


async def is_being_renamed(connection: Connection, project_id: int) -> bool:
    """Whether files of the project are on record to get other names."""
    return bool(await connection.fetchval(IS_BEING_RENAMED, project_id))


async def remove_project(connection: Connection, project_id: int) -> None:
    """Remove a project of which no photo is left, with all that is known of its folder and of uploads into it."""
    await forget_uploads(connection, project_id)
    await connection.execute(FORGET_OPERATIONS, project_id)
    await connection.execute(REMOVE_PROJECT, project_id)
