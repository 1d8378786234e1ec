"""Events of schedules: what they are and were changed to, and which of their ticks started nothing, and why."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from photobus_common import subjects
from photobus_common.events.envelope import EventData

SkipReason = Literal["active", "not_provided"]
"""``active``: the last run of the schedule has not ended; ``not_provided``: no service runs a job type of the task."""


class ScheduleEvent(EventData):
    """Base of the events of one schedule of the tenant."""

    name: str
    task_type: str

    def subject(self, tenant: str) -> str:
        """Return the tenant's schedule subject."""
        return subjects.schedule_subject(tenant)


class ScheduleChanged(ScheduleEvent):
    """A schedule was made as the settings say, or a person changed it; this is how it stands now.

    It comes ``every_seconds``, or at the times of ``cron``; the other one is absent. ``version`` counts the changes,
    and is 1 before the first.
    """

    TYPE: ClassVar[str] = "ScheduleChanged"

    every_seconds: int | None = None
    cron: str | None = None
    enabled: bool
    deadline_seconds: int
    version: int


class TickSkipped(ScheduleEvent):
    """A schedule was due and started nothing, for this reason. ``active_task`` is the run that is still going on."""

    TYPE: ClassVar[str] = "TickSkipped"

    due: datetime
    reason: SkipReason
    active_task: UUID | None = None
