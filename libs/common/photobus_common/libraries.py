"""Libraries as services use them: tried before the service starts, and opened project by project."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from photobus_common.config import Settings
from photobus_common.errors import StorageUnavailableError
from photobus_common.job_types import Service
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FolderMissingError
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Database
from photobus_common.store.folders import folders_now
from photobus_common.store.uploads import tenant_libraries
from photobus_common.worker.blocking import in_thread

log = get_logger()


async def refuse_without_locks(database: Database, library: Library) -> None:
    """Raise ``ConfigurationError`` for a tenant's library whose file system does not keep locks.

    One that is away is no reason not to start: it may come back, and each use asks again.
    """
    async with database.connection() as connection:
        libraries = await tenant_libraries(connection)
    for tenant, library_id in libraries:
        try:
            await asyncio.to_thread(library.tenant(tenant, library_id).self_test)
        except StorageUnavailableError as error:
            log.warning("library_unavailable", tenant=tenant, reason=error.public_message)


async def refuse_to_start_without_locks(settings: Settings, library: Library, service: Service) -> None:
    """Do the same for a service whose parts are not open yet."""
    database = await Database.open(settings.postgres, service)
    try:
        await refuse_without_locks(database, library)
    finally:
        await database.close()


@asynccontextmanager
async def opened_project(library: Library, project: CatalogueProject) -> AsyncIterator[ProjectFolder]:
    """Open the project's folder; raises ``StorageUnavailableError`` or ``FolderMissingError``."""
    of_tenant = library.tenant(project.tenant, project.library_id)
    folder = await in_thread(of_tenant.open_project, project.folder, undo=ProjectFolder.close)
    try:
        yield folder
    finally:
        folder.close()


@asynccontextmanager
async def opened_where_it_lies(
    database: Database, library: Library, project: CatalogueProject
) -> AsyncIterator[tuple[CatalogueProject, ProjectFolder]]:
    """Do the same where the folder may have been renamed since the row was read; yields the project as it is now.

    Who changes anything in the folder asks once more under its lock whether the row names it.
    """
    found, folder = await _open_where_it_lies(database, library, project)
    try:
        yield found, folder
    finally:
        folder.close()


async def _open_where_it_lies(
    database: Database, library: Library, project: CatalogueProject
) -> tuple[CatalogueProject, ProjectFolder]:
    of_tenant = library.tenant(project.tenant, project.library_id)
    while True:
        try:
            return project, await in_thread(of_tenant.open_project, project.folder, undo=ProjectFolder.close)
        except FolderMissingError:
            async with database.connection() as connection:
                now = (await folders_now(connection, [project.id])).get(project.id)
            if now is None or now == project.folder:
                raise
            project = replace(project, folder=now)
