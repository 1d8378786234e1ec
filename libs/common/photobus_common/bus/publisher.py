"""Publishing what was committed: right after the commit, pipelined, and never awaited by the one who committed.

Each message goes out with its id, so that the broker drops repeats, and with a reply subject of its own below one
inbox. nats-py's own asynchronous publishing is not used: its futures stay unresolved for ever when the server is
killed or refuses a message, and each keeps its slot. Here every message in flight has a deadline; a new connection
sends again what was unanswered; and whatever fails stays in the outbox, from where the relay brings it back.
"""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from photobus_common.bus.connection import Broker
from photobus_common.bus.deliveries import status_of
from photobus_common.bus.jetstream import UNAVAILABLE, passes
from photobus_common.bus.settling import Settler
from photobus_common.bus.window import Entry, PublishWindow
from photobus_common.config import Settings
from photobus_common.errors import BrokerUnavailableError
from photobus_common.events import Event, encode
from photobus_common.events.envelope import HEADER_ALLOWANCE
from photobus_common.logging import get_logger
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_common.telemetry import MESSAGES_PUBLISHED

ANSWER_SECONDS: Final = 10.0
"""How long an acknowledgement may take before the message is left to the relay."""

MAX_LOSSY: Final = 256
"""Messages that nobody misses, kept until they are sent; the oldest go first."""

log = get_logger()


class BusPublisher:
    """Publishes what units of work offer. ``run`` must be running; ``offer`` may be called before."""

    def __init__(self, broker: Broker, database: Database, settings: Settings) -> None:
        del settings  # limits are those of the memory of one process; nothing to configure yet
        self._broker = broker
        self._settler = Settler(database)
        self._window = PublishWindow()
        self._lossy: deque[tuple[str, bytes]] = deque(maxlen=MAX_LOSSY)
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._generation = 0
        self._client: Client | None = None
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._left_to_relay = 0
        self._left_in_outage = 0

    @property
    def connected(self) -> bool:
        """Whether what is offered can be sent now."""
        return self._broker.connected

    @property
    def in_outage(self) -> bool:
        """Whether the broker, though connected, has taken nothing since it did not take something."""
        return self._left_in_outage > 0

    @property
    def room(self) -> int:
        """How many more messages ``offer`` would keep."""
        return self._window.room

    @property
    def waiting(self) -> int:
        """Number of messages that are queued or not acknowledged yet."""
        return self._window.queued + self._window.in_flight

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Publish soon, in this order; what finds no room stays in the outbox for the relay."""
        self._take([Entry(message, relayed=False) for message in messages])

    def offer_relayed(self, messages: Sequence[OutboxMessage]) -> None:
        """Publish what the relay found, unless it is on its way already."""
        self._take([Entry(message, relayed=True) for message in messages])

    def publish_lossy(self, event: Event) -> None:
        """Publish ``event`` once, without an outbox row: for progress, which the next one replaces."""
        self._lossy.append((event.subject, encode(event)))
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        remove = self._broker.on_connect(self._wake.set)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._settler.run())
                tasks.create_task(self._publish())
        finally:
            remove()
            await self._unsubscribe()

    async def drain(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until all that was offered is acknowledged and settled; false when that took too long.

        ``run`` must go on meanwhile. What was not acknowledged is still in the outbox.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while not self._window.empty:
                    self._empty.clear()
                    await self._empty.wait()
                return await self._settler.flush()
        return False

    def _take(self, entries: Sequence[Entry]) -> None:
        refused = sum(not self._window.offer(entry) for entry in entries)
        if refused:
            if not self._left_to_relay:
                log.warning("publish_queue_full", waiting=self.waiting)
            self._left_to_relay += refused
        if entries:
            self._wake.set()

    async def _publish(self) -> None:
        while True:
            self._wake.clear()
            # A connection lost in between announces its successor, which wakes this loop again.
            with suppress(BrokerUnavailableError, errors.Error, OSError):
                if self._broker.connected:
                    await self._attach()
                    await self._send()
            await self._rest()

    async def _attach(self) -> None:
        """Listen for acknowledgements on the present connection, and send again what the last one left unanswered."""
        generation, client = self._broker.generation, self._broker.client
        if client is not self._client or self._subscription is None:
            await self._unsubscribe()
            self._inbox = client.new_inbox()
            self._subscription = await client.subscribe(
                f"{self._inbox}.*",
                cb=self._answered,
                pending_msgs_limit=0,  # bounded by the messages in flight
                pending_bytes_limit=0,
            )
            self._client = client
        if generation != self._generation:
            self._generation = generation
            self._window.recall()

    async def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(errors.Error, OSError):
                await subscription.unsubscribe()

    async def _send(self) -> None:
        client = self._broker.client
        while self._lossy:
            subject, payload = self._lossy.popleft()
            await client.publish(subject, payload)
        while self._window.may_send:
            number, message = self._window.send(asyncio.get_running_loop().time() + ANSWER_SECONDS)
            if len(message.payload) + HEADER_ALLOWANCE > client.max_payload:
                # The server would end the connection over it.
                self._refused(number, f"{len(message.payload)} bytes are over the broker's limit")
                continue
            await client.publish(
                message.subject,
                message.payload,
                reply=f"{self._inbox}.{number}",
                headers={"Nats-Msg-Id": message.message_id},
            )
        if self._left_to_relay and self._window.empty:
            log.info("publish_queue_recovered", left_to_relay=self._left_to_relay)
            self._left_to_relay = 0

    async def _rest(self) -> None:
        """Return when there is something to do; settle what was not answered in time."""
        deadline = self._window.next_deadline if self._broker.connected else None
        try:
            async with asyncio.timeout_at(deadline):
                await self._wake.wait()
        except TimeoutError:
            late = list(self._window.unanswered(asyncio.get_running_loop().time()))
            for entry in late:
                self._leave(entry, "unanswered")
            if late:
                await self._unsubscribe()  # in case it is the subscription that went missing
            self._note_empty()

    async def _answered(self, answer: Msg) -> None:
        """Take one acknowledgement, or the refusal of one message."""
        number = int(answer.subject.rpartition(".")[2])
        refusal = _refusal(answer)
        if refusal is None:
            self._stored(number)
        elif refusal.passes:
            self._leave(self._window.settle(number), refusal.reason)
            self._note_empty()
        else:
            self._refused(number, refusal.reason)
        if self._window.queued:
            self._wake.set()

    def _stored(self, number: int) -> None:
        entry = self._window.settle(number)
        if entry is not None:
            MESSAGES_PUBLISHED.labels(kind=entry.message.kind).inc()
            self._settler.published(entry)
            if self._left_in_outage:
                log.info("publish_recovered", left_to_relay=self._left_in_outage)
                self._left_in_outage = 0
        self._note_empty()

    def _leave(self, entry: Entry | None, reason: str) -> None:
        """Leave a message to the relay that the broker cannot take now; one line is enough for an outage."""
        if entry is not None:
            if not self._left_in_outage:
                log.warning("publish_postponed", reason=reason)
            self._left_in_outage += 1
            self._settler.postponed(entry)

    def _refused(self, number: int, reason: str) -> None:
        entry = self._window.settle(number)
        if entry is not None:
            log.error(
                "publish_refused",
                reason=reason,
                subject=entry.message.subject,
                message_id=entry.message.message_id,
            )
        self._note_empty()

    def _note_empty(self) -> None:
        if self._window.empty:
            self._empty.set()


class _Refusal(NamedTuple):
    """Why the broker did not store a message, and whether that passes by itself."""

    reason: str
    passes: bool


def _refusal(answer: Msg) -> _Refusal | None:
    """Why the broker did not store the message; None when it did, now or before."""
    status = status_of(answer)
    if status is not None:
        # No stream, or one without a leader: in both cases somebody is at work on it.
        no_stream = status == str(UNAVAILABLE)
        return _Refusal("no stream takes the subject" if no_stream else f"status {status}", passes=no_stream)
    document = json.loads(answer.data)
    if "error" in document:
        failure = document["error"]
        return _Refusal(str(failure.get("description", failure)), passes(failure))
    return None
