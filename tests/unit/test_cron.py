"""Cron expressions: which times they name, what is refused, and that nothing is allowed that the broker refuses."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.cron import Cron, CronError

MONDAY = datetime(2026, 3, 2, 12, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 0 * * * *", "2026-03-02T13:00:00"),
        ("15 30 12 * * *", "2026-03-03T12:30:15"),  # now is not after now
        ("*/20 * * * * *", "2026-03-02T12:30:20"),
        ("0 30-40/5 12 * * *", "2026-03-02T12:35:00"),
        ("0 50/5 * * * *", "2026-03-02T12:50:00"),
        ("0 0 3 * * sun", "2026-03-08T03:00:00"),
        ("0 0 3 * * 0", "2026-03-08T03:00:00"),
        ("0 0 3 1,15 * *", "2026-03-15T03:00:00"),
        ("0 0 3 13 * FRI", "2026-03-06T03:00:00"),  # both days are restricted: one is enough
        ("0 0 3 13 * *", "2026-03-13T03:00:00"),
        ("0 0 3 1 Jan *", "2027-01-01T03:00:00"),
        ("0 0 3 29 2 *", "2028-02-29T03:00:00"),
        ("0 0 3 */1 * fri", "2026-03-06T03:00:00"),  # such a step leaves out nothing
        ("0 0 0 * apr-may mon-fri/2", "2026-04-01T00:00:00"),
    ],
)
def test_the_next_time(expression: str, following: str) -> None:
    assert Cron.parse(expression).after(MONDAY) == datetime.fromisoformat(following).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        ("0 0 * * * *", 3600),
        ("0 */7 * * * *", 240),  # from minute 56 to the next hour's first
        ("0 0 3 * * *", 86_400),
        ("0 0 1,23 * * *", 7200),
        ("0,1 0 0 * * *", 1),
        ("0 0 3 1 1 *", 86_400),
    ],
)
def test_the_least_time_between(expression: str, gap: int) -> None:
    assert Cron.parse(expression).least_gap_seconds == gap


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "",
            "* * * * *",
            "* * * * * * *",
            "60 * * * * *",
            "* 60 * * * *",
            "* * 24 * * *",
            "* * * 0 * *",
            "* * * 32 * *",
        ),
        *("* * * * 0 *", "* * * * 13 *", "* * * * * 7", "*/0 * * * * *", "5-1 * * * * *", "1-2-3 * * * * *"),
        *(
            "1/2/3 * * * * *",
            ", * * * * *",
            "1,,2 * * * * *",
            "-1 * * * * *",
            "+1 * * * * *",
            "a * * * * *",
            "1- * * * * *",
        ),
        *("* * * * mon *", "٣ * * * * *", "@daily", "0 0 0 31 2 *", "*-5 * * * * *", "? * * * * *"),
        "9" * 5000 + " * * * * *",
        "*/99999999999999999999 0 3 * * *",
        "0000000059 0 3 * * *",
    ],
)
def test_what_is_refused(expression: str) -> None:
    with pytest.raises(CronError):
        Cron.parse(expression)


def field(least: int, most: int) -> st.SearchStrategy[str]:
    """Make fields of all forms that are understood."""
    number = st.integers(least, most)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    one = st.one_of(st.just("*"), number.map(str), span)
    stepped = st.one_of(one, st.tuples(one, st.integers(1, most)).map(lambda pair: f"{pair[0]}/{pair[1]}"))
    return st.lists(stepped, min_size=1, max_size=3).map(",".join)


EXPRESSIONS = st.tuples(field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)).map(" ".join)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=3650)).map(lambda later: MONDAY + later)


@given(EXPRESSIONS, MOMENTS)
def test_times_follow_each_other_no_closer_than_is_said(expression: str, moment: datetime) -> None:
    try:
        cron = Cron.parse(expression)
    except CronError:  # its time never comes
        return
    first = cron.after(moment)
    second = cron.after(first) if first else None
    assert first is None or first > moment
    assert first is None or second is None or second - first >= timedelta(seconds=cron.least_gap_seconds)
