"""What lies in a trash: folders to which photobus gave names that tell when they expire, and what is none of them.

Whoever changes anything there holds the lock of what the trash belongs to. All calls block.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from photobus_common.config import Maintenance
from photobus_common.errors import PhotobusError
from photobus_common.storage.errors import (
    FileMissingError,
    FileUnreadableError,
    NameTakenError,
    is_about_one_file,
    is_of_this_entry,
)
from photobus_common.storage.folder import Folder
from photobus_common.storage.project_folder import TRASH, trashed_at
from photobus_common.storage.trees import NOTHING, Size, remove_some, size_of

FOLDERS: Final = 200
"""Trash folders that are deleted in one portion."""

FILES: Final = 500
"""Files that are deleted while a lock is held, before others get their turn."""


@dataclass(frozen=True)
class Contents:
    """What lies in a trash, by name: ``folders`` of ours, and ``strays``."""

    folders: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()

    def expired(self, before: datetime) -> list[str]:
        """Return the folders whose files were trashed before then, by what their names say."""
        return [name for name in self.folders if (at := trashed_at(name)) is not None and at <= before]


@dataclass(frozen=True)
class Emptied:
    """What became of trash folders: those that are ``gone``, and why others could not be deleted."""

    gone: tuple[str, ...] = ()
    refused: Mapping[str, PhotobusError] = field(default_factory=dict)


def expires_before(settings: Maintenance) -> datetime:
    """Return when what expires now was trashed at the latest."""
    return datetime.now(UTC) - timedelta(hours=settings.trash_hours)


def contents_of(folder: Folder) -> Contents:
    """Return what lies in the trash of ``folder``, which need not have one."""
    try:
        with folder.subfolder(TRASH) as trash:
            names = trash.names()  # first: a folder of ours that comes meanwhile must not be taken for a stray
            folders = frozenset(trash.folders(hidden=True))
    except FileMissingError:
        return Contents()
    ours = sorted(name for name in folders if trashed_at(name) is not None)
    return Contents(tuple(ours), tuple(sorted(names.difference(ours))))


def measured(
    folder: Folder, names: Iterable[str], others: Sequence[Size]
) -> tuple[dict[str, Size], dict[str, PhotobusError]]:
    """Say of as many trash folders as make a portion with ``others`` how much they hold, or why that cannot be told."""
    files, left = sum(other.files for other in others), FOLDERS - len(others)
    sizes: dict[str, Size] = {}
    refused: dict[str, PhotobusError] = {}
    with suppress(FileMissingError), folder.subfolder(TRASH) as trash:
        for name in names:
            if files >= FILES or len(sizes) >= left:
                break
            try:
                sizes[name] = size_of(trash, name)
            except PhotobusError as error:
                refused[name] = _of_this_entry(error)
                continue
            files += sizes[name].files
    return sizes, refused


def emptied(folder: Folder, names: Iterable[str]) -> Emptied:
    """Delete trash folders for good, up to a portion: a large one takes several. Such as are not there are gone."""
    gone: list[str] = []
    refused: dict[str, PhotobusError] = {}
    try:
        trash = folder.subfolder(TRASH)
    except FileMissingError:
        return Emptied(tuple(names))
    with trash:
        for name in names:
            try:
                if not remove_some(trash, name, FILES):
                    break
            except PhotobusError as error:
                refused[name] = _of_this_entry(error)
                continue
            gone.append(name)
        trash.sync()
    return Emptied(tuple(gone), refused)


def left_of(folder: Folder, name: str) -> Size | None:
    """Return how much is left of a trash folder that could not be deleted whole; None where that cannot be told."""
    try:
        with folder.subfolder(TRASH) as trash:
            return size_of(trash, name)
    except FileMissingError:
        return NOTHING
    except PhotobusError as error:
        _of_this_entry(error)
        return None


@dataclass(frozen=True)
class PutBy:
    """A stray that lies in a folder of ours now, under ``name``; ``refused``: why it does not."""

    stray: str
    name: str
    size: int
    refused: PhotobusError | None = None


def put_by(folder: Folder, strays: Sequence[str], target: str) -> list[PutBy]:
    """Put strays of the trash into its folder ``target``, so that their time counts from now; nothing is replaced.

    Of those that are gone by now, nothing is said.
    """
    try:
        trash = folder.subfolder(TRASH)
    except FileMissingError:
        return []
    with trash, trash.subfolder(target, make=True) as ours:
        found = [one for stray in strays if (one := _put(trash, stray, ours)) is not None]
        ours.sync()
        trash.sync()
    return found


def _put(trash: Folder, stray: str, ours: Folder) -> PutBy | None:
    entry = trash.stat(stray)
    size = 0 if entry is None else entry.size
    for name in (stray, uuid4().hex):
        try:
            trash.rename(stray, ours, name)
        except NameTakenError:
            continue
        except FileMissingError:
            return None
        except PhotobusError as error:
            return PutBy(stray, name, size, _of_this_entry(error))
        return PutBy(stray, name, size)
    raise AssertionError("nobody has that name")


def _of_this_entry(error: PhotobusError) -> PhotobusError:
    """Return an error that is about this one entry of the trash; raises what is wrong with more than it."""
    if is_about_one_file(error) or is_of_this_entry(error) or isinstance(error, FileUnreadableError):
        return error
    raise error
