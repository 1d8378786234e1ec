"""Live updates as an endless iterator that survives restarts without a gap or a repeat."""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from photobus_client.errors import UnreachableError
from photobus_client.transport import Backoff, Transport

CHANNELS: Final = ("jobs", "pending-changes")


@dataclass(frozen=True)
class LiveEvent:
    """One message. ``id`` resumes behind it; what is sent on connecting has none.

    ``connected`` comes after each connection, ``reset`` when events were missed that cannot be given any more: fetch
    everything anew, what follows goes on from there.
    """

    name: str
    data: dict[str, Any]
    id: str | None = None


@dataclass
class StreamParser:
    """The lines of a stream become messages (WHATWG, server-sent events)."""

    name: str = ""
    id: str | None = None
    lines: list[str] = field(default_factory=list)
    retry_seconds: float = 1.0
    rest: bytes = b""

    def feed(self, chunk: bytes) -> Iterator[LiveEvent]:
        """Take what came, which may end anywhere, and yield the messages that it completes."""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            event = self._line(line.decode().removesuffix("\r"))
            if event is not None:
                yield event

    def _line(self, line: str) -> LiveEvent | None:
        if not line:
            return self._complete()
        word, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if word == "event":
            self.name = value
        elif word == "data":
            self.lines.append(value)
        elif word == "id":
            self.id = value
        elif word == "retry" and value.isdecimal():
            self.retry_seconds = int(value) / 1000
        return None

    def _complete(self) -> LiveEvent | None:
        name, lines, event_id = self.name, self.lines, self.id
        self.name, self.lines, self.id = "", [], None
        if not lines:
            return None
        return LiveEvent(name or "message", json.loads("\n".join(lines)), event_id)


async def follow(
    transport: Transport,
    channels: Collection[str] = CHANNELS,
    last_event_id: str | None = None,
) -> AsyncGenerator[LiveEvent]:
    """Yield every message from behind ``last_event_id`` (None: from now) on, over any number of reconnections.

    Raises ``ApiError`` when photobus refuses, ``UnreachableError`` when it stays away longer than the patience.
    """
    backoff = Backoff(transport.patience_seconds)
    while True:
        parser = StreamParser()
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_event_id} if last_event_id else {})}
        query = {"channels": ",".join(channels)}
        try:
            async with transport.request("GET", "/api/sse/stream", query=query, headers=headers) as answer:
                async for chunk in answer.content.iter_any():
                    for event in parser.feed(chunk):
                        backoff.succeeded()
                        last_event_id = resume_behind(event, last_event_id)
                        yield event
            await asyncio.sleep(parser.retry_seconds)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if not await backoff.again():
                raise UnreachableError(f"The live updates of {transport.address} broke off: {error}") from error


def resume_behind(event: LiveEvent, last: str | None) -> str | None:
    """Where to resume: behind the last message, or at the place named on the first connection and by a reset."""
    if event.id is not None:
        return event.id
    if event.name == "reset" or (event.name == "connected" and last is None):
        return str(event.data["seq"])
    return last
