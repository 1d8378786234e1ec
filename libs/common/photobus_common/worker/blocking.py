"""Blocking work in a thread, for handlers that touch files."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar, TypeVarTuple

from photobus_common.store.database import SILENCE, Connection

SILENCE_SECONDS: Final = "SELECT extract(epoch FROM current_setting($1)::interval)::float8"

_FIRST_WORD_SECONDS: Final = 0.05

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


async def in_thread_beside(connection: Connection, function: Callable[[*ArgsT], ResultT], *args: *ArgsT) -> ResultT:
    """Do the same while a transaction is open on ``connection``, however long the thread takes.

    The server ends a transaction that is silent for long, since its process may have been stopped (``Database.open``);
    now and then it is told that this one has not.
    """
    call = asyncio.ensure_future(in_thread(function, *args))
    pause: float | None = _FIRST_WORD_SECONDS
    try:
        while not (await asyncio.wait({call}, timeout=pause))[0]:
            limit: float = await connection.fetchval(SILENCE_SECONDS, SILENCE)
            pause = limit / 3 or None
        return call.result()
    finally:
        if not call.done():  # it uses what the caller is about to close
            call.cancel()
            await _end_of(call)


async def _end_of(call: asyncio.Future[Any]) -> None:
    """Wait until ``call`` has ended, however often the caller is cancelled meanwhile."""
    while not call.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({call})
