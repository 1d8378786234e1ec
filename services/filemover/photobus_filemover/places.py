"""Projects whose folders are held: open and locked in the order of their ids.

With a project, all those are held that open operations lead to from it, so that whoever holds some can complete what is
on record for them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from photobus_common.libraries import opened_project, opened_where_it_lies
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
            place = await _place_of(stack, context, database, projects[project_id])
            if isinstance(place.found, ProjectFolder):
                await stack.enter_async_context(place.found.locked(wait_seconds))
            places[project_id] = place
        async with database.connection() as connection:
            if not projects.keys() >= set(await reached_projects(connection, list(places))):
                raise LockedError("Files are on their way to yet another project.")
            now = await projects_of_tenant(connection, tenant, list(places))
            if any(_lies_elsewhere(place, now.get(project_id)) for project_id, place in places.items()):
                raise LockedError("The project's folder was renamed meanwhile.")
        yield Places(tenant, places)


async def _place_of(stack: AsyncExitStack, context: Context, database: Database, project: CatalogueProject) -> Place:
    """Open the project's folder. That of a deleted one may be gone, and another project have its name."""
    try:
        if project.active:
            opening = opened_where_it_lies(database, context.library, project)
            return Place(*await stack.enter_async_context(opening))
        folder = await stack.enter_async_context(opened_project(context.library, project))
    except (FolderMissingError, FolderUnreadableError) as error:
        return Place(project, error)
    async with database.connection() as connection:
        others = await ids_of_folders(connection, project.tenant, [project.folder])
    anothers = FolderMissingError(f"The folder {project.folder} is another project's.")
    return Place(project, anothers if others else folder)


def _lies_elsewhere(place: Place, now: CatalogueProject | None) -> bool:
    """Whether the folder that is held is not the one that the project's row names now."""
    return now is not None and now.folder != place.project.folder
