"""Files without rows that get other names: carried out and told of, by who put it on record or by whoever comes next.

For each file: it is renamed if it is still there and its target is not; if it is there no more it was renamed before,
or is gone. Where something else has come to lie under a target, all files of that basename get another one.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final
from uuid import uuid4

from photobus_common.errors import PhotobusError
from photobus_common.events import cut_by_bytes
from photobus_common.events.maintenance import FilesRenamed, RenamedFile
from photobus_common.logging import get_logger
from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.storage.errors import FileMissingError, FolderMissingError, NameTakenError, is_refusal
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.storage.transfer import md5_if_readable, transfer
from photobus_common.store.file_renames import (
    FileRename,
    end_renames,
    names_with_rows,
    open_renames,
    record_renames,
)
from photobus_common.store.projects import ids_of_folders
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.duplicates import free_basenames, targets_of, without_number
from photobus_maintenance.visits import Visit, keep_project

PORTION: Final = 200
"""Renames that are carried out and told of together."""

log = get_logger()

Pair = tuple[str, str]
"""A file's name and its target."""


@dataclass
class _Carried:
    """How far a rename came: ``moved`` have their targets, under those of ``blocked`` something else lies."""

    rename: FileRename
    moved: list[Pair] = field(default_factory=list)
    blocked: list[Pair] = field(default_factory=list)
    refused: str | None = None


async def renamed_before(visit: Visit) -> Visit:
    """Finish what is on record for the visited project; return the visit with what its folder then holds."""
    async with visit.job.database.connection() as connection:
        if not await open_renames(connection, visit.project.id):
            return visit
    async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
        await finish_renames(visit)
    entries = visit.entries if visit.entries is None else await in_thread(visit.folder.list)
    return replace(visit, entries=entries)


async def finish_renames(visit: Visit, source: ProjectFolder | None = None) -> int:
    """Finish what is on record for the visited project; return how many files have got their names.

    The caller holds the lock of its folder, and that of ``source`` if it has the folder open that files come from;
    another such folder is locked here. Raises ``LockedError``.
    """
    files = 0
    while True:
        async with visit.job.database.connection() as connection:
            renames = (await open_renames(connection, visit.project.id))[:PORTION]
            names = [name for one in renames if one.source_folder is None for name in one.names]
            known = await names_with_rows(connection, visit.project.id, names)
        if not renames:
            return files
        async with AsyncExitStack() as stack:
            sources = await _sources(stack, visit, renames, source)
            carried = await in_thread(_carry_out_all, visit.folder, sources, renames, known)
            files += await _tell(visit, carried)


async def _sources(
    stack: AsyncExitStack, visit: Visit, renames: Sequence[FileRename], source: ProjectFolder | None
) -> dict[str, ProjectFolder | None]:
    """Open and lock the folders that files come from; None for one that is gone, with all that lay in it.

    So is one under whose name another project's folder lies by now.
    """
    sources: dict[str, ProjectFolder | None] = {}
    library = visit.context.library.tenant(visit.project.tenant, visit.project.library_id)
    for name in sorted({one.source_folder for one in renames if one.source_folder is not None}):
        if source is not None and source.name == name:
            sources[name] = source
            continue
        try:
            folder = await in_thread(library.open_project, name, undo=ProjectFolder.close)
        except FolderMissingError:
            sources[name] = None
            continue
        stack.enter_context(folder)
        await stack.enter_async_context(folder.locked(visit.context.settings.maintenance.lock_wait_seconds))
        async with visit.job.database.connection() as connection:
            owned = await ids_of_folders(connection, visit.project.tenant, [name])
        sources[name] = None if owned else folder
    return sources


def _carry_out_all(
    folder: ProjectFolder,
    sources: Mapping[str, ProjectFolder | None],
    renames: Sequence[FileRename],
    known: Collection[str],
) -> list[_Carried]:
    carried = []
    for one in renames:
        source = folder if one.source_folder is None else sources[one.source_folder]
        carried.append(_carry_out(one, source, folder, known if one.source_folder is None else ()))
    folder.sync()
    for other in sources.values():
        if other is not None:
            other.sync()
    return carried


def _carry_out(
    rename: FileRename, source: ProjectFolder | None, folder: ProjectFolder, known: Collection[str]
) -> _Carried:
    """Rename what is still to be renamed; what is ``known`` by now is a photo's and keeps its name."""
    carried = _Carried(rename)
    for name, target in rename.pairs:
        if name in known:
            continue
        try:
            if source is None or source.stat(name) is None or _is_there_twice(source, name, folder, target):
                carried.moved += [(name, target)] if folder.taken(target) else []
                continue
            transfer(source, name, folder, target)
        except FileMissingError:
            continue
        except NameTakenError:
            carried.blocked.append((name, target))
        except PhotobusError as error:
            if not is_refusal(error):
                raise
            carried.refused = error.public_message
        else:
            carried.moved.append((name, target))
    return carried


def _is_there_twice(source: ProjectFolder, name: str, folder: ProjectFolder, target: str) -> bool:
    """Remove the file's old name where it has its new one already: a rename by link, or by copy, was cut off."""
    old, new = source.stat(name), folder.stat(target)
    if old is None or new is None:
        return False
    if not old.same_file(new):
        copied = source is not folder and old.size == new.size
        digest = md5_if_readable(source, name) if copied else None
        if digest is None or digest != md5_if_readable(folder, target):
            return False
    return source.remove(name)


async def _tell(visit: Visit, carried: Sequence[_Carried]) -> int:
    """Write in one transaction that the renames have ended, and what becomes of those that were in the way."""
    async with visit.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        await end_renames(work.connection, [one.rename.id for one in carried])
        for one in carried:
            if one.refused is not None:
                visit.report.refused(visit.project, "file_not_renamed", one.refused, one.rename.names[0])
        await _choose_anew(visit, work, [one for one in carried if one.blocked])
        told = [one for one in carried if one.moved]
        for (cause, source_folder), ones in groupby(told, key=lambda one: (one.rename.cause, one.rename.source_folder)):
            pairs = [pair for one in ones for pair in one.moved]
            for files in cut_by_bytes([RenamedFile(name=target, source_name=name) for name, target in pairs]):
                data = FilesRenamed(**visit.about, cause=cause, source_folder=source_folder, files=files)
                visit.report.changed(work, data, "files_renamed", len(files), files[0].source_name)
    return sum(len(one.moved) for one in carried)


async def _choose_anew(visit: Visit, work: UnitOfWork, blocked: Sequence[_Carried]) -> None:
    """Put on record other targets for all files of a basename of which one could not get its name.

    What is no photo's stays where it is, for who merges folders to look at again.
    """
    project, uploader = visit.project, visit.context.settings.uploader
    for one in blocked:
        entries = await in_thread_beside(work.connection, visit.folder.list)
        present = {found.basename for entry in entries if isinstance(found := parse(entry.name, uploader), ParsedName)}
        moved = [parse(target, uploader) for _, target in one.moved]
        left = [parse(name, uploader) for name, _ in one.blocked]
        if not any(isinstance(parsed, ParsedName) for parsed in left):
            visit.report.refused(project, NameTakenError.code, "Something else has its name.", one.blocked[0][0])
            continue
        group = [parsed for parsed in (*moved, *left) if isinstance(parsed, ParsedName)]
        base = without_number(one.rename.basename)
        free = await free_basenames(work.connection, project.tenant, visit.folder, {base: group}, present)
        parts = [(moved, None), (left, one.rename.source_folder)]
        anew = [
            replace(
                one.rename,
                id=uuid4(),
                names=tuple(parsed.name for parsed in files),
                targets=targets_of(files, free[base]),
                basename=free[base],
                source_folder=folder,
            )
            for found, folder in parts
            if (files := [parsed for parsed in found if isinstance(parsed, ParsedName)])
        ]
        await record_renames(work.connection, anew)
        log.info("rename_chosen_anew", project=project.folder, basename=free[base])
