"""The rescuer: it has every open job commanded again that has neither a claim nor a command.

A worker that dies is no case for it: its message comes again when the lease runs out. What no lease covers is a command
that is nowhere any more, because the broker lost its disk or somebody purged a stream. Being sure of that takes no
clock: while nobody holds the job and its command is in no outbox, the command was published before now or never. So if
it exists it lies at or before the sequence at which its stream ends now, and it is gone once the oldest message of its
subject lies beyond that.
"""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from photobus_common import subjects
from photobus_common.bus import jetstream
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import STREAM_NOT_FOUND, JetStreamError
from photobus_common.config import Settings
from photobus_common.errors import BrokerUnavailableError
from photobus_common.events import Origin
from photobus_common.events.tasks import JobLost
from photobus_common.logging import get_logger
from photobus_common.store import tasks as task_store
from photobus_common.store.database import Database
from photobus_common.store.tasks import UnattendedJob
from photobus_common.store.unit_of_work import Publisher, unit_of_work
from photobus_orchestrator.domain.decide import SOURCE
from photobus_orchestrator.stream import provision_again

NO_MESSAGE: Final = 10037
"""JetStream's number for a message that is not there."""

log = get_logger()


class Dispatch(NamedTuple):
    """One command of a job."""

    job_id: UUID
    attempt: int
    dispatch: int


class Rescuer:
    """Looks for open jobs that nobody will ever work on, and says that they are lost."""

    def __init__(self, database: Database, broker: Broker, publisher: Publisher, settings: Settings) -> None:
        self._database = database
        self._broker = broker
        self._publisher = publisher
        self._settings = settings
        self._published_by: dict[Dispatch, int] = {}
        self._reported: set[Dispatch] = set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.rescue()
            except BrokerUnavailableError as error:
                log.info("rescue_postponed", reason=error.public_message)
            except JetStreamError as error:
                log.warning("rescue_postponed", reason=error.public_message)
                if error.number == STREAM_NOT_FOUND:
                    await provision_again(self._database, self._broker, self._settings)
            await asyncio.sleep(self._settings.pipeline.rescue_every_seconds)

    async def rescue(self) -> int:
        """Report the jobs that are lost, each dispatch once, and return their number.

        Raises ``BrokerUnavailableError`` and ``JetStreamError``.
        """
        jobs = await self._unattended()
        self._forget_all_but(jobs.keys())
        await self._remember(jobs)
        oldest = {
            subject: await self._oldest(lane, subject)
            for lane, subject in {(_lane(job), _subject(job)) for job in jobs.values()}
        }
        lost = [
            dispatch
            for dispatch, job in jobs.items()
            if dispatch not in self._reported and oldest[_subject(job)] > self._published_by[dispatch]
        ]
        if lost:
            await self._report([jobs[dispatch] for dispatch in lost])
            self._reported.update(lost)
        return len(lost)

    async def _unattended(self) -> dict[Dispatch, UnattendedJob]:
        pipeline = self._settings.pipeline
        async with self._database.connection() as connection:
            jobs = await task_store.unattended_jobs(
                connection,
                timedelta(seconds=pipeline.rescue_after_seconds),
                timedelta(seconds=pipeline.stale_seconds),
            )
        return {Dispatch(job.job_id, job.attempt, job.dispatch): job for job in jobs}

    def _forget_all_but(self, present: Collection[Dispatch]) -> None:
        self._published_by = {dispatch: end for dispatch, end in self._published_by.items() if dispatch in present}
        self._reported.intersection_update(present)

    async def _remember(self, jobs: dict[Dispatch, UnattendedJob]) -> None:
        """Keep, for each job, where its stream ended when it was first seen unattended."""
        for lane in {_lane(job) for job in jobs.values()}:
            end = (await jetstream.stream_state(self._broker, subjects.COMMAND_STREAMS[lane])).last_seq
            for dispatch, job in jobs.items():
                # An end before the one remembered means a stream made anew, which counts from its own beginning.
                if _lane(job) == lane and self._published_by.get(dispatch, end + 1) > end:
                    self._published_by[dispatch] = end

    async def _oldest(self, lane: subjects.Lane, subject: str) -> float:
        """Return the sequence of the oldest message of ``subject``; infinity when there is none."""
        body = {"seq": 1, "next_by_subj": subject}
        try:
            answer = await jetstream.request(self._broker, f"STREAM.MSG.GET.{subjects.COMMAND_STREAMS[lane]}", body)
        except JetStreamError as error:
            if error.number == NO_MESSAGE:
                return float("inf")
            raise
        return float(answer["message"]["seq"])

    async def _report(self, lost: list[UnattendedJob]) -> None:
        async with unit_of_work(self._database, self._publisher) as work:
            for job in lost:
                origin = Origin(SOURCE, job.tenant, job.actor, correlation_id=job.task_id)
                work.emit(origin.event(_job_lost(job)))
                log.warning("job_lost", job_id=str(job.job_id), attempt=job.attempt, dispatch=job.dispatch)


def _lane(job: UnattendedJob) -> subjects.Lane:
    return "priority" if job.lane == "priority" else "normal"


def _subject(job: UnattendedJob) -> str:
    return subjects.command_subject(_lane(job), job.service, job.job_type)


def _job_lost(job: UnattendedJob) -> JobLost:
    return JobLost.model_validate(
        {
            "task_id": job.task_id,
            "task_type": job.task_type,
            "job_id": job.job_id,
            "attempt": job.attempt,
            "job_type": job.job_type,
            "scope": job.scope,
            "source": job.source,
            "dispatch": job.dispatch,
        },
    )
