"""The files of one photo while its derivatives are made: the original, and two temporary files beside the old ones.

All of it blocks and runs in threads. Each photo's folder is opened anew behind the storage guard, so an absent mount
is noticed at the next photo.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

from photobus_common.storage.errors import FileMissingError, storage_errors
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_derivatives.plan import SourceFile


def present(library: TenantLibrary, folder: str, name: str) -> bool:
    """Whether both derivatives called ``name`` are on disk."""
    with library.open_project(folder) as project:
        return all(project.stat_derivative(kind, name) is not None for kind in (THUMBNAILS, PREVIEWS))


@dataclass
class _Target:
    """One derivative being written."""

    folder: Folder
    fd: int
    temporary: str | None


@dataclass
class OpenFiles:
    """The open files of one photo; ``close`` removes what was not put in place."""

    original: int
    source: SourceFile
    targets: list[_Target] = field(default_factory=list)

    @classmethod
    def open(cls, library: TenantLibrary, folder: str, sources: Sequence[SourceFile]) -> Self | None:
        """Open the first of ``sources`` that is there, and targets for both derivatives; None if none is there."""
        with library.open_project(folder) as project, ExitStack() as undo:
            for source in sources:
                try:
                    opened = cls(project.open(source.name), source)
                except FileMissingError:
                    continue
                undo.callback(opened.close)
                for kind in (PREVIEWS, THUMBNAILS):
                    opened._add_target(project.subfolder(kind, make=True))
                undo.pop_all()
                return opened
        return None

    @property
    def descriptors(self) -> tuple[int, int, int]:
        """Original, preview and thumbnail."""
        preview, thumbnail = self.targets
        return self.original, preview.fd, thumbnail.fd

    def put_in_place(self, name: str) -> None:
        """Sync both derivatives and give them the name ``name``, replacing what is there."""
        with storage_errors(f"writing the derivatives {name!r}"):
            for target in self.targets:
                os.fsync(target.fd)
        for target in self.targets:
            if target.temporary is not None:
                target.folder.replace(target.temporary, name)
                target.temporary = None
            target.folder.sync()

    def close(self) -> None:
        """Close everything; remove temporary files that were not put in place."""
        os.close(self.original)
        for target in self.targets:
            os.close(target.fd)
            if target.temporary is not None:
                target.folder.remove(target.temporary)
            target.folder.close()

    def _add_target(self, folder: Folder) -> None:
        try:
            fd, temporary = folder.create_temporary()
        except BaseException:
            folder.close()
            raise
        self.targets.append(_Target(folder, fd, temporary))
