"""The hash chain of the archive: whether each row follows from the one before, and what is wrong where one does not.

Each hash covers the sequence, the payload and the hash before, so a row that was changed, taken out or put elsewhere
breaks the chain there. Who has hashed anew all that follows leaves it whole: only the stream can contradict that.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Final, NamedTuple

from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_common.store.event_log import Cursor

EXPLAINED: Final = 50
"""Breaks that are looked at for rows which have changed places."""

FETCHED_AT_ONCE: Final = 500

LINKS_UNTIL = """
SELECT seq, hash, convert_to(payload, 'UTF8') AS payload FROM event_log WHERE seq <= $1 ORDER BY seq
"""


class Link(NamedTuple):
    """What the chain is made of."""

    seq: int
    hash: bytes
    payload: bytes


class Break(NamedTuple):
    """A row that does not follow; ``after`` and ``chain`` are the sequence and the hash of the one before."""

    after: int
    chain: bytes
    link: Link


async def links_until(connection: Connection, until: int) -> AsyncIterator[Link]:
    """Yield the chain up to the sequence ``until``. Needs a transaction, whose snapshot is read."""
    async for seq, chain, payload in connection.cursor(LINKS_UNTIL, until, prefetch=FETCHED_AT_ONCE):
        yield Link(seq, chain, payload)


class Chain:
    """Follows the chain from the first row of the archive to the cursor."""

    def __init__(self) -> None:
        self.entries = 0
        self.missing = 0
        self.last = 0
        self._first: int | None = None
        self._hash = event_log.CHAIN_START
        self._breaks: list[Break] = []

    def take(self, link: Link) -> str | None:
        """Take the next row; returns what is wrong with it."""
        seq, chain, payload = link
        wrong = None
        if event_log.link(self._hash, seq, payload) != chain:
            wrong = _told(self.last, seq)
            if len(self._breaks) < EXPLAINED:
                self._breaks.append(Break(self.last, self._hash, link))
        if self._first is None:
            self._first = seq
        else:
            self.missing += seq - self.last - 1
        self.entries += 1
        self.last, self._hash = seq, chain
        return wrong

    def end(self, cursor: Cursor) -> Iterator[str]:
        """Compare with the cursor, when all rows were taken; yields what is wrong."""
        yield from _exchanged(self._breaks)
        if self._hash != cursor.hash:
            yield (
                f"fold_cursor {cursor.seq}: its hash is not that of the last event, {self.last}: "
                "it was changed, or what came after it was taken out"
            )

    def said(self, cursor: Cursor) -> Iterator[str]:
        """Tell what was there."""
        if self._first is None:
            yield "no event"
        else:
            yield f"{self.entries} events, {self._first} to {self.last}"
        if self.missing:
            yield f"{self.missing} sequences between them without an event"
        if cursor.seq > self.last:
            yield f"read up to {cursor.seq}, where nothing new came after {self.last}"


def _told(after: int, seq: int) -> str:
    if not after:
        return f"event_log {seq}: its hash does not follow: it is the first, and was changed or is not the first"
    between = ", or what stood between them was taken out" if seq > after + 1 else ""
    return f"event_log {seq}: its hash does not follow from that of {after}: one of the two was changed{between}"


def _exchanged(breaks: list[Break]) -> Iterator[str]:
    """Find the rows that stand in each other's places, by what would follow where each chain broke."""
    moved_to: dict[int, bytes] = {}
    for after, chain, link in breaks:
        before = moved_to.get(after, chain)
        for other in breaks:
            stray = other.link
            if stray.seq != link.seq and event_log.link(before, link.seq, stray.payload) == stray.hash:
                moved_to[link.seq] = stray.hash
                yield f"event_log {stray.seq}: what stands here belongs at {link.seq}"
                break
