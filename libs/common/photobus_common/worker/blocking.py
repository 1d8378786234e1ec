"""Blocking work in a thread, for handlers that touch files."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

ParamsT = ParamSpec("ParamsT")
ResultT = TypeVar("ResultT")


async def in_thread(function: Callable[ParamsT, ResultT], *args: ParamsT.args, **kwargs: ParamsT.kwargs) -> ResultT:
    """Call ``function`` in a thread and return what it returns.

    A thread cannot be stopped. A caller that is cancelled therefore waits for it before it goes on to close the
    descriptors and let go of the locks that the thread is using.
    """
    call = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        await asyncio.wait({call})
        if not call.cancelled():
            call.exception()  # seen, though it changes nothing any more
        raise
