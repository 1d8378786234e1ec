"""The library: a root with one ``user_<n>/`` folder a tenant, each with a sentinel that says which library it is.

An absent mount must never look like deleted photos: each opening checks the sentinel first, and without the right one
nothing is read or written (``StorageUnavailableError``).
"""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from photobus_common.errors import ConfigurationError, StorageUnavailableError
from photobus_common.storage import locks, renaming
from photobus_common.storage.errors import FolderMissingError, FolderUnreadableError, NameTakenError, storage_errors
from photobus_common.storage.folder import DIRECTORY_FLAGS, Folder, write_all
from photobus_common.storage.names import is_single_name
from photobus_common.storage.project_folder import ProjectFolder

SENTINEL: Final = ".photobus-library"
UPLOADS: Final = ".uploads"
_SENTINEL_BYTES: Final = 64
_TENANT: Final = re.compile("user_[0-9]+")
_ROOT_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class TenantLibrary:
    """One tenant's folder of projects. Holds nothing open: each call opens the folder and checks its sentinel."""

    def __init__(self, root: Path, tenant: str, library_id: UUID) -> None:
        self.root = root
        self.tenant = tenant
        self.library_id = library_id

    def open(self) -> Folder:
        """Open the tenant's folder; raises ``StorageUnavailableError`` when it is not the library it should be."""
        with storage_errors(f"opening the library of {self.tenant}"):
            # The root may be reached over links, as its owner set it up; the tenant's own folder is none.
            folder = Folder(os.open(self.root / self.tenant, DIRECTORY_FLAGS), self.tenant)
        try:
            self._check_sentinel(folder)
        except BaseException:
            folder.close()
            raise
        return folder

    def open_project(self, folder: str) -> ProjectFolder:
        """Open the project folder ``folder``; raises ``FolderMissingError`` and ``FolderUnreadableError``."""
        with self.open() as library:
            return _open_project(library, folder)

    def create_project(self, folder: str) -> ProjectFolder:
        """Make and open the project folder ``folder``; raises ``NameTakenError`` when anything has that name."""
        with self.open() as library:
            if library.taken(folder) or folder.startswith("."):
                raise NameTakenError(f"{folder} is there already.")
            with storage_errors(f"making the folder {folder!r}"):
                try:
                    os.mkdir(folder, 0o755, dir_fd=library.fd)
                except FileExistsError as error:
                    raise NameTakenError(f"{folder} is there already.") from error
            library.sync()
            return _open_project(library, folder)

    def remove_empty_project(self, folder: str) -> bool:
        """Take back a folder just made; says whether it was removed, which it is only while it is empty."""
        with self.open() as library, suppress(OSError):
            os.rmdir(folder, dir_fd=library.fd)
            return True
        return False

    def project_folders(self) -> Sequence[str]:
        """Return the names of all folders of the library that may be projects, sorted."""
        with self.open() as library:
            return library.folders()

    def open_uploads(self) -> Folder:
        """Open the hidden folder in which files are received, on the file system of the projects."""
        with self.open() as library:
            return library.subfolder(UPLOADS, make=True)

    def self_test(self) -> None:
        """Refuse to go on where locks do not hold (``ConfigurationError``) or the library is away."""
        with self.open() as library:
            locks.self_test(library.fd)

    def _check_sentinel(self, folder: Folder) -> None:
        try:
            found = _read_sentinel(folder)
        except FileNotFoundError as error:
            raise StorageUnavailableError(f"The library of {self.tenant} has no sentinel; is it mounted?") from error
        except OSError as error:
            raise StorageUnavailableError(f"The sentinel of {self.tenant} cannot be read.") from error
        if found != str(self.library_id):
            raise StorageUnavailableError(f"The library of {self.tenant} is another one than expected.")


class Library:
    """The root of all tenants' libraries."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def tenant(self, tenant: str, library_id: UUID) -> TenantLibrary:
        """Return the library of ``tenant``, which must carry ``library_id`` whenever it is opened."""
        return TenantLibrary(self.root, tenant, library_id)

    def tenants(self) -> Sequence[str]:
        """Return the names of all that may be folders of tenants, with or without a sentinel, in the tenants' order.

        Links count, so that whoever sees one can say that none is followed.
        """
        with storage_errors(f"listing the library {self.root}"), os.scandir(self.root) as entries:
            named = [entry for entry in entries if _TENANT.fullmatch(entry.name)]
            found = [entry.name for entry in named if entry.is_symlink() or entry.is_dir()]
        return sorted(found, key=lambda name: (int(name.removeprefix("user_")), name))

    def library_id(self, tenant: str) -> UUID | None:
        """Return which library the folder of ``tenant`` says it is; None where it says nothing.

        Raises ``ConfigurationError`` when it says what no photobus wrote.
        """
        found: str | None = None
        with storage_errors(f"looking at the library of {tenant}"):
            folder = Folder(os.open(self.root / tenant, DIRECTORY_FLAGS), tenant)
            with folder, suppress(FileNotFoundError):
                found = _read_sentinel(folder)
        if found is None:
            return None
        try:
            return UUID(found)
        except ValueError as error:
            raise ConfigurationError(f"What {tenant}/{SENTINEL} says is not of photobus.") from error

    def init_tenant(self, tenant: str, library_id: UUID, *, adopt: bool = False) -> TenantLibrary:
        """Make the folder of ``tenant`` with its sentinel; the same again does nothing.

        A folder that is there without the right sentinel is refused (``ConfigurationError``): it may be the empty
        place of an absent mount. ``adopt`` is its owner's word that it is the library.
        """
        with storage_errors(f"making the library of {tenant}"):
            self.root.mkdir(parents=True, exist_ok=True)
            with Folder(os.open(self.root, _ROOT_FLAGS), str(self.root)) as root:
                if not root.taken(tenant):
                    _make_tenant(root, tenant, library_id)
                with root.subfolder(tenant) as folder:
                    locks.self_test(folder.fd)
                    _ensure_sentinel(folder, library_id, adopt)
        made = self.tenant(tenant, library_id)
        made.self_test()
        return made


def _make_tenant(root: Folder, tenant: str, library_id: UUID) -> None:
    """Make the folder with its sentinel under a hidden name and rename it, so that it never stands there without."""
    temporary = f".{tenant}-{uuid4().hex}"
    with root.subfolder(temporary, make=True) as folder:
        _write_sentinel(folder, library_id)
    try:
        renaming.rename_no_replace(root.fd, temporary, root.fd, tenant)
    except FileExistsError:
        with root.subfolder(temporary) as folder:
            folder.remove(SENTINEL)
        os.rmdir(temporary, dir_fd=root.fd)
    root.sync()


def _ensure_sentinel(folder: Folder, library_id: UUID, adopt: bool) -> None:
    try:
        found = _read_sentinel(folder)
    except FileNotFoundError:
        found = None
    if found == str(library_id):
        return
    if found is not None:
        raise ConfigurationError(f"{folder.name} is the library {found}, not {library_id}.")
    if not adopt:
        raise ConfigurationError(f"{folder.name} is there without a sentinel; adopt it only if it is the library.")
    _write_sentinel(folder, library_id)


def _write_sentinel(folder: Folder, library_id: UUID) -> None:
    """Write it whole or not at all; raises ``NameTakenError`` when somebody else has done so meanwhile."""
    fd, temporary = folder.create_temporary()
    try:
        with os.fdopen(fd, "wb", buffering=0) as file:
            write_all(file.fileno(), f"{library_id}\n".encode())
            os.fsync(file.fileno())
        folder.rename(temporary, folder, SENTINEL)
    except BaseException:
        folder.remove(temporary)
        raise
    folder.sync()


def _read_sentinel(folder: Folder) -> str:
    fd = os.open(SENTINEL, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.fd)
    try:
        return os.read(fd, _SENTINEL_BYTES).decode(errors="replace").strip()
    finally:
        os.close(fd)


def _open_project(library: Folder, folder: str) -> ProjectFolder:
    if not is_single_name(folder) or folder.startswith("."):
        raise FolderMissingError(f"{folder!r} cannot be a project's folder.")
    with storage_errors(f"opening the folder {folder!r}"):
        try:
            return ProjectFolder(os.open(folder, DIRECTORY_FLAGS, dir_fd=library.fd), folder)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FolderMissingError(f"The folder {folder} is not in the library.") from error
        except PermissionError as error:
            raise FolderUnreadableError(f"The folder {folder} may not be opened.") from error
