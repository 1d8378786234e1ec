"""Files that come back from the trash or go there again for an undo, in small batches of one project each.

For each batch, under the lock of the project's folder: what a worker left on record that died or was canceled is
completed; what is to be done is put on record; it is done, in the transaction that writes what follows from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from photobus_common.deeds import Deed
from photobus_common.reconciliation import CatalogueProject
from photobus_common.removal import Removal
from photobus_common.storage.errors import FolderMissingError, FolderUnreadableError, LockedError
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.file_operations import FileOperation, record_operations
from photobus_common.store.moves import basenames_being_placed
from photobus_common.store.reconciliation import names_in_motion
from photobus_common.store.undoing import planned_undos
from photobus_common.store.uploads import folder_of_active_project, lock_basenames
from photobus_common.undoing import Undo
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_common.worker.blocking import in_thread_beside
from photobus_filemover.completing import complete
from photobus_filemover.context import Context
from photobus_filemover.finishing import finish_open
from photobus_filemover.places import held
from photobus_filemover.planning import planned_operations, restore_operations
from photobus_filemover.settling import cause_of

PORTION: Final = 50
"""Photos whose files come and go in one transaction, which holds their rows."""

ON_ITS_WAY: Final = "One of its files is still on its way, here or elsewhere."


@dataclass(frozen=True)
class Takeback:
    """An item and what its photo's files went through; ``item.project_id`` is where they lie, or their trash does."""

    item: JobItem
    deed: Deed


def outcome_of(item: JobItem, undo: Undo) -> ItemOutcome:
    """Return what is said of an item of which all has been taken back that can be."""
    if undo.refused:
        return ItemOutcome(item.position, item.photo_id, "failed", " ".join(undo.refused))
    if undo.does_something:
        return ItemOutcome(item.position, item.photo_id, "done")
    return ItemOutcome(item.position, item.photo_id, "skipped", "unchanged")


class Takebacks:
    """Takes back, for one job, what became of files."""

    def __init__(self, context: Context, job: Job) -> None:
        self._context = context
        self._job = job

    async def take_back(self, takebacks: Sequence[Takeback]) -> None:
        """Take back all that can be, and write an outcome for each.

        A folder in which somebody else is at work holds up its own photos only: raises ``LockedError`` at the end.
        """
        locked: LockedError | None = None
        for project_id in sorted({one.item.project_id for one in takebacks}):
            left = [one for one in takebacks if one.item.project_id == project_id]
            while left:
                self._job.hand_back_if_asked()
                try:
                    await self._take_portion(project_id, left[:PORTION])
                except LockedError as error:
                    locked = error
                    break
                del left[:PORTION]
        if locked is not None:
            raise locked

    async def _take_portion(self, project_id: int, portion: Sequence[Takeback]) -> None:
        job, wait = self._job, self._context.settings.filemover.lock_wait_seconds
        async with held(self._context, job.database, job.command.tenant, [project_id], wait) as places:
            try:
                place, folder = places[project_id], places[project_id].present
            except (FolderMissingError, FolderUnreadableError) as error:
                reason = error.public_message
                job.record(ItemOutcome(one.item.position, one.item.photo_id, "failed", reason) for one in portion)
                return
            finished = await finish_open(self._context, job, places)
            todo = [one for one in portion if one.item.position not in finished]
            outcomes, asked = await self._intend(place.project, folder, todo)
            async with job.checkpoint(outcomes) as work:
                settled = await complete(work, places, {item.photo_id: cause_of(job, item) for item in asked})
                outcomes += [one.outcome for one in settled if one.cause.job_id == job.command.job_id]

    async def _intend(
        self, project: CatalogueProject, folder: ProjectFolder, todo: Sequence[Takeback]
    ) -> tuple[list[ItemOutcome], list[JobItem]]:
        """Put on record what is going to be done.

        Return the outcomes of items that nothing is done with, and those that are to be settled without any file.
        """
        outcomes: list[ItemOutcome] = []
        async with self._job.checkpoint() as work:
            if project.active and await folder_of_active_project(work.connection, project.id) != project.folder:
                raise LockedError("The project was deleted or moved meanwhile.")  # comes again, and finds how it is
            undos = await self._plan(work.connection, project.id, todo, outcomes)
            operations = await in_thread_beside(work.connection, self._operations, folder, undos)
            await record_operations(work.connection, operations)
        recorded = {one.photo_id for one in operations}
        return outcomes, [item for item, _ in undos if item.photo_id not in recorded]

    async def _plan(
        self, connection: Connection, project_id: int, todo: Sequence[Takeback], outcomes: list[ItemOutcome]
    ) -> list[tuple[JobItem, Undo]]:
        """Return what is to be done, with the photos' rows locked; add to ``outcomes`` why nothing is for others."""
        deeds = {one.deed.photo_id: one.deed for one in todo}
        tenant, unique = self._job.command.tenant, self._context.settings.library.unique_names
        returning = [deed.place.filename for deed in deeds.values() if deed.removed and deed.place]
        await lock_basenames(connection, tenant, returning)
        undos = await planned_undos(connection, tenant, deeds, unique, lock=True)
        names = await names_in_motion(connection, project_id)
        arriving = await basenames_being_placed(connection, project_id)
        planned = []
        for one in todo:
            undo = undos[one.item.photo_id]
            if undo.comeback is None and undo.removal is None:
                outcomes.append(outcome_of(one.item, undo))
            elif undo.filename in arriving or not names.isdisjoint(_names(undo)):
                outcomes.append(ItemOutcome(one.item.position, one.item.photo_id, "failed", ON_ITS_WAY))
            else:
                planned.append((one.item, undo))
        return planned

    def _operations(self, folder: ProjectFolder, undos: Sequence[tuple[JobItem, Undo]]) -> list[FileOperation]:
        coming = [(item, undo.comeback) for item, undo in undos if undo.comeback is not None]
        going = [(item, _with_staying(undo.removal, undo)) for item, undo in undos if undo.removal is not None]
        return [
            *restore_operations(self._job, folder, coming),
            *planned_operations(self._job, folder, going),
        ]


def _with_staying(removal: Removal, undo: Undo) -> Removal:
    """Have files that are to be kept on record too: whoever completes it says that they stayed."""
    return replace(removal, going=(*removal.going, *undo.staying))


def _names(undo: Undo) -> set[str]:
    coming = {file.name for file in undo.comeback.files} if undo.comeback else set()
    going = {file.name for file in undo.removal.going} if undo.removal else set()
    return coming | going | {file.name for file in undo.staying}
