"""When a check is taken for a wrong folder, by what it looked at and by the whole project."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from photobus_common.config import Maintenance, Uploader
from photobus_common.photos.filenames import ParsedName, RefusedName, parse
from photobus_common.reconciliation import (
    CatalogueFile,
    CataloguePhoto,
    CatalogueProject,
    Loss,
    PhotoKind,
    check_files,
    loss,
    mass_removal,
    untracked_files,
)
from photobus_common.storage.folder import Entry

PROJECT = CatalogueProject(1, "user_0", "Trip", "Trip", True, datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1))
NONE = Loss(0, 0)
JPG: frozenset[PhotoKind] = frozenset({"jpg"})
NOTHING_LEFT = [CataloguePhoto(number, str(number), frozenset(), ()) for number in range(10, 13)]

REFUSED = {
    "a job of a project that came up empty": (Loss(500, 500), Loss(10_000, 10_000)),
    "the last job of it": (Loss(500, 500), NONE),
    "an upload most of which vanished": (Loss(20, 25), Loss(20, 10_000)),
    "a small job of a project that came up empty": (Loss(1, 1), Loss(10_000, 10_000)),
    "a small job of a project that lost a third": (Loss(3, 10), Loss(34, 100)),
}

ACCEPTED = {
    "a few of a large job": (Loss(19, 500), Loss(19, 10_000)),
    "many of a larger job": (Loss(150, 500), Loss(150, 10_000)),
    "a small job of a whole project": (Loss(10, 10), Loss(10, 10_000)),
    "all of a small project": (Loss(19, 19), Loss(19, 19)),
    "nothing": (NONE, NONE),
}


@pytest.mark.parametrize("name", REFUSED)
def test_too_much_is_refused(name: str) -> None:
    checked, whole = REFUSED[name]
    assert "photos of Trip lack files" in (mass_removal("Trip", checked, whole, Maintenance()) or "")


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_may_well_be_true_is_not(name: str) -> None:
    checked, whole = ACCEPTED[name]
    assert mass_removal("Trip", checked, whole, Maintenance()) is None


def test_photos_that_have_nothing_to_lose_do_not_count() -> None:
    files = (CatalogueFile("a.jpg", "jpg", 1, ""), CatalogueFile("b.jpg", "jpg", 1, ""))
    photos = [*(CataloguePhoto(n, str(n), JPG, (file,)) for n, file in enumerate(files)), *NOTHING_LEFT]
    assert loss(photos, check_files(photos, {"a.jpg"}, set())) == Loss(1, 2)


def test_names_of_other_photos_are_not_even_parsed() -> None:
    photos = [CataloguePhoto(1, "A.1", JPG, (CatalogueFile("A.1.jpg", "jpg", 1, ""),))]
    mine = ["A.1.ARW", "A.1.ARW.xmp", "A.1.JPEG", "A.1.xmp"]
    entries = [Entry(name, 1, 0, 1, 1) for name in (*mine, "A.1.jpg", *(f"B{number}.jpg" for number in range(9)))]
    parsed: list[str] = []

    def noting(name: str) -> ParsedName | RefusedName:
        parsed.append(name)
        return parse(name, Uploader())

    assert [file.entry.name for file in untracked_files(photos, entries, frozenset(), noting)] == mine
    assert parsed == mine
