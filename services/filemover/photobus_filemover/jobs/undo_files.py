"""``undo_files``: what another task did to the photos of the job is taken back, as the log tells it.

What was said of photos is written back in portions; photos that moved go back as they came; files come back from the
trash, or go there again where an undo is undone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from photobus_common.catalogue_changes import keep_events, tags_events
from photobus_common.deeds import Deed
from photobus_common.store.catalogue import write_keep, write_tags
from photobus_common.store.undoing import deeds_of_task, planned_undos, refuse_incomplete_log
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.undoing import Undo
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_filemover.context import Context
from photobus_filemover.journeys import Journey, Mover
from photobus_filemover.takebacks import Takeback, Takebacks, outcome_of

PORTION: Final = 200
"""Photos whose rows are locked and written in one transaction."""


class UndoFiles:
    """The handler of the job type; ``undo_of`` among the task's parameters is the task that is undone."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Take back what can be, and say of each other photo why not; raises ``LogIncompleteError``."""
        undone, tenant = UUID(job.command.params["undo_of"]), job.command.tenant
        items = await job.pending_items()
        async with job.database.connection() as connection:
            await refuse_incomplete_log(connection, tenant, undone)
            deeds = await deeds_of_task(connection, tenant, undone, [item.photo_id for item in items])
        untouched = [item for item in items if item.photo_id not in deeds]
        job.record(outcome_of(item, Undo(item.photo_id)) for item in untouched)
        touched = [item for item in items if item.photo_id in deeds]
        said = [item for item in touched if deeds[item.photo_id].said or not deeds[item.photo_id].touched_files]
        await self._say_again(job, said, deeds)
        await self._move_back(job, [item for item in touched if deeds[item.photo_id].moved], deeds)
        await Takebacks(self._context, job).take_back(
            [
                Takeback(replace(item, project_id=deed.place.project_id), deed)
                for item in touched
                if (deed := deeds[item.photo_id]).place is not None and not deed.moved
            ]
        )

    async def _say_again(self, job: Job, items: Sequence[JobItem], deeds: Mapping[int, Deed]) -> None:
        """Take back what was said of photos: what is kept, and tags. What became of files is another's to settle."""
        unique = self._context.settings.library.unique_names
        for start in range(0, len(items), PORTION):
            job.hand_back_if_asked()
            portion = items[start : start + PORTION]
            of_portion = {item.photo_id: deeds[item.photo_id] for item in portion}
            outcomes: list[ItemOutcome] = []
            async with job.checkpoint(outcomes) as work:
                undos = await planned_undos(work.connection, job.command.tenant, of_portion, unique, lock=True)
                await _write(job, work, list(undos.values()))
                alone = [item for item in portion if not deeds[item.photo_id].touched_files]
                outcomes += [outcome_of(item, undos[item.photo_id]) for item in alone]

    async def _move_back(self, job: Job, items: Sequence[JobItem], deeds: Mapping[int, Deed]) -> None:
        unique = self._context.settings.library.unique_names
        of_items = {item.photo_id: deeds[item.photo_id] for item in items}
        async with job.database.connection() as connection:
            undos = await planned_undos(connection, job.command.tenant, of_items, unique)
        journeys = []
        for item in items:
            undo = undos[item.photo_id]
            if undo.move is None:
                job.record([outcome_of(item, undo)])
            else:
                here = replace(item, project_id=undo.move.wish.photo.project_id)
                journeys.append(Journey(here, undo.move.project.id, undo.move.wish.filename))
        await Mover(self._context, job).move(journeys)


async def _write(job: Job, work: UnitOfWork, undos: Sequence[Undo]) -> None:
    tenant, task_id = job.command.tenant, job.command.task_id
    kept = [undo.keep for undo in undos if undo.keep is not None]
    tagged = [undo.tags for undo in undos if undo.tags is not None]
    told = [
        *keep_events(kept, await write_keep(work.connection, tenant, kept), task_id),
        *tags_events(tagged, await write_tags(work.connection, tenant, tagged), task_id),
    ]
    for data in told:
        work.emit(job.origin.event(data))
