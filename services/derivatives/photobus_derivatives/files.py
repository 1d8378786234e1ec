"""The files of one photo while its derivatives are made: the original, and two temporary files beside the old ones.

All of it blocks and runs in threads. Each photo's folder is opened anew behind the storage guard, so an absent mount
is noticed at the next photo.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal, Self

from photobus_common.derivation import SourceFile
from photobus_common.storage.errors import FileMissingError, FileUnreadableError, storage_errors
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS

Unopened = Literal["original_missing", "unreadable"]
"""Why there is nothing to make derivatives from, although the folder is there."""


def present(library: TenantLibrary, folder: str, name: str) -> bool:
    """Whether both derivatives called ``name`` are on disk."""
    with library.open_project(folder) as project:
        return all(project.stat_derivative(kind, name) is not None for kind in (THUMBNAILS, PREVIEWS))


@dataclass
class _Target:
    """One derivative being written; ``place`` is its folder's device and inode."""

    folder: Folder
    place: tuple[int, int]
    fd: int
    temporary: str | None

    def close_file(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def remove(self) -> None:
        """Remove the file unless it was named."""
        temporary, self.temporary = self.temporary, None
        if temporary is not None:
            self.folder.remove(temporary)


@dataclass(eq=False)
class OpenFiles:
    """The open files of one photo. ``name`` is what both derivatives will be called; ``close`` removes them."""

    original: int
    source: SourceFile
    name: str
    targets: list[_Target] = field(default_factory=list)

    @classmethod
    def open(cls, library: TenantLibrary, folder: str, name: str, sources: Sequence[SourceFile]) -> Self | Unopened:
        """Open the first of ``sources`` that can be read, and targets for both derivatives."""
        reason: Unopened = "original_missing"
        with library.open_project(folder) as project, ExitStack() as undo:
            for source in sources:
                try:
                    opened = cls(project.open(source.name), source, name)
                except FileMissingError:
                    continue
                except FileUnreadableError:
                    reason = "unreadable"
                    continue
                undo.callback(opened.close)
                for kind in (PREVIEWS, THUMBNAILS):
                    opened._add_target(project.subfolder(kind, make=True))
                undo.pop_all()
                return opened
        return reason

    @property
    def descriptors(self) -> tuple[int, int, int]:
        """Original, preview and thumbnail."""
        preview, thumbnail = self.targets
        return self.original, preview.fd, thumbnail.fd

    def sync(self) -> None:
        """Put both derivatives on disk and close all files; what is left is to name them (``Unnamed``)."""
        with storage_errors(f"writing the derivatives {self.name!r}"):
            for target in self.targets:
                os.fsync(target.fd)
        self._close_files()

    def close(self) -> None:
        """Close everything and remove both derivatives; a second time does nothing."""
        self._close_files()
        with ExitStack() as closing:
            for target in self.targets:
                closing.callback(target.folder.close)
                closing.callback(target.remove)
        self.targets.clear()

    def _close_files(self) -> None:
        original, self.original = self.original, -1
        if original >= 0:
            os.close(original)
        for target in self.targets:
            target.close_file()

    def _add_target(self, folder: Folder) -> None:
        try:
            place = folder.identity
            fd, temporary = folder.create_temporary()
        except BaseException:
            folder.close()
            raise
        self.targets.append(_Target(folder, place, fd, temporary))


class Unnamed:
    """Derivatives of many photos that are on disk and have no names yet. Each folder of theirs is held open once."""

    def __init__(self) -> None:
        self._targets: list[_Target] = []
        self._folders: dict[tuple[int, int], Folder] = {}

    def take(self, files: OpenFiles) -> None:
        """Take over the synced derivatives of one photo, which will be named or removed from here."""
        for target in files.targets:
            folder = self._folders.setdefault(target.place, target.folder)
            if folder is not target.folder:
                target.folder.close()
                target.folder = folder
        self._targets += files.targets

    def put_in_place(self, chosen: Iterable[OpenFiles]) -> None:
        """Give the derivatives of the ``chosen`` photos their names, replacing what is there, and make that last."""
        touched: dict[tuple[int, int], Folder] = {}
        for files in chosen:
            for target in files.targets:
                if target.temporary is not None:
                    target.folder.replace(target.temporary, files.name)
                    target.temporary = None
                    touched[target.place] = target.folder
        for folder in touched.values():
            folder.sync()

    def let_go(self) -> None:
        """Remove what was not named and close the folders; more may be taken afterwards."""
        targets, self._targets = self._targets, []
        folders, self._folders = self._folders, {}
        with ExitStack() as closing:
            for folder in folders.values():
                closing.callback(folder.close)
            for target in targets:
                closing.callback(target.remove)
