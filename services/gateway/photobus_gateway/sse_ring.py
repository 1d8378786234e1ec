"""The newest events, rendered once and shared by every client of this process. Pure bookkeeping: no IO, no clock.

A client holds only a cursor into its tenant's part. Bounds hold over all tenants together: when they are passed, the
oldest event of the process goes, and a client that had not read it has fallen off.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from photobus_gateway.sse_messages import Channel, SseEvent

CHUNK_BYTES: Final = 64 * 1024
"""About how much is handed to a client's connection at once; one event is never split."""

FRAME_OVERHEAD: Final = 160
"""Bytes that Python needs for a frame beside its text; counted, so that the bound is one of memory."""

SHARED_CHUNKS: Final = 16
"""How many joined chunks of one tenant are kept for others to share; those who follow closely need one or two."""

WHOLE: Final = 2**31
"""As ``n`` of an id: every message of that event was seen."""

ID_PATTERN: Final = "[0-9]{1,18}(-[0-9]{1,9})?"
"""How an id is written: `<seq>-<n>`, or `<seq>` for the whole event."""


class FrameId(NamedTuple):
    """The position of a message: the event's sequence in the log, and which of its messages (from 1)."""

    seq: int
    n: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what matches ``ID_PATTERN``."""
        seq, dash, n = text.partition("-")
        return cls(int(seq), int(n) if dash else WHOLE)

    def __str__(self) -> str:
        return f"{self.seq}-{self.n}"


class Frame(NamedTuple):
    """One rendered message."""

    n: int
    channel: Channel
    rendered: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """The messages of one event, each rendered with its id."""

    seq: int
    tenant: str
    frames: tuple[Frame, ...]
    size: int

    @classmethod
    def of(cls, seq: int, tenant: str, messages: Sequence[SseEvent]) -> Self:
        """Render ``messages`` as those of the event at ``seq``."""
        frames = tuple(Frame(n, m.channel, m.frame(str(FrameId(seq, n)))) for n, m in enumerate(messages, 1))
        return cls(seq, tenant, frames, sum(len(frame.rendered) + FRAME_OVERHEAD for frame in frames))

    def bytes_for(self, channels: frozenset[Channel], after_n: int = 0) -> bytes:
        """Join the messages on ``channels`` that come after the ``after_n``-th."""
        return b"".join(frame.rendered for frame in self.frames if frame.n > after_n and frame.channel in channels)


class Chunk(NamedTuple):
    """Bytes for a client, and the cursor that it has when it was given them."""

    rendered: bytes
    cursor: int


class FellBehindError(Exception):
    """The cursor's next event is no longer in the ring."""


@dataclass
class _TenantPart:
    """One tenant's entries. ``first`` is the cursor of ``entries[0]``, ``floor`` the highest sequence not held."""

    floor: int
    first: int = 0
    entries: deque[Entry] = field(default_factory=deque)
    chunks: dict[tuple[frozenset[Channel], int], Chunk] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.first + len(self.entries)


class Ring:
    """Entries of all tenants, within ``max_events`` and ``max_bytes``, complete for what comes after ``start``."""

    def __init__(self, max_events: int, max_bytes: int, start: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._start = start
        self._tenants: dict[str, _TenantPart] = {}
        self._order: deque[_TenantPart] = deque()
        self.bytes_held = 0

    def append(self, entry: Entry) -> None:
        """Add the newest entry; the oldest go if the bounds ask for it."""
        part = self._part(entry.tenant)
        part.entries.append(entry)
        part.chunks.clear()
        self._order.append(part)
        self.bytes_held += entry.size
        while len(self._order) > self._max_events or self.bytes_held > self._max_bytes:
            self._drop_oldest()

    def end(self, tenant: str) -> int:
        """Return the cursor of a client that wants only what comes from now on."""
        return self._part(tenant).end

    def floor(self, tenant: str) -> int:
        """Return the sequence after which the ring holds every event of ``tenant``."""
        return self._part(tenant).floor

    def read(self, tenant: str, channels: frozenset[Channel], cursor: int) -> Chunk:
        """Return what comes at ``cursor``, up to about ``CHUNK_BYTES``; raises ``FellBehindError``.

        Clients with the same channels at the same cursor get the very same bytes object, so a slow one holds no copy.
        """
        part = self._part(tenant)
        if cursor < part.first:
            raise FellBehindError
        key = (channels, cursor)
        chunk = part.chunks.get(key)
        if chunk is None:
            if len(part.chunks) >= SHARED_CHUNKS:
                part.chunks.clear()
            chunk = part.chunks[key] = _join(part, channels, cursor)
        return chunk

    def resume(self, tenant: str, channels: frozenset[Channel], after: FrameId) -> Chunk | None:
        """Return what is left of the event of ``after`` and the cursor behind it; None if that is not held any more."""
        part = self._part(tenant)
        if after.seq < part.floor or (after.seq == part.floor and after.n < WHOLE):
            return None
        index = bisect_right(part.entries, after.seq, key=lambda entry: entry.seq)
        cursor = part.first + index
        if index and part.entries[index - 1].seq == after.seq:
            return Chunk(part.entries[index - 1].bytes_for(channels, after.n), cursor)
        return Chunk(b"", cursor)

    def _part(self, tenant: str) -> _TenantPart:
        part = self._tenants.get(tenant)
        if part is None:
            part = self._tenants[tenant] = _TenantPart(floor=self._start)
        return part

    def _drop_oldest(self) -> None:
        part = self._order.popleft()
        entry = part.entries.popleft()
        part.first += 1
        part.floor = entry.seq
        part.chunks.clear()
        self.bytes_held -= entry.size


def _join(part: _TenantPart, channels: frozenset[Channel], cursor: int) -> Chunk:
    pieces: list[bytes] = []
    size = 0
    while cursor < part.end and size < CHUNK_BYTES:
        piece = part.entries[cursor - part.first].bytes_for(channels)
        pieces.append(piece)
        size += len(piece)
        cursor += 1
    return Chunk(b"".join(pieces), cursor)
