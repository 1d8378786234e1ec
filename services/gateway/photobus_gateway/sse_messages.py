"""The messages of live updates: their channels, and how they are written on the line."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

from photobus_common.events import Event, EventData

Channel = Literal["jobs", "pending-changes"]
CHANNELS: Final[tuple[Channel, ...]] = ("jobs", "pending-changes")

DataT = TypeVar("DataT", bound=EventData)


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One message to clients: the channel it belongs to, its name and its JSON object."""

    channel: Channel
    name: str
    data: dict[str, Any]

    def frame(self, frame_id: str | None) -> bytes:
        """Render in the format of server-sent events; JSON escapes line breaks, so the data is one line."""
        head = f"id: {frame_id}\n" if frame_id else ""
        body = json.dumps(self.data, separators=(",", ":"), ensure_ascii=False)
        return f"{head}event: {self.name}\ndata: {body}\n\n".encode()


Expansion = Callable[[Event], list[SseEvent]]
"""Makes of one event the messages that it becomes, in order."""


def expansion_of(model: type[DataT], expansion: Callable[[DataT, Event], list[SseEvent]]) -> tuple[str, Expansion]:
    """Pair a type word with its expansion, which takes the data in its own type."""
    return model.TYPE, lambda event: expansion(cast(DataT, event.data), event)
