"""Files with the name of a photo that cannot be read as one: they stay where they are, and are reported."""

from photobus_common.events.maintenance import Finding
from photobus_common.events.parts import FileKind
from photobus_common.logging import get_logger
from photobus_common.storage.errors import FileUnreadableError
from photobus_common.storage.folder import Entry
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.identifying import Identity, identify, is_other_content
from photobus_maintenance.visits import Visit

OTHER_CONTENT = "other_content"
UNREADABLE = "file_unreadable"

log = get_logger()


async def read_or_tell(visit: Visit, entry: Entry, kind: FileKind, photo_id: int | None = None) -> Identity | None:
    """Read a file; None for one that is gone or odd. What may change without the folder's doing waits for a run."""
    try:
        identity = await in_thread(identify, visit.folder, entry, kind)
        if identity is None:
            await tell_unread(visit, entry, photo_id)
    except FileUnreadableError as error:
        tell_unreadable(visit, entry, error, photo_id)
        return None
    return identity


async def tell_unread(visit: Visit, entry: Entry, photo_id: int | None = None) -> None:
    """Report a file that could not be identified, if it is what it was when it was listed.

    Raises ``FileUnreadableError``.
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


def tell_unreadable(visit: Visit, entry: Entry, error: FileUnreadableError, photo_id: int | None = None) -> None:
    """Report a file that the system does not let us read; its owner may change that without anybody noticing."""
    log.warning("file_unreadable", project=visit.project.folder, file=entry.name, photo_id=photo_id)
    visit.pending.append("unreadable")
    visit.report.refused(visit.project, UNREADABLE, error.public_message, entry.name)
