"""Whether folders of projects are in the library, behind its sentinel. All calls block."""

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from photobus_common.errors import StorageUnavailableError
from photobus_common.storable import storable
from photobus_common.storage.errors import FileMissingError
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import TRASH
from photobus_common.storage.whole_folders import open_at
from photobus_maintenance.following import manifest_of

Presence = Literal["there", "gone", "other", "unknown"]
"""``other``: something that is no folder has its name, as where its owner put a link in its place. ``unknown``: the
disk does not say, although the library answers otherwise."""


def presences(library: TenantLibrary, folders: Iterable[str]) -> Mapping[str, Presence]:
    """Say of each folder whether it is in the library, which is the same one for all of them.

    Raises ``StorageUnavailableError`` where the library is not the one it should be, or cannot be listed.
    """
    with library.open() as root:
        root.folders()
        found = {folder: _presence(root.fd, folder) for folder in folders}
    if "unknown" in found.values():
        library.open().close()  # raises if nothing of it answers any more
    return found


def presence(library: TenantLibrary, folder: str) -> Presence:
    """Say it of one."""
    return presences(library, [folder])[folder]


def strange_folders(library: TenantLibrary, known: Iterable[str]) -> Mapping[str, Manifest]:
    """Return the manifests of folders that no project has, also in the library's trash, by where they lie."""
    own = frozenset(known)
    with library.open() as root:
        paths = [name for name in root.folders() if name not in own]
        trash = open_at(library, TRASH)
    if trash is not None:
        with trash:
            paths += [f"{TRASH}/{trashed}/{name}" for trashed in _names(trash) for name in _names(trash, trashed)]
    manifests = {path: _manifest_at(library, path) for path in paths if storable(path) == path}
    return {path: manifest for path, manifest in manifests.items() if manifest is not None}


def _names(trash: Folder, trashed: str | None = None) -> Sequence[str]:
    """Return the folders of the trash, or those in one of them; in what cannot be read there are none."""
    try:
        if trashed is None:
            return trash.folders(hidden=True)
        with trash.subfolder(trashed) as within:
            return within.folders()
    except (FileMissingError, StorageUnavailableError):
        return ()


def _manifest_at(library: TenantLibrary, path: str) -> Manifest | None:
    """Return the manifest of a folder; one that cannot be read is nobody's, as far as can be seen."""
    try:
        folder = open_at(library, path)
        if folder is None:
            return None
        with folder:
            return manifest_of(folder)
    except StorageUnavailableError:
        return None


def _presence(root: int, folder: str) -> Presence:
    try:
        found = os.lstat(folder, dir_fd=root)
    except FileNotFoundError:
        return "gone"
    except OSError:
        return "unknown"
    return "there" if stat.S_ISDIR(found.st_mode) else "other"
