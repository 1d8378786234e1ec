"""Carrying recorded restorings out on disk: files come back from the trash to the names they had, replacing nothing.

The caller holds the lock of the project's folder. All calls block.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from photobus_common.errors import PhotobusError
from photobus_common.logging import get_logger
from photobus_common.storage.errors import FileMissingError, NameTakenError, is_refusal
from photobus_common.storage.folder import Entry
from photobus_common.store.file_operations import FileOperation, OperationOutcome
from photobus_filemover.carrying_out import Ended
from photobus_filemover.disk import Disk

log = get_logger()


@dataclass(frozen=True)
class Brought:
    """What became of operations, and the files that are back, by operation."""

    ended: tuple[Ended, ...]
    files: Mapping[UUID, Entry]


def bring_back(disk: Disk | None, operations: Iterable[FileOperation], *, wanted: bool) -> Brought:
    """Let the files of one photo lie where they lay, or, if that is not ``wanted`` any more, in the trash."""
    ended: list[Ended] = []
    files: dict[UUID, Entry] = {}
    for one in operations:
        outcome: OperationOutcome = "kept"
        if disk is not None:
            outcome = _return(disk, one) if wanted else _leave(disk, one)
        ended.append(Ended(one, outcome))
        if disk is not None and outcome == "moved":
            files[one.id] = disk.project.expect(_target(one))
    return Brought(tuple(ended), files)


def _return(disk: Disk, operation: FileOperation) -> OperationOutcome:
    here, there = disk.project.stat(_target(operation)), _trashed(disk, operation)
    if operation.is_about(here):
        if operation.is_about(there):  # a rename that is a link and an unlink was cut in between
            disk.remove(operation.path)
        _touch(disk, _source(operation)[0])  # whoever moved it may have died before it lasted
        return "moved"
    if there is None:
        return "missing"
    if not operation.is_about(there):
        return "changed"
    return _rename(disk, operation)


def _rename(disk: Disk, operation: FileOperation) -> OperationOutcome:
    folder, name = _source(operation)
    try:
        disk.folder(folder).rename(name, disk.project, _target(operation))
    except NameTakenError:
        return "taken"
    except FileMissingError:
        return "missing"
    except PhotobusError as error:
        return _refused(operation, error)
    disk.touch(folder)
    return "moved"


def _leave(disk: Disk, operation: FileOperation) -> OperationOutcome:
    """Put back into the trash what came from there; what cannot have its name there any more stays where it is."""
    if not operation.is_about(disk.project.stat(_target(operation))):
        return "kept"
    if operation.is_about(_trashed(disk, operation)):
        return "kept" if disk.remove(_target(operation)) else "refused"
    folder, name = _source(operation)
    try:
        disk.project.rename(_target(operation), disk.folder(folder, make=True), name)
    except NameTakenError:
        return "taken"
    except PhotobusError as error:
        return _refused(operation, error)
    disk.touch(folder)
    return "kept"


def _refused(operation: FileOperation, error: PhotobusError) -> OperationOutcome:
    if not is_refusal(error):
        raise error
    log.warning("file_not_restored", photo_id=operation.photo_id, file=operation.path, reason=error.public_message)
    return "refused"


def _trashed(disk: Disk, operation: FileOperation) -> Entry | None:
    folder, name = _source(operation)
    try:
        return disk.folder(folder).stat(name)
    except FileMissingError:
        return None


def _touch(disk: Disk, folder: str) -> None:
    try:
        disk.touch(folder)
    except FileMissingError:  # the trash was emptied since
        disk.touch("")


def _source(operation: FileOperation) -> tuple[str, str]:
    """Return the folder of the trash, and the name in it."""
    folder, _, name = operation.path.rpartition("/")
    return folder, name


def _target(operation: FileOperation) -> str:
    return operation.target_path or operation.path
