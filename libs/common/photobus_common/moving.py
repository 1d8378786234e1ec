"""What a move makes of photos: the basename that each gets at its destination. Pure: names in, names out.

A photo keeps its basename unless that, or the name of one of its files, is taken at the destination: then it is called
``name (2)``, ``name (3)``, …, all its files alike. Nothing is ever replaced. The dry run of the API and the worker both
plan with this.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from photobus_common.photos.filenames import LONGEST_DERIVATIVE_SUFFIX, MAX_NAME_BYTES
from photobus_common.reconciliation import CatalogueFile
from photobus_common.removal import RemovablePhoto
from photobus_common.storage.names import numbered


@dataclass(frozen=True)
class Wish:
    """A photo that is to move, and the basename that it is to have: its own, or for an undo the one it had."""

    photo: RemovablePhoto
    filename: str


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


@dataclass
class Destination:
    """Names that are taken where photos go to; each basename that is given out is taken from then on."""

    basename_taken: Callable[[str], bool]
    name_taken: Callable[[str], bool]
    _given: set[str] = field(default_factory=set)
    _names: set[str] = field(default_factory=set)

    def plan(self, wishes: Iterable[Wish], numbers: int | None = None) -> list[Move | None]:
        """Return how each photo moves; None for one that finds no free name among the first ``numbers``."""
        return [self._plan(wish, numbers) for wish in wishes]

    def _plan(self, wish: Wish, numbers: int | None) -> Move | None:
        for move in islice(_moves(wish), numbers):
            names = {name for _, name in move.files}
            basename_free = move.filename not in self._given and not self.basename_taken(move.filename)
            if basename_free and self._names.isdisjoint(names) and not any(map(self.name_taken, names)):
                self._given.add(move.filename)
                self._names |= names
                return move
        return None


def candidates(wishes: Iterable[Wish], numbers: int) -> list[Move]:
    """Return what the photos may be called, up to ``numbers`` of names each: who plans asks which of them are taken."""
    return [move for wish in wishes for move in islice(_moves(wish), numbers)]


def renamed_files(files: Sequence[CatalogueFile], basename: str, wanted: str) -> tuple[tuple[CatalogueFile, str], ...]:
    """Return the files of the photo ``basename`` with their names for ``wanted``; all behind the basename is kept."""
    return tuple((file, wanted + file.name[len(basename) :]) for file in files)


def _moves(wish: Wish) -> Iterator[Move]:
    photo = wish.photo
    endings = [file.name[len(photo.filename) :] for file in photo.files]
    longest = max(len(ending.encode()) for ending in (*endings, LONGEST_DERIVATIVE_SUFFIX))
    for number in count(1):
        basename = numbered(wish.filename, number, MAX_NAME_BYTES - longest)
        yield Move(wish, basename, renamed_files(photo.files, photo.filename, basename))
