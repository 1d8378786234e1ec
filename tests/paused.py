"""A service of a running stack that stands still for a while, so that a test sees what is under way."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
from running_stack import RunningStack


@contextmanager
def paused(stack: RunningStack, service: str) -> Iterator[None]:
    """Have the service do nothing until the block ends, as a machine that is out of memory does."""
    process = psutil.Process(stack.pids[service])
    process.suspend()
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()
