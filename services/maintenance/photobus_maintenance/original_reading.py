"""Reading originals whole, to tell whether they still hold the bytes on record, no faster than the settings allow."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final, Self

from photobus_common.storage.errors import storage_errors
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder, descriptor_entry
from photobus_common.worker.blocking import in_thread

_CHUNK_BYTES: Final = 1024 * 1024
_TURN_BYTES: Final = 16 * 1024 * 1024
"""What a thread reads before the loop has its turn again."""


class Pace:
    """Keeps reading to ``bytes_per_second``; 0 is no limit."""

    def __init__(self, bytes_per_second: int, clock: Callable[[], float] = monotonic) -> None:
        self._limit = bytes_per_second
        self._clock = clock
        self._free_at = clock()

    @property
    def turn(self) -> int:
        """Bytes to be read at once: those of a second, so that no pause is longer than that."""
        return min(_TURN_BYTES, self._limit) if self._limit else _TURN_BYTES

    def due(self, read: int) -> float:
        """Return the seconds to pause after ``read`` bytes."""
        if not self._limit:
            return 0.0
        now = self._clock()
        self._free_at = max(self._free_at, now) + read / self._limit
        return self._free_at - now

    async def keep(self, read: int) -> None:
        """Pause as long as is due after ``read`` bytes."""
        if pause := self.due(read):
            await asyncio.sleep(pause)


@dataclass(frozen=True)
class Reading:
    """A file as it was read, from beginning to end without changing; ``md5`` in lower-case hex."""

    entry: Entry
    md5: str


async def read_original(folder: ProjectFolder, name: str, pace: Pace) -> Reading | None:
    """Read the file from the disk itself; None if it changes meanwhile.

    Raises ``FileMissingError``, ``FileUnreadableError`` and ``StorageUnavailableError``.
    """
    original = await in_thread(_Original.begin, folder, name, pace.turn, undo=_Original.close)
    try:
        await pace.keep(original.read)
        while original.more:
            before = original.read
            await in_thread(original.read_on, pace.turn)
            await pace.keep(original.read - before)
    finally:
        original.close()
    return original.reading


class _Original:
    """An open file and the digest of what was read of it. All of it blocks."""

    def __init__(self, fd: int, entry: Entry) -> None:
        self.read = 0
        self.more = True
        self.reading: Reading | None = None
        self._fd = fd
        self._entry = entry
        self._digest = hashlib.md5(usedforsecurity=False)

    @classmethod
    def begin(cls, folder: ProjectFolder, name: str, budget: int) -> Self:
        """Open the file and read the first of it, or all."""
        fd = folder.open(name)
        try:
            original = cls(fd, descriptor_entry(fd, name))
            original.forget()  # what is cached hides what the disk holds
            original.read_on(budget)
        except BaseException:
            os.close(fd)
            raise
        return original

    def read_on(self, budget: int) -> None:
        """Read up to ``budget`` bytes more; at the end see whether it still is the same file."""
        with storage_errors(f"reading {self._entry.name!r}"):
            while budget > 0:
                part = os.read(self._fd, min(budget, _CHUNK_BYTES))
                if not part:
                    self._conclude()
                    return
                self._digest.update(part)
                self.read += len(part)
                budget -= len(part)

    def forget(self) -> None:
        """Leave nothing of the file in the system's cache, where others have theirs."""
        os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _conclude(self) -> None:
        self.more = False
        self.forget()
        if descriptor_entry(self._fd, self._entry.name) == self._entry:
            self.reading = Reading(self._entry, self._digest.hexdigest())
