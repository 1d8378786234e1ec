"""Files of one request on their way to be placed: checked beside each other, placed in turn, for the order decides.

Files that may be renamed and follow each other with one basename take one turn together. So a RAW that comes before its
JPEG is placed with it, and goes where that goes.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.files import Received
from photobus_gateway.uploads.taking_in import TOLD_PER_FILE, Taken, check, refusal_of

_MOST_TOGETHER: Final = 8

Place = Callable[[Received], asyncio.Future[UploadResult]]
"""Has a file placed, without waiting for it."""


@dataclass(frozen=True)
class _Turn:
    """Files that are placed at once; ``complete`` when no other will join them."""

    basename: str
    names: list[str] = field(default_factory=list)
    checks: list[asyncio.Task[Received | UploadResult]] = field(default_factory=list)
    answers: list[asyncio.Future[UploadResult]] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """The turns of one request."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._open: _Turn | None = None
        self._last = asyncio.Event()
        self._last.set()
        self._running: set[asyncio.Task[None]] = set()

    def next_is(self, basename: str) -> None:
        """Say that a file of ``basename`` comes next: it ends the turn of another's files."""
        if self._open is not None and self._open.basename != basename:
            self.close()

    def add(self, taken: Taken) -> asyncio.Future[UploadResult]:
        """Check the file while the next one arrives, and have it placed in its turn."""
        if self._open is None:
            self._open = self._begin(taken.parsed.basename)
        turn = self._open
        answer: asyncio.Future[UploadResult] = asyncio.get_running_loop().create_future()
        turn.names.append(taken.parsed.name)
        turn.checks.append(asyncio.create_task(check(taken)))
        turn.answers.append(answer)
        if taken.wish.on_conflict != "rename" or len(turn.checks) == _MOST_TOGETHER:
            self.close()
        return answer

    def close(self) -> None:
        """End the turn to which files may still be added; it is placed then."""
        if self._open is not None:
            self._open.complete.set()
            self._open = None

    def _begin(self, basename: str) -> _Turn:
        turn = _Turn(basename)
        before, self._last = self._last, asyncio.Event()
        task = asyncio.create_task(self._run(turn, before, self._last))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return turn

    async def _run(self, turn: _Turn, before: asyncio.Event, done: asyncio.Event) -> None:
        try:
            await turn.complete.wait()
            checked = await asyncio.gather(*turn.checks, return_exceptions=True)
            await before.wait()
            # Nothing is awaited in between, so that all of them come to wait before the first is taken.
            placed = [self._place(item) if isinstance(item, Received) else item for item in checked]
        finally:
            done.set()
        for answer, name, item in zip(turn.answers, turn.names, placed, strict=True):
            await _settle(answer, name, item)


async def _settle(
    answer: asyncio.Future[UploadResult],
    name: str,
    outcome: asyncio.Future[UploadResult] | UploadResult | BaseException,
) -> None:
    """Give the file its answer; an error that is not the file's own is raised to whoever awaits it."""
    ended: UploadResult | BaseException
    if isinstance(outcome, asyncio.Future):
        (ended,) = await asyncio.gather(outcome, return_exceptions=True)
    else:
        ended = outcome
    if answer.done():  # Whoever waited for it was cancelled.
        return
    if isinstance(ended, UploadResult):
        answer.set_result(ended)
    elif isinstance(ended, TOLD_PER_FILE):
        answer.set_result(refusal_of(name, ended))
    else:
        answer.set_exception(ended)
