"""Files of photos that a project does not know yet: they get their rows, and their derivatives are asked for.

Those of photos that are known again by their bytes are these photos (``recognizing``). A name that another project's
photo has is left alone where names are unique in the library.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import FileFact, ManifestChanged, PhotoAdded, PhotosAdded
from photobus_common.events.tasks import Targets
from photobus_common.photos import filenames
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder, modified_at
from photobus_common.store import uploads
from photobus_common.store.database import Connection
from photobus_common.store.namesakes import unknown_basenames
from photobus_common.store.photos import Arrival, KnownPhotos, Recorded, StoredFile, photos_of_basenames, record_files
from photobus_common.store.recognizing import basenames_perhaps_moved
from photobus_common.store.reconciliation import names_in_motion
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.asking import ask_for_derivatives
from photobus_maintenance.identifying import Found
from photobus_maintenance.odd_files import identity_or_tell
from photobus_maintenance.reading_files import cut, identify_all
from photobus_maintenance.recognizing import recognize
from photobus_maintenance.rounds import START
from photobus_maintenance.settling import settling
from photobus_maintenance.visits import Visit, keep_project

PORTION: Final = 500
"""Photos whose files are read, and then get their rows, at once."""

PORTION_BYTES: Final = 256 * 1024**2
"""Bytes that are read before rows are written, in any number of photos."""

ASKED: Final = 2000
"""Basenames that are looked for in the rows at once."""

UNASKED: Final = "unasked"
"""In the cursor: the project of which photos have rows by now whose derivatives nobody has asked for."""

_New = tuple[ParsedName, Entry]


async def add_new_photos(visit: Visit) -> None:
    """Add what lies in the folder and belongs to no photo, as the listing of the visit shows it.

    While the rows of some are written, the files of the next are read.
    """
    groups = _groups(visit)
    async with visit.job.database.connection() as connection:
        free = await _wanted(connection, visit, groups)
    sized = ((groups[name], sum(entry.size for _, entry in groups[name])) for name in free)
    portions = [[file for group in portion for file in group] for portion in cut(sized, PORTION, PORTION_BYTES)]
    created = int((visit.job.cursor or {}).get(UNASKED) == visit.project.id)
    async with aclosing(_read_ahead(visit, portions)) as read:
        async for files, found, last in read:
            arrivals = await recognize(visit, await _identified(visit, files, found))
            async with visit.folder.locked(visit.context.settings.maintenance.lock_wait_seconds):
                created += await _add(visit, arrivals, created, last=last)
    if created and not portions:
        async with visit.report.checkpoint() as work:
            _ask_for_all(visit, work)


async def _read_ahead(
    visit: Visit, portions: Sequence[Sequence[_New]]
) -> AsyncGenerator[tuple[Sequence[_New], Sequence[Found], bool], None]:
    """Yield each portion with what was found of its files, and whether it is the last.

    The first is read to its end, so that a job that is asked back all the time comes to an end too.
    """

    def begin(files: Sequence[_New], *, to_the_end: bool = False) -> asyncio.Task[list[Found]]:
        read = identify_all(visit, [(entry, parsed.kind) for parsed, entry in files], to_the_end=to_the_end)
        return asyncio.create_task(read)

    reading = begin(portions[0], to_the_end=True) if portions else None
    try:
        for number, files in enumerate(portions, start=1):
            if number > 1:
                visit.job.hand_back_if_asked()
            if reading is None:
                raise AssertionError("each portion is begun with the one before")
            found = await reading
            last = number == len(portions)
            reading = None if last else begin(portions[number])
            yield files, found, last
    finally:
        if reading is not None:  # it uses what the caller is about to close
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def _groups(visit: Visit) -> dict[str, list[_New]]:
    """Return the files that may be photos, by basename; a sidecar alone is none."""
    settings = visit.context.settings
    settles = settling(settings.maintenance)
    parse = partial(filenames.parse, uploader=settings.uploader)
    groups: dict[str, list[_New]] = {}
    for entry in visit.entries or ():
        parsed = parse(entry.name)
        if isinstance(parsed, ParsedName) and not settles(entry):
            groups.setdefault(parsed.basename, []).append((parsed, entry))
    return {name: files for name, files in groups.items() if any(parsed.kind != "sidecar" for parsed, _ in files)}


async def _free(connection: Connection, visit: Visit, basenames: Sequence[str]) -> list[str]:
    """Return those of ``basenames`` that no photo has where names are looked for."""
    project = visit.project
    taken = set((await photos_of_basenames(connection, project.id, basenames)).ids)
    if visit.context.settings.library.unique_names == "library":
        taken |= (await uploads.projects_with_basenames(connection, project.tenant, project.id, basenames)).keys()
    return [name for name in basenames if name not in taken]


async def _wanted(connection: Connection, visit: Visit, groups: Mapping[str, Sequence[_New]]) -> list[str]:
    """Return the basenames whose files are to be read: those of no photo, or perhaps of one that was moved here.

    What stays because its name is taken is looked at again by the next run, when it may be free.
    """
    project = visit.project
    names = sorted(groups)
    unknown: list[str] = []
    for start in range(0, len(names), ASKED):
        unknown += await unknown_basenames(connection, project.id, names[start : start + ASKED])
    free = set(await _free(connection, visit, unknown))
    sizes = [(name, entry.size) for name in unknown if name not in free for _, entry in groups[name]]
    moved = await basenames_perhaps_moved(connection, project.tenant, project.id, sizes)
    if len(free | moved) < len(unknown):
        visit.pending.append("name_taken")
    return [name for name in unknown if name in free or name in moved]


async def _identified(visit: Visit, files: Sequence[_New], found: Sequence[Found]) -> list[tuple[Arrival, Entry]]:
    identified = []
    for (parsed, entry), one in zip(files, found, strict=True):
        identity = await identity_or_tell(visit, entry, one)
        if identity is not None:
            stored = StoredFile(entry.name, parsed.kind, entry.size, identity.md5, modified_at(entry))
            identified.append((Arrival(parsed.basename, stored, identity.exif), entry))
    return identified


async def _add(visit: Visit, identified: Sequence[tuple[Arrival, Entry]], before: int, *, last: bool) -> int:
    """Write rows of what is still as it was read; returns how many photos. The caller holds the folder's lock."""
    project = visit.project
    async with visit.report.checkpoint() as work:
        await keep_project(visit, work.connection)
        basenames = sorted({arrival.basename for arrival, _ in identified})
        await uploads.lock_basenames(work.connection, project.tenant, basenames)
        free = set(await _free(work.connection, visit, basenames))
        moving = await names_in_motion(work.connection, project.id)
        still = await in_thread(_unchanged, visit.folder, [entry for _, entry in identified])
        arrivals = [
            arrival
            for arrival, entry in identified
            if arrival.basename in free and entry in still and entry.name not in moving
        ]
        if len(arrivals) < len(identified):
            visit.pending.append("changing")
        shown = {arrival.basename for arrival in arrivals if arrival.file.kind != "sidecar"}
        arrivals = [arrival for arrival in arrivals if arrival.basename in shown]
        recorded = await record_files(work.connection, project.tenant, project.id, KnownPhotos(), arrivals)
        _tell(visit, work, recorded)
        if last and before:
            _ask_for_all(visit, work)
        elif last:
            ask_for_derivatives(visit, work, [photo.photo_id for photo in recorded])
        elif recorded:
            cursor = {**START, **(visit.job.cursor or {}), UNASKED: project.id}
            await visit.job.save_cursor(cursor, work)
    return len(recorded)


def _unchanged(folder: ProjectFolder, entries: Iterable[Entry]) -> set[Entry]:
    return {entry for entry in entries if folder.stat(entry.name) == entry}


def _tell(visit: Visit, work: UnitOfWork, recorded: Sequence[Recorded]) -> None:
    parts = [
        PhotoAdded(
            photo_id=photo.photo_id,
            filename=photo.basename,
            version=photo.version,
            files=tuple(
                FileFact(name=one.file.name, kind=one.file.kind, size=one.file.size, md5=one.file.md5)
                for one in photo.arrivals
            ),
        )
        for photo in recorded
    ]
    for photos in cut_by_bytes(parts):
        visit.report.changed(work, PhotosAdded(**visit.about, photos=photos), "photos_added", len(photos))
    if parts:
        work.emit(visit.job.origin.event(ManifestChanged(**visit.about, created=len(parts))))


def _ask_for_all(visit: Visit, work: UnitOfWork) -> None:
    """Ask with the last rows, by a filter: so it is one task for any number of photos, those of a killed run too."""
    definition = visit.context.definitions["generate_derivatives"]
    wanted = {"project_folder": visit.project.folder, "status": "pending"}
    targets = Targets(kind="filter", filter=wanted)
    request_task(work, visit.job.origin, Ask(definition, targets, source="task"))
