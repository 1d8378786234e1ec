"""Cursors of pages: whatever the key, it comes back; whatever else is sent, it is refused by name."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.errors import InvalidInputError
from photobus_common.store import keyset
from photobus_common.store.keyset import Cursor, Sort

BY_TIME = Sort("taken_at", "p.taken_at", "p.id", keyset.timestamp, keyset.number, descending=True)
BY_NAME = Sort("filename", "p.filename", "p.id", keyset.text, keyset.number, descending=False)
BY_AGE = Sort("created_at", "t.created_at", "t.id", keyset.timestamp, keyset.uuid, descending=True)

numbers = st.integers(-(2**63), 2**63 - 1)
moments = st.datetimes(timezones=st.just(UTC))
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=255)
keys = st.one_of(
    st.tuples(st.just(BY_TIME), moments, numbers),
    st.tuples(st.just(BY_NAME), names, numbers),
    st.tuples(st.just(BY_AGE), moments, st.uuids()),
)


@given(key=keys, backward=st.booleans())
def test_a_cursor_comes_back_as_it_was(key: tuple[Sort, Any, Any], backward: bool) -> None:
    sort, value, tie = key
    cursor = Cursor(sort.word, value, tie, backward)
    assert Cursor.decode(cursor.encode(), sort) == cursor


@given(text=st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda raw: raw.decode("latin-1"))))
def test_other_texts_are_refused_with_the_field(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        Cursor.decode(text, BY_TIME)
    assert [field.field for field in refused.value.fields] == ["query.cursor"]


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(BY_TIME.directed(descending=False).word, datetime(2026, 1, 1, tzinfo=UTC), 1),
        Cursor(BY_TIME.word, "yesterday", 1),
        Cursor(BY_TIME.word, datetime(2026, 1, 1), 1),  # noqa: DTZ001  a time without a zone is the case
        Cursor(BY_TIME.word, datetime(2026, 1, 1, tzinfo=UTC), 2**63),
        Cursor(BY_TIME.word, datetime(2026, 1, 1, tzinfo=UTC), True),
        Cursor(BY_TIME.word, "0001-01-01T00:00:00+14:00", 1),
        Cursor(BY_TIME.word, "9999-12-31T23:59:59-14:00", 1),
        Cursor(BY_TIME.word, None, None),
        Cursor(BY_TIME.word, [["x"] * 3000], 1),
    ],
)
def test_well_formed_cursors_with_wrong_keys_are_refused(cursor: Cursor) -> None:
    with pytest.raises(InvalidInputError):
        Cursor.decode(cursor.encode(), BY_TIME)


def test_text_and_ids_are_checked_too() -> None:
    with pytest.raises(InvalidInputError):
        Cursor.decode(Cursor(BY_NAME.word, "nul\0", 1).encode(), BY_NAME)
    with pytest.raises(InvalidInputError):
        Cursor.decode(Cursor(BY_AGE.word, datetime(2026, 1, 1, tzinfo=UTC), "no-uuid").encode(), BY_AGE)
    assert keyset.uuid(str(UUID(int=7))) == UUID(int=7)
