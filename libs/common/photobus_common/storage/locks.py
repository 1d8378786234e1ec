"""Kernel locks on project folders: who renames or removes in a folder holds its lock.

Locks lie on open descriptors, so two openings of one folder exclude each other within a process as well as between
processes, and a process that dies lets go.
"""

import asyncio
import errno
import fcntl
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from photobus_common.errors import ConfigurationError, StorageUnavailableError
from photobus_common.storage.errors import LockedError, storage_errors

_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05

_NO_LOCKS: Final = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL, errno.EBADF})
"""How file systems say that they keep no locks, or none of this kind."""


def try_lock(fd: int) -> bool:
    """Take the lock of the directory or file behind ``fd`` if it is free; say whether it was taken."""
    with storage_errors("taking a lock"):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def unlock(fd: int) -> None:
    """Let go of the lock of the directory behind ``fd``."""
    with storage_errors("unlocking a folder"):
        fcntl.flock(fd, fcntl.LOCK_UN)


@asynccontextmanager
async def locked(fd: int, wait_seconds: float) -> AsyncIterator[None]:
    """Hold the lock of the directory behind ``fd``; raises ``LockedError`` when it is not free in time.

    The kernel tells nobody when a lock comes free, so a waiter asks again in growing pauses.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    pause = _FIRST_PAUSE
    while not try_lock(fd):
        if loop.time() >= deadline:
            raise LockedError("The project's folder is in use by another operation.")
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads waiters, no secret
        pause = min(pause * 2, _LONGEST_PAUSE)
    try:
        yield
    finally:
        unlock(fd)


def self_test(directory_fd: int) -> None:
    """Refuse a file system on which a lock does not exclude a second opening (``ConfigurationError``)."""
    try:
        excluded = _excludes(directory_fd)
    except StorageUnavailableError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in _NO_LOCKS:
            raise
        excluded = False
    if not excluded:
        raise ConfigurationError("The library's file system does not keep locks (flock); photobus cannot run on it.")


def _excludes(directory_fd: int) -> bool:
    """Whether a lock on the directory excludes a second opening of it, as one does that somebody holds already."""
    second = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory_fd)
    try:
        if not try_lock(directory_fd):
            return True
        try:
            return not try_lock(second)
        finally:
            unlock(directory_fd)
    finally:
        os.close(second)
