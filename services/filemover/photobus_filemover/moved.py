"""Photos that moved to another project: what may stand in their way, and rows and events that follow from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import MovedFile, PhotoMoved, PhotosMoved
from photobus_common.removal import RemovablePhoto
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_common.store.database import Connection
from photobus_common.store.file_operations import FileOperation
from photobus_common.store.job_items import ItemOutcome
from photobus_common.store.moves import MovedRow, move_rows, taken_by_others
from photobus_common.store.reconciliation import ChangedPhoto
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_filemover.carrying_out import Ended
from photobus_filemover.places import Places
from photobus_filemover.settling import Cause

_FAILURES: Final = {
    "changed": "Another file has taken its place.",
    "refused": "The storage does not let the file go there.",
    "taken": "Its name was taken by another file.",
}


@dataclass(frozen=True)
class Moved:
    """What became of one photo that was to move; ``obstacle`` is why it was not wanted at its destination any more.

    ``photo`` is how it was before, None where it is no longer there.
    """

    cause: Cause
    photo_id: int
    photo: RemovablePhoto | None
    ended: tuple[Ended, ...]
    obstacle: str | None

    @property
    def is_there(self) -> bool:
        """Whether it lies at its destination now."""
        outcomes = {one.outcome for one in self.ended if one.operation.kind == "move"}
        return self.photo is not None and self.obstacle is None and "moved" in outcomes <= {"moved", "missing"}

    @property
    def route(self) -> tuple[int, int]:
        """From which project to which."""
        first = self.ended[0].operation
        return first.project_id, first.target_project_id or first.project_id

    @property
    def project_id(self) -> int:
        """Where it lies now."""
        return self.route[1 if self.is_there else 0]

    @property
    def filename(self) -> str:
        """The basename that it gets."""
        first = self.ended[0].operation
        return first.target_filename or first.filename or ""

    def lost(self, kind: str) -> bool:
        """Whether no derivative of the ``kind`` came along."""
        paths = (one.operation.path for one in self.ended if one.outcome == "moved")
        return not any(path.startswith(f"{kind}/") for path in paths)

    @property
    def derivatives_wanted(self) -> bool:
        """Whether derivatives that it had are to be made anew."""
        if self.photo is None or not self.is_there:
            return False
        lost_thumbnail = self.photo.thumbnail_status == "generated" and self.lost(THUMBNAILS)
        return lost_thumbnail or (self.photo.preview_status == "generated" and self.lost(PREVIEWS))

    @property
    def outcome(self) -> ItemOutcome:
        """What is said of the item: of a photo that got another basename, that too."""
        position = self.cause.position
        if self.photo is not None and self.is_there:
            renamed = self.filename != self.photo.filename
            said = f"{self.photo.filename} is called {self.filename} there." if renamed else None
            return ItemOutcome(position, self.photo_id, "done", said)
        return ItemOutcome(position, self.photo_id, "failed", self.obstacle or self._failure())

    def _failure(self) -> str:
        for one in self.ended:
            if one.outcome in _FAILURES:
                return f"{one.operation.path}: {_FAILURES[one.outcome]}"
        return "Its files are not there."


async def obstacles(
    connection: Connection,
    places: Places,
    moving: Mapping[int, Sequence[FileOperation]],
    photos: Mapping[int, RemovablePhoto],
) -> dict[int, str]:
    """Return by photo what stands in the way of those that are no longer to move."""
    taken = await taken_by_others(connection, [operation for one in moving.values() for operation in one])
    found = {photo_id: _obstacle(places, operations, photos.get(photo_id)) for photo_id, operations in moving.items()}
    named = dict.fromkeys(taken, "Another photo of that name came to the destination.")
    return {**named, **{photo_id: reason for photo_id, reason in found.items() if reason is not None}}


def _obstacle(places: Places, operations: Sequence[FileOperation], photo: RemovablePhoto | None) -> str | None:
    first = operations[0]
    target = places[first.target_project_id or first.project_id]
    if photo is None:
        return "The photo is no longer there."
    if photo.project_id != first.project_id:
        return "The photo was moved elsewhere meanwhile."
    if not target.project.active:
        return f"The project {target.project.name} was deleted."
    if {one.path for one in operations if one.kind == "move"} != {file.name for file in photo.files}:
        return "Files came to it or went from it meanwhile."
    return None


async def write_moved(work: UnitOfWork, places: Places, settled: Sequence[Moved]) -> None:
    """Write where photos lie now, and say it."""
    there = sorted((one for one in settled if one.is_there), key=_group)
    for (source_id, target_id, _), group in groupby(there, key=_group):
        own = list(group)
        changed = await move_rows(work.connection, target_id, [_row(one) for one in own])
        source, target = places[source_id].project, places[target_id].project
        for photos in cut_by_bytes([told for one in own for told in _told(one, changed)]):
            data = PhotosMoved(
                project_id=target.id,
                project_folder=target.folder,
                task_id=own[0].cause.task_id,
                source_project_id=source.id,
                source_project_folder=source.folder,
                photos=photos,
            )
            work.emit(own[0].cause.origin(places.tenant).event(data))


def _group(one: Moved) -> tuple[int, int, str]:
    return (*one.route, str(one.cause.task_id))


def _row(one: Moved) -> MovedRow:
    files = {
        ended.operation.path: ended.operation.target_path or ended.operation.path
        for ended in one.ended
        if ended.operation.kind == "move"
    }
    return MovedRow(one.photo_id, one.filename, files, one.lost(THUMBNAILS), one.lost(PREVIEWS))


def _told(one: Moved, changed: Mapping[int, ChangedPhoto]) -> Iterator[PhotoMoved]:
    row, photo = changed.get(one.photo_id), one.photo
    if row is None or photo is None:
        return
    names = _row(one).files
    yield PhotoMoved(
        photo_id=row.id,
        filename=row.filename,
        source_filename=photo.filename,
        version=row.version,
        files=tuple(
            MovedFile(name=names[file.name], source_name=file.name, kind=file.kind, size=file.size, md5=file.md5)
            for file in photo.files
        ),
        thumbnail_status=row.thumbnail_status,
        preview_status=row.preview_status,
        keep=row.keep,
    )
