"""Whole project folders on their way into the library's trash and back. Paths are relative to the tenant's library.

A deleted project lies in ``.trash/<trash folder>/<its folder>``; the time in the name of the trash folder is what its
expiry counts from. Whoever moves or empties one holds its lock. All calls block.
"""

import os
from contextlib import ExitStack, suppress
from pathlib import PurePosixPath
from typing import Final

from photobus_common.storage.errors import FileMissingError, FolderMissingError, storage_errors
from photobus_common.storage.folder import DIRECTORY_FLAGS, Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.names import MAX_NAME_BYTES, shortened
from photobus_common.storage.project_folder import TRASH, ProjectFolder
from photobus_common.storage.trees import NOTHING, Size, remove_some, size_of

_ON_ITS_WAY: Final = " (being renamed)"


def path_in_trash(trash_folder: str, folder: str) -> str:
    """Return where the folder of a deleted project lies."""
    return str(PurePosixPath(TRASH, trash_folder, folder))


def is_in_trash(path: str) -> bool:
    """Whether ``path`` is one that a deletion gave, which no other folder gets."""
    return path.startswith(f"{TRASH}/")


def open_at(library: TenantLibrary, path: str) -> ProjectFolder | None:
    """Open the folder at ``path``; None where there is none. Raises ``StorageUnavailableError``."""
    with ExitStack() as stack:
        parent = _parent(stack, library, path)
        if parent is None:
            return None
        name = PurePosixPath(path).name
        with storage_errors(f"opening the folder {path!r}"):
            try:
                return ProjectFolder(os.open(name, DIRECTORY_FLAGS, dir_fd=parent.fd), name)
            except (FileNotFoundError, NotADirectoryError):
                return None


def lies_at(library: TenantLibrary, path: str, folder: ProjectFolder) -> bool:
    """Whether it is the open ``folder`` that lies at ``path``."""
    found = open_at(library, path)
    if found is None:
        return False
    with found:
        return found.identity == folder.identity


def move_whole(library: TenantLibrary, folder: ProjectFolder, path: str, target_path: str) -> None:
    """Rename the open and locked ``folder`` from ``path`` to ``target_path``, in one step, and put that on disk.

    Raises ``NameTakenError``, for nothing is replaced, and ``FolderMissingError`` when something else lies at ``path``.
    """
    with ExitStack() as stack:
        parent = _parent(stack, library, path)
        if parent is None or not lies_at(library, path, folder):
            raise FolderMissingError(f"The folder {path} is not where it was.")
        target_parent = _parent(stack, library, target_path, make=True)
        if target_parent is None:
            raise AssertionError("what was made is there")
        parent.rename(PurePosixPath(path).name, target_parent, PurePosixPath(target_path).name)
        target_parent.sync()
        parent.sync()


def respell(library: TenantLibrary, folder: ProjectFolder, name: str, target: str) -> None:
    """Rename the open and locked ``folder`` to a name that the file system takes for the one that it has.

    Such a rename does nothing, so it goes by way of a third name; a crash between leaves the folder there.
    """
    between = between_name(target)
    move_whole(library, folder, name, between)
    move_whole(library, folder, between, target)


def between_name(target: str) -> str:
    """Return the name that a folder has for a moment while ``respell`` gives it the name ``target``."""
    return shortened(target, MAX_NAME_BYTES - len(_ON_ITS_WAY)) + _ON_ITS_WAY


def remove_emptied(library: TenantLibrary, path: str) -> None:
    """Remove the trash folder that held ``path``, if nothing is left in it."""
    trash_folder = PurePosixPath(path).parent
    with ExitStack() as stack:
        parent = _parent(stack, library, str(trash_folder))
        if parent is not None and trash_folder.name:
            with suppress(OSError):
                os.rmdir(trash_folder.name, dir_fd=parent.fd)


def size_at(library: TenantLibrary, path: str) -> Size:
    """Return how much lies at ``path``, whatever it is."""
    with ExitStack() as stack:
        parent = _parent(stack, library, path)
        return NOTHING if parent is None else size_of(parent, PurePosixPath(path).name)


def remove_some_at(library: TenantLibrary, path: str, limit: int) -> bool:
    """Remove up to ``limit`` files and folders of what lies at ``path``, that itself last; say whether it is gone."""
    with ExitStack() as stack:
        parent = _parent(stack, library, path)
        if parent is None:
            return True
        gone = remove_some(parent, PurePosixPath(path).name, limit)
        parent.sync()
    return gone


def _parent(stack: ExitStack, library: TenantLibrary, path: str, *, make: bool = False) -> Folder | None:
    """Open the folder that ``path`` lies in, without following a link; None where there is none."""
    folder = stack.enter_context(library.open())
    for name in PurePosixPath(path).parts[:-1]:
        try:
            folder = stack.enter_context(folder.subfolder(name, make=make))
        except FileMissingError:
            return None
    return folder
