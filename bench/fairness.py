"""A fresh upload of one photo while a task over 5,000 photos runs: seconds from the upload to its thumbnail.

All settings are the defaults. The bulk task makes the derivatives of every photo anew, on every decoder. Photos are
uploaded one after the other meanwhile, small ones and large ones in turn, and looked for in the live updates.
"""

import asyncio
import time
from itertools import count
from typing import Final
from uuid import UUID

import images

from bench.memory import peaks
from bench.report import Figure, percentile, show
from bench.stack import running_stack, until_quiet, upload
from photobus_client import PhotobusClient

BULK: Final = 5000
REQUEST: Final = 500
FRESH: Final = 30
KINDS: Final = ("640 x 480", "24 megapixels")
LONGEST_SECONDS: Final = 120.0


class Thumbnails:
    """Follows the live updates, and tells when each photo's thumbnail was there."""

    def __init__(self, client: PhotobusClient) -> None:
        self._client = client
        self._at: dict[int, float] = {}
        self._news = asyncio.Event()
        self.connected = asyncio.Event()

    async def follow(self) -> None:
        """Follow for ever."""
        async for event in self._client.follow():
            self.connected.set()
            if event.name == "item" and event.data.get("thumbnail_status") == "generated":
                self._at.setdefault(event.data["photo_id"], time.perf_counter())
                self._news.set()

    async def of(self, photo_id: int) -> float:
        """Return when the photo's thumbnail was told of."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while photo_id not in self._at:
                self._news.clear()
                await self._news.wait()
        return self._at[photo_id]


async def main() -> None:
    """Measure and show."""
    contents = {
        KINDS[0]: images.noise_jpeg(640, 480, seed=99),
        KINDS[1]: images.noise_jpeg(6000, 4000, seed=99),
    }
    async with running_stack() as stack, stack.client() as client:
        await _fill(client)
        thumbnails = Thumbnails(client)
        following = asyncio.create_task(thumbnails.follow())
        await thumbnails.connected.wait()
        alone = await _measure(client, thumbnails, contents, "Alone", FRESH // 3)
        began = time.perf_counter()
        task = await client.start_task("generate_derivatives", {"filter": {"project_folder": "Bulk"}}, {"force": True})
        beside = await _measure(client, thumbnails, contents, "Beside", FRESH, task.id)
        while not (ended := await client.task(task.id)).ended:
            await asyncio.sleep(0.1)
        taken = time.perf_counter() - began
        following.cancel()
        memory = peaks(stack)
    if ended.done != BULK:
        raise RuntimeError(f"The bulk task did {ended.done} photos.")
    figures = [
        figure
        for when, measured in (("alone", alone), (f"beside {BULK} photos", beside))
        for kind in KINDS
        for figure in _figures(f"{kind}, {when}", measured[kind])
    ]
    show("fairness", [*figures, Figure("the bulk task meanwhile", BULK / taken, "photos/s"), *memory])


def _figures(what: str, seconds: list[float]) -> list[Figure]:
    if not seconds:
        raise RuntimeError(f"{what}: nothing was measured; the bulk task was over too soon.")
    return [
        Figure(f"upload to thumbnail, {what}, p50", percentile(seconds, 50), "s"),
        Figure(f"upload to thumbnail, {what}, longest of {len(seconds)}", max(seconds), "s", "≤ 1 to 2"),
    ]


async def _fill(client: PhotobusClient) -> None:
    project = await client.create_project("Bulk")
    small = [images.noise_jpeg(640, 480, seed=seed) for seed in range(20)]
    for first in range(0, BULK, REQUEST):
        files = {f"B{number:05}.jpg": small[number % 20] for number in range(first, first + REQUEST)}
        await upload(client, project.folder, files)
    await until_quiet(client)


async def _measure(
    client: PhotobusClient,
    thumbnails: Thumbnails,
    contents: dict[str, bytes],
    name: str,
    times: int,
    beside: UUID | None = None,
) -> dict[str, list[float]]:
    """Upload photos one after the other, for as long as the task ``beside`` runs; return the seconds of each kind."""
    project = await client.create_project(name)
    seconds: dict[str, list[float]] = {kind: [] for kind in contents}
    for number in count():
        kind = KINDS[number % len(KINDS)]
        began = time.perf_counter()
        [photo] = await upload(client, project.folder, {f"{name}{number}.jpg": contents[kind]})
        at = await thumbnails.of(photo)
        if number == times or (beside is not None and (await client.task(beside)).ended):
            break
        seconds[kind].append(at - began)
    return seconds
