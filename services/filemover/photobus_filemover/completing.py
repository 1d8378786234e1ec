"""The one transaction in which operations are carried out: files, rows, events and outcomes of items become true in it.

The photos' rows are held while their files go, so that nobody can decide to keep one in between. A process that dies
in it leaves the operations open and the rows as they were; the next one finds on disk how far it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from photobus_common.events import EventData, Origin, cut_by_bytes
from photobus_common.events.projects import (
    FileFact,
    FilesTrashed,
    PhotoFiles,
    PhotoFilesChanged,
    PhotosRemoved,
    TrashedFile,
)
from photobus_common.reconciliation import CatalogueFile, CatalogueProject
from photobus_common.removal import Aftermath, DeletedRow, RemovablePhoto, aftermath, removed_photo
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store import removals
from photobus_common.store.file_operations import end_operations, open_operations
from photobus_common.store.job_items import ItemOutcome
from photobus_common.store.reconciliation import ChangedPhoto
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker.blocking import in_thread
from photobus_filemover.carrying_out import Ended, carry_out

SOURCE: Final = "/filemover"

LIMIT_IDLENESS: Final = "SELECT set_config('idle_in_transaction_session_timeout', $1, true)"

_FAILURES: Final = {
    "changed": "Another file has taken its place.",
    "refused": "The storage does not let the file go.",
}


@dataclass(frozen=True)
class Cause:
    """The item of a job on whose behalf a photo's files go."""

    job_id: UUID
    attempt: int
    position: int
    task_id: UUID
    actor: str


@dataclass(frozen=True)
class Settled:
    """What became of one photo; ``photo`` is how it was before, None where it is no longer in the project."""

    cause: Cause
    photo_id: int
    photo: RemovablePhoto | None
    ended: tuple[Ended, ...]

    @property
    def removed(self) -> tuple[CatalogueFile, ...]:
        """Files on record that are no longer where they were."""
        names = {one.operation.path for one in self.ended if one.removed}
        return tuple(file for file in self.photo.files if file.name in names) if self.photo else ()

    @property
    def aftermath(self) -> Aftermath | None:
        """How the photo stands now; None where nothing about it changed."""
        if self.photo is None:
            return None
        after = aftermath(self.photo, [file.name for file in self.removed])
        return after if self.removed or after.photo_goes else None

    @property
    def outcome(self) -> ItemOutcome:
        """What is said of the item."""
        position = self.cause.position
        for one in self.ended:
            if one.outcome in _FAILURES:
                return ItemOutcome(position, self.photo_id, "failed", f"{one.operation.path}: {_FAILURES[one.outcome]}")
        if self.aftermath is not None or any(one.outcome == "moved" for one in self.ended):
            return ItemOutcome(position, self.photo_id, "done")
        reason = "The photo is no longer there." if self.photo is None else "unchanged"
        return ItemOutcome(position, self.photo_id, "skipped", reason)


@dataclass(frozen=True)
class Place:
    """A project and its open folder, whose lock is held.

    ``patience_seconds`` is how long rows and claim stay locked for a process that is stopped in the middle: as long as
    its lease. What it does when it wakes is not committed, and found on disk by whoever comes next.
    """

    project: CatalogueProject
    folder: ProjectFolder
    patience_seconds: float


async def complete(work: UnitOfWork, place: Place, asked: Mapping[int, Cause]) -> list[Settled]:
    """Carry out what is on record for the project, and settle the photos ``asked`` about that have no files to move.

    The caller writes the outcomes of the items.
    """
    project, folder = place.project, place.folder
    await work.connection.execute(LIMIT_IDLENESS, f"{round(place.patience_seconds * 1000)}ms")
    operations = await open_operations(work.connection, project.id, lock=True)
    causes = dict(asked)
    for one in operations:
        causes[one.photo_id] = Cause(one.job_id, one.attempt, one.position, one.task_id, one.actor)
    found = await removals.removable_photos(work.connection, project.tenant, sorted(causes), lock=True)
    photos = {photo.id: photo for photo in found.values() if photo.project_id == project.id}
    ended = await in_thread(carry_out, folder, operations, photos)
    await end_operations(work.connection, [(one.operation.id, one.outcome) for one in ended])
    settled = [
        Settled(cause, photo, photos.get(photo), tuple(one for one in ended if one.operation.photo_id == photo))
        for photo, cause in causes.items()
    ]
    await _write(work, project, settled)
    return settled


async def _write(work: UnitOfWork, project: CatalogueProject, settled: Sequence[Settled]) -> None:
    changes = {one.photo_id: after for one in settled if (after := one.aftermath) is not None}
    files = [(one.photo_id, file.name) for one in settled for file in one.removed]
    await removals.remove_files(work.connection, project.id, files)
    staying = {photo: after for photo, after in changes.items() if not after.photo_goes}
    changed = {row.id: row for row in await removals.shrink_photos(work.connection, staying)}
    removed = await removals.delete_photos(
        work.connection, [photo for photo, after in changes.items() if after.photo_goes]
    )
    for task_id, actor in dict.fromkeys((one.cause.task_id, one.cause.actor) for one in settled):
        own = [one for one in settled if (one.cause.task_id, one.cause.actor) == (task_id, actor)]
        origin = Origin(SOURCE, project.tenant, actor, task_id)
        about = {"project_id": project.id, "project_folder": project.folder, "task_id": task_id}
        for data in _events(own, changed, removed, about):
            work.emit(origin.event(data))


def _events(
    settled: Sequence[Settled],
    changed: Mapping[int, ChangedPhoto],
    removed: Mapping[int, DeletedRow],
    about: dict[str, Any],
) -> list[EventData]:
    trashed = [
        TrashedFile(
            photo_id=one.photo_id,
            name=ended.operation.path,
            trash_path=ended.operation.target_path,
            size=ended.operation.size or 0,
            md5=ended.operation.md5,
        )
        for one in settled
        for ended in one.ended
        if ended.outcome == "moved" and ended.operation.target_path is not None
    ]
    staying = [_changed(one, changed[one.photo_id]) for one in settled if one.photo_id in changed]
    going = [
        removed_photo(one.photo, removed[one.photo_id]) for one in settled if one.photo and one.photo_id in removed
    ]
    return [
        *(FilesTrashed(**about, reason="committed", files=files) for files in cut_by_bytes(trashed)),
        *(PhotoFilesChanged(**about, cause="file_removal", photos=photos) for photos in cut_by_bytes(staying)),
        *(PhotosRemoved(**about, cause="file_removal", photos=photos) for photos in cut_by_bytes(going)),
    ]


def _changed(one: Settled, row: ChangedPhoto) -> PhotoFiles:
    return PhotoFiles(
        photo_id=row.id,
        filename=row.filename,
        version=row.version,
        removed=tuple(_fact(file) for file in one.removed),
        thumbnail_status=row.thumbnail_status,
        preview_status=row.preview_status,
    )


def _fact(file: CatalogueFile) -> FileFact:
    return FileFact(name=file.name, kind=file.kind, size=file.size, md5=file.md5)
