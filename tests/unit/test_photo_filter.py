"""The filter descriptor: its SQL takes every value as a parameter, and what events store of it reads back the same."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from photobus_common.store.filters import PhotoFilter, photo_filter_sql

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)
filters = st.builds(
    PhotoFilter,
    project_folder=st.none() | words,
    date_from=st.none() | st.dates(),
    date_to=st.none() | st.dates(),
    file_type=st.sampled_from(["any", "jpg_only", "raw_only", "both"]),
    keep_type=st.sampled_from(["any", "any_kept", "jpg_only", "raw_jpg", "none"]),
    orientation=st.sampled_from(["any", "landscape", "portrait", "square"]),
    tags=st.lists(words, max_size=4).map(tuple),
    text=st.none() | words,
    status=st.none() | st.sampled_from(["pending", "generated", "failed", "missing", "not_supported"]),
)


@given(wanted=filters, first=st.integers(1, 9))
def test_every_value_is_a_parameter_of_its_own_number(wanted: PhotoFilter, first: int) -> None:
    sql, params = photo_filter_sql("user_0", wanted, first)
    used = {int(number) for number in re.findall(r"\$(\d+)", sql)}
    assert used == set(range(first, first + len(params)))
    assert "{" not in sql
    assert params[0] == "user_0"
    for value in (wanted.project_folder, wanted.text, *wanted.tags):
        assert value is None or len(value) < 12 or value not in sql


@given(wanted=filters)
def test_what_an_event_stores_means_the_same(wanted: PhotoFilter) -> None:
    stored = wanted.descriptor()
    assert PhotoFilter.model_validate(stored) == wanted
    assert photo_filter_sql("user_0", stored) == photo_filter_sql("user_0", wanted)


@given(wanted=filters)
def test_all_photos_of_a_project_or_the_library_need_no_counting(wanted: PhotoFilter) -> None:
    assert wanted.restricts_only_project is (wanted.model_copy(update={"project_folder": None}) == PhotoFilter())


@pytest.mark.parametrize("wanted", [{"text": "\x00"}, {"tags": ["a\x00b"]}, {"project_folder": "\x00"}])
def test_what_no_database_can_hold_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PhotoFilter.model_validate(wanted)


def test_wildcards_of_like_are_taken_literally() -> None:
    assert photo_filter_sql("user_0", {"text": r"50%_\x"})[1][-1] == r"%50\%\_\\x%"


def test_the_last_day_there_is_has_an_end() -> None:
    _, params = photo_filter_sql("user_0", {"date_to": date.max})
    assert params[-1].year == 9999


@pytest.mark.parametrize("descriptor", [{"colour": "red"}, {"tags": [""]}, {"date_from": "soon"}, {"status": "lost"}])
def test_a_descriptor_that_is_none_is_refused(descriptor: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        photo_filter_sql("user_0", descriptor)
