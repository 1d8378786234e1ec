"""Carrying out recorded operations on disk, as often as it takes: each first looks whether it has been done.

The caller holds the lock of the project's folder, and the rows of the photos: what is to be kept of them cannot change
meanwhile. All calls block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from photobus_common.errors import PhotobusError
from photobus_common.logging import get_logger
from photobus_common.removal import RemovablePhoto, aftermath, plan_removal
from photobus_common.storage.errors import FileMissingError, LockedError, NameTakenError, is_refusal
from photobus_common.storage.project_folder import TRASH
from photobus_common.store.file_operations import FileOperation, OperationOutcome
from photobus_filemover.disk import Disk

log = get_logger()


@dataclass(frozen=True)
class Ended:
    """An operation and what became of it."""

    operation: FileOperation
    outcome: OperationOutcome

    @property
    def removed(self) -> bool:
        """Whether the file is no longer where it was."""
        return self.outcome in {"moved", "removed", "missing"}


def carry_out(disk: Disk, operations: Sequence[FileOperation], photos: Mapping[int, RemovablePhoto]) -> list[Ended]:
    """Do what is still wanted of ``operations``, and take back what no longer is; ``photos`` are as they are now."""
    ended = [Ended(one, _trash(disk, one, photos)) for one in operations if one.kind == "trash"]
    gone = _without_originals(ended, photos)
    ended += [
        Ended(one, _remove_derivative(disk, one) if one.photo_id in gone else "kept")
        for one in operations
        if one.kind == "remove_derivative"
    ]
    return ended


def _trash(disk: Disk, operation: FileOperation, photos: Mapping[int, RemovablePhoto]) -> OperationOutcome:
    """Let the file lie where it belongs now: in the trash, or where it was if it is to be kept after all.

    Of a photo that is no longer here nothing is wanted, and what went stays in the trash.
    """
    photo = photos.get(operation.photo_id)
    wanted = photo is not None and _is_wanted(operation, photo)
    if not _lies_in_trash(disk, operation):
        return _move(disk, operation) if wanted else "kept"
    disk.touch(_target(operation)[0])  # whoever moved it may have died before it lasted
    if operation.is_about(disk.project.stat(operation.path)):
        return _leave_one_name(disk, operation, wanted=wanted)
    return "moved" if wanted or photo is None else _put_back(disk, operation)


def _is_wanted(operation: FileOperation, photo: RemovablePhoto) -> bool:
    plan = plan_removal(photo)
    return plan is not None and operation.path in {file.name for file in plan.going}


def _move(disk: Disk, operation: FileOperation) -> OperationOutcome:
    found = disk.project.stat(operation.path)
    if found is None:
        return "missing"
    if not operation.is_about(found):
        return "changed"
    trashed, name = _target(operation)
    try:
        disk.project.rename(operation.path, disk.folder(trashed, make=True), name)
    except PhotobusError as error:
        return _not_trashed(operation, error)
    disk.touch(trashed)
    return "moved"


def _leave_one_name(disk: Disk, operation: FileOperation, *, wanted: bool) -> OperationOutcome:
    """Take one of two names from a file, which it has where a rename is a link and an unlink and was cut in between."""
    gone = disk.remove(operation.path if wanted else "/".join(_target(operation)))
    if wanted:
        return "moved" if gone else "refused"
    return "kept"


def _put_back(disk: Disk, operation: FileOperation) -> OperationOutcome:
    """Return a file that is to be kept after all; one that cannot have its name any more stays in the trash."""
    trashed, name = _target(operation)
    try:
        disk.folder(trashed).rename(name, disk.project, operation.path)
    except PhotobusError as error:
        if not is_refusal(error):
            raise
        log.warning("file_not_put_back", photo_id=operation.photo_id, file=name, reason=error.public_message)
        return "moved"
    disk.touch(trashed)
    return "kept"


def _not_trashed(operation: FileOperation, error: PhotobusError) -> OperationOutcome:
    """Say what a refusal of the storage means; raises what is wrong with more than this file."""
    if isinstance(error, NameTakenError):
        raise LockedError("Someone else is at work in the trash.") from error  # comes again, with another target
    if isinstance(error, FileMissingError):
        return "missing"
    if not is_refusal(error):
        raise error
    log.warning("file_not_trashed", photo_id=operation.photo_id, file=operation.path, reason=error.public_message)
    return "refused"


def _remove_derivative(disk: Disk, operation: FileOperation) -> OperationOutcome:
    """Remove a derivative, whichever it is by now: nobody makes them while the photo's row is held."""
    kind, _, name = operation.path.partition("/")
    try:
        removed = disk.folder(kind).remove(name)
    except FileMissingError:
        return "missing"
    except PhotobusError as error:
        if not is_refusal(error):
            raise
        return "refused"
    if removed:
        disk.touch(kind)
    return "removed" if removed else "missing"


def _lies_in_trash(disk: Disk, operation: FileOperation) -> bool:
    trashed, name = _target(operation)
    try:
        return operation.inode is not None and operation.is_about(disk.folder(trashed).stat(name))
    except FileMissingError:
        return False


def _target(operation: FileOperation) -> tuple[str, str]:
    """Return the folder and the name that the file gets there."""
    folder, _, name = (operation.target_path or f"{TRASH}/{operation.path}").rpartition("/")
    return folder, name


def _without_originals(ended: Sequence[Ended], photos: Mapping[int, RemovablePhoto]) -> frozenset[int]:
    """Return the photos of which nothing is left to make derivatives from."""
    removed: dict[int, set[str]] = {photo_id: set() for photo_id in photos}
    for one in ended:
        if one.removed and one.operation.photo_id in removed:
            removed[one.operation.photo_id].add(one.operation.path)
    return frozenset(
        photo_id for photo_id, names in removed.items() if aftermath(photos[photo_id], names).derivatives == "removed"
    )
