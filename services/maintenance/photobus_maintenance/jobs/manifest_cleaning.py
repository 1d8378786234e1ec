"""``manifest_cleaning``: photos go of which no file is there any more, as the checks of the same task have found.

A flag alone is never believed: the task has held rows against the disk before, and the folder is looked at once more
under its lock. The log keeps what an undo, or a file that comes back, needs.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import ManifestChanged, PhotoRemoved, PhotosRemoved
from photobus_common.logging import get_logger
from photobus_common.photos import filenames
from photobus_common.photos.derivatives import EXTENSIONS, derivative_name
from photobus_common.reconciliation import photos_gone
from photobus_common.removal import RemovablePhoto, removed_photo
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, ProjectFolder
from photobus_common.store.reconciliation import checked_by_task
from photobus_common.store.removals import delete_photos, removable_photos
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.rounds import visit_projects
from photobus_maintenance.visits import Sight, Visit, look

log = get_logger()


class ManifestCleaning:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Clean the projects of the task, if it has checked them."""
        async with job.database.connection() as connection:
            checked = await checked_by_task(connection, job.command.task_id)
        if not checked:
            log.warning("not_cleaned_unchecked")
            return
        await visit_projects(job, self._context, _clean)


async def _clean(visit: Visit) -> None:
    async with visit.job.database.connection() as connection:
        gone = _gone(await look(visit, connection, lock=False), visit)
    if not gone:
        return
    async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
        await _remove(replace(visit, photo_ids=gone))


def _gone(sight: Sight, visit: Visit) -> tuple[int, ...]:
    parse = partial(filenames.parse, uploader=visit.context.settings.uploader)
    return tuple(photo.id for photo in photos_gone(sight.photos, sight.entries, sight.expected, parse))


async def _remove(visit: Visit) -> None:
    """Look again where nothing can move any more, and remove what is still gone; the caller holds the lock."""
    async with visit.report.checkpoint() as work:
        gone = _gone(await look(visit, work.connection, lock=True), visit)
        photos = await removable_photos(work.connection, visit.project.tenant, gone, lock=True)
        await in_thread_beside(work.connection, _remove_derivatives, visit.folder, list(photos.values()))
        deleted = await delete_photos(work.connection, list(photos))
        parts = [removed_photo(photo, deleted[photo.id]) for photo in photos.values()]
        _tell(visit, work, parts)


def _tell(visit: Visit, work: UnitOfWork, parts: Sequence[PhotoRemoved]) -> None:
    for photos in cut_by_bytes(parts):
        names = tuple(photo.filename for photo in photos)
        for data in (
            PhotosRemoved(**visit.about, cause="manifest_cleaning", photos=photos),
            ManifestChanged(**visit.about, removed=len(names), removed_filenames=names),
        ):
            work.emit(visit.job.origin.event(data))


def _remove_derivatives(folder: ProjectFolder, photos: Sequence[RemovablePhoto]) -> None:
    """Leave no derivatives behind; blocks. The photos' rows are held, so that nobody makes any meanwhile."""
    for photo in photos:
        for kind in (THUMBNAILS, PREVIEWS):
            for file_format in EXTENSIONS:
                folder.remove_derivative(kind, derivative_name(photo.filename, file_format))
