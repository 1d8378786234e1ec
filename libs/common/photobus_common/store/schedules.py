"""Schedules as they should be, what came of their last ticks, and the runs that may still be going on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from uuid import UUID

import asyncpg

from photobus_common.cron import Cron
from photobus_common.events.schedules import ScheduleChanged, SkipReason
from photobus_common.store.database import Connection

COLUMNS: Final = """
    tenant, name, task_type, every_seconds, cron, enabled, deadline_seconds, generation, next_at, last_task_id,
    last_run_at, skipped, skipped_at, skipped_reason, version
"""

# A schedule that is there stays as it is: a person may have changed it.
MAKE_MISSING: Final = """
INSERT INTO schedules (tenant, name, task_type, every_seconds, deadline_seconds, next_at, changed_by)
SELECT t.tenant, w.name, w.name, w.seconds, greatest($3, w.seconds),
    date_trunc('second', now()) + w.seconds * interval '1 second', $4
FROM tenants t CROSS JOIN unnest($1::text[], $2::bigint[]) AS w (name, seconds)
ON CONFLICT DO NOTHING RETURNING *
"""

ALL_SCHEDULES: Final = f"SELECT {COLUMNS} FROM schedules ORDER BY tenant, name"  # noqa: S608  constants

LOCK_SCHEDULE: Final = f"SELECT {COLUMNS} FROM schedules WHERE tenant = $1 AND name = $2 FOR UPDATE"  # noqa: S608

SCHEDULES_OF_TENANT: Final = f"""
SELECT {COLUMNS}, t.status AS run_status
FROM schedules s LEFT JOIN LATERAL (SELECT status FROM tasks WHERE id = s.last_task_id) t ON true
WHERE tenant = $1 ORDER BY name
"""  # noqa: S608  all constants

CHANGE: Final = """
UPDATE schedules SET every_seconds = $3, cron = $4, enabled = $5, deadline_seconds = $6, generation = $7, next_at = $8,
    version = version + 1, changed_by = $9, changed_at = now()
WHERE tenant = $1 AND name = $2 RETURNING version
"""

MOVE_ON: Final = """
UPDATE schedules SET last_due = next_at, next_at = $3, generation = $4 WHERE tenant = $1 AND name = $2
"""

START_ANEW: Final = "UPDATE schedules SET next_at = $3, generation = generation + 1 WHERE tenant = $1 AND name = $2"

CLOCK: Final = "SELECT now()"

NOTE_RUN: Final = """
WITH run AS (INSERT INTO schedule_runs (tenant, name, task_id) VALUES ($1, $2, $3))
UPDATE schedules SET last_task_id = $3, last_run_at = now() WHERE tenant = $1 AND name = $2
"""

NOTE_SKIPPED: Final = """
UPDATE schedules SET skipped = skipped + 1, skipped_at = now(), skipped_reason = $3 WHERE tenant = $1 AND name = $2
"""

# A task that the orchestrator has not folded yet has no row and counts as requested.
ACTIVE_RUN: Final = """
SELECT r.task_id FROM schedule_runs r LEFT JOIN tasks t ON t.id = r.task_id
WHERE r.tenant = $1 AND r.name = $2 AND t.ended_at IS NULL AND t.status IS DISTINCT FROM 'waiting'
ORDER BY r.counted_from DESC LIMIT 1
"""

FORGET_ENDED_RUNS: Final = """
DELETE FROM schedule_runs r USING tasks t WHERE t.id = r.task_id AND t.ended_at IS NOT NULL
"""

# What waits for a person is not running.
COUNT_ANEW_WHAT_WAITS: Final = """
UPDATE schedule_runs r SET counted_from = now() FROM tasks t WHERE t.id = r.task_id AND t.status = 'waiting'
"""

ASK_OVERDUE: Final = """
UPDATE schedule_runs r SET cancel_asked_at = now()
FROM tasks t, schedules s
WHERE t.id = r.task_id AND s.tenant = r.tenant AND s.name = r.name AND r.cancel_asked_at IS NULL
    AND t.ended_at IS NULL AND t.status <> 'waiting'
    AND r.counted_from < now() - s.deadline_seconds * interval '1 second'
RETURNING r.task_id, r.tenant, r.name, s.task_type, s.deadline_seconds
"""

# No two intervals lie before the next time, or a clock that was wrong told it. Of cron any day may be the right one.
FAR_AHEAD: Final = f"""
SELECT {COLUMNS} FROM schedules
WHERE enabled AND next_at > now() + $1::interval + coalesce(2 * every_seconds, 86400) * interval '1 second'
ORDER BY tenant, name FOR UPDATE
"""  # noqa: S608  all constants

LATE: Final = "SELECT tenant, name FROM schedules WHERE enabled AND next_at < now() - $1::interval ORDER BY next_at"

STILL_LATE: Final = f"""
SELECT {COLUMNS} FROM schedules
WHERE tenant = $1 AND name = $2 AND enabled AND next_at < now() - $3::interval FOR UPDATE
"""  # noqa: S608  all constants


@dataclass(frozen=True)
class Timing:
    """When a schedule comes: every so many seconds, or at the times of a cron expression. One of the two is None."""

    every_seconds: int | None
    cron: str | None

    @property
    def expression(self) -> str:
        """Return it in the broker's words."""
        return self.cron if self.cron is not None else f"@every {self.every_seconds}s"

    def after(self, moment: datetime) -> datetime:
        """Return when it comes first, if its clock starts at ``moment``."""
        if self.cron is None:
            return moment.replace(microsecond=0) + timedelta(seconds=self.every_seconds or 0)
        following = Cron.parse(self.cron).after(moment)
        if following is None:
            raise ValueError(f"the time of {self.cron!r} never comes")
        return following


@dataclass(frozen=True)
class Schedule:
    """One row. ``generation`` counts its clocks, ``version`` the changes that persons made."""

    tenant: str
    name: str
    task_type: str
    timing: Timing
    enabled: bool
    deadline_seconds: int
    generation: int
    next_at: datetime
    last_task_id: UUID | None
    last_run_at: datetime | None
    skipped: int
    skipped_at: datetime | None
    skipped_reason: str | None
    version: int

    def as_it_stands(self) -> ScheduleChanged:
        """Return what is said in the log when it was made or changed."""
        return ScheduleChanged(
            name=self.name,
            task_type=self.task_type,
            every_seconds=self.timing.every_seconds,
            cron=self.timing.cron,
            enabled=self.enabled,
            deadline_seconds=self.deadline_seconds,
            version=self.version,
        )

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """Read a row that has ``COLUMNS``."""
        values = {name: row[name] for name in cls.__dataclass_fields__ if name != "timing"}
        return cls(timing=Timing(row["every_seconds"], row["cron"]), **values)


@dataclass(frozen=True)
class Overdue:
    """A run that has passed its deadline."""

    task_id: UUID
    tenant: str
    name: str
    task_type: str
    deadline_seconds: int


async def make_missing(
    connection: Connection, intervals: dict[str, int], deadline: timedelta, changed_by: str
) -> list[Schedule]:
    """Give each tenant the schedules that it lacks, and return these; ``intervals`` are seconds by task type."""
    seconds = max(1, round(deadline.total_seconds()))
    rows = await connection.fetch(MAKE_MISSING, list(intervals), list(intervals.values()), seconds, changed_by)
    return [Schedule.of(row) for row in rows]


async def all_schedules(connection: Connection) -> list[Schedule]:
    """Return the schedules of all tenants."""
    return [Schedule.of(row) for row in await connection.fetch(ALL_SCHEDULES)]


async def schedules_of_tenant(connection: Connection, tenant: str) -> list[tuple[Schedule, str | None]]:
    """Return a tenant's schedules by name, each with the status of its last run, None where that has no row yet."""
    return [(Schedule.of(row), row["run_status"]) for row in await connection.fetch(SCHEDULES_OF_TENANT, tenant)]


async def lock_schedule(connection: Connection, tenant: str, name: str) -> Schedule | None:
    """Return a schedule as it will be until the transaction ends."""
    row = await connection.fetchrow(LOCK_SCHEDULE, tenant, name)
    return None if row is None else Schedule.of(row)


async def change(connection: Connection, changed: Schedule, changed_by: str) -> int:
    """Write what a person changed; return the version that it is now."""
    timing = changed.timing
    version: int = await connection.fetchval(
        CHANGE,
        changed.tenant,
        changed.name,
        timing.every_seconds,
        timing.cron,
        changed.enabled,
        changed.deadline_seconds,
        changed.generation,
        changed.next_at,
        changed_by,
    )
    return version


async def move_on(connection: Connection, schedule: Schedule, next_at: datetime, generation: int) -> None:
    """Note that the schedule was due as it said, and will be next at ``next_at``."""
    await connection.execute(MOVE_ON, schedule.tenant, schedule.name, next_at, generation)


async def clock(connection: Connection) -> datetime:
    """Return the time by which schedules are held to be late: that of the database, whoever asks."""
    moment: datetime = await connection.fetchval(CLOCK)
    return moment


async def start_anew(connection: Connection, schedule: Schedule, next_at: datetime) -> None:
    """Let the schedule have another clock, that comes at ``next_at`` first."""
    await connection.execute(START_ANEW, schedule.tenant, schedule.name, next_at)


async def note_run(connection: Connection, schedule: Schedule, task_id: UUID) -> None:
    """Note the task that a tick became."""
    await connection.execute(NOTE_RUN, schedule.tenant, schedule.name, task_id)


async def note_skipped(connection: Connection, schedule: Schedule, reason: SkipReason) -> None:
    """Count a tick that became no task."""
    await connection.execute(NOTE_SKIPPED, schedule.tenant, schedule.name, reason)


async def active_run(connection: Connection, schedule: Schedule) -> UUID | None:
    """Return a run of the schedule that has not ended and does not wait for a person."""
    task_id: UUID | None = await connection.fetchval(ACTIVE_RUN, schedule.tenant, schedule.name)
    return task_id


async def ask_overdue(connection: Connection) -> Sequence[Overdue]:
    """Forget runs that have ended, and return, each once, those that have gone on for longer than they may."""
    await connection.execute(FORGET_ENDED_RUNS)
    await connection.execute(COUNT_ANEW_WHAT_WAITS)
    return [Overdue(*row.values()) for row in await connection.fetch(ASK_OVERDUE)]


async def far_ahead(connection: Connection, late: timedelta) -> list[Schedule]:
    """Return, as they will be until the transaction ends, schedules that may be due later than they should."""
    return [Schedule.of(row) for row in await connection.fetch(FAR_AHEAD, late)]


async def late_schedules(connection: Connection, late: timedelta) -> list[tuple[str, str]]:
    """Return tenant and name of schedules that were due longer ago than ``late``, as far as anybody noted."""
    return [(row["tenant"], row["name"]) for row in await connection.fetch(LATE, late)]


async def lock_late(connection: Connection, tenant: str, name: str, late: timedelta) -> Schedule | None:
    """Return such a schedule as it will be until the transaction ends; None when somebody was faster."""
    row = await connection.fetchrow(STILL_LATE, tenant, name, late)
    return None if row is None else Schedule.of(row)
