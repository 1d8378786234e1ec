"""Moving a file from one folder to another without replacing anything, also between file systems. All calls block."""

import errno
import hashlib
import os
from typing import Final

from photobus_common.errors import PhotobusError, StorageUnavailableError
from photobus_common.storage.errors import FileUnreadableError, LockedError, is_of_the_disk, is_refusal, storage_errors
from photobus_common.storage.folder import Entry, Folder, write_all

_CHUNK: Final = 1024 * 1024


def transfer(source: Folder, name: str, target_folder: Folder, target: str) -> None:
    """Move the file ``name`` of ``source`` to ``target``; raises ``NameTakenError`` and ``FileMissingError``.

    Where no rename leads from one to the other, the bytes are copied under a hidden name, put on disk, read back and
    compared; they get their name, and only then is the first file removed. A crash leaves the file under either name
    or under both.
    """
    try:
        source.rename(name, target_folder, target)
    except StorageUnavailableError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno != errno.EXDEV:
            raise
        _copy(source, name, target_folder, target)
        source.remove(name)


def md5_of(folder: Folder, name: str) -> str:
    """Return the MD5 of a file, in lower-case hex; raises ``FileMissingError``, ``FileUnreadableError``."""
    fd = folder.open(name)
    try:
        with storage_errors(f"reading {name!r}"):
            return _digest(fd)
    finally:
        os.close(fd)


def md5_if_readable(folder: Folder, name: str) -> str | None:
    """Return the MD5 of a file; None for one that is gone, or that neither is to be read another time."""
    try:
        return md5_of(folder, name)
    except PhotobusError as error:
        if not is_refusal(error) and not is_of_the_disk(error):
            raise
        return None


def _copy(source: Folder, name: str, target_folder: Folder, target: str) -> None:
    before = source.expect(name)
    copied, temporary = target_folder.create_temporary()
    try:
        with storage_errors(f"copying {name!r}"):
            original = source.open(name)
            try:
                digest = _pour(original, copied)
            finally:
                os.close(original)
            os.utime(copied, ns=(before.mtime_ns, before.mtime_ns))
            os.fsync(copied)
            os.posix_fadvise(copied, 0, 0, os.POSIX_FADV_DONTNEED)
            if _digest(copied) != digest:
                raise FileUnreadableError(f"{name} came to differ while it was copied.")
        if _changed(before, source.stat(name)):
            raise LockedError(f"{name} was written to while it was copied.")
        target_folder.rename(temporary, target_folder, target)
        target_folder.sync()
    finally:
        os.close(copied)
        target_folder.remove(temporary)


def _pour(source_fd: int, target_fd: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := os.read(source_fd, _CHUNK):
        digest.update(chunk)
        write_all(target_fd, chunk)
    return digest.hexdigest()


def _digest(fd: int) -> str:
    digest, offset = hashlib.md5(usedforsecurity=False), 0
    while chunk := os.pread(fd, _CHUNK, offset):
        digest.update(chunk)
        offset += len(chunk)
    return digest.hexdigest()


def _changed(before: Entry, now: Entry | None) -> bool:
    return now is None or (before.inode, before.size, before.mtime_ns) != (now.inode, now.size, now.mtime_ns)
