"""Carrying out one intent on disk, as often as it takes: each step first looks whether it has been done.

The caller holds the lock of the project's folder. All calls block.
"""

import os
from dataclasses import dataclass
from typing import Final

import structlog

from photobus_common.config import Uploader
from photobus_common.errors import PhotobusError, StorageUnavailableError
from photobus_common.photos import exif, filenames
from photobus_common.photos.exif import Exif
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage.errors import FileMissingError, NameTakenError, is_about_one_file
from photobus_common.storage.folder import Entry, Folder
from photobus_common.storage.project_folder import ProjectFolder
from photobus_gateway.uploads.answers import AnswerCode
from photobus_gateway.uploads.intents import Intent, Replaced
from photobus_gateway.uploads.receiving import digest_of

_LARGEST_SIDECAR: Final = 16 * 1024 * 1024

_log = structlog.get_logger()


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
    """The file could not be put there; ``trash_path`` is where the old one lies if it could not be put back either."""

    intent: Intent
    code: AnswerCode
    trash_path: str | None = None


def put(folder: ProjectFolder, uploads: Folder, intent: Intent, uploader: Uploader) -> Put | Obstacle:
    """Put the received file under its name, the old one (if it is to be replaced) into the trash first.

    What stands in the way of this file alone is its obstacle, so that no other waits for it; raises what is wrong with
    the storage as a whole. Once the file lies under its name, nothing about it fails any more.
    """
    trash_path: str | None = None
    try:
        trash_path = _make_room(folder, intent)
        found = _place(folder, uploads, intent)
    except PhotobusError as error:
        if not is_about_one_file(error):
            raise
        _log.warning("upload_not_placed", upload_id=str(intent.upload_id), reason=error.public_message)
        return Obstacle(intent, _obstacle_code(error), _put_back(folder, intent, trash_path))
    known = intent.exif if intent.exif is not None else _exif(folder, found.name)
    return Put(intent, found, known, trash_path, _sidecars(folder, intent, uploader))


def _place(folder: ProjectFolder, uploads: Folder, intent: Intent) -> Entry:
    """Return the file under its name, where it may lie already."""
    temporary = uploads.stat(str(intent.upload_id))
    found = folder.stat(intent.target)
    if found is None:
        if temporary is None:
            raise FileMissingError("The uploaded bytes are gone.")
        return folder.place(uploads, temporary.name, intent.target)
    if found.same_file(temporary):
        return found
    try:
        holds = _holds(folder, found, intent)
    except StorageUnavailableError:
        if temporary is None:  # Then the file may be the upload's own.
            raise
        holds = False
    if not holds:
        raise NameTakenError(f"{intent.target} is there already.")
    return found


def _obstacle_code(error: PhotobusError) -> AnswerCode:
    if isinstance(error, NameTakenError):
        return "name_taken"
    return "bytes_lost" if isinstance(error, FileMissingError) else "not_placed"


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
    here, trashed = folder.stat(intent.target), folder.stat_trashed(intent.target, replaces.trash_folder)
    if replaces.is_entry(trashed):
        if replaces.is_entry(here):  # a rename that is a link and an unlink was cut in between
            folder.remove(intent.target)
        return folder.trash_path(intent.target, replaces.trash_folder)
    if not replaces.is_entry(here):
        return None
    try:
        return folder.trash(intent.target, replaces.trash_folder)
    except FileMissingError:  # Removed by hand meanwhile.
        return None


def _put_back(folder: ProjectFolder, intent: Intent, trash_path: str | None) -> str | None:
    """Give the file that made room its name again; return where it is in the trash if that cannot be."""
    if trash_path is None:
        return None
    try:
        folder.put_back(trash_path, intent.target)
    except PhotobusError as error:
        if not is_about_one_file(error):
            raise
        _log.warning("replaced_file_stays_in_trash", trash_path=trash_path, reason=error.public_message)
        return trash_path
    return None


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
    """Read the file's EXIF; there is none where it cannot be read, for the file is there all the same."""
    try:
        fd = folder.open(name)
        try:
            return exif.read(fd)
        finally:
            os.close(fd)
    except (FileMissingError, StorageUnavailableError):
        return Exif()


def _sidecars(folder: Folder, intent: Intent, uploader: Uploader) -> tuple[Sidecar, ...]:
    """Return sidecars of the file that lie in the folder, so that those which came first find their photo."""
    if intent.plan.kind == "sidecar":
        return ()
    parsed = filenames.parse(intent.target, uploader)
    names = filenames.sidecar_names(parsed, uploader) if isinstance(parsed, ParsedName) else ()
    return tuple(sidecar for name in names if (sidecar := _sidecar(folder, name)) is not None)


def _sidecar(folder: Folder, name: str) -> Sidecar | None:
    """Return the sidecar ``name``; one that cannot be read is passed over, for its photo is in place already."""
    try:
        entry = folder.stat(name)
        if entry is None or entry.size > _LARGEST_SIDECAR:
            return None
        return Sidecar(entry, md5_of(folder, name))
    except (FileMissingError, StorageUnavailableError) as error:
        _log.warning("sidecar_passed_over", name=name, reason=error.public_message)
        return None
