"""``audit replay --swap``: what follows from the log takes the place of tasks and jobs that were damaged."""

from uuid import uuid4

import pytest
from auditing import archive, audit, execute, found
from folding import LeftInOutbox, Log
from orchestration import Narrator
from running_orchestrator import running, workers

from photobus_common.bus.connection import Broker
from photobus_common.config import Events, Pipeline, Settings
from photobus_common.events.tasks import Targets
from photobus_common.store.database import Database
from photobus_common.store.tasks import copy_items
from photobus_common.store.unit_of_work import unit_of_work
from photobus_orchestrator.audit import CannotAuditError, put_in_place, replay
from photobus_orchestrator.projection import resolved_items

DAMAGE = (
    "UPDATE tasks SET status = 'running', done = 99, state = state || '{\"done\": 99}' WHERE ended_at IS NOT NULL",
    "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE ended_at IS NOT NULL LIMIT 2)",
    "DELETE FROM task_items WHERE position = 0",
    "INSERT INTO task_projects VALUES (gen_random_uuid(), 1)",
)
STATUSES = "SELECT status, count(*) FROM tasks GROUP BY status ORDER BY status"


@pytest.fixture
def quick(settings: Settings) -> Settings:
    """Settings by which nothing waits for long."""
    quick = {"pipeline": Pipeline(rescue_after_seconds=0.2, rescue_every_seconds=0.1)}
    return settings.model_copy(update={**quick, "events": Events(relay_after_seconds=0.2)})


async def test_a_damaged_system_is_mended_and_goes_on(quick: Settings, broker: Broker, tenant: str) -> None:
    async with running(quick) as process:
        waiting = Narrator(task=uuid4())
        async with workers(process, quick):
            await process.say(*(Narrator(task=uuid4()).requested(3) for _ in range(3)))
            await process.until_rows([("completed", 3)], STATUSES)
        await process.say(waiting.requested(2))
        await process.until_rows([("completed", 3), ("running", 1)], STATUSES)
        await execute(process.database, *DAMAGE)
        with pytest.raises(CannotAuditError, match="An orchestrator leads"):
            await put_in_place(quick.postgres.dsn)
        damaged = await replay(quick.postgres.dsn)
        assert len(damaged) > 4
        assert await put_in_place(quick.postgres.dsn, displace=True) > 4
        assert await replay(quick.postgres.dsn) == []
        async with workers(process, quick):
            await process.say(Narrator(task=uuid4()).requested(1))
            await process.until_rows([("completed", 5)], STATUSES)
        assert found(await audit(quick)) == {}


async def test_nothing_follows_from_a_log_that_is_not_whole(database: Database, settings: Settings) -> None:
    await archive(database)
    damage = "UPDATE event_log SET payload = replace(payload, '\"done\":3', '\"done\":4') WHERE type = 'JobCompleted'"
    await execute(database, damage)
    before = await replay(settings.postgres.dsn)
    assert any("done is 3, by the log 4" in line for line in before)
    with pytest.raises(CannotAuditError, match="The log is not whole, and nothing was changed: event_log 5: its hash"):
        await put_in_place(settings.postgres.dsn)
    assert await replay(settings.postgres.dsn) == before


async def test_a_swap_of_what_is_right_changes_nothing(database: Database, settings: Settings) -> None:
    await archive(database)
    assert await put_in_place(settings.postgres.dsn) == 0


async def test_jobs_that_stand_in_each_others_places_are_put_right(database: Database, settings: Settings) -> None:
    log = Log(database)
    await log.fold(Narrator(task=uuid4()).requested(Targets(kind="photos", photo_ids=(1,), project_ids=(1,))))
    await log.fold(Narrator(task=uuid4()).requested(1))
    await log.come_back()
    exchanged = (
        "UPDATE jobs SET task_id = (SELECT task_id FROM jobs other WHERE other.id <> jobs.id), index = index + {}"
    )
    await execute(database, exchanged.format(1), "UPDATE jobs SET index = index - 1")
    assert len(await replay(settings.postgres.dsn)) == 2
    assert await put_in_place(settings.postgres.dsn) == 4
    assert await replay(settings.postgres.dsn) == []


async def test_a_snapshot_whose_event_is_on_its_way_belongs_to_the_rows(database: Database, settings: Settings) -> None:
    """The resolver writes both at once, and the archive has the event only later."""
    log, task = Log(database), Narrator(task=uuid4())
    await log.fold(task.requested(Targets(kind="filter", filter={})))
    resolved = task.resolved(total=3)

    async with unit_of_work(database, LeftInOutbox()) as work:
        await copy_items(work.connection, resolved_items(resolved.data))  # type: ignore[arg-type]
        work.emit(resolved)
    assert await replay(settings.postgres.dsn) == []
    assert await put_in_place(settings.postgres.dsn) == 0
    await log.come_back()
    assert await replay(settings.postgres.dsn) == []
