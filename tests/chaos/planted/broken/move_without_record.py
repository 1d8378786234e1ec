"""Files are copied to their destination, and deleted where they were a moment later, with nothing on record of that."""

import asyncio
from collections.abc import Sequence
from typing import Final

from photobus_common.moving import Wish
from photobus_common.storage.errors import FolderMissingError, FolderUnreadableError
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.storage.transfer import _copy
from photobus_common.store.file_operations import FileOperation
from photobus_common.store.removals import removable_photos
from photobus_common.worker import ItemOutcome
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_filemover import journeys as sound
from photobus_filemover.carrying_out import Ended
from photobus_filemover.finishing import finish_open
from photobus_filemover.journeys import Journey, Mover, failures
from photobus_filemover.moved import Moved, write_moved
from photobus_filemover.places import Places, held
from photobus_filemover.planning import move_operations
from photobus_filemover.settling import Cause

SETTLE_SECONDS: Final = 0.3

Folders = tuple[ProjectFolder, ProjectFolder]


async def move_portion(self: Mover, source_id: int, target_id: int, portion: Sequence[Journey]) -> list[Journey]:
    """Plan, copy, write down where photos are, and delete once the copies have surely come to the disk."""
    job, wait = self._job, self._context.settings.filemover.lock_wait_seconds
    async with held(self._context, job.database, job.command.tenant, [source_id, target_id], wait) as places:
        try:
            folders = places[source_id].present, places[target_id].present
        except (FolderMissingError, FolderUnreadableError) as error:
            job.record(failures(portion, error.public_message))
            return []
        finished = await finish_open(self._context, job, places)
        todo = [journey for journey in portion if journey.item.position not in finished]
        outcomes, operations = await _plan(self, places, (source_id, target_id), folders, todo)
        copied = await in_thread(_copied, folders, operations)
        async with job.checkpoint(outcomes) as work:
            photos = await removable_photos(work.connection, job.command.tenant, sorted(operations), lock=True)
            moved = [
                Moved(Cause.of(own[0]), photo, photos.get(photo), tuple(Ended(one, "moved") for one in own), None)
                for photo, own in operations.items()
            ]
            await write_moved(work, places, moved)
            outcomes += [one.outcome for one in moved]
        await asyncio.sleep(SETTLE_SECONDS)
        await in_thread(_delete, folders[0], copied)
    return []


async def _plan(
    self: Mover, places: Places, route: tuple[int, int], folders: Folders, todo: Sequence[Journey]
) -> tuple[list[ItemOutcome], dict[int, list[FileOperation]]]:
    outcomes: list[ItemOutcome] = []
    async with self._job.checkpoint() as work:
        if await sound._refuses(work, places, *route):
            return failures(todo, "The project it was to go to was deleted."), {}
        found = await self._photos_here(work, route[0], todo, outcomes)
        wishes = [Wish(photo, journey.filename or photo.filename) for journey, photo in found]
        listing = await in_thread_beside(work.connection, self._listing, folders[1])
        moves = await self._plan(work, route[1], wishes, listing)
        planned = [(journey.item, move) for (journey, _), move in zip(found, moves, strict=True)]
        operations = await in_thread_beside(work.connection, move_operations, self._job, folders[0], route[1], planned)
    by_photo: dict[int, list[FileOperation]] = {}
    for one in operations:
        if one.kind == "move":
            by_photo.setdefault(one.photo_id, []).append(one)
    return outcomes, by_photo


def _copied(folders: Folders, operations: dict[int, list[FileOperation]]) -> list[str]:
    source, target = folders
    files = [one for own in operations.values() for one in own if source.stat(one.path) is not None]
    for one in files:
        _copy(source, one.path, target, one.target_path or one.path)
    return [one.path for one in files]


def _delete(source: ProjectFolder, names: Sequence[str]) -> None:
    for name in names:
        source.remove(name)
