"""Files that were changed in place outside photobus: the rows follow what they hold now.

Only a file whose size or time is not the recorded one is read. One with the same bytes has but another time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import FileFact, ManifestChanged, PhotoFiles, PhotoFilesChanged
from photobus_common.reconciliation import CatalogueFile, CataloguePhoto
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder, modified_at
from photobus_common.store.photos import Arrival, Recorded, StoredFile, photos_of_basenames, record_files
from photobus_common.store.reconciliation import correct_times, names_in_motion, photos_in_project
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker.blocking import in_thread_beside
from photobus_maintenance.asking import ask_for_derivatives
from photobus_maintenance.identifying import Identity
from photobus_maintenance.odd_files import read_or_tell
from photobus_maintenance.settling import settling
from photobus_maintenance.visits import Sight, Visit, keep_project

PORTION: Final = 200
"""Files that are read, and then written, at once."""


@dataclass(frozen=True)
class _Differing:
    """A file that looks otherwise than its row says."""

    photo: CataloguePhoto
    file: CatalogueFile
    entry: Entry


@dataclass(frozen=True)
class _Read:
    """What such a file holds."""

    of: _Differing
    identity: Identity

    @property
    def arrival(self) -> Arrival:
        """The file as it is to be recorded."""
        entry, kind = self.of.entry, self.of.file.kind
        stored = StoredFile(entry.name, kind, entry.size, self.identity.md5, modified_at(entry))
        return Arrival(self.of.photo.filename, stored, self.identity.exif)

    @property
    def is_same(self) -> bool:
        """Whether it holds the bytes on record."""
        return self.identity.md5 == self.of.file.md5


async def check_changed(visit: Visit, sight: Sight) -> None:
    """Look at the files on record that ``sight`` shows otherwise than their rows say."""
    differing = _differing(visit, sight)
    for start in range(0, len(differing), PORTION):
        if start:
            visit.job.hand_back_if_asked()
        read = []
        for one in differing[start : start + PORTION]:
            identity = await read_or_tell(visit, one.entry, one.file.kind, one.photo.id)
            if identity is not None:
                read.append(_Read(one, identity))
        if read:
            async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
                await _correct(visit, read)


def _differing(visit: Visit, sight: Sight) -> list[_Differing]:
    settles = settling(visit.context.settings.maintenance)
    entries = {entry.name: entry for entry in sight.entries}
    found = []
    for photo in sight.photos:
        for file in photo.files:
            entry = entries.get(file.name)
            if entry is None or (entry.size, modified_at(entry)) == (file.size, file.modified_at):
                continue
            if file.name in sight.expected or settles(entry):
                visit.pending.append("changing")
            else:
                found.append(_Differing(photo, file, entry))
    return found


async def _correct(visit: Visit, read: Sequence[_Read]) -> None:
    """Write what still is as it was read, where nothing can move any more; the caller holds the lock.

    Only these files are looked at again: all of a large folder may have changed, and to list it so often takes hours.
    """
    photo_ids = sorted({one.of.photo.id for one in read})
    project = visit.project
    async with visit.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        photos = await photos_in_project(work.connection, project.id, photo_ids, lock=True)
        names = [one.of.entry.name for one in read]
        entries = await in_thread_beside(work.connection, _entries, visit.folder, names)
        now = _differing(visit, Sight(photos, entries, await names_in_motion(work.connection, project.id)))
        still = [one for one in read if one.of in now]
        same = [one.arrival.file for one in still if one.is_same]
        await correct_times(work.connection, project.id, [(file.name, file.modified_at) for file in same])
        arrivals = [one.arrival for one in still if not one.is_same]
        if arrivals:
            basenames = sorted({arrival.basename for arrival in arrivals})
            known = await photos_of_basenames(work.connection, project.id, basenames)
            _tell(visit, work, await record_files(work.connection, project.tenant, project.id, known, arrivals))


def _entries(folder: ProjectFolder, names: Sequence[str]) -> list[Entry]:
    """Return those of the files that are there; blocks."""
    return [entry for name in names if (entry := folder.stat(name)) is not None]


def _tell(visit: Visit, work: UnitOfWork, recorded: Sequence[Recorded]) -> None:
    for photos in cut_by_bytes([_changed(photo) for photo in recorded]):
        data = PhotoFilesChanged(**visit.about, cause="folder_check", photos=photos)
        visit.report.changed(work, data, "files_changed", len(photos))
    work.emit(visit.job.origin.event(ManifestChanged(**visit.about, changed=len(recorded))))
    ask_for_derivatives(visit, work, [photo.photo_id for photo in recorded if photo.thumbnail_status == "pending"])


def _changed(photo: Recorded) -> PhotoFiles:
    return PhotoFiles(
        photo_id=photo.photo_id,
        filename=photo.basename,
        version=photo.version,
        added=tuple(_fact(arrival.file) for arrival in photo.arrivals),
        removed=tuple(_fact(file) for file in photo.replaced),
        thumbnail_status=photo.thumbnail_status,
        preview_status=photo.preview_status,
        keep=photo.keep,
    )


def _fact(file: StoredFile) -> FileFact:
    return FileFact(name=file.name, kind=file.kind, size=file.size, md5=file.md5)
