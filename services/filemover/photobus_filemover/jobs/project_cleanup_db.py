"""``project_cleanup_db``: the photos of a deleted project leave the catalogue; the archived row of the project stays.

The log keeps of each all that its row said, with files, tags and flags, so that it can come back as it was.
"""

from collections.abc import Sequence
from typing import Final

from photobus_common.archived_projects import Undertaking
from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import PhotosRemoved
from photobus_common.reconciliation import CatalogueProject
from photobus_common.removal import RemovablePhoto, removed_photo
from photobus_common.store.database import Connection
from photobus_common.store.deletions import forget_uploads
from photobus_common.store.lost_files import keep_removed
from photobus_common.store.reconciliation import photo_ids_after, photos_in_projects
from photobus_common.store.removals import delete_photos, removable_photos
from photobus_common.worker import Job
from photobus_filemover.context import Context
from photobus_filemover.deleted import deletion_of

PORTION: Final = 500
"""Photos whose rows go in one transaction."""


class ProjectCleanupDb:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Remove the photos of the task's projects, and what is known of uploads into them."""
        deletion = deletion_of(job, self._context)
        for project in await deletion.projects():
            while await _remove_portion(deletion, project.id):
                job.hand_back_if_asked()
            async with deletion.checkpoint(project.id) as (work, _):
                await forget_uploads(work.connection, project.id)


async def _remove_portion(deletion: Undertaking, project_id: int) -> bool:
    """Remove some photos; say whether there were any."""
    job = deletion.job
    async with deletion.checkpoint(project_id) as (work, project):
        left = await photos_in_projects(work.connection, [project_id])
        photo_ids = await photo_ids_after(work.connection, project_id, 0, PORTION)
        found = await _found(work.connection, project, photo_ids)
        deleted = await delete_photos(work.connection, [photo.id for photo in found])
        parts = [removed_photo(photo, deleted[photo.id]) for photo in found]
        for photos in cut_by_bytes(parts):
            data = PhotosRemoved(**deletion.about(project), cause="project_delete", photos=photos)
            event = job.origin.event(data)
            work.emit(event)
            gone = {photo.photo_id for photo in photos}
            lost = [photo for photo in found if photo.id in gone]
            await keep_removed(work.connection, project.tenant, job.command.task_id, lost, event.id)
        before = (job.cursor or {}).get("done", 0)
        await job.save_cursor({"done": before + len(parts)}, work)
    job.progress(before + len(parts), before + left)
    return bool(photo_ids)


async def _found(connection: Connection, project: CatalogueProject, photo_ids: Sequence[int]) -> list[RemovablePhoto]:
    """Return, locked, those that have not been moved away before they could be."""
    found = await removable_photos(connection, project.tenant, photo_ids, lock=True)
    return [photo for photo in found.values() if photo.project_id == project.id]
