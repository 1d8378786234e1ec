"""``project_scavenge``: what deletions of projects left is cleaned up.

A folder that a deletion had on record and could not move goes to the library's trash now; what has lain there for long
enough is deleted for good. Over projects it looks at the deleted ones that its task names, else at all of the library.
"""

from collections.abc import Awaitable

from photobus_common.errors import ConflictError, NotFoundError, PhotobusError, StorageUnavailableError
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import StorageFullError
from photobus_common.storage.folder import Folder
from photobus_common.storage.project_folder import TRASH
from photobus_common.storage.whole_folders import path_in_trash
from photobus_common.store.discovery import library_of_tenant
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.store.scavenging import unfinished_deletions
from photobus_common.store.trash_removals import forget_whole, open_whole_removals
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.context import Context
from photobus_maintenance.library_trash import LibraryTrash
from photobus_maintenance.scavenging import Scavenging, scavenging_of
from photobus_maintenance.trash import expires_before

_PAGE = 200
"""Projects whose rows are read at once."""

log = get_logger()


class ProjectScavenge:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Clean up after the projects of the task, or in all of the library."""
        scavenging = scavenging_of(job, self._context)
        if job.command.over == "projects":
            for project in await scavenging.projects():
                await _clean_up(scavenging, project)
        else:
            async with job.database.connection() as connection:
                library_id = await library_of_tenant(connection, job.command.tenant)
            library = self._context.library.tenant(job.command.tenant, library_id)
            await _Library(scavenging, LibraryTrash(scavenging, library)).run()
        async with scavenging.begin():  # what was reported last
            pass


async def _clean_up(scavenging: Scavenging, project: CatalogueProject) -> None:
    scavenging.report.looked_at(1)
    if project.active:
        scavenging.report.refused(project, "project_active", "The project is active: there is nothing to clean up.")
        return
    await scavenging.finish_deletion(project)
    await scavenging.expire(project)


class _Library:
    """One run over the library. What is wrong with one thing in it holds up no other."""

    def __init__(self, scavenging: Scavenging, trash: LibraryTrash) -> None:
        self._scavenging = scavenging
        self._job = scavenging.job
        self._trash = trash

    async def run(self) -> None:
        """Finish deletions, then look through the trash; raises ``StorageUnavailableError``."""
        await in_thread(self._trash.library.open, undo=Folder.close)
        await self._finish_deletions()
        await self._finish_removals()
        contents = await self._trash.contents()
        settings = self._scavenging.context.settings.maintenance
        if contents.strays and settings.stray_files == "report":
            self._trash.tell_kept(contents.strays)
        elif contents.strays:
            await self._guarded(TRASH, None, self._trash.put_by(contents.strays))
        for trashed in contents.expired(expires_before(settings)):
            await self._guarded(f"{TRASH}/{trashed}", None, self._expire(trashed))

    async def _finish_deletions(self) -> None:
        after = 0
        while True:
            async with self._job.database.connection() as connection:
                page = await unfinished_deletions(connection, self._job.command.tenant, after, _PAGE)
            if not page:
                return
            for project in page:
                self._job.hand_back_if_asked()
                self._scavenging.report.looked_at(1)
                await self._guarded(project.folder, project, self._scavenging.finish_deletion(project))
            after = page[-1].id

    async def _finish_removals(self) -> None:
        """Tell of projects whose folders are gone, and whose removal was not told before its worker died."""
        async with self._job.database.connection() as connection:
            begun = await open_whole_removals(connection, self._job.command.tenant)
            known = await projects_of_tenant(connection, self._job.command.tenant, begun)
        for project in known.values():
            self._job.hand_back_if_asked()
            if project.active:
                async with self._scavenging.begin() as work:
                    await forget_whole(work.connection, project.id)
            else:
                await self._guarded(project.folder, project, self._scavenging.expire(project))

    async def _expire(self, trashed: str) -> None:
        for name in await self._trash.names(trashed):
            self._job.hand_back_if_asked()
            self._scavenging.report.looked_at(1)
            path = path_in_trash(trashed, name)
            project = await self._trash.project_at(path)
            removing = self._trash.remove(path) if project is None else self._scavenging.expire(project)
            await self._guarded(path, project, removing)
        await self._trash.remove_emptied(trashed)

    async def _guarded(self, path: str, project: CatalogueProject | None, doing: Awaitable[None]) -> None:
        """Report what stands in the way of one thing; raises if the library itself does not answer."""
        try:
            await doing
        except (ConflictError, NotFoundError) as error:
            self._pass_by(path, project, error)
        except (StorageUnavailableError, StorageFullError) as error:
            await in_thread(self._trash.library.open, undo=Folder.close)
            self._pass_by(path, project, error)

    def _pass_by(self, path: str, project: CatalogueProject | None, error: PhotobusError) -> None:
        log.warning("not_scavenged", path=path, reason=error.public_message)
        if project is None:
            self._trash.refuse(path, error.code, error.public_message)
        else:
            self._scavenging.report.refused(project, error.code, error.public_message, path)
