"""What is done in Postgres once the broker has a message, or cannot take it: in batches, off its path, and lazily."""

import asyncio
from typing import Final
from uuid import UUID

from photobus_common.bus.window import Entry
from photobus_common.logging import get_logger
from photobus_common.store import outbox
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.outbox import Outcomes

GATHER_SECONDS: Final = 0.1
"""How long acknowledgements are gathered for one statement; far below the age at which the relay looks at a row."""

RETRY_SECONDS: Final = 1.0

MAX_UNSETTLED: Final = 100_000
"""Beyond this, what was published is forgotten: its rows are relayed again, and the broker or the claim drops them."""

log = get_logger()


class Settler:
    """Deletes the rows of published commands, and lets rest those of events that the relay published.

    What the relay found and the broker could not take, the next relay looks at soon, not after its long wait.
    The row of an event that went out right after its commit is not touched: the orchestrator deletes it once the
    event is archived.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commands: list[UUID] = []
        self._events: list[UUID] = []
        self._postponed: list[UUID] = []
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()

    def published(self, entry: Entry) -> None:
        """Note that the broker has ``entry``."""
        if entry.message.kind == "command":
            self._note(self._commands, entry.message.id)
        elif entry.relayed:
            self._note(self._events, entry.message.id)

    def postponed(self, entry: Entry) -> None:
        """Note that the broker could not take ``entry``."""
        if entry.relayed:
            self._note(self._postponed, entry.message.id)

    async def run(self) -> None:
        """Settle until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            if not await self.flush():
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def flush(self) -> bool:
        """Settle what was noted so far; false when the database is away, and then it stays noted."""
        async with self._writing:
            outcomes = Outcomes(tuple(self._commands), tuple(self._events), tuple(self._postponed))
            self._commands, self._events, self._postponed = [], [], []
            try:
                await outbox.settle(self._database, outcomes)
            except DATABASE_OUTAGES as error:
                log.warning("outbox_not_settled", messages=len(outcomes), reason=str(error))
                self._commands[:0] = outcomes.commands
                self._events[:0] = outcomes.events
                self._postponed[:0] = outcomes.postponed
                return False
        return True

    def _note(self, ids: list[UUID], message: UUID) -> None:
        if len(ids) < MAX_UNSETTLED:
            ids.append(message)
            self._wake.set()
