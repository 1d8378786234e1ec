"""Which photo the files of a basename are of: never two files of one, never one of two."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.recognition import MissedPhoto, pairs_of, recognized, telling
from photobus_common.reconciliation import CatalogueFile

HERE = 1
EVENT = UUID(int=7)


def file(name: str, content: str = "bytes") -> CatalogueFile:
    """A file whose size and MD5 follow from its content."""
    ending = name.rpartition(".")[2]
    kind = {"jpg": "jpg", "dng": "raw", "xmp": "sidecar"}[ending]
    return CatalogueFile(name, kind, len(content), content)  # type: ignore[arg-type]


def photo(
    number: int, *files: CatalogueFile, filename: str = "A", project: int = HERE, gone: bool = False
) -> MissedPhoto:
    return MissedPhoto(number, project, filename, files, EVENT if gone else None)


@pytest.mark.parametrize(
    ("photos", "chosen"),
    [
        ([photo(1, file("X.jpg"), filename="X"), photo(2, file("A.jpg"), project=2)], 2),
        ([photo(1, file("X.jpg"), filename="X", project=2), photo(2, file("Y.jpg"), filename="Y")], 2),
        ([photo(1, file("X.jpg"), filename="X", gone=True), photo(2, file("Y.jpg"), filename="Y")], 2),
        ([photo(1, file("X.jpg"), filename="X"), photo(2, file("Y.jpg"), file("Y.dng", "raw"), filename="Y")], 2),
        ([photo(2, file("X.jpg"), filename="X"), photo(1, file("Y.jpg"), filename="Y")], 1),
        ([photo(1, file("X.jpg", "other"), filename="X")], None),
        ([photo(1, file("X.jpg", ""), filename="X")], None),
        ([photo(1, file("X.xmp"), filename="X")], None),
        ([], None),
    ],
    ids=["basename", "project", "row", "more alike", "oldest", "other bytes", "no bytes", "sidecar", "none"],
)
def test_of_several_photos_the_likeliest_is_meant(photos: Sequence[MissedPhoto], chosen: int | None) -> None:
    groups = {"A": [file("A.jpg"), file("A.dng", "raw"), file("A.xmp", "xmp")]}
    found = recognized(groups, photos, HERE, {})
    assert (found["A"].id if found else None) == chosen


@pytest.mark.parametrize(
    ("there", "gone", "project", "known"),
    [
        ((), False, HERE, True),
        (("X.jpg",), False, HERE, False),
        (("X.dng",), False, HERE, False),
        (("A.jpg",), True, HERE, True),  # its row is gone, and it came back under its own name
        (("A.jpg", "X.jpg"), True, HERE, False),
        (("A.jpg",), True, 2, False),
    ],
)
def test_a_photo_with_an_original_in_its_place_is_not_meant(
    there: Sequence[str], gone: bool, project: int, known: bool
) -> None:
    of = photo(1, file("A.jpg"), file("X.dng", "raw"), gone=gone, project=project)
    assert bool(recognized({"A": [file("A.jpg")]}, [of], HERE, {1: there})) == known


CONTENTS = st.sampled_from(["one", "two", "three", ""])
NAMES = st.sampled_from("ABCDE")
GROUPS = st.dictionaries(
    NAMES,
    st.lists(
        st.tuples(st.sampled_from(["jpg", "dng", "xmp"]), CONTENTS), min_size=1, max_size=3, unique_by=lambda f: f[0]
    ),
)


@given(GROUPS, GROUPS, st.dictionaries(NAMES, st.booleans()), st.integers(1, 2))
def test_each_photo_and_each_basename_is_taken_once(
    found: Mapping[str, Sequence[tuple[str, str]]],
    lost: Mapping[str, Sequence[tuple[str, str]]],
    removed: Mapping[str, bool],
    project: int,
) -> None:
    groups = {name: [file(f"{name}.{ending}", content) for ending, content in files] for name, files in found.items()}
    photos = [
        photo(
            number,
            *(file(f"{name}.{ending}", content) for ending, content in files),
            filename=name,
            project=project,
            gone=removed.get(name, False),
        )
        for number, (name, files) in enumerate(sorted(lost.items()))
    ]
    chosen = recognized(groups, photos, HERE, {})
    assert len({one.id for one in chosen.values()}) == len(chosen)
    for basename, one in chosen.items():
        assert telling(groups[basename]) & telling(one.files)
        pairs = pairs_of(groups[basename], one)
        assert len({pair.found.name for pair in pairs}) == len({pair.known.name for pair in pairs}) == len(pairs) > 0
    for basename in groups.keys() - chosen.keys():  # whoever is left has nobody
        free = [one for one in photos if one not in chosen.values()]
        assert not any(telling(groups[basename]) & telling(one.files) for one in free)
    assert recognized(groups, reversed(photos), HERE, {}) == chosen
