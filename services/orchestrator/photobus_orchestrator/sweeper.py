"""Taking archived events out of the outbox: only then is an event safe even from a broker that loses its disk."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from photobus_common.logging import get_logger
from photobus_common.store import event_log
from photobus_common.store.database import Database

SWEEP_SECONDS: Final = 0.5
"""Rows are deleted many at once, not one transaction an event."""

LEFTOVERS_SECONDS: Final = 300.0
"""Between two walks through the whole outbox for rows that an earlier sweep missed."""

PAGE: Final = 1000

COMMIT_LAZILY = "SET LOCAL synchronous_commit TO off"

log = get_logger()


class Sweeper:
    """Deletes the outbox rows of events that the fold has archived."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._archived: list[UUID] = []

    def archived(self, event_ids: Sequence[UUID]) -> None:
        """Take note of events that are in the archive."""
        self._archived += event_ids

    async def run(self) -> None:
        """Sweep until cancelled; a row that a crash left is found by the next walk."""
        loop = asyncio.get_running_loop()
        next_walk = loop.time()
        while True:
            if loop.time() >= next_walk:
                await self.sweep_leftovers()
                next_walk = loop.time() + LEFTOVERS_SECONDS
            await self.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Delete the rows of the events noted so far; those that somebody holds are noted again."""
        noted, self._archived = self._archived, []
        for start in range(0, len(noted), PAGE):
            self._archived += await self._delete(noted[start : start + PAGE])

    async def sweep_leftovers(self) -> None:
        """Walk through the outbox and note every row whose event is archived, for the next sweep."""
        found, last = 0, UUID(int=0)
        while True:
            async with self._database.connection() as connection:
                page = await event_log.outbox_events_after(connection, last, PAGE)
                archived = await event_log.archived_among(connection, page) if page else frozenset()
            self._archived += archived
            found += len(archived)
            if len(page) < PAGE:
                break
            last = page[-1]
        if found:
            log.info("outbox_leftovers_found", rows=found)

    async def _delete(self, event_ids: Sequence[UUID]) -> list[UUID]:
        # Not synced on its own: when a crash undoes it, the rows are leftovers.
        async with self._database.transaction() as connection:
            await connection.execute(COMMIT_LAZILY)
            return await event_log.delete_archived_outbox(connection, event_ids)
