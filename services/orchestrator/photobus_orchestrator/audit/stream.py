"""The stream against the archive: to the byte the same events under the same sequences, as far as both hold them.

The stream may be ahead, which is the archive's lag, and may have forgotten its beginning. An event that came again
under another sequence is archived once, so the archive may lack sequences; which, only the stream can tell.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError, StreamState
from photobus_common.bus.reader import (
    EventReader,
    EventsExpiredError,
    StoredEvent,
    StreamRecreatedError,
    stream_state,
)
from photobus_common.config import Nats
from photobus_common.errors import BrokerUnavailableError, ConfigurationError
from photobus_common.store.database import Connection
from photobus_common.store.event_log import Cursor
from photobus_orchestrator.audit.report import Section

BATCH: Final = 2000

SILENCE_SECONDS: Final = 30.0
"""A broker that says it has an event, and delivers nothing for so long, has lost it."""

ARCHIVED_BETWEEN = """
SELECT seq, convert_to(payload, 'UTF8') AS payload FROM event_log WHERE seq BETWEEN $1 AND $2 ORDER BY seq
"""

ARCHIVED_BY_ID = """
SELECT event_id, seq, convert_to(payload, 'UTF8') AS payload FROM event_log WHERE event_id = ANY($1::uuid[])
"""

UNREACHABLE: Final = (BrokerUnavailableError, ConfigurationError, JetStreamError)


def server_at(url: str) -> Nats:
    """Return the settings of the broker at ``url``, which may hold a user and a password."""
    first, *others = (urlsplit(part.strip() if "//" in part else f"nats://{part.strip()}") for part in url.split(","))
    places = ",".join(f"{place.scheme}://{place.netloc.rpartition('@')[2]}" for place in (first, *others))
    user, password = (None if part is None else unquote(part) for part in (first.username, first.password))
    return Nats(url=places, user=user, password=password)


class StreamCheck:
    """Compares a stream with the archive up to ``cursor``, in the transaction of ``connection``."""

    def __init__(self, connection: Connection, cursor: Cursor, section: Section) -> None:
        self._connection = connection
        self._cursor = cursor
        self._section = section
        self._compared = 0
        self._repeats = 0

    async def run(self, server: Nats) -> None:
        """Compare, or say why that was not possible."""
        try:
            async with _broker(server) as broker:
                await self._compare(broker, await stream_state(broker))
        except UNREACHABLE as error:
            self._section.unanswered = f"the stream was not compared: {error.public_message}"
        except StreamRecreatedError:
            self._section.unanswered = "the stream was made anew while it was read"
        except TimeoutError:
            self._section.unanswered = f"the broker delivered nothing for {SILENCE_SECONDS:.0f} seconds"

    async def _compare(self, broker: Broker, state: StreamState) -> None:
        last = min(state.last_seq, self._cursor.seq)
        self._section.differ_all(self._ends(state))
        if state.first_seq <= last:
            await self._walk(broker, state, last)
        self._section.seen += self._said(state)

    def _ends(self, state: StreamState) -> Iterator[str]:
        """Compare which streams the two are, and where they end."""
        archived = self._cursor
        if state.first_seq > archived.seq:
            return
        if archived.stream_created not in (None, state.created):
            yield f"stream: created {state.created}, while the archive was read from one of {archived.stream_created}"
        if state.last_seq < archived.seq:
            yield f"stream: ends at {state.last_seq}, before the archive, which was read up to {archived.seq}"

    def _said(self, state: StreamState) -> Iterator[str]:
        yield f"the stream holds {state.first_seq} to {state.last_seq}, the archive was read up to {self._cursor.seq}"
        yield f"{self._compared} events compared, {self._repeats} of them repeats of others"
        if state.last_seq > self._cursor.seq and state.first_seq <= self._cursor.seq + 1:
            yield f"{state.last_seq - self._cursor.seq} events are not archived yet"

    async def _walk(self, broker: Broker, state: StreamState, last: int) -> None:
        position = state.first_seq
        while position <= last:
            reader = EventReader(broker, position, created=state.created)
            try:
                async with aclosing(reader.batches(BATCH)) as batches:
                    while position <= last:
                        async with asyncio.timeout(SILENCE_SECONDS):
                            batch = [stored for stored in await anext(batches) if stored.seq <= last]
                        until = batch[-1].seq if batch and reader.next_seq <= last else last
                        await self._compare_batch(batch, position, until)
                        position = until + 1
            except EventsExpiredError as error:
                position = error.first_seq

    async def _compare_batch(self, batch: Sequence[StoredEvent], first: int, until: int) -> None:
        """Compare all that stream and archive hold from ``first`` to ``until``."""
        rows = await self._connection.fetch(ARCHIVED_BETWEEN, first, until)
        archived = {row["seq"]: row["payload"] for row in rows}
        strays = []
        for stored in batch:
            payload = archived.pop(stored.seq, None)
            if payload is None:
                strays.append(stored)
            elif payload != stored.payload:
                self._section.differ(f"event_log {stored.seq}: its payload is not what the stream holds")
        for seq in archived:
            self._section.differ(f"event_log {seq}: the stream does not hold it")
        await self._section.differ_by(self._not_archived(strays))
        self._compared += len(batch)

    async def _not_archived(self, strays: Sequence[StoredEvent]) -> AsyncIterator[str]:
        """Yield those of ``strays`` that are no repeats of an event which came before."""
        ids = [_id_of(stored.payload) for stored in strays]
        rows = await self._connection.fetch(ARCHIVED_BY_ID, [one for one in ids if one]) if ids else []
        known = {row["event_id"]: (row["seq"], row["payload"]) for row in rows}
        for stored, event_id in zip(strays, ids, strict=True):
            seq, payload = known.get(event_id, (None, b""))
            if seq is None:
                yield f"stream {stored.seq}: the archive lacks it, which has gone on to {self._cursor.seq}"
            elif seq > stored.seq:
                yield f"stream {stored.seq}: the archive has it only where it came again, at {seq}"
            elif payload != stored.payload:
                yield f"stream {stored.seq}: has the id of {seq}, but says something else"
            else:
                self._repeats += 1


def _id_of(payload: bytes) -> UUID | None:
    try:
        return UUID(json.loads(payload)["id"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


@asynccontextmanager
async def _broker(server: Nats) -> AsyncIterator[Broker]:
    broker = await Broker.open(server, "audit")
    try:
        yield broker
    finally:
        await broker.close()
