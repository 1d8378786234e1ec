"""Blocking work on open files, in a thread that is always waited for."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

ParamsT = ParamSpec("ParamsT")
ResultT = TypeVar("ResultT")


async def in_thread(work: Callable[ParamsT, ResultT], *args: ParamsT.args, **kwargs: ParamsT.kwargs) -> ResultT:
    """Run ``work`` in a thread. A cancelled caller leaves only once the thread has ended.

    Otherwise the caller would close a descriptor that the thread still writes to, and that number may by then be
    another file's.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
