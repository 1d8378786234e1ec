"""Conditional and partial requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_gateway.conditional import Part, UnsatisfiableRangeError, is_current, wanted_part

TAG = '"abc.1"'


@pytest.mark.parametrize(
    ("header", "current"),
    [
        (None, False),
        ("*", True),
        ('"abc.1"', True),
        ('W/"abc.1"', True),
        ('"x", "abc.1"', True),
        ('"x,\\"abc.1", "y"', False),
        ('"abc"', False),
        ("abc.1", False),
        ("", False),
    ],
)
def test_if_none_match(header: str | None, current: bool) -> None:
    assert is_current(header, TAG) is current


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", Part(0, 1, 10)),
        ("bytes=0-", Part(0, 10, 10)),
        ("bytes=3-5", Part(3, 6, 10)),
        ("bytes=3-99", Part(3, 10, 10)),
        ("bytes=-4", Part(6, 10, 10)),
        ("bytes=-99", Part(0, 10, 10)),
        ("Bytes=0-0", Part(0, 1, 10)),  # names of units know no case (RFC 9110, section 14.1)
        ("bytes = 1 - 2 ", Part(1, 3, 10)),
        ("bytes=0-1,3-4", None),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("items=0-1", None),
        ("bytes=0-" + "9" * 30, None),
        (None, None),
    ],
)
def test_ranges(header: str | None, expected: Part | None) -> None:
    assert wanted_part(header, None, TAG, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=11-12", "bytes=-0"])
def test_ranges_beyond_the_end(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        wanted_part(header, None, TAG, 10)


def test_a_range_of_another_version_is_not_served() -> None:
    assert wanted_part("bytes=0-1", TAG, TAG, 10) == Part(0, 2, 10)
    assert wanted_part("bytes=0-1", '"old"', TAG, 10) is None
    assert wanted_part("bytes=0-1", "Sat, 01 Jan 2000 00:00:00 GMT", TAG, 10) is None


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 40))
def test_a_part_lies_within_its_whole(first: int, last: int, size: int) -> None:
    try:
        part = wanted_part(f"bytes={first}-{last}", None, TAG, size)
    except UnsatisfiableRangeError:
        assert first >= size
        return
    if part is not None:
        assert part.content_range == f"bytes {first}-{min(last, size - 1)}/{size}"
        assert part.length == min(last, size - 1) - first + 1
