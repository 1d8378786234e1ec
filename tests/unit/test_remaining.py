"""How much longer something takes: a guess, and none while nobody can know."""

from datetime import UTC, datetime, timedelta

import pytest

from photobus_gateway.remaining import remaining_seconds

BEGAN = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("done", "total", "took", "rest"),
    [
        (1, 4, 10, 30.0),
        (4, 4, 10, 0.0),
        (5, 4, 10, 0.0),
        (3, 10, 1, 2.3),
        (1, 4, -5, 0.0),
        (0, 4, 10, None),
        (2, None, 10, None),
        (2, 4, None, None),
    ],
)
def test_the_rest_takes_as_long_as_what_is_done_did(
    done: int, total: int | None, took: float | None, rest: float | None
) -> None:
    now = BEGAN if took is None else BEGAN + timedelta(seconds=took)
    assert remaining_seconds(done, total, None if took is None else BEGAN, now) == rest
