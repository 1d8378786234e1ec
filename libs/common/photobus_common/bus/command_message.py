"""A delivered command and what can be said back of it."""

import json
from contextlib import suppress
from datetime import datetime
from typing import Final

from nats import errors

from photobus_common.bus.connection import Broker
from photobus_common.bus.deliveries import Delivery
from photobus_common.bus.jetstream import NANOSECONDS
from photobus_common.commands import RunJob
from photobus_common.errors import BrokerUnavailableError

ACK: Final = b"+ACK"
NAK: Final = b"-NAK"
IN_PROGRESS: Final = b"+WPI"
TERMINATE: Final = b"+TERM"


class CommandMessage:
    """One delivery of a command: a lease for ``pipeline.stale_seconds``, renewed by ``in_progress``.

    What is said of it has effect on the message, whoever holds it by then: so say it only while holding the claim.
    None of the calls fails: what cannot be sent has the effect of silence, after which the command comes again.
    """

    def __init__(self, broker: Broker, reply: str, command: RunJob, delivery: Delivery) -> None:
        self._broker = broker
        self._reply = reply
        self.command = command
        self.num_delivered = delivery.num_delivered
        self.published_at: datetime = delivery.time

    @property
    def subject(self) -> str:
        """Where the command was published."""
        return self.command.subject

    async def ack(self) -> None:
        """End the command: it is done, or nobody needs it any more."""
        await say(self._broker, self._reply, ACK)

    async def nak(self, delay_s: float = 0.0) -> None:
        """Give the command back, to be delivered again at once or after ``delay_s`` seconds."""
        document = f" {json.dumps({'delay': round(delay_s * NANOSECONDS)})}" if delay_s > 0 else ""
        await say(self._broker, self._reply, NAK + document.encode())

    async def in_progress(self) -> None:
        """Begin the lease anew."""
        await say(self._broker, self._reply, IN_PROGRESS)


async def say(broker: Broker, reply: str, word: bytes) -> None:
    """Say ``word`` of the delivery ``reply``, if there is a connection."""
    with suppress(errors.Error, OSError, BrokerUnavailableError):
        await broker.client.publish(reply, word)
