"""What a handler is given: its job, the items still to do, and the ways to write down what it did.

Every write goes through ``checkpoint`` (or ``record``), whose transaction holds the job's claim: a run that was taken
for dead can write nothing over its successor.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

from photobus_common.commands import RunJob
from photobus_common.events import Event
from photobus_common.events.tasks import JobProgress
from photobus_common.store.claims import ClaimAnswer, beat_held_claim, lock_own_claim, save_cursor
from photobus_common.store.database import Database
from photobus_common.store.job_items import (
    PROJECT_DELETED,
    ItemOutcome,
    JobItem,
    JobOutcomes,
    insert_outcomes,
    pending_items,
)
from photobus_common.store.unit_of_work import Publisher, UnitOfWork, unit_of_work
from photobus_common.worker.progress import ProgressThrottle
from photobus_common.worker.results import HandBackError, HandBackReason, UnfinishedItemsError


class WorkerPublisher(Publisher, Protocol):
    """A publisher that also takes what may get lost."""

    def publish_lossy(self, event: Event) -> None:
        """Publish ``event`` without keeping it anywhere: a progress report, of which the next one is as good."""


class Job:
    """One run of one job. ``cursor`` is what an earlier run of a job without items saved, if any."""

    def __init__(
        self,
        command: RunJob,
        holder: UUID,
        answer: ClaimAnswer,
        *,
        database: Database,
        publisher: WorkerPublisher,
        source: str,
        beat_seconds: float,
    ) -> None:
        self.command = command
        self.holder = holder
        self.database = database
        self.cursor: dict[str, Any] | None = answer.cursor
        self.origin = command.origin(source)
        self._publisher = publisher
        self._beat_seconds = beat_seconds
        self._done = answer.done
        self._first_items = answer.items
        self._recorded: list[ItemOutcome] = []
        self._hand_back: HandBackReason | None = None
        self._throttle = ProgressThrottle(asyncio.get_running_loop().time, answer.done)

    @property
    def should_hand_back(self) -> bool:
        """Whether the job is asked to stop after its present portion: the worker drains, or others of its lane wait."""
        return self._hand_back is not None

    def hand_back_if_asked(self) -> None:
        """Between two portions: give the job back if it is asked for (raises ``HandBackError``, for the worker)."""
        if self._hand_back is not None:
            raise HandBackError(self._hand_back)

    def ask_back(self, reason: HandBackReason) -> None:
        """Ask the handler to stop after its present portion; the first reason stands."""
        self._hand_back = self._hand_back or reason

    async def pending_items(self) -> list[JobItem]:
        """Return the items without an outcome, in order, each with the project that its photo lies in now.

        Those of a project that was deleted are canceled here. Of one that is deleted while the job is at it, what the
        handler could not do counts as canceled where it is written.
        """
        items, self._first_items = self._first_items, None
        if items is None:
            async with self.database.connection() as connection:
                items = (await pending_items(connection, [self.command]))[self.command.job_id]
        recorded = {outcome.position for outcome in self._recorded}
        pending = [item for item in items if item.position not in recorded]
        # The claim counted before it waited for the last portion of the run that it took over.
        self._done = self.command.count - len(pending)
        deleted = [item for item in pending if item.deleted]
        self.record(ItemOutcome(item.position, item.photo_id, "canceled", PROJECT_DELETED) for item in deleted)
        return [item for item in pending if not item.deleted]

    def record(self, outcomes: Iterable[ItemOutcome]) -> None:
        """Note outcomes that no other row goes with: they are written with the next checkpoint or with the result.

        What is noted and not yet written when the process dies is found out again by the next run.
        """
        noted = list(outcomes)
        self._recorded += noted
        self._count(len(noted))

    @asynccontextmanager
    async def checkpoint(self, outcomes: Sequence[ItemOutcome] = ()) -> AsyncIterator[UnitOfWork]:
        """Open a transaction that holds the claim; on leaving, write ``outcomes`` and commit.

        Rows and events of the body and the outcomes of the items they are about become true together; the body may
        still add to ``outcomes``. Raises
        ``ClaimLostError`` or ``JobCanceledError`` before the body runs; both are for the worker, not for the handler.
        """
        recorded, began = len(self._recorded), monotonic()
        async with unit_of_work(self.database, self._publisher) as work:
            await lock_own_claim(work.connection, self.command.job_id, self.holder)
            yield work
            await insert_outcomes(work.connection, [self._outcomes([*self._recorded[:recorded], *outcomes])])
            if monotonic() - began > self._beat_seconds:
                await beat_held_claim(work.connection, self.command.job_id, self.holder)
        del self._recorded[:recorded]
        self._count(len(outcomes))

    async def save_cursor(self, cursor: dict[str, Any], work: UnitOfWork) -> None:
        """Keep how far a job without items is, in the transaction of the ``checkpoint`` that got there."""
        await save_cursor(work.connection, self.command.job_id, self.holder, cursor)
        self.cursor = cursor

    def progress(self, done: int | None = None, total: int | None = None) -> None:
        """Say how far the job is, at most 4 times a second; by default in items, as checkpoints do by themselves."""
        reported = self._done if done is None else done
        if self._throttle.passes(reported):
            data = JobProgress(
                **self.command.about,
                done=reported,
                total=self.command.count if total is None else total,
            )
            self._publisher.publish_lossy(self.origin.event(data))

    def unwritten(self) -> JobOutcomes:
        """Return the outcomes that are noted and not yet written."""
        return self._outcomes(tuple(self._recorded))

    def check_finished(self) -> None:
        """Hold the handler to its duty: every item has an outcome (``UnfinishedItemsError``)."""
        if self.command.over == "items" and self._done < self.command.count:
            missing = self.command.count - self._done
            raise UnfinishedItemsError(f"{missing} of {self.command.count} items have no outcome.")

    def _outcomes(self, outcomes: Sequence[ItemOutcome]) -> JobOutcomes:
        return JobOutcomes(self.command.job_id, self.command.attempt, outcomes)

    def _count(self, items: int) -> None:
        self._done += items
        if items:
            self.progress()


Handler = Callable[[Job], Awaitable[None]]
"""Does the work of one job type. Returning means done; raising means what ``results.result_of`` says."""
