"""Names that photos get where they move to: counted on, without asking again what was asked."""

from collections import Counter
from typing import Final

from photobus_common.catalogue_changes import Kinds
from photobus_common.moving import Alike, Destination, Listing, Move, Taken, Wish, candidates
from photobus_common.reconciliation import CatalogueFile
from photobus_common.removal import RemovablePhoto

MANY: Final = 2000
ALL: Final = Kinds(jpg=True, raw=True, other=True)


def wish(number: int, filename: str, *endings: str) -> Wish:
    """Return the wish of a photo with JPEGs of these endings to keep its basename."""
    files = tuple(CatalogueFile(filename + ending, "jpg", 1, "0" * 32) for ending in endings)
    return Wish(RemovablePhoto(number, number, "P", filename, 1, ALL, (), files, "generated", "generated"), filename)


class Counted(Listing):
    """A listing that knows how often it was asked."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names, lambda name: name.partition(".")[0])
        self.asked = 0

    def has_photo(self, basename: str) -> bool:
        """Count, and answer."""
        self.asked += 1
        return super().has_photo(basename)


def filenames(moves: list[Move | None]) -> list[str]:
    """Return what the photos are called."""
    return [move.filename for move in moves if move is not None]


def test_photos_of_one_name_are_asked_about_together_and_try_each_name_once() -> None:
    wishes = [wish(number, "A", ".jpg") for number in range(MANY)]
    numbers = {Alike("A", (".jpg",)): MANY + 3}
    assert len(candidates(wishes, numbers)) == MANY + 3
    on_disk = Counted(["A.jpg", "A (3).jpg"])
    moves = Destination(Taken(frozenset({"A (2)"}), frozenset()), on_disk).plan(wishes, numbers)
    assert filenames(moves) == [f"A ({number})" for number in range(4, MANY + 4)]
    assert on_disk.asked < 2 * MANY


def test_photos_of_one_name_but_other_files_share_the_numbers() -> None:
    wishes = [wish(1, "A", ".jpg"), wish(2, "A", ".JPG", ".jpg"), wish(3, "A", ".jpg"), wish(4, "A (2)", ".jpg")]
    numbers = dict.fromkeys(Counter(one.alike for one in wishes), 9)
    moves = Destination(Taken(frozenset(), frozenset({"A (4).JPG"})), Listing()).plan(wishes, numbers)
    assert filenames(moves) == ["A", "A (2)", "A (3)", "A (2) (2)"]
    assert filenames(
        Destination(Taken(frozenset({"A"}), frozenset({"A (2).JPG"})), Listing()).plan(wishes, numbers)
    ) == [
        "A (2)",
        "A (3)",
        "A (4)",
        "A (2) (2)",
    ]


def test_one_that_finds_no_free_name_among_its_numbers_is_told_apart() -> None:
    wishes = [wish(number, "A", ".jpg") for number in range(3)]
    moves = Destination(Taken(frozenset(), frozenset()), Listing()).plan(wishes, {Alike("A", (".jpg",)): 2})
    assert [move and move.filename for move in moves] == ["A", "A (2)", None]
