"""Live updates as a sign that it is time to look again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TypeVar
from uuid import UUID

from photobus_client import ClientError, LiveEvent, PhotobusClient


class News:
    """Remembers that something was told since one last looked."""

    def __init__(self) -> None:
        self._something = asyncio.Event()

    def note(self, _event: LiveEvent) -> None:
        """Take in an update."""
        self._something.set()

    def broke_off(self) -> None:
        """Know that no update comes any more; looking from time to time has to do."""

    async def within(self, seconds: float) -> None:
        """Return when there are any, and after ``seconds`` at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._something.wait()
        self._something.clear()


class NewsOfTask(News):
    """What is told of one task and its jobs, and that updates begin anew."""

    def __init__(self, task_id: UUID) -> None:
        super().__init__()
        self._task = str(task_id)

    def note(self, event: LiveEvent) -> None:
        """Take in an update, if it is of the task."""
        about = (event.data.get("id"), event.data.get("task_id"))
        if self._task in about or event.name in {"connected", "reset"}:
            super().note(event)


NewsT = TypeVar("NewsT", bound=News)


@asynccontextmanager
async def listening(photobus: PhotobusClient, news: NewsT) -> AsyncIterator[NewsT]:
    """Have the live updates taken in by ``news`` in this context."""
    listener = asyncio.create_task(_listen(photobus, news))
    try:
        yield news
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def _listen(photobus: PhotobusClient, news: News) -> None:
    with suppress(ClientError):
        async with aclosing(photobus.follow(("jobs",))) as events:
            async for event in events:
                news.note(event)
    news.broke_off()
