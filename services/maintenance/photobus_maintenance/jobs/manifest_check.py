"""``manifest_check``: for each photo, are its files there? The rows follow the disk, and the manifest is set right."""

from collections.abc import Sequence

from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import FileFact, ManifestChanged, PhotoFiles, PhotoFilesChanged
from photobus_common.reconciliation import FileCheck, check_files
from photobus_common.store.lost_files import record_lost
from photobus_common.store.reconciliation import ChangedPhoto, remove_missing_files
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.guard import may_remove, may_vouch, settle_answers
from photobus_maintenance.manifests import ManifestState, manifest_state, write_manifest
from photobus_maintenance.rounds import visit_projects
from photobus_maintenance.visits import Sight, Visit, look


class ManifestCheck:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Check the photos of the job, project by project."""
        await visit_projects(job, self._context, _check)
        if job.command.over != "items":
            await settle_answers(job, self._context, _check)


async def _check(visit: Visit) -> None:
    state = await manifest_state(visit)
    async with visit.job.database.connection() as connection:
        checks = _differences(await look(visit, connection, lock=False))
    if not checks and state in {ManifestState.RIGHT, ManifestState.UNREADABLE}:
        visit.job.record(visit.outcomes())
        return
    async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
        await _correct(visit)


async def _correct(visit: Visit) -> None:
    """Look again where nothing can move any more, and write what differs there; the caller holds the folder's lock."""
    state = await manifest_state(visit)
    async with visit.report.checkpoint(visit.outcomes()) as work:
        sight = await look(visit, work.connection, lock=True)
        checks = _differences(sight)
        missing = any(check.missing for check in checks)
        if missing and not await may_remove(visit, work, sight, checks, state):
            return
        if not missing and not await may_vouch(visit, work, sight, state):
            state = ManifestState.UNREADABLE
        changed = await remove_missing_files(work.connection, visit.project.id, checks) if checks else []
        gone = [(check.photo.id, file) for check in checks for file in check.missing]
        await record_lost(work.connection, visit.key, visit.job.command.task_id, gone)
        written = await in_thread_beside(work.connection, write_manifest, visit.folder, visit.project, state, visit)
        _tell(visit, work, checks, changed, manifest_written=written)


def _differences(sight: Sight) -> list[FileCheck]:
    return check_files(sight.photos, {entry.name for entry in sight.entries}, sight.expected)


def _tell(
    visit: Visit,
    work: UnitOfWork,
    checks: Sequence[FileCheck],
    changed: Sequence[ChangedPhoto],
    *,
    manifest_written: bool,
) -> None:
    about = visit.about
    missing = {check.photo.id: check.missing for check in checks}
    parts = [
        PhotoFiles(
            photo_id=photo.id,
            filename=photo.filename,
            version=photo.version,
            removed=tuple(FileFact(name=f.name, kind=f.kind, size=f.size, md5=f.md5) for f in missing[photo.id]),
            thumbnail_status=photo.thumbnail_status,
            preview_status=photo.preview_status,
            keep=photo.keep,
        )
        for photo in changed
    ]
    for photos in cut_by_bytes(parts):
        data = PhotoFilesChanged(**about, cause="manifest_check", photos=photos)
        visit.report.changed(work, data, "files_missing", len(photos))
    if manifest_written:
        data_of_manifest = ManifestChanged(**about, changed=len(parts), manifest_written=True)
        visit.report.changed(work, data_of_manifest, "manifest_written", 1)
    elif parts:
        work.emit(visit.job.origin.event(ManifestChanged(**about, changed=len(parts))))
