"""One delivery of a command, from its claim to its ack.

The order is what makes every crash harmless: the claim is committed before the work, the result before the ack. Who
dies in between leaves a message that comes again and a claim that either can be taken over or says that all is done.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final
from uuid import uuid4

from photobus_common import logging, telemetry
from photobus_common.bus.intake import CommandMessage
from photobus_common.config import Pipeline
from photobus_common.store.claims import ClaimAnswer
from photobus_common.store.database import Database
from photobus_common.store.job_items import ItemCounts, JobOutcomes
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.worker.job import Handler, Job, WorkerPublisher
from photobus_common.worker.lease import insist, keep_lease, tell_broker
from photobus_common.worker.ledger import Ledger
from photobus_common.worker.results import (
    Abandoned,
    AttemptFailed,
    Completed,
    HandBackReason,
    HandedBack,
    Result,
    UnfinishedItemsError,
    Waiting,
    WorkerLostError,
    failure_of,
    redelivery_delay,
    result_of,
)

_CLAIM_AGAIN_SECONDS: Final = 2.0
"""When a command comes again that could not be claimed because the database was away."""

_BUSY_MARGIN_SECONDS: Final = 0.05
"""Added to the time after which a silent holder's claim is free, so that it is when the command comes again."""

log = logging.get_logger()


@dataclass(frozen=True)
class Workplace:
    """What all runs of one worker process share."""

    database: Database
    publisher: WorkerPublisher
    ledger: Ledger
    pipeline: Pipeline
    source: str


class Run:
    """One delivery. ``finish`` sees it through; ``ask_back`` and ``interrupt`` are for a worker that stops."""

    def __init__(self, message: CommandMessage, handler: Handler, workplace: Workplace) -> None:
        self.command = message.command
        self._message = message
        self._handler = handler
        self._workplace = workplace
        self._holder = uuid4()
        self._job: Job | None = None
        self._working: asyncio.Task[None] | None = None
        self._asked_back: HandBackReason | None = None
        self._interrupted = False

    @property
    def is_long(self) -> bool:
        """Whether the job has no bounded number of items, so that it may have to make room for others."""
        return self.command.over != "items"

    def ask_back(self, reason: HandBackReason) -> None:
        """Ask the handler to give the job back after its present portion; the first reason stands."""
        self._asked_back = self._asked_back or reason
        if self._job is not None:
            self._job.ask_back(reason)

    def interrupt(self) -> None:
        """Stop the handler where it stands; what it committed counts, and the job is given back."""
        self._interrupted = True
        if self._working is not None:
            self._working.cancel()

    async def finish(self) -> None:
        """Claim, work, write the result, and only then ack. A refused claim is answered according to why."""
        with logging.bound(task_id=self.command.task_id, job_id=self.command.job_id, attempt=self.command.attempt):
            try:
                answer = await self._claim()
            except DATABASE_OUTAGES as error:
                log.warning("claim_not_written", error=repr(error))
                await tell_broker(self._message.nak(_CLAIM_AGAIN_SECONDS))
                return
            if answer.verdict == "granted":
                waited = datetime.now(UTC) - self._message.published_at
                telemetry.JOB_QUEUE_SECONDS.labels(self.command.job_type, self.command.lane).observe(
                    waited.total_seconds()
                )
                await self._work(answer)
            else:
                await self._decline(answer)

    async def _claim(self) -> ClaimAnswer:
        patience = self._workplace.pipeline.stale_seconds / 3
        return await insist(lambda: self._workplace.ledger.claim(self.command, self._holder), patience)

    async def _decline(self, answer: ClaimAnswer) -> None:
        """Forget a command whose work is done or void; let one whose holder seems alive come again when it may be not.

        The latter only sets when the broker delivers the message next, which each heartbeat of the holder does anew.
        """
        log.info("claim_refused", verdict=answer.verdict)
        if answer.verdict == "busy":
            await tell_broker(self._message.nak(max(answer.free_in_seconds, 0.0) + _BUSY_MARGIN_SECONDS))
        else:
            await tell_broker(self._message.ack())

    async def _work(self, answer: ClaimAnswer) -> None:
        started = monotonic()
        job = Job(
            self.command,
            self._holder,
            answer,
            database=self._workplace.database,
            publisher=self._workplace.publisher,
            source=self._workplace.source,
            beat_seconds=self._workplace.pipeline.heartbeat_ms / 1000,
        )
        self._job = job
        if self._asked_back is not None:
            job.ask_back(self._asked_back)
        result = await self._handle(job, answer)
        telemetry.JOB_SECONDS.labels(self.command.job_type).observe(monotonic() - started)
        if isinstance(result, Abandoned):
            await self._abandon(result)
        else:
            await self._settle(job, result)

    async def _handle(self, job: Job, answer: ClaimAnswer) -> Result | Abandoned:
        """Run the handler under the lease; whichever ends first decides."""
        pipeline = self._workplace.pipeline
        if answer.takeovers > pipeline.max_attempts_default:
            return result_of(WorkerLostError(f"{answer.takeovers} workers were lost while they ran this job."))
        working = self._working = asyncio.ensure_future(_call(self._handler, job))
        lease = asyncio.create_task(
            keep_lease(self._workplace.database, self._message, self._holder, pipeline.heartbeat_ms / 1000),
        )
        try:
            if self._interrupted:
                working.cancel()
            await asyncio.wait({working, lease}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                working.cancel()
                await asyncio.wait({working})
        finally:
            working.cancel()
            lease.cancel()
            await asyncio.wait({working, lease})
        return self._end(job, working, lease)

    def _end(self, job: Job, working: asyncio.Task[None], lease: asyncio.Task[None]) -> Result | Abandoned:
        if not working.cancelled():
            return _judge(job, working.exception())
        if not lease.cancelled() and (lost := lease.exception()) is not None:
            return result_of(lost)
        if self._interrupted:
            return HandedBack("drain")
        return AttemptFailed("internal_error", "The handler cancelled itself.", retryable=True)

    async def _abandon(self, end: Abandoned) -> None:
        """Leave without a word if the claim is another's; the message of a job that is over is removed."""
        telemetry.JOBS_ENDED.labels(self.command.job_type, end.why).inc()
        log.info("job_abandoned", why=end.why)
        if end.why == "canceled":
            await tell_broker(self._message.ack())

    async def _settle(self, job: Job, result: Result) -> None:
        """Put the result on record, or, if it cannot be, that the attempt failed by that; then tell the broker."""
        try:
            counts = await self._write(result, job.unwritten())
        except Exception as error:  # whatever it is: a run without an end on record would be begun again and again
            log.exception("result_not_written")
            result = failure_of(error)
            counts = await self._write(result, JobOutcomes(self.command.job_id, self.command.attempt, ()))
        if counts is None:
            await self._abandon(Abandoned("lost"))
            return
        self._report(result, counts)
        if isinstance(result, HandedBack):
            await tell_broker(self._message.nak(redelivery_delay(result, self._message.num_delivered)))
        else:
            await tell_broker(self._message.ack())

    async def _write(self, result: Result, outcomes: JobOutcomes) -> ItemCounts | None:
        ledger = self._workplace.ledger
        return await insist(lambda: ledger.settle(self.command, self._holder, result, outcomes), float("inf"))

    def _report(self, result: Result, counts: ItemCounts) -> None:
        job_type = self.command.job_type
        match result:
            case Completed():
                outcome = "completed"
                for status in ("done", "failed", "skipped", "canceled"):
                    telemetry.JOB_ITEMS.labels(job_type, status).inc(getattr(counts, status))
            case AttemptFailed(code, reason, retryable):
                last = not retryable or self.command.attempt >= self._workplace.pipeline.max_attempts_default
                outcome = "failed" if last else "retried"
                log.warning("attempt_failed", code=code, reason=reason, retryable=retryable)
            case HandedBack(reason):
                outcome = "handed_back"
                log.info("job_handed_back", reason=reason)
            case Waiting(confirmation_ids):
                outcome = "waiting"
                log.info("job_waiting", confirmations=len(confirmation_ids))
        telemetry.JOBS_ENDED.labels(job_type, outcome).inc()


async def _call(handler: Handler, job: Job) -> None:
    await handler(job)


def _judge(job: Job, error: BaseException | None) -> Result | Abandoned:
    """Say what a handler that was not cancelled has come to."""
    if error is None:
        try:
            job.check_finished()
        except UnfinishedItemsError as unfinished:
            return result_of(unfinished)
        return Completed()
    result = result_of(error)
    if isinstance(result, AttemptFailed) and result.code == "internal_error":
        log.error("handler_failed", exc_info=error)
    return result
