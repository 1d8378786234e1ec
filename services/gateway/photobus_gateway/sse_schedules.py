"""What a live-update client is told of schedules. Pure, as all of ``sse_events``."""

from typing import Final

from photobus_common.events import Event
from photobus_common.events.schedules import ScheduleChanged, TickSkipped
from photobus_gateway.sse_messages import Expansion, SseEvent, expansion_of


def _schedule_changed(data: ScheduleChanged, _event: Event) -> list[SseEvent]:
    body = {
        "name": data.name,
        "task_type": data.task_type,
        "every_seconds": data.every_seconds,
        "cron": data.cron,
        "enabled": data.enabled,
        "deadline_seconds": data.deadline_seconds,
        "version": data.version,
    }
    return [SseEvent("jobs", "schedule_changed", body)]


def _tick_skipped(data: TickSkipped, _event: Event) -> list[SseEvent]:
    body = {
        "name": data.name,
        "task_type": data.task_type,
        "due": data.due.isoformat(),
        "reason": data.reason,
        "active_task": str(data.active_task) if data.active_task else None,
    }
    return [SseEvent("jobs", "tick_skipped", body)]


HANDLERS: Final[dict[str, Expansion]] = dict(
    (
        expansion_of(ScheduleChanged, _schedule_changed),
        expansion_of(TickSkipped, _tick_skipped),
    ),
)
