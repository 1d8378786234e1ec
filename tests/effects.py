"""Worker processes of tests that kill or stop themselves after a chosen number of effects."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from forking import Fork

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.config import Settings
from photobus_common.events import decode
from photobus_common.events.tasks import JobCompleted
from photobus_common.job_types import Service
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_common.worker.job import Handler
from photobus_common.worker.runtime import Worker


async def was_killed(process: Fork) -> bool:
    """Wait for the end of a process; say whether it killed itself before its job was done."""
    try:
        async with asyncio.timeout(60):
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert code in {0, -signal.SIGKILL}
    return code != 0


class Effects:
    """Counts down; with the last, the process gets the signal."""

    def __init__(self, left: int, number: int = signal.SIGKILL) -> None:
        self.left = left
        self._signal = number

    def happened(self) -> None:
        """Count one."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self._signal)

    def after(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function`` as an effect."""

        def counted(*args: Any, **options: Any) -> Any:
            result = function(*args, **options)
            self.happened()
            return result

        return counted

    def after_rows(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """Return the writing of rows as an effect, which its transaction does not show yet."""

        async def counted(*args: Any, **options: Any) -> Any:
            result = await write(*args, **options)
            self.happened()
            return result

        return counted


class _Publisher(BusPublisher):
    """Is told right after each commit what it said; the first it hears of is that the job was claimed."""

    committed: Callable[[], None]
    last: str
    ended: asyncio.Event

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        self.committed()
        super().offer(messages)
        for data in (decode(message.payload).data for message in messages):
            if isinstance(data, JobCompleted) and self.last in {"", data.job_type}:
                self.ended.set()


async def work_to_the_end(
    service: Service,
    handlers: Mapping[str, Handler],
    settings: Settings,
    committed: Callable[[], None] = lambda: None,
    last: str = "",
) -> None:
    """Run a worker until it has completed its first job, or the first of type ``last``.

    ``committed`` is called after each commit that says anything.
    """
    database = await Database.open(settings.postgres, "crashing", settings.pipeline.stale_seconds)
    broker = await Broker.open(settings.nats, "crashing")
    publisher = _Publisher(broker, database, settings)
    publisher.committed, publisher.last, publisher.ended = committed, last, asyncio.Event()
    worker = Worker(service, handlers, database, broker, publisher, settings)
    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(publisher.run())
        await worker.run(publisher.ended)
        await publisher.drain()
        publishing.cancel()
    await broker.close()
    await database.close()
