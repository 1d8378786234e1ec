"""What a caller may give as the place in the log that an answer is about."""

from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import make_mocked_request

from photobus_common.errors import InvalidInputError
from photobus_gateway.as_of import MAX_SEQUENCE, AsOf, AsOfInput
from photobus_gateway.inputs import Input, from_query


class Query(Input):
    """A query that may name a place in the log."""

    as_of: AsOfInput | None = None


def read(given: str) -> AsOf | None:
    """Read the query as the gateway does."""
    return from_query(make_mocked_request("GET", f"/api/photos?as_of={given}"), Query).as_of


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("0", 0),
        ("007", 7),
        (str(MAX_SEQUENCE), MAX_SEQUENCE),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01t14:30:00.25%2B02:30", datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_a_sequence_or_a_time_with_its_zone(given: str, meant: int | datetime) -> None:
    assert read(given) == AsOf(meant)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "-1",
        "1.5",
        "%D9%A3",
        "yesterday",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-02-30T12:00:00Z",
        "2026-03-01T12:00:00%2B25:00",
        "0001-01-01T00:00:00%2B14:00",
    ],
)
def test_what_is_neither_names_the_field(given: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(given)

    assert [error.field for error in refused.value.fields] == ["query.as_of"]


@pytest.mark.parametrize("given", [str(MAX_SEQUENCE + 1), "9" * 5000])
def test_a_sequence_too_large_names_the_limit(given: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(given)

    assert [(error.field, error.limit) for error in refused.value.fields] == [("query.as_of", MAX_SEQUENCE)]
