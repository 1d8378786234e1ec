"""What a person's words make of a photo: planned purely, told by project, and the same words again change nothing."""

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.catalogue_changes import (
    MAX_TAGS_OF_PHOTO,
    CataloguePhoto,
    KeepWish,
    Kinds,
    TagsChange,
    keep_events,
    plan_all,
    plan_keep,
    plan_revert,
    plan_tags,
    tags_events,
)
from photobus_common.events import Origin, encode
from photobus_common.events.envelope import MAX_EVENT_BYTES
from photobus_common.events.projects import KeepChanged, TagsChanged

NUMBERS = count(1)
PAIR = Kinds(jpg=True, raw=True, other=False)
kinds = st.builds(Kinds, st.booleans(), st.booleans(), st.booleans())
tags = st.lists(st.sampled_from("abcdef"), max_size=4)
photos = st.builds(lambda available, keep, names: photo(available=available, keep=keep, tags=names), kinds, kinds, tags)


def photo(
    project_id: int = 1,
    available: Kinds = PAIR,
    keep: Kinds = PAIR,
    tags: Sequence[str] = (),
) -> CataloguePhoto:
    number = next(NUMBERS)
    names = tuple(sorted(set(tags)))
    return CataloguePhoto(number, project_id, f"F{project_id}", f"IMG_{number}", 1, available, keep, names)


@pytest.mark.parametrize(
    ("wish", "keep"),
    [
        (KeepWish(jpg=False), Kinds(False, True, False)),
        (KeepWish(raw=False, jpg=False), Kinds(False, False, False)),
        (KeepWish(jpg=True), None),
        (KeepWish(), None),
    ],
)
def test_only_what_is_named_changes(wish: KeepWish, keep: Kinds | None) -> None:
    change = plan_keep(photo(), wish)
    assert (change and change.keep) == keep


@given(photos)
def test_a_revert_leaves_nothing_pending_and_takes_nothing_that_is_kept(one: CataloguePhoto) -> None:
    change = plan_revert(one)
    after = one if change is None else change.after
    assert not any(there and not kept for there, kept in zip(after.available, after.keep, strict=True))
    assert all(now or not before for now, before in zip(after.keep, one.keep, strict=True))
    assert plan_revert(after) is None


@given(photos, tags, tags)
def test_tags_are_sets_and_the_same_again_changes_nothing(one: CataloguePhoto, add: list[str], gone: list[str]) -> None:
    change = plan_tags(one, add, gone)
    after = one if change is None else change.after
    assert set(after.tags) == {*one.tags, *add} - set(gone)
    assert plan_tags(after, add, gone) is None


def test_a_photo_gets_no_more_tags_than_it_may_and_still_loses_some() -> None:
    many = [f"{number:03d}" for number in range(MAX_TAGS_OF_PHOTO)]
    full, other = photo(tags=many), photo()
    planned = plan_all([full, other], lambda one: plan_tags(one, add=["x"]))
    assert list(planned.changes) == [other.id]
    assert "at most 200 tags; this one would have 201" in str(planned.refused[full.id])
    assert plan_tags(full, add=["x"], remove=["000"]) is not None
    beyond = photo(tags=[*many, "y", "z"])
    loses = plan_tags(beyond, remove=["y"])
    assert loses is not None
    assert len(loses.tags) == MAX_TAGS_OF_PHOTO + 1


def test_the_longest_tags_of_a_photo_fit_into_one_event() -> None:
    names = [f"{number:03d}{chr(0x1F600) * 97}" for number in range(MAX_TAGS_OF_PHOTO)]
    change = plan_tags(photo(tags=names[:-50]), add=names[-50:])
    assert change is not None
    (told,) = tags_events([change], {change.photo.id: 2})
    assert len(encode(Origin("/test", "user_0", "test").event(told))) < MAX_EVENT_BYTES // 2


def test_changes_are_told_by_project_each_once_with_what_undo_needs() -> None:
    ones = [photo(project_id) for project_id in (2, 1, 2)]
    changes = [change for one in ones if (change := plan_keep(one, KeepWish(jpg=False)))]
    told = [data for data in keep_events(changes, {one.id: 7 for one in ones}) if isinstance(data, KeepChanged)]

    assert [(data.project_id, data.project_folder) for data in told] == [(1, "F1"), (2, "F2")]
    assert [said.photo_id for data in told for said in data.photos] == [ones[1].id, ones[0].id, ones[2].id]
    first = told[0].photos[0]
    assert (first.before.jpg, first.after.jpg, first.version) == (True, False, 7)


def test_many_changes_are_cut_into_events_that_fit() -> None:
    ones = [photo(tags=["t" * 100 + str(number)]) for number in range(3000)]
    changes = [TagsChange(one, ("new" * 30,), one.tags) for one in ones]
    told = [data for data in tags_events(changes, {one.id: 2 for one in ones}) if isinstance(data, TagsChanged)]

    assert len(told) > 1
    assert [said.photo_id for data in told for said in data.photos] == [one.id for one in ones]
    assert {said.tags for data in told for said in data.photos} == {("new" * 30,)}
