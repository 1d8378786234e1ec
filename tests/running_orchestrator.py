"""The orchestrator as it runs, with its own pool, broker connection, publisher and relay, and workers beside it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from bus_traffic import until

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.relay import OutboxRelay
from photobus_common.config import Settings
from photobus_common.events import Event
from photobus_common.job_types import Service, provided_by
from photobus_common.store.database import Database
from photobus_common.store.job_items import ItemOutcome
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.worker.job import Job
from photobus_common.worker.runtime import Worker
from photobus_orchestrator.app import Orchestrator

SERVICES: Final[tuple[Service, ...]] = ("derivatives", "maintenance", "filemover")

STATUS = "SELECT status FROM tasks WHERE id = $1"


@dataclass
class Running:
    """A process of its own, but for the process; ``task`` ends when what runs in it fails."""

    database: Database
    broker: Broker
    publisher: BusPublisher
    task: asyncio.Task[None]

    async def say(self, *events: Event) -> None:
        """Commit ``events`` to the outbox and offer them to the publisher."""
        async with unit_of_work(self.database, self.publisher) as work:
            for event in events:
                work.emit(event)

    async def fetch(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        async with self.database.connection() as connection:
            return [tuple(row.values()) for row in await connection.fetch(query, *parameters)]

    async def until_rows(self, expected: Sequence[tuple[Any, ...]], query: str, *parameters: object) -> None:
        """Wait until the database answers ``expected``."""

        async def holds() -> bool:
            return await self.fetch(query, *parameters) == list(expected)

        await until(holds)


@asynccontextmanager
async def running(settings: Settings, *, lead: bool = True) -> AsyncIterator[Running]:
    """Run an orchestrator, or with ``lead`` false only a publisher and a relay."""
    database = await Database.open(settings.postgres, "orchestrator-test")
    broker = await Broker.open(settings.nats, "orchestrator-test")
    publisher = BusPublisher(broker, database, settings)

    async def everything() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(publisher.run())
            group.create_task(OutboxRelay(database, publisher, settings).run())
            if lead:
                group.create_task(Orchestrator(database, broker, publisher, settings).run())

    task = asyncio.create_task(everything())
    try:
        yield Running(database, broker, publisher, task)
    finally:
        task.cancel()
        await asyncio.wait({task})
        await broker.close()
        await database.close()


@asynccontextmanager
async def workers(process: Running, settings: Settings) -> AsyncIterator[None]:
    """Run workers for every job type of this version, for which every item is done at once."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for service in SERVICES:
            handlers = {job_type.name: _finish for job_type in provided_by(service)}
            worker = Worker(service, handlers, process.database, process.broker, process.publisher, settings)
            group.create_task(worker.run(stop))
        yield
        stop.set()


async def _finish(job: Job) -> None:
    items = await job.pending_items()
    job.record(ItemOutcome(item.position, item.photo_id, "done") for item in items)
