"""The event catalogue: what can happen in photobus, how it is written down, and how old facts are read."""

from photobus_common.events.batching import cut_by_bytes
from photobus_common.events.envelope import Event, EventData, encode
from photobus_common.events.origin import Origin
from photobus_common.events.upcasting import UnreadableEventError, decode

__all__ = ["Event", "EventData", "Origin", "UnreadableEventError", "cut_by_bytes", "decode", "encode"]
