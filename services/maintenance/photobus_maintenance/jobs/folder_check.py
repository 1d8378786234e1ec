"""``folder_check``: files of the job's photos that lie in the folder and have no row get one.

Photos whose shown file is new by that get their derivatives made anew, by one task that this one causes. A check of
whole projects also finds files that were changed in place (``changed_files``), files of photos that are not known yet
or known again (``new_photos``), and what is nothing of a project's (``strays``).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from photobus_common.errors import StorageUnavailableError
from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import FileFact, ManifestChanged, PhotoFiles, PhotoFilesChanged
from photobus_common.logging import get_logger
from photobus_common.photos import filenames
from photobus_common.photos.exif import Exif
from photobus_common.reconciliation import CatalogueFile, UntrackedFile, kinds_with, shown_name, untracked_files
from photobus_common.storage.project_folder import modified_at
from photobus_common.store.file_renames import names_with_rows
from photobus_common.store.photos import Weight, metadata_row
from photobus_common.store.reconciliation import ChangedPhoto, Extension, NewFile, add_found_files
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import ItemOutcome, Job
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.asking import ask_for_derivatives
from photobus_maintenance.changed_files import check_changed
from photobus_maintenance.context import Context
from photobus_maintenance.identifying import identify
from photobus_maintenance.manifests import manifest_state
from photobus_maintenance.new_photos import add_new_photos
from photobus_maintenance.odd_files import tell_unread, tell_unreadable
from photobus_maintenance.renames_on_record import renamed_before
from photobus_maintenance.rounds import visit_projects
from photobus_maintenance.settling import settling
from photobus_maintenance.strays import clear_strays
from photobus_maintenance.visits import Sight, Visit, look

_NANOSECONDS: Final = 1_000_000_000
_LEFTOVER_NS: Final = 3600 * _NANOSECONDS
"""Whoever writes a temporary file gives it its name long before it is so old, or is dead."""

log = get_logger()


class FolderCheck:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Check the folders of the job's photos, project by project."""
        await visit_projects(job, self._context, check_folder)


@dataclass(frozen=True)
class _Identified:
    """An untracked file whose content was read while it was as ``untracked`` says; ``md5`` in lower-case hex."""

    untracked: UntrackedFile
    md5: str
    exif: Exif

    @property
    def fact(self) -> FileFact:
        entry = self.untracked.entry
        return FileFact(name=entry.name, kind=self.untracked.kind, size=entry.size, md5=self.md5)

    @property
    def new_file(self) -> NewFile:
        entry = self.untracked.entry
        file = CatalogueFile(entry.name, self.untracked.kind, entry.size, self.md5)
        return NewFile(self.untracked.photo.id, file, modified_at(entry))


async def check_folder(visit: Visit) -> None:
    """Look at the folder of the visited project, and let the rows of its photos follow.

    Raises ``ForeignFolderError``: what lies in another project's folder is no file of these photos.
    """
    await manifest_state(visit)
    if visit.entries is not None:
        visit = await renamed_before(visit)
    if visit.last or visit.items:  # once for all portions of a folder, which may hold very many derivatives
        await _remove_leftovers(visit)
    async with visit.job.database.connection() as connection:
        sight = await look(visit, connection, lock=False)
    await _check_known(visit, sight)
    if visit.entries is not None:
        await check_changed(visit, sight)
    if visit.last:
        await add_new_photos(visit)
        await clear_strays(visit)


async def _check_known(visit: Visit, sight: Sight) -> None:
    """Add what belongs to the visit's photos; a job that is asked back keeps what it has read so far, if anything."""
    identified: list[_Identified] = []
    unreadable: set[int] = set()
    for file in await _without_rows(visit, _untracked(sight, visit)):
        if identified and visit.job.should_hand_back:
            break
        try:
            found = await in_thread(identify, visit.folder, file.entry, file.kind)
            if found is None:
                await tell_unread(visit, file.entry, file.photo.id)
        except StorageUnavailableError as error:
            await tell_unreadable(visit, file.entry, error, file.photo.id)
            unreadable.add(file.photo.id)
            continue
        if found is not None:
            identified.append(_Identified(file, *found))
    else:
        await _settle(visit, identified, visit.outcomes(unreadable))
        return
    await _settle(visit, identified, ())
    visit.job.hand_back_if_asked()


async def _without_rows(visit: Visit, files: Sequence[UntrackedFile]) -> list[UntrackedFile]:
    """Return those that no other photo of the project has: other settings may have made them part of this one."""
    if not files:
        return []
    async with visit.job.database.connection() as connection:
        known = await names_with_rows(connection, visit.project.id, [file.entry.name for file in files])
    return [file for file in files if file.entry.name not in known]


async def _settle(visit: Visit, identified: Sequence[_Identified], outcomes: Sequence[ItemOutcome]) -> None:
    if not identified:
        visit.job.record(outcomes)
        return
    async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
        await _add(visit, identified, outcomes)


async def _remove_leftovers(visit: Visit) -> None:
    """Remove what somebody who was killed had been writing; that it cannot be removed is no reason to check nothing."""
    try:
        removed = await in_thread(visit.folder.remove_leftovers, time.time_ns() - _LEFTOVER_NS)
    except StorageUnavailableError as error:
        log.warning("leftovers_not_removed", project=visit.project.folder, reason=error.public_message)
        return
    if removed:
        log.info("leftovers_removed", project=visit.project.folder, files=removed)


def _untracked(sight: Sight, visit: Visit) -> list[UntrackedFile]:
    settings = visit.context.settings
    settles = settling(settings.maintenance)
    settled = [entry for entry in sight.entries if not settles(entry)]
    if len(settled) < len(sight.entries) or sight.expected:
        visit.pending.append("young")
    return untracked_files(sight.photos, settled, sight.expected, partial(filenames.parse, uploader=settings.uploader))


async def _add(visit: Visit, identified: Sequence[_Identified], outcomes: Sequence[ItemOutcome]) -> None:
    """Look again where nothing can move any more, and add what is still as it was; the caller holds the lock."""
    async with visit.report.checkpoint(outcomes) as work:
        still = {file.entry: file for file in _untracked(await look(visit, work.connection, lock=True), visit)}
        added = [
            replace(one, untracked=still[one.untracked.entry]) for one in identified if one.untracked.entry in still
        ]
        if not added:
            return
        by_photo: dict[int, list[_Identified]] = {}
        for one in added:
            by_photo.setdefault(one.untracked.photo.id, []).append(one)
        extensions = [_extension(photo_id, ones) for photo_id, ones in by_photo.items()]
        files = [one.new_file for one in added]
        changed = await add_found_files(work.connection, visit.project, files, extensions)
        _tell(visit, work, by_photo, changed)
        ask_for_derivatives(visit, work, [extension.photo_id for extension in extensions if extension.weight != "fill"])


def _extension(photo_id: int, added: Sequence[_Identified]) -> Extension:
    photo = added[0].untracked.photo
    before = [(file.kind, file.name) for file in photo.files]
    new = {one.untracked.entry.name: one for one in added}
    kinds = [(one.untracked.kind, name) for name, one in new.items()]
    first = shown_name(kinds)
    return Extension(
        photo_id=photo_id,
        available=kinds_with(photo, [kind for kind, _ in kinds]),
        weight=_weight(shown_name(before), shown_name([*before, *kinds])),
        metadata=None if first is None else metadata_row(new[first].exif, modified_at(new[first].untracked.entry)),
    )


def _weight(shown_before: str | None, shown: str | None) -> Weight:
    """Return how much what the added files tell counts beside what the photo has."""
    if shown == shown_before:
        return "fill"
    return "replace" if shown_before is None else "lead"


def _tell(
    visit: Visit,
    work: UnitOfWork,
    by_photo: Mapping[int, Sequence[_Identified]],
    changed: Sequence[ChangedPhoto],
) -> None:
    parts = [
        PhotoFiles(
            photo_id=photo.id,
            filename=photo.filename,
            version=photo.version,
            added=tuple(one.fact for one in by_photo[photo.id]),
            thumbnail_status=photo.thumbnail_status,
            preview_status=photo.preview_status,
            keep=photo.keep,
        )
        for photo in changed
    ]
    for photos in cut_by_bytes(parts):
        data = PhotoFilesChanged(**visit.about, cause="folder_check", photos=photos)
        visit.report.changed(work, data, "files_found", len(photos))
    work.emit(visit.job.origin.event(ManifestChanged(**visit.about, changed=len(parts))))
