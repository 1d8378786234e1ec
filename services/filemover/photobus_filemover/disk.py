"""The folder of a project and those within it, each opened once, and synced once when all is done. All calls block."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Self

from photobus_common.errors import PhotobusError
from photobus_common.logging import get_logger
from photobus_common.storage.errors import FileMissingError, is_refusal
from photobus_common.storage.folder import Folder
from photobus_common.storage.project_folder import ProjectFolder
from photobus_filemover.places import Place

log = get_logger()


class Disk:
    """What is done to one project's files; a context manager that closes what it opened."""

    def __init__(self, folder: ProjectFolder) -> None:
        self.project = folder
        self._folders: dict[str, Folder] = {}
        self._touched: list[Folder] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def folder(self, path: str, *, make: bool = False) -> Folder:
        """Open a folder within the project's, given as at most two names; ``""`` is the project's own.

        Raises ``FileMissingError``.
        """
        if not path:
            return self.project
        if path not in self._folders:
            parent, _, name = path.rpartition("/")
            within = self.folder(parent, make=make) if parent else self.project
            self._folders[path] = self._stack.enter_context(within.subfolder(name, make=make))
        return self._folders[path]

    def remove(self, path: str) -> bool:
        """Remove a file, given with its folder; say whether it is gone now, for the storage may refuse to let it go."""
        folder, _, name = path.rpartition("/")
        try:
            if self.folder(folder).remove(name):
                self.touch(folder)
        except FileMissingError:
            return True
        except PhotobusError as error:
            if not is_refusal(error):
                raise
            log.warning("file_not_removed", file=path, reason=error.public_message)
            return False
        return True

    def touch(self, path: str) -> None:
        """Note that names in the folder changed; those of it and the folders above are synced, the innermost first."""
        while path:
            self._note(self.folder(path))
            path = path.rpartition("/")[0]
        self._note(self.project)

    def sync(self) -> None:
        """Put on disk what was touched."""
        for folder in sorted(self._touched, key=lambda one: one is self.project):
            folder.sync()

    def _note(self, folder: Folder) -> None:
        if folder not in self._touched:
            self._touched.append(folder)


@contextmanager
def opened_disks(places: Iterable[Place]) -> Iterator[Mapping[int, Disk]]:
    """Yield the disks of the places whose folder is there, by project; what was touched is synced on leaving."""
    with ExitStack() as stack:
        disks = {
            place.project.id: stack.enter_context(Disk(place.folder)) for place in places if place.folder is not None
        }
        yield disks
        for disk in disks.values():
            disk.sync()
