"""Under which name a project's folder lies: as its row says now, and giving the row another.

A folder gets its new name just before the transaction commits that writes it into the row. So a name may lead nowhere
for a moment although the library has the folder; who asks here waits for that transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from photobus_common.store.database import Connection

FOLDERS_NOW: Final = """
SELECT id, folder FROM projects WHERE id = ANY($1::bigint[]) ORDER BY id FOR SHARE
"""

SET_FOLDER: Final = """
UPDATE projects SET folder = $2, name = $3, version = version + 1, updated_at = now()
WHERE id = $1 AND status = 'active' RETURNING version
"""

UNDER_WAY: Final = """
SELECT
    EXISTS (SELECT FROM uploads WHERE project_id = $1 AND state = 'placing') AS uploads,
    EXISTS (
        SELECT FROM file_operations WHERE state = 'open' AND (project_id = $1 OR target_project_id = $1)
    ) AS files,
    EXISTS (SELECT FROM project_operations WHERE project_id = $1 AND state = 'open') AS project
"""

FOLDERS_OF_PROJECTS: Final = "SELECT folder FROM projects WHERE tenant = $1 AND status = 'active'"


@dataclass(frozen=True)
class UnderWay:
    """What is on record for a project's folder and has not ended."""

    uploads: bool
    files: bool
    project: bool

    @property
    def reason(self) -> str | None:
        """Say what it is; None if there is nothing."""
        if self.uploads:
            return "An upload into the project is not finished yet."
        if self.files:
            return "Files of the project are on their way."
        return "The project is being deleted or brought back." if self.project else None


async def folders_now(connection: Connection, project_ids: Sequence[int]) -> dict[int, str]:
    """Return the folders of projects, archived ones too, once nobody is about to change one of them."""
    return {row["id"]: row["folder"] for row in await connection.fetch(FOLDERS_NOW, sorted(project_ids))}


async def set_folder(connection: Connection, project_id: int, folder: str, name: str) -> int:
    """Write folder and name of an active project whose row the caller has locked; return the row's new version."""
    return int(await connection.fetchval(SET_FOLDER, project_id, folder, name))


async def under_way(connection: Connection, project_id: int) -> UnderWay:
    """Return what is on record for the project's folder; the caller holds its lock, so nothing is added meanwhile."""
    row = await connection.fetchrow(UNDER_WAY, project_id)
    if row is None:
        raise AssertionError("a row of answers always comes")
    return UnderWay(**dict(row))


async def folders_of_projects(connection: Connection, tenant: str) -> frozenset[str]:
    """Return the folders of all active projects of the tenant."""
    return frozenset(row["folder"] for row in await connection.fetch(FOLDERS_OF_PROJECTS, tenant))
