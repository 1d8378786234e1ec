"""The maintenance service in a process of its own that kills itself right after it has committed a chosen event."""

import asyncio
import os
import signal
from collections.abc import Sequence

from forking import FORK_SERVER, Fork

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.events import decode
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_common.worker.runtime import Worker
from photobus_maintenance.app import NAME, handlers_of
from photobus_maintenance.context import Context


async def start(settings: Settings, fatal: str) -> Fork:
    """Start the service that dies of the event ``fatal``."""
    return await FORK_SERVER.start("crashing_guard", settings.model_dump_json(), fatal)


async def death_of(process: Fork) -> int:
    """Return the signal that the service died of."""
    try:
        async with asyncio.timeout(60):
            return -await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _DyingPublisher(BusPublisher):
    """Is told right after each commit what it said."""

    fatal = ""

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Publish, or die."""
        if any(decode(message.payload).type == self.fatal for message in messages):
            os.kill(os.getpid(), signal.SIGKILL)
        super().offer(messages)


async def _main(settings: Settings, fatal: str) -> None:
    database = await Database.open(settings.postgres, "crashing", settings.pipeline.stale_seconds)
    broker = await Broker.open(settings.nats, "crashing")
    publisher = _DyingPublisher(broker, database, settings)
    publisher.fatal = fatal
    handlers = handlers_of(Context(Library(settings.library.root), settings, load_definitions()))
    worker = Worker(NAME, handlers, database, broker, publisher, settings)
    async with asyncio.TaskGroup() as group:
        group.create_task(publisher.run())
        group.create_task(worker.run(asyncio.Event()))


def main(settings: str, fatal: str) -> None:
    """Be the service."""
    asyncio.run(_main(Settings.model_validate_json(settings), fatal))
