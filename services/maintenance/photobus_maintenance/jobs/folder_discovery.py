"""``folder_discovery``: folders of the library that no project has become projects, or those that they were.

What a folder is, ``judging`` says. Each is done with by itself: what is wrong with one costs no other. The photos in it
are indexed by the check that ``folder_check`` makes, and their derivatives asked for as one task.
"""

import time
from collections.abc import Sequence
from typing import Final

from photobus_common.errors import ConflictError, StorageUnavailableError
from photobus_common.events.maintenance import Finding
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storable import storable
from photobus_common.storage.errors import FolderMissingError, LockedError, StorageFullError
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.discovery import library_of_tenant
from photobus_common.store.folders import folders_of_projects
from photobus_common.store.projects import ids_of_folders
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.adopting import adopt
from photobus_maintenance.context import Context
from photobus_maintenance.following import follow
from photobus_maintenance.jobs.folder_check import check_folder
from photobus_maintenance.judging import Verdict, changed_ns, identity_at, judge
from photobus_maintenance.merging import likeness, merge
from photobus_maintenance.report import Report
from photobus_maintenance.returning import bring_back
from photobus_maintenance.rounds import visit_apart
from photobus_maintenance.searching import Search

_NANOSECONDS: Final = 1_000_000_000

_OF_SYSTEMS: Final = frozenset({"lost+found", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "#recycle"})
"""Folders that file systems and storage boxes put beside those of owners."""

log = get_logger()


class FolderDiscovery:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Go through the folders of the library, by name."""
        tenant = job.command.tenant
        async with job.database.connection() as connection:
            library_id = await library_of_tenant(connection, tenant)
        library = self._context.library.tenant(tenant, library_id)
        await _Discovery(Search(job, self._context, Report(job), library, dict(job.cursor or {}))).run()


class _Discovery:
    """One run of the job, from its cursor on: ``folder`` is the last that is done, ``project`` one to be indexed."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._job = search.job

    async def run(self) -> None:
        """Discover what there is; then say whose folder is gone."""
        await self._index_begun()
        names = await in_thread(self._search.library.project_folders)
        async with self._job.database.connection() as connection:
            known = await folders_of_projects(connection, self._job.command.tenant)
        respelt = await in_thread(_under_other_names, self._search.library, names, known)
        strange = [name for name in names if name not in known | respelt and name not in _OF_SYSTEMS]
        unknown = [name for name in strange if storable(name) == name]
        for done, name in enumerate(unknown):
            if name > self._search.cursor.get("folder", ""):
                self._job.hand_back_if_asked()
                self._job.progress(done, len(unknown))
                await self._discover_guarded(name)
        self._job.progress(len(unknown), len(unknown))
        for name in strange:
            if storable(name) != name:
                self._search.refused(name, "folder_name_unusable", "The name of the folder is not UTF-8.")
        await self._tell_gone(sorted(known - set(names)))
        self._search.report.looked_at(len(names))
        async with self._search.report.checkpoint():
            pass

    async def _index_begun(self) -> None:
        """Go on with the project that an earlier run of the job had begun to index."""
        begun = self._search.cursor.get("project")
        if begun is None:
            return
        async with self._job.database.connection() as connection:
            projects = await projects_of_tenant(connection, self._job.command.tenant, [begun])
        if begun in projects and projects[begun].active:
            await self._index(projects[begun])

    async def _discover_guarded(self, name: str) -> None:
        """Do what is to be done with a folder; what is in the way of it alone is left for a later run, or reported."""
        search = self._search
        try:
            await self._discover(name)
        except FolderMissingError:
            log.info("folder_gone_meanwhile", folder=name)
        except LockedError as error:
            log.info("folder_left_for_later", folder=name, reason=error.public_message)
        except ConflictError as error:
            search.refused(name, error.code, error.public_message)
        except (StorageUnavailableError, StorageFullError) as error:
            await in_thread(search.library.open, undo=Folder.close)  # raises if all of it does not answer
            log.warning("folder_not_discovered", folder=name, reason=error.public_message)
            search.refused(name, error.code, error.public_message)
        async with search.report.checkpoint() as work:
            await search.begin(work, folder=name)

    async def _discover(self, name: str) -> None:
        search = self._search
        folder = await in_thread(search.library.open_project, name, undo=ProjectFolder.close)
        with folder:
            settle_ns = int(search.context.settings.maintenance.settle_seconds * _NANOSECONDS)
            if abs(time.time_ns() - await in_thread(changed_ns, folder)) < settle_ns:
                return
            async with self._job.database.connection() as connection:
                verdict = await judge(connection, search.library, folder)
            project = await self._settle(folder, verdict)
        if project is not None:
            await self._index(project)

    async def _settle(self, folder: ProjectFolder, verdict: Verdict) -> CatalogueProject | None:
        """Do what the verdict says; return the project whose photos are to be indexed."""
        search = self._search
        match verdict.kind:
            case "new":
                return await adopt(search, folder, verdict)
            case "return":
                return await bring_back(search, folder, verdict)
            case "namesake":
                same = await likeness(search, folder, verdict)
                return await adopt(search, folder, verdict) if same is None else await merge(search, folder, same)
            case "follow":
                await self._follow(folder, verdict)
            case "leave":
                if verdict.code:
                    search.refused(folder.name, verdict.code, verdict.reason, verdict.project)
        return None

    async def _follow(self, folder: ProjectFolder, verdict: Verdict) -> None:
        search = self._search
        if verdict.project is not None:
            async with folder.locked(search.lock_wait):
                await follow(
                    self._job, search.report, search.context, verdict.project, folder, cause="folder_discovery"
                )

    async def _index(self, project: CatalogueProject) -> None:
        """Add the photos of the folder; killed in the middle, the next run of the job goes on."""
        search = self._search
        await visit_apart(self._job, search.report, search.context, check_folder, project)
        async with search.report.checkpoint() as work:
            await search.begin(work, project=None)

    async def _tell_gone(self, folders: Sequence[str]) -> None:
        """Report the projects whose folders are not there; what becomes of them is for other jobs to say."""
        async with self._job.database.connection() as connection:
            ids = await ids_of_folders(connection, self._job.command.tenant, folders) if folders else {}
        for folder, project_id in sorted(ids.items()):
            if await in_thread(identity_at, self._search.library, folder) is None:
                log.info("project_folder_gone", folder=folder, project_id=project_id)
                reason = "The folder of the project is not in the library."
                finding = Finding(
                    kind="reported", code="folder_missing", reason=reason, project_id=project_id, project_folder=folder
                )
                self._search.report.found(finding)


def _under_other_names(library: TenantLibrary, names: Sequence[str], known: frozenset[str]) -> frozenset[str]:
    """Return which of the ``names`` in the library lead to a folder that a project has by another spelling; blocks.

    On a file system that takes both for one name, the folder is listed under one that no row says.
    """
    with library.open() as root:
        own = {root.identity_of(folder) for folder in known.difference(names)} - {None}
        return frozenset(name for name in names if own and name not in known and root.identity_of(name) in own)
