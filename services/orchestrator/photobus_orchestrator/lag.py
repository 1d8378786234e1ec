"""How far the archive is behind the stream: metrics, and an alarm before the stream forgets what is not archived."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from photobus_common.bus import jetstream
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError
from photobus_common.bus.reader import stream_state
from photobus_common.config import Settings
from photobus_common.errors import BrokerUnavailableError
from photobus_common.logging import get_logger
from photobus_common.store import event_log
from photobus_common.store.database import Database
from photobus_common.subjects import EVENTS_STREAM
from photobus_common.telemetry import ARCHIVE_LAG_EVENTS, ARCHIVE_LAG_SECONDS

LOOK_SECONDS: Final = 10.0

ALARM_SHARE: Final = 0.5
"""Of ``events.max_age_days``: an archive so far behind needs a person while there is still time."""

log = get_logger()


class LagWatch:
    """Measures the lag while this orchestrator leads."""

    def __init__(self, database: Database, broker: Broker, settings: Settings) -> None:
        self._database = database
        self._broker = broker
        self._max_age = timedelta(days=settings.events.max_age_days)

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            try:
                await self.measure()
            except (BrokerUnavailableError, JetStreamError) as error:
                log.info("lag_not_measured", reason=error.public_message)
            await asyncio.sleep(LOOK_SECONDS)

    async def measure(self) -> timedelta:
        """Set the metrics and return the age of the oldest event that is not archived; zero when all are.

        Raises ``BrokerUnavailableError`` and ``JetStreamError``.
        """
        async with self._database.connection() as connection:
            cursor = await event_log.read_cursor(connection)
        stream = await stream_state(self._broker)
        oldest = max(cursor.seq + 1, stream.first_seq)
        behind = max(0, stream.last_seq - oldest + 1)
        age = await self._age(oldest) if behind else timedelta(0)
        ARCHIVE_LAG_EVENTS.set(behind)
        ARCHIVE_LAG_SECONDS.set(age.total_seconds())
        if self._max_age and age > self._max_age * ALARM_SHARE:
            log.error("archive_far_behind", events=behind, oldest_hours=age / timedelta(hours=1))
        return age

    async def _age(self, seq: int) -> timedelta:
        answer = await jetstream.request(self._broker, f"STREAM.MSG.GET.{EVENTS_STREAM}", {"seq": seq})
        return max(timedelta(0), datetime.now(UTC) - jetstream.instant(answer["message"]["time"]))
