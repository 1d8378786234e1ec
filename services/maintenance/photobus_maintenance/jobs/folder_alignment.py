"""``folder_alignment``: a project's folder and its manifest get the name that its row says.

The folder is renamed on disk as the last thing before the commit that writes it into the row; the manifest comes after.
Killed between the two, a project has a folder that its row does not say: the row follows it (``following``).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from photobus_common.errors import ConflictError, PhotobusError, StorageUnavailableError
from photobus_common.events.maintenance import FolderRenamed
from photobus_common.events.projects import ManifestChanged
from photobus_common.libraries import opened_project
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storable import storable
from photobus_common.storage.errors import (
    FolderMissingError,
    LockedError,
    NameTakenError,
    StorageFullError,
)
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import MANIFEST
from photobus_common.storage.names import folder_name, numbered
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.storage.whole_folders import between_name, move_whole, respell
from photobus_common.store.deletions import lock_project
from photobus_common.store.folders import folders_now, folders_of_projects, set_folder, under_way
from photobus_common.store.projects import count_active, taken_names
from photobus_common.store.reconciliation import active_projects_from, projects_of_task, projects_of_tenant
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.following import Neighbours, follow, is_right, manifest_of, number_of
from photobus_maintenance.manifests import NOT_ITS_OWN
from photobus_maintenance.report import Report
from photobus_maintenance.rounds import PAGE

log = get_logger()


TRIES: Final = 3
"""How often a project is looked at that gets other folders meanwhile."""


SHOWN: Final = 10
"""Folders that one line of the report names: it must fit into an event."""


class FolderInUseError(ConflictError):
    """Something is on record for the project's folder that has not ended; its name stays until that has."""

    code = "folder_in_use"


class NotItsOwnError(ConflictError):
    """The folder does not say that it is the project's: it may be another's, or the place of an absent disk."""

    code = NOT_ITS_OWN


class SeveralFoldersError(ConflictError):
    """The project's folder is gone, and several folders say that they are it."""

    code = "several_folders"


class FolderAlignment:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Align the projects of the job, in the order of their ids."""
        await _Alignment(job, self._context).run()


class _Alignment:
    """One run of the job, from its cursor on."""

    def __init__(self, job: Job, context: Context) -> None:
        self._job = job
        self._context = context
        self._report = Report(job)
        self._cursor = job.cursor or {"project": 0, "done": 0}
        self._strays: Mapping[int, Sequence[str]] | None = None

    async def run(self) -> None:
        """Align each project; what is wrong with one costs no other."""
        total = await self._total()
        while page := await self._page():
            for project in page:
                self._job.hand_back_if_asked()
                said = await self._align_guarded(project)
                self._report.looked_at(1)
                self._cursor = {"project": project.id + 1, "done": self._cursor["done"] + 1}
                if said or project is page[-1]:
                    async with self._report.checkpoint() as work:
                        await self._job.save_cursor(self._cursor, work)
            self._job.progress(self._cursor["done"], max(self._cursor["done"], total))

    async def _total(self) -> int:
        async with self._job.database.connection() as connection:
            if self._job.command.over == "library":
                return await count_active(connection, self._job.command.tenant)
            return len(await projects_of_task(connection, self._job.command.task_id))

    async def _page(self) -> Sequence[CatalogueProject]:
        first, tenant = self._cursor["project"], self._job.command.tenant
        async with self._job.database.connection() as connection:
            if self._job.command.over == "library":
                return await active_projects_from(connection, tenant, first, PAGE)
            ids = [one for one in await projects_of_task(connection, self._job.command.task_id) if one >= first]
            known = await projects_of_tenant(connection, tenant, ids)
        return [known[one] for one in ids if one in known and known[one].active][:PAGE]

    async def _align_guarded(self, project: CatalogueProject) -> bool:
        """Align a project; say whether there was anything to do or to tell."""
        try:
            return await self._align(project)
        except (FolderMissingError, SeveralFoldersError) as error:
            self._refuse(project, error)
        except (StorageUnavailableError, StorageFullError) as error:
            await in_thread(self._library(project).open, undo=Folder.close)  # raises if nothing of it answers
            self._refuse(project, error)
        return True

    async def _align(self, project: CatalogueProject) -> bool:
        said = False
        for _ in range(TRIES):
            try:
                async with opened_project(self._context.library, project) as folder:
                    if await self._is_aligned(project, folder):
                        return said
                    async with folder.locked(self._context.settings.maintenance.lock_wait_seconds):
                        return await self._set_right(project, folder) or said
            except FolderMissingError:
                now = await self._reread(project)
                if now is None or not now.active:
                    return said
                if now.folder == project.folder:
                    if not await self._follow(project):
                        if project.folder in {project.name, folder_name(project.name)}:
                            return said  # nothing is to be aligned; that it is gone is for others to tell
                        raise
                    now, said = await self._reread(project) or now, True
                project = now
        raise LockedError("The project's folder is renamed again and again.")

    async def _reread(self, project: CatalogueProject) -> CatalogueProject | None:
        async with self._job.database.connection() as connection:
            await folders_now(connection, [project.id])
            return (await projects_of_tenant(connection, project.tenant, [project.id])).get(project.id)

    async def _is_aligned(self, project: CatalogueProject, folder: ProjectFolder) -> bool:
        """Whether a glance shows that there is nothing to do: the folder has the very name, and so has the manifest."""
        if project.folder not in {project.name, folder_name(project.name)}:
            return False
        manifest = await in_thread(manifest_of, folder)
        return manifest is None or manifest.id != project.id or manifest.name == project.name

    async def _set_right(self, project: CatalogueProject, folder: ProjectFolder) -> bool:
        """Rename the folder, and then write the manifest; the caller holds the folder's lock."""
        try:
            now = await self._rename(project, folder)
        except (NameTakenError, FolderInUseError, NotItsOwnError) as error:
            self._refuse(project, error)
            await self._follow_in_manifest(project, folder)
            return True
        written = await self._follow_in_manifest(now, folder)
        return written or now.folder != project.folder

    async def _rename(self, project: CatalogueProject, folder: ProjectFolder) -> CatalogueProject:
        """Give the folder the name that it is to have, on disk last; return the project as it is then."""
        async with self._report.checkpoint() as work:
            taken = await taken_names(work.connection, project.tenant)
            now = await self._keep(work, project)
            library, others = self._library(now), taken.folders - {now.folder}
            target = await in_thread_beside(work.connection, _target, library, now, folder, others)
            if target is None:
                return now
            if not await in_thread_beside(work.connection, _may_be_its_own, folder, now):
                raise NotItsOwnError(f"The folder {now.folder} has no manifest of the project's; it keeps its name.")
            reason = (await under_way(work.connection, now.id)).reason
            if reason is not None:
                raise FolderInUseError(reason)
            version = await set_folder(work.connection, now.id, target, now.name)
            renamed = replace(now, folder=target)
            data = FolderRenamed(
                **self._about(renamed),
                cause="folder_alignment",
                old_folder=now.folder,
                new_folder=target,
                project_name=now.name,
                version=version,
            )
            self._report.changed(work, data, "folder_renamed", 1, now.folder)
            await in_thread_beside(work.connection, _rename_on_disk, library, folder, now.folder, target)
        return renamed

    async def _follow_in_manifest(self, project: CatalogueProject, folder: ProjectFolder) -> bool:
        """Write the name that the row has into the manifest, if that is the project's; say whether it differed."""
        manifest = await in_thread(manifest_of, folder)
        if manifest is None or manifest.id != project.id or manifest.name == project.name:
            return False
        async with self._report.checkpoint() as work:
            now = await self._keep(work, project)
            data = ManifestChanged(**self._about(now), manifest_written=True)
            self._report.changed(work, data, "manifest_written", 1)
            written = manifest.model_copy(update={"name": now.name})
            await in_thread_beside(work.connection, folder.write_manifest, written)
        return True

    async def _keep(self, work: UnitOfWork, project: CatalogueProject) -> CatalogueProject:
        """Keep the project's row as it is until the transaction ends; raises ``LockedError`` if it has changed."""
        now = await lock_project(work.connection, project.tenant, project.id)
        if now is None or not now.active or now.folder != project.folder:
            raise LockedError("The project was deleted, or has another folder by now.")
        return now

    async def _follow(self, project: CatalogueProject) -> bool:
        """Let the row of a project whose folder is gone take the one that says that it is it; say whether it did."""
        library, wait = self._library(project), self._context.settings.maintenance.lock_wait_seconds
        name = await self._lies_under(project)
        if name is None:
            return False
        with await in_thread(library.open_project, name, undo=ProjectFolder.close) as folder:
            async with folder.locked(wait):
                return await follow(self._job, self._report, self._context, project, folder, "folder_alignment")

    async def _lies_under(self, project: CatalogueProject) -> str | None:
        """Return the folder that no project has and whose manifest is this project's: an aligned one before others."""
        if self._strays is None:
            async with self._job.database.connection() as connection:
                known = await folders_of_projects(connection, project.tenant)
            self._strays = await in_thread(_strays, self._library(project), known)
        names = self._strays.get(project.id, ())
        wanted = folder_name(project.name)
        for name in (wanted, between_name(wanted)):
            if name in names:
                return name
        numbers = {number: name for name in names if (number := number_of(project.name, name)) is not None}
        if numbers:
            return numbers[min(numbers)]
        if len(names) > 1:
            first = ", ".join(names[:SHOWN]) + (" and others" if len(names) > SHOWN else "")
            raise SeveralFoldersError(f"The folders {first} say that they are the project's.")
        return names[0] if names else None

    def _library(self, project: CatalogueProject) -> TenantLibrary:
        return self._context.library.tenant(project.tenant, project.library_id)

    def _about(self, project: CatalogueProject) -> dict[str, Any]:
        return {"project_id": project.id, "project_folder": project.folder, "task_id": self._job.command.task_id}

    def _refuse(self, project: CatalogueProject, error: PhotobusError) -> None:
        log.warning("folder_not_aligned", project=project.folder, reason=error.public_message)
        self._report.refused(project, error.code, error.public_message, project.folder)


def _target(
    library: TenantLibrary, project: CatalogueProject, folder: ProjectFolder, others: Collection[str]
) -> str | None:
    """Return the name that the folder is to get, None if it has it; raises ``NameTakenError``. Blocks.

    A folder that bears no number gets none: what has its name may be about to go.
    """
    with library.open() as root:
        neighbours = Neighbours(root, others, folder.identity)
        if is_right(project.name, project.folder, neighbours):
            return None
        number = number_of(project.name, project.folder) or 2
        for lower in range(1, number):
            candidate = folder_name(numbered(project.name, lower))
            if not neighbours.have(candidate):
                return candidate
    raise NameTakenError(f"{folder_name(project.name)} is there already.")


def _may_be_its_own(folder: ProjectFolder, project: CatalogueProject) -> bool:
    """Whether the manifest is there and not another project's; blocks."""
    manifest = manifest_of(folder)
    if manifest is None:
        return folder.taken(MANIFEST)
    return manifest.is_of(project.id, project.created_at)


def _rename_on_disk(library: TenantLibrary, folder: ProjectFolder, name: str, target: str) -> None:
    with library.open() as root:
        itself = root.identity_of(target) == folder.identity
    (respell if itself else move_whole)(library, folder, name, target)


def _strays(library: TenantLibrary, known: Collection[str]) -> dict[int, list[str]]:
    """Return the folders that no project has, by the id in their manifest. Blocks."""
    found: dict[int, list[str]] = {}
    for name in library.project_folders():
        if name in known or name != storable(name):
            continue
        try:
            with library.open_project(name) as folder:
                manifest = manifest_of(folder)
        except (FolderMissingError, StorageUnavailableError):
            continue
        if manifest is not None:
            found.setdefault(manifest.id, []).append(name)
    return found
