"""Completing what is on record and whose worker died, was canceled or failed for good.

Whoever holds the lock of a project's folder and finds operations open may complete them: their owner would hold it.
"""

import asyncio
from collections.abc import Sequence

from photobus_common.errors import PhotobusError
from photobus_common.events.tasks import Targets
from photobus_common.logging import get_logger
from photobus_common.storage.errors import LockedError
from photobus_common.store.database import Database
from photobus_common.store.file_operations import (
    open_operations,
    projects_with_open_operations,
    retarget_operations,
)
from photobus_common.store.job_items import ItemOutcome, JobOutcomes, insert_outcomes, jobs_that_ended
from photobus_common.store.unit_of_work import Publisher, UnitOfWork, unit_of_work
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread
from photobus_filemover.completing import completable, complete
from photobus_filemover.context import Context
from photobus_filemover.places import Places, held
from photobus_filemover.planning import retargeted
from photobus_filemover.settling import Settled

log = get_logger()


async def finish_open(context: Context, job: Job, places: Places) -> frozenset[int]:
    """Complete what is on record for the places, under the claim of ``job``; return the positions of its own items."""
    async with job.database.connection() as connection:
        operations = completable(places, await open_operations(connection, places.ids))
    if not operations:
        return frozenset()
    targets = await in_thread(retargeted, places, operations)
    if targets:
        async with job.checkpoint() as work:
            await retarget_operations(work.connection, targets)
    own: list[ItemOutcome] = []
    async with job.checkpoint(own) as work:
        settled = await complete(work, places, {})
        own += [one.outcome for one in settled if one.cause.job_id == job.command.job_id]
        others = [one for one in settled if one.cause.job_id != job.command.job_id]
        await _tell_others(work, others)
        ended = await jobs_that_ended(work.connection, sorted({one.cause.job_id for one in others}))
        _ask_for_derivatives(work, context, places, [one for one in others if one.cause.job_id in ended])
    log.info("operations_completed", projects=places.ids, photos=len(settled))
    return frozenset(outcome.position for outcome in own)


class Finisher:
    """Completes, now and then, what nobody else comes for. Runs in every file mover; two of them do no harm."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def run(self, database: Database, publisher: Publisher) -> None:
        """Look every few seconds, for ever."""
        while True:
            try:
                await self.finish(database, publisher)
            except Exception:  # whatever it was, the next round tries again
                log.exception("operations_not_completed")
            await asyncio.sleep(self._context.settings.filemover.finish_every_seconds)

    async def finish(self, database: Database, publisher: Publisher) -> None:
        """Complete what is open in any project; what living workers are at is behind their folder's lock."""
        async with database.connection() as connection:
            found = await projects_with_open_operations(connection)
        for tenant, project_id in found:
            try:
                await self._finish(database, publisher, tenant, project_id)
            except LockedError:
                continue
            except PhotobusError as error:
                log.warning("operations_not_completed", project_id=project_id, reason=error.public_message)
            except Exception:  # whatever is wrong with one project holds up no other
                log.exception("operations_not_completed", project_id=project_id)

    async def _finish(self, database: Database, publisher: Publisher, tenant: str, project_id: int) -> None:
        async with held(self._context, database, tenant, [project_id], 0) as places:
            async with database.connection() as connection:
                operations = completable(places, await open_operations(connection, places.ids))
            if not operations:  # they wait for a folder
                return
            targets = await in_thread(retargeted, places, operations)
            if targets:
                async with database.transaction() as connection:
                    await retarget_operations(connection, targets)
            async with unit_of_work(database, publisher) as work:
                settled = await complete(work, places, {})
                await _tell_others(work, settled)
                _ask_for_derivatives(work, self._context, places, settled)
        log.info("operations_completed", projects=places.ids, photos=len(settled))


def _ask_for_derivatives(work: UnitOfWork, context: Context, places: Places, settled: Sequence[Settled]) -> None:
    """Have derivatives made for jobs that will not come to it themselves; others ask a second time at worst."""
    wanting = [one for one in settled if one.derivatives_wanted]
    for task_id in dict.fromkeys(one.cause.task_id for one in wanting):
        own = [one for one in wanting if one.cause.task_id == task_id]
        targets = Targets(
            kind="photos",
            photo_ids=tuple(one.photo_id for one in own),
            project_ids=tuple(one.project_id for one in own),
        )
        ask = Ask(context.definitions["generate_derivatives"], targets, source="task")
        request_task(work, own[0].cause.origin(places.tenant), ask)


async def _tell_others(work: UnitOfWork, settled: Sequence[Settled]) -> None:
    """Write outcomes for the jobs that had put it on record."""
    jobs = dict.fromkeys((one.cause.job_id, one.cause.attempt) for one in settled)
    outcomes = [
        JobOutcomes(job_id, attempt, [one.outcome for one in settled if one.cause.job_id == job_id])
        for job_id, attempt in jobs
    ]
    await insert_outcomes(work.connection, outcomes)
