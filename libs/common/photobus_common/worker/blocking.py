"""Blocking work in a thread, for handlers that touch files."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, TypeVarTuple

ArgsT = TypeVarTuple("ArgsT")
ResultT = TypeVar("ResultT")


async def in_thread(
    function: Callable[[*ArgsT], ResultT],
    *args: *ArgsT,
    undo: Callable[[ResultT], object] | None = None,
) -> ResultT:
    """Call ``function`` in a thread and return what it returns.

    A thread cannot be stopped. A caller that is cancelled therefore waits for it before it goes on to close the
    descriptors and let go of the locks that the thread is using. What the thread then returns nobody gets any more:
    a function that opens something comes with the ``undo`` that closes it, which is called in a thread too.
    """
    call = asyncio.ensure_future(asyncio.to_thread(function, *args))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        await _end_of(call)
        # Asking for the exception also counts as having seen it, though it changes nothing any more.
        if not call.cancelled() and call.exception() is None and undo is not None:
            undoing = asyncio.ensure_future(asyncio.to_thread(undo, call.result()))
            await _end_of(undoing)
            undoing.exception()
        raise


async def _end_of(call: asyncio.Future[Any]) -> None:
    """Wait until ``call`` has ended, however often the caller is cancelled meanwhile."""
    while not call.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({call})
