"""Real mounts of a test's folders, where the test may mount."""

import ctypes
import os
from pathlib import Path
from typing import Final

_BIND: Final = 4096
_REMOUNT: Final = 32
_READ_ONLY: Final = 1
_DETACH: Final = 2
_PRIVATE: Final = (1 << 18) | 16384
"""Of the whole tree of mounts."""

_NEW_MOUNTS: Final = 0x00020000
_NEW_USERS: Final = 0x10000000

_libc = ctypes.CDLL(None, use_errno=True)


def bind(source: Path, target: Path) -> None:
    """Mount the folder ``source`` a second time at ``target``; raises ``PermissionError`` where that is not allowed."""
    _check(_libc.mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(_BIND), None), target)


def bind_in_private(source: Path, target: Path) -> None:
    """Do so where this process alone sees it, which has one thread; whoever is not root becomes it there."""
    user, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(_NEW_MOUNTS if user == 0 else _NEW_MOUNTS | _NEW_USERS), target)
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _check(_libc.mount(b"none", b"/", None, ctypes.c_ulong(_PRIVATE), None), target)
    bind(source, target)


def memory(target: Path, size: int) -> None:
    """Mount a file system of ``size`` bytes in memory at ``target``; raises ``PermissionError`` as ``bind`` does."""
    _check(_libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", ctypes.c_ulong(0), f"size={size}".encode()), target)


def make_read_only(target: Path) -> None:
    """Let nothing be written below the mount any more, as when its file system found an error."""
    _check(_libc.mount(None, os.fsencode(target), None, ctypes.c_ulong(_REMOUNT | _BIND | _READ_ONLY), None), target)


def make_writable(target: Path) -> None:
    """Take that back."""
    _check(_libc.mount(None, os.fsencode(target), None, ctypes.c_ulong(_REMOUNT | _BIND), None), target)


def detach(target: Path) -> None:
    """Unmount lazily: what is open stays open and on the old tree, the place is the empty folder it was."""
    _check(_libc.umount2(os.fsencode(target), _DETACH), target)


def detach_all(folder: Path) -> None:
    """Unmount all that is mounted at the folder or below."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount == str(folder) or mount.startswith(f"{folder}/"):
            detach(Path(mount))


def can_mount(folder: Path) -> bool:
    """Whether this process may mount; ``folder`` is an empty one of the test's own."""
    try:
        bind(folder, folder)
    except PermissionError:
        return False
    detach(folder)
    return True


def _check(result: int, target: Path) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))
