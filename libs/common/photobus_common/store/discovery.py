"""What is known of a folder without a project: the project that its manifest names, and what became of that one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from photobus_common.events import decode
from photobus_common.events.projects import PhotoRemoved, PhotosRemoved
from photobus_common.reconciliation import CatalogueFile, CatalogueProject
from photobus_common.storage.manifest import Manifest
from photobus_common.store.database import Connection

LIBRARY_OF_TENANT: Final = "SELECT library_id FROM tenants WHERE tenant = $1"

# A deletion is over only once its task is known and has ended: between the request and the fold nobody knows the task.
NAMED_PROJECT: Final = """
SELECT pr.id, pr.tenant, pr.name, pr.folder, pr.status = 'active' AS active, pr.created_at, t.library_id,
    pr.deleted_by IS NULL OR (
        SELECT o.outcome IN ('moved', 'missing') FROM project_operations o
        WHERE o.project_id = pr.id AND o.kind = 'trash' AND o.state = 'done' ORDER BY o.id DESC LIMIT 1
    ) AS left_library,
    EXISTS (SELECT FROM project_operations o WHERE o.project_id = pr.id AND o.state = 'open')
    OR pr.deleted_by IS NOT NULL
        AND NOT EXISTS (SELECT FROM tasks k WHERE k.id = pr.deleted_by AND k.ended_at IS NOT NULL)
    OR EXISTS (
        SELECT FROM task_projects w JOIN tasks k ON k.id = w.task_id
        WHERE w.project_id = pr.id AND k.type IN ('project_delete', 'project_restore') AND k.ended_at IS NULL
    ) AS under_way
FROM projects pr JOIN tenants t USING (tenant) WHERE pr.tenant = $1 AND pr.id = $2
"""

PROJECT_OF_NAME: Final = """
SELECT pr.id, pr.tenant, pr.name, pr.folder, true AS active, pr.created_at, t.library_id
FROM projects pr JOIN tenants t USING (tenant) WHERE pr.tenant = $1 AND pr.name = $2 AND pr.status = 'active'
"""

FILES_OF_NAMES: Final = """
SELECT name, kind, size, md5 FROM photo_files WHERE project_id = $1 AND name = ANY($2::text[])
"""

REMOVED_AFTER: Final = """
SELECT seq, event_id, payload FROM event_log
WHERE task_id = ANY($1::uuid[]) AND project_id = $2 AND type = 'PhotosRemoved' AND seq > $3
ORDER BY seq LIMIT 1
"""

WITHOUT_ROWS: Final = """
SELECT n.id FROM unnest($1::bigint[]) AS n (id) WHERE NOT EXISTS (SELECT FROM photos p WHERE p.id = n.id)
"""

FORGET_MISSING: Final = "DELETE FROM missing_folders WHERE project_id = $1"


@dataclass(frozen=True)
class NamedProject:
    """The project that a manifest names. ``left_library``: its folder was gone from its place, as it should be.

    ``under_way``: it is being deleted or brought back.
    """

    project: CatalogueProject
    left_library: bool
    under_way: bool


@dataclass(frozen=True)
class Removed:
    """What the event of a deletion says was removed; ``seq`` is its place in the log."""

    seq: int
    event_id: UUID
    photos: tuple[PhotoRemoved, ...]


async def library_of_tenant(connection: Connection, tenant: str) -> UUID:
    """Return the id of the tenant's library."""
    found: UUID = await connection.fetchval(LIBRARY_OF_TENANT, tenant)
    return found


async def named_project(connection: Connection, tenant: str, manifest: Manifest) -> NamedProject | None:
    """Return the project that a manifest is of, archived ones too; None for one that this database has not."""
    row = await connection.fetchrow(NAMED_PROJECT, tenant, manifest.id)
    if row is None or not manifest.is_of(row["id"], row["created_at"]):
        return None
    columns = {name: value for name, value in row.items() if name not in {"left_library", "under_way"}}
    return NamedProject(CatalogueProject(**columns), bool(row["left_library"]), bool(row["under_way"]))


async def project_of_name(connection: Connection, tenant: str, name: str) -> CatalogueProject | None:
    """Return the active project of that name."""
    row = await connection.fetchrow(PROJECT_OF_NAME, tenant, name)
    return None if row is None else CatalogueProject(**row)


async def files_of_names(connection: Connection, project_id: int, names: Sequence[str]) -> list[CatalogueFile]:
    """Return those files on record in the project that have one of these names."""
    return [CatalogueFile(**row) for row in await connection.fetch(FILES_OF_NAMES, project_id, names)]


async def removed_after(connection: Connection, task_ids: Sequence[UUID], project_id: int, seq: int) -> Removed | None:
    """Return what the tasks removed of the project, by the next event after ``seq``."""
    row = await connection.fetchrow(REMOVED_AFTER, task_ids, project_id, seq)
    if row is None:
        return None
    data: Any = decode(row["payload"]).data
    return Removed(row["seq"], row["event_id"], data.photos if isinstance(data, PhotosRemoved) else ())


async def without_rows(connection: Connection, photo_ids: Sequence[int]) -> frozenset[int]:
    """Return those of ``photo_ids`` that are no photos any more."""
    return frozenset(row["id"] for row in await connection.fetch(WITHOUT_ROWS, photo_ids))


async def forget_missing(connection: Connection, project_id: int) -> None:
    """Note that the project's folder is in the library."""
    await connection.execute(FORGET_MISSING, project_id)
