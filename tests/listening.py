"""A client of the live updates that keeps what it was told, and somebody who says things to be told of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientPayloadError
from gateway_server import Gateway

from photobus_client.live import LiveEvent, StreamParser
from photobus_common.events import Origin
from photobus_common.events.projects import ProjectCreated
from photobus_common.store.unit_of_work import unit_of_work
from photobus_gateway.sse_ring import FrameId

PATIENCE = 60.0


@dataclass
class Listener:
    """One connection to the stream: what came over it so far."""

    response: Any
    parser: StreamParser = field(default_factory=StreamParser)
    events: list[LiveEvent] = field(default_factory=list)

    async def until(self, count: int) -> None:
        """Read until ``count`` messages with an id came."""
        async with asyncio.timeout(PATIENCE):
            while len(self.numbers()) < count:
                await self._read()

    async def until_named(self, name: str, nth: int = 1) -> LiveEvent:
        """Read until the ``nth`` message of that name came."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [event for event in self.events if event.name == name]) < nth:
                await self._read()
        return found[nth - 1]

    async def until_number(self, number: int) -> None:
        """Read until the project of that number was told of."""
        async with asyncio.timeout(PATIENCE):
            while number not in self.numbers():
                await self._read()

    async def _read(self) -> None:
        """Take what came; raises ``ConnectionError`` when the stream has ended, in order or not."""
        try:
            chunk = await self.response.content.readany()
        except ClientPayloadError as error:
            raise ConnectionError("The stream was cut off.") from error
        if not chunk:
            raise ConnectionError("The stream ended.")
        self.events += self.parser.feed(chunk)

    def lose_all_but(self, count: int) -> None:
        """Forget what came after the first ``count`` messages with an id, as if the line had broken there."""
        numbered = [event for event in self.events if event.id]
        self.events = numbered[:count]

    def ids(self) -> list[FrameId]:
        """Ids of the messages that have one, in order."""
        return [FrameId.parse(event.id) for event in self.events if event.id]

    def numbers(self) -> list[int]:
        """Projects told of, in order."""
        return [event.data["project_id"] for event in self.events if event.name == "project_created"]

    @property
    def last_id(self) -> str:
        """Id of the last message that has one."""
        return next(event.id for event in reversed(self.events) if event.id)


@asynccontextmanager
async def listening(
    gateway: Gateway, after: str | None = None, token: str | None = None, channels: str = "jobs,pending-changes"
) -> AsyncIterator[Listener]:
    """Connect to the stream."""
    headers = {"Authorization": f"Bearer {token or gateway.admin}", **({"Last-Event-ID": after} if after else {})}
    async with gateway.client.get(f"/api/sse/stream?channels={channels}", headers=headers) as response:
        assert response.status == 200
        yield Listener(response)


async def say(gateway: Gateway, numbers: range, tenant: str | None = None, padding: int = 0) -> None:
    """Commit and publish one event a number."""
    origin = Origin("/test", tenant or gateway.tenant, "test")
    async with unit_of_work(gateway.database, gateway.publisher) as work:
        for number in numbers:
            name = f"{number}-" + "x" * padding
            work.emit(origin.event(ProjectCreated(project_id=number, project_folder=f"F{number}", name=name)))


async def say_and_hear(gateway: Gateway, listener: Listener, numbers: range) -> None:
    """Say as much at once as the small ring holds, and wait until it was heard, so that nobody falls behind."""
    for start in numbers[::50]:
        await say(gateway, range(start, min(start + 50, numbers.stop)))
        await listener.until(min(start + 50, numbers.stop) - 1)
