"""What lies in a folder under one name, with all that is within: how much it is, and removing it for good, bit by bit.

No link is ever followed, and no other file system entered that is mounted somewhere within. All calls block.
"""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple
from uuid import uuid4

from photobus_common.storage.errors import storage_errors
from photobus_common.storage.folder import DIRECTORY_FLAGS, TEMPORARY_PREFIX, Folder

_DEPTH: Final = 32
"""So many folders are open at once. What lies deeper is brought up before it is removed, and not counted."""

_AT_ONCE: Final = 500
"""Names of a folder that are held in memory."""


class Size(NamedTuple):
    """How many files (and links, and whatever is no folder) there are, and the bytes that the files hold."""

    files: int
    bytes: int

    def __add__(self, other: object) -> "Size":
        """Return both together."""
        return Size(self.files + other.files, self.bytes + other.bytes) if isinstance(other, Size) else NotImplemented


NOTHING: Final = Size(0, 0)


def size_of(folder: Folder, name: str) -> Size:
    """Return how much lies at ``name``; nothing where there is nothing."""
    with storage_errors(f"looking through {name!r} in {folder.name!r}"):
        try:
            found = os.lstat(name, dir_fd=folder.fd)
        except FileNotFoundError:
            return NOTHING
        if not stat.S_ISDIR(found.st_mode):
            return _size(found)
        files = total = 0
        for one in _files(folder.fd, name, _DEPTH):
            files, total = files + one.files, total + one.bytes
        return Size(files, total)


def remove_some(folder: Folder, name: str, limit: int) -> bool:
    """Remove up to ``limit`` files and folders of what lies at ``name``, that itself last; say whether it is gone.

    ``Folder.sync`` makes it last.
    """
    removal = _Removal(limit, folder.name)
    with storage_errors(f"removing {name!r} from {folder.name!r}"):
        return removal.remove(folder.fd, name)


@dataclass
class _Removal:
    """Removes until nothing is ``left`` of what may be removed; ``top`` is the outermost folder that is going."""

    left: int
    where: str
    top: int | None = None
    depth: int = 0

    def remove(self, parent: int, name: str) -> bool:
        """Remove ``name``; say whether it is gone."""
        if self.left == 0:
            return False
        try:
            found = os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            return True
        if not stat.S_ISDIR(found.st_mode):
            _unlink(parent, name)
            self.left -= 1
            return True
        if self.depth == _DEPTH and self.top is not None:
            os.rename(name, f"{TEMPORARY_PREFIX}deep-{uuid4().hex}", src_dir_fd=parent, dst_dir_fd=self.top)
            return True
        return self._remove_folder(parent, name, found)

    def _remove_folder(self, parent: int, name: str, found: os.stat_result) -> bool:
        _refuse_mounted(parent, name, found)
        fd = os.open(name, DIRECTORY_FLAGS, dir_fd=parent)
        outermost = self.top is None
        try:
            self.top = fd if outermost else self.top
            self.depth += 1
            while names := _names(fd):
                if not all(self.remove(fd, one) for one in names):
                    return False
        finally:
            self.top = None if outermost else self.top
            self.depth -= 1
            os.close(fd)
        if self.left == 0:
            return False
        _rmdir(parent, name)
        self.left -= 1
        return True


def _files(parent: int, name: str, depth: int) -> Generator[Size]:
    fd = os.open(name, DIRECTORY_FLAGS, dir_fd=parent)
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield _size(entry.stat(follow_symlinks=False))
                elif depth > 1:
                    with closing(_files(fd, entry.name, depth - 1)) as within:
                        yield from within
    finally:
        os.close(fd)


def _size(found: os.stat_result) -> Size:
    return Size(1, found.st_size if stat.S_ISREG(found.st_mode) else 0)


def _names(fd: int) -> list[str]:
    with os.scandir(fd) as entries:
        return [entry.name for entry in islice(entries, _AT_ONCE)]


def _refuse_mounted(parent: int, name: str, found: os.stat_result) -> None:
    if found.st_dev != os.fstat(parent).st_dev:
        raise OSError(errno.EBUSY, "another file system is mounted there", name)


def _unlink(parent: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return


def _rmdir(parent: int, name: str) -> None:
    try:
        os.rmdir(name, dir_fd=parent)
    except FileNotFoundError:
        return
