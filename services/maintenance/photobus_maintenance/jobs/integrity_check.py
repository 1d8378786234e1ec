"""``integrity_check``: every original is read again and held against its row. What differs is reported, never mended.

What looks wrong is read a second time, and then looked at under the lock of its folder with its row locked: only what
is still wrong there is told. So files in motion, in flight, or changed by their owner this moment are no alarm, and
neither is a name that is only spelt otherwise.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from photobus_common.errors import StorageUnavailableError
from photobus_common.events.maintenance import Finding
from photobus_common.storable import storable
from photobus_common.storage.errors import FileMissingError, is_of_the_disk
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder, modified_at
from photobus_common.store.database import Connection
from photobus_common.store.integrity import (
    RecordedFile,
    lock_recorded_file,
    names_without_file,
    names_without_row,
    recorded_files,
)
from photobus_common.store.reconciliation import names_in_motion
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.manifests import is_its_own
from photobus_maintenance.original_reading import Pace, Reading, read_original
from photobus_maintenance.rounds import Manner, visit_projects
from photobus_maintenance.settling import settling
from photobus_maintenance.spelling import respelt, spelt_alike
from photobus_maintenance.visits import Visit, concerns_one_file, keep_project

_MANNER: Final = Manner(portion=100, listed=False, passes_over=False)
"""Small portions, since their photos are read; and each folder, since rotten bits change no time."""

_DISK_ERRORS_IN_A_ROW: Final = 20
"""So often in a row no file can be read, each being tried twice, from a disk that is dying or gone."""

_NAMES_AT_ONCE: Final = 2000

Code = Literal["bit_rot", "changed_outside", "missing", "untracked", "unreadable"]


@dataclass(frozen=True)
class _Suspect:
    """A file on record that looks wrong. ``name`` is how it is spelt on disk, ``entry`` what was read there."""

    file: RecordedFile
    code: Code
    reason: str
    name: str
    entry: Entry | None = None


class IntegrityCheck:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Read the originals of whole projects."""
        await visit_projects(job, self._context, _Check(self._context), _MANNER)


class _Check:
    """The check of one run, which keeps its pace and knows when to take the disk for gone."""

    def __init__(self, context: Context) -> None:
        self._settings = context.settings.maintenance
        self._pace = Pace(self._settings.integrity_bytes_per_second)
        self._disk_errors = 0

    async def __call__(self, visit: Visit) -> int | None:
        async with visit.job.database.connection() as connection:
            files = await recorded_files(connection, visit.project.id, visit.photo_ids)
            moving = await names_in_motion(connection, visit.project.id)
        suspects: list[_Suspect] = []
        reached: int | None = None
        for photo_id, ones in groupby(files, key=lambda file: file.photo_id):
            looked = [await self._look(visit, file, file.name) for file in ones if file.name not in moving]
            suspects += [suspect for suspect in looked if suspect is not None]
            if visit.job.should_hand_back and photo_id != visit.photo_ids[-1]:
                reached = photo_id
                break
        await self._report(visit, suspects)
        if visit.last and reached is None:
            await self._report_untracked(visit)
        return reached

    # --- files on record -------------------------------------------------------------------------------------------

    async def _look(self, visit: Visit, file: RecordedFile, name: str) -> _Suspect | None:
        """Read the file; what seems wrong is read once more, since a disk may err once."""
        suspect = await self._read(visit, file, name)
        return None if suspect is None else await self._read(visit, file, name)

    async def _read(self, visit: Visit, file: RecordedFile, name: str) -> _Suspect | None:
        try:
            reading = await read_original(visit.folder, name, self._pace)
        except FileMissingError:
            return _Suspect(file, "missing", "It is not in the folder.", name)
        except StorageUnavailableError as error:
            return _Suspect(file, "unreadable", await self._reason(visit, error), name)
        self._disk_errors = 0
        return None if reading is None else self._judge(file, name, reading)

    def _judge(self, file: RecordedFile, name: str, reading: Reading) -> _Suspect | None:
        entry = reading.entry
        if reading.md5 == file.md5 or not self._settled(entry):
            return None
        if (entry.size, modified_at(entry)) == (file.size, file.modified_at):
            reason = f"Its MD5 is {reading.md5} and not {file.md5}, although nobody has written to it since."
            return _Suspect(file, "bit_rot", reason, name, entry)
        if file.kind == "sidecar":  # other programs write into those as a matter of course
            return None
        reason = f"It was written to outside photobus: its MD5 is {reading.md5} and not {file.md5}."
        return _Suspect(file, "changed_outside", reason, name, entry)

    def _settled(self, entry: Entry) -> bool:
        return not settling(self._settings)(entry)

    async def _reason(self, visit: Visit, error: StorageUnavailableError) -> str:
        """Return why one file cannot be read; raises ``error`` when it is not one file that cannot."""
        self._disk_errors += is_of_the_disk(error)
        if self._disk_errors >= _DISK_ERRORS_IN_A_ROW or not await concerns_one_file(visit, error):
            raise error
        return error.public_message

    async def _report(self, visit: Visit, suspects: Sequence[_Suspect]) -> None:
        suspects = await self._respelt(visit, suspects)
        if not suspects or not await is_its_own(visit):
            return
        async with (
            visit.folder.locked(self._settings.lock_wait_seconds),
            visit.job.database.transaction() as connection,
        ):
            await keep_project(visit, connection)
            for suspect in suspects:
                if await _is_wrong(visit, connection, suspect):
                    visit.report.found(_finding(visit, suspect.code, suspect.reason, suspect.name, suspect.file))

    async def _respelt(self, visit: Visit, suspects: Sequence[_Suspect]) -> list[_Suspect]:
        """Let files that are there under another spelling of their names be judged by what lies there."""
        lost = [suspect.file.name for suspect in suspects if suspect.code == "missing"]
        if not lost:
            return list(suspects)
        wanted = {spelt_alike(name) for name in lost}
        listed = [entry.name for entry in await in_thread(visit.folder.list) if entry.is_text]
        alike = [name for name in listed if spelt_alike(name) in wanted]
        async with visit.job.database.connection() as connection:
            known = respelt(lost, await names_without_row(connection, visit.project.id, alike))
        found: list[_Suspect | None] = [
            await self._look(visit, suspect.file, known[suspect.file.name])
            if suspect.code == "missing" and suspect.file.name in known
            else suspect
            for suspect in suspects
        ]
        return [suspect for suspect in found if suspect is not None]

    # --- files without row -----------------------------------------------------------------------------------------

    async def _report_untracked(self, visit: Visit) -> None:
        """Report what lies in the folder and no photo has, once all of the project's photos were gone through."""
        settles = settling(self._settings)
        entries = {entry.name: entry for entry in await in_thread(visit.folder.list) if not settles(entry)}
        async with visit.job.database.connection() as connection:
            suspects = await _untracked(connection, visit, entries)
        if not suspects or not await is_its_own(visit):
            return
        async with (
            visit.folder.locked(self._settings.lock_wait_seconds),
            visit.job.database.transaction() as connection,
        ):
            await keep_project(visit, connection)
            still = await in_thread_beside(connection, _unchanged, visit.folder, [entries[name] for name in suspects])
            for name in await _untracked(connection, visit, still):
                visit.report.found(_finding(visit, "untracked", "No photo has it.", name))


async def _untracked(connection: Connection, visit: Visit, names: Collection[str]) -> list[str]:
    """Return those of ``names`` that no row has in any spelling, and that nobody is moving, sorted."""
    project_id = visit.project.id
    text = sorted(name for name in names if not _is_odd(name))
    found: list[str] = []
    for start in range(0, len(text), _NAMES_AT_ONCE):
        found += await names_without_row(connection, project_id, text[start : start + _NAMES_AT_ONCE])
    if found:
        moving = await names_in_motion(connection, project_id)
        listed = [entry.name for entry in await in_thread_beside(connection, visit.folder.list) if entry.is_text]
        known = respelt(await names_without_file(connection, project_id, listed), found).values()
        found = [name for name in found if name not in moving and name not in known]
    return sorted([*found, *(name for name in names if _is_odd(name))])


def _is_odd(name: str) -> bool:
    """Whether the name is no UTF-8, so that no row can have it."""
    return storable(name) != name


def _unchanged(folder: ProjectFolder, entries: Sequence[Entry]) -> list[str]:
    return [entry.name for entry in entries if folder.stat(entry.name) == entry]


async def _is_wrong(visit: Visit, connection: Connection, suspect: _Suspect) -> bool:
    """Look again at row and file where neither can change; the caller holds the folder's lock."""
    now = await lock_recorded_file(connection, visit.project.id, suspect.file)
    if now != suspect.file or suspect.name in await names_in_motion(connection, visit.project.id):
        return False
    return await in_thread_beside(connection, _looks_wrong, visit.folder, suspect)


def _looks_wrong(folder: ProjectFolder, suspect: _Suspect) -> bool:
    there = folder.stat(suspect.name)
    match suspect.code:
        case "missing":
            return there is None
        case "unreadable":
            return there is not None
        case _:
            return there == suspect.entry


def _finding(visit: Visit, code: Code, reason: str, name: str, file: RecordedFile | None = None) -> Finding:
    return Finding(
        kind="reported",
        code=code,
        reason=reason,
        project_id=visit.project.id,
        project_folder=visit.project.folder,
        subject=storable(name),
        photo_id=None if file is None else file.photo_id,
    )
