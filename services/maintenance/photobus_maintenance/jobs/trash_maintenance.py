"""``trash_maintenance``: what has lain in the trash of a project for long enough is deleted for good.

A trash folder tells by its name since when. In portions, under the lock of the project's folder: what goes is put on
record with how much it is, then it is deleted, then it is told; so it is told once, wherever a worker dies. What an
undo, a removal or an upload has on record is left alone, and they put it there under the same lock.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from photobus_common.errors import PhotobusError
from photobus_common.events import cut_by_bytes
from photobus_common.events.maintenance import Finding, StrayFile, StrayFilesTrashed, TrashEmptied
from photobus_common.logging import get_logger
from photobus_common.storable import storable
from photobus_common.storage.errors import LockedError, StorageFullError
from photobus_common.storage.project_folder import TRASH, trash_folder
from photobus_common.storage.trees import NOTHING, Size
from photobus_common.store.trash_removals import begin_removals, begun_removals, end_removals, held_folders
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.rounds import Manner, visit_projects
from photobus_maintenance.trash import (
    FOLDERS,
    Contents,
    Emptied,
    contents_of,
    emptied,
    expires_before,
    left_of,
    measured,
    put_by,
)
from photobus_maintenance.visits import Visit, keep_project

_WHOLE_PROJECTS: Final = Manner(listed=False, by_photos=False)

_STRAYS: Final = 200
"""Strays that are put by in one transaction."""

NOT_OURS: Final = "It lay in the trash under a name that photobus never gave."

log = get_logger()


class TrashMaintenance:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Empty the trash of the job's projects."""
        await visit_projects(job, self._context, _empty, _WHOLE_PROJECTS)


async def _empty(visit: Visit) -> None:
    """Empty the trash of one project.

    In a job over the library, a project that somebody is at work in has its turn in the next run.
    """
    try:
        await _Emptying(visit).run()
    except LockedError as error:
        if visit.job.command.over != "library":
            raise
        visit.pending.append("locked")
        visit.report.refused(visit.project, error.code, error.public_message)


class _Emptying:
    """One visit to a project's trash. What could not be deleted is not tried again in it."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._wait = visit.context.settings.maintenance.lock_wait_seconds
        self._before = expires_before(visit.context.settings.maintenance)
        self._keeps = visit.context.settings.maintenance.stray_files == "report"
        self._passed: set[str] = set()
        self._expired: list[str] = []

    async def run(self) -> None:
        """Put by what is not ours, delete what has expired; come back as long as anything lies there."""
        visit = self._visit
        contents = await self._put_all_by(await in_thread(contents_of, visit.folder))
        async with visit.job.database.connection() as connection:
            begun = await begun_removals(connection, visit.project.id)
        self._expired = contents.expired(self._before)
        more = bool(begun or self._expired)
        while more:
            visit.job.hand_back_if_asked()
            more = await self._delete_portion()
        contents = await in_thread(contents_of, visit.folder)
        if contents.folders or (contents.strays and not self._keeps):
            visit.pending.append("trash")

    async def _put_all_by(self, contents: Contents) -> Contents:
        """Put by what is not ours, unless its owner wants it left where it is; return what lies there then."""
        visit = self._visit
        if self._keeps:
            self._tell_kept(contents.strays)
            return contents
        while todo := [stray for stray in contents.strays if stray not in self._passed]:
            visit.job.hand_back_if_asked()
            try:
                await self._put_by(todo[:_STRAYS])
            except StorageFullError as error:  # what is deleted next makes room
                visit.report.refused(visit.project, error.code, error.public_message, TRASH)
                break
            contents = await in_thread(contents_of, visit.folder)
        return contents

    def _tell_kept(self, strays: Sequence[str]) -> None:
        if not strays:
            return
        about = {"project_id": self._visit.project.id, "project_folder": self._visit.project.folder}
        subject = storable(f"{TRASH}/{strays[0]}")
        found = Finding(
            kind="reported", code="trash_stray", reason=NOT_OURS, subject=subject, count=len(strays), **about
        )
        self._visit.report.found(found)

    async def _put_by(self, strays: list[str]) -> None:
        """Put strays into a trash folder of now: how old they are nobody can tell, so their time begins."""
        visit = self._visit
        target = trash_folder(datetime.now(UTC), visit.job.command.task_id)
        self._passed |= {*strays}
        async with visit.folder.locked(self._wait), visit.report.checkpoint() as work:
            await keep_project(visit, work.connection)
            found = await in_thread_beside(work.connection, put_by, visit.folder, strays, target)
            for one in found:
                if one.refused is not None:
                    self._refuse(one.stray, one.refused)
            went = [
                StrayFile(
                    name=storable(f"{TRASH}/{one.stray}"),
                    trash_path=storable(f"{TRASH}/{target}/{one.name}"),
                    size=one.size,
                    reason=NOT_OURS,
                )
                for one in found
                if one.refused is None
            ]
            for files in cut_by_bytes(went):
                data = StrayFilesTrashed(**visit.about, cause="trash_maintenance", files=files)
                visit.report.changed(work, data, "trash_stray_put_by", len(files))

    async def _delete_portion(self) -> bool:
        """Delete some of what has expired; say whether there may be more."""
        visit = self._visit
        async with visit.folder.locked(self._wait):
            batch = await self._begin()
            if batch:
                done = await in_thread(emptied, visit.folder, list(batch))
                await self._end(batch, done)
        return bool(batch or self._expired)

    async def _begin(self) -> Mapping[str, Size]:
        """Put on record what goes next; return it with how much it was, what was begun before first."""
        visit = self._visit
        async with visit.report.checkpoint() as work:
            await keep_project(visit, work.connection)
            begun = await begun_removals(work.connection, visit.project.id)
            passed = self._passed | await held_folders(work.connection, visit.project.id)
            batch = {name: size for name, size in begun.items() if name not in passed}
            new = [name for name in self._expired[:FOLDERS] if name not in passed and name not in begun]
            sizes = list(batch.values())
            found, refused = await in_thread_beside(work.connection, measured, visit.folder, new, sizes)
            for name, error in refused.items():
                self._refuse(name, error)
            await begin_removals(work.connection, visit.project.id, found)
        left = [name for name in new if name not in found and name not in refused]
        if left and not (batch or found or refused):  # the trash itself is gone
            self._expired = []
        else:
            self._expired = left + self._expired[FOLDERS:]
        return batch | found

    async def _end(self, batch: Mapping[str, Size], done: Emptied) -> None:
        """Tell of what is gone, and of so much as went of what could not be deleted whole."""
        visit = self._visit
        went = {name: batch[name] for name in done.gone}
        self._passed.update(done.gone)
        for name, error in done.refused.items():
            self._refuse(name, error)
            left = await in_thread(left_of, visit.folder, name)
            if left is not None:
                went[name] = Size(max(0, batch[name].files - left.files), max(0, batch[name].bytes - left.bytes))
        if not went:
            return
        async with visit.report.checkpoint() as work:
            await end_removals(work.connection, visit.project.id, list(went))
            self._tell(work, {name: size for name, size in went.items() if size.files or name in done.gone})

    def _tell(self, work: UnitOfWork, went: Mapping[str, Size]) -> None:
        if went:
            files, total = sum(went.values(), NOTHING)
            data = TrashEmptied(**self._visit.about, folders=tuple(went), files=files, bytes=total)
            self._visit.report.changed(work, data, "trash_emptied", files)

    def _refuse(self, name: str, error: PhotobusError) -> None:
        visit = self._visit
        self._passed.add(name)
        path = storable(f"{TRASH}/{name}")
        log.warning("trash_not_deleted", project=visit.project.folder, path=path, reason=error.public_message)
        visit.report.refused(visit.project, error.code, storable(error.public_message), path)
