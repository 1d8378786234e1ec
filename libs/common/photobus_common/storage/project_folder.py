"""The folder of one project: originals, derivatives, trash and the manifest."""

import os
import re
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import BinaryIO, Final
from uuid import UUID

from photobus_common.errors import StorageUnavailableError
from photobus_common.storage import locks, manifest, renaming
from photobus_common.storage.errors import (
    FileMissingError,
    FileUnreadableError,
    ManifestBrokenError,
    NameTakenError,
    storage_errors,
)
from photobus_common.storage.folder import Entry, Folder
from photobus_common.storage.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest
from photobus_common.storage.names import is_single_name, numbered_names

THUMBNAILS: Final = ".thumb"
PREVIEWS: Final = ".preview"
TRASH: Final = ".trash"

_TRASH_FOLDER: Final = re.compile("[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ProjectFolder(Folder):
    """An open project folder. Whoever renames or removes in it holds its lock (``locked`` or ``try_lock``)."""

    def try_lock(self) -> bool:
        """Take the folder's lock if it is free; closing the folder lets go of it."""
        return locks.try_lock(self.fd)

    def unlock(self) -> None:
        """Let go of the folder's lock."""
        locks.unlock(self.fd)

    def locked(self, wait_seconds: float) -> AbstractAsyncContextManager[None]:
        """Hold the folder's lock; raises ``LockedError`` when it does not come free in time."""
        return locks.locked(self.fd, wait_seconds)

    def subfolder(self, name: str, *, make: bool = False) -> Folder:
        """Open the directory ``name``; what lies in its place and is none, a file or a link, counts as no folder."""
        try:
            return super().subfolder(name, make=make)
        except StorageUnavailableError as error:
            if make or not isinstance(error.__cause__, NotADirectoryError):
                raise
            raise FileMissingError(f"{name} is no folder.") from error

    def place(self, source: Folder, source_name: str, target: str) -> Entry:
        """Give the file ``source_name`` of ``source`` the name ``target`` here; raises ``NameTakenError``.

        The first name stays until it is removed, except on file systems without hard links. ``sync`` makes it last.
        """
        with storage_errors(f"placing {target!r} in {self.name!r}"):
            if not is_single_name(target):
                raise NameTakenError(f"{target!r} cannot be a file's name.")
            try:
                renaming.link_no_replace(source.fd, source_name, self.fd, target)
            except FileExistsError as error:
                raise NameTakenError(f"{target} is there already.") from error
            except FileNotFoundError as error:
                raise FileMissingError("The uploaded bytes are gone.") from error
        return self.expect(target)

    def trash(self, name: str, trash_folder: str) -> str:
        """Move the file ``name`` into ``.trash/<trash_folder>/``; return where it lies, relative to this folder.

        Nothing in the trash is replaced: a taken name gets `` (2)``. Raises ``FileMissingError``.
        """
        self.expect(name)
        with self.subfolder(TRASH, make=True) as trash, trash.subfolder(trash_folder, make=True) as folder:
            for target in numbered_names(name):
                try:
                    self.rename(name, folder, target)
                except NameTakenError:
                    continue
                folder.sync()
                self.sync()
                return self.trash_path(target, trash_folder)
        raise AssertionError("numbered names never end")

    def put_back(self, trash_path: str, name: str) -> None:
        """Undo ``trash``: give the file at ``trash_path`` its ``name`` again, replacing nothing.

        Raises ``NameTakenError`` and ``FileMissingError``.
        """
        _, trash_folder, trashed = PurePosixPath(trash_path).parts
        with self.subfolder(TRASH) as trash, trash.subfolder(trash_folder) as folder:
            folder.rename(trashed, self, name)
            self.sync()
            folder.sync()

    def trash_path(self, name: str, trash_folder: str) -> str:
        """Return where ``name`` lies after ``trash``, relative to this folder, unless that name was taken there."""
        return str(PurePosixPath(TRASH, trash_folder, name))

    def stat_trashed(self, name: str, trash_folder: str) -> Entry | None:
        """Return the file ``name`` of a trash folder, or None."""
        try:
            with self.subfolder(TRASH) as trash, trash.subfolder(trash_folder) as folder:
                return folder.stat(name)
        except FileMissingError:
            return None

    def remove_leftovers(self, before_ns: int) -> int:
        """Remove temporary files written last before ``before_ns``, here and among derivatives; return how many."""
        removed = self.remove_temporaries(before_ns)
        for kind in (THUMBNAILS, PREVIEWS):
            with suppress(FileMissingError), self.subfolder(kind) as folder:
                removed += folder.remove_temporaries(before_ns)
        return removed

    def read_manifest(self) -> Manifest | None:
        """Return the manifest, or None when there is none; raises ``ManifestBrokenError``, ``FileUnreadableError``."""
        try:
            fd = self.open(MANIFEST)
        except FileMissingError as error:
            if self.taken(MANIFEST):
                raise FileUnreadableError("What lies in the place of the project's manifest is no file.") from error
            return None
        with storage_errors(f"reading the manifest of {self.name!r}"), os.fdopen(fd, "rb") as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
        if len(content) > MAX_MANIFEST_BYTES:
            raise ManifestBrokenError(f"The project's manifest is over {MAX_MANIFEST_BYTES} bytes.")
        return manifest.decode(content)

    def write_manifest(self, written: Manifest) -> None:
        """Write or replace the manifest in one step."""
        self.write_replacing(MANIFEST, written.encode())

    def write_derivative(self, kind: str, name: str, content: bytes | BinaryIO) -> Entry:
        """Put a derivative into ``.thumb`` or ``.preview``, in one step, replacing the old one."""
        with self.subfolder(kind, make=True) as folder:
            return folder.write_replacing(name, content)

    def open_derivative(self, kind: str, name: str) -> int:
        """Return a descriptor to read a derivative; raises ``FileMissingError``. The caller closes it."""
        with self.subfolder(kind) as folder:
            return folder.open(name)

    def stat_derivative(self, kind: str, name: str) -> Entry | None:
        """Return the derivative's file, or None."""
        try:
            with self.subfolder(kind) as folder:
                return folder.stat(name)
        except FileMissingError:
            return None

    def remove_derivative(self, kind: str, name: str) -> bool:
        """Remove a derivative; says whether it was there."""
        try:
            with self.subfolder(kind) as folder:
                return folder.remove(name)
        except FileMissingError:
            return False


def trash_folder(trashed_at: datetime, cause: UUID) -> str:
    """Name the trash folder of one operation. The time in it, in UTC, is what the trash's expiry counts from."""
    return f"{trashed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{cause}"


def trashed_at(folder: str) -> datetime | None:
    """Return when the files in a trash folder were trashed, or None for a name that photobus never gave."""
    if _TRASH_FOLDER.fullmatch(folder) is None:
        return None
    try:
        return datetime.strptime(folder.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def trash_cause(folder: str) -> UUID | None:
    """Return on whose behalf the files in a trash folder were trashed, None for a name that photobus never gave."""
    return None if trashed_at(folder) is None else UUID(folder.partition("-")[2])


def modified_at(entry: Entry) -> datetime:
    """Return the time of the file's last change, in UTC; a time that no date can hold counts as the epoch."""
    try:
        return datetime.fromtimestamp(entry.mtime_ns / 1e9, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def descriptor_entry(fd: int, name: str) -> Entry:
    """Return what is known of the open file behind ``fd``."""
    with storage_errors(f"looking at {name!r}"):
        found = os.fstat(fd)
    return Entry(name, found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)
