"""What a move makes of photos: the basename that each gets at its destination. Pure: names in, names out.

A photo keeps its basename unless that, or the name of one of its files, is taken at the destination: then it is called
``name (2)``, ``name (3)``, …, all its files alike. Nothing is ever replaced. The dry run of the API and the worker both
plan with this.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Final, NamedTuple

from photobus_common.photos.filenames import LONGEST_DERIVATIVE_SUFFIX, MAX_NAME_BYTES
from photobus_common.reconciliation import CatalogueFile
from photobus_common.removal import RemovablePhoto
from photobus_common.storage.names import numbered


class Alike(NamedTuple):
    """What photos have in common that may be called the same: the basename wished for, and what follows it in files."""

    filename: str
    endings: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """A photo that is to move, and the basename that it is to have: its own, or for an undo the one it had."""

    photo: RemovablePhoto
    filename: str

    @property
    def alike(self) -> Alike:
        """What decides, beside what is taken, how the photo may be called."""
        return Alike(self.filename, tuple(file.name[len(self.photo.filename) :] for file in self.photo.files))


@dataclass(frozen=True)
class Move:
    """A photo and its names at the destination: ``files`` are those on record with the name that each gets."""

    wish: Wish
    filename: str
    files: tuple[tuple[CatalogueFile, str], ...]

    @property
    def photo(self) -> RemovablePhoto:
        """The photo as it is before."""
        return self.wish.photo

    @property
    def is_numbered(self) -> bool:
        """Whether the photo gets another basename than was wished for."""
        return self.filename != self.wish.filename


class Listing:
    """All names in a folder, for questions about few of them. ``basename_of`` says which photo a name stands for."""

    def __init__(
        self, names: Iterable[str] = (), basename_of: Callable[[str], str | None] = lambda _name: None
    ) -> None:
        self._names = sorted(names)
        self._basename_of = basename_of

    def has(self, name: str) -> bool:
        """Whether anything lies under ``name``."""
        place = bisect_left(self._names, name)
        return place < len(self._names) and self._names[place] == name

    def has_photo(self, basename: str) -> bool:
        """Whether any file is one of a photo ``basename``, on record or not."""
        start = f"{basename}."
        behind = islice(self._names, bisect_left(self._names, start), None)
        alike = takewhile(lambda name: name.startswith(start), behind)
        return any(self._basename_of(name) == basename for name in alike)


NOTHING: Final = Listing((), lambda _name: None)
"""Of a folder that nobody looked at."""


@dataclass(frozen=True)
class Taken:
    """Basenames and names of files that the catalogue knows to be taken at a destination."""

    basenames: frozenset[str]
    names: frozenset[str]


@dataclass
class Destination:
    """Names that are taken where photos go to; each basename that is given out is taken from then on.

    A name that was taken stays so: of photos that are alike none tries again what the one before it tried.
    """

    taken: Taken
    on_disk: Listing
    _given: set[str] = field(default_factory=set)
    _names: set[str] = field(default_factory=set)
    _tried: dict[Alike, int] = field(default_factory=dict)

    def plan(self, wishes: Iterable[Wish], numbers: Mapping[Alike, int]) -> list[Move | None]:
        """Return how each photo moves; None for one that finds no free name among the first ``numbers`` of its kind."""
        return [self._plan(wish, numbers[wish.alike]) for wish in wishes]

    def _plan(self, wish: Wish, numbers: int) -> Move | None:
        for number in range(self._tried.get(wish.alike, 0) + 1, numbers + 1):
            self._tried[wish.alike] = number
            move = _move(wish, number)
            names = {name for _, name in move.files}
            basename_free = move.filename not in self._given and not self._has_photo(move.filename)
            if basename_free and self._names.isdisjoint(names) and not any(map(self._has, names)):
                self._given.add(move.filename)
                self._names |= names
                return move
        return None

    def _has_photo(self, basename: str) -> bool:
        return basename in self.taken.basenames or self.on_disk.has_photo(basename)

    def _has(self, name: str) -> bool:
        return name in self.taken.names or self.on_disk.has(name)


def candidates(wishes: Iterable[Wish], numbers: Mapping[Alike, int]) -> list[Move]:
    """Return what the photos may be called, up to ``numbers`` of names for those that are alike.

    Who plans asks which of them are taken.
    """
    one_of_each = {wish.alike: wish for wish in wishes}
    return [_move(wish, number) for alike, wish in one_of_each.items() for number in range(1, numbers[alike] + 1)]


def renamed_files(files: Sequence[CatalogueFile], basename: str, wanted: str) -> tuple[tuple[CatalogueFile, str], ...]:
    """Return the files of the photo ``basename`` with their names for ``wanted``; all behind the basename is kept."""
    return tuple((file, wanted + file.name[len(basename) :]) for file in files)


def _move(wish: Wish, number: int) -> Move:
    longest = max(len(ending.encode()) for ending in (*wish.alike.endings, LONGEST_DERIVATIVE_SUFFIX))
    basename = numbered(wish.filename, number, MAX_NAME_BYTES - longest)
    return Move(wish, basename, renamed_files(wish.photo.files, wish.photo.filename, basename))
