"""A storage that refuses what it is asked, at chosen places: tests may run as root, whom a real one refuses little."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from photobus_common.storage import renaming


def refuse_changes(monkeypatch: pytest.MonkeyPatch, folder: Path, error: int = errno.EACCES) -> None:
    """Let no name in ``folder`` be made, taken away or given to another."""

    def checked(*fds: int | None) -> None:
        if any(fd is not None and _is(fd, folder) for fd in fds):
            raise OSError(error, os.strerror(error), str(folder))

    def at_once(really: Callable[..., Any]) -> Callable[..., Any]:
        def change(*args: Any, dir_fd: int | None = None, **options: Any) -> Any:
            checked(dir_fd)
            return really(*args, dir_fd=dir_fd, **options)

        return change

    really_rename = renaming.rename_no_replace

    def rename(source_fd: int, source: str, target_fd: int, target: str) -> None:
        checked(source_fd, target_fd)
        really_rename(source_fd, source, target_fd, target)

    monkeypatch.setattr(os, "unlink", at_once(os.unlink))
    monkeypatch.setattr(os, "mkdir", at_once(os.mkdir))
    monkeypatch.setattr(renaming, "rename_no_replace", rename)


def need_copies(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let no rename take the file ``name`` from one folder to another, as between file systems."""
    really_rename = renaming.rename_no_replace

    def rename(source_fd: int, source: str, target_fd: int, target: str) -> None:
        if source == name and not os.path.samestat(os.fstat(source_fd), os.fstat(target_fd)):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), target)
        really_rename(source_fd, source, target_fd, target)

    monkeypatch.setattr(renaming, "rename_no_replace", rename)


def refuse_unlink(monkeypatch: pytest.MonkeyPatch, path: Path, error: int) -> None:
    """Let the file at ``path`` keep its name."""
    really_unlink = os.unlink

    def unlink(name: Any, *args: Any, dir_fd: int | None = None, **options: Any) -> None:
        if name == path.name and dir_fd is not None and _is(dir_fd, path.parent):
            raise OSError(error, os.strerror(error), name)
        really_unlink(name, *args, dir_fd=dir_fd, **options)

    monkeypatch.setattr(os, "unlink", unlink)


def _is(fd: int, folder: Path) -> bool:
    return folder.exists() and os.path.samestat(os.fstat(fd), folder.stat())
