"""Giving a file a name without ever replacing another: rename and link, both relative to open directories."""

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Final

_RENAME_NOREPLACE: Final = 1
_NOT_SUPPORTED: Final = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})

_libc = ctypes.CDLL(None, use_errno=True)
_renameat2: Callable[..., int] | None = getattr(_libc, "renameat2", None)


def rename_no_replace(source_fd: int, source: str, target_fd: int, target: str) -> None:
    """Rename ``source`` to ``target``; raises ``FileExistsError`` when the target is there.

    Where the kernel or the file system has no such rename, a link and an unlink do the same; a crash between the two
    leaves both names on one file, never a replaced one. Directories need the kernel's rename.
    """
    failure = _rename(source_fd, source, target_fd, target)
    if failure == 0:
        return
    if failure not in _NOT_SUPPORTED:
        raise OSError(failure, os.strerror(failure), target)
    os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd, follow_symlinks=False)
    os.unlink(source, dir_fd=source_fd)


def link_no_replace(source_fd: int, source: str, target_fd: int, target: str) -> None:
    """Give the file ``source`` the second name ``target``; raises ``FileExistsError`` when the target is there.

    On a file system without hard links the file is renamed instead, so that the first name may be gone afterwards.
    """
    try:
        os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        rename_no_replace(source_fd, source, target_fd, target)


def _rename(source_fd: int, source: str, target_fd: int, target: str) -> int:
    if _renameat2 is None:
        return errno.ENOSYS
    done = _renameat2(
        ctypes.c_int(source_fd),
        ctypes.c_char_p(os.fsencode(source)),
        ctypes.c_int(target_fd),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(_RENAME_NOREPLACE),
    )
    return 0 if done == 0 else ctypes.get_errno()
