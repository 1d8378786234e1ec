"""Photos that were known again come to lie under their new names, in the rows; their files do so already.

Both folders are held, in the order of their projects' ids, and all is looked at once more under the locks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from photobus_common.errors import StorageUnavailableError
from photobus_common.events import cut_by_bytes
from photobus_common.events.maintenance import PhotosRecognized
from photobus_common.events.projects import (
    FileFact,
    ManifestChanged,
    MovedFile,
    PhotoFiles,
    PhotoFilesChanged,
    PhotoMoved,
    PhotoRemoved,
    PhotoRestored,
    PhotosRestored,
)
from photobus_common.logging import get_logger
from photobus_common.photos.derivatives import EXTENSIONS, derivative_name
from photobus_common.recognition import MissedPhoto, Pair, pairs_of, recognized
from photobus_common.reconciliation import CatalogueFile, CatalogueProject
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, ProjectFolder
from photobus_common.store import uploads
from photobus_common.store.database import Connection
from photobus_common.store.file_operations import basenames_in_motion
from photobus_common.store.photos import LOCK_PHOTOS, Arrival, Recorded, photos_of_basenames, record_files
from photobus_common.store.recognizing import (
    Recognition,
    basenames_taken,
    missed_files,
    note_missing,
    recognize_photos,
    removals_in_log,
    size_of,
)
from photobus_common.store.reconciliation import ChangedPhoto, names_in_motion
from photobus_common.store.restoring import restore_photos
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker.blocking import in_thread_beside
from photobus_maintenance.asking import ask_for_derivatives
from photobus_maintenance.visits import Visit, keep_project
from photobus_maintenance.whereabouts import Source, held, seen_beside

CHANGED_MEANWHILE: Final = "changed_meanwhile"

log = get_logger()


@dataclass(frozen=True)
class KnownAgain:
    """A photo and the files that turned up of it, all of the basename that it has from now on."""

    photo: MissedPhoto
    basename: str
    files: tuple[tuple[Arrival, Entry], ...]

    @property
    def facts(self) -> list[CatalogueFile]:
        """The files as rows have them."""
        return [CatalogueFile(one.file.name, one.file.kind, one.file.size, one.file.md5) for one, _ in self.files]

    @property
    def pairs(self) -> list[Pair]:
        """Which of them is which of the photo's."""
        return pairs_of(self.facts, self.photo)

    @property
    def others(self) -> list[Arrival]:
        """Files that came along and are not known."""
        known = {pair.found.name for pair in self.pairs}
        return [arrival for arrival, _ in self.files if arrival.file.name not in known]

    @property
    def recognition(self) -> Recognition:
        """How the photo lies now, with the names that those of its originals would have that did not turn up."""
        times: Mapping[str, datetime] = {arrival.file.name: arrival.file.modified_at for arrival, _ in self.files}
        found = {pair.known.name for pair in self.pairs}
        lost = [file for file in self.photo.files if file.kind != "sidecar" and file.name not in found]
        renamed = [replace(file, name=_renamed(file.name, self.photo.filename, self.basename)) for file in lost]
        files = tuple((pair.found, times[pair.found.name]) for pair in self.pairs)
        missing = tuple({file.name: file for file in renamed if file.name not in times}.values())
        anew = {file.kind for file, _ in files} - {file.kind for file in self.photo.files}
        return Recognition(self.photo.id, self.basename, files, missing, frozenset(anew))


async def take_over(visit: Visit, source_id: int, known: Sequence[KnownAgain]) -> None:
    """Write that photos of one project lie under their new names in the visited one; what no longer is so waits."""
    async with held(visit, source_id) as source, visit.report.checkpoint() as work:
        still = await _still(visit, work.connection, source, known)
        if len(still) < len(known):
            visit.pending.append(CHANGED_MEANWHILE)
        removed = [one for one in still if one.photo.removed_by is not None]
        moved = [one for one in still if one.photo.removed_by is None]
        await _move(visit, work, source, moved)
        back = await _bring_back(visit, work, removed)
        here = [*moved, *back]
        if len(back) < len(removed):
            visit.pending.append(CHANGED_MEANWHILE)
        await _add_others(visit, work, [arrival for one in here for arrival in one.others])
        if here:
            work.emit(visit.job.origin.event(ManifestChanged(**visit.about, changed=len(here))))
            ask_for_derivatives(visit, work, [one.photo.id for one in here])


async def _still(visit: Visit, connection: Connection, source: Source, known: Sequence[KnownAgain]) -> list[KnownAgain]:
    """Return what still is as it was found, with rows and names held until the transaction ends."""
    if not await _keep_projects(visit, connection, source):
        return []
    project, basenames = visit.project, sorted(one.basename for one in known)
    ids = sorted(one.photo.id for one in known)
    await uploads.lock_basenames(connection, project.tenant, basenames)
    await connection.execute(LOCK_PHOTOS, ids)
    now = {photo.id: photo for photo in await missed_files(connection, project.tenant, ids)}
    unique = visit.context.settings.library.unique_names
    taken = await basenames_taken(connection, project.tenant, project.id, basenames, ids, unique)
    entries = [entry for one in known for _, entry in one.files]
    seen = await seen_beside(connection, source, [one.photo for one in known], entries)
    unchanged = await in_thread_beside(connection, _unchanged, visit.folder, entries)
    moving = await names_in_motion(connection, project.id)
    leaving, moving_photos = frozenset[str](), frozenset[str]()
    if source.place is not None:
        leaving = await names_in_motion(connection, source.place.project.id)
        moving_photos = await basenames_in_motion(connection, source.place.project.id)
    return [
        one
        for one in known
        if now.get(one.photo.id) == one.photo
        and one.photo.id not in seen.unknown
        and one.basename in recognized({one.basename: one.facts}, [one.photo], project.id, seen.there)
        and one.basename not in taken
        and all(entry in unchanged and entry.name not in moving for _, entry in one.files)
        and one.photo.filename not in moving_photos
        and not any(file.name in leaving for file in one.photo.files)
    ]


async def _keep_projects(visit: Visit, connection: Connection, source: Source) -> bool:
    """Keep both projects as they are, in the order of their ids; say whether the source is what was opened."""
    place = source.place
    if place is None or place.project.id == visit.project.id or not place.project.active:
        await keep_project(visit, connection)
        return True
    if place.project.id > visit.project.id:
        await keep_project(visit, connection)
    same = await uploads.folder_of_active_project(connection, place.project.id) == place.project.folder
    if place.project.id < visit.project.id:
        await keep_project(visit, connection)
    return same


async def _move(visit: Visit, work: UnitOfWork, source: Source, moved: Sequence[KnownAgain]) -> None:
    """Let photos that have rows lie here. Derivatives are called after the old name: they are made anew."""
    if not moved or source.place is None:
        return
    if isinstance(source.folder, ProjectFolder):
        names = [one.photo.filename for one in moved]
        await in_thread_beside(work.connection, _remove_derivatives, source.folder, names)
    recognitions = [one.recognition for one in moved]
    task_id = visit.job.command.task_id
    rows = await recognize_photos(work.connection, visit.project, task_id, recognitions)
    came_from: CatalogueProject = source.place.project
    about = {**visit.about, "source_project_id": came_from.id, "source_project_folder": came_from.folder}
    for photos in cut_by_bytes([_moved(one, rows[one.photo.id]) for one in moved]):
        visit.report.changed(work, PhotosRecognized(**about, photos=photos), "photos_recognized", len(photos))


def _moved(one: KnownAgain, row: ChangedPhoto) -> PhotoMoved:
    return PhotoMoved(
        photo_id=row.id,
        filename=row.filename,
        source_filename=one.photo.filename,
        version=row.version,
        files=tuple(
            MovedFile(name=found.name, source_name=known.name, kind=found.kind, size=found.size, md5=found.md5)
            for found, known in one.pairs
        ),
        thumbnail_status=row.thumbnail_status,
        preview_status=row.preview_status,
        keep=row.keep,
    )


async def _bring_back(visit: Visit, work: UnitOfWork, removed: Sequence[KnownAgain]) -> list[KnownAgain]:
    """Write the rows of photos anew that had been removed with nothing left of them; return those that are back."""
    if not removed:
        return []
    events = sorted({one.photo.removed_by for one in removed if one.photo.removed_by is not None})
    told = await removals_in_log(work.connection, events, [one.photo.id for one in removed])
    coming = [one for one in removed if one.photo.id in told]
    times = {file.name: time for one in coming for file, time in one.recognition.files}
    parts = [_as_found(told[one.photo.id], one.recognition) for one in coming]
    restored = await restore_photos(work.connection, visit.project.tenant, visit.project.id, parts, times)
    back = {photo.photo_id for photo in restored.photos}
    here = [one for one in coming if one.photo.id in back]
    task_id = visit.job.command.task_id
    await note_missing(work.connection, visit.project, task_id, [one.recognition for one in here])
    _tell_restored(visit, work, restored.photos)
    return here


def _tell_restored(visit: Visit, work: UnitOfWork, restored: Sequence[PhotoRestored]) -> None:
    for photos in cut_by_bytes(restored):
        data = PhotosRestored(**visit.about, cause="folder_check", photos=photos)
        visit.report.changed(work, data, "photos_restored", len(photos))


def _as_found(removed: PhotoRemoved, found: Recognition) -> PhotoRemoved:
    """Say how a removed photo comes back: what it was, under the name and with the files that turned up."""
    files = [file for file, _ in found.files]
    kinds = {file.kind for file in files}
    row = {
        **removed.row,
        **{f"{kind}_available": kind in kinds for kind in ("jpg", "raw", "other")},
        "thumbnail_status": "pending",
        "preview_status": "pending",
        "derivative_key": None,
        "derivative_reason": None,
        "size": size_of(found),
    }
    facts = tuple(FileFact(name=file.name, kind=file.kind, size=file.size, md5=file.md5) for file in files)
    keep = removed.keep.model_copy(update=dict.fromkeys(found.anew, True))
    return removed.model_copy(update={"filename": found.filename, "files": facts, "row": row, "keep": keep})


async def _add_others(visit: Visit, work: UnitOfWork, arrivals: Sequence[Arrival]) -> None:
    """Add to photos what came along with their files: another half, a sidecar that was edited."""
    if not arrivals:
        return
    project = visit.project
    basenames = sorted({arrival.basename for arrival in arrivals})
    known = await photos_of_basenames(work.connection, project.id, basenames)
    recorded = await record_files(work.connection, project.tenant, project.id, known, arrivals)
    for photos in cut_by_bytes([_grown(photo) for photo in recorded]):
        data = PhotoFilesChanged(**visit.about, cause="folder_check", photos=photos)
        work.emit(visit.job.origin.event(data))


def _grown(photo: Recorded) -> PhotoFiles:
    facts = (arrival.file for arrival in photo.arrivals)
    return PhotoFiles(
        photo_id=photo.photo_id,
        filename=photo.basename,
        version=photo.version,
        added=tuple(FileFact(name=file.name, kind=file.kind, size=file.size, md5=file.md5) for file in facts),
        thumbnail_status=photo.thumbnail_status,
        preview_status=photo.preview_status,
        keep=photo.keep,
    )


def _renamed(name: str, old: str, new: str) -> str:
    return new + name[len(old) :] if name.startswith(f"{old}.") else name


def _unchanged(folder: ProjectFolder, entries: Iterable[Entry]) -> set[Entry]:
    return {entry for entry in entries if folder.stat(entry.name) == entry}


def _remove_derivatives(folder: ProjectFolder, basenames: Iterable[str]) -> None:
    """Leave no derivatives under the old names, if the disk lets them go; blocks."""
    try:
        for basename in basenames:
            for kind in (THUMBNAILS, PREVIEWS):
                for file_format in EXTENSIONS:
                    folder.remove_derivative(kind, derivative_name(basename, file_format))
    except StorageUnavailableError as error:
        log.warning("derivatives_not_removed", project=folder.name, reason=error.public_message)
