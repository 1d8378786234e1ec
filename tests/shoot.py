"""What acceptance tests do all the time: upload, wait for tasks, watch the live updates, look at derivatives."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from io import BytesIO
from typing import Any, Final, Self
from uuid import UUID

import aiohttp
from PIL import Image
from running_stack import RunningStack

from photobus_client import LiveEvent, Photo, PhotobusClient, Task

LONG: Final = 150.0
"""Seconds after which a test gives up; never what a test shows."""


class Visit(PhotobusClient):
    """A client that waits for what is being restarted, and knows which tasks were there before it came."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(stack.address, stack.token, patience_seconds=60)
        self.earlier: frozenset[UUID] = frozenset()

    async def __aenter__(self) -> Self:
        """Open the connections, and look at the tasks."""
        await super().__aenter__()
        self.earlier = frozenset(task.id for task in (await self.tasks(limit=200)).items)
        return self

    async def own_tasks(self) -> list[Task]:
        """Tasks asked for since, newest first."""
        return [task for task in (await self.tasks(limit=200)).items if task.id not in self.earlier]


async def upload(
    photobus: PhotobusClient, folder: str, files: Mapping[str, bytes], on_conflict: str | None = None
) -> dict[str, dict[str, Any]]:
    """Upload ``files`` in one multipart request; returns what became of each, by name."""
    with aiohttp.MultipartWriter("form-data") as form:
        for name, content in files.items():
            form.append(content).set_content_disposition("form-data", name="files", filename=name)
    headers = {"Content-Type": form.content_type}
    path = f"/api/projects/{folder}/upload" + (f"?on_conflict={on_conflict}" if on_conflict else "")
    async with photobus.transport.request("POST", path, content=await form.as_bytes(), headers=headers) as answer:
        results = (await answer.json())["results"]
    return {result["filename"]: result for result in results}


async def until_ended(photobus: PhotobusClient, task_id: Any) -> Task:
    """Wait until the task has ended."""
    async with asyncio.timeout(LONG):
        while not (task := await photobus.task(task_id)).ended:
            await asyncio.sleep(0.1)
    return task


async def until_idle(photobus: Visit, tasks: int) -> list[Task]:
    """Wait until the test has ``tasks`` tasks, all ended."""
    async with asyncio.timeout(LONG):
        while not (len(own := await photobus.own_tasks()) >= tasks and all(task.ended for task in own)):
            await asyncio.sleep(0.1)
    return own


async def photos_of(photobus: PhotobusClient, folder: str) -> dict[str, Photo]:
    """All photos of the project, by name."""
    return {photo.filename: photo async for photo in photobus.photos(folder)}


async def detail(photobus: PhotobusClient, task_id: Any) -> dict[str, Any]:
    """Everything the API says of a task."""
    answer: dict[str, Any] = await photobus.transport.json("GET", f"/api/tasks/{task_id}")
    return answer


async def jobs_of(photobus: PhotobusClient, task_id: Any) -> list[dict[str, Any]]:
    """Everything the API says of a task's jobs."""
    jobs: dict[str, Any] = await photobus.transport.json("GET", "/api/jobs", query={"task_id": str(task_id)})
    return list(jobs["items"])


async def items_of(photobus: PhotobusClient, task_id: Any) -> list[dict[str, Any]]:
    """Everything the API says of the items of a task's jobs."""
    items: list[dict[str, Any]] = []
    for job in await jobs_of(photobus, task_id):
        found = await photobus.transport.json("GET", f"/api/jobs/{job['id']}", query={"limit": 500})
        items += found["items"]["items"]
    return items


async def failures(photobus: PhotobusClient, task_id: Any) -> dict[str, str]:
    """Reasons of the failed items of a task, by photo."""
    return {
        item["filename"]: item["reason"] for item in await items_of(photobus, task_id) if item["status"] == "failed"
    }


async def picture(photobus: PhotobusClient, photo_id: int, which: str = "thumbnail") -> Image.Image:
    """Fetch and decode a derivative."""
    async with photobus.transport.request("GET", f"/api/photos/{photo_id}/{which}") as answer:
        return Image.open(BytesIO(await answer.read()))


class Watcher:
    """Follows the live updates and keeps them all."""

    def __init__(self, photobus: PhotobusClient) -> None:
        self._photobus = photobus
        self.events: list[LiveEvent] = []

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator["Watcher"]:
        """Follow from before the block until its end."""
        connected = asyncio.Event()
        task = asyncio.create_task(self._follow(connected))
        async with asyncio.timeout(LONG):
            await connected.wait()
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, seen: Callable[[LiveEvent], bool]) -> LiveEvent:
        """Wait for the first event, past ones included, that ``seen`` accepts."""
        async with asyncio.timeout(LONG):
            while True:
                for event in self.events:
                    if seen(event):
                        return event
                await asyncio.sleep(0.05)

    async def until_completed(self, task: Task) -> LiveEvent:
        """Wait until the completion of ``task`` was told."""
        return await self.until(lambda event: event.name == "task_completed" and event.data["id"] == str(task.id))

    def named(self, name: str) -> list[LiveEvent]:
        """All events of that name so far."""
        return [event for event in self.events if event.name == name]

    def places(self) -> list[tuple[int, int]]:
        """Sequence and number of every event that has an id, in the order of arrival."""
        pairs = (event.id.split("-") for event in self.events if event.id)
        return [(int(seq), int(number)) for seq, number in pairs]

    async def _follow(self, connected: asyncio.Event) -> None:
        async for event in self._photobus.follow():
            self.events.append(event)
            connected.set()
