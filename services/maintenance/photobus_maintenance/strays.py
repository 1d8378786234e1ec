"""Files in a project's folder that are nothing of a project's: they go to its trash, or are reported, with the reason.

Never what could be a photo: a file of an accepted type whose name is unfit stays and is reported. Nor what is hidden,
what somebody is still writing or moving, or what another program calls unfinished.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import uuid4

from photobus_common.config import Uploader
from photobus_common.errors import PhotobusError
from photobus_common.events import cut_by_bytes
from photobus_common.events.maintenance import Finding, StrayFile, StrayFilesTrashed
from photobus_common.photos import filenames
from photobus_common.photos.filenames import RefusedName
from photobus_common.storable import storable
from photobus_common.storage.errors import FileMissingError, is_about_one_file
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import TRASH, ProjectFolder, trash_folder
from photobus_common.store.reconciliation import names_in_motion
from photobus_common.store.stray_files import Stray, forget_strays, open_strays, record_strays
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.settling import settling
from photobus_maintenance.visits import Visit, keep_project

PORTION: Final = 500
"""Files that go at once."""

UNFINISHED: Final = (".part", ".partial", ".crdownload", ".download", ".filepart", ".tmp", ".temp", ".swp", "~")
"""How programs end the names of what they are still writing, or keep for themselves."""

Fate = Literal["stays", "goes", "unfit"]


def fate_of(entry: Entry, uploader: Uploader) -> tuple[Fate, str]:
    """Say whether a file of a project's folder stays, goes to the trash or is to be reported, and why."""
    parsed = filenames.parse(entry.name, uploader)
    if not isinstance(parsed, RefusedName):
        return "stays", ""
    lowered = entry.name.lower()
    if parsed.code == "hidden" or lowered.endswith(UNFINISHED) or lowered.startswith("~"):
        return "stays", ""
    extension = lowered.rpartition(".")[2]
    photo = filenames.kind_of(extension, uploader) is not None or extension in uploader.sidecars
    unfit = parsed.code == "not_text" or (photo and parsed.code != "not_accepted")
    return ("unfit" if unfit else "goes"), parsed.reason


async def clear_strays(visit: Visit) -> None:
    """Let go what lies in the listed folder and is nothing of a project's; what a dead run left is told of first."""
    await _finish(visit)
    uploader, settles = visit.context.settings.uploader, settling(visit.context.settings.maintenance)
    going: list[tuple[Entry, str]] = []
    for entry in visit.entries or ():
        fate, reason = fate_of(entry, uploader)
        if fate == "unfit":
            _tell_unfit(visit, entry, reason)
        elif fate == "goes" and not settles(entry):
            going.append((entry, reason))
    if visit.context.settings.maintenance.stray_files == "report":
        _tell_strays(visit, going)
        return
    for start in range(0, len(going), PORTION):
        if start:
            visit.job.hand_back_if_asked()
        async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
            strays = await _record(visit, going[start : start + PORTION])
            if strays:
                await _go(visit, strays)


async def _finish(visit: Visit) -> None:
    """Tell of what went to the trash under a run that died before it could; what did not go is looked at anew."""
    async with visit.job.database.connection() as connection:
        left = await open_strays(connection, visit.project.id)
    if not left:
        return
    wait = visit.context.settings.maintenance.lock_wait_seconds
    async with visit.folder.locked(wait), visit.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        left = await open_strays(work.connection, visit.project.id)
        await _tell(visit, work, await in_thread_beside(work.connection, _trashed, visit.folder, left))
        await forget_strays(work.connection, left)


async def _record(visit: Visit, going: Sequence[tuple[Entry, str]]) -> list[Stray]:
    """Put on record what still is as it was listed, and goes now; the caller holds the folder's lock."""
    folder = trash_folder(datetime.now(UTC), visit.job.command.task_id)
    async with visit.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        moving = await names_in_motion(work.connection, visit.project.id)
        still = await in_thread_beside(work.connection, _unchanged, visit.folder, [entry for entry, _ in going])
        strays = [
            Stray(uuid4(), entry.name, folder, entry.device, entry.inode, entry.size, reason)
            for entry, reason in going
            if entry in still and entry.name not in moving
        ]
        if len(strays) < len(going):
            visit.pending.append("stray_in_motion")
        if strays:
            await record_strays(work.connection, visit.key, visit.job.command.task_id, strays)
    return strays


async def _go(visit: Visit, strays: Sequence[Stray]) -> None:
    """Let the recorded files go, and tell of it; the caller holds the folder's lock."""
    refused = await in_thread(_trash, visit.folder, strays)
    async with visit.report.checkpoint() as work:
        gone = await in_thread_beside(work.connection, _trashed, visit.folder, strays)
        await _tell(visit, work, gone)
        await forget_strays(work.connection, strays)
    for stray, error in refused:
        visit.pending.append("stray_refused")
        visit.report.refused(visit.project, "not_trashed", error.public_message, stray.name)


async def _tell(visit: Visit, work: UnitOfWork, gone: Sequence[StrayFile]) -> None:
    for files in cut_by_bytes(gone):
        data = StrayFilesTrashed(**visit.about, cause="folder_check", files=files)
        subject = files[0].name if len(files) == 1 else None
        visit.report.changed(work, data, "stray_files_trashed", len(files), subject)


def _tell_strays(visit: Visit, strays: Sequence[tuple[Entry, str]]) -> None:
    """Report what stays, as its owner wants it: a line for each reason, with the first name and how many they are."""
    by_reason: dict[str, list[Entry]] = {}
    for entry, reason in strays:
        by_reason.setdefault(reason, []).append(entry)
    for reason, entries in by_reason.items():
        visit.report.found(
            Finding(
                kind="reported",
                code="stray_file",
                reason=reason,
                project_id=visit.project.id,
                project_folder=visit.project.folder,
                subject=storable(entries[0].name),
                count=len(entries),
            )
        )


def _tell_unfit(visit: Visit, entry: Entry, reason: str) -> None:
    visit.report.found(
        Finding(
            kind="reported",
            code="unfit_name",
            reason=reason,
            project_id=visit.project.id,
            project_folder=visit.project.folder,
            subject=storable(entry.name),
        )
    )


def _trash(folder: ProjectFolder, strays: Iterable[Stray]) -> list[tuple[Stray, PhotobusError]]:
    """Move what still is what was recorded to the trash; return what the disk refuses. Blocks."""
    refused: list[tuple[Stray, PhotobusError]] = []
    for stray in strays:
        try:
            if stray.is_it(folder.stat(stray.name)):
                folder.trash(stray.name, stray.trash_folder)
        except PhotobusError as error:
            if not is_about_one_file(error):
                raise
            refused.append((stray, error))
    return refused


def _trashed(folder: ProjectFolder, strays: Iterable[Stray]) -> list[StrayFile]:
    """Return which of the recorded files lie in the trash. Blocks.

    A rename that was cut in two, where it takes two steps, has left the file its old name as well: that goes now.
    """
    found: list[StrayFile] = []
    lying: dict[str, dict[tuple[int, int], str]] = {}
    for stray in strays:
        if stray.trash_folder not in lying:
            lying[stray.trash_folder] = _lying(folder, stray.trash_folder)
        name = lying[stray.trash_folder].get((stray.device, stray.inode))
        if name is None:
            continue
        if stray.is_it(folder.stat(stray.name)):
            folder.remove(stray.name)
        path = folder.trash_path(name, stray.trash_folder)
        found.append(StrayFile(name=stray.name, trash_path=path, size=stray.size, reason=stray.reason))
    return found


def _lying(folder: ProjectFolder, name: str) -> dict[tuple[int, int], str]:
    try:
        with folder.subfolder(TRASH) as trash, trash.subfolder(name) as lying:
            return {(entry.device, entry.inode): entry.name for entry in lying.list(hidden=True)}
    except FileMissingError:
        return {}


def _unchanged(folder: ProjectFolder, entries: Iterable[Entry]) -> set[Entry]:
    return {entry for entry in entries if folder.stat(entry.name) == entry}
