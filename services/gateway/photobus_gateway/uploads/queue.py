"""Files that are ready to be placed, by project and actor: what waits while a batch is placed becomes the next batch.

One lock, one transaction and one event then serve many files, and a single file never waits for more to come.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.files import Received, UploadProject
from photobus_gateway.uploads.placing import Placer

_LARGEST_BATCH: Final = 64

_Waiting = tuple[Received, asyncio.Future[UploadResult]]


class PlacingQueue:
    """Hands files to the placer."""

    def __init__(self, placer: Placer) -> None:
        self._placer = placer
        self._waiting: dict[tuple[UploadProject, str], deque[_Waiting]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def put(self, project: UploadProject, file: Received) -> asyncio.Future[UploadResult]:
        """Have ``file`` placed, which happens also when nobody awaits the answer any more."""
        answer: asyncio.Future[UploadResult] = asyncio.get_running_loop().create_future()
        key = (project, file.origin.actor)
        if key in self._waiting:
            self._waiting[key].append((file, answer))
        else:
            self._waiting[key] = deque([(file, answer)])
            task = asyncio.create_task(self._run(key))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return answer

    async def drain(self) -> None:
        """Wait until everything that was handed in is placed."""
        while self._running:
            await asyncio.wait(self._running)

    async def _run(self, key: tuple[UploadProject, str]) -> None:
        waiting = self._waiting[key]
        while waiting:
            await self._place(key[0], _next_batch(waiting))
        del self._waiting[key]

    async def _place(self, project: UploadProject, batch: Sequence[_Waiting]) -> None:
        try:
            results = await self._placer.place(project, [file for file, _ in batch])
        except Exception as error:  # noqa: BLE001 - each waiting request raises it
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
                    answer.exception()  # Whoever sent the file may be gone.
            return
        for (_, answer), result in zip(batch, results, strict=True):
            if not answer.done():
                answer.set_result(result)


def _next_batch(waiting: deque[_Waiting]) -> list[_Waiting]:
    """Take the first files, no two of one name: the second must see what became of the first."""
    batch: list[_Waiting] = []
    names: set[str] = set()
    while waiting and len(batch) < _LARGEST_BATCH and waiting[0][0].parsed.name not in names:
        names.add(waiting[0][0].parsed.name)
        batch.append(waiting.popleft())
    return batch
