"""Whether the originals of photos are where they should be, seen on disk behind the storage guard.

A folder that is not there, or not to be believed, tells nothing: then nobody can say that a photo is gone from it.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from photobus_common.errors import StorageUnavailableError
from photobus_common.libraries import opened_project
from photobus_common.recognition import MissedPhoto
from photobus_common.storage.errors import FolderMissingError, ManifestBrokenError
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.recognizing import PlaceOfPhotos, places_of_photos
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.visits import Visit

NoFolder = Literal["gone", "unknown"]

_GONE: Final[NoFolder] = "gone"
_UNKNOWN: Final[NoFolder] = "unknown"


@dataclass(frozen=True)
class Whereabouts:
    """Names of originals that are in their photo's own place, by photo; of ``unknown`` photos nobody can say."""

    there: Mapping[int, frozenset[str]] = field(default_factory=dict)
    unknown: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Source:
    """Where photos lie by their rows, or lay; ``folder`` is open, or says why it cannot be looked into."""

    place: PlaceOfPhotos | None
    folder: ProjectFolder | NoFolder


async def whereabouts(visit: Visit, photos: Sequence[MissedPhoto], found: Collection[Entry]) -> Whereabouts:
    """Look for the originals of ``photos``; ``found`` are the files that turned up and may be theirs."""
    by_project: dict[int, list[MissedPhoto]] = {}
    for photo in photos:
        by_project.setdefault(photo.project_id, []).append(photo)
    async with visit.job.database.connection() as connection:
        places = await places_of_photos(connection, visit.project.tenant, sorted(by_project))
    there: dict[int, frozenset[str]] = {}
    unknown: set[int] = set()
    for project_id, of_project in by_project.items():
        async with AsyncExitStack() as stack:
            source = await _source(stack, visit, places.get(project_id))
            seen = await in_thread(_seen, source, of_project, found)
        there |= seen.there
        unknown |= seen.unknown
    return Whereabouts(there, frozenset(unknown))


@asynccontextmanager
async def held(visit: Visit, project_id: int) -> AsyncIterator[Source]:
    """Hold the locks of the visited folder and of that of ``project_id``, in the order of the projects' ids.

    Raises ``LockedError`` when somebody else does. A folder that cannot be looked into is not held.
    """
    wait = visit.context.settings.maintenance.lock_wait_seconds
    async with visit.job.database.connection() as connection:
        places = await places_of_photos(connection, visit.project.tenant, [project_id])
    async with AsyncExitStack() as stack:
        source = await _source(stack, visit, places.get(project_id))
        folders = {visit.project.id: visit.folder}
        if isinstance(source.folder, ProjectFolder):
            folders[project_id] = source.folder
        for one in sorted(folders):
            await stack.enter_async_context(folders[one].locked(wait))
        yield source


async def seen_beside(
    connection: Connection, source: Source, photos: Sequence[MissedPhoto], found: Collection[Entry]
) -> Whereabouts:
    """Look again while the locks are held and a transaction is open."""
    return await in_thread_beside(connection, _seen, source, photos, found)


async def _source(stack: AsyncExitStack, visit: Visit, place: PlaceOfPhotos | None) -> Source:
    """Open the project's folder; that of an archived one may be another's by now, or about to come back."""
    if place is None:
        return Source(None, _GONE)
    if place.project.id == visit.project.id:
        return Source(place, visit.folder if await in_thread(_is_its_own, visit.folder, place) else _UNKNOWN)
    try:
        folder = await stack.enter_async_context(opened_project(visit.context.library, place.project))
    except FolderMissingError:
        return Source(place, _GONE)
    except StorageUnavailableError:
        # Where the library itself does not answer, the visited folder does not either.
        return Source(place, _UNKNOWN)
    if not place.project.active:
        return Source(place, _GONE if place.folder_of_another else _UNKNOWN)
    return Source(place, folder if await in_thread(_is_its_own, folder, place) else _UNKNOWN)


def _is_its_own(folder: ProjectFolder, place: PlaceOfPhotos) -> bool:
    """Whether the folder is that of the project by its manifest: an empty place of an absent disk has none. Blocks."""
    try:
        manifest = folder.read_manifest()
    except (ManifestBrokenError, StorageUnavailableError):
        return False
    return manifest is not None and manifest.is_of(place.project.id, place.project.created_at)


def _seen(source: Source, photos: Iterable[MissedPhoto], found: Collection[Entry]) -> Whereabouts:
    """Say of which photos what is there. Blocks.

    Of a folder in which the disk lets nobody look nothing is known: that must cost no other project anything.
    Without a folder: a photo whose row is gone has no place to be in; of another that is known only once its project
    was archived because the folder was gone, run after run.
    """
    photos = list(photos)
    if isinstance(source.folder, ProjectFolder):
        try:
            return Whereabouts(_in_place(source.folder, photos, found))
        except StorageUnavailableError:
            return Whereabouts(unknown=frozenset(photo.id for photo in photos))
    archived = source.place is not None and source.place.folder_gone and not source.place.project.active
    given_up = source.place is None or not source.place.project.active or source.folder == _GONE
    unknown = [
        photo.id
        for photo in photos
        if not (given_up if photo.removed_by is not None else archived and source.folder == _GONE)
    ]
    return Whereabouts(unknown=frozenset(unknown))


def _in_place(
    folder: ProjectFolder, photos: Iterable[MissedPhoto], found: Collection[Entry]
) -> dict[int, frozenset[str]]:
    """Return what is in its place. Where two spellings are one name, a file that got another is found by its old."""
    turned_up = {(entry.device, entry.inode) for entry in found}
    spelled: frozenset[str] | None = None
    there: dict[int, frozenset[str]] = {}
    for photo in photos:
        names = set()
        for name in photo.places:
            entry = folder.stat(name)
            if entry is None:
                continue
            if (entry.device, entry.inode) in turned_up:
                spelled = folder.names() if spelled is None else spelled
                if name not in spelled:
                    continue
            names.add(name)
        there[photo.id] = frozenset(names)
    return there
