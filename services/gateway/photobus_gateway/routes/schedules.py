"""When tasks begin by themselves: how it stands, and changing it."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final, NoReturn, Self
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, field_validator, model_validator

from photobus_common.config import MAX_INTERVAL
from photobus_common.cron import Cron, CronError
from photobus_common.errors import FieldError, InvalidInputError, NotFoundError
from photobus_common.events.schedules import SkipReason
from photobus_common.store import schedules as store
from photobus_common.store.schedules import Schedule, Timing
from photobus_common.store.unit_of_work import UnitOfWork, unit_of_work
from photobus_gateway.callers import caller_of, origin_of
from photobus_gateway.inputs import Input, never_null
from photobus_gateway.keys import DATABASE, PUBLISHER, SETTINGS
from photobus_gateway.registry import route
from photobus_gateway.task_answers import TaskStatus

MAX_CRON: Final = 200
"""Longest cron expression, in characters."""

Seconds = Annotated[int, Field(ge=1, le=MAX_INTERVAL)]


class ScheduledRun(BaseModel):
    """The last task that a schedule started: when, and how it stands now."""

    task_id: UUID
    at: datetime
    status: TaskStatus


class LastSkip(BaseModel):
    """The last time that a schedule was due and started nothing, and why."""

    at: datetime
    reason: SkipReason


class Skipped(BaseModel):
    """How often that was."""

    count: int
    last: LastSkip | None


class ScheduleView(BaseModel):
    """A schedule. It comes ``every_seconds`` or at the times of ``cron`` (UTC); the other is null.

    ``next_run_at`` is null while it is not enabled.
    """

    name: str
    task_type: str
    every_seconds: int | None
    cron: str | None
    enabled: bool
    deadline_seconds: int
    last_run: ScheduledRun | None
    next_run_at: datetime | None
    skipped: Skipped
    version: int


class ScheduleList(BaseModel):
    """All schedules of the tenant, by name."""

    items: list[ScheduleView]
    total: int


class SchedulePath(Input):
    """A path that names a schedule."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[a-z][a-z_]*$")


class ScheduleChange(Input):
    """What is to be different; what is absent stays as it is. One of the two timings at most."""

    model_config = Input.model_config | {"json_schema_extra": {"minProperties": 1}}

    every_seconds: Seconds | None = Field(
        default=None,
        json_schema_extra=never_null,
        description="Seconds from one run to the next; at least those of the setting `schedules.least_seconds`.",
    )
    cron: str | None = Field(
        default=None,
        min_length=11,
        max_length=MAX_CRON,
        json_schema_extra=never_null,
        description="Six fields: second, minute, hour, day of the month, month, day of the week from Sunday = 0; UTC.",
    )
    enabled: bool | None = Field(default=None, json_schema_extra=never_null)
    deadline_seconds: Seconds | None = Field(
        default=None,
        json_schema_extra=never_null,
        description="A run that takes longer is asked to stop.",
    )

    @field_validator("every_seconds", "cron", "enabled", "deadline_seconds")
    @classmethod
    def _not_null(cls, value: object) -> object:
        if value is None:
            raise ValueError("must not be null; leave it out instead")
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give at least one of every_seconds, cron, enabled, deadline_seconds")
        if self.every_seconds is not None and self.cron is not None:
            raise ValueError("give every_seconds or cron, not both")
        return self


@route("GET", "/api/schedules", role="viewer", summary="List schedules")
async def list_schedules(request: web.Request) -> ScheduleList:
    """List when which tasks begin by themselves, with the last run, the next one, and what was skipped."""
    async with request.app[DATABASE].connection() as connection:
        found = await store.schedules_of_tenant(connection, caller_of(request).tenant)
    return ScheduleList(items=[_view(schedule, status) for schedule, status in found], total=len(found))


@route("PUT", "/api/schedules/{name}", role="admin", summary="Change a schedule", errors=(NotFoundError,))
async def change_schedule(request: web.Request, path: SchedulePath, body: ScheduleChange) -> ScheduleView:
    """Change when a task begins by itself, or whether it does.

    A new timing counts from now on, and the next run of the old one does not come. What is as it was is not changed: an
    interval does not start anew.
    """
    timing = _timing(body, request.app[SETTINGS].schedules.least_seconds)
    tenant = caller_of(request).tenant
    async with unit_of_work(request.app[DATABASE], request.app[PUBLISHER]) as work:
        before = await store.lock_schedule(work.connection, tenant, path.name)
        if before is None:
            raise NotFoundError(f"There is no schedule {path.name}.")
        after = _changed(before, body, timing or before.timing, await store.clock(work.connection))
        if after != before:
            await _change(work, request, after)
        found = await store.schedules_of_tenant(work.connection, tenant)
    return next(_view(schedule, status) for schedule, status in found if schedule.name == path.name)


def _changed(before: Schedule, body: ScheduleChange, timing: Timing, moment: datetime) -> Schedule:
    """Return the schedule as it is to be at ``moment``; another timing, or switching it on or off, starts its clock."""
    after = replace(
        before,
        timing=timing,
        enabled=before.enabled if body.enabled is None else body.enabled,
        deadline_seconds=body.deadline_seconds or before.deadline_seconds,
    )
    if (after.timing, after.enabled) == (before.timing, before.enabled):
        return after
    return replace(after, generation=before.generation + 1, next_at=timing.after(moment))


async def _change(work: UnitOfWork, request: web.Request, after: Schedule) -> None:
    origin = origin_of(request)
    version = await store.change(work.connection, after, origin.actor)
    work.emit(origin.event(replace(after, version=version).as_it_stands()))


def _timing(body: ScheduleChange, least: int) -> Timing | None:
    """Return the timing that is asked for, if any; raises a 400 that names the field and the limit."""
    if body.every_seconds is not None:
        if body.every_seconds < least:
            _refuse("every_seconds", f"must be at least {least}", least)
        return Timing(body.every_seconds, None)
    if body.cron is None:
        return None
    try:
        cron = Cron.parse(body.cron)
    except CronError as error:
        _refuse("cron", str(error))
    if cron.least_gap_seconds < least:
        _refuse("cron", f"comes every {cron.least_gap_seconds} seconds; at least {least} must lie between", least)
    return Timing(None, " ".join(body.cron.split()))


def _refuse(field: str, message: str, limit: int | None = None) -> NoReturn:
    raise InvalidInputError(f"{field}: {message}", fields=(FieldError(field, message, limit),))


def _view(schedule: Schedule, status: str | None) -> ScheduleView:
    run = {"task_id": schedule.last_task_id, "at": schedule.last_run_at, "status": status or "requested"}
    skip = {"at": schedule.skipped_at, "reason": schedule.skipped_reason}
    return ScheduleView(
        name=schedule.name,
        task_type=schedule.task_type,
        every_seconds=schedule.timing.every_seconds,
        cron=schedule.timing.cron,
        enabled=schedule.enabled,
        deadline_seconds=schedule.deadline_seconds,
        last_run=ScheduledRun.model_validate(run) if schedule.last_task_id else None,
        next_run_at=schedule.next_at if schedule.enabled else None,
        skipped=Skipped(
            count=schedule.skipped,
            last=LastSkip.model_validate(skip) if schedule.skipped_at else None,
        ),
        version=schedule.version,
    )


ROUTES = [list_schedules, change_schedule]
