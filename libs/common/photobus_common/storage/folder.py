"""One open directory. Everything in it is reached relative to its descriptor, and no link is ever followed.

A folder that is renamed meanwhile stays the same folder, and no name leads outside of it. All calls block; async code
runs them in a thread.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final, Self
from uuid import uuid4

from photobus_common.errors import StorageUnavailableError
from photobus_common.storage import locks, renaming
from photobus_common.storage.errors import FileMissingError, FileUnreadableError, NameTakenError, storage_errors
from photobus_common.storage.names import is_single_name

DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})
_FILE_MODE: Final = 0o644
_FOLDER_MODE: Final = 0o755

TEMPORARY_PREFIX: Final = ".photobus-"
"""Start of the names of files that are being written; whoever finds an old one may remove it."""

_TEMPORARY: Final = re.compile(re.escape(TEMPORARY_PREFIX) + "[0-9a-f]{32}")
"""All of such a name: the sentinel of a library begins in the same way."""


@dataclass(frozen=True)
class Entry:
    """One regular file of a folder: ``size`` in bytes, ``mtime_ns`` since the epoch.

    A ``name`` that is not UTF-8 on disk holds surrogates; ``is_text`` is false for it.
    """

    name: str
    size: int
    mtime_ns: int
    inode: int
    device: int

    @property
    def is_text(self) -> bool:
        """Whether the name can be written as UTF-8, and so stored and shown."""
        try:
            self.name.encode()
        except UnicodeEncodeError:
            return False
        return True

    def same_file(self, other: "Entry | None") -> bool:
        """Whether ``other`` is the same file, whatever its name."""
        return other is not None and (self.device, self.inode) == (other.device, other.inode)


class Folder:
    """A directory held open by ``fd``; a context manager that closes it."""

    def __init__(self, fd: int, name: str) -> None:
        self.fd = fd
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor, letting go of any lock on it; a second time does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode of the directory."""
        with self._errors("reading the folder"):
            found = os.fstat(self.fd)
        return found.st_dev, found.st_ino

    def list(self, *, hidden: bool = False) -> Sequence[Entry]:
        """Return the regular files of the folder, by name; hidden ones only if asked for. Links are no files."""
        found: list[Entry] = []
        with self._errors("listing the folder"), os.scandir(self.fd) as entries:
            for entry in entries:
                if entry.name.startswith(".") and not hidden:
                    continue
                if (known := self._stat(entry.name)) is not None:
                    found.append(known)
        return sorted(found, key=lambda entry: entry.name)

    def names(self) -> frozenset[str]:
        """Return the names of everything in the folder, whatever it is; none of it is looked at."""
        with self._errors("listing the folder"), os.scandir(self.fd) as entries:
            return frozenset(entry.name for entry in entries)

    def file_names(self) -> frozenset[str]:
        """Return the names of the regular files in the folder, by what the folder says of them; none is looked at."""
        with self._errors("listing the folder"), os.scandir(self.fd) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file(follow_symlinks=False))

    def folders(self, *, hidden: bool = False) -> Sequence[str]:
        """Return the names of the directories in the folder, sorted; links to directories are none."""
        with self._errors("listing the folder"), os.scandir(self.fd) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return sorted(name for name in names if hidden or not name.startswith("."))

    def stat(self, name: str) -> Entry | None:
        """Return the regular file ``name``, or None when there is none (or something that is no file)."""
        with self._errors(f"looking at {name!r}"):
            return self._stat(name)

    def taken(self, name: str) -> bool:
        """Whether anything at all lies under ``name``."""
        with self._errors(f"looking at {name!r}"):
            try:
                os.lstat(_single(name), dir_fd=self.fd)
            except FileNotFoundError:
                return False
            return True

    def identity_of(self, name: str) -> tuple[int, int] | None:
        """Return device and inode of whatever lies under ``name``, or None; two spellings of one name have the same."""
        with self._errors(f"looking at {name!r}"):
            try:
                found = os.lstat(_single(name), dir_fd=self.fd)
            except FileNotFoundError:
                return None
            return found.st_dev, found.st_ino

    def open(self, name: str) -> int:
        """Return a descriptor to read the regular file ``name``, which the caller closes.

        Raises ``FileMissingError``, and ``FileUnreadableError`` when this one file may not be read.
        """
        with self._errors(f"opening {name!r}"):
            try:
                fd = os.open(_single(name), _READ_FLAGS, dir_fd=self.fd)
            except (FileNotFoundError, IsADirectoryError) as error:
                raise FileMissingError(f"{name} is not in the folder.") from error
            except OSError as error:
                if self._stat(name) is None:  # A link, a socket, a device.
                    raise FileMissingError(f"{name} is not a file.") from error
                if error.errno in _FORBIDDEN:
                    raise FileUnreadableError(f"{name} may not be read.") from error
                raise
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
                raise FileMissingError(f"{name} is not a file.")
            return fd

    def create(self, name: str) -> int:
        """Return a descriptor to write the new file ``name``; raises ``NameTakenError``. The caller closes it."""
        with self._errors(f"creating {name!r}"):
            try:
                return os.open(_single(name), _CREATE_FLAGS, _FILE_MODE, dir_fd=self.fd)
            except FileExistsError as error:
                raise NameTakenError(f"{name} is there already.") from error

    def reopen(self, name: str) -> int:
        """Return a descriptor to go on writing the file ``name``; raises ``FileMissingError``. The caller closes it."""
        with self._errors(f"opening {name!r}"):
            try:
                return os.open(_single(name), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.fd)
            except FileNotFoundError as error:
                raise FileMissingError(f"{name} is not in the folder.") from error

    def remove(self, name: str) -> bool:
        """Remove the file ``name``; says whether it was there."""
        with self._errors(f"removing {name!r}"):
            try:
                os.unlink(_single(name), dir_fd=self.fd)
            except FileNotFoundError:
                return False
            return True

    def sync(self) -> None:
        """Put the folder's names on disk."""
        with self._errors("syncing the folder"):
            os.fsync(self.fd)

    def subfolder(self, name: str, *, make: bool = False) -> "Folder":
        """Open the directory ``name`` in this one, making it if asked to; raises ``FileMissingError``."""
        with self._errors(f"opening the folder {name!r}"):
            if make:
                self._make_folder(name)
            try:
                return Folder(os.open(_single(name), DIRECTORY_FLAGS, dir_fd=self.fd), name)
            except FileNotFoundError as error:
                raise FileMissingError(f"{name} is not in the folder.") from error

    def create_temporary(self) -> tuple[int, str]:
        """Return a descriptor to write a new file and its hidden name, for ``replace``. The caller closes it.

        The file is locked as long as it is open, here or in a process that the descriptor was handed to, so that
        ``remove_temporaries`` knows it from one whose writer died, however long it waits to be written.
        """
        temporary = f"{TEMPORARY_PREFIX}{uuid4().hex}"
        fd = self.create(temporary)
        try:
            locks.try_lock(fd)
        except BaseException:
            os.close(fd)
            self.remove(temporary)
            raise
        return fd, temporary

    def remove_temporaries(self, before_ns: int) -> int:
        """Remove the temporary files that were written last before ``before_ns`` and nobody writes; return how many."""
        with self._errors("listing the folder"), os.scandir(self.fd) as entries:
            names = [entry.name for entry in entries if _TEMPORARY.fullmatch(entry.name)]
            found = [entry for name in names if (entry := self._stat(name)) is not None]
        return sum(self._remove_unless_open(entry.name) for entry in found if entry.mtime_ns < before_ns)

    def replace(self, temporary: str, name: str) -> None:
        """Give the synced file ``temporary`` the name ``name``, replacing what is there; ``sync`` makes it last."""
        with self._errors(f"replacing {name!r}"):
            os.rename(temporary, _single(name), src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def write_replacing(self, name: str, content: bytes | BinaryIO) -> Entry:
        """Put ``content`` under ``name``, replacing what is there: a reader sees the old or the new, whole."""
        fd, temporary = self.create_temporary()
        with self._errors(f"writing {name!r}"):
            try:
                _write_and_close(fd, content)
                self.replace(temporary, name)
            except BaseException:
                self.remove(temporary)
                raise
        self.sync()
        return self.expect(name)

    def rename(self, name: str, target_folder: "Folder", target: str) -> None:
        """Move ``name`` to ``target`` in another folder, replacing nothing; raises ``NameTakenError``."""
        with self._errors(f"renaming {name!r}"), _refusals(name, target):
            renaming.rename_no_replace(self.fd, _single(name), target_folder.fd, _single(target))

    def expect(self, name: str) -> Entry:
        """Return the regular file ``name``; raises ``FileMissingError``."""
        found = self.stat(name)
        if found is None:
            raise FileMissingError(f"{name} is not in the folder.")
        return found

    def _remove_unless_open(self, temporary: str) -> bool:
        try:
            fd = self.reopen(temporary)
        except FileMissingError:
            return False
        try:
            return locks.try_lock(fd) and self.remove(temporary)
        finally:
            os.close(fd)

    def _make_folder(self, name: str) -> None:
        try:
            os.mkdir(_single(name), _FOLDER_MODE, dir_fd=self.fd)
        except FileExistsError:
            return
        os.fsync(self.fd)

    def _stat(self, name: str) -> Entry | None:
        try:
            found = os.lstat(_single(name), dir_fd=self.fd)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return Entry(name, found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        with storage_errors(f"{what} in {self.name!r}"):
            yield


def _write_and_close(fd: int, content: bytes | BinaryIO) -> None:
    with open(fd, "wb", buffering=0) as file:
        if isinstance(content, bytes):
            write_all(file.fileno(), content)
        else:
            while chunk := content.read(1024 * 1024):
                write_all(file.fileno(), chunk)
        os.fsync(file.fileno())


def write_all(fd: int, content: bytes | memoryview) -> None:
    """Write all of ``content`` at the descriptor's place, however many writes it takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]


@contextmanager
def _refusals(name: str, target: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise NameTakenError(f"{target} is there already.") from error
    except FileNotFoundError as error:
        raise FileMissingError(f"{name} is not in the folder.") from error


def _single(name: str) -> str:
    if not is_single_name(name):
        raise StorageUnavailableError(f"{name!r} is not the name of one entry of a folder.")
    return name
