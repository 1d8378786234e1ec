"""What a commit removes: planned purely, and never a file of a kind that is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.catalogue_changes import Kinds
from photobus_common.config import Uploader
from photobus_common.photos.filenames import FileKind, ParsedName, parse
from photobus_common.reconciliation import CatalogueFile
from photobus_common.removal import RemovablePhoto, aftermath, plan_removal

NAMES = ("D.JPG", "D.jpeg", "D.ARW", "D.png", "D.JPG.xmp", "D.ARW.xmp", "D.arw.XMP", "D.xmp")
keeps = st.builds(Kinds, st.booleans(), st.booleans(), st.booleans())


def photo(names: tuple[str, ...] | list[str], keep: Kinds) -> RemovablePhoto:
    files = tuple(CatalogueFile(name, _kind(name), 1, "0") for name in sorted(names))
    return RemovablePhoto(1, 1, "P", "D", 1, keep, (), files, "generated", "generated")


def _kind(name: str) -> FileKind:
    parsed = parse(name, Uploader())
    assert isinstance(parsed, ParsedName)
    return parsed.kind


photos = st.builds(photo, st.lists(st.sampled_from(NAMES), unique=True), keeps)


@pytest.mark.parametrize(
    ("names", "kept", "going", "goes", "derivatives"),
    [
        (("D.JPG",), "jpg", None, False, ""),
        (("D.JPG",), "", "D.JPG", True, "removed"),
        (("D.JPG", "D.ARW"), "raw", "D.JPG", False, "pending"),
        (("D.JPG", "D.ARW"), "jpg", "D.ARW", False, "kept"),
        (("D.JPG", "D.jpeg", "D.ARW"), "raw", "D.JPG D.jpeg", False, "pending"),
        (("D.JPG", "D.png"), "other", "D.JPG", False, "pending"),
        (("D.ARW", "D.png"), "raw", "D.png", False, "pending"),
        (("D.JPG", "D.ARW", "D.ARW.xmp"), "jpg", "D.ARW D.ARW.xmp", False, "kept"),
        (("D.JPG", "D.ARW", "D.arw.XMP"), "jpg", "D.ARW D.arw.XMP", False, "kept"),
        (("D.JPG", "D.ARW", "D.JPG.xmp", "D.ARW.xmp", "D.xmp"), "jpg", "D.ARW D.ARW.xmp", False, "kept"),
        (("D.JPG", "D.ARW", "D.xmp"), "", "D.ARW D.JPG D.xmp", True, "removed"),
        (("D.JPG", "D.ARW.xmp"), "", "D.ARW.xmp D.JPG", True, "removed"),
        (("D.JPG", "D.ARW.xmp"), "raw", "D.ARW.xmp D.JPG", False, "removed"),
        (("D.xmp",), "", "D.xmp", True, "removed"),
        (("D.xmp",), "raw", None, False, ""),
        ((), "", "", True, "removed"),
        ((), "jpg", None, False, ""),
    ],
)
def test_what_goes(names: tuple[str, ...], kept: str, going: str | None, goes: bool, derivatives: str) -> None:
    plan = plan_removal(photo(names, Kinds(*(kind in kept.split() for kind in Kinds._fields))))
    assert (None if plan is None else " ".join(file.name for file in plan.going)) == going
    if plan is not None:
        assert (plan.aftermath.photo_goes, plan.aftermath.derivatives) == (goes, derivatives)


@given(photos)
def test_files_of_kept_kinds_stay_and_all_others_go(one: RemovablePhoto) -> None:
    plan = plan_removal(one)
    going = set() if plan is None else {file.name for file in plan.going}
    kept = {kind for kind, keep in one.keep._asdict().items() if keep}
    assert {file.name for file in one.files if file.kind in kept}.isdisjoint(going)
    assert {file.name for file in one.files if file.kind not in kept and file.kind != "sidecar"} <= going


@given(photos)
def test_a_photo_goes_only_with_its_last_file_and_when_nothing_is_kept(one: RemovablePhoto) -> None:
    plan = plan_removal(one)
    if plan is None:
        assert any(one.keep)
    else:
        assert plan.aftermath.photo_goes == (not any(one.keep))
        assert not plan.aftermath.photo_goes or plan.going == one.files


@given(photos)
def test_a_second_commit_finds_nothing_more_to_do(one: RemovablePhoto) -> None:
    plan = plan_removal(one)
    if plan is not None and not plan.aftermath.photo_goes:
        left = [file.name for file in one.files if file not in plan.going]
        assert plan_removal(photo(left, one.keep)) is None


@given(photos, st.data())
def test_what_is_left_after_any_part_of_it_is_what_the_files_say(one: RemovablePhoto, data: st.DataObject) -> None:
    removed = data.draw(st.sets(st.sampled_from([file.name for file in one.files]))) if one.files else set()
    after = aftermath(one, removed)
    assert after.available == {file.kind for file in one.files if file.name not in removed} - {"sidecar"}
    assert (after.derivatives == "removed") == (not after.available)
    assert not after.photo_goes or removed == {file.name for file in one.files}
