"""Photos on their way to other projects, in small batches from one project to another each.

For each batch, under the locks of both folders: what a worker left on record that died or was canceled is completed;
what is to be done is put on record; it is done, in the transaction that writes what follows from it. A photo goes with
all its files or not at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Final

from photobus_common.moving import Listing, Move, Wish
from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.removal import RemovablePhoto
from photobus_common.storage.errors import FolderMissingError, FolderUnreadableError, LockedError
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.file_operations import record_operations
from photobus_common.store.job_items import ItemStatus
from photobus_common.store.moves import basenames_being_placed, planned_moves
from photobus_common.store.reconciliation import names_in_motion
from photobus_common.store.removals import removable_photos
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.store.uploads import folder_of_active_project, lock_basenames
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_common.worker.blocking import in_thread_beside
from photobus_filemover.completing import complete
from photobus_filemover.context import Context
from photobus_filemover.finishing import finish_open
from photobus_filemover.places import Places, held
from photobus_filemover.planning import move_operations

PORTION: Final = 100
"""Photos that move in one transaction, which holds their rows."""

COPIED: Final = 256 * 1024 * 1024
"""Bytes that move in one where they must be copied; a photo of more goes alone."""


@dataclass(frozen=True)
class Journey:
    """An item whose photo is to lie in the project ``target_id``, as ``filename`` if that is free there.

    By default it keeps its basename. ``item.project_id`` is where it is taken from.
    """

    item: JobItem
    target_id: int
    filename: str | None = None


class Mover:
    """Moves the photos of one job."""

    def __init__(self, context: Context, job: Job) -> None:
        self._context = context
        self._job = job

    async def move(self, journeys: Iterable[Journey]) -> None:
        """Move all that can be moved, and write an outcome for each.

        A folder in which somebody else is at work holds up its own photos only: raises ``LockedError`` at the end.
        """
        locked: LockedError | None = None
        for (source_id, target_id), group in groupby(sorted(journeys, key=_order), key=_route):
            left = list(group)
            while left:
                self._job.hand_back_if_asked()
                try:
                    later = await self._move_portion(source_id, target_id, left[:PORTION])
                except LockedError as error:
                    locked = error
                    break
                left = [*later, *left[PORTION:]]
        if locked is not None:
            raise locked

    async def _move_portion(self, source_id: int, target_id: int, portion: Sequence[Journey]) -> list[Journey]:
        """Move the photos, and return those that are too much for one transaction."""
        job, wait = self._job, self._context.settings.filemover.lock_wait_seconds
        ids = [source_id, target_id]
        async with held(self._context, job.database, job.command.tenant, ids, wait) as places:
            try:
                folders = places[source_id].present, places[target_id].present
            except (FolderMissingError, FolderUnreadableError) as error:
                job.record(failures(portion, error.public_message))
                return []
            finished = await finish_open(self._context, job, places)
            todo = [journey for journey in portion if journey.item.position not in finished]
            outcomes, later = await self._intend(places, source_id, target_id, folders, todo)
            async with job.checkpoint(outcomes) as work:
                settled = await complete(work, places, {})
                outcomes += [one.outcome for one in settled if one.cause.job_id == job.command.job_id]
        return later

    async def _intend(
        self,
        places: Places,
        source_id: int,
        target_id: int,
        folders: tuple[ProjectFolder, ProjectFolder],
        todo: Sequence[Journey],
    ) -> tuple[list[ItemOutcome], list[Journey]]:
        """Put on record what is going to be done.

        Return the outcomes of items that it cannot be done with, and the journeys that are not for this time.
        """
        job = self._job
        outcomes: list[ItemOutcome] = []
        async with job.checkpoint() as work:
            if await _refuses(work, places, source_id, target_id):
                return failures(todo, "The project it was to go to was deleted."), []
            found = await self._photos_here(work, source_id, todo, outcomes)
            here = found[: _at_once(folders, [photo for _, photo in found])]
            wishes = [Wish(photo, journey.filename or photo.filename) for journey, photo in here]
            moves = await self._plan(
                work, target_id, wishes, await in_thread_beside(work.connection, self._listing, folders[1])
            )
            planned = [(journey.item, move) for (journey, _), move in zip(here, moves, strict=True)]
            operations = await in_thread_beside(work.connection, move_operations, job, folders[0], target_id, planned)
            await record_operations(work.connection, operations)
        return outcomes, [journey for journey, _ in found[len(here) :]]

    async def _plan(self, work: UnitOfWork, target_id: int, wishes: Sequence[Wish], on_disk: Listing) -> list[Move]:
        """Plan, and where basenames are unique in the library keep uploads to other projects from those given out."""
        tenant, unique = self._job.command.tenant, self._context.settings.library.unique_names
        held: set[str] = set()
        while True:
            moves = await planned_moves(work.connection, tenant, target_id, wishes, unique, on_disk)
            numbered = {move.filename for move in moves if move.is_numbered} - held
            if unique == "project" or not numbered:
                return moves
            await lock_basenames(work.connection, tenant, sorted(numbered))
            held |= numbered

    async def _photos_here(
        self, work: UnitOfWork, source_id: int, todo: Sequence[Journey], outcomes: list[ItemOutcome]
    ) -> list[tuple[Journey, RemovablePhoto]]:
        """Return the photos that can go, locked; add to ``outcomes`` why others cannot."""
        names = await names_in_motion(work.connection, source_id)
        arriving = await basenames_being_placed(work.connection, source_id)
        ids = [journey.item.photo_id for journey in todo]
        photos = await removable_photos(work.connection, self._job.command.tenant, ids, lock=True)
        here = []
        for journey in todo:
            photo = photos.get(journey.item.photo_id)
            if photo is None or photo.project_id != source_id:
                outcomes += failures([journey], "It was moved or removed by something else meanwhile.")
            elif photo.filename in arriving or not names.isdisjoint(file.name for file in photo.files):
                outcomes += failures([journey], "One of its files is still on its way, here or elsewhere.")
            elif not photo.files:
                outcomes += failures([journey], "Its files are not there.")
            else:
                here.append((journey, photo))
        return here

    def _listing(self, folder: ProjectFolder) -> Listing:
        return Listing(folder.names(), self._basename_of)

    def _basename_of(self, name: str) -> str | None:
        parsed = parse(name, self._context.settings.uploader)
        return parsed.basename if isinstance(parsed, ParsedName) else None


def failures(journeys: Iterable[Journey], reason: str, status: ItemStatus = "failed") -> list[ItemOutcome]:
    """Return the outcomes of items that stay where they are."""
    return [ItemOutcome(one.item.position, one.item.photo_id, status, reason) for one in journeys]


async def _refuses(work: UnitOfWork, places: Places, source_id: int, target_id: int) -> bool:
    """Keep both projects as they are; say whether the destination was deleted. What was renamed is come back to."""
    for project_id in sorted({source_id, target_id}):
        folder = await folder_of_active_project(work.connection, project_id)
        if folder is None and project_id == target_id:
            return True
        if folder != places[project_id].project.folder:
            raise LockedError("The project was deleted or renamed meanwhile.")
    return False


def _at_once(folders: tuple[ProjectFolder, ProjectFolder], photos: Sequence[RemovablePhoto]) -> int:
    """Return how many of the photos go in one transaction: between file systems not more than is copied in a while."""
    source, target = (folder.identity for folder in folders)
    if source[0] == target[0]:
        return len(photos)
    totals = accumulate(sum(file.size for file in photo.files) for photo in photos)
    return max(1, sum(total <= COPIED for total in totals))


def _route(journey: Journey) -> tuple[int, int]:
    return journey.item.project_id, journey.target_id


def _order(journey: Journey) -> tuple[int, int, int]:
    return (*_route(journey), journey.item.position)
