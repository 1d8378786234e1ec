"""Projects: making one under a free name, and reading them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, Literal

import asyncpg

from photobus_common.errors import ConflictError
from photobus_common.storage.names import folder_name, numbered_names
from photobus_common.store import keyset
from photobus_common.store.database import Connection
from photobus_common.store.keyset import Cursor, Page, Selection, Sort

MAX_NUMBER: Final = 10_000
"""Up to which number a free name is looked for."""

ProjectSort = Literal["name", "created_at"]

ONE_AT_A_TIME: Final = "SELECT FROM tenants WHERE tenant = $1 FOR NO KEY UPDATE"

TAKEN_NAMES: Final = "SELECT name, folder FROM projects WHERE tenant = $1 AND status = 'active'"

KNOWN_PROJECT: Final = "SELECT EXISTS (SELECT FROM projects WHERE id = $1)"

INSERT_PROJECT: Final = "INSERT INTO projects (tenant, name, folder) VALUES ($1, $2, $3) RETURNING id, created_at"

RENAME_PROJECT: Final = """
UPDATE projects SET name = $2, version = version + 1, updated_at = now()
WHERE id = $1 AND status = 'active' RETURNING version
"""

NAME_OF_PROJECT: Final = "SELECT name, folder, created_at FROM projects WHERE id = $1 AND status = 'active'"

COLUMNS: Final = """
    pr.id, pr.name, pr.folder, pr.status, pr.version, pr.created_at, pr.updated_at, coalesce(t.photos, 0) AS photos
"""

SOURCE: Final = "projects pr LEFT JOIN project_totals t ON t.project_id = pr.id"

PROJECT_OF_FOLDER: Final = f"""
SELECT {COLUMNS} FROM {SOURCE} WHERE pr.tenant = $1 AND pr.folder = $2 AND pr.status = 'active'
"""  # noqa: S608  all constants

ACTIVE_PROJECTS: Final = "SELECT count(*) FROM projects WHERE tenant = $1 AND status = 'active'"

IDS_OF_FOLDERS: Final = """
SELECT folder, id FROM projects WHERE tenant = $1 AND folder = ANY ($2::text[]) AND status = 'active'
"""

DELETED_IN_FOLDER: Final = """
SELECT id FROM projects WHERE tenant = $1 AND folder = $2 AND cancel_cause = 'deleted' ORDER BY id
"""

PROJECT_IN_FOLDER: Final = """
SELECT id, status FROM projects WHERE tenant = $1 AND folder = $2 ORDER BY status = 'active' DESC, id DESC LIMIT 1
"""

SORTS: Final[Mapping[ProjectSort, Sort]] = {
    "name": Sort("name", "pr.name", "pr.id", keyset.text, keyset.number, descending=False),
    "created_at": Sort("created_at", "pr.created_at", "pr.id", keyset.timestamp, keyset.number, descending=True),
}


@dataclass(frozen=True)
class TakenNames:
    """Names and folders that active projects of the tenant have."""

    names: frozenset[str]
    folders: frozenset[str]


def free_names(taken: TakenNames, name: str) -> Iterator[tuple[str, str]]:
    """Yield those of ``name``, ``name (2)``, … that no project has, each with its folder; at the end raise."""
    for candidate in islice(numbered_names(name), MAX_NUMBER):
        folder = folder_name(candidate)
        if candidate not in taken.names and folder not in taken.folders:
            yield candidate, folder
    raise ConflictError(f"There are {MAX_NUMBER} projects named {name} already.")


async def taken_names(connection: Connection, tenant: str) -> TakenNames:
    """Return the taken names; until the transaction ends, no other one of the tenant gets past this."""
    await connection.execute(ONE_AT_A_TIME, tenant)
    rows = await connection.fetch(TAKEN_NAMES, tenant)
    return TakenNames(frozenset(row["name"] for row in rows), frozenset(row["folder"] for row in rows))


async def is_known(connection: Connection, project_id: int) -> bool:
    """Whether a project of that id was ever made, archived ones included."""
    return bool(await connection.fetchval(KNOWN_PROJECT, project_id))


async def insert_project(connection: Connection, tenant: str, name: str, folder: str) -> tuple[int, datetime]:
    """Write the row of a new project; return its id and when it was made."""
    (row,) = await connection.fetch(INSERT_PROJECT, tenant, name, folder)
    return row["id"], row["created_at"]


async def rename_project(connection: Connection, project_id: int, name: str) -> int | None:
    """Write the project's new name; return its row's version, or None where it is not active any more."""
    version: int | None = await connection.fetchval(RENAME_PROJECT, project_id, name)
    return version


async def name_of_project(connection: Connection, project_id: int) -> asyncpg.Record | None:
    """Return name, folder and time of making of an active project."""
    return await connection.fetchrow(NAME_OF_PROJECT, project_id)


async def project_of_folder(connection: Connection, tenant: str, folder: str) -> asyncpg.Record | None:
    """Return the active project in ``folder``."""
    return await connection.fetchrow(PROJECT_OF_FOLDER, tenant, folder)


async def count_active(connection: Connection, tenant: str) -> int:
    """Return how many active projects the tenant has."""
    return int(await connection.fetchval(ACTIVE_PROJECTS, tenant))


async def page_of_projects(connection: Connection, tenant: str, sort: Sort, cursor: Cursor | None, limit: int) -> Page:
    """Return a page of the tenant's active projects."""
    columns = f"{COLUMNS}, {sort.column} AS sort_key, {sort.tie} AS sort_tie"
    selection = Selection(columns, SOURCE, "pr.tenant = $1 AND pr.status = 'active'", [tenant])
    return await keyset.read_page(connection, selection, sort, cursor, limit)


async def ids_of_folders(connection: Connection, tenant: str, folders: Sequence[str]) -> dict[str, int]:
    """Return the ids of the active projects in ``folders``, by folder; unknown ones are absent."""
    rows = await connection.fetch(IDS_OF_FOLDERS, tenant, folders)
    return {row["folder"]: row["id"] for row in rows}


async def project_in_folder(connection: Connection, tenant: str, folder: str) -> asyncpg.Record | None:
    """Return id and status of the project in ``folder``, of the last that was there if none is active."""
    return await connection.fetchrow(PROJECT_IN_FOLDER, tenant, folder)


async def deleted_in_folder(connection: Connection, tenant: str, folder: str) -> list[int]:
    """Return the deleted projects whose folder was called so."""
    return [row["id"] for row in await connection.fetch(DELETED_IN_FOLDER, tenant, folder)]
