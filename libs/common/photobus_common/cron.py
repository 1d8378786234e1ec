"""Cron expressions of six fields, as the broker reads them, in UTC. Pure.

The fields are second, minute, hour, day of the month, month, day of the week (0 to 6 from Sunday). Each is ``*``, a
number or name, a range, any of these with a step, or several of all that with commas between. Where both days are
restricted, one of them is enough.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple, Self

SECONDS_A_DAY: Final = 86_400

DAYS_AHEAD: Final = 5 * 365
"""How far ahead a time is looked for; the broker refuses what does not come within five years."""

_MOST_DIGITS: Final = 9
"""The broker reads no number of any length."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class _Kind(NamedTuple):
    """One of the six fields and what it may hold."""

    title: str
    least: int
    most: int
    names: Mapping[str, int]


_KINDS: Final = (
    _Kind("second", 0, 59, {}),
    _Kind("minute", 0, 59, {}),
    _Kind("hour", 0, 23, {}),
    _Kind("day of the month", 1, 31, {}),
    _Kind("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    _Kind("day of the week", 0, 6, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


class CronError(ValueError):
    """The expression is none; the message says what is wrong with it."""


@dataclass(frozen=True)
class _Field:
    """The values of a field; ``free`` says that it restricts nothing."""

    values: frozenset[int]
    free: bool


@dataclass(frozen=True)
class Cron:
    """The times of one expression."""

    second: _Field
    minute: _Field
    hour: _Field
    day: _Field
    month: _Field
    weekday: _Field

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Read ``expression``; raises ``CronError``, also when its time never comes."""
        words = expression.split()
        if len(words) != len(_KINDS):
            raise CronError(f"give {len(_KINDS)} fields (second, minute, hour, day, month, weekday), not {len(words)}")
        cron = cls(*(_field(word, kind) for word, kind in zip(words, _KINDS, strict=True)))
        if cron.after(datetime.now(UTC)) is None:
            raise CronError("its time never comes")
        return cron

    def after(self, moment: datetime) -> datetime | None:
        """Return the first of its times after ``moment``; None when there is none within five years."""
        first = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for ahead in range(DAYS_AHEAD + 1):
            day = first.date() + timedelta(days=ahead)
            if self._comes_on(day):
                earliest = _second_of_day(first.time()) if ahead == 0 else 0
                for second in self._seconds_of_day:
                    if second >= earliest:
                        return datetime.combine(day, time(), UTC) + timedelta(seconds=second)
        return None

    @property
    def least_gap_seconds(self) -> int:
        """Return the fewest seconds between two of its times, on days of which one follows the other."""
        times = self._seconds_of_day
        overnight = times[0] + SECONDS_A_DAY - times[-1]
        return min(overnight, *(later - earlier for earlier, later in pairwise(times)), SECONDS_A_DAY)

    @cached_property
    def _seconds_of_day(self) -> tuple[int, ...]:
        return tuple(
            (hour * 60 + minute) * 60 + second
            for hour in sorted(self.hour.values)
            for minute in sorted(self.minute.values)
            for second in sorted(self.second.values)
        )

    def _comes_on(self, day: date) -> bool:
        in_month = day.day in self.day.values
        in_week = day.isoweekday() % 7 in self.weekday.values
        matches = (in_month and in_week) if self.day.free or self.weekday.free else (in_month or in_week)
        return matches and day.month in self.month.values


def _second_of_day(moment: time) -> int:
    return (moment.hour * 60 + moment.minute) * 60 + moment.second


def _field(word: str, kind: _Kind) -> _Field:
    values: set[int] = set()
    free = False
    for part in word.split(","):
        values.update(_values(part, kind))
        span, _, step = part.partition("/")
        free = free or (span == "*" and step.lstrip("0") in {"", "1"})
    return _Field(frozenset(values), free)


def _values(part: str, kind: _Kind) -> Iterator[int]:
    """Yield the values of what stands between two commas."""
    span, slash, step = part.partition("/")
    first, hyphen, last = span.partition("-")
    if span == "*":
        begin, end = kind.least, kind.most
    else:
        begin = _number(first, kind)
        end = _number(last, kind) if hyphen else kind.most if slash else begin
    width = _number_word(step, part) if slash else 1
    if width < 1 or begin > end:
        raise CronError(f"{part!r} is no {kind.title}")
    return iter(range(begin, end + 1, width))


def _number(word: str, kind: _Kind) -> int:
    number = kind.names.get(word.lower())
    if number is None:
        number = _number_word(word, word)
    if not kind.least <= number <= kind.most:
        raise CronError(f"{word!r} is no {kind.title}: it is {kind.least} to {kind.most}")
    return number


def _number_word(word: str, part: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS):
        raise CronError(f"{part!r} is not understood")
    return int(word)
