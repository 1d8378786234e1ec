"""What a reconciliation of disk and catalogue would change: pure planners over rows and a folder's listing.

The disk is the truth. Nothing here reads it: the caller lists the folder once, behind the storage guard, and writes
what comes out under the folder's lock.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from photobus_common.config import Maintenance
from photobus_common.errors import PhotobusError
from photobus_common.events.parts import FileKind
from photobus_common.photos.filenames import ParsedName, RefusedName
from photobus_common.storage.folder import Entry

PhotoKind = Literal["jpg", "raw", "other"]

SHOWN_FIRST: Final[tuple[PhotoKind, ...]] = ("jpg", "other", "raw")
"""Of which kind of file a photo's derivatives are made, the preferred first."""


class TooManyMissingError(PhotobusError):
    """So many photos of a project lack files that the folder is more likely to be wrong than they to be gone."""

    code = "too_many_missing"
    status = 409


@dataclass(frozen=True)
class CatalogueProject:
    """A project's row, with the id of the library it lies in."""

    id: int
    tenant: str
    name: str
    folder: str
    active: bool
    created_at: datetime
    library_id: UUID


@dataclass(frozen=True)
class CatalogueFile:
    """A row of ``photo_files``; ``size`` in bytes. ``modified_at`` is the file's own time, where it was asked for."""

    name: str
    kind: FileKind
    size: int
    md5: str
    modified_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class CataloguePhoto:
    """A row of ``photos`` with its files; ``available`` are the kinds that its flags say are there."""

    id: int
    filename: str
    available: frozenset[PhotoKind]
    files: tuple[CatalogueFile, ...]


@dataclass(frozen=True)
class FileCheck:
    """A photo whose row differs from the disk: files that are gone, and the kinds that are there in truth."""

    photo: CataloguePhoto
    missing: tuple[CatalogueFile, ...]
    available: frozenset[PhotoKind]


@dataclass(frozen=True)
class Loss:
    """How many of ``photos`` that have files on record lack some of them on disk."""

    lacking: int
    photos: int


@dataclass(frozen=True)
class UntrackedFile:
    """A file of a photo that lies in the folder and has no row."""

    photo: CataloguePhoto
    kind: FileKind
    entry: Entry


def check_files(
    photos: Iterable[CataloguePhoto],
    on_disk: Collection[str],
    expected: Collection[str],
) -> list[FileCheck]:
    """Return the photos whose rows differ from the names ``on_disk``.

    Names that an open upload or file operation is about are ``expected``: they are neither there nor missing, and
    whoever finishes it settles them.
    """
    found = []
    for photo in photos:
        missing = tuple(file for file in photo.files if file.name not in on_disk and file.name not in expected)
        available = _kinds(file for file in photo.files if file not in missing)
        if missing or available != photo.available:
            found.append(FileCheck(photo, missing, available))
    return found


def loss(photos: Collection[CataloguePhoto], checks: Iterable[FileCheck]) -> Loss:
    """Return what the checked ``photos`` lost."""
    return Loss(sum(1 for check in checks if check.missing), sum(1 for photo in photos if photo.files))


def mass_removal(project: str, checked: Loss, whole: Loss, settings: Maintenance) -> str | None:
    """Say why a check would take files from too many photos of ``project``; None when it would not.

    ``checked`` is what the photos at hand lost: what a job sees of a project must not seem little because the project
    is large. ``whole`` is what all of the project lost, by the listing of its folder: a folder that came up empty must
    not lose its rows because a job looks at too few of them to tell.
    """
    for lost, which in ((checked, f"checked photos of {project}"), (whole, f"photos of {project}")):
        if lost.lacking >= settings.removal_photos and lost.lacking > lost.photos * settings.removal_share:
            return f"{lost.lacking} of {lost.photos} {which} lack files"
    return None


def untracked_files(
    photos: Iterable[CataloguePhoto],
    entries: Iterable[Entry],
    expected: Collection[str],
    parse: Callable[[str], ParsedName | RefusedName],
) -> list[UntrackedFile]:
    """Return the files among ``entries`` that belong to ``photos`` and have no row.

    Passed over: what no photo's name fits (hidden and temporary files among it), and names that an open upload or file
    operation is about. A large folder is looked through once for each portion of its photos, so a name is only parsed
    that may be one of theirs.
    """
    by_name = {photo.filename: photo for photo in photos}
    tracked = {file.name for photo in by_name.values() for file in photo.files}
    found = []
    for entry in entries:
        stem = entry.name.rpartition(".")[0]
        if stem not in by_name and stem.rpartition(".")[0] not in by_name:  # a sidecar's may end with two extensions
            continue
        if entry.name in tracked or entry.name in expected:
            continue
        parsed = parse(entry.name)
        if isinstance(parsed, ParsedName) and (photo := by_name.get(parsed.basename)) is not None:
            found.append(UntrackedFile(photo, parsed.kind, entry))
    return found


def photos_gone(
    photos: Iterable[CataloguePhoto],
    entries: Iterable[Entry],
    expected: Collection[str],
    parse: Callable[[str], ParsedName | RefusedName],
) -> list[CataloguePhoto]:
    """Return the photos that have no file on record and of which none lies in the folder or is in motion.

    A file that is there without a row, because it was put there just now, keeps its photo.
    """
    parsed = (parse(name) for name in {*expected, *(entry.name for entry in entries)})
    there = {name.basename for name in parsed if isinstance(name, ParsedName)}
    return [photo for photo in photos if not photo.files and photo.filename not in there]


def kinds_with(photo: CataloguePhoto, added: Iterable[FileKind]) -> frozenset[PhotoKind]:
    """Return the kinds that are there once files of the kinds ``added`` belong to ``photo``."""
    there = {*(file.kind for file in photo.files), *added}
    return frozenset(kind for kind in SHOWN_FIRST if kind in there)


def shown_name(files: Iterable[tuple[FileKind, str]]) -> str | None:
    """Return the name of the file that a photo's derivatives are made of: by kind, then the first by name."""
    photos = [(SHOWN_FIRST.index(kind), name) for kind, name in files if kind in SHOWN_FIRST]
    return min(photos)[1] if photos else None


def _kinds(files: Iterable[CatalogueFile]) -> frozenset[PhotoKind]:
    there = {file.kind for file in files}
    return frozenset(kind for kind in SHOWN_FIRST if kind in there)
