"""The relay that every service runs: it publishes what a crash or an absent broker left in the outbox.

It also sends the commands whose time has come. All relays share the rows by ``SKIP LOCKED``; a message that went out
twice has the same id, so that the broker, the archive or the claim drops the repeat.
"""

import asyncio
import random
from datetime import timedelta
from typing import Final

from photobus_common.bus.publisher import BusPublisher
from photobus_common.config import Settings
from photobus_common.logging import get_logger
from photobus_common.store import outbox
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.telemetry import OUTBOX_LAG_SECONDS, OUTBOX_RELAYED

BATCH: Final = 500

LOOK_SECONDS: Final = 0.5
"""Between two looks, and so the most that a delayed command is late; each a look at two small indexes."""

OUTAGE_SECONDS: Final = 1.0

log = get_logger()


class OutboxRelay:
    """Looks for due rows and offers them to the publisher of its process."""

    def __init__(self, database: Database, publisher: BusPublisher, settings: Settings) -> None:
        self._database = database
        self._publisher = publisher
        self._after = timedelta(seconds=settings.events.relay_after_seconds)

    async def run(self) -> None:
        """Relay until cancelled."""
        away = False
        while True:
            try:
                taken = await self.relay_once()
            except DATABASE_OUTAGES as error:
                if not away:
                    log.warning("relay_without_database", reason=str(error))
                away = True
                await asyncio.sleep(OUTAGE_SECONDS)
                continue
            away = False
            if taken < BATCH:
                # The relays of several processes drift apart, so that they do not all look at once.
                await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)

    async def relay_once(self) -> int:
        """Offer what is due now to the publisher; returns how many messages that were.

        In an outage one message at a time is enough to find out whether it is over.
        """
        limit = min(1 if self._publisher.in_outage else BATCH, self._publisher.room)
        if not limit or not self._publisher.connected:
            async with self._database.connection() as connection:
                OUTBOX_LAG_SECONDS.set(await outbox.oldest_lost_seconds(connection, self._after))
            return 0
        async with self._database.connection() as connection:
            due = await outbox.take_due(connection, self._after, limit)
        OUTBOX_LAG_SECONDS.set(due.oldest_seconds)
        if due.messages:
            OUTBOX_RELAYED.inc(len(due.messages))
            self._publisher.offer_relayed(due.messages)
        return len(due.messages)
