"""Photos of archived projects that leave the catalogue, in portions; the log keeps all that their return needs."""

from collections.abc import Callable
from typing import Any, Final, Literal

from photobus_common.events import Event, EventData, cut_by_bytes
from photobus_common.events.projects import PhotosRemoved
from photobus_common.reconciliation import CatalogueProject
from photobus_common.removal import removed_photo
from photobus_common.store.lost_files import keep_removed
from photobus_common.store.reconciliation import photo_ids_after
from photobus_common.store.removals import delete_photos, removable_photos
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job

PORTION: Final = 500
"""Photos whose rows go in one transaction."""

Cause = Literal["project_delete", "orphaned_project_cleanup"]

Tell = Callable[[UnitOfWork, EventData, int], Event]
"""Says what becomes true, and of how many photos."""


async def remove_photos(work: UnitOfWork, job: Job, project: CatalogueProject, cause: Cause, tell: Tell) -> bool:
    """Remove some photos of the project, whose row is locked; say whether there were any.

    One that is moved away at this time goes with whoever moves it, and is looked at again.
    """
    photo_ids = await photo_ids_after(work.connection, project.id, 0, PORTION)
    found = await removable_photos(work.connection, project.tenant, photo_ids, lock=True)
    photos = {photo.id: photo for photo in found.values() if photo.project_id == project.id}
    deleted = await delete_photos(work.connection, list(photos))
    about: dict[str, Any] = {"project_id": project.id, "project_folder": project.folder}
    for parts in cut_by_bytes([removed_photo(photo, deleted[photo.id]) for photo in photos.values()]):
        data = PhotosRemoved(**about, task_id=job.command.task_id, cause=cause, photos=parts)
        event = tell(work, data, len(parts))
        gone = [photos[part.photo_id] for part in parts]
        await keep_removed(work.connection, project.tenant, job.command.task_id, gone, event.id)
    return bool(photo_ids)
