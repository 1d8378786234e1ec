"""A tenant's timetable in tests: its schedule as a row, ticks made by hand, and what became of them and the broker's.

Started as a program, it is an orchestrator that kills itself at a chosen point.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from bus_traffic import until
from forking import FORK_SERVER, Fork
from running_orchestrator import Running

from photobus_common.bus import schedules as bus
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError, request
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.relay import OutboxRelay
from photobus_common.bus.schedules import Plan
from photobus_common.config import Events, Pipeline, Schedules, Settings
from photobus_common.cron import Cron
from photobus_common.definitions import Definitions, load_definitions
from photobus_common.events import Event, decode
from photobus_common.store import schedules as store
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_common.subjects import SCHEDULES_STREAM, plan_subject, tick_subject
from photobus_orchestrator import schedules
from photobus_orchestrator.app import Orchestrator
from photobus_orchestrator.schedules import Scheduler

TENANT: Final = "user_0"
NAME: Final = "integrity_check"
"""The schedule that tests change; its task has one step."""

BY_HAND: Final = "schedule.by_hand"
"""Where the message lies that makes ticks beside those of the true schedule."""

A_YEAR: Final = 366 * 86_400

POINTS: Final = ("tick taken", "event written", "event committed")
"""Where an orchestrator dies: with a tick in hand, before and after the commit of what it became."""

SET: Final = """
INSERT INTO schedules (tenant, name, task_type, every_seconds, cron, deadline_seconds, next_at, changed_by)
VALUES ($1, $2, $2, $3, $4, $5, $6, 'test')
ON CONFLICT (tenant, name) DO UPDATE SET every_seconds = excluded.every_seconds, cron = excluded.cron,
    deadline_seconds = excluded.deadline_seconds, next_at = excluded.next_at, generation = schedules.generation + 1
RETURNING generation
"""

SAID: Final = """
SELECT payload FROM event_log WHERE actor = $1
UNION SELECT convert_from(payload, 'UTF8') FROM outbox WHERE kind = 'event'
    AND convert_from(payload, 'UTF8')::json->>'actor' = $1
"""

STARTED: Final = "SELECT id FROM tasks WHERE type = $1 ORDER BY created_at"

DEFAULTS: Final = [
    ("folder_discovery", 300, 86_400, True),
    ("integrity_check", 604_800, 604_800, True),
    ("maintenance_global", 3600, 86_400, True),
    ("project_scavenge_global", 3600, 86_400, True),
]

PLANS: Final = {plan_subject(TENANT, name) for name, *_ in DEFAULTS}

LET_WAIT: Final = "UPDATE tasks SET status = 'waiting' WHERE id = $1"

ROW: Final = "SELECT * FROM schedules WHERE tenant = $1 AND name = $2"


@dataclass
class Timetable:
    """The schedule ``NAME`` of the tenant."""

    database: Database
    broker: Broker

    async def set(
        self,
        every: int | None = A_YEAR,
        *,
        cron: str | None = None,
        due_in: float = 3600.0,
        deadline: int = 3600,
    ) -> int:
        """Let it come so; return its generation."""
        moment = datetime.now(UTC)
        next_at = Cron.parse(cron).after(moment) if cron else moment.replace(microsecond=0) + timedelta(seconds=due_in)
        every = None if cron else every
        async with self.database.transaction() as connection:
            return int(await connection.fetchval(SET, TENANT, NAME, every, cron, deadline, next_at))

    async def row(self) -> dict[str, Any]:
        """Return all that is on record of it."""
        async with self.database.connection() as connection:
            (row,) = await connection.fetch(ROW, TENANT, NAME)
        return dict(row)

    async def tick(self, generation: int, cron: str | None = None) -> None:
        """Have the broker make one tick of that generation, by default one that says that the next is a year away.

        The broker takes no tick that it did not make, so a schedule beside the true one makes it.
        """
        moment = datetime.now(UTC) + timedelta(seconds=2)
        plan = Plan(TENANT, NAME, cron or f"{moment:%-S %-M %-H %-d %-m} *", generation)
        before = await self._last_tick()
        answer = await self.broker.client.request(BY_HAND, b"", timeout=5.0, headers=plan.headers)
        assert b"error" not in answer.data, answer.data

        async def made() -> bool:
            return await self._last_tick() > before

        await until(made)
        await bus.end(self.broker, BY_HAND)

    async def _last_tick(self) -> int:
        body = {"last_by_subj": tick_subject(TENANT, NAME)}
        try:
            answer = await request(self.broker, f"STREAM.MSG.GET.{SCHEDULES_STREAM}", body)
        except JetStreamError:
            return 0
        return int(answer["message"]["seq"])

    async def ticks_are_taken(self) -> None:
        """Wait until every tick that was sent is dealt with."""

        async def none_waits() -> bool:
            return not any(await bus.waiting_ticks(self.broker))

        await until(none_waits)

    async def started(self) -> list[Any]:
        """Return the tasks that there are of its type."""
        async with self.database.connection() as connection:
            return [row["id"] for row in await connection.fetch(STARTED, NAME)]

    async def said(self, word: str) -> list[Event]:
        """Return what the schedule said, whether it is archived yet or not."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(SAID, f"schedule:{NAME}")
        return [event for event in (decode(row["payload"]) for row in rows) if event.type == word]

    async def until_said(self, word: str, number: int) -> list[Event]:
        """Wait until it has said that often, or more; return it, oldest first."""

        async def enough() -> bool:
            return len(await self.said(word)) >= number

        await until(enough)
        return sorted(await self.said(word), key=lambda event: event.time)


async def plan_of(timetable: Timetable) -> Plan:
    """Return what the broker should have."""
    row = await timetable.row()
    expression = row["cron"] or f"@every {row['every_seconds']}s"
    return Plan(TENANT, NAME, expression, row["generation"])


async def is_set(timetable: Timetable) -> bool:
    """Whether the broker has it so."""
    return await bus.is_stored(timetable.broker, await plan_of(timetable))


async def stored_at(broker: Broker) -> tuple[int, str]:
    """Return the sequence and the time of the schedule's message: where its clock started."""
    message = (
        await request(broker, f"STREAM.MSG.GET.{SCHEDULES_STREAM}", {"last_by_subj": plan_subject(TENANT, NAME)})
    )["message"]
    return message["seq"], message["time"]


async def all_set(broker: Broker, subjects: set[str]) -> bool:
    """Whether there are messages of just these schedules."""
    return await bus.stored_subjects(broker) == subjects


def quickly(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Shorten what is waited for."""
    monkeypatch.setattr(schedules, "LOOK_SECONDS", 0.1)
    update = {
        "pipeline": Pipeline(stale_seconds=1.0, heartbeat_ms=300),
        "events": Events(relay_after_seconds=0.2),
        "schedules": Schedules(least_seconds=1, late_seconds=0.5),
    }
    return settings.model_copy(update=update)


def scheduler(settings: Settings, process: Running, definitions: Definitions | None = None) -> Scheduler:
    """Make a scheduler that does what it is told, without leading."""
    known = load_definitions() if definitions is None else definitions
    return Scheduler(process.database, process.broker, process.publisher, settings, known)


@asynccontextmanager
async def orchestrator_process(settings: Settings, point: str = "never") -> AsyncIterator[Fork]:
    """Run an orchestrator in a process of its own; on leaving, kill it."""
    process = await FORK_SERVER.start("scheduling", settings.model_dump_json(), point)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run_until_killed(settings: Settings, point: str) -> int:
    """Run the orchestrator that kills itself at ``point``; return the signal it died of."""
    async with orchestrator_process(settings, point) as process, asyncio.timeout(60):
        return -await process.wait()


class _DyingPublisher(BusPublisher):
    """Is told right after each commit what it said; with ``fatal`` dies of a task's request."""

    fatal = False

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Publish, or die."""
        if self.fatal and any(decode(m.payload).type == "TaskRequested" for m in messages if m.kind == "event"):
            _die()
        super().offer(messages)


def _die(*_arguments: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_in_the_middle(point: str) -> None:
    """Let this process die at a point that no publisher is told of."""
    note_run = store.note_run

    async def note_and_die(*arguments: Any) -> None:
        await note_run(*arguments)
        _die()

    if point == "tick taken":
        Scheduler.handle = _die  # type: ignore[method-assign, assignment]
    if point == "event written":
        store.note_run = note_and_die  # type: ignore[assignment]


async def _main(settings: Settings, point: str) -> None:
    database = await Database.open(settings.postgres, "orchestrator")
    broker = await Broker.open(settings.nats, "orchestrator", wait=False)
    publisher = _DyingPublisher(broker, database, settings)
    publisher.fatal = point == "event committed"
    _die_in_the_middle(point)
    async with asyncio.TaskGroup() as group:
        group.create_task(publisher.run())
        group.create_task(OutboxRelay(database, publisher, settings).run())
        group.create_task(Orchestrator(database, broker, publisher, settings).run())


def main(settings: str, point: str) -> None:
    """Be the orchestrator."""
    asyncio.run(_main(Settings.model_validate_json(settings), point))
