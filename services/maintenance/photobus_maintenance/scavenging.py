"""Deleted projects on their last way: folders that a deletion could not move away, and such as have been in the trash.

Each is found by what is on record of it, and held while anything is done to it.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from photobus_common.archived_projects import Found, Undertaking, is_being_restored, move_to_trash
from photobus_common.events import Event, EventData
from photobus_common.events.maintenance import FolderRenamed, TrashEmptied
from photobus_common.events.projects import PhotosRemoved, ProjectTrashed
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.project_folder import trashed_at
from photobus_common.storage.whole_folders import remove_emptied, remove_some_at, size_at
from photobus_common.store.deletions import is_being_deleted
from photobus_common.store.discovery import named_project
from photobus_common.store.folders import under_way
from photobus_common.store.project_operations import last_move
from photobus_common.store.projects import ids_of_folders
from photobus_common.store.scavenging import left_behind
from photobus_common.store.trash_removals import begin_whole, end_whole, is_expired
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.context import Context
from photobus_maintenance.following import manifest_of
from photobus_maintenance.leaving import remove_photos
from photobus_maintenance.report import Report
from photobus_maintenance.trash import FILES, expires_before

_CODES: Final = {
    FolderRenamed.TYPE: "folder_renamed",
    ProjectTrashed.TYPE: "project_trashed",
    TrashEmptied.TYPE: "trash_emptied",
    PhotosRemoved.TYPE: "photos_removed",
}
"""What the lines of the report are called, by the events that they lead to."""

log = get_logger()


@dataclass(frozen=True)
class Scavenging(Undertaking):
    """One run of a job that cleans up after deletions; it makes way for tasks that delete a project or restore it."""

    report: Report
    context: Context

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a transaction that holds the claim, and takes what was reported along."""
        return self.report.checkpoint()

    def tell(self, work: UnitOfWork, data: EventData) -> None:
        """Say what becomes true in ``work``, with a line of the report."""
        self.line(work, data, 1)

    def line(self, work: UnitOfWork, data: EventData, count: int) -> Event:
        """Do so for a count of things."""
        return self.report.changed(work, data, _CODES[data.TYPE], count)

    async def finish_deletion(self, project: CatalogueProject) -> None:
        """Move the folder of a deleted project to the trash where that was on record, and came to nothing."""
        await self.settle(project)
        async with self.job.database.connection() as connection:
            operation = await left_behind(connection, project.id)
            others = await ids_of_folders(connection, project.tenant, [project.folder])
        if operation is None or others:
            return
        async with self.found(project, (operation.path,), operation.inode) as there:
            if there is None:
                return
            reason = await self._why_it_stays(project, there)
            if reason is not None:
                self.report.refused(project, "deletion_unfinished", reason)
                return
            await move_to_trash(self, project, there.folder)

    async def _why_it_stays(self, project: CatalogueProject, there: Found) -> str | None:
        """Say why a folder that has the name and the number of the one on record is left alone."""
        manifest = await in_thread(manifest_of, there.folder)
        async with self.job.database.connection() as connection:
            named = None if manifest is None else await named_project(connection, project.tenant, manifest)
            if not named or named.project.id != project.id:
                return "The folder does not say that it is the deleted project's."
            return (await under_way(connection, project.id)).reason

    async def expire(self, project: CatalogueProject) -> None:
        """Delete the folder of a deleted project for good, if it has been in the trash for long enough.

        What of it is gone cannot come back, so it is on record before that the project no longer can.
        """
        await self.settle(project)
        async with self.job.database.connection() as connection:
            move = await last_move(connection, project.id)
            begun = await is_expired(connection, project.id)
        path = move.target_path if move is not None and move.kind == "trash" else None
        at = None if path is None else trashed_at(PurePosixPath(path).parts[1])
        if path is None or at is None or at > expires_before(self.context.settings.maintenance):
            return
        while await self._remove_portion(project, path, begun=begun):
            begun = True
            self.job.hand_back_if_asked()
        async with self.job.database.connection() as connection:
            begun = await is_expired(connection, project.id)
        if begun:  # else somebody has taken it out of the trash
            await in_thread(remove_emptied, self.library(project), path)
            await self._end(project, path)

    async def _remove_portion(self, project: CatalogueProject, path: str, *, begun: bool) -> bool:
        """Remove some of what lies at ``path``; say whether anything is left."""
        library = self.library(project)
        async with self.found(project, (path,)) as there:
            if there is None:
                return False
            size = None if begun else await in_thread(size_at, library, path)
            async with self.checkpoint(project.id) as (work, _):
                if size is not None:
                    await begin_whole(work.connection, project.id, PurePosixPath(path).parts[1], size)
            return not await in_thread(remove_some_at, library, path, FILES)

    async def _end(self, project: CatalogueProject, path: str) -> None:
        """Remove the rows of photos that the deletion did not get to, and tell that all of the project is gone."""
        left = True
        while left:
            self.job.hand_back_if_asked()
            async with self.checkpoint(project.id) as (work, now):
                left = await remove_photos(work, self.job, now, "project_delete", self.line)
        async with self.checkpoint(project.id) as (work, now):
            trashed = PurePosixPath(path).parts[1]
            size = await end_whole(work.connection, project.id, trashed)
            if size is not None:
                files, total = size
                about: dict[str, Any] = self.about(now)
                self.line(work, TrashEmptied(**about, folders=(trashed,), files=files, bytes=total, whole=True), files)


def scavenging_of(job: Job, context: Context) -> Scavenging:
    """Return the undertaking of a job."""

    async def is_at_work(work: UnitOfWork, project_id: int) -> bool:
        return await is_being_restored(work, project_id) or await is_being_deleted(work.connection, project_id)

    wait = context.settings.maintenance.lock_wait_seconds
    return Scavenging(job, context.library, wait, is_at_work, Report(job), context)
