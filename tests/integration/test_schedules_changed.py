"""Schedules that people change, and runs of them that take too long."""

import pytest
from bus_traffic import until
from running_orchestrator import running, workers
from scheduling import LET_WAIT, NAME, PLANS, TENANT, Timetable, all_set, is_set, quickly, scheduler

from photobus_common.bus import schedules as bus
from photobus_common.bus.connection import Broker
from photobus_common.config import Settings
from photobus_common.events.tasks import TaskCancelRequested
from photobus_common.store.database import Database
from photobus_common.subjects import plan_subject
from photobus_orchestrator.audit import replay


@pytest.fixture
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with short waits, and looks that follow each other quickly."""
    return quickly(settings, monkeypatch)


@pytest.fixture
def timetable(database: Database, broker: Broker) -> Timetable:
    """The schedule that tests change."""
    return Timetable(database, broker)


async def test_another_interval_takes_effect_and_the_old_one_fires_no_more(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    await timetable.set(every=3600)
    async with running(quick) as process, workers(process, quick):
        await until(lambda: is_set(timetable))
        shorter = await timetable.set(every=1, due_in=1)
        await timetable.until_said("TaskRequested", 2)
        await timetable.set(every=3600)
        so_far = len(await timetable.said("TaskRequested"))
        await timetable.tick(shorter)  # made before the broker had the change
        await timetable.ticks_are_taken()
        await until(lambda: is_set(timetable))
        assert len(await timetable.said("TaskRequested")) == so_far
        assert await bus.stored_subjects(timetable.broker) == PLANS


async def test_a_schedule_by_cron_fires(quick: Settings, timetable: Timetable, tenant: str) -> None:
    await timetable.set(cron="*/2 * * * * *")
    async with running(quick) as process, workers(process, quick):
        await timetable.until_said("TaskRequested", 2)
        row = await timetable.row()
        assert (row["last_due"].second % 2, row["next_at"].second % 2) == (0, 0)
        assert await is_set(timetable)


async def test_a_schedule_that_is_switched_off_is_gone_from_the_broker(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    generation = await timetable.set()
    async with running(quick) as process:
        await until(lambda: is_set(timetable))
        switch = "UPDATE schedules SET enabled = $1, generation = generation + 1 WHERE name = $2"
        async with process.database.transaction() as connection:
            await connection.execute(switch, False, NAME)
        await until(lambda: all_set(process.broker, PLANS - {plan_subject(TENANT, NAME)}))
        await timetable.tick(generation + 1)
        await timetable.ticks_are_taken()
        assert await timetable.said("TaskRequested") == []
        async with process.database.transaction() as connection:
            await connection.execute(switch, True, NAME)
        await until(lambda: is_set(timetable))


async def test_a_run_over_its_deadline_is_asked_to_stop_and_says_why(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    generation = await timetable.set(deadline=1)
    async with running(quick) as process:
        await timetable.tick(generation)
        (requested,) = await timetable.until_said("TaskRequested", 1)
        ended = "SELECT status, error_code FROM tasks WHERE id = $1"
        await process.until_rows([("canceled", "deadline_passed")], ended, requested.id)
        (asked,) = await timetable.said("TaskCancelRequested")
        assert isinstance(asked.data, TaskCancelRequested)
        assert asked.data.reason == (await process.fetch("SELECT error FROM tasks WHERE id = $1", requested.id))[0][0]
        assert "1 seconds" in str(asked.data.reason)
        await process.until_rows([(0,)], "SELECT count(*) FROM schedule_runs")
        assert await replay(quick.postgres.dsn) == []


async def test_a_run_that_waits_for_a_person_has_no_deadline(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    generation = await timetable.set()
    async with running(quick) as process:
        await timetable.tick(generation)
        (requested,) = await timetable.until_said("TaskRequested", 1)
        await process.until_rows([("running",)], "SELECT status FROM tasks WHERE id = $1", requested.id)
    async with running(quick, lead=False) as process:
        async with process.database.transaction() as connection:
            await connection.execute(LET_WAIT, requested.id)
            await connection.execute("UPDATE schedule_runs SET counted_from = now() - interval '2 days'")
        await scheduler(quick, process).ask_overdue_to_stop()
        async with process.database.transaction() as connection:
            await connection.execute("UPDATE tasks SET status = 'running' WHERE id = $1", requested.id)
        await scheduler(quick, process).ask_overdue_to_stop()
        assert await timetable.said("TaskCancelRequested") == []
