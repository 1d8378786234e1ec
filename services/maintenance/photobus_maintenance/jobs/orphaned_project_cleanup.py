"""``orphaned_project_cleanup``: projects whose folders are gone from the library are archived, and later removed.

Nothing happens at the first sight of it, nor while the library itself does not answer. A folder has to be gone in two
runs some time apart; then its project is archived, its photos kept. If it is still gone in a run as long after that,
they leave the catalogue, and the log keeps what they are known by again. Before that, whatever brings the folder back
brings the project back with it. What many photos would be lost by waits for a person (``guard.may_archive``).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from photobus_common.errors import StorageUnavailableError
from photobus_common.events import Event, EventData
from photobus_common.events.maintenance import Finding, ProjectRemoved
from photobus_common.events.projects import ProjectCanceled
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import Manifest
from photobus_common.store.confirmations import expire_of_projects
from photobus_common.store.deletions import lock_project
from photobus_common.store.discovery import library_of_tenant
from photobus_common.store.folders import folders_of_projects, under_way
from photobus_common.store.orphans import (
    Absence,
    archive_orphan,
    forget_missing,
    is_being_renamed,
    lock_orphan,
    missing_folders,
    note_missing,
    orphans_after,
    remove_project,
)
from photobus_common.store.projects import count_active
from photobus_common.store.reconciliation import active_projects_from
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.guard import may_archive, wait_for_answers
from photobus_maintenance.leaving import remove_photos
from photobus_maintenance.presence import presence, presences, strange_folders
from photobus_maintenance.report import Report
from photobus_maintenance.rounds import PAGE

_PHOTOS: Final = "photos_removed"

log = get_logger()


class OrphanedProjectCleanup:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Look for the folder of each project; raises ``StorageUnavailableError``, having changed nothing by it."""
        async with job.database.connection() as connection:
            library_id = await library_of_tenant(connection, job.command.tenant)
        library = self._context.library.tenant(job.command.tenant, library_id)
        await _Cleanup(job, self._context, library).run()
        await wait_for_answers(job)


class _Cleanup:
    """One run of the job, which begins anew however often it comes: what it did before it finds done."""

    def __init__(self, job: Job, context: Context, library: TenantLibrary) -> None:
        self._job = job
        self._context = context
        self._library = library
        self._report = Report(job)
        self._absence = Absence(context.settings.maintenance.orphan_hours, job.command.task_id)
        self._strange: Mapping[int, Sequence[tuple[str, Manifest]]] | None = None

    async def run(self) -> None:
        """Remove what was archived before, then look at what is active."""
        await self._remove_orphans()
        gone, confirmed = await self._look()
        if confirmed:
            await self._archive([project for project in gone if not await self._is_elsewhere(project)], confirmed)
        async with self._report.checkpoint():
            pass

    # --- archived projects ------------------------------------------------------------------------------------------

    async def _remove_orphans(self) -> None:
        after = 0
        while True:
            async with self._job.database.connection() as connection:
                page = await orphans_after(connection, self._job.command.tenant, self._absence, after, PAGE)
            if not page:
                return
            for project in page:
                if not await self._is_elsewhere(project):
                    await self._remove(project)
            after = page[-1].id

    async def _remove(self, project: CatalogueProject) -> None:
        """Remove the photos of the project in portions, and then itself, as long as its folder stays away."""
        left = True
        while left:
            self._job.hand_back_if_asked()
            async with self._report.checkpoint() as work:
                if not await lock_orphan(work.connection, project, self._absence):
                    return
                if not await self._is_gone(work, project):
                    return
                left = await remove_photos(work, self._job, project, "orphaned_project_cleanup", self._tell_photos)
                if not left:
                    await remove_project(work.connection, project.id)
                    data = ProjectRemoved(**self._about(project), name=project.name)
                    self._report.changed(work, data, "project_removed", 1, project.folder)

    def _tell_photos(self, work: UnitOfWork, data: EventData, count: int) -> Event:
        return self._report.changed(work, data, _PHOTOS, count)

    # --- active projects --------------------------------------------------------------------------------------------

    async def _look(self) -> tuple[Sequence[CatalogueProject], frozenset[int]]:
        """Note whose folders are gone; return those, and which of them were so long enough ago."""
        job, tenant = self._job, self._job.command.tenant
        async with job.database.connection() as connection:
            total = await count_active(connection, tenant)
        gone: list[CatalogueProject] = []
        confirmed: set[int] = set()
        first = done = 0
        while True:
            job.hand_back_if_asked()
            async with job.database.connection() as connection:
                page = await active_projects_from(connection, tenant, first, PAGE)
            if not page:
                return gone, frozenset(confirmed)
            missing, known = await self._look_at(page)
            gone += missing
            confirmed |= {project.id for project in missing if known.get(project.id)}
            first, done = page[-1].id + 1, done + len(page)
            self._report.looked_at(len(page))
            job.progress(done, max(done, total))

    async def _look_at(self, page: Sequence[CatalogueProject]) -> tuple[Sequence[CatalogueProject], Mapping[int, bool]]:
        """Return the projects whose folders are gone, and what was known of them before."""
        seen = await in_thread(presences, self._library, [project.folder for project in page])
        async with self._job.database.connection() as connection:
            known = await missing_folders(connection, [project.id for project in page], self._absence)
        missing = [project for project in page if seen[project.folder] == "gone"]
        back = [project.id for project in page if project.id in known and seen[project.folder] in {"there", "other"}]
        for project in page:
            if seen[project.folder] == "other":
                self._report.refused(
                    project, "folder_is_none", "What has the name of the project's folder is no folder.", project.folder
                )
            elif seen[project.folder] == "unknown":
                reason = "The storage did not say whether the project's folder is there."
                self._report.refused(project, StorageUnavailableError.code, reason, project.folder)
        if missing or back:
            async with self._report.checkpoint() as work:
                self._report_first_sight([project for project in missing if project.id not in known])
                await note_missing(work.connection, [project.id for project in missing], self._job.command.task_id)
                await forget_missing(work.connection, back)
        return missing, known

    def _report_first_sight(self, projects: Sequence[CatalogueProject]) -> None:
        hours = f"{self._absence.hours:g} h"
        for project in projects:
            log.warning("project_folder_missing", project=project.folder)
            reason = f"The folder is not in the library; if that is so in a run {hours} later, the project is archived."
            about = {"project_id": project.id, "project_folder": project.folder}
            self._report.found(Finding(kind="reported", code="folder_missing", reason=reason, **about))

    async def _archive(self, gone: Sequence[CatalogueProject], confirmed: frozenset[int]) -> None:
        """Archive those of ``gone`` that were so in another run; together they may be too many for that."""
        if not any(project.id in confirmed for project in gone):
            return
        for project in await may_archive(self._job, self._context, self._report, gone):
            if project.id in confirmed:
                self._job.hand_back_if_asked()
                await self._archive_one(project)

    async def _archive_one(self, project: CatalogueProject) -> None:
        """Look again while nothing about the project can change, and archive it."""
        command = self._job.command
        async with self._report.checkpoint() as work:
            if await lock_project(work.connection, project.tenant, project.id) != project:
                return  # deleted or renamed meanwhile
            known = await missing_folders(work.connection, [project.id], self._absence)
            if not known.get(project.id) or not await self._is_gone(work, project):
                return
            version = await archive_orphan(work.connection, project.id, command.task_id)
            data = ProjectCanceled(**self._about(project), cause="folder_gone", name=project.name, version=version)
            self._report.changed(work, data, "project_archived", 1, project.folder)
            await expire_of_projects(work, self._job.origin, [project.id])

    # --- both -------------------------------------------------------------------------------------------------------

    async def _is_gone(self, work: UnitOfWork, project: CatalogueProject) -> bool:
        """Whether the folder is still gone, and nothing is on record to be done in it; the project's row is locked."""
        reason = (await under_way(work.connection, project.id)).reason
        if reason is None and await is_being_renamed(work.connection, project.id):
            reason = "Files of the project are about to get other names."
        if reason is not None:
            self._report.refused(project, "folder_in_use", reason, project.folder)
            return False
        return await in_thread_beside(work.connection, presence, self._library, project.folder) == "gone"

    async def _is_elsewhere(self, project: CatalogueProject) -> bool:
        """Whether the folder lies under another name, by its manifest: then it is for others to follow it."""
        if self._strange is None:
            async with self._job.database.connection() as connection:
                known = await folders_of_projects(connection, project.tenant)
            self._strange = await in_thread(_strange_by_id, self._library, known)
        alike = self._strange.get(project.id, ())
        own = [path for path, found in alike if found.is_of(project.id, project.created_at)]
        path = own[0] if own else None
        if path is not None:
            self._report.refused(project, "folder_renamed", f"By its manifest, {path} is the folder.", path)
        return path is not None

    def _about(self, project: CatalogueProject) -> dict[str, Any]:
        """Return what every event about a project says."""
        task_id = self._job.command.task_id
        return {"project_id": project.id, "project_folder": project.folder, "task_id": task_id}


def _strange_by_id(library: TenantLibrary, known: Iterable[str]) -> Mapping[int, Sequence[tuple[str, Manifest]]]:
    """Return the folders that no project has, each with its manifest, by the project's id in it; blocks."""
    found: dict[int, list[tuple[str, Manifest]]] = {}
    for path, manifest in strange_folders(library, known).items():
        found.setdefault(manifest.id, []).append((path, manifest))
    return found
