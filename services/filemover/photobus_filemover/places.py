"""Projects whose folders are held: open and locked in the order of their ids.

With a project, all those are held that open operations lead to from it, so that whoever holds some can complete what is
on record for them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from photobus_common.libraries import opened_project
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FolderMissingError, FolderUnreadableError, LockedError
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Database
from photobus_common.store.file_operations import reached_projects
from photobus_common.store.projects import ids_of_folders
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_filemover.context import Context

NotOpenedError = FolderMissingError | FolderUnreadableError


@dataclass(frozen=True)
class Place:
    """A project and its open folder, whose lock is held; or why it could not be opened."""

    project: CatalogueProject
    found: ProjectFolder | NotOpenedError

    @property
    def folder(self) -> ProjectFolder | None:
        """The folder, if it could be opened."""
        return self.found if isinstance(self.found, ProjectFolder) else None

    @property
    def present(self) -> ProjectFolder:
        """The folder; raises ``FolderMissingError`` and ``FolderUnreadableError``."""
        if not isinstance(self.found, ProjectFolder):
            raise self.found
        return self.found

    @property
    def is_gone(self) -> bool:
        """Whether the library has no such folder; that of a deleted project does not come back by itself."""
        return isinstance(self.found, FolderMissingError)


@dataclass(frozen=True)
class Places:
    """Held projects of one tenant, by id."""

    tenant: str
    by_id: Mapping[int, Place]

    def __getitem__(self, project_id: int) -> Place:
        return self.by_id[project_id]

    @property
    def ids(self) -> list[int]:
        """The projects that are held."""
        return list(self.by_id)


@asynccontextmanager
async def held(
    context: Context, database: Database, tenant: str, project_ids: Sequence[int], wait_seconds: float
) -> AsyncIterator[Places]:
    """Hold the projects; raises ``LockedError`` when somebody else does, ``StorageUnavailableError``."""
    async with database.connection() as connection:
        reached = await reached_projects(connection, project_ids)
        projects = await projects_of_tenant(connection, tenant, reached)
    async with AsyncExitStack() as stack:
        places = {}
        for project_id in sorted(projects):
            found = await _folder_of(stack, context, database, projects[project_id])
            if isinstance(found, ProjectFolder):
                await stack.enter_async_context(found.locked(wait_seconds))
            places[project_id] = Place(projects[project_id], found)
        async with database.connection() as connection:
            if not projects.keys() >= set(await reached_projects(connection, list(places))):
                raise LockedError("Files are on their way to yet another project.")
        yield Places(tenant, places)


async def _folder_of(
    stack: AsyncExitStack, context: Context, database: Database, project: CatalogueProject
) -> ProjectFolder | NotOpenedError:
    """Open the project's folder. That of a deleted one may be gone, and another project have its name."""
    try:
        folder = await stack.enter_async_context(opened_project(context.library, project))
    except (FolderMissingError, FolderUnreadableError) as error:
        return error
    if project.active:
        return folder
    async with database.connection() as connection:
        others = await ids_of_folders(connection, project.tenant, [project.folder])
    return FolderMissingError(f"The folder {project.folder} is another project's.") if others else folder
