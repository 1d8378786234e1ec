"""Reading a file that has no row yet: whether it is what its name says, its MD5 and EXIF."""

import hashlib
import os
from collections.abc import Iterable
from typing import Final, NamedTuple

from photobus_common.errors import StorageUnavailableError
from photobus_common.events.parts import FileKind
from photobus_common.photos import content, exif
from photobus_common.photos.exif import Exif
from photobus_common.storage.errors import FileMissingError, storage_errors
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder, descriptor_entry

_CHUNK_BYTES: Final = 1024 * 1024


class Identity(NamedTuple):
    """What a file's content tells; ``md5`` in lower-case hex."""

    md5: str
    exif: Exif


Found = Identity | StorageUnavailableError | None
"""What was found of a file: None if nothing, or why it cannot be read."""


def identify_each(folder: ProjectFolder, files: Iterable[tuple[Entry, FileKind]]) -> list[Found]:
    """Read the files one after the other, as ``identify`` does; one that cannot be read costs no other. Blocks."""
    found: list[Found] = []
    for entry, kind in files:
        try:
            found.append(identify(folder, entry, kind))
        except StorageUnavailableError as error:
            found.append(error)
    return found


def is_other_content(folder: ProjectFolder, entry: Entry) -> bool:
    """Whether the file, which is still as ``entry`` says, is not what its name says.

    Raises ``FileUnreadableError``. Blocks.
    """
    try:
        fd = folder.open(entry.name)
    except FileMissingError:
        return False
    with storage_errors(f"reading {entry.name!r}"), os.fdopen(fd, "rb", buffering=0):
        found = content.sniff(os.pread(fd, content.HEAD_BYTES, 0))
        extension = entry.name.rpartition(".")[2].lower()
        return not content.matches(extension, found) and descriptor_entry(fd, entry.name) == entry


def identify(folder: ProjectFolder, entry: Entry, kind: FileKind) -> Identity | None:
    """Read the file; None if it is gone, changes while it is read, or is not what its name says.

    Raises ``FileUnreadableError``. Blocks.
    """
    try:
        fd = folder.open(entry.name)
    except FileMissingError:
        return None
    with storage_errors(f"reading {entry.name!r}"), os.fdopen(fd, "rb", buffering=0) as opened:
        found = content.sniff(os.pread(fd, content.HEAD_BYTES, 0))
        extension = entry.name.rpartition(".")[2].lower()
        if not content.matches(extension, found):
            return None
        told = Exif() if kind == "sidecar" else exif.read(fd)
        digest = hashlib.md5(usedforsecurity=False)
        while chunk := opened.read(_CHUNK_BYTES):
            digest.update(chunk)
        return Identity(digest.hexdigest(), told) if descriptor_entry(fd, entry.name) == entry else None
