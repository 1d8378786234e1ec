"""A client that comes back with Last-Event-ID goes on one event late."""

from bisect import bisect_right

from photobus_gateway.sse_messages import Channel
from photobus_gateway.sse_ring import WHOLE, Chunk, FrameId, Ring


def resume(self: Ring, tenant: str, channels: frozenset[Channel], after: FrameId) -> Chunk | None:
    """Take the place behind the id for the last that the client has."""
    part = self._part(tenant)
    if after.seq < part.floor or (after.seq == part.floor and after.n < WHOLE):
        return None
    index = bisect_right(part.entries, after.seq, key=lambda entry: entry.seq)
    return Chunk(b"", min(part.first + index + 1, part.end))
