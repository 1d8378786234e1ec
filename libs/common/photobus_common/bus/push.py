"""One short-lived push consumer on the log: in order, with back-pressure, and aware of its own end.

It acknowledges nothing: whoever reads keeps the place. The server paces itself by flow control, so that what is held
here is bounded while the reader is busy, and says every second that it is there.
"""

import asyncio
from collections import deque
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from photobus_common.bus.connection import Broker
from photobus_common.bus.deliveries import delivery_of, is_delivery
from photobus_common.bus.jetstream import NANOSECONDS, request
from photobus_common.errors import BrokerUnavailableError
from photobus_common.logging import get_logger
from photobus_common.subjects import EVENTS_STREAM

HEARTBEAT_SECONDS: Final = 1

SILENCE_SECONDS: Final = 3.0
"""Without a word for so long, the consumer is taken for gone."""

TAKEN_BYTES: Final = 1024**2
"""About how much is taken at once, lest a backlog of large events be one transaction of minutes and a GB of memory."""

INACTIVE_SECONDS: Final = 10
"""The server forgets a consumer that nobody has listened to for so long."""

log = get_logger()


class StoredEvent(NamedTuple):
    """An event as it lies in the log: its sequence, when the broker stored it, and its CloudEvents document."""

    seq: int
    time: datetime
    payload: bytes


class _FlowControl(NamedTuple):
    """The server waits until what came before this was taken; then it wants an answer on ``reply``."""

    reply: str


class PushConsumer:
    """Delivers the log from one sequence on, until its connection, its consumer or its order breaks."""

    def __init__(self, broker: Broker) -> None:
        self._client = broker.client
        self._remove_listener = broker.on_connect(lambda: self._break("reconnected"))
        self._buffer: deque[StoredEvent | _FlowControl] = deque()
        self._flow_controls = 0
        self._consumer_seq = 0
        self._arrived = asyncio.Event()
        self._heard_at = asyncio.get_running_loop().time()
        self._broken = ""
        self._name = ""
        self._subscription: Subscription | None = None

    @classmethod
    async def open(cls, broker: Broker, start_seq: int) -> Self:
        """Make the consumer; raises ``JetStreamError`` when there is no stream, ``BrokerUnavailableError``."""
        consumer = cls(broker)
        made = False
        try:
            await consumer._subscribe(broker, start_seq)
            made = True
        except (errors.Error, OSError) as error:
            raise BrokerUnavailableError(f"The log cannot be read now: {error}") from error
        finally:
            if not made:
                await consumer.close()
        return consumer

    async def take(self, max_events: int) -> list[StoredEvent]:
        """Return what has arrived, at most ``max_events`` and about ``TAKEN_BYTES``, waiting for the first.

        Nothing means that it broke.
        """
        while True:
            taken = await self._take_buffered(max_events)
            if taken or self._broken:
                return taken
            await self._wait()

    async def close(self) -> None:
        """Stop listening, and let the server forget the consumer, which it would after a while by itself."""
        self._remove_listener()
        subscription, self._subscription = self._subscription, None
        with suppress(errors.Error, OSError):
            if subscription is not None:
                await subscription.unsubscribe()
            if self._name:
                forget = f"$JS.API.CONSUMER.DELETE.{EVENTS_STREAM}.{self._name}"
                await self._client.publish(forget, reply=self._client.new_inbox())

    async def _subscribe(self, broker: Broker, start_seq: int) -> None:
        inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(
            inbox,
            cb=self._received,
            pending_msgs_limit=0,  # flow control bounds it
            pending_bytes_limit=0,
        )
        answer = await request(broker, f"CONSUMER.CREATE.{EVENTS_STREAM}", _definition(inbox, start_seq))
        self._name = answer["name"]

    async def _take_buffered(self, max_events: int) -> list[StoredEvent]:
        taken: list[StoredEvent] = []
        size = 0
        while self._buffer and len(taken) < max_events and size < TAKEN_BYTES:
            item = self._buffer.popleft()
            if isinstance(item, StoredEvent):
                taken.append(item)
                size += len(item.payload)
            else:
                self._flow_controls -= 1
                await self._answer(item.reply)
        return taken

    async def _wait(self) -> None:
        self._arrived.clear()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(self._heard_at + SILENCE_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            # Heartbeats move the limit without waking anybody.
            if not self._buffer and loop.time() >= self._heard_at + SILENCE_SECONDS:
                self._break("silent")

    async def _received(self, message: Msg) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if self._broken:
            return
        if not is_delivery(message):
            await self._controlled(message)
            return
        delivery = delivery_of(message.reply)
        if delivery.consumer_seq != self._consumer_seq + 1:
            self._break("gap")
            return
        self._consumer_seq = delivery.consumer_seq
        self._buffer.append(StoredEvent(delivery.stream_seq, delivery.time, message.data))
        self._arrived.set()

    async def _controlled(self, message: Msg) -> None:
        """Handle a heartbeat or a request of flow control."""
        headers = message.headers or {}
        if message.reply:
            self._buffer.append(_FlowControl(message.reply))
            self._flow_controls += 1
            self._arrived.set()
        elif int(headers.get("Nats-Last-Consumer", self._consumer_seq)) != self._consumer_seq:
            self._break("gap")
        elif "Nats-Consumer-Stalled" in headers and not self._flow_controls:
            await self._answer(headers["Nats-Consumer-Stalled"])

    async def _answer(self, reply: str) -> None:
        # If it cannot be sent, the connection is gone, and this consumer with it.
        with suppress(errors.Error, OSError):
            await self._client.publish(reply)

    def _break(self, reason: str) -> None:
        if not self._broken:
            self._broken = reason
            log.info("log_consumer_ended", reason=reason)
        self._arrived.set()


def _definition(inbox: str, start_seq: int) -> dict[str, Any]:
    return {
        "stream_name": EVENTS_STREAM,
        "config": {
            "deliver_subject": inbox,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": start_seq,
            "ack_policy": "none",
            "replay_policy": "instant",
            "flow_control": True,
            "idle_heartbeat": HEARTBEAT_SECONDS * NANOSECONDS,
            "inactive_threshold": INACTIVE_SECONDS * NANOSECONDS,
            "mem_storage": True,
            "num_replicas": 1,
        },
    }
