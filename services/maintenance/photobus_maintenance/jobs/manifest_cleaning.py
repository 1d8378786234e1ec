"""``manifest_cleaning``: photos go of which no file is there any more, as the checks of the same task have found.

A flag alone is never believed: the task has held rows against the disk before, or a check has found the files gone long
ago, and the folder, if it says that it is the project's, is looked at once more under its lock. The log keeps what an
undo, or a file that comes back, needs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import ManifestChanged, PhotoRemoved, PhotosRemoved
from photobus_common.photos import filenames
from photobus_common.photos.derivatives import EXTENSIONS, derivative_name
from photobus_common.reconciliation import photos_gone
from photobus_common.removal import RemovablePhoto, removed_photo
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, ProjectFolder
from photobus_common.store.cleaning import photos_to_clean, projects_to_clean
from photobus_common.store.database import Connection
from photobus_common.store.lost_files import keep_removed
from photobus_common.store.removals import delete_photos, removable_photos
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.manifests import is_its_own
from photobus_maintenance.rounds import Manner, visit_projects
from photobus_maintenance.visits import Sight, Visit, look


class ManifestCleaning:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Clean the projects of the task. Those without anything to clean are not even looked at."""
        missing = _missing(self._context)

        async def wanted(connection: Connection, project_ids: Sequence[int]) -> Collection[int]:
            return await projects_to_clean(connection, job.command.task_id, project_ids, missing)

        manner = Manner(listed=False, passes_over=False, wanted=wanted)
        await visit_projects(job, self._context, _clean, manner)


async def _clean(visit: Visit) -> None:
    async with visit.job.database.connection() as connection:
        found = await _found_gone(visit, connection)
    if not found or not await is_its_own(visit):
        return
    async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
        await _remove(replace(visit, photo_ids=found))


async def _found_gone(visit: Visit, connection: Connection) -> tuple[int, ...]:
    """Return the photos of the visit of which checks have found nothing any more."""
    task_id = visit.job.command.task_id
    return await photos_to_clean(connection, task_id, visit.project.id, visit.photo_ids, _missing(visit.context))


def _missing(context: Context) -> timedelta:
    return timedelta(days=context.settings.maintenance.missing_days)


def _gone(sight: Sight, visit: Visit) -> tuple[int, ...]:
    parse = partial(filenames.parse, uploader=visit.context.settings.uploader)
    return tuple(photo.id for photo in photos_gone(sight.photos, sight.entries, sight.expected, parse))


async def _remove(visit: Visit) -> None:
    """Look again where nothing can move any more, and remove what is still gone; the caller holds the lock."""
    async with visit.report.checkpoint() as work:
        sight = await look(visit, work.connection, lock=True)
        found = await _found_gone(visit, work.connection)
        gone = [photo for photo in _gone(sight, visit) if photo in found]
        photos = await removable_photos(work.connection, visit.project.tenant, gone, lock=True)
        await in_thread_beside(work.connection, _remove_derivatives, visit.folder, list(photos.values()))
        deleted = await delete_photos(work.connection, list(photos))
        parts = [removed_photo(photo, deleted[photo.id]) for photo in photos.values()]
        await _tell(visit, work, parts, photos)


async def _tell(
    visit: Visit, work: UnitOfWork, parts: Sequence[PhotoRemoved], before: Mapping[int, RemovablePhoto]
) -> None:
    """Say which photos went, and keep by which event they are found in the log if a file of theirs comes back."""
    task_id = visit.job.command.task_id
    for photos in cut_by_bytes(parts):
        names = tuple(photo.filename for photo in photos)
        data = PhotosRemoved(**visit.about, cause="manifest_cleaning", photos=photos)
        event = visit.report.changed(work, data, "photos_removed", len(photos))
        gone = [before[photo.photo_id] for photo in photos]
        await keep_removed(work.connection, visit.project.tenant, task_id, gone, event.id)
        changed = ManifestChanged(**visit.about, removed=len(names), removed_filenames=names)
        work.emit(visit.job.origin.event(changed))


def _remove_derivatives(folder: ProjectFolder, photos: Sequence[RemovablePhoto]) -> None:
    """Leave no derivatives behind; blocks. The photos' rows are held, so that nobody makes any meanwhile."""
    for photo in photos:
        for kind in (THUMBNAILS, PREVIEWS):
            for file_format in EXTENSIONS:
                folder.remove_derivative(kind, derivative_name(photo.filename, file_format))
