"""Storage of the system under test, which can be full or away.

Where the campaign may mount, everything lies on a file system of its own in memory, so that no other program's writing
slows it down, and in a mount namespace of its own, which goes with its last process, whatever ends that. Elsewhere the
disk cannot be filled, and the library goes away by being renamed.
"""

import asyncio
import ctypes
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

import mounting

_NEW_NAMESPACE: Final = 0x00020000
_PRIVATE: Final = 0x40000 | 0x4000
_PORTIONS: Final = (64 * 1024**2, 1024**2, 64 * 1024, 4096)
BYTES: Final = 2 * 1024**3

_libc = ctypes.CDLL(None, use_errno=True)


def separate_mounts() -> bool:
    """Give this process mounts of its own, which nobody else sees; false where that is not allowed.

    Threads and processes that were started before keep the old ones.
    """
    if _libc.unshare(_NEW_NAMESPACE):
        return False
    return not _libc.mount(None, b"/", None, ctypes.c_ulong(_PRIVATE), None)


class Disk:
    """The file system ``folder``, on which the library and the servers' data lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.real = False
        self._ballast = folder / "ballast"

    def make(self, *, may_mount: bool) -> None:
        """Make the file system, if that can be done; it is ``real`` then, and can be filled."""
        self.folder.mkdir(mode=0o711)
        if may_mount:
            mounting.memory(self.folder, BYTES)
            self.folder.chmod(0o711)
        self.real = may_mount

    async def fill(self) -> None:
        """Leave no block free."""
        await asyncio.to_thread(self._fill)

    def _fill(self) -> None:
        with self._ballast.open("ab") as file:
            size = os.fstat(file.fileno()).st_size
            for portion in _PORTIONS:
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), size, portion)
                        size += portion

    async def free(self) -> None:
        """Give the room back."""
        await asyncio.to_thread(self._ballast.unlink, missing_ok=True)

    def remove(self) -> None:
        """Unmount it, with what is mounted in it."""
        mounting.detach_all(self.folder)


class Mount:
    """The library's place, from which its tree can go away and come back."""

    def __init__(self, place: Path, tree: Path) -> None:
        self.place = place
        self.real = False
        self.strays: list[str] = []
        """Names of what was found, when the tree came back, in what had to be an empty folder."""
        self._tree = tree
        self._present = False

    def make(self, *, may_mount: bool) -> None:
        """Put the tree there for the first time: the library's place is a mount of its own where that can be."""
        self.real = may_mount
        self.place.mkdir(parents=True, exist_ok=True)
        if may_mount:
            self._tree.mkdir(exist_ok=True)
            mounting.bind(self._tree, self.place)
        self._present = True

    async def away(self) -> None:
        """Leave an empty folder in its place. What is open stays open, on the tree that went."""
        if not self._present:
            return
        if self.real:
            mounting.detach(self.place)
        else:
            self.place.rename(self._tree)
            self.place.mkdir()
        self._present = False

    async def back(self) -> None:
        """Put the tree back."""
        if self._present:
            return
        self.strays += (str(path.relative_to(self.place)) for path in self.place.rglob("*"))
        for path in self.place.iterdir():
            shutil.rmtree(path)
        if self.real:
            mounting.bind(self._tree, self.place)
        else:
            self.place.rmdir()
            self._tree.rename(self.place)
        self._present = True
