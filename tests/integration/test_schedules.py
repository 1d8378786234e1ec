"""Schedules: ticks of the broker become tasks, once each, whatever dies; and what persons set takes effect."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bus_traffic import until
from nats.aio.msg import Msg
from running_orchestrator import Running, running, workers
from scheduling import (
    DEFAULTS,
    LET_WAIT,
    NAME,
    PLANS,
    POINTS,
    TENANT,
    Timetable,
    all_set,
    is_set,
    orchestrator_process,
    quickly,
    run_until_killed,
    scheduler,
    stored_at,
)

from photobus_common.bus import schedules as bus
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import request
from photobus_common.bus.provisioning import provision
from photobus_common.bus.schedules import Plan, Tick
from photobus_common.config import Postgres, Schedules, Settings
from photobus_common.definitions import Definitions
from photobus_common.events.schedules import TickSkipped
from photobus_common.events.tasks import TaskRequested
from photobus_common.store.database import Database
from photobus_common.store.migrate import migrate
from photobus_common.subjects import SCHEDULES_STREAM, plan_subject, tick_subject
from photobus_local.nats import EmbeddedNats
from photobus_local.postgres import EmbeddedPostgres
from photobus_orchestrator.audit import replay
from photobus_orchestrator.schedules import MADE_BY, tick_event_id

TIMETABLE = "SELECT name, every_seconds, deadline_seconds, enabled FROM schedules ORDER BY name"
ADD_TENANT = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, 'Test', gen_random_uuid())"
MADE = """
SELECT tenant, actor, count(*)::int FROM event_log WHERE type = 'ScheduleChanged' GROUP BY 1, 2 ORDER BY 1
"""


@pytest.fixture
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with short waits, and looks that follow each other quickly."""
    return quickly(settings, monkeypatch)


@pytest.fixture
def own_quick(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same, at a broker of this test alone."""
    return quickly(own_settings, monkeypatch)


@pytest.fixture
def timetable(database: Database, broker: Broker) -> Timetable:
    """The schedule that tests change."""
    return Timetable(database, broker)


@pytest.fixture
def own_timetable(database: Database, own_broker: Broker) -> Timetable:
    """The same, at a broker of this test alone."""
    return Timetable(database, own_broker)


# --- what there is ---------------------------------------------------------------------------------------------------


async def test_every_tenant_has_its_schedules_and_the_broker_has_them_too(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    async with running(quick) as process:
        await process.until_rows(DEFAULTS, TIMETABLE)
        await until(lambda: all_set(process.broker, PLANS))
        await add_tenant(process.database, "user_7")
        others = {plan_subject("user_7", name) for name, *_ in DEFAULTS}
        await until(lambda: all_set(process.broker, PLANS | others))
        await process.until_rows([("user_0", MADE_BY, 4), ("user_7", MADE_BY, 4)], MADE)
        await process.until_rows([(0,)], "SELECT count(*) FROM outbox")


async def test_what_a_person_changed_stays_and_what_the_settings_say_now_does_not_count(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    await timetable.set(every=7200)
    changed = quick.model_copy(update={"schedules": Schedules(folder_discovery_seconds=60)})
    async with running(quick) as process:
        await process.until_rows([(4,)], "SELECT count(*) FROM schedules")
    async with running(changed) as process:
        await until(lambda: is_set(timetable))
        every = "SELECT every_seconds FROM schedules WHERE name IN ($1, 'folder_discovery') ORDER BY name"
        assert await process.fetch(every, NAME) == [(300,), (7200,)]


async def test_a_restart_of_everything_starts_no_clock_anew_and_what_is_set_fires(
    own_quick: Settings, own_nats: EmbeddedNats, folder_of_servers: Path
) -> None:
    postgres = EmbeddedPostgres(folder_of_servers / "postgres")
    await postgres.start()
    await migrate(postgres.dsn)
    everything = own_quick.model_copy(update={"postgres": Postgres(dsn=postgres.dsn)})
    try:
        async with timetable_of(everything) as timetable:
            await add_tenant(timetable.database)
            await timetable.set(every=3600)
            async with orchestrator_process(everything):
                await until(lambda: is_set(timetable))
            set_at = await stored_at(timetable.broker)
        await own_nats.kill()
        await postgres.kill()
        await postgres.start()
        await own_nats.start()
        async with timetable_of(everything) as timetable, running(everything) as process:
            await looked(process, everything)
            assert await stored_at(timetable.broker) == set_at
            generation = (await timetable.row())["generation"]
            await timetable.tick(generation)
            await timetable.until_said("TaskRequested", 1)
    finally:
        await postgres.kill()


@asynccontextmanager
async def timetable_of(settings: Settings) -> AsyncIterator[Timetable]:
    """Open what there is at these addresses."""
    database = await Database.open(settings.postgres, "test")
    broker = await Broker.open(settings.nats, "test")
    try:
        await provision(broker, settings, archived_seq=0)
        yield Timetable(database, broker)
    finally:
        await broker.close()
        await database.close()


async def add_tenant(database: Database, tenant: str = TENANT) -> None:
    """Add a tenant without a library."""
    async with database.transaction() as connection:
        await connection.execute(ADD_TENANT, tenant)


async def looked(process: Running, settings: Settings) -> None:
    """Look as the leader does, from the beginning."""
    await scheduler(settings, process).look()


async def test_a_schedule_that_nobody_knows_is_ended(quick: Settings, timetable: Timetable, tenant: str) -> None:
    await bus.publish(timetable.broker, Plan("user_9", "gone", "@every 3600s", 1))
    async with running(quick):
        await until(lambda: all_set(timetable.broker, PLANS))


async def test_the_log_has_no_schedules(broker: Broker) -> None:
    config = (await request(broker, "STREAM.INFO.EVENTS"))["config"]
    assert not config.get("allow_msg_schedules")
    assert config["deny_purge"]


# --- ticks -----------------------------------------------------------------------------------------------------------


async def test_what_the_broker_makes_becomes_a_task_and_while_it_runs_is_skipped(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    await timetable.set(every=1, due_in=1)
    async with running(quick) as process:
        (requested, *_others) = await timetable.until_said("TaskRequested", 1)
        skipped = await timetable.until_said("TickSkipped", 2)
        assert isinstance(requested.data, TaskRequested)
        assert (requested.actor, requested.data.source, requested.data.scope) == (
            f"schedule:{NAME}",
            "system",
            "global",
        )
        assert {
            (skip.data.reason, skip.data.active_task) for skip in skipped if isinstance(skip.data, TickSkipped)
        } == {("active", requested.id)}
        assert len(await timetable.said("TaskRequested")) == 1
        row = await timetable.row()
        assert (row["last_task_id"], row["skipped_reason"], row["skipped"] >= 2) == (requested.id, "active", True)
        async with workers(process, quick):
            await timetable.until_said("TaskRequested", 2)
        assert await replay(quick.postgres.dsn) == []


async def test_a_task_that_nobody_runs_is_skipped_and_hurts_nobody(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    generation = await timetable.set()
    async with running(quick, lead=False) as process:
        tick = Tick(TENANT, NAME, generation, datetime.now(UTC) + timedelta(hours=2), "nobody")
        await scheduler(quick, process, Definitions(())).handle(tick)
        (skipped,) = await timetable.said("TickSkipped")
        assert isinstance(skipped.data, TickSkipped)
        assert (skipped.data.reason, skipped.data.active_task) == ("not_provided", None)


async def test_a_run_that_waits_for_a_person_holds_up_no_other(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    generation = await timetable.set()
    async with running(quick) as process:
        await timetable.tick(generation)
        (first,) = await timetable.until_said("TaskRequested", 1)
        await process.until_rows([("running",)], "SELECT status FROM tasks WHERE id = $1", first.id)
        await timetable.tick(generation)
        await timetable.until_said("TickSkipped", 1)
        async with process.database.transaction() as connection:
            await connection.execute(LET_WAIT, first.id)
        await timetable.tick(generation)
        assert len(await timetable.until_said("TaskRequested", 2)) == 2


async def test_three_orchestrators_make_one_task_of_a_tick(quick: Settings, timetable: Timetable, tenant: str) -> None:
    generation = await timetable.set()
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(running(quick, lead=False)) for _ in range(3)]
        tick = Tick(TENANT, NAME, generation, datetime.now(UTC) + timedelta(hours=2), "nobody")
        alike = [scheduler(quick, process) for process in processes]
        await asyncio.gather(*(one.handle(tick) for one in alike for _ in range(3)))
        assert len(await timetable.said("TaskRequested")) == 1
        assert await timetable.said("TickSkipped") == []


async def test_of_three_orchestrators_that_die_one_after_the_other_each_tick_is_said_once(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    """What they said is held against what the broker made: nothing of what was due is said twice."""
    patient = quick.model_copy(update={"schedules": Schedules(least_seconds=1, late_seconds=60.0)})
    generation = await timetable.set(every=1, due_in=1)
    first_due = (await timetable.row())["next_at"]
    async with ticks_made(timetable.broker) as nexts, AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(orchestrator_process(patient)) for _ in range(3)]
        for process in processes:
            await said_more(timetable, 2)
            process.kill()
            await process.wait()
        async with running(patient) as last, workers(last, patient):
            await timetable.until_said("TaskRequested", 2)
        said = [event.id for word in ("TaskRequested", "TickSkipped") for event in await timetable.said(word)]
        assert len(said) == len(set(said))
        await until(lambda: set(said) <= {tick_event_id(TENANT, NAME, generation, due) for due in (first_due, *nexts)})


@asynccontextmanager
async def ticks_made(broker: Broker) -> AsyncIterator[list[datetime]]:
    """Watch the ticks of the schedule; yield, as they come, when each says that the next one is due."""
    nexts: list[datetime] = []

    async def made(message: Msg) -> None:
        nexts.append(datetime.fromisoformat((message.headers or {})[bus.NEXT]))

    watching = await broker.client.jetstream().subscribe(
        tick_subject(TENANT, NAME), cb=made, ordered_consumer=True, stream=SCHEDULES_STREAM
    )
    yield nexts
    await watching.unsubscribe()


async def said_more(timetable: Timetable, number: int) -> None:
    """Wait until the schedule has said so many words more, tasks and skipped ticks."""

    async def spoken() -> int:
        return len(await timetable.said("TaskRequested")) + len(await timetable.said("TickSkipped"))

    wanted = await spoken() + number

    async def enough() -> bool:
        return await spoken() >= wanted

    await until(enough)


@pytest.mark.parametrize("point", POINTS)
async def test_a_leader_killed_between_tick_and_event_leaves_one_event(
    quick: Settings, timetable: Timetable, tenant: str, point: str
) -> None:
    generation = await timetable.set()
    async with running(quick, lead=False):
        await timetable.tick(generation)
        assert await run_until_killed(quick, point) == 9
        assert len(await timetable.said("TaskRequested")) == (1 if point == "event committed" else 0)
    async with running(quick):
        await timetable.until_said("TaskRequested", 1)
        await timetable.ticks_are_taken()
        assert len(await timetable.said("TaskRequested")) == 1
        assert await timetable.said("TickSkipped") == []


# --- a broker that was away ------------------------------------------------------------------------------------------


async def test_schedules_go_on_when_the_broker_was_killed(
    own_quick: Settings, own_timetable: Timetable, own_nats: EmbeddedNats, tenant: str
) -> None:
    await own_timetable.set(every=1, due_in=1)
    async with running(own_quick) as process, workers(process, own_quick):
        before = len(await own_timetable.until_said("TaskRequested", 1))
        for _ in range(2):
            await own_nats.kill()
            await own_nats.start()
            before = len(await own_timetable.until_said("TaskRequested", before + 2))


async def test_a_broker_that_lost_its_disk_gets_its_schedules_again(
    own_quick: Settings, own_timetable: Timetable, own_nats: EmbeddedNats, tenant: str
) -> None:
    await own_timetable.set(every=1, due_in=1)
    async with running(own_quick) as process, workers(process, own_quick):
        before = len(await own_timetable.until_said("TaskRequested", 1))
        await own_nats.kill()
        shutil.rmtree(own_nats.directory / "store")
        await own_nats.start()
        await own_timetable.until_said("TaskRequested", before + 2)
        await until(lambda: all_set(process.broker, PLANS))


async def test_what_was_missed_is_made_up_once_and_counts_from_then(
    quick: Settings, timetable: Timetable, tenant: str
) -> None:
    """Due three times over; of that one run is made, and the broker's clock is started anew with it."""
    generation = await timetable.set(every=3600, due_in=-3 * 3600)
    due = (await timetable.row())["next_at"]
    async with running(quick):
        await timetable.until_said("TaskRequested", 1)
        await until(lambda: is_set(timetable))
        row = await timetable.row()
        assert (row["generation"], row["last_due"]) == (generation + 1, due)
        assert row["next_at"] > datetime.now(UTC) + timedelta(seconds=3000)
        await timetable.tick(generation)  # the clock of before goes off after all
        await timetable.ticks_are_taken()
        assert len(await timetable.said("TaskRequested")) == 1
        assert await timetable.said("TickSkipped") == []


async def test_a_tick_that_is_on_its_way_is_not_made_up(quick: Settings, timetable: Timetable, tenant: str) -> None:
    generation = await timetable.set(due_in=-3600)
    async with running(quick, lead=False) as process:
        await timetable.tick(generation)
        await looked(process, quick)
        assert await timetable.said("TaskRequested") == []
    async with running(quick):
        await timetable.until_said("TaskRequested", 1)
        await timetable.ticks_are_taken()
        assert (await timetable.row())["generation"] == generation
