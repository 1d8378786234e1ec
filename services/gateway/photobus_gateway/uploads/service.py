"""The parts of uploading put together, and their life with the gateway's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from aiohttp import web

from photobus_common.config import Settings
from photobus_common.definitions import Definitions
from photobus_common.libraries import refuse_without_locks
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import Publisher
from photobus_gateway.keys import DATABASE, DEFINITIONS, LIBRARY, PUBLISHER, SETTINGS
from photobus_gateway.uploads.batches import Batches
from photobus_gateway.uploads.placing import Placer
from photobus_gateway.uploads.queue import PlacingQueue
from photobus_gateway.uploads.resumable import Resumable
from photobus_gateway.uploads.sweeping import Sweeper


class Uploads:
    """What routes need to take in files."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        library: Library,
        definitions: Definitions,
        settings: Settings,
    ) -> None:
        placer = Placer(database, publisher, library, settings)
        self.queue = PlacingQueue(placer)
        self.batches = Batches(database, publisher, definitions, settings)
        self.resumable = Resumable(database, library, placer, self.queue, self.batches, settings)
        self.sweeper = Sweeper(database, library, placer, settings)

    async def run(self) -> None:
        """Gather photos into tasks and clear up, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.batches.run())
            group.create_task(self.sweeper.run())


UPLOADS: Final = web.AppKey("uploads", Uploads)


async def uploads_context(app: web.Application) -> AsyncIterator[None]:
    """Run uploads while the application runs (for its ``cleanup_ctx``); what was received is placed before it ends.

    Raises ``ConfigurationError`` for a library whose file system does not keep locks.
    """
    await refuse_without_locks(app[DATABASE], app[LIBRARY])
    service = Uploads(app[DATABASE], app[PUBLISHER], app[LIBRARY], app[DEFINITIONS], app[SETTINGS])
    app[UPLOADS] = service
    running = asyncio.create_task(service.run())
    yield
    await service.queue.drain()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
