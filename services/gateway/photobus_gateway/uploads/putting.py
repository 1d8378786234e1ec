"""Carrying out one intent on disk, as often as it takes: each step first looks whether it has been done.

The caller holds the lock of the project's folder. All calls block.
"""

import os
from dataclasses import dataclass
from typing import Final

from photobus_common.config import Uploader
from photobus_common.photos import exif, filenames
from photobus_common.photos.exif import Exif
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage.errors import FileMissingError, NameTakenError
from photobus_common.storage.folder import Entry, Folder
from photobus_common.storage.project_folder import ProjectFolder
from photobus_gateway.uploads.answers import AnswerCode
from photobus_gateway.uploads.intents import Intent, Replaced
from photobus_gateway.uploads.receiving import digest_of

_LARGEST_SIDECAR: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Sidecar:
    """A sidecar that lay in the folder without its photo."""

    entry: Entry
    md5: str


@dataclass(frozen=True)
class Put:
    """The file lies under its name; ``trash_path`` is where the one it replaced lies, relative to the project."""

    intent: Intent
    entry: Entry
    exif: Exif
    trash_path: str | None
    sidecars: tuple[Sidecar, ...]


@dataclass(frozen=True)
class Obstacle:
    """The file could not be put there; the old one may have gone to the trash all the same."""

    intent: Intent
    code: AnswerCode
    trash_path: str | None = None


def put(folder: ProjectFolder, uploads: Folder, intent: Intent, uploader: Uploader) -> Put | Obstacle:
    """Put the received file under its name, the old one (if it is to be replaced) into the trash first."""
    trash_path = _make_room(folder, intent)
    temporary = uploads.stat(str(intent.upload_id))
    found = folder.stat(intent.target)
    if found is None:
        if temporary is None:
            return Obstacle(intent, "bytes_lost", trash_path)
        try:
            found = folder.place(uploads, temporary.name, intent.target)
        except NameTakenError:
            return Obstacle(intent, "name_taken", trash_path)
    elif not found.same_file(temporary) and not _holds(folder, found, intent):
        return Obstacle(intent, "name_taken", trash_path)
    known = intent.exif if intent.exif is not None else _exif(folder, found.name)
    return Put(intent, found, known, trash_path, _sidecars(folder, intent, uploader))


def md5_of(folder: Folder, name: str) -> str:
    """Hash the file ``name``."""
    fd = folder.open(name)
    try:
        return digest_of(fd).hexdigest()
    finally:
        os.close(fd)


def _make_room(folder: ProjectFolder, intent: Intent) -> str | None:
    """Trash the file that is replaced, if it still lies there; return where it is in the trash."""
    replaces = intent.plan.replaces
    if replaces is None:
        return None
    trashed = folder.stat_trashed(intent.target, replaces.trash_folder)
    if replaces.is_entry(trashed):
        return folder.trash_path(intent.target, replaces.trash_folder)
    if not replaces.is_entry(folder.stat(intent.target)):
        return None
    return folder.trash(intent.target, replaces.trash_folder)


def replaced_by(entry: Entry, md5: str, trash_folder: str) -> Replaced:
    """Describe the file that is to make room."""
    return Replaced(
        size=entry.size,
        mtime_ns=entry.mtime_ns,
        inode=entry.inode,
        device=entry.device,
        md5=md5,
        trash_folder=trash_folder,
    )


def _holds(folder: Folder, found: Entry, intent: Intent) -> bool:
    """Whether the file found under the name has the very bytes of the upload."""
    return found.size == intent.size and md5_of(folder, found.name) == intent.md5


def _exif(folder: Folder, name: str) -> Exif:
    fd = folder.open(name)
    try:
        return exif.read(fd)
    finally:
        os.close(fd)


def _sidecars(folder: Folder, intent: Intent, uploader: Uploader) -> tuple[Sidecar, ...]:
    """Return sidecars of the file that lie in the folder, so that those which came first find their photo."""
    if intent.plan.kind == "sidecar":
        return ()
    parsed = filenames.parse(intent.target, uploader)
    names = filenames.sidecar_names(parsed, uploader) if isinstance(parsed, ParsedName) else ()
    return tuple(sidecar for name in names if (sidecar := _sidecar(folder, name)) is not None)


def _sidecar(folder: Folder, name: str) -> Sidecar | None:
    entry = folder.stat(name)
    if entry is None or entry.size > _LARGEST_SIDECAR:
        return None
    try:
        return Sidecar(entry, md5_of(folder, name))
    except FileMissingError:  # Removed by hand meanwhile.
        return None
