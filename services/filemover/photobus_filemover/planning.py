"""Turning plans into operations: which file exactly goes where. Reads the disk and changes nothing there."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from photobus_common.moving import Move
from photobus_common.photos.derivatives import EXTENSIONS, derivative_name
from photobus_common.removal import Removal
from photobus_common.storage.errors import FileMissingError
from photobus_common.storage.folder import Entry
from photobus_common.storage.names import numbered_names
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, TRASH, ProjectFolder, trash_folder, trashed_at
from photobus_common.storage.transfer import md5_if_readable
from photobus_common.store.file_operations import FileOperation
from photobus_common.undoing import Comeback, Returning
from photobus_common.worker import Job, JobItem
from photobus_filemover.places import Places

ONE_FOLDER_FOR: Final = timedelta(hours=1)
"""How long what one task removes goes to one folder of the trash; its age counts from the folder's time."""


def planned_operations(
    job: Job, folder: ProjectFolder, planned: Sequence[tuple[JobItem, Removal]]
) -> list[FileOperation]:
    """Return what is to be done for ``planned``; blocks. The caller holds the folder's lock."""
    names = _TrashNames(folder, _folder_for(folder, job.command.task_id))
    return [
        operation
        for item, removal in planned
        for operation in (*_trashing(job, item, removal, folder, names), *_derivatives(job, item, removal, folder))
    ]


def retargeted(places: Places, operations: Iterable[FileOperation]) -> list[tuple[UUID, str]]:
    """Return other names in the trash for operations whose own was taken by something else meanwhile; blocks."""
    found = []
    for operation in operations:
        folder = places[operation.project_id].folder
        if operation.kind != "trash" or operation.target_path is None or operation.inode is None or folder is None:
            continue
        _, trashed, name = operation.target_path.split("/")
        there = folder.stat_trashed(name, trashed)
        if not operation.is_about(there) and _is_taken(folder, trashed, name):
            free = _TrashNames(folder, trashed, known=[name]).free(operation.path)
            found.append((operation.id, folder.trash_path(free, trashed)))
    return found


class _TrashNames:
    """Names of one folder of the trash that are free, each given once."""

    def __init__(self, folder: ProjectFolder, trashed: str, known: Iterable[str] = ()) -> None:
        self.folder = trashed
        self._taken = {*_names_in_trash(folder, trashed), *known}

    def free(self, name: str) -> str:
        found = next(numbered for numbered in numbered_names(name) if numbered not in self._taken)
        self._taken.add(found)
        return found


def _trashing(
    job: Job, item: JobItem, removal: Removal, folder: ProjectFolder, names: _TrashNames
) -> Iterable[FileOperation]:
    for file in removal.going:
        entry = folder.stat(file.name)
        yield FileOperation(
            **_about(job, item, entry),
            kind="trash",
            path=file.name,
            target_path=folder.trash_path(names.free(file.name), names.folder),
            md5=file.md5 if entry is not None and entry.size == file.size else None,
        )


def _derivatives(job: Job, item: JobItem, removal: Removal, folder: ProjectFolder) -> Iterable[FileOperation]:
    if removal.aftermath.derivatives != "removed":
        return
    for kind in (THUMBNAILS, PREVIEWS):
        for file_format in EXTENSIONS:
            name = derivative_name(removal.photo.filename, file_format)
            entry = folder.stat_derivative(kind, name)
            if entry is not None:
                yield FileOperation(**_about(job, item, entry), kind="remove_derivative", path=f"{kind}/{name}")


def move_operations(
    job: Job, source: ProjectFolder, target_id: int, planned: Sequence[tuple[JobItem, Move]]
) -> list[FileOperation]:
    """Return what is to be done for ``planned`` moves out of one project; blocks. The caller holds both locks."""
    return [
        operation
        for item, move in planned
        for operation in (*_originals(job, item, move, source, target_id), *_along(job, item, move, source, target_id))
    ]


def _originals(job: Job, item: JobItem, move: Move, source: ProjectFolder, target_id: int) -> Iterable[FileOperation]:
    for file, name in move.files:
        entry = source.stat(file.name)
        yield FileOperation(
            **_about(job, item, entry),
            kind="move",
            path=file.name,
            filename=move.photo.filename,
            target_project_id=target_id,
            target_path=name,
            target_filename=move.filename,
            md5=file.md5 if entry is None or entry.size == file.size else md5_if_readable(source, file.name),
        )


def _along(job: Job, item: JobItem, move: Move, source: ProjectFolder, target_id: int) -> Iterable[FileOperation]:
    for kind in (THUMBNAILS, PREVIEWS):
        for file_format in EXTENSIONS:
            name = derivative_name(move.photo.filename, file_format)
            entry = source.stat_derivative(kind, name)
            if entry is not None:
                yield FileOperation(
                    **_about(job, item, entry),
                    kind="move_derivative",
                    path=f"{kind}/{name}",
                    filename=move.photo.filename,
                    target_project_id=target_id,
                    target_path=f"{kind}/{derivative_name(move.filename, file_format)}",
                    target_filename=move.filename,
                )


def restore_operations(
    job: Job, folder: ProjectFolder, planned: Sequence[tuple[JobItem, Comeback]]
) -> list[FileOperation]:
    """Return what is to be done for files to come back from the trash; blocks. The caller holds the folder's lock."""
    return [_restoring(job, item, comeback, file, folder) for item, comeback in planned for file in comeback.files]


def _restoring(job: Job, item: JobItem, comeback: Comeback, file: Returning, folder: ProjectFolder) -> FileOperation:
    """Put on record the file that went to the trash: one of another size there is another file."""
    _, trashed, name = file.trash_path.split("/")
    entry = folder.stat_trashed(name, trashed)
    md5 = file.md5
    if md5 is None and entry is not None and entry.size == file.size:
        with folder.subfolder(TRASH) as trash, trash.subfolder(trashed) as own:
            md5 = md5_if_readable(own, name)
    return FileOperation(
        **{**_about(job, item, entry), "size": file.size},
        kind="restore",
        path=file.trash_path,
        target_project_id=item.project_id,
        target_path=file.name,
        target_filename=comeback.place.filename,
        md5=md5,
    )


def _about(job: Job, item: JobItem, entry: Entry | None) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "tenant": job.command.tenant,
        "actor": job.command.actor,
        "task_id": job.command.task_id,
        "job_id": job.command.job_id,
        "attempt": job.command.attempt,
        "position": item.position,
        "photo_id": item.photo_id,
        "project_id": item.project_id,
        "device": entry and entry.device,
        "inode": entry and entry.inode,
        "size": entry and entry.size,
    }


def _folder_for(folder: ProjectFolder, task_id: UUID) -> str:
    """Return the task's folder in the project's trash; one that is not young any more gets a successor."""
    now = datetime.now(UTC)
    try:
        with folder.subfolder(TRASH) as trash:
            own = [name for name in trash.folders(hidden=True) if name.endswith(f"-{task_id}")]
    except FileMissingError:
        own = []
    young = [name for name in own if (at := trashed_at(name)) is not None and at > now - ONE_FOLDER_FOR]
    return max(young, default=trash_folder(now, task_id))


def _names_in_trash(folder: ProjectFolder, trashed: str) -> frozenset[str]:
    try:
        with folder.subfolder(TRASH) as trash, trash.subfolder(trashed) as own:
            return own.names()
    except FileMissingError:
        return frozenset()


def _is_taken(folder: ProjectFolder, trashed: str, name: str) -> bool:
    try:
        with folder.subfolder(TRASH) as trash, trash.subfolder(trashed) as own:
            return own.taken(name)
    except FileMissingError:
        return False
