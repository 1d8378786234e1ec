"""Schedules: when tasks begin by themselves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from photobus_client.models import Model, Page
from photobus_client.transport import Transport, path_part


class ScheduledRun(Model):
    """The last task that a schedule started."""

    task_id: UUID
    at: datetime
    status: str


class LastSkip(Model):
    """The last time that a schedule was due and started nothing, and why."""

    at: datetime
    reason: str


class Skipped(Model):
    """How often that was."""

    count: int
    last: LastSkip | None = None


class Schedule(Model):
    """A schedule: it comes ``every_seconds``, or at the times of ``cron`` in UTC; the other is None."""

    name: str
    task_type: str
    every_seconds: int | None = None
    cron: str | None = None
    enabled: bool
    deadline_seconds: int
    last_run: ScheduledRun | None = None
    next_run_at: datetime | None = None
    skipped: Skipped
    version: int


class Schedules:
    """Reads and changes the tenant's schedules."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self) -> list[Schedule]:
        """Return all schedules, by name."""
        return Page[Schedule].model_validate(await self._transport.json("GET", "/api/schedules")).items

    async def set(
        self,
        name: str,
        *,
        every_seconds: int | None = None,
        cron: str | None = None,
        enabled: bool | None = None,
        deadline_seconds: int | None = None,
    ) -> Schedule:
        """Change a schedule and return it; what is None stays as it is."""
        wanted = {
            "every_seconds": every_seconds,
            "cron": cron,
            "enabled": enabled,
            "deadline_seconds": deadline_seconds,
        }
        body: dict[str, Any] = {field: value for field, value in wanted.items() if value is not None}
        path = f"/api/schedules/{path_part(name)}"
        return Schedule.model_validate(await self._transport.json("PUT", path, body=body, repeatable=True))
