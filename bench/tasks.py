"""Trivial tasks: generate_derivatives of one photo that is up to date, from the request to its completion at a client.

Each goes the whole way: HTTP, transaction, log, fold, command, worker, log, fold, live update.
"""

import asyncio
import time
from typing import Any

import images
import psutil
from running_stack import RunningStack

from bench.memory import peaks
from bench.report import Figure, percentile, show
from bench.stack import running_stack, until_quiet, upload
from photobus_client import PhotobusClient

WARM_UP = 50
ONE_BY_ONE = 300
SUSTAINED = 4000
AT_ONCE = 48


class Completions:
    """Follows the live updates, and tells when each task was completed."""

    def __init__(self, client: PhotobusClient) -> None:
        self._client = client
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._early: dict[str, float] = {}
        self.connected = asyncio.Event()

    async def follow(self) -> None:
        """Follow for ever."""
        async for event in self._client.follow(("jobs",)):
            self.connected.set()
            if event.name in ("task_completed", "task_failed"):
                self._told(event.data["id"], time.perf_counter())

    async def of(self, task_id: str) -> float:
        """Return when the task was told to be completed."""
        if task_id in self._early:
            return self._early.pop(task_id)
        waiting: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[task_id] = waiting
        return await waiting

    def _told(self, task_id: str, at: float) -> None:
        waiting = self._waiting.pop(task_id, None)
        if waiting is None:
            self._early[task_id] = at
        else:
            waiting.set_result(at)


async def one(client: PhotobusClient, completions: Completions, photo_id: int) -> float:
    """Run one task; returns seconds from the request to the completion at the client."""
    body: dict[str, Any] = {"items": [{"photo_id": photo_id}]}
    began = time.perf_counter()
    answer = await client.transport.json("POST", "/api/photos/process", body=body)
    return await completions.of(answer["task"]["id"]) - began


async def main() -> None:
    """Measure and show."""
    async with running_stack() as stack, stack.client() as client:
        project = await client.create_project("Bench")
        completions = Completions(client)
        following = asyncio.create_task(completions.follow())
        await completions.connected.wait()
        files = {f"B{number}.jpg": images.noise_jpeg(320, 240, seed=number) for number in range(64)}
        photos = await upload(client, project.folder, files)
        await until_quiet(client)
        for _ in range(WARM_UP):
            await one(client, completions, photos[0])
        idle = [await one(client, completions, photos[number % 64]) * 1000 for number in range(ONE_BY_ONE)]
        todo = iter(range(SUSTAINED))

        async def keep_going() -> None:
            for number in todo:
                await one(client, completions, photos[number % 64])

        before, began = processor_seconds(stack), time.perf_counter()
        await asyncio.gather(*(keep_going() for _ in range(AT_ONCE)))
        rate = SUSTAINED / (time.perf_counter() - began)
        after = processor_seconds(stack)
        memory = peaks(stack)
        following.cancel()
    figures = [
        Figure("request to completion at a client, idle, p50", percentile(idle, 50), "ms", "≤ 15"),
        Figure("request to completion at a client, idle, p99", percentile(idle, 99), "ms", "≤ 50"),
        Figure(f"tasks a second sustained, {AT_ONCE} at once, {SUSTAINED} tasks", rate, "/s", "≥ 300"),
    ]
    figures += [
        Figure(f"processor time a task, {name}", (after[name] - before[name]) / SUSTAINED * 1000, "ms")
        for name in before
    ]
    show("tasks", [*figures, *memory])


def processor_seconds(stack: RunningStack) -> dict[str, float]:
    """Processor time that each part of the stack has taken so far, its children included, and this driver."""
    taken = {"driver": _seconds(psutil.Process())}
    for name, pid in stack.pids.items():
        process = psutil.Process(pid)
        children = process.children(recursive=True) if name != "supervisor" else []
        taken[name] = sum(_seconds(one) for one in (process, *children))
    return taken


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
