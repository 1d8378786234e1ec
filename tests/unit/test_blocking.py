"""Blocking work of a caller that is cancelled: it is waited for, and what it opened is closed."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from photobus_common.worker.blocking import in_thread


class Opening:
    """Something that takes its time to open and can be closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.started = threading.Event()
        self.go_on = threading.Event()
        self.opened = 0
        self.closed: list[int] = []
        self._error = error

    def open(self) -> int:
        """Open it when it may; return how often it was opened."""
        self.started.set()
        self.go_on.wait(30)
        if self._error is not None:
            raise self._error
        self.opened += 1
        return self.opened

    def close(self, opened: int) -> None:
        """Close it."""
        self.closed.append(opened)


async def cancelled_while_opening(opening: Opening, times: int, undo: Callable[[int], None] | None) -> None:
    """Cancel a caller that many times while the thread is at work."""
    caller = asyncio.create_task(in_thread(opening.open, undo=undo))
    await asyncio.to_thread(opening.started.wait, 30)
    for _ in range(times):
        caller.cancel()
        await asyncio.wait({caller}, timeout=0)
        assert not caller.done()
    opening.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller


@pytest.mark.parametrize("times", [1, 3])
async def test_what_a_cancelled_caller_would_have_got_is_undone(times: int) -> None:
    opening = Opening()
    await cancelled_while_opening(opening, times, opening.close)
    assert opening.closed == [1]


async def test_without_undo_a_cancelled_caller_only_waits() -> None:
    opening = Opening()
    await cancelled_while_opening(opening, 1, None)
    assert (opening.opened, opening.closed) == (1, [])


async def test_what_failed_is_not_undone() -> None:
    opening = Opening(OSError("gone"))
    await cancelled_while_opening(opening, 1, opening.close)
    assert opening.closed == []


async def test_what_its_caller_got_is_not_undone() -> None:
    opening = Opening()
    opening.go_on.set()
    assert await in_thread(opening.open, undo=opening.close) == 1
    assert opening.closed == []
