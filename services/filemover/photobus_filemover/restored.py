"""Photos of which files came back from the trash: what may stand in their way, and rows and events that follow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from photobus_common.deeds import Deed, Place
from photobus_common.events import EventData, cut_by_bytes
from photobus_common.events.parts import FileKind
from photobus_common.events.projects import (
    FileFact,
    FilesRestored,
    PhotoFiles,
    PhotoFilesChanged,
    PhotoRemoved,
    PhotosRestored,
    TrashedFile,
)
from photobus_common.reconciliation import SHOWN_FIRST, CatalogueFile, shown_name
from photobus_common.removal import RemovablePhoto
from photobus_common.storage.errors import LockedError
from photobus_common.storage.project_folder import modified_at
from photobus_common.store.database import Connection
from photobus_common.store.file_operations import FileOperation
from photobus_common.store.job_items import ItemOutcome
from photobus_common.store.moves import taken_by_others
from photobus_common.store.restoring import restore_photos
from photobus_common.store.returns import Growth, grow_photos
from photobus_common.store.undoing import deeds_of_task
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.undoing import GONE
from photobus_filemover.bringing_back import Brought
from photobus_filemover.places import Places
from photobus_filemover.settling import Cause

_FAILURES: Final = {
    "missing": "It is no longer in the trash.",
    "changed": "Another file lies in its place in the trash.",
    "taken": "Another file has its name now.",
    "refused": "The storage does not let the file come back.",
    "kept": "It stays in the trash.",
}


@dataclass(frozen=True)
class Return:
    """A photo that is to come back to ``place``, or whose files are, by ``operations``; ``obstacle``: why not any more.

    ``photo`` is how it is, None where its row is gone, of which ``removed`` then tells. ``kinds`` are those of its
    files, by name.
    """

    place: Place
    operations: Sequence[FileOperation]
    photo: RemovablePhoto | None
    removed: PhotoRemoved | None
    kinds: Mapping[str, FileKind]
    obstacle: str | None


@dataclass(frozen=True)
class Restored:
    """What became of one photo that was to come back, or whose files were."""

    cause: Cause
    photo_id: int
    plan: Return
    brought: Brought

    @property
    def project_id(self) -> int:
        """Where it lies now, or lay."""
        return self.plan.place.project_id

    @property
    def back(self) -> tuple[tuple[CatalogueFile, datetime, str], ...]:
        """The files that are back, each with its own time and where it lay in the trash."""
        return tuple(
            (
                CatalogueFile(file.name, self.plan.kinds[file.name], file.size, one.operation.md5 or ""),
                modified_at(file),
                one.operation.path,
            )
            for one in self.brought.ended
            if (file := self.brought.files.get(one.operation.id)) is not None
        )

    @property
    def row_returns(self) -> bool:
        """Whether the photo comes into the catalogue again: with files, unless it had none."""
        plan = self.plan
        removed = plan.removed if plan.photo is None and plan.obstacle is None else None
        return removed is not None and (bool(self.back) or not removed.files)

    @property
    def derivatives_wanted(self) -> bool:
        """Whether another file shows it from now on, or one at all."""
        before = [(file.kind, file.name) for file in self.plan.photo.files] if self.plan.photo else []
        after = [*before, *((file.kind, file.name) for file, _, _ in self.back)]
        return shown_name(after) != shown_name(before)

    @property
    def outcome(self) -> ItemOutcome:
        """What is said of the item: each file that is not back by its name."""
        position = self.cause.position
        if self.plan.obstacle is not None:
            return ItemOutcome(position, self.photo_id, "failed", self.plan.obstacle)
        failed = [one for one in self.brought.ended if one.outcome != "moved"]
        said = " ".join(f"{one.operation.target_path}: {_FAILURES[one.outcome]}" for one in failed)
        return ItemOutcome(position, self.photo_id, "failed" if failed else "done", said or None)


async def returns(
    connection: Connection,
    places: Places,
    operations: Sequence[FileOperation],
    undos: Mapping[int, UUID],
    photos: Mapping[int, RemovablePhoto],
) -> dict[int, Return]:
    """Return, by photo, what is on record to come back, and what has no files to come back with.

    ``undos`` says of the photos of undos which task is undone.
    """
    coming = [one for one in operations if one.kind == "restore"]
    recorded: dict[int, list[FileOperation]] = {}
    for one in coming:
        recorded.setdefault(one.photo_id, []).append(one)
    taken = await taken_by_others(connection, coming)
    deeds: dict[int, Deed] = {}
    for undone in dict.fromkeys(undos.values()):
        wanted = [
            photo for photo, task in undos.items() if task == undone and (photo in recorded or photo not in photos)
        ]
        deeds |= await deeds_of_task(connection, places.tenant, undone, wanted)
    bare = [photo for photo, deed in deeds.items() if photo not in recorded and deed.removed and not deed.removed.files]
    return {
        photo: _return(places, recorded.get(photo, []), photos.get(photo), deeds.get(photo), taken=photo in taken)
        for photo in (*recorded, *bare)
    }


def _return(
    places: Places,
    operations: Sequence[FileOperation],
    photo: RemovablePhoto | None,
    deed: Deed | None,
    *,
    taken: bool,
) -> Return:
    if operations:
        place = Place(operations[0].project_id, operations[0].target_filename or "")
    elif deed is not None and deed.place is not None:
        place = deed.place
    else:
        raise AssertionError("nothing says where the photo is to come back")
    return Return(
        place=place,
        operations=operations,
        photo=photo,
        removed=deed.removed if deed else None,
        kinds={name: fact.kind for name, fact in deed.facts.items()} if deed else {},
        obstacle="Another photo has its name now." if taken else _obstacle(places, place, operations, photo, deed),
    )


def _obstacle(
    places: Places, place: Place, operations: Sequence[FileOperation], photo: RemovablePhoto | None, deed: Deed | None
) -> str | None:
    project = places[place.project_id].project
    if not project.active:
        return f"Its project {project.name} was deleted."
    if deed is None or (photo is None and deed.removed is None):
        return GONE
    if photo is not None and (photo.project_id, photo.filename) != place:
        return "It was moved meanwhile."
    if photo is not None and {file.name for file in photo.files} & {one.target_path for one in operations}:
        return "It got another file of the same name meanwhile."
    return None


async def write_restored(work: UnitOfWork, places: Places, settled: Sequence[Restored]) -> None:
    """Write what is back, and say it."""
    for (project_id, _), group in groupby(sorted(settled, key=_group), key=_group):
        own = list(group)
        times = {file.name: at for one in own for file, at, _ in one.back}
        returning = [_as_it_returns(one) for one in own if one.row_returns]
        restored = await restore_photos(work.connection, places.tenant, project_id, returning, times)
        if restored.there or restored.taken:
            raise LockedError("Somebody else is bringing the photo back.")  # comes again, and finds how it is
        growing = {one.photo_id: one for one in own if one.plan.photo is not None and one.back}
        changed = await grow_photos(
            work.connection, places.tenant, project_id, [_growth(one) for one in growing.values()]
        )
        parts = [
            PhotoFiles(
                photo_id=row.id,
                filename=row.filename,
                version=row.version,
                added=_facts(growing[row.id]),
                thumbnail_status=row.thumbnail_status,
                preview_status=row.preview_status,
                keep=row.keep,
            )
            for row in changed.values()
        ]
        project, cause = places[project_id].project, own[0].cause
        about = {"project_id": project.id, "project_folder": project.folder, "task_id": cause.task_id}
        told: list[EventData] = [
            *(FilesRestored(**about, files=files) for files in cut_by_bytes([*_returned(own)])),
            *(PhotoFilesChanged(**about, cause="undo", photos=photos) for photos in cut_by_bytes(parts)),
            *(PhotosRestored(**about, cause="undo", photos=photos) for photos in cut_by_bytes(restored.photos)),
        ]
        for data in told:
            work.emit(cause.origin(places.tenant).event(data))


def _group(one: Restored) -> tuple[int, str]:
    return one.project_id, str(one.cause.task_id)


def _growth(one: Restored) -> Growth:
    files = tuple((file, at) for file, at, _ in one.back)
    photo = one.plan.photo
    kinds = {file.kind for file in (*(photo.files if photo else ()), *(file for file, _ in files))}
    return Growth(one.photo_id, files, frozenset(kind for kind in SHOWN_FIRST if kind in kinds), one.derivatives_wanted)


def _as_it_returns(one: Restored) -> PhotoRemoved:
    """Return what was said of the photo when it went, but for what is true of its files now."""
    removed = one.plan.removed
    if removed is None:
        raise AssertionError("a photo returns that nothing is known of")
    originals = [file for file, _, _ in one.back if file.kind != "sidecar"]
    kinds = {file.kind for file in originals}
    status = "pending" if originals else "missing"
    row = {name: value for name, value in removed.row.items() if not name.startswith("derivative_")}
    files_now = {
        **{f"{kind}_available": kind in kinds for kind in SHOWN_FIRST},
        "size": sum(file.size for file in originals),
        "thumbnail_status": status,
        "preview_status": status,
    }
    return removed.model_copy(update={"files": _facts(one), "row": {**row, **files_now}})


def _facts(one: Restored) -> tuple[FileFact, ...]:
    return tuple(FileFact(name=file.name, kind=file.kind, size=file.size, md5=file.md5) for file, _, _ in one.back)


def _returned(settled: Sequence[Restored]) -> Iterator[TrashedFile]:
    for one in settled:
        for file, _, path in one.back:
            yield TrashedFile(photo_id=one.photo_id, name=file.name, trash_path=path, size=file.size, md5=file.md5)
