"""A folder that is a project a second time, under a manifest that nobody knows: its photos go to those of the project.

Files that the project has already, under the same name and with the same bytes, go to its trash; all others become its
files, under free names. They come first, on record before the first is touched (``renames_on_record``): as long as any
of the copies is here, this folder is known for what it is. What is left of it goes to the library's trash as a whole.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from photobus_common.config import Uploader
from photobus_common.errors import ConflictError
from photobus_common.events import cut_by_bytes
from photobus_common.events.maintenance import Finding, StrayFile, StrayFilesTrashed
from photobus_common.libraries import opened_project
from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storable import storable
from photobus_common.storage.errors import FileMissingError, LockedError
from photobus_common.storage.folder import Entry
from photobus_common.storage.manifest import MANIFEST
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, TRASH, ProjectFolder, trash_folder
from photobus_common.storage.transfer import md5_if_readable, transfer
from photobus_common.storage.whole_folders import move_whole, path_in_trash
from photobus_common.store.database import Connection
from photobus_common.store.discovery import files_of_names
from photobus_common.store.file_renames import FileRename, record_renames
from photobus_common.store.reconciliation import names_in_motion
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.duplicates import free_basenames, targets_of
from photobus_maintenance.judging import Verdict
from photobus_maintenance.renames_on_record import finish_renames
from photobus_maintenance.searching import Search
from photobus_maintenance.settling import settling
from photobus_maintenance.visits import Visit, keep_project

PORTION: Final = 200
"""Files that are renamed, or go to the trash, at once."""

_OWN: Final = frozenset({MANIFEST, THUMBNAILS, PREVIEWS, TRASH})
_COPY: Final = "The project has this file already."


class UnmergedError(ConflictError):
    """Files of the folder could not be given to the project that it is."""

    code = "folder_not_merged"


@dataclass(frozen=True)
class Copy:
    """A file that the project has under the same name, with the same bytes: here and there as they were compared.

    ``telling``: it shows whose the folder is. Sidecars may be alike that are not of one photo, and empty files are.
    """

    here: Entry
    there: Entry
    telling: bool


@dataclass(frozen=True)
class Likeness:
    """The project that a folder is, and the copies in it; those by which it is known for what it is go last."""

    verdict: Verdict
    project: CatalogueProject
    copies: Sequence[Copy]


async def likeness(search: Search, folder: ProjectFolder, verdict: Verdict) -> Likeness | None:
    """Return what the folder has in common with the project of its name; None if it is another one.

    It is another one as well if it holds more than files, for what else it is nobody here can say. Of one that holds no
    file at all nothing is lost. Raises ``LockedError`` while files of it are young.
    """
    project = verdict.project
    if project is None:
        raise AssertionError("a namesake is a project")
    entries = await in_thread(folder.list)
    if not await in_thread(_holds_files_only, folder, entries):
        return None
    if any(map(settling(search.context.settings.maintenance), entries)):
        raise LockedError("Files of the folder may still be being written.")
    copies: list[Copy] = []
    async with opened_project(search.context.library, project) as own:
        for start in range(0, len(entries), PORTION):
            search.job.hand_back_if_asked()
            portion = {entry.name: entry for entry in entries[start : start + PORTION]}
            async with search.job.database.connection() as connection:
                files = await files_of_names(connection, project.id, list(portion))
            alike = [
                (portion[file.name], file.kind != "sidecar" and file.size > 0)
                for file in files
                if file.size == portion[file.name].size
            ]
            copies += await in_thread(_copies, folder, own, alike)
    if not any(copy.telling for copy in copies) and entries:
        return None
    return Likeness(verdict, project, sorted(copies, key=lambda copy: copy.telling))


async def merge(search: Search, folder: ProjectFolder, same: Likeness) -> CatalogueProject:
    """Give the files of the open ``folder`` to the project; raises ``LockedError``, ``UnmergedError``."""
    async with _both_held(search, folder, same) as visit:
        await _tell_of_trashed(search, visit)
        async with search.report.checkpoint() as work:  # what has come is indexed, whatever becomes of the rest
            await search.begin(work, project=same.project.id)
        copies = await in_thread(_still, folder, visit.folder, same.copies)
        await finish_renames(visit, folder)
        await _take_others(search, visit, folder, frozenset(copies))
        for start in range(0, len(copies), PORTION):
            await _trash_copies(search, visit, folder, copies[start : start + PORTION])
        await _trash_rest(search, visit, folder)
    return same.project


@asynccontextmanager
async def _both_held(search: Search, folder: ProjectFolder, same: Likeness) -> AsyncIterator[Visit]:
    """Hold the project's folder and then this one, in the order in which others do that work on both."""
    async with (
        opened_project(search.context.library, same.project) as own,
        own.locked(search.lock_wait),
        folder.locked(search.lock_wait),
    ):
        visit = Visit(search.job, search.report, search.context, same.project, own, ())
        async with search.decided(folder, same.verdict) as (work, _):
            await keep_project(visit, work.connection)
        yield visit


async def _take_others(search: Search, visit: Visit, folder: ProjectFolder, copies: frozenset[str]) -> None:
    """Rename all that is no copy into the project's folder, under names that are free there."""
    left: int | None = None
    while others := [entry.name for entry in await in_thread(folder.list) if entry.name not in copies]:
        if len(others) == left:
            raise UnmergedError(f"{len(others)} files of {folder.name} could not be moved into {visit.folder.name}.")
        left = len(others)
        async with search.report.checkpoint() as work:
            await keep_project(visit, work.connection)
            await record_renames(work.connection, await _renames(visit, work.connection, folder, others))
        await finish_renames(visit, folder)


async def _renames(
    visit: Visit, connection: Connection, folder: ProjectFolder, names: Sequence[str]
) -> list[FileRename]:
    """Choose names for the first of the files, those of a basename together."""
    project, uploader = visit.project, visit.context.settings.uploader
    there = await in_thread_beside(connection, visit.folder.names)
    taken = there | await names_in_motion(connection, project.id)
    present = {found.basename for name in there if isinstance(found := parse(name, uploader), ParsedName)}
    groups = _groups(names, uploader)
    renames = []
    for basename, group in list(groups.items())[:PORTION]:
        targets, new = tuple(found.name for found in group), basename
        if not taken.isdisjoint(targets):
            free = await free_basenames(connection, project.tenant, visit.folder, {basename: group}, present)
            new = free[basename]
            targets = targets_of(group, new)
        taken |= frozenset(targets)
        present.add(new)
        names_now = tuple(found.name for found in group)
        renames.append(
            FileRename(
                tenant=project.tenant,
                project_id=project.id,
                task_id=visit.job.command.task_id,
                cause="folder_discovery",
                names=names_now,
                targets=targets,
                basename=new,
                source_folder=folder.name,
            )
        )
    return renames


def _groups(names: Iterable[str], uploader: Uploader) -> dict[str, list[ParsedName]]:
    """Return the files by basename; one that is no photo's is on its own."""
    groups: dict[str, list[ParsedName]] = {}
    for name in names:
        found = parse(name, uploader)
        parsed = found if isinstance(found, ParsedName) else _on_its_own(name)
        groups.setdefault(parsed.basename, []).append(parsed)
    return groups


def _on_its_own(name: str) -> ParsedName:
    """Take a file that is no photo's for one that has the name of its kind: so it stays with what is called alike."""
    stem, dot, extension = name.rpartition(".")
    return ParsedName(name, stem if dot and stem else name, "other", extension.lower())


async def _trash_copies(search: Search, visit: Visit, folder: ProjectFolder, names: Sequence[str]) -> None:
    """Move copies into the project's trash; what goes where is in the cursor before."""
    place = await in_thread(_new_trash, visit.folder, search.job.command.task_id)
    async with search.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        await search.begin(work, trashing={"project": visit.project.id, "folder": place, "names": list(names)})
    await in_thread(_to_trash, folder, visit.folder, place, names)
    await _tell_of_trashed(search, visit)


async def _tell_of_trashed(search: Search, visit: Visit) -> None:
    """Say what has gone to the trash, by this run of the job or by one that was killed."""
    begun = search.cursor.get("trashing")
    if begun is None or begun["project"] != visit.project.id:
        return
    there = await in_thread(_trashed, visit.folder, begun["folder"], begun["names"])
    strays = [
        StrayFile(
            name=entry.name,
            trash_path=visit.folder.trash_path(entry.name, begun["folder"]),
            size=entry.size,
            reason=_COPY,
        )
        for entry in there
    ]
    async with search.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        for files in cut_by_bytes(strays):
            data = StrayFilesTrashed(**visit.about, cause="folder_discovery", files=files)
            search.report.changed(work, data, "copies_trashed", len(files), files[0].name)
        await search.begin(work, trashing=None)


async def _trash_rest(search: Search, visit: Visit, folder: ProjectFolder) -> None:
    """Move what is left of the folder into the library's trash: its manifest, derivatives, and its own trash."""
    if not await in_thread(_holds_files_only, folder, ()):
        raise UnmergedError(f"More came to lie in {folder.name} while its files were moved.")
    path = path_in_trash(trash_folder(datetime.now(UTC), search.job.command.task_id), folder.name)
    async with search.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        search.report.found(
            Finding(
                kind="reported",
                code="folder_merged",
                reason=f"It was {visit.project.name} a second time; what is left of it lies in {path}.",
                project_id=visit.project.id,
                project_folder=visit.project.folder,
                subject=folder.name,
            )
        )
        await in_thread_beside(work.connection, move_whole, search.library, folder, folder.name, path)


def _holds_files_only(folder: ProjectFolder, entries: Sequence[Entry]) -> bool:
    """Whether there is nothing in the folder but ``entries``, hidden files, and what photobus keeps in each; blocks."""
    known = {entry.name for entry in entries}
    folders = set(folder.folders(hidden=True))
    return all(
        name in known or name in _OWN or (name.startswith(".") and name not in folders) for name in folder.names()
    ) and all(storable(name) == name for name in known)


def _copies(folder: ProjectFolder, own: ProjectFolder, entries: Sequence[tuple[Entry, bool]]) -> list[Copy]:
    """Return those of ``entries`` whose bytes the file of the same name in the project has, too; blocks."""
    found = []
    for here, telling in entries:
        there = own.stat(here.name)
        if there is None or there.size != here.size:
            continue
        digest = md5_if_readable(folder, here.name)
        if digest is not None and digest == md5_if_readable(own, there.name):
            found.append(Copy(here, there, telling))
    return found


def _still(folder: ProjectFolder, own: ProjectFolder, copies: Sequence[Copy]) -> list[str]:
    """Return the names of the copies that are, on both sides, as they were when they were compared; blocks."""
    same = [
        copy for copy in copies if (folder.stat(copy.here.name), own.stat(copy.there.name)) == (copy.here, copy.there)
    ]
    return [copy.here.name for copy in same]


def _new_trash(own: ProjectFolder, task_id: UUID) -> str:
    """Return the name of a trash folder that is not there yet; blocks."""
    names = (trash_folder(datetime.now(UTC) + timedelta(seconds=later), task_id) for later in count())
    try:
        with own.subfolder(TRASH) as trash:
            return next(name for name in names if not trash.taken(name))
    except FileMissingError:
        return next(names)


def _to_trash(folder: ProjectFolder, own: ProjectFolder, place: str, names: Sequence[str]) -> None:
    with own.subfolder(TRASH, make=True) as trash, trash.subfolder(place, make=True) as target:
        for name in names:
            transfer(folder, name, target, name)
        target.sync()
    folder.sync()


def _trashed(own: ProjectFolder, place: str, names: Sequence[str]) -> list[Entry]:
    return [entry for name in names if (entry := own.stat_trashed(name, place)) is not None]
