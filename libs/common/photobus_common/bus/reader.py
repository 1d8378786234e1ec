"""Reading the log from a place on: each event once, in order, without a gap, whatever happens to broker or network.

The reader keeps the place itself and makes a new consumer from the next sequence whenever the last one broke. A stream
that was made anew, or that no longer reaches back to the place, is an error for its user to decide on, never a skip.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from photobus_common.bus import jetstream
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import STREAM_NOT_FOUND, JetStreamError, StreamState
from photobus_common.bus.push import PushConsumer, StoredEvent
from photobus_common.errors import BrokerUnavailableError, PhotobusError
from photobus_common.logging import get_logger
from photobus_common.subjects import EVENTS_STREAM

__all__ = ["EventReader", "EventsExpiredError", "StoredEvent", "StreamRecreatedError", "stream_state"]

RETRY_SECONDS: Final = 0.2
LONGEST_RETRY_SECONDS: Final = 2.0

log = get_logger()


class StreamRecreatedError(PhotobusError):
    """The stream is not the one that was read before, or has lost its end; ``state`` is what it is now."""

    code = "stream_recreated"

    def __init__(self, state: StreamState, next_seq: int) -> None:
        super().__init__(
            f"The stream {EVENTS_STREAM}, created {state.created.isoformat()}, holds {state.first_seq} to "
            f"{state.last_seq}; it is not the one in which {next_seq} comes next.",
        )
        self.state = state


class EventsExpiredError(PhotobusError):
    """The stream begins at ``first_seq``, after the place to read from."""

    code = "events_expired"

    def __init__(self, first_seq: int, next_seq: int) -> None:
        super().__init__(f"The events from {next_seq} on are wanted, but the stream begins at {first_seq}.")
        self.first_seq = first_seq


async def stream_state(broker: Broker) -> StreamState:
    """First and last sequence of the log and when it was created; raises ``BrokerUnavailableError``."""
    return await jetstream.stream_state(broker, EVENTS_STREAM)


class EventReader:
    """Reads from ``start_seq`` on.

    ``created`` is when the stream was created that ``start_seq`` belongs to, if that is known from before.
    ``on_missing`` is awaited, again and again, while there is no stream; without it the reader waits for one.
    """

    def __init__(
        self,
        broker: Broker,
        start_seq: int,
        *,
        created: datetime | None = None,
        on_missing: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._broker = broker
        self._next = start_seq
        self._created = created
        self._on_missing = on_missing

    @property
    def next_seq(self) -> int:
        """Sequence of the next event to be read."""
        return self._next

    @property
    def created(self) -> datetime | None:
        """When the stream that is read was created; None before the first read, unless it was given."""
        return self._created

    async def batches(self, max_events: int = 500) -> AsyncGenerator[list[StoredEvent], None]:
        """Yield what there is, as soon as there is something, at most ``max_events`` or about a MB at once, for ever.

        Raises ``StreamRecreatedError`` and ``EventsExpiredError``. Close it (``aclosing``) when leaving early.
        """
        while True:
            consumer = await self._attach()
            try:
                while batch := await consumer.take(max_events):
                    whole = len(batch) if _is_contiguous(batch, self._next) else await self._until_expired(batch)
                    if whole:
                        self._next = batch[whole - 1].seq + 1
                        yield batch[:whole]
                    if whole < len(batch):
                        break  # attaching anew says what became of the rest
            finally:
                await consumer.close()

    async def _attach(self) -> PushConsumer:
        """Make a consumer at the place, however long that takes."""
        delay = RETRY_SECONDS
        while True:
            await self._broker.wait_connected()
            try:
                consumer = await PushConsumer.open(self._broker, self._next)
                try:
                    self._check(await stream_state(self._broker))
                except BaseException:
                    await consumer.close()
                    raise
            except BrokerUnavailableError as error:
                log.info("log_not_readable_yet", reason=error.public_message)
            except JetStreamError as error:
                await self._report_missing(error)
            else:
                return consumer
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_RETRY_SECONDS)

    async def _report_missing(self, error: JetStreamError) -> None:
        log.warning("log_not_readable", reason=error.description)
        if error.number == STREAM_NOT_FOUND and self._on_missing is not None:
            with suppress(BrokerUnavailableError):
                await self._on_missing()

    def _check(self, state: StreamState) -> None:
        """Refuse a stream in which the next sequence is not ours."""
        anew = self._created is not None and state.created != self._created
        if anew or self._next > state.last_seq + 1:
            raise StreamRecreatedError(state, self._next)
        if self._next < state.first_seq:
            raise EventsExpiredError(state.first_seq, self._next)
        self._created = state.created

    async def _until_expired(self, batch: list[StoredEvent]) -> int:
        """Return how many events of ``batch``, which has a hole, come before one that expired.

        A hole that is no expiry means that the broker lost an event; its outbox row brings it back under a new
        sequence, so reading goes on.
        """
        expected = self._next
        for position, event in enumerate(batch):
            if event.seq != expected:
                try:
                    state = await stream_state(self._broker)
                except (BrokerUnavailableError, JetStreamError):
                    return position
                if state.created != self._created or expected < state.first_seq:
                    return position
                log.error("log_has_a_hole", first_missing=expected, next_present=event.seq)
            expected = event.seq + 1
        return len(batch)


def _is_contiguous(batch: list[StoredEvent], start_seq: int) -> bool:
    """Whether ``batch``, whose sequences only rise, begins at ``start_seq`` and skips nothing."""
    return batch[-1].seq - start_seq + 1 == len(batch)
