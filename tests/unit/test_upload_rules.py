"""The same-name rules, as a table: what is there, what comes, what the client wants."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from photobus_common.config import Uploader
from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.store.photos import KnownFile, KnownPhotos, StoredFile, shown_first
from photobus_common.store.uploads import Elsewhere, OnConflict
from photobus_gateway.uploads.analysis import AnalyzedFile, Catalogue, analyze, parse_all
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.planning import Existing, Motion, Overwrite, Place, Rename, Surroundings, decide
from photobus_gateway.uploads.renames import copy_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAME, OTHER = "a" * 32, "b" * 32
NOTHING = Surroundings()
TRACKED_SAME = Surroundings(existing=Existing(SAME, 7), own_photo=7)
TRACKED_OTHER = Surroundings(existing=Existing(OTHER, 7), own_photo=7)
UNTRACKED_SAME = Surroundings(existing=Existing(SAME, None))
UNTRACKED_OTHER = Surroundings(existing=Existing(OTHER, None))
PAIR = Surroundings(own_photo=7)
OTHERS = Elsewhere("Other", 9)
ELSEWHERE = Surroundings(elsewhere=OTHERS)
COMING_ELSEWHERE = Surroundings(elsewhere=Elsewhere("Other", None))
PAIR_AND_ELSEWHERE = Surroundings(own_photo=7, elsewhere=OTHERS)
SIDECAR_AND_ELSEWHERE = Surroundings(existing=Existing(OTHER, None), elsewhere=OTHERS)
FOLLOWS_PAIR = Surroundings(own_photo=7, renamed_in_batch="A (2)")


def told(name: str, on_conflict: OnConflict | None, found: Surroundings, *, moves_here: bool = False) -> Any:
    parsed = parse(name, Uploader())
    assert isinstance(parsed, ParsedName)
    decision = decide(parsed, SAME, on_conflict, found, moves_here=moves_here)
    return (decision.status, decision.code) if isinstance(decision, UploadResult) else decision


@pytest.mark.parametrize(
    ("found", "on_conflict", "expected"),
    [
        (NOTHING, None, Place()),
        (NOTHING, "overwrite", Place()),
        (NOTHING, "rename", Place()),
        (PAIR, None, Place()),
        (TRACKED_SAME, None, ("skipped", "same_bytes")),
        (TRACKED_SAME, "overwrite", ("skipped", "same_bytes")),
        (TRACKED_SAME, "rename", ("skipped", "same_bytes")),
        (TRACKED_OTHER, None, ("conflict", "other_bytes")),
        (TRACKED_OTHER, "skip", ("skipped", "other_bytes")),
        (TRACKED_OTHER, "overwrite", Overwrite()),
        (TRACKED_OTHER, "rename", Rename()),
        (UNTRACKED_SAME, None, Place()),
        (UNTRACKED_OTHER, None, ("conflict", "other_bytes")),
        (UNTRACKED_OTHER, "overwrite", Overwrite()),
        (ELSEWHERE, None, ("conflict", "name_in_other_project")),
        (ELSEWHERE, "rename", ("conflict", "name_in_other_project")),
        (ELSEWHERE, "overwrite", ("conflict", "name_in_other_project")),
        (PAIR_AND_ELSEWHERE, None, Place()),
        (FOLLOWS_PAIR, "rename", Rename("A (2)")),
        (FOLLOWS_PAIR, None, Place()),
    ],
)
def test_what_becomes_of_a_photo(found: Surroundings, on_conflict: OnConflict | None, expected: Any) -> None:
    assert told("A.JPG", on_conflict, found) == expected


@pytest.mark.parametrize(
    ("name", "found", "expected"),
    [
        ("A.JPG", NOTHING, Place()),
        ("A.JPG", ELSEWHERE, ("moving", "name_in_other_project")),
        ("A.xmp", ELSEWHERE, ("moving", "name_in_other_project")),
        ("A.JPG", COMING_ELSEWHERE, ("conflict", "name_in_other_project")),
        ("A.xmp", COMING_ELSEWHERE, Place()),
        ("A.JPG", PAIR_AND_ELSEWHERE, Place()),
        ("A.JPG", TRACKED_SAME, ("skipped", "same_bytes")),
        ("A.xmp", UNTRACKED_SAME, ("skipped", "same_bytes")),
        ("A.xmp", SIDECAR_AND_ELSEWHERE, ("moving", "name_in_other_project")),
    ],
)
def test_what_becomes_of_a_file_whose_photo_is_to_come_here(name: str, found: Surroundings, expected: Any) -> None:
    assert told(name, None, found, moves_here=True) == expected


@pytest.mark.parametrize("motion", ["being_moved", "being_removed"])
@pytest.mark.parametrize("found", [NOTHING, TRACKED_SAME, TRACKED_OTHER, ELSEWHERE])
def test_nothing_gets_a_name_that_is_in_motion(found: Surroundings, motion: Motion) -> None:
    assert told("A.JPG", "overwrite", replace(found, in_motion=motion), moves_here=True) == ("refused", motion)


@pytest.mark.parametrize(
    ("found", "expected"),
    [(NOTHING, Place()), (ELSEWHERE, Place()), (UNTRACKED_SAME, ("skipped", "same_bytes"))],
)
def test_what_becomes_of_a_sidecar(found: Surroundings, expected: Any) -> None:
    assert told("A.xmp", None, found) == expected


@pytest.mark.parametrize(
    ("name", "stored", "found"),
    [
        ("A.JPG", "A (2).JPG", True),
        ("A.JPG", "A (17).JPG", True),
        ("A.JPG", "A.JPG", False),
        ("A.JPG", "A (2).jpg", False),
        ("A.JPG", "A (02).JPG", False),
        ("A.JPG", "A (2) (2).JPG", False),
        ("A.JPG", "AA (2).JPG", False),
        ("A (2).JPG", "A (2) (2).JPG", True),
        ("A.dng.xmp", "A (2).dng.xmp", True),
        ("x" * 250 + ".JPG", "x" * 246 + " (2).JPG", True),
        ("x" * 250 + ".JPG", "x" * 245 + " (2).JPG", False),
    ],
)
def test_a_copy_has_the_bytes_under_the_name_with_a_number(name: str, stored: str, found: bool) -> None:
    parsed = parse(name, Uploader())
    assert isinstance(parsed, ParsedName)
    row = known(stored)
    assert (copy_of(parsed, SAME, [row]) is row) is found
    assert copy_of(parsed, OTHER, [row]) is None


def known(name: str, size: int = 10, md5: str = SAME) -> KnownFile:
    parsed = parse(name, Uploader())
    assert isinstance(parsed, ParsedName)
    return KnownFile(7, parsed.basename, StoredFile(name, parsed.kind, size, md5, EPOCH))


CATALOGUE = Catalogue(KnownPhotos({"A": 7}, {"A.JPG": known("A.JPG")}), {"B": OTHERS, "A": OTHERS})


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ({"name": "C.JPG", "size": 5}, {"accepted": True, "clash": "none", "basename": "C", "kind": "jpg"}),
        ({"name": "A.JPG", "size": 10, "md5": SAME}, {"clash": "same_bytes", "photo_id": 7, "completes_pair": False}),
        ({"name": "A.JPG", "size": 10, "md5": OTHER}, {"clash": "other_bytes"}),
        ({"name": "A.JPG", "size": 11}, {"clash": "other_bytes"}),
        ({"name": "A.JPG", "size": 10}, {"clash": "unknown_bytes"}),
        (
            {"name": "A.NEF", "size": 9},
            {"clash": "none", "photo_id": 7, "completes_pair": True, "project_folder": None},
        ),
        (
            {"name": "B.JPG", "size": 9},
            {"accepted": True, "clash": "name_in_other_project", "project_folder": "Other", "photo_id": 9},
        ),
        ({"name": "B.xmp", "size": 9}, {"clash": "none", "project_folder": None, "photo_id": None}),
        ({"name": "A.txt", "size": 9}, {"accepted": False, "code": "not_accepted", "clash": "none"}),
        ({"name": "C.JPG", "size": 0}, {"accepted": False, "code": "empty_file"}),
        ({"name": "C.JPG", "size": 101}, {"accepted": False, "code": "too_large"}),
    ],
)
def test_what_would_become_of_a_file(file: dict[str, Any], expected: dict[str, Any]) -> None:
    asked = AnalyzedFile(**file)
    (parsed,) = parse_all([asked], Uploader())
    found = analyze(asked, parsed, CATALOGUE, max_bytes=100).model_dump()
    assert {name: found[name] for name in expected} == expected
    assert found["accepted"] == (found["reason"] is None)


def test_a_photo_is_shown_by_its_jpeg_first_and_then_by_name() -> None:
    files = [known(name).file for name in ("a.NEF", "a.png", "b.jpg", "a.jpg", "a.xmp")]
    shown = shown_first(files)
    assert shown is not None
    assert shown.name == "a.jpg"
    assert shown_first(files[:2]) == files[1]
    assert shown_first(files[4:]) is None
