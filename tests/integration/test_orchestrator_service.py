"""The orchestrator with true broker and workers: whole tasks, take-over, rescue, and a broker that lost its disk."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from bus_traffic import until
from catalogue import add_project
from orchestration import Narrator
from running_orchestrator import Running, running, workers

from photobus_common.bus.connection import Broker
from photobus_common.bus.reader import stream_state
from photobus_common.config import Events, Pipeline, Settings
from photobus_common.errors import ConfigurationError
from photobus_common.events import UnreadableEventError
from photobus_common.events.tasks import Targets
from photobus_common.store import event_log
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.subjects import COMMAND_STREAMS, EVENTS_STREAM
from photobus_orchestrator.audit import replay

STATUSES = "SELECT status, count(*) FROM tasks GROUP BY status ORDER BY status"
EVENT_ROWS = "SELECT count(*) FROM outbox WHERE kind = 'event'"
END_LEADERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'orchestrator-leader' AND datname = current_database()
    AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
"""
LEADERS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'orchestrator-leader' AND datname = current_database()
    AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
"""
MANY_PHOTOS = """
INSERT INTO photos (tenant, project_id, filename, taken_at)
SELECT $1, $2, 'IMG_' || n, now() FROM generate_series(1, $3) AS n
"""
ARCHIVED = """
SELECT type, count(DISTINCT payload::json->'data'->>'task_id') FROM event_log
WHERE type IN ('TaskRequested', 'TaskStarted', 'JobQueued', 'JobStarted', 'JobCompleted', 'TaskCompleted')
GROUP BY type ORDER BY type
"""
COMPLETED_TWICE = """
SELECT payload::json->'data'->>'job_id' FROM event_log WHERE type = 'JobCompleted' GROUP BY 1 HAVING count(*) > 1
"""


@pytest.fixture
def quick(settings: Settings) -> Settings:
    """Settings with short waits, so that what waits shows within the test; leases are as long as ever."""
    return settings.model_copy(
        update={
            "pipeline": Pipeline(
                rescue_after_seconds=0.2,
                rescue_every_seconds=0.1,
                retry_base_seconds=0.1,
            ),
            "events": Events(relay_after_seconds=0.2),
        },
    )


def each_archived(tasks: int) -> list[tuple[str, int]]:
    """What ``ARCHIVED`` answers once all that is said of every trivial task is archived of that many."""
    words = ("JobCompleted", "JobQueued", "JobStarted", "TaskCompleted", "TaskRequested", "TaskStarted")
    return [(word, tasks) for word in words]


async def ask(process: Running, number: int, photos: int = 1) -> None:
    """Ask for as many tasks over as many photos, at once."""
    await process.say(*(Narrator(task=uuid4()).requested(photos) for _ in range(number)))


async def test_a_task_runs_through_all_its_steps(quick: Settings, broker: Broker, tenant: str) -> None:
    task = Narrator(task=uuid4(), task_type="upload_postprocess", source="upload")
    async with running(quick) as process, workers(process, quick):
        await process.say(task.requested(3))
        await process.until_rows([("completed", 9)], "SELECT status, done FROM tasks WHERE ended_at IS NOT NULL")
        jobs = await process.fetch("SELECT job_type, status FROM jobs ORDER BY step")
    assert jobs == [
        ("upload_postprocess", "completed"),
        ("manifest_check", "completed"),
        ("folder_check", "completed"),
    ]


async def test_a_photo_set_task_without_project_is_persisted_claimed_and_run(
    quick: Settings, broker: Broker, tenant: str
) -> None:
    """Milestone 1: no part of it asks for a project that its photos, which lie in three, do not share."""
    task = Narrator(task=uuid4())
    async with running(quick) as process, workers(process, quick):
        await process.say(task.requested(Targets(kind="photos", photo_ids=(4, 5, 6), project_ids=(9, 7, 8))))
        await process.until_rows([("photo_set", "completed", 3)], "SELECT scope, status, done FROM tasks")
        claimed = "SELECT j.count, c.state, c.worker <> '' FROM jobs j JOIN job_claims c ON c.job_id = j.id"
        assert await process.fetch(claimed) == [(3, "completed", True)]
        items = "SELECT photo_id, project_id FROM task_items ORDER BY position"
        assert await process.fetch(items) == [(4, 9), (5, 7), (6, 8)]


async def test_a_task_over_five_thousand_photos_by_filter(quick: Settings, broker: Broker, tenant: str) -> None:
    task = Narrator(task=uuid4())
    async with running(quick) as process, workers(process, quick):
        async with process.database.transaction() as connection:
            await connection.execute(MANY_PHOTOS, tenant, await add_project(connection, tenant, "Trip"), 5000)
        await process.say(task.requested(Targets(kind="filter", filter={})))
        await process.until_rows([("completed", 5000)], "SELECT status, done FROM tasks WHERE ended_at IS NOT NULL")
        assert await process.fetch("SELECT count(*), max(count), min(priority) FROM jobs") == [(25, 200, 70)]
        assert await replay(quick.postgres.dsn) == []


async def test_what_is_archived_leaves_the_outbox(quick: Settings, broker: Broker, tenant: str) -> None:
    async with running(quick) as process, workers(process, quick):
        await ask(process, 20)
        await process.until_rows([("completed", 20)], STATUSES)
        await process.until_rows([(0,)], EVENT_ROWS)
        assert await replay(quick.postgres.dsn) == []
        assert await process.fetch("SELECT count(*) FROM event_log WHERE type = 'TaskCompleted'") == [(20,)]


async def test_rows_that_a_crash_left_after_the_archive_are_swept(quick: Settings, broker: Broker) -> None:
    async with running(quick, lead=False) as process:
        await ask(process, 5)
        async with running(quick) as leader:
            await leader.until_rows([("running", 5)], STATUSES)
        async with process.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO outbox (id, kind, message_id, tenant, subject, payload, relay_at) "
                "SELECT event_id, 'event', event_id::text, tenant, subject, payload::bytea, now() + interval '1 day' "
                "FROM event_log ON CONFLICT DO NOTHING",
            )
        async with running(quick) as leader:
            await leader.until_rows([(0,)], EVENT_ROWS)


async def test_a_standby_takes_over_and_nothing_counts_twice(quick: Settings, broker: Broker, tenant: str) -> None:
    async with running(quick) as first, running(quick) as second, workers(first, quick):
        await first.until_rows([(1,)], LEADERS)
        for _ in range(3):
            await ask(second, 20)
            await first.until_rows([(1,)], END_LEADERS)
        await first.until_rows([("completed", 60)], STATUSES)
        assert await first.fetch(COMPLETED_TWICE) == []
        await first.until_rows([(1,)], LEADERS)
        assert await replay(quick.postgres.dsn) == []


async def test_only_one_of_two_leads(quick: Settings, broker: Broker, tenant: str) -> None:
    async with running(quick) as first, running(quick), workers(first, quick):
        await ask(first, 10)
        await first.until_rows([("completed", 10)], STATUSES)
        assert await first.fetch(LEADERS) == [(1,)]


async def test_a_command_that_is_nowhere_is_sent_again(quick: Settings, broker: Broker, tenant: str) -> None:
    async with running(quick) as process:
        await ask(process, 3)
        await commands_are_published(process, 3)
        await broker.client.jetstream().purge_stream(COMMAND_STREAMS["priority"])
        await process.until_rows([(3,)], "SELECT count(*) FROM jobs WHERE dispatch >= 2")
        async with workers(process, quick):
            await process.until_rows([("completed", 3)], STATUSES)
        assert await process.fetch(COMPLETED_TWICE) == []
        assert await replay(quick.postgres.dsn) == []


async def test_a_failing_job_is_tried_again_and_its_task_fails_with_the_reason(
    quick: Settings, broker: Broker, tenant: str
) -> None:
    quick = quick.model_copy(update={"pipeline": quick.pipeline.model_copy(update={"max_attempts_default": 2})})
    task = Narrator(task=uuid4())
    async with running(quick) as process:
        await process.say(task.requested(1))
        await process.until_rows([("queued", 1)], "SELECT status, attempt FROM jobs")
        await process.say(task.started(), task.fault())
        await process.until_rows([("retrying", 2)], "SELECT status, attempt FROM jobs")
        await commands_are_published(process, 2)
        await process.say(task.fault(2))
        expected = [("failed", "storage_unavailable", "the disk is away")]
        await process.until_rows(expected, "SELECT status, error_code, error FROM tasks")


async def test_a_broker_that_lost_its_disk_loses_no_event(quick: Settings, broker: Broker, tenant: str) -> None:
    async with running(quick) as process, workers(process, quick):
        await ask(process, 5)
        await process.until_rows(each_archived(5), ARCHIVED)
    async with running(quick, lead=False) as process:
        ((archived,),) = await process.fetch("SELECT seq FROM fold_cursor")
        await ask(process, 5)
        await until(lambda: has_stored(broker, EVENTS_STREAM, archived + 5))
        await delete_streams(broker)
    async with running(quick) as process, workers(process, quick):
        await process.until_rows([("completed", 10)], STATUSES)
        await process.until_rows(each_archived(10), ARCHIVED)
        assert (await stream_state(broker)).first_seq == archived + quick.events.first_seq_gap
        assert await replay(quick.postgres.dsn) == []


async def test_streams_that_vanish_under_the_orchestrator_are_made_again(
    quick: Settings, broker: Broker, tenant: str
) -> None:
    async with running(quick) as process, workers(process, quick):
        await ask(process, 5)
        await process.until_rows([("completed", 5)], STATUSES)
        await delete_streams(broker)
        await ask(process, 5)
        await process.until_rows([("completed", 10)], STATUSES)
        await process.until_rows(each_archived(10), ARCHIVED)
        assert await replay(quick.postgres.dsn) == []


async def test_an_unreadable_event_stops_the_orchestrator_loudly(quick: Settings, broker: Broker) -> None:
    async with running(quick) as process:
        await process.until_rows([(1,)], LEADERS)
        await broker.client.jetstream().publish("evt.user_0.task.unheard", b'{"type": "Unheard"}')
        await asyncio.wait({process.task}, timeout=30)
        assert process.task.done()
        error = process.task.exception()
        assert isinstance(error, BaseExceptionGroup)
        assert error.subgroup(UnreadableEventError) is not None
        assert await process.fetch("SELECT seq FROM fold_cursor") == [(0,)]


async def test_a_stream_whose_sequences_began_anew_is_refused(quick: Settings, broker: Broker, tenant: str) -> None:
    async with running(quick) as process:
        await ask(process, 2)
        await process.until_rows([("running", 2)], STATUSES)
    async with running(quick, lead=False) as process, process.database.transaction() as connection:
        cursor = await event_log.read_cursor(connection)
        earlier = cursor.stream_created - timedelta(days=1) if cursor.stream_created else None
        assert earlier is not None
        assert await event_log.follow_stream(connection, cursor.seq, cursor.seq, earlier)
    async with running(quick) as process:
        await asyncio.wait({process.task}, timeout=30)
        assert process.task.done()
        error = process.task.exception()
        assert isinstance(error, BaseExceptionGroup)
        refused = error.subgroup(ConfigurationError)
        assert refused is not None


async def test_the_database_may_go_and_come_back(quick: Settings, broker: Broker, tenant: str, dsn: str) -> None:
    async with running(quick) as process, workers(process, quick):
        await process.until_rows([(1,)], LEADERS)
        admin = await asyncpg.connect(dsn)
        try:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        finally:
            await admin.close()
        await until(lambda: leads(process))
        await ask(process, 5)
        await process.until_rows([("completed", 5)], STATUSES)


async def leads(process: Running) -> bool:
    """Whether somebody leads, as far as a connection that may be broken can tell."""
    try:
        return await process.fetch(LEADERS) == [(1,)]
    except DATABASE_OUTAGES:
        return False


async def commands_are_published(process: Running, number: int) -> None:
    """Wait until the broker has ``number`` commands and the outbox none that is due."""
    await process.until_rows([(0,)], "SELECT count(*) FROM outbox WHERE kind = 'command'")

    await until(lambda: has_stored(process.broker, COMMAND_STREAMS["priority"], number))


async def has_stored(broker: Broker, stream: str, seq: int) -> bool:
    """Whether the stream has come to the sequence ``seq``."""
    info = await broker.client.jetstream().stream_info(stream)
    return bool(info.state.last_seq >= seq)


async def delete_streams(broker: Broker) -> None:
    """Let the broker lose everything."""
    for stream in (EVENTS_STREAM, *COMMAND_STREAMS.values()):
        await broker.client.jetstream().delete_stream(stream)
