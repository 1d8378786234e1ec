"""Files that are ready to be placed, by project and actor: what waits while a batch is placed becomes the next batch.

One lock, one transaction and one event then serve many files, and a single file never waits for more to come.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from photobus_common.photos.filenames import FileKind
from photobus_common.store.photos import SHOWN_FIRST
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.files import Received, UploadProject
from photobus_gateway.uploads.placing import Placer

_LARGEST_BATCH: Final = 64

ORDER_OF_KINDS: Final[tuple[FileKind, ...]] = (*SHOWN_FIRST, "sidecar")
"""In which order the files of one photo are placed when they may be renamed."""

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
            batch = _next_batch(waiting)
            placed = await self._place(key[0], batch)
            waiting.extendleft(reversed(batch[placed:]))
        del self._waiting[key]

    async def _place(self, project: UploadProject, batch: Sequence[_Waiting]) -> int:
        """Answer for the first files of the batch; return for how many, the others are to come next."""
        try:
            results = await self._placer.place(project, [file for file, _ in batch])
        except Exception as error:  # noqa: BLE001 - each waiting request raises it
            results = [error] * len(batch)
        for (_, answer), result in zip(batch, results, strict=False):
            if answer.done():
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
                answer.exception()  # Whoever sent the file may be gone.
            else:
                answer.set_result(result)
        return len(results)


def _next_batch(waiting: deque[_Waiting]) -> list[_Waiting]:
    """Take the first files, no two of one name: the second must see what became of the first.

    Of files that may be renamed, what belongs to one photo stands together, its JPEG first: where that goes the others
    follow, while a RAW that came before it would find its name free and join another camera's photo.
    """
    batch: list[_Waiting] = []
    names: set[str] = set()
    while waiting and len(batch) < _LARGEST_BATCH and waiting[0][0].parsed.name not in names:
        names.add(waiting[0][0].parsed.name)
        batch.append(waiting.popleft())
    firsts: dict[tuple[str | None, str], int] = {}
    places = [_place_in_photo(file, n, firsts) for n, (file, _) in enumerate(batch)]
    return [item for _, item in sorted(zip(places, batch, strict=True), key=lambda pair: pair[0])]


def _place_in_photo(file: Received, number: int, firsts: dict[tuple[str | None, str], int]) -> tuple[int, int, int]:
    if file.wish.on_conflict != "rename":
        return number, 0, number
    first = firsts.setdefault((file.wish.batch, file.parsed.basename), number)
    return first, ORDER_OF_KINDS.index(file.parsed.kind), number
