"""A disk that goes away: at a chosen call, of all that a process makes about a folder tree, and until it is back.

A ``Fault`` is something that happens (an unmount, another folder in its place) and what the system answers from then
on. Calls are counted where Python makes them, so any part of the code counts; so do commits of a report's lines.
"""

import errno
import fcntl
import io
import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import mounting
import pytest
from bus_traffic import TENANT

from photobus_common.storage import renaming
from photobus_maintenance.report import Report

CHANGING: Final = frozenset({"create", "write", "mkdir", "rename", "link", "unlink", "rmdir"})
"""Calls that a file system refuses to which nothing can be written."""

GROWING: Final = frozenset({"create", "write", "mkdir", "link"})
"""Calls that take room."""

COMMIT: Final = "commit"

EFFECTS: Final = CHANGING | {"fsync", "flock", COMMIT}
"""What a run does, rather than what it looks at, and where it begins to."""

_BY_FD: Final = {"fstat": "fstat", "fsync": "fsync", "read": "read", "pread": "read", "write": "write"}
_BY_NAME: Final = {"lstat": "lstat", "mkdir": "mkdir", "unlink": "unlink", "rmdir": "rmdir", "scandir": "scandir"}


def _nothing() -> None:
    return


@dataclass(frozen=True)
class Fault:
    """``begins`` and ``ends`` say what happens to the disk; until it ends, ``calls`` about ``below`` fail.

    ``calls`` None means all of them; without ``error`` the system answers as it does. ``itself``: only calls about that
    very path, not about what lies within.
    """

    name: str
    error: int | None = None
    below: Path | None = None
    calls: Collection[str] | None = None
    begins: Callable[[], None] = _nothing
    ends: Callable[[], None] = _nothing
    itself: bool = False

    def refuses(self, call: str, path: str) -> bool:
        """Whether the call fails while the fault lasts."""
        if self.error is None or call == COMMIT or (self.calls is not None and call not in self.calls):
            return False
        return self.below is None or path == str(self.below) or (not self.itself and path.startswith(f"{self.below}/"))


class Disk:
    """Counts the ``calls`` about ``root`` while it is ``watched``; faults begin at one, and ``since`` are those after.

    What a thread asks of a folder that lies elsewhere by then, because the fault moved it, is not counted.
    """

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.calls: list[tuple[str, str]] = []
        self.watched = False
        self.broken = False
        self.since: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._faults: tuple[Fault, ...] = ()
        self._at: Callable[[str, str, int], bool] = lambda *_: False

    def arm(self, *faults: Fault, at: int | Callable[[str, str, int], bool] = 0) -> None:
        """Let faults begin with a call: that of a number, 0 being now, or the first that a function takes."""
        self.calls.clear()
        self.since.clear()
        self._faults, self.broken = faults, False
        self._at = at if callable(at) else lambda _, __, number: number == at
        self.watched = True
        if at == 0:
            self._break()

    def heal(self) -> None:
        """End the fault, and watch no more."""
        with self._lock:
            self.watched = False
            if self.broken:
                for fault in self._faults:
                    fault.ends()
            self._faults, self.broken = (), False

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Answer as ever, and count nothing, so that the test can look."""
        watched, self.watched = self.watched, False
        yield
        self.watched = watched

    def call(self, call: str, path: str) -> None:
        """Count a call, and raise what the disk answers if it fails."""
        if not self.watched or not (path == self.root or path.startswith(f"{self.root}/")):
            return
        with self._lock:
            if not self.watched:
                return
            self.calls.append((call, path))
            if self._faults and not self.broken and self._at(call, path, len(self.calls)):
                self._break()
            if self.broken:
                self.since.append((call, path))
            refusing = [fault for fault in self._faults if self.broken and fault.refuses(call, path)]
        for fault in refusing:
            number = fault.error or 0
            raise OSError(number, os.strerror(number), path)

    def _break(self) -> None:
        watched, self.watched = self.watched, False
        for fault in self._faults:
            fault.begins()
        self.watched, self.broken = watched, True


def nth(number: int, calls: Collection[str]) -> Callable[[str, str, int], bool]:
    """Return what takes the call of that number among those of the kinds ``calls``."""
    left = number

    def take(call: str, path: str, of_all: int) -> bool:
        nonlocal left
        del path, of_all
        left -= call in calls
        return left == 0

    return take


def watch(monkeypatch: pytest.MonkeyPatch, root: Path) -> Disk:
    """Return the disk that ``root`` lies on; what this process asks of it is counted."""
    disk = Disk(root)
    for name, call in _BY_FD.items():
        monkeypatch.setattr(os, name, _by_fd(disk, call, getattr(os, name)))
    for name, call in _BY_NAME.items():
        monkeypatch.setattr(os, name, _by_name(disk, call, getattr(os, name)))
    monkeypatch.setattr(os, "open", _open(disk, os.open))
    for name in ("rename", "link"):
        monkeypatch.setattr(os, name, _rename(disk, name, getattr(os, name)))
    monkeypatch.setattr(os, "fdopen", _fdopen(disk, os.fdopen))
    monkeypatch.setattr(fcntl, "flock", _by_fd(disk, "flock", fcntl.flock))
    monkeypatch.setattr(renaming, "_rename", _rename_no_replace(disk, renaming._rename))
    monkeypatch.setattr(Report, "_write", _commit(disk, Report._write))
    return disk


def _path(of: Any, dir_fd: int | None = None) -> str:
    """Return where a file lies by its descriptor, or by its name in an open folder."""
    if isinstance(of, int):
        try:
            return str(Path(f"/proc/self/fd/{of}").readlink())
        except OSError:
            return ""
    name = os.fsdecode(of)
    return name if dir_fd is None else f"{_path(dir_fd)}/{name}"


def _by_fd(disk: Disk, call: str, really: Callable[..., Any]) -> Callable[..., Any]:
    def counted(fd: Any, *args: Any) -> Any:
        if disk.watched:
            disk.call(call, _path(fd if isinstance(fd, int) else fd.fileno()))
        return really(fd, *args)

    return counted


def _by_name(disk: Disk, call: str, really: Callable[..., Any]) -> Callable[..., Any]:
    def counted(path: Any = ".", *args: Any, dir_fd: int | None = None) -> Any:
        if disk.watched:
            disk.call(call, _path(path, dir_fd))
        found = really(path, *args) if dir_fd is None else really(path, *args, dir_fd=dir_fd)
        return found if call != "scandir" or not disk.watched else _Listing(disk, _path(path), found)

    return counted


class _Listing:
    """A listing that the disk may cease to give in the middle."""

    def __init__(self, disk: Disk, path: str, entries: Any) -> None:
        self._disk, self._path, self._entries = disk, path, entries

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._entries.close()

    def __iter__(self) -> Iterator[Any]:
        for entry in self._entries:
            self._disk.call("scandir", self._path)
            yield entry


def _open(disk: Disk, really: Callable[..., int]) -> Callable[..., int]:
    def counted(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if disk.watched:
            disk.call("create" if flags & os.O_CREAT else "open", _path(path, dir_fd))
        return really(path, flags, mode, dir_fd=dir_fd)

    return counted


def _rename(disk: Disk, call: str, really: Callable[..., None]) -> Callable[..., None]:
    def counted(
        source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None, **options: Any
    ) -> None:
        if disk.watched:
            disk.call(call, _path(source, src_dir_fd))
        really(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, **options)

    return counted


def _rename_no_replace(disk: Disk, really: Callable[..., int]) -> Callable[..., int]:
    def counted(source_fd: int, source: str, target_fd: int, target: str) -> int:
        if disk.watched:
            disk.call("rename", _path(source, source_fd))
        return really(source_fd, source, target_fd, target)

    return counted


def _fdopen(disk: Disk, really: Callable[..., Any]) -> Callable[..., Any]:
    """Return files that ask the disk each time they are read."""

    def opened(fd: int, *args: Any, **options: Any) -> Any:
        if not disk.watched or args[:1] != ("rb",):
            return really(fd, *args, **options)
        raw = _Counted(disk, _path(fd), fd)
        return raw if options.get("buffering") == 0 else io.BufferedReader(raw)

    return opened


class _Counted(io.FileIO):
    def __init__(self, disk: Disk, path: str, fd: int) -> None:
        self._disk, self._path = disk, path
        super().__init__(fd, "rb")

    def readinto(self, buffer: Any) -> int:
        self._disk.call("read", self._path)
        return super().readinto(buffer)

    def read(self, size: int | None = -1) -> bytes:
        self._disk.call("read", self._path)
        return super().read(-1 if size is None else size)


def _commit(disk: Disk, really: Callable[..., Any]) -> Callable[..., Any]:
    async def counted(report: Report, work: Any) -> None:
        disk.call(COMMIT, disk.root)
        await really(report, work)

    return counted


# --- faults ---------------------------------------------------------------------------------------------------------


def emptied(root: Path) -> Fault:
    """An empty folder in the place of ``root``, as a mount leaves it; what is open stays on the old tree."""

    def begins() -> None:
        root.rename(_aside(root))
        root.mkdir()

    def ends() -> None:
        root.rmdir()  # nothing was put into it
        _aside(root).rename(root)

    return Fault("an empty folder in its place", begins=begins, ends=ends)


def swapped(one: Path, other: Path) -> Fault:
    """Two folders in each other's places, as disks are that were mounted the wrong way round."""

    def swap() -> None:
        one.rename(_aside(one))
        other.rename(one)
        _aside(one).rename(other)

    return Fault("in each other's places", begins=swap, ends=swap)


def missing(path: Path) -> Fault:
    """Nothing in its place."""

    def begins() -> None:
        path.rename(_aside(path))

    def ends() -> None:
        _aside(path).rename(path)

    return Fault("nothing in its place", begins=begins, ends=ends)


def foreign(file: Path, content: bytes) -> Fault:
    """Another content in the place of ``file``, as of another disk; the old file comes back as it was."""

    def begins() -> None:
        file.rename(_aside(file))
        file.write_bytes(content)

    def ends() -> None:
        _aside(file).replace(file)

    return Fault(f"another {file.name}", begins=begins, ends=ends)


def failing(root: Path, error: int, calls: Collection[str] | None = None, *, itself: bool = False) -> Fault:
    """The system answers with ``error``."""
    return Fault(errno.errorcode[error], error, root, calls, itself=itself)


def unmounted(source: Path, target: Path) -> Fault:
    """The mount of ``source`` at ``target`` is gone, in truth."""
    return Fault("unmounted", begins=lambda: mounting.detach(target), ends=lambda: mounting.bind(source, target))


def read_only(target: Path) -> Fault:
    """Nothing can be written to the mount at ``target``, in truth."""
    return Fault(
        "read-only",
        begins=lambda: mounting.make_read_only(target),
        ends=lambda: mounting.make_writable(target),
    )


def _aside(path: Path) -> Path:
    """Return where something is kept that is away: outside the tenant's folder, on the same file system."""
    tenant = next(folder for folder in (path, *path.parents) if folder.name == TENANT)
    return tenant.parent / f"away {path.name}"
