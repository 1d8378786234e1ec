"""What waits to be published and what waits for its acknowledgement: bounded in number and bytes, and without IO."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from photobus_common.store.unit_of_work import OutboxMessage

MAX_QUEUED: Final = 20_000
MAX_QUEUED_BYTES: Final = 64 * 1024**2
"""Beyond these, messages are left to the relay: they stand in the outbox."""

MAX_IN_FLIGHT: Final = 512
MAX_IN_FLIGHT_BYTES: Final = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Entry:
    """A message on its way; ``relayed`` when the relay found it, which means that it may have been sent before."""

    message: OutboxMessage
    relayed: bool


@dataclass(frozen=True, slots=True)
class _Sent:
    entry: Entry
    deadline: float


class PublishWindow:
    """Messages in the order of their offering, and those in flight by the number that their acknowledgement names."""

    def __init__(self) -> None:
        self._queue: deque[Entry] = deque()
        self._queued_bytes = 0
        self._in_flight: dict[int, _Sent] = {}
        self._in_flight_bytes = 0
        self._known: set[UUID] = set()
        self._numbers = 0

    @property
    def queued(self) -> int:
        """Number of messages that were not sent yet."""
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        """Number of messages sent and not acknowledged."""
        return len(self._in_flight)

    @property
    def empty(self) -> bool:
        """Whether nothing is queued or in flight."""
        return not self._queue and not self._in_flight

    @property
    def room(self) -> int:
        """How many more messages ``offer`` would take, by number."""
        return max(0, MAX_QUEUED - len(self._queue)) if self._queued_bytes < MAX_QUEUED_BYTES else 0

    @property
    def may_send(self) -> bool:
        """Whether something is queued and may be sent now."""
        return (
            bool(self._queue) and len(self._in_flight) < MAX_IN_FLIGHT and self._in_flight_bytes < MAX_IN_FLIGHT_BYTES
        )

    def offer(self, entry: Entry) -> bool:
        """Queue ``entry`` unless it is on its way already; false when there is no room."""
        if entry.message.id in self._known:
            return True
        if not self.room:
            return False
        self._known.add(entry.message.id)
        self._queue.append(entry)
        self._queued_bytes += len(entry.message.payload)
        return True

    def send(self, deadline: float) -> tuple[int, OutboxMessage]:
        """Take the next message as sent; it counts as unanswered after ``deadline``."""
        entry = self._queue.popleft()
        self._queued_bytes -= len(entry.message.payload)
        self._numbers += 1
        self._in_flight[self._numbers] = _Sent(entry, deadline)
        self._in_flight_bytes += len(entry.message.payload)
        return self._numbers, entry.message

    def settle(self, number: int) -> Entry | None:
        """End the flight of a message; None when ``number`` is not in flight (any more)."""
        sent = self._in_flight.pop(number, None)
        if sent is None:
            return None
        self._in_flight_bytes -= len(sent.entry.message.payload)
        self._known.discard(sent.entry.message.id)
        return sent.entry

    def recall(self) -> None:
        """Queue what is in flight again, before all else and in its order, since its answers were lost."""
        recalled = [sent.entry for sent in self._in_flight.values()]
        self._in_flight.clear()
        self._in_flight_bytes = 0
        self._queue.extendleft(reversed(recalled))
        self._queued_bytes += sum(len(entry.message.payload) for entry in recalled)

    def unanswered(self, now: float) -> Iterator[Entry]:
        """Settle, oldest first, what was not answered in time."""
        while self._in_flight:
            number, sent = next(iter(self._in_flight.items()))
            if sent.deadline > now:
                return
            self.settle(number)
            yield sent.entry

    @property
    def next_deadline(self) -> float | None:
        """When the oldest message in flight counts as unanswered; None when there is none."""
        return next(iter(self._in_flight.values())).deadline if self._in_flight else None
