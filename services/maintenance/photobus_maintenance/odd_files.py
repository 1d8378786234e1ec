"""Files with the name of a photo that cannot be read as one: they stay where they are, and are reported."""

from typing import Final

from photobus_common.errors import StorageUnavailableError
from photobus_common.events.maintenance import Finding
from photobus_common.events.parts import FileKind
from photobus_common.logging import get_logger
from photobus_common.storage.errors import is_of_the_disk
from photobus_common.storage.folder import Entry
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.identifying import Found, Identity, identify_each, is_other_content
from photobus_maintenance.visits import Visit, concerns_one_file

OTHER_CONTENT: Final = "other_content"
UNREADABLE: Final = "file_unreadable"

_DISK_ERRORS: Final = 20
"""So many files of a project that the disk cannot read mean that it can read none."""

_DISK_ERROR: Final = "disk_error"

log = get_logger()


async def read_or_tell(visit: Visit, entry: Entry, kind: FileKind, photo_id: int | None = None) -> Identity | None:
    """Read a file; None for one that is gone or odd. What may change without the folder's doing waits for a run."""
    [found] = await in_thread(identify_each, visit.folder, [(entry, kind)])
    return await identity_or_tell(visit, entry, found, photo_id)


async def identity_or_tell(visit: Visit, entry: Entry, found: Found, photo_id: int | None = None) -> Identity | None:
    """Do the same with what was ``found`` when the file was read."""
    try:
        if found is None:
            await tell_unread(visit, entry, photo_id)
    except StorageUnavailableError as error:
        found = error
    if isinstance(found, StorageUnavailableError):
        await tell_unreadable(visit, entry, found, photo_id)
        return None
    return found


async def tell_unread(visit: Visit, entry: Entry, photo_id: int | None = None) -> None:
    """Report a file that could not be identified, if it is what it was when it was listed.

    Raises ``StorageUnavailableError``.
    """
    if not await in_thread(is_other_content, visit.folder, entry):
        visit.pending.append("changing")
        return
    reason = "The file is not what its name says." if entry.size else "The file is empty."
    visit.report.found(
        Finding(
            kind="reported",
            code=OTHER_CONTENT,
            reason=reason,
            project_id=visit.project.id,
            project_folder=visit.project.folder,
            subject=entry.name,
            photo_id=photo_id,
        )
    )


async def tell_unreadable(
    visit: Visit, entry: Entry, error: StorageUnavailableError, photo_id: int | None = None
) -> None:
    """Report a file that the system, or the disk, does not let us read; that may change without anybody noticing.

    Raises ``error`` when it is about more than this file. A job over items, which may be tried again, takes the disk's
    word for nothing.
    """
    of_disk = is_of_the_disk(error)
    if of_disk and (visit.items or visit.pending.count(_DISK_ERROR) >= _DISK_ERRORS):
        raise error
    if not await concerns_one_file(visit, error):
        raise error
    log.warning("file_unreadable", project=visit.project.folder, file=entry.name, photo_id=photo_id)
    visit.pending.append(_DISK_ERROR if of_disk else UNREADABLE)
    visit.report.refused(visit.project, UNREADABLE, error.public_message, entry.name)
