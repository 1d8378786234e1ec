"""What deletions of projects left: folders that they could not move away, and what lies in the library's trash."""

from collections.abc import Sequence
from typing import Final

from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.manifest import Manifest
from photobus_common.store.database import Connection
from photobus_common.store.discovery import named_project
from photobus_common.store.project_operations import ProjectOperation

_LAST: Final = """
SELECT o.id, o.task_id, o.kind, o.path, o.target_path, o.target_name, o.device, o.inode, o.state, o.outcome
FROM project_operations o WHERE o.project_id = {0} ORDER BY o.id DESC LIMIT 1
"""

# Those at which nobody is by now: a deletion, or a restoration, whose task has not ended comes again by itself.
UNFINISHED_DELETIONS: Final = f"""
SELECT pr.id, pr.tenant, pr.name, pr.folder, false AS active, pr.created_at, t.library_id
FROM projects pr JOIN tenants t USING (tenant) JOIN LATERAL ({_LAST.format("pr.id")}) o ON true
WHERE pr.tenant = $1 AND pr.cancel_cause = 'deleted' AND pr.id > $2
    AND (o.state = 'open' OR o.kind = 'trash' AND o.outcome = 'kept')
    AND NOT EXISTS (
        SELECT FROM task_projects w JOIN tasks k ON k.id = w.task_id
        WHERE w.project_id = pr.id AND k.type IN ('project_delete', 'project_restore') AND k.ended_at IS NULL
    )
ORDER BY pr.id LIMIT $3
"""  # noqa: S608 - put together from constants

LEFT_BEHIND: Final = f"""
SELECT id, task_id, kind, path, target_path, target_name, device, inode FROM ({_LAST.format("$1")}) o
WHERE o.kind = 'trash' AND o.state = 'done' AND o.outcome = 'kept'
"""  # noqa: S608 - put together from constants

# One that was back since and is missed now may have its only folder there: it is none of these.
PROJECT_IN_TRASH: Final = """
SELECT pr.id, pr.tenant, pr.name, pr.folder, false AS active, pr.created_at, t.library_id
FROM project_operations o JOIN projects pr ON pr.id = o.project_id JOIN tenants t ON t.tenant = pr.tenant
WHERE o.tenant = $1 AND o.target_path = $2 AND o.kind = 'trash' AND (o.state = 'open' OR o.outcome = 'moved')
    AND pr.cancel_cause = 'deleted' AND NOT EXISTS (
        SELECT FROM project_operations n WHERE n.project_id = o.project_id AND n.id > o.id AND n.outcome = 'moved'
    )
ORDER BY o.id DESC LIMIT 1
"""

CANCEL_CAUSE: Final = "SELECT cancel_cause FROM projects WHERE id = $1"


async def unfinished_deletions(
    connection: Connection, tenant: str, after: int, limit: int
) -> Sequence[CatalogueProject]:
    """Return deleted projects whose folder may not be where it belongs, and at which no task is, by their ids."""
    return [CatalogueProject(**row) for row in await connection.fetch(UNFINISHED_DELETIONS, tenant, after, limit)]


async def left_behind(connection: Connection, project_id: int) -> ProjectOperation | None:
    """Return the last that was on record for a deleted project's folder, if that was left where it was."""
    row = await connection.fetchrow(LEFT_BEHIND, project_id)
    return None if row is None else ProjectOperation.from_row(row)


async def project_in_trash(connection: Connection, tenant: str, path: str) -> CatalogueProject | None:
    """Return the deleted project whose folder went to that path of the library, and nowhere else since."""
    row = await connection.fetchrow(PROJECT_IN_TRASH, tenant, path)
    return None if row is None else CatalogueProject(**row)


async def awaited_project(connection: Connection, tenant: str, manifest: Manifest) -> CatalogueProject | None:
    """Return the project of a manifest if its folder is wanted: it is active, or archived since its folder was gone."""
    named = await named_project(connection, tenant, manifest)
    if named is None:
        return None
    cause = await connection.fetchval(CANCEL_CAUSE, named.project.id)
    return named.project if named.project.active or cause == "folder_gone" else None
