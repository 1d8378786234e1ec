"""Which photos are known again in files that turned up under other names or in other folders. Pure.

A photo is known by the bytes of its originals, and only once none of them is where it was: what lies beside its
original is a copy. Sidecars and empty files tell nothing, they come along.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from photobus_common.reconciliation import CatalogueFile


class Bytes(NamedTuple):
    """What files are alike by; ``md5`` in lower-case hex."""

    size: int
    md5: str


class Pair(NamedTuple):
    """A file that turned up, and the file of the photo that it is."""

    found: CatalogueFile
    known: CatalogueFile


@dataclass(frozen=True)
class MissedPhoto:
    """A photo that files may be of: ``files`` are those on record and those found gone.

    ``filename`` and ``project_id`` are where it lies by its row or, with ``removed_by`` (the event that tells of it),
    lay before that was removed.
    """

    id: int
    project_id: int
    filename: str
    files: tuple[CatalogueFile, ...]
    removed_by: UUID | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Names that its originals have in its folder if they are there; what it lost before it moved has none."""
        names = (file.name for file in self.files if file.kind != "sidecar")
        return tuple(name for name in names if name.startswith(f"{self.filename}."))


def telling(files: Iterable[CatalogueFile]) -> frozenset[Bytes]:
    """Return by which bytes a photo with ``files`` is known."""
    return frozenset(Bytes(file.size, file.md5) for file in files if file.kind != "sidecar" and file.size)


def recognized(
    groups: Mapping[str, Sequence[CatalogueFile]],
    photos: Iterable[MissedPhoto],
    project_id: int,
    there: Mapping[int, Collection[str]],
) -> dict[str, MissedPhoto]:
    """Say of which photo the files of each basename are: never of one photo twice, nor twice of one.

    ``groups`` turned up in the project; ``there`` says which originals of a photo are in its own place. Where several
    photos have the bytes, that with the same basename comes first, then one of the same project, one that still has its
    row, one with more files alike, the oldest.
    """
    by_bytes: dict[Bytes, set[str]] = {}
    for basename, files in groups.items():
        for key in telling(files):
            by_bytes.setdefault(key, set()).add(basename)
    ranked = sorted(
        (_rank(basename, shared, photo, project_id), basename, photo)
        for photo in photos
        for basename, shared in _alike(photo, by_bytes).items()
        if not _in_place(photo, groups[basename], project_id, there)
    )
    chosen: dict[str, MissedPhoto] = {}
    taken: set[int] = set()
    for _, basename, photo in ranked:
        if basename not in chosen and photo.id not in taken:
            chosen[basename] = photo
            taken.add(photo.id)
    return chosen


def pairs_of(files: Sequence[CatalogueFile], photo: MissedPhoto) -> list[Pair]:
    """Say which of ``files`` is which of the photo's, each once, by its bytes; of several alike by their order.

    One of the same kind comes first: a name may also make another kind of the same bytes, but never of a sidecar's.
    """
    left, rest = list(photo.files), list(files)
    pairs = []
    for alike in (_same_kind, _same_bytes):
        for found in list(rest):
            known = next((one for one in left if alike(one, found)), None)
            if known is not None:
                left.remove(known)
                rest.remove(found)
                pairs.append(Pair(found, known))
    return sorted(pairs, key=lambda pair: pair.found.name)


def _alike(photo: MissedPhoto, by_bytes: Mapping[Bytes, Collection[str]]) -> dict[str, set[Bytes]]:
    """Return the basenames that have bytes of the photo, and which."""
    found: dict[str, set[Bytes]] = {}
    for key in telling(photo.files):
        for basename in by_bytes.get(key, ()):
            found.setdefault(basename, set()).add(key)
    return found


def _in_place(
    photo: MissedPhoto, files: Sequence[CatalogueFile], project_id: int, there: Mapping[int, Collection[str]]
) -> bool:
    """Whether an original of the photo is where it was, and is not what turned up: its row had gone before."""
    own = {file.name for file in files} if photo.project_id == project_id and photo.removed_by is not None else set()
    return not own.issuperset(there.get(photo.id, ()))


def _rank(basename: str, shared: Collection[Bytes], photo: MissedPhoto, project_id: int) -> tuple[int, ...]:
    return (
        photo.filename != basename,
        photo.project_id != project_id,
        photo.removed_by is not None,
        -len(shared),
        photo.id,
    )


def _same_kind(known: CatalogueFile, found: CatalogueFile) -> bool:
    return (known.kind, known.size, known.md5) == (found.kind, found.size, found.md5)


def _same_bytes(known: CatalogueFile, found: CatalogueFile) -> bool:
    return "sidecar" not in {known.kind, found.kind} and (known.size, known.md5) == (found.size, found.md5)
