"""Carrying recorded moves out on disk, all files of a photo or none, as often as it takes.

The caller holds the locks of both folders, and the photos' rows. All calls block. What the storage refuses ends the
move of its photo; raises what may be otherwise the next time.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from photobus_common.errors import PhotobusError
from photobus_common.logging import get_logger
from photobus_common.photos.derivatives import EXTENSIONS, derivative_name
from photobus_common.storage.errors import FileMissingError, LockedError, NameTakenError, is_of_the_disk, is_refusal
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_common.storage.transfer import md5_if_readable, transfer
from photobus_common.store.file_operations import FileOperation, OperationOutcome
from photobus_filemover.carrying_out import Ended
from photobus_filemover.disk import Disk

log = get_logger()

_WELL: Final = frozenset({"moved", "missing"})


def carry_over(disks: Mapping[int, Disk], operations: Sequence[FileOperation], *, wanted: bool) -> list[Ended]:
    """Move the files of one photo to its destination; if one of them cannot go there, or none is wanted there, back.

    A file that is gone holds up nothing, unless all are.
    """
    originals = [one for one in operations if one.kind == "move"]
    failed: dict[FileOperation, OperationOutcome] = {}
    if wanted:
        forth = list(_until_failure(Ended(one, _forth(disks, one)) for one in originals))
        if all(one.outcome in _WELL for one in forth) and any(one.outcome == "moved" for one in forth):
            along = list(_derivatives(disks, operations, back=False))
            _leave_no_derivative(disks, originals[0])
            return [*forth, *along]
        failed = {one.operation: one.outcome for one in forth if one.outcome != "moved"}
    back = {one: _back(disks, one) for one in originals}  # also what failed: a copy of it may lie there
    returned = [Ended(one, failed.get(one) or outcome) for one, outcome in back.items()]
    return [*returned, *_derivatives(disks, operations, back=True)]


def _until_failure(ended: Iterable[Ended]) -> Iterable[Ended]:
    for one in ended:
        yield one
        if one.outcome not in _WELL:
            return


def _forth(disks: Mapping[int, Disk], operation: FileOperation) -> OperationOutcome:
    source, target = _ends(disks, operation)
    here = None if source is None else source.project.stat(operation.path)
    if _has_arrived(source, target, operation):
        if here is not None and operation.is_about(here):
            return _leave_one_name(source, target, operation)
        _touch(source, target)  # whoever moved it may have died before it lasted
        return "moved"
    if source is None or here is None:
        return "missing"
    if not operation.is_about(here):
        return "changed"
    if target is None:
        return "refused"
    return _transfer(source, operation.path, target, _target(operation))


def _back(disks: Mapping[int, Disk], operation: FileOperation) -> OperationOutcome:
    """Let the file lie where it lay; one whose name was taken there meanwhile stays where it went."""
    source, target = _ends(disks, operation)
    if source is None or target is None or not _has_arrived(source, target, operation):
        return "kept"
    if _is_back(source, operation):
        return "kept" if target.remove(_target(operation)) else "refused"
    return "kept" if _transfer(target, _target(operation), source, operation.path) == "moved" else "taken"


def _is_back(source: Disk, operation: FileOperation) -> bool:
    """Whether the file lies where it lay: itself, or its bytes, where it was copied back and not removed there yet."""
    here = source.project.stat(operation.path)
    if here is None or operation.is_about(here):
        return here is not None
    content = md5_if_readable(source.project, operation.path) if here.size == operation.size else None
    return content is not None and content == operation.md5


def _transfer(source: Disk, name: str, target: Disk, wanted: str) -> OperationOutcome:
    try:
        transfer(source.project, name, target.project, wanted)
    except NameTakenError:
        return "taken"
    except FileMissingError:
        return "missing"
    except LockedError:
        raise
    except PhotobusError as error:
        if not is_refusal(error) and not is_of_the_disk(error):  # where it lies then is looked at again
            raise
        log.warning("file_not_moved", file=name, reason=error.public_message)
        return "refused"
    _touch(source, target)
    return "moved"


def _has_arrived(source: Disk | None, target: Disk | None, operation: FileOperation) -> bool:
    """Whether the file lies at the destination: itself, or its bytes where no rename led there."""
    if target is None or operation.inode is None:
        return False
    there = target.project.stat(_target(operation))
    return operation.is_about(there) or (there is not None and _is_copy(source, target, operation, there))


def _is_copy(source: Disk | None, target: Disk, operation: FileOperation, there: Entry) -> bool:
    if there.size != operation.size or there.name not in target.project.names():
        return False  # the latter where a file system takes two spellings for one: it is another photo's
    content, expected = md5_if_readable(target.project, _target(operation)), operation.md5
    if source is not None and operation.is_about(source.project.stat(operation.path)):
        expected = md5_if_readable(source.project, operation.path)
    return content is not None and content == expected


def _leave_one_name(source: Disk | None, target: Disk | None, operation: FileOperation) -> OperationOutcome:
    """Take the first of two names from a file: a copy, or a link where that stands for a rename, was cut in between."""
    if source is not None and not source.remove(operation.path):
        return "refused"
    _touch(target)
    return "moved"


def _derivatives(disks: Mapping[int, Disk], operations: Sequence[FileOperation], *, back: bool) -> Iterable[Ended]:
    for one in operations:
        if one.kind == "move_derivative":
            source, target = _ends(disks, one)
            ends = (target, _target(one), source, one.path) if back else (source, one.path, target, _target(one))
            yield Ended(one, _move_derivative(*ends, one, whichever=not back))


def _move_derivative(
    source: Disk | None,
    path: str,
    target: Disk | None,
    wanted: str,
    operation: FileOperation,
    *,
    whichever: bool,
) -> OperationOutcome:
    """Move a derivative: where the photo lies ``whichever`` it is by now, for nobody makes them while its row is held.

    What has its name at the destination belongs to no photo. One that cannot be moved is removed, and made again.
    """
    kind, name = path.split("/")
    there = None if source is None else _derivative(source, path)
    if source is None or target is None or there is None or not (whichever or operation.is_about(there)):
        arrived = target is not None and operation.is_about(_derivative(target, wanted))
        return "moved" if arrived else "missing"
    folder, wanted_name = wanted.split("/")
    try:
        into = target.folder(folder, make=True)
        into.remove(wanted_name)
        transfer(source.folder(kind), name, into, wanted_name)
    except PhotobusError as error:
        if not is_refusal(error):
            raise
        source.remove(path)
        return "refused"
    source.touch(kind)
    target.touch(folder)
    return "moved"


def _leave_no_derivative(disks: Mapping[int, Disk], operation: FileOperation) -> None:
    """Remove what was made where the photo lay after its move was put on record: it shows the photo that left."""
    source = disks.get(operation.project_id)
    if source is None or operation.filename is None:
        return
    for kind in (THUMBNAILS, PREVIEWS):
        for file_format in EXTENSIONS:
            source.remove(f"{kind}/{derivative_name(operation.filename, file_format)}")


def _derivative(disk: Disk, path: str) -> Entry | None:
    folder, name = path.split("/")
    try:
        return disk.folder(folder).stat(name)
    except FileMissingError:
        return None


def _ends(disks: Mapping[int, Disk], operation: FileOperation) -> tuple[Disk | None, Disk | None]:
    return disks.get(operation.project_id), disks.get(operation.target_project_id or operation.project_id)


def _target(operation: FileOperation) -> str:
    return operation.target_path or operation.path


def _touch(*disks: Disk | None) -> None:
    for disk in disks:
        if disk is not None:
            disk.touch("")
