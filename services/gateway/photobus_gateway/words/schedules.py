"""Schedules in words."""

from typing import Final

from photobus_common.events.schedules import ScheduleChanged, SkipReason, TickSkipped
from photobus_gateway.words.phrasing import counted, plain, quoted, sentence_of

_WHY_SKIPPED: Final[dict[SkipReason, str]] = {
    "active": "its last run had not ended",
    "not_provided": "no service runs its task",
}


def _changed(data: ScheduleChanged) -> str:
    when = f"at {data.cron}" if data.cron else f"every {counted(data.every_seconds or 0, 'second')}"
    done = "made" if data.version == 1 else "changed"
    return f"Schedule {quoted(plain(data.name))} {done}: {when}, {'on' if data.enabled else 'off'}"


def _skipped(data: TickSkipped) -> str:
    return f"Schedule {quoted(plain(data.name))} was due and started nothing: {_WHY_SKIPPED[data.reason]}"


SENTENCES: Final = (
    sentence_of(ScheduleChanged, _changed),
    sentence_of(TickSkipped, _skipped),
)
