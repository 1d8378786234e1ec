"""Clients of the live updates that are cut off again and again, and go on where they were."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

import aiohttp

from chaos.journal import Journal
from photobus_client.errors import ClientError
from photobus_client.live import LiveEvent, StreamParser
from photobus_client.transport import Transport

PATH: Final = "/api/sse/stream"
LONGEST_STAY: Final = 12.0
SILENCE_SECONDS: Final = 25.0
"""A stream of which nothing comes for so long is dead: there is a sign of life every ``sse.keepalive_seconds``."""

Told = tuple[str, str, str]
"""Id, name and digest of a message."""


class Follower:
    """One client with one place in the log."""

    def __init__(self, name: str, transport: Transport, journal: Journal, random: Random) -> None:
        self.name = name
        self._transport = transport
        self._journal = journal
        self._random = random
        self.last: str | None = None

    async def run(self) -> None:
        """Follow for ever; leave at random and come back with ``Last-Event-ID``."""
        while True:
            with suppress(TimeoutError, ClientError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(self._random.uniform(0.5, LONGEST_STAY)):
                    await self._stay()
            await asyncio.sleep(self._random.uniform(0.05, 1.0))

    async def catch_up(self, until: int) -> None:
        """Follow until the place ``until`` has been reached, which must be the end of the log."""
        while self.last is None or int(self.last.partition("-")[0]) < until:
            with suppress(TimeoutError, ClientError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(LONGEST_STAY):
                    await self._stay(until)
            await asyncio.sleep(0.2)

    async def _stay(self, until: int | None = None) -> None:
        parser = StreamParser()
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": self.last} if self.last else {})}
        async with self._transport.request("GET", PATH, headers=headers) as answer:
            while chunk := await _next(answer):
                self._hear(list(parser.feed(chunk)))
                if until is not None and self.last is not None and int(self.last.partition("-")[0]) >= until:
                    return

    def _hear(self, events: Sequence[LiveEvent]) -> None:
        told: list[Told] = []
        for event in events:
            if event.name == "reset" or (event.name == "connected" and self.last is None):
                self._tell(told)
                told = []
                self.last = str(event.data["seq"])
                self._journal.write("listening", follower=self.name, seq=self.last, reset=event.name == "reset")
            elif event.id is not None:
                self.last = event.id
                told.append((event.id, event.name, digest(event.data)))
        self._tell(told)

    def _tell(self, told: Sequence[Told]) -> None:
        if told:
            self._journal.write("told", follower=self.name, messages=told)


async def everything_from(transport: Transport, start: str, until: int) -> list[Told]:
    """Read the live updates from behind ``start`` to the sequence ``until`` by a client that was never there before."""
    found: list[Told] = []
    parser = StreamParser()
    headers = {"Accept": "text/event-stream", "Last-Event-ID": start}
    async with transport.request("GET", PATH, headers=headers) as answer:
        while chunk := await _next(answer):
            for event in parser.feed(chunk):
                if event.name == "reset":
                    raise RuntimeError(f"The log can be read from {start} no more: {event.data}")
                if event.id is not None:
                    found.append((event.id, event.name, digest(event.data)))
            if found and int(found[-1][0].partition("-")[0]) >= until:
                break
    return found


async def _next(answer: aiohttp.ClientResponse) -> bytes:
    """Return what comes next; empty at the end. ``asyncio.wait_for`` may lose a cancellation that comes with it."""
    async with asyncio.timeout(SILENCE_SECONDS):
        return await answer.content.readany()


def digest(data: Any) -> str:
    """Return what tells one message from another."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
