"""Renaming a project: its name at once, in row and manifest; its folder later, by maintenance.

The row is the truth, so it comes first. A crash before the manifest is written, or a library that is away, leaves a
manifest with the old name; ``folder_alignment`` mends it when it renames the folder.
"""

import asyncio
from typing import Final

import asyncpg

from photobus_common.errors import FieldError, NotFoundError, PhotobusError
from photobus_common.events import Origin
from photobus_common.events.projects import ProjectRenamed
from photobus_common.logging import get_logger
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store import projects
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import UnitOfWork

LOCK_WAIT_SECONDS: Final = 5.0

log = get_logger()


async def rename(work: UnitOfWork, origin: Origin, folder: str, name: str) -> asyncpg.Record:
    """Give the active project in ``folder`` the name, or ``name (2)`` and so on where that is taken; return its row."""
    taken = await projects.taken_names(work.connection, origin.tenant)
    row = await projects.project_of_folder(work.connection, origin.tenant, folder)
    if row is None:
        raise _unknown(folder)
    others = projects.TakenNames(taken.names - {row["name"]}, taken.folders - {folder})
    free, _ = next(projects.free_names(others, name))
    if free == row["name"]:
        return row
    version = await projects.rename_project(work.connection, row["id"], free)
    if version is None:  # deleted since
        raise _unknown(folder)
    about = {"project_id": row["id"], "project_folder": folder}
    work.emit(origin.event(ProjectRenamed(**about, old_name=row["name"], name=free, version=version)))
    renamed = await projects.project_of_folder(work.connection, origin.tenant, folder)
    if renamed is None:
        raise AssertionError("a row is there in the transaction that wrote it")
    return renamed


def _unknown(folder: str) -> NotFoundError:
    message = f"There is no project in the folder {folder}."
    return NotFoundError(message, fields=(FieldError("path.folder", message),))


async def follow_in_manifest(database: Database, library: TenantLibrary, project_id: int, folder: str) -> None:
    """Write the name that the row has now; two renames at once end with the later one's, whoever writes last."""
    try:
        with await asyncio.to_thread(library.open_project, folder) as opened:
            async with opened.locked(LOCK_WAIT_SECONDS):
                await _write(database, opened, project_id)
    except PhotobusError as error:
        log.warning("manifest_not_renamed", project_id=project_id, code=error.code)


async def _write(database: Database, opened: ProjectFolder, project_id: int) -> None:
    async with database.connection() as connection:
        row = await projects.name_of_project(connection, project_id)
    if row is None:
        return
    known = await asyncio.to_thread(opened.read_manifest)
    if known is None or known.id != project_id:
        return  # missing or another project's: for maintenance to judge
    manifest = Manifest(id=project_id, name=row["name"], created_at=row["created_at"])
    await asyncio.to_thread(opened.write_manifest, manifest)
