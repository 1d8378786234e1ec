"""A worker in a process of its own that kills or stops itself at a chosen point of its first job."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import psutil
from forking import FORK_SERVER, Fork

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.config import Settings
from photobus_common.events import decode
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.job_items import ItemOutcome
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_common.worker.job import Handler, Job
from photobus_common.worker.runtime import Worker
from photobus_derivatives.files import OpenFiles, Unnamed
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.sandbox import DecoderPool

MAKE_WORKED: Final = "CREATE TABLE worked (photo_id bigint NOT NULL)"
WORKED: Final = "SELECT photo_id FROM worked ORDER BY photo_id"
_WORK: Final = "INSERT INTO worked (photo_id) VALUES ($1)"

PORTION: Final = 2
"""Items of one checkpoint."""

POINTS: Final = ("claimed", "item recorded", "portion written", "portion committed", "result committed")

DERIVATIVES_NAMED: Final = "derivatives named"
"""The point at which a worker that makes derivatives has named the first of them, and committed nothing."""


async def work_through(job: Job, dies_at: str = "never") -> None:
    """Do each pending item, which shows in the table ``worked``; the last of an odd number is only recorded."""
    items = await job.pending_items()
    for first in range(0, len(items), PORTION):
        portion = items[first : first + PORTION]
        outcomes = [ItemOutcome(item.position, item.photo_id, "done") for item in portion]
        if len(portion) < PORTION:
            job.record(outcomes)
            _die_if(dies_at == "item recorded")
            continue
        async with job.checkpoint(outcomes) as work:
            for item in portion:
                await work.connection.execute(_WORK, item.photo_id)
            _die_if(dies_at == "portion written")
        _die_if(dies_at == "portion committed")


async def run_until_killed(settings: Settings, point: str) -> int:
    """Run the worker that kills itself at ``point``; return the signal it died of."""
    process = await _start(settings, point, signal.SIGKILL)
    try:
        async with asyncio.timeout(60):
            return -await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def stopped(settings: Settings, point: str) -> AsyncIterator[Fork]:
    """Run the worker until it has stopped itself at ``point``; yield it, to be woken with SIGCONT."""
    process = await _start(settings, point, signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0.02)
        yield process
    finally:
        process.kill()
        await process.wait()


async def _start(settings: Settings, point: str, number: signal.Signals) -> Fork:
    return await FORK_SERVER.start("crashing_worker", settings.model_dump_json(), point, str(int(number)))


class _DyingPublisher(BusPublisher):
    """Is told right after each commit what it said; dies of the word ``fatal``."""

    fatal = ""

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Publish, or die."""
        _die_if(any(decode(message.payload).type == self.fatal for message in messages))
        super().offer(messages)


class _Death:
    number = signal.SIGKILL


def _die_if(condition: bool) -> None:
    if condition:
        os.kill(os.getpid(), _Death.number)


async def _dies_over_files(settings: Settings) -> Handler:
    place = Unnamed.put_in_place

    def put_in_place(unnamed: Unnamed, chosen: Iterable[OpenFiles]) -> None:
        place(unnamed, chosen)
        _die_if(True)

    Unnamed.put_in_place = put_in_place  # type: ignore[method-assign, assignment]  # for this process alone
    pool = DecoderPool(settings.processing)
    await pool.start()
    return DerivativesMaker(Library(settings.library.root), pool, settings.processing)


async def _main(settings: Settings, point: str) -> None:
    database = await Database.open(settings.postgres, "crashing", settings.pipeline.stale_seconds)
    broker = await Broker.open(settings.nats, "crashing")
    publisher = _DyingPublisher(broker, database, settings)
    publisher.fatal = {"claimed": "JobStarted", "result committed": "JobCompleted"}.get(point, "")

    async def dies(job: Job) -> None:
        await work_through(job, point)

    handler = await _dies_over_files(settings) if point == DERIVATIVES_NAMED else dies
    worker = Worker("derivatives", {"generate_derivatives": handler}, database, broker, publisher, settings)
    async with asyncio.TaskGroup() as group:
        group.create_task(publisher.run())
        group.create_task(worker.run(asyncio.Event()))


def main(settings: str, point: str, number: str) -> None:
    """Be the worker."""
    _Death.number = signal.Signals(int(number))
    asyncio.run(_main(Settings.model_validate_json(settings), point))
