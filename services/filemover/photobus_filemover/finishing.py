"""Completing what is on record and whose worker died, was canceled or failed for good.

Whoever holds the lock of a project's folder and finds operations open may complete them: their owner would hold it.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from photobus_common.errors import PhotobusError
from photobus_common.events import Origin
from photobus_common.events.tasks import Targets
from photobus_common.libraries import opened_project
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import LockedError
from photobus_common.store.database import Database
from photobus_common.store.file_operations import (
    open_operations,
    projects_with_open_operations,
    retarget_operations,
)
from photobus_common.store.job_items import ItemOutcome, JobOutcomes, insert_outcomes
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.store.unit_of_work import Publisher, UnitOfWork, unit_of_work
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread
from photobus_filemover.completing import SOURCE, Place, Settled, complete
from photobus_filemover.context import Context
from photobus_filemover.planning import retargeted

log = get_logger()


async def finish_open(job: Job, place: Place) -> frozenset[int]:
    """Complete what is on record for the project, under the claim of ``job``; return the positions of its own items."""
    async with job.database.connection() as connection:
        operations = await open_operations(connection, place.project.id)
    if not operations:
        return frozenset()
    targets = await in_thread(retargeted, place.folder, operations)
    if targets:
        async with job.checkpoint() as work:
            await retarget_operations(work.connection, targets)
    own: list[ItemOutcome] = []
    async with job.checkpoint(own) as work:
        settled = await complete(work, place, {})
        own += [one.outcome for one in settled if one.cause.job_id == job.command.job_id]
        await _tell_others(work, [one for one in settled if one.cause.job_id != job.command.job_id])
    log.info("operations_completed", project=place.project.folder, photos=len(settled))
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
            async with database.connection() as connection:
                projects = await projects_of_tenant(connection, tenant, [project_id])
            try:
                await self._finish(database, publisher, projects[project_id])
            except LockedError:
                continue
            except PhotobusError as error:
                log.warning("operations_not_completed", project_id=project_id, reason=error.public_message)

    async def _finish(self, database: Database, publisher: Publisher, project: CatalogueProject) -> None:
        patience = self._context.settings.pipeline.stale_seconds
        async with opened_project(self._context.library, project) as folder, folder.locked(0):
            async with database.connection() as connection:
                operations = await open_operations(connection, project.id)
            targets = await in_thread(retargeted, folder, operations)
            if targets:
                async with database.transaction() as connection:
                    await retarget_operations(connection, targets)
            async with unit_of_work(database, publisher) as work:
                settled = await complete(work, Place(project, folder, patience), {})
                await _tell_others(work, settled)
                self._ask_for_derivatives(work, project, settled)
        log.info("operations_completed", project=project.folder, photos=len(settled))

    def _ask_for_derivatives(self, work: UnitOfWork, project: CatalogueProject, settled: Sequence[Settled]) -> None:
        """Have derivatives made for jobs that will not come to it themselves; others ask a second time at worst."""
        shown_anew: dict[tuple[UUID, str], list[int]] = {}
        for one in settled:
            if one.aftermath is not None and one.aftermath.derivatives == "pending":
                shown_anew.setdefault((one.cause.task_id, one.cause.actor), []).append(one.photo_id)
        for (task_id, actor), photos in shown_anew.items():
            definition = self._context.definitions["generate_derivatives"]
            origin = Origin(SOURCE, project.tenant, actor, task_id)
            targets = Targets(kind="photos", photo_ids=tuple(photos), project_ids=(project.id,) * len(photos))
            request_task(work, origin, Ask(definition, targets, source="task"))


async def _tell_others(work: UnitOfWork, settled: Sequence[Settled]) -> None:
    """Write outcomes for the jobs that had put it on record."""
    jobs = dict.fromkeys((one.cause.job_id, one.cause.attempt) for one in settled)
    outcomes = [
        JobOutcomes(job_id, attempt, [one.outcome for one in settled if one.cause.job_id == job_id])
        for job_id, attempt in jobs
    ]
    await insert_outcomes(work.connection, outcomes)
