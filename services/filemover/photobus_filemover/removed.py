"""Photos of which files went: rows and events that follow from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from photobus_common.events import EventData, cut_by_bytes
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
from photobus_common.store import removals
from photobus_common.store.job_items import ItemOutcome
from photobus_common.store.lost_files import forget_photos, forget_unkept
from photobus_common.store.reconciliation import ChangedPhoto
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_filemover.carrying_out import Ended
from photobus_filemover.settling import Cause

_FAILURES: Final = {
    "changed": "Another file has taken its place.",
    "refused": "The storage does not let the file go.",
}

_WORDS: Final[Mapping[bool, tuple[Literal["committed", "undone"], Literal["file_removal", "undo"]]]] = {
    False: ("committed", "file_removal"),
    True: ("undone", "undo"),
}
"""What events say was the reason, by whether it was an undo."""


@dataclass(frozen=True)
class Removed:
    """What became of one photo; ``photo`` is how it was before, None where it is no longer in the project.

    ``undone``: its files had come back by an undo that is undone now.
    """

    cause: Cause
    photo_id: int
    project_id: int
    photo: RemovablePhoto | None
    ended: tuple[Ended, ...]
    undone: bool = False

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
    def derivatives_wanted(self) -> bool:
        """Whether another of its files shows it from now on."""
        return self.aftermath is not None and self.aftermath.derivatives == "pending"

    @property
    def outcome(self) -> ItemOutcome:
        """What is said of the item."""
        position = self.cause.position
        for one in self.ended:
            if one.outcome in _FAILURES:
                return ItemOutcome(position, self.photo_id, "failed", f"{one.operation.path}: {_FAILURES[one.outcome]}")
        staying = [one.operation.path for one in self.ended if one.outcome == "kept" and one.operation.kind == "trash"]
        if self.undone and staying:
            return ItemOutcome(position, self.photo_id, "failed", f"To be kept by now: {', '.join(staying)}.")
        if self.aftermath is not None or any(one.outcome == "moved" for one in self.ended):
            return ItemOutcome(position, self.photo_id, "done")
        reason = "The photo is no longer there." if self.photo is None else "unchanged"
        return ItemOutcome(position, self.photo_id, "skipped", reason)


async def write_removed(work: UnitOfWork, project: CatalogueProject, settled: Sequence[Removed]) -> None:
    """Write what became of photos of one project, and say it."""
    changes = {one.photo_id: after for one in settled if (after := one.aftermath) is not None}
    files = [(one.photo_id, file.name) for one in settled for file in one.removed]
    await removals.remove_files(work.connection, project.id, files)
    staying = {photo: after for photo, after in changes.items() if not after.photo_goes}
    changed = {row.id: row for row in await removals.shrink_photos(work.connection, staying)}
    removed = await removals.delete_photos(
        work.connection, [photo for photo, after in changes.items() if after.photo_goes]
    )
    await forget_photos(work.connection, list(removed))
    await forget_unkept(work.connection, list(changed))
    for task_id in dict.fromkeys(one.cause.task_id for one in settled):
        own = [one for one in settled if one.cause.task_id == task_id]
        origin = own[0].cause.origin(project.tenant)
        about = {"project_id": project.id, "project_folder": project.folder, "task_id": task_id}
        for data in _events(own, changed, removed, about):
            work.emit(origin.event(data))


def _events(
    settled: Sequence[Removed],
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
    reason, cause = _WORDS[settled[0].undone]
    return [
        *(FilesTrashed(**about, reason=reason, files=files) for files in cut_by_bytes(trashed)),
        *(PhotoFilesChanged(**about, cause=cause, photos=photos) for photos in cut_by_bytes(staying)),
        *(PhotosRemoved(**about, cause=cause, photos=photos) for photos in cut_by_bytes(going)),
    ]


def _changed(one: Removed, row: ChangedPhoto) -> PhotoFiles:
    return PhotoFiles(
        photo_id=row.id,
        filename=row.filename,
        version=row.version,
        removed=tuple(_fact(file) for file in one.removed),
        thumbnail_status=row.thumbnail_status,
        preview_status=row.preview_status,
        keep=row.keep,
    )


def _fact(file: CatalogueFile) -> FileFact:
    return FileFact(name=file.name, kind=file.kind, size=file.size, md5=file.md5)
