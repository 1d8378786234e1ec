"""A service that is a worker and nothing else: its parts, how they start, and how they stop without losing anything."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.relay import OutboxRelay
from photobus_common.config import Settings
from photobus_common.health import HealthServer
from photobus_common.job_types import Service
from photobus_common.readiness import Check, readiness
from photobus_common.service import Stop
from photobus_common.store.database import Database
from photobus_common.worker.job import Handler, WorkerPublisher
from photobus_common.worker.runtime import Worker

Beside = Callable[[Database, WorkerPublisher], Awaitable[None]]
"""Something that the service does beside its jobs, for ever."""


async def serve_worker(
    service: Service,
    handlers: Mapping[str, Handler],
    settings: Settings,
    stop: Stop,
    checks: Mapping[str, Check] | None = None,
    beside: Beside | None = None,
) -> None:
    """Run ``handlers`` until ``stop``, then finish or hand back what runs. ``checks`` add to those of ``/readyz``.

    ``beside`` runs as long as the worker does.
    """
    database = await Database.open(settings.postgres, service, settings.pipeline.stale_seconds)
    broker = await Broker.open(settings.nats, service, wait=False)
    try:
        publisher = BusPublisher(broker, database, settings)
        worker = Worker(service, handlers, database, broker, publisher, settings)
        all_checks = {**readiness(database, broker), **(checks or {})}
        async with HealthServer(settings.health, all_checks), asyncio.TaskGroup() as background:
            publishing = background.create_task(publisher.run(), name="publisher")
            relaying = background.create_task(OutboxRelay(database, publisher, settings).run(), name="relay")
            extra = background.create_task(_beside(beside, database, publisher), name="beside")
            await worker.run(stop)
            extra.cancel()
            relaying.cancel()
            await publisher.drain()
            publishing.cancel()
    finally:
        await broker.close()
        await database.close()


async def _beside(beside: Beside | None, database: Database, publisher: WorkerPublisher) -> None:
    if beside is not None:
        await beside(database, publisher)
