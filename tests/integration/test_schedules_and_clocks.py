"""Schedules beside clocks that are wrong and a broker that refuses some: none is silent for ever, none stops others."""

from datetime import UTC, datetime, timedelta

import pytest
from running_orchestrator import running, workers
from scheduling import NAME, TENANT, Timetable, quickly, scheduler

from photobus_common.bus import schedules as bus
from photobus_common.bus.connection import Broker
from photobus_common.bus.schedules import Tick
from photobus_common.config import Settings
from photobus_common.store.database import Database
from photobus_common.subjects import plan_subject

SET_BACK = "UPDATE schedules SET next_at = last_due, generation = generation + 1 WHERE name = $1 RETURNING generation"
SPOIL = "UPDATE schedules SET cron = 'nonsense', every_seconds = NULL, next_at = now() + interval '1 h' WHERE name = $1"


@pytest.fixture
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with short waits, and looks that follow each other quickly."""
    return quickly(settings, monkeypatch)


@pytest.fixture
def timetable(database: Database, broker: Broker) -> Timetable:
    """The schedule that tests change."""
    return Timetable(database, broker)


async def set_back(database: Database) -> int:
    """Let it be due again when it was last, as one that is set anew while a clock is behind; return its generation."""
    async with database.transaction() as connection:
        return int(await connection.fetchval(SET_BACK, NAME))


async def test_what_is_due_again_at_the_same_time_runs_again(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    generation = await timetable.set()
    async with running(quick) as process, workers(process, quick):
        await timetable.tick(generation)
        (first,) = await timetable.until_said("TaskRequested", 1)
        await process.until_rows([("completed",)], "SELECT status FROM tasks WHERE id = $1", first.id)
        await timetable.tick(await set_back(process.database))
        assert len(await timetable.until_said("TaskRequested", 2)) == 2
        await process.until_rows([(2,)], "SELECT count(*) FROM tasks WHERE type = $1", NAME)


async def test_what_is_due_again_while_it_runs_is_skipped(quick: Settings, timetable: Timetable, tenant: str) -> None:
    generation = await timetable.set()
    async with running(quick, lead=False) as process:
        alone, later = scheduler(quick, process), datetime.now(UTC) + timedelta(hours=2)
        await alone.handle(Tick(TENANT, NAME, generation, later, "nobody"))
        await alone.handle(Tick(TENANT, NAME, await set_back(process.database), later, "nobody"))
        assert len(await timetable.said("TaskRequested")) == len(await timetable.said("TickSkipped")) == 1


@pytest.mark.parametrize(("every", "cron"), [(60, None), (None, "0 30 4 * * *")])
async def test_what_was_set_by_a_clock_far_ahead_comes_in_time(
    quick: Settings, timetable: Timetable, tenant: str, every: int | None, cron: str | None
) -> None:
    generation = await timetable.set(every=every, cron=cron)
    async with running(quick, lead=False) as process:
        async with process.database.transaction() as connection:
            await connection.execute("UPDATE schedules SET next_at = next_at + interval '1 year' WHERE name = $1", NAME)
        await scheduler(quick, process).look()
        row = await timetable.row()
        assert row["generation"] == generation + 1
        assert row["next_at"] < datetime.now(UTC) + timedelta(seconds=every or 86_400, minutes=1)
        await scheduler(quick, process).look()
        assert (await timetable.row())["generation"] == generation + 1


@pytest.mark.parametrize(("every", "cron"), [(3600, None), (None, "0 0 0 29 2 *"), (None, "0 30 4 * * *")])
async def test_a_clock_that_goes_right_is_left_alone(
    quick: Settings, timetable: Timetable, tenant: str, every: int | None, cron: str | None
) -> None:
    generation = await timetable.set(every=every, cron=cron, due_in=7100)
    async with running(quick, lead=False) as process:
        await scheduler(quick, process).look()
        assert (await timetable.row())["generation"] == generation


async def test_one_that_the_broker_refuses_keeps_no_other_from_being_set(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    await timetable.set()
    async with running(quick, lead=False) as process:
        async with process.database.transaction() as connection:
            await connection.execute(SPOIL, NAME)
        await scheduler(quick, process).look()
        others = {"folder_discovery", "maintenance_global", "project_scavenge_global"}
        assert await bus.stored_subjects(process.broker) == {plan_subject(TENANT, name) for name in others}
