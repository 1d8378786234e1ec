"""What a returning client missed and the ring no longer holds: from the archive, and from the stream where that lags.

A client resumes at a position (`FrameId`). `older` moves it forward portion by portion until the ring, which meanwhile
may have moved on too, can take over.
"""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing, suppress
from typing import Final, NamedTuple

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError
from photobus_common.bus.reader import EventReader, EventsExpiredError, StreamRecreatedError, stream_state
from photobus_common.config import Settings
from photobus_common.errors import BrokerUnavailableError
from photobus_common.events import Event, UnreadableEventError, decode
from photobus_common.logging import get_logger
from photobus_common.store.database import Connection, Database
from photobus_common.store.event_replay import archived_until, events_from, first_archived, more_events_than, was_lost
from photobus_gateway.sse_events import expand
from photobus_gateway.sse_messages import Channel
from photobus_gateway.sse_ring import WHOLE, Entry, FrameId, Ring

PORTION: Final = 32
"""Archived events read at once: an event may have 256 KiB, and several clients may come back at the same time."""

CONCURRENT_READS: Final = 4

STREAM_SECONDS: Final = 5.0
"""How long the broker may take to answer before the client is told to fetch everything anew."""

RETRY_SECONDS: Final = 0.2

log = get_logger()


class OutOfReachError(Exception):
    """What the client missed cannot be given to it any more, or is more than fetching everything anew would be."""


class Portion(NamedTuple):
    """Rendered messages, and the position behind them."""

    rendered: bytes
    at: FrameId


def readable(seq: int, payload: bytes | str) -> Event | None:
    """Decode a stored event; None for one of a newer photobus, which this process passes over."""
    try:
        return decode(payload)
    except UnreadableEventError as error:
        log.warning("sse_event_unreadable", seq=seq, reason=error.public_message)
        return None


class History:
    """Reads the past for returning clients, a bounded number of them at a time."""

    def __init__(self, broker: Broker, database: Database, settings: Settings) -> None:
        self._broker = broker
        self._database = database
        self._bound = settings.sse.archive_bound
        self._gap = settings.events.first_seq_gap
        self._archive_slots = asyncio.Semaphore(CONCURRENT_READS)
        self._stream_slots = asyncio.Semaphore(1)

    async def check_reach(self, tenant: str, after: FrameId) -> None:
        """Raise ``OutOfReachError`` when more than ``sse.archive_bound`` events follow, or the first are gone.

        And where the stream was lost in which ``after`` was: what the client heard of it last is told again.
        """
        async with self._database.connection() as connection:
            first = await first_archived(connection)
            pruned = first is not None and first > after.seq + 1
            if pruned or await more_events_than(connection, tenant, after.seq, self._bound):
                raise OutOfReachError
            await self._check_place(connection, after)

    async def _check_place(self, connection: Connection, at: FrameId) -> None:
        if await was_lost(connection, at.seq, self._gap):
            raise OutOfReachError

    async def older(self, ring: Ring, tenant: str, channels: frozenset[Channel], at: FrameId) -> Portion:
        """Return the next messages after ``at`` that ``ring`` lacks; there may be none, but the position moves on.

        Never more: where the archive is ahead of the tail, what lies beyond the floor the ring will tell.
        """
        async with self._archive_slots, self._database.connection() as connection:
            until = min(await archived_until(connection), ring.floor(tenant))
            first = at.seq if at.n < WHOLE else at.seq + 1
            if first <= until:
                rows = await events_from(connection, tenant, first, until, PORTION)
                events = ((row.seq, readable(row.seq, row.payload)) for row in rows)
                rendered = _render(events, tenant, channels, at)
                return Portion(rendered, FrameId(rows[-1].seq if len(rows) == PORTION else until, WHOLE))
        if await self._archive_goes_on(first, at):
            return Portion(b"", at)
        return await self._from_stream(ring, tenant, channels, at)

    async def _archive_goes_on(self, first: int, at: FrameId) -> bool:
        """Whether ``first`` lies before the stream, as where that was made anew; then the archive has come to it."""
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                while True:
                    with suppress(BrokerUnavailableError, JetStreamError):
                        begins = (await stream_state(self._broker)).first_seq
                        if first >= begins:
                            return False
                        async with self._database.connection() as connection:
                            if await archived_until(connection) >= begins - 1:
                                await self._check_place(connection, at)
                                return True
                    await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError as error:
            raise OutOfReachError from error

    async def _from_stream(self, ring: Ring, tenant: str, channels: frozenset[Channel], at: FrameId) -> Portion:
        """Read what the archive does not hold yet, by a consumer that lives for one portion."""
        floor = ring.floor(tenant)
        if floor - at.seq > self._bound:
            raise OutOfReachError
        start = at.seq if at.n < WHOLE else at.seq + 1
        try:
            async with (
                self._stream_slots,
                asyncio.timeout(STREAM_SECONDS),
                aclosing(EventReader(self._broker, start).batches()) as batches,
            ):
                batch = [stored for stored in await anext(batches) if stored.seq <= floor]
        except (TimeoutError, StreamRecreatedError, EventsExpiredError) as error:
            raise OutOfReachError from error
        if not batch:  # the stream goes on behind the floor: nothing lies between
            return Portion(b"", FrameId(floor, WHOLE))
        events = ((stored.seq, readable(stored.seq, stored.payload)) for stored in batch)
        return Portion(_render(events, tenant, channels, at), FrameId(batch[-1].seq, WHOLE))


def _render(
    events: Iterable[tuple[int, Event | None]], tenant: str, channels: frozenset[Channel], after: FrameId
) -> bytes:
    """Join the messages of those ``events`` that are of ``tenant``, without those up to ``after``."""
    return b"".join(
        Entry.of(seq, tenant, expand(event)).bytes_for(channels, after.n if seq == after.seq else 0)
        for seq, event in events
        if event is not None and event.tenant == tenant
    )
