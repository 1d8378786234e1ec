"""Whoever reads the log goes on one event late after its connection broke."""

from contextlib import suppress

from photobus_common.bus.jetstream import JetStreamError
from photobus_common.bus.push import PushConsumer
from photobus_common.bus.reader import EventReader, stream_state
from photobus_common.errors import BrokerUnavailableError

_sound_attach = EventReader._attach


async def attach(self: EventReader) -> PushConsumer:
    """Take the event that comes next for the one that came last."""
    await self._broker.wait_connected()
    if self._created is not None:
        with suppress(BrokerUnavailableError, JetStreamError):
            if self._next <= (await stream_state(self._broker)).last_seq:
                self._next += 1
    return await _sound_attach(self)
