"""Follows the log and puts what it says into the ring: one reader a process, whatever the number of clients."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError
from photobus_common.bus.reader import EventReader, EventsExpiredError, StreamRecreatedError, stream_state
from photobus_common.config import Sse
from photobus_common.errors import BrokerUnavailableError, PhotobusError
from photobus_common.events import Event
from photobus_common.logging import get_logger
from photobus_common.store.database import Database
from photobus_common.store.event_replay import all_events_from, archived_until, newest_archived
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.telemetry import SSE_RING_BYTES
from photobus_gateway.sse_events import expand
from photobus_gateway.sse_resume import PORTION, readable
from photobus_gateway.sse_ring import Entry, FrameId, Ring

RETRY_SECONDS: Final = 0.5

ARCHIVE_SECONDS: Final = 30.0
"""How long the archive may take to come to where a stream that was made anew begins, before clients are told to fetch
everything anew; an orchestrator takes over within seconds."""

YIELD_BYTES: Final = 256 * 1024
"""After so many bytes of events the loop is given to others, so that a burst of large events delays no request, and
drives nothing out of the ring before those who keep up have taken it."""

log = get_logger()


class LogTail:
    """The newest part of the log. ``arrived`` is called with the events of each portion once they stand in the ring."""

    def __init__(
        self, broker: Broker, database: Database, settings: Sse, arrived: Callable[[list[Event]], None]
    ) -> None:
        self._broker = broker
        self._database = database
        self._settings = settings
        self._arrived = arrived
        self._seen: OrderedDict[UUID, None] = OrderedDict()
        self._moved = asyncio.Condition()
        self.position = FrameId(0, 0)
        self._begin(1)
        self.started = asyncio.Event()

    async def run(self) -> None:
        """Follow the log for ever. Where the stream lost what was to be read next, the archive has it."""
        start = await self._starting_point()
        self._begin(start)
        self.started.set()
        while True:
            try:
                async for batch in EventReader(self._broker, start).batches():
                    await self._take([(stored.seq, stored.payload) for stored in batch])
                    start = batch[-1].seq + 1
            except StreamRecreatedError as error:
                start = await self._go_on(error.state.first_seq, error)
            except EventsExpiredError as error:
                start = await self._go_on(error.first_seq, error)

    async def reached(self, seq: int) -> None:
        """Return when the event ``seq`` was read."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.position.seq >= seq)

    async def _go_on(self, start: int, error: PhotobusError) -> int:
        """Go on where the stream begins now, after what only the archive has; where that is no way, begin anew."""
        if start > self.position.seq:
            with suppress(TimeoutError):
                async with asyncio.timeout(ARCHIVE_SECONDS):
                    await self._catch_up(start - 1)
                    log.warning("sse_log_goes_on", reason=error.public_message, start=start)
                    return start
        return self._begin_anew(start, error)

    async def _catch_up(self, until: int) -> None:
        """Take from the archive, once it has come to ``until``, what comes next in it."""
        while True:
            try:
                async with self._database.connection() as connection:
                    archived = await archived_until(connection) >= until
                    rows = await all_events_from(connection, self.position.seq + 1, until, PORTION) if archived else ()
            except DATABASE_OUTAGES as error:
                log.info("sse_archive_not_readable_yet", reason=str(error))
                archived, rows = False, ()
            await self._take(rows)
            if archived and len(rows) < PORTION:
                break
            if not archived:
                await asyncio.sleep(RETRY_SECONDS)
        self.position = FrameId(until, 0)
        async with self._moved:
            self._moved.notify_all()

    def _begin_anew(self, start: int, error: PhotobusError) -> int:
        log.warning("sse_log_gap", reason=error.public_message, start=start)
        self._begin(start)
        self._arrived([])
        return start

    def _begin(self, start: int) -> None:
        self.ring = Ring(self._settings.ring_events, self._settings.ring_bytes, start - 1)
        self.position = FrameId(start - 1, 0)

    async def _starting_point(self) -> int:
        """Begin where the archive ends, so that archive and ring hold every event between them.

        Where the archive is far behind, the ring begins with what it can hold; the stream itself has the difference.
        What was archived last counts as seen, as in a process that had read it.
        """
        while True:
            try:
                state = await stream_state(self._broker)
                async with self._database.connection() as connection:
                    archived = await archived_until(connection)
                    newest = await newest_archived(connection, archived, self._settings.ring_events)
            except (BrokerUnavailableError, JetStreamError, *DATABASE_OUTAGES) as error:
                log.info("sse_log_not_found_yet", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._seen = OrderedDict.fromkeys(newest)
                return max(state.first_seq, archived + 1, state.last_seq + 1 - self._settings.ring_events)

    async def _take(self, batch: Sequence[tuple[int, bytes | str]]) -> None:
        """Put into the ring what ``batch``, of sequences and payloads, tells clients."""
        fresh: list[Event] = []
        taken = 0
        for seq, payload in batch:
            event = readable(seq, payload)
            if event is not None and self._is_new(event.id):
                self._append(seq, event)
                fresh.append(event)
            self.position = FrameId(seq, self.position.n if self.position.seq == seq else 0)
            taken += len(payload)
            if taken > YIELD_BYTES or len(fresh) > self._settings.ring_events // 4:
                self._arrived(fresh)
                fresh, taken = [], 0
                await asyncio.sleep(0)
        if fresh:
            self._arrived(fresh)
        SSE_RING_BYTES.set(self.ring.bytes_held)
        async with self._moved:
            self._moved.notify_all()

    def _append(self, seq: int, event: Event) -> None:
        messages = expand(event)
        if messages:
            self.ring.append(Entry.of(seq, event.tenant, messages))
            self.position = FrameId(seq, len(messages))

    def _is_new(self, event_id: UUID) -> bool:
        """Whether this is the first time; an event published twice, long apart, has two sequences and one id."""
        if event_id in self._seen:
            return False
        self._seen[event_id] = None
        if len(self._seen) > self._settings.ring_events:
            self._seen.popitem(last=False)
        return True
