"""Reading parts of an untrusted file: at most so many reads and bytes, so that no header can keep the reader busy."""

import io
import os
from typing import Final

from photobus_common.storage.errors import storage_errors

MAX_READS: Final = 50_000
MAX_BYTES: Final = 4 * 1024 * 1024
_BLOCK: Final = 8 * 1024
"""Bytes that are read at once, for parsers read two or four at a time from one place."""
MAX_VALUE: Final = 64 * 1024
"""Longest value that a parser gets by ``read``, in bytes: it may look at each letter, and keep several copies."""


class BudgetExceededError(Exception):
    """The file's header asks for more reading than any photo needs."""


class Window(io.RawIOBase):
    """A read-only view of the file behind ``fd`` from ``start`` on, which gives up after ``MAX_READS`` reads.

    ``magic`` stands in for the first bytes of the view, for containers that are TIFF but for their first word.
    It does not own ``fd`` and does not move its place.
    """

    def __init__(self, fd: int, start: int = 0, magic: bytes = b"") -> None:
        super().__init__()
        self._fd = fd
        self._start = start
        self._magic = magic
        self._at = 0
        self._reads = 0
        self._bytes = 0
        self._held = b""
        self._held_at = 0

    def readable(self) -> bool:
        """Return True: that is all it does."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to ``offset`` from the start or the present place; a place before the start is refused."""
        place = offset + (self._at if whence == io.SEEK_CUR else 0)
        if place < 0 or whence == io.SEEK_END:
            raise ValueError(f"cannot seek to {offset} from {whence}")
        self._at = place
        return place

    def tell(self) -> int:
        """Return the present place."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, or ``MAX_VALUE``, and move behind them; raises ``BudgetExceededError``."""
        found = self.at(self._at, MAX_VALUE if size < 0 else min(size, MAX_VALUE))
        self._at += len(found)
        return found

    def at(self, place: int, size: int) -> bytes:
        """Return up to ``size`` bytes at ``place``, without moving there; raises ``BudgetExceededError``."""
        size = min(size, MAX_BYTES)
        self._reads += 1
        self._bytes += size
        if self._reads > MAX_READS or self._bytes > 2 * MAX_BYTES:
            raise BudgetExceededError
        offset = self._start + place - self._held_at
        if offset >= 0 and offset + size <= len(self._held):
            found = self._held[offset : offset + size]
        else:
            found = self._fetch(self._start + place, size)
        if place < len(self._magic):
            found = (self._magic[place:] + found[len(self._magic) - place :])[: len(found)]
        return found

    def _fetch(self, place: int, size: int) -> bytes:
        """Read from the file, a block at least, and keep that for what is asked for next."""
        if place + size >= 1 << 62:
            return b""
        with storage_errors("reading a photo's header"):
            found = os.pread(self._fd, max(size, _BLOCK), place)
        self._held, self._held_at = found[:_BLOCK], place
        return found[:size]
