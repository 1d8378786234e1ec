"""The fold in a true Postgres: rows, archive, cursor, outbox, and what repetition, fencing and bad events do."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from folding import Log
from orchestration import TASK, Narrator, rules, told

from photobus_common.config import Jobs
from photobus_common.events import Event, Origin, UnreadableEventError
from photobus_common.events.projects import DerivativesUpdated, PhotoDerivatives, ProjectCreated
from photobus_common.events.tasks import Targets
from photobus_common.store.database import Database
from photobus_orchestrator.audit import replay
from photobus_orchestrator.fold import FencedError


@pytest.fixture
def task() -> Narrator:
    return Narrator()


@pytest.fixture
def log(database: Database) -> Log:
    return Log(database)


async def fetch(database: Database, query: str, *parameters: object) -> list[dict[str, object]]:
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query, *parameters)]


async def outbox(database: Database, kind: str) -> list[dict[str, object]]:
    rows = await fetch(database, "SELECT payload FROM outbox WHERE kind = $1", kind)
    return [json.loads(row["payload"]) for row in rows]  # type: ignore[arg-type]


async def test_a_request_becomes_rows_commands_and_events_in_one_step(log: Log, task: Narrator) -> None:
    await log.fold(task.requested(Targets(kind="photos", photo_ids=(5, 3), project_ids=(1, 2))))
    (row,) = await fetch(log.database, "SELECT * FROM tasks")
    assert (row["id"], row["status"], row["items"], row["actor"]) == (TASK, "running", 2, "ada")
    (job,) = await fetch(log.database, "SELECT * FROM jobs")
    assert (job["status"], job["attempt"], job["dispatch"], job["count"]) == ("queued", 1, 1, 2)
    items = await fetch(log.database, "SELECT position, photo_id, project_id FROM task_items ORDER BY position")
    assert [tuple(item.values()) for item in items] == [(0, 5, 1), (1, 3, 2)]
    assert [event["type"] for event in await outbox(log.database, "event")] == ["TaskStarted", "JobQueued"]
    (command,) = await outbox(log.database, "command")
    assert command["job_id"] == str(job["id"])


async def test_a_job_is_followed_to_its_end(log: Log, task: Narrator) -> None:
    await log.fold(task.requested(2))
    await log.fold(task.started())
    await log.fold(task.progress(done=1))
    (job,) = await fetch(log.database, "SELECT status, progress_done, progress_total, started_at FROM jobs")
    assert (job["status"], job["progress_done"], job["progress_total"]) == ("running", 1, None)
    await log.fold(task.completed(done=1, failed=1))
    (job,) = await fetch(log.database, "SELECT status, progress_done, done, failed, ended_at FROM jobs")
    assert (job["status"], job["progress_done"], job["done"], job["failed"]) == ("completed", 2, 1, 1)
    (row,) = await fetch(log.database, "SELECT status, done, failed FROM tasks")
    assert tuple(row.values()) == ("completed_with_errors", 1, 1)


async def test_a_job_over_the_library_says_itself_of_how_much_it_has_done_how_much(log: Log, dsn: str) -> None:
    task = Narrator("integrity_check")
    await log.fold(task.requested(Targets(kind="all")), task.started())
    query = "SELECT status, progress_done, progress_total FROM jobs"
    assert [tuple(job.values()) for job in await fetch(log.database, query)] == [("running", 0, None)]
    await log.fold(task.progress(done=4))
    assert [tuple(job.values()) for job in await fetch(log.database, query)] == [("running", 4, 10)]
    await log.fold(task.handed_back(), task.started())
    assert [tuple(job.values()) for job in await fetch(log.database, query)] == [("running", 4, 10)]
    await log.fold(task.completed(done=0))
    assert [tuple(job.values()) for job in await fetch(log.database, query)] == [("completed", 10, 10)]
    assert await replay(dsn) == []


async def test_a_failed_attempt_shows_its_reason_and_its_command_waits(log: Log, task: Narrator) -> None:
    await log.fold(task.requested(1), task.started(), task.fault())
    (job,) = await fetch(log.database, "SELECT status, attempt, error, dispatched_at FROM jobs")
    assert (job["status"], job["attempt"], job["error"]) == ("retrying", 2, None)
    rows = await fetch(log.database, "SELECT not_before FROM outbox WHERE kind = 'command' ORDER BY not_before")
    assert rows[0]["not_before"] == job["dispatched_at"]
    assert rows[1]["not_before"] is None
    await log.fold(task.fault(2, retryable=False))
    (job,) = await fetch(log.database, "SELECT status, error FROM jobs")
    assert tuple(job.values()) == ("failed", "the disk is away")


async def test_the_archive_holds_the_very_bytes_and_chains_them(log: Log, task: Narrator) -> None:
    fold = await log.lead()
    first, second = log.store(task.requested(1)), log.store(task.completed())
    await fold.fold(first)
    await fold.fold(second)
    chain = bytes(32)
    rows = await fetch(log.database, "SELECT seq, payload, hash, task_id FROM event_log ORDER BY seq")
    for row, stored in zip(rows, first + second, strict=True):
        assert str(row["payload"]).encode() == stored.payload
        chain = hashlib.sha256(chain + stored.seq.to_bytes(8) + stored.payload).digest()
        assert (row["hash"], row["task_id"]) == (chain, TASK)
    (cursor,) = await fetch(log.database, "SELECT seq, hash FROM fold_cursor")
    assert tuple(cursor.values()) == (2, chain)


async def test_events_of_projects_are_archived_with_the_photos_they_change(log: Log) -> None:
    photo = PhotoDerivatives(
        photo_id=7, filename="a", version=2, thumbnail_status="generated", preview_status="generated"
    )
    origin = Origin("/test", "user_0", "ada", correlation_id=TASK)
    await log.fold(
        origin.event(ProjectCreated(project_id=3, project_folder="Trip", name="Trip")),
        origin.event(DerivativesUpdated(project_id=3, project_folder="Trip", photos=(photo,))),
    )
    rows = await fetch(log.database, "SELECT project_id, photo_ids, task_id FROM event_log ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [(3, None, TASK), (3, [7], TASK)]


async def test_a_repeated_event_is_dropped_but_the_cursor_passes_it(log: Log, task: Narrator) -> None:
    request, done = task.requested(1), task.completed()
    await log.fold(request, request)
    await log.fold(done, request)
    await log.fold(done)
    (row,) = await fetch(log.database, "SELECT status, done FROM tasks")
    assert tuple(row.values()) == ("completed", 1)
    assert len(await outbox(log.database, "command")) == 1
    assert [row["seq"] for row in await fetch(log.database, "SELECT seq FROM event_log ORDER BY seq")] == [1, 3]
    assert [row["seq"] for row in await fetch(log.database, "SELECT seq FROM fold_cursor")] == [5]


async def test_decisions_that_come_back_are_archived_and_change_nothing(log: Log, task: Narrator) -> None:
    await log.fold(task.requested(1))
    before = await fetch(log.database, "SELECT * FROM tasks")
    await log.come_back()
    assert await fetch(log.database, "SELECT * FROM tasks") == before
    types = [row["type"] for row in await fetch(log.database, "SELECT type FROM event_log ORDER BY seq")]
    assert sorted(map(str, types)) == ["JobQueued", "TaskRequested", "TaskStarted"]


async def test_a_worker_whose_clock_is_ahead_puts_nothing_off(log: Log) -> None:
    task = Narrator(start=datetime.now(UTC) + timedelta(days=1))
    await log.fold(task.requested(1), task.started(), task.fault())
    (wait,) = await fetch(log.database, "SELECT not_before - now() AS wait FROM outbox WHERE not_before IS NOT NULL")
    assert wait["wait"] <= timedelta(seconds=log.rules.pipeline.retry_cap_seconds)  # type: ignore[operator]


async def test_a_second_orchestrator_is_fenced_and_changes_nothing(log: Log, task: Narrator) -> None:
    first, second = await log.lead(), await log.lead()
    batch = log.store(task.requested(1))
    await first.fold(batch)
    with pytest.raises(FencedError):
        await second.fold(batch)
    assert len(await outbox(log.database, "command")) == 1
    assert len(await fetch(log.database, "SELECT FROM event_log")) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"no JSON",
        b"[]",
        b"{}",
        b'{"specversion":"1.0","type":"Unheard","schemaversion":1,"data":{}}',
        b'{"specversion":"1.0","type":"TaskCanceled","schemaversion":99,"data":{}}',
        b'{"specversion":"1.0","type":"TaskCanceled","schemaversion":1,"data":{}}',
    ],
)
async def test_an_unreadable_event_stops_the_fold_before_it_and_is_not_skipped(
    log: Log, task: Narrator, payload: bytes
) -> None:
    fold = await log.lead()
    batch = log.store(task.requested(1), payload, task.completed())
    with pytest.raises(UnreadableEventError, match="Event 2 of the log"):
        await fold.fold(batch)
    assert await fetch(log.database, "SELECT FROM event_log") == []
    assert [row["seq"] for row in await fetch(log.database, "SELECT seq FROM fold_cursor")] == [0]


async def test_a_cancellation_that_overtakes_its_request_is_found_in_the_archive(log: Log, task: Narrator) -> None:
    await log.fold(task.cancel())
    assert await fetch(log.database, "SELECT FROM tasks") == []
    await log.fold(task.requested(1))
    assert [row["status"] for row in await fetch(log.database, "SELECT status FROM tasks")] == ["canceled"]
    assert await outbox(log.database, "command") == []


async def test_the_projects_of_a_task_are_on_record(database: Database) -> None:
    log = Log(database)
    task = Narrator(task_type="maintenance")
    await log.fold(task.requested(Targets(kind="projects", project_ids=(4, 2))))
    rows = await fetch(database, "SELECT project_id FROM task_projects ORDER BY project_id")
    assert [row["project_id"] for row in rows] == [2, 4]


async def test_many_tasks_of_one_batch_are_kept_apart(log: Log) -> None:
    tasks = [Narrator(task=uuid4()) for _ in range(50)]
    events: list[Event] = [task.requested(1) for task in tasks]
    await log.fold(*events, *(task.started() for task in tasks), *(task.completed() for task in tasks[::2]))
    rows = await fetch(log.database, "SELECT status, count(*) AS n FROM tasks GROUP BY status ORDER BY status")
    assert [tuple(row.values()) for row in rows] == [("completed", 25), ("running", 25)]


# --- the audit ------------------------------------------------------------------------------------------------------


async def history(log: Log) -> None:
    """Everything that can happen to tasks, in several batches, some decisions back in the log and some not."""
    one = Narrator(task=uuid4(), task_type="upload_postprocess")
    two, three, four, five = (Narrator(task=uuid4()) for _ in range(4))
    await log.fold(one.requested(5), two.requested(2), three.cancel())
    await log.fold(three.requested(1), one.started(), one.progress(done=2), two.fault(), one.completed(index=1))
    await log.come_back()
    await log.fold(four.requested(Targets(kind="filter", filter={})), one.completed(index=0), two.started(2))
    await log.fold(four.resolved(part=1, parts=2, total=2010), five.requested(Targets(kind="filter", filter={})))
    await log.fold(one.fault(step=1, retryable=False), one.completed(step=1, index=1), two.lost(2, 1))
    await log.fold(four.resolved(part=0, parts=2, total=2010), five.unresolvable(), two.completed(2, failed=1))
    await log.come_back()
    await log.fold(four.completed(index=3, done=200), four.started(index=1), four.cancel(), four.completed(index=2))


@pytest.fixture
def busy(database: Database) -> Log:
    return Log(database, rules(jobs=Jobs(size={"upload_postprocess": 3, "generate_derivatives": 200}, default_size=4)))


async def test_a_replay_finds_no_difference(busy: Log, dsn: str) -> None:
    await history(busy)
    assert await replay(dsn) == []
    await busy.come_back()
    assert await replay(dsn) == []


async def test_a_replay_leaves_nothing_behind(busy: Log, dsn: str) -> None:
    await history(busy)
    schemas = "SELECT nspname FROM pg_namespace ORDER BY nspname"
    before = await fetch(busy.database, schemas)
    await replay(dsn)
    assert await fetch(busy.database, schemas) == before


async def test_a_replay_does_not_depend_on_the_rules_of_the_day(busy: Log, dsn: str) -> None:
    await history(busy)
    busy.rules = rules(jobs=Jobs(default_size=1, size={}), max_jobs_in_flight=1, max_attempts_default=1)
    await busy.fold(Narrator(task=uuid4()).requested(3))
    assert await replay(dsn) == []


async def test_a_replay_knows_states_that_were_stored_before_tasks_could_wait(busy: Log, dsn: str) -> None:
    await history(busy)
    later = {"answered", "cancel_fault", "awaits", "total"}
    async with busy.database.transaction() as connection:
        for row in await connection.fetch("SELECT id, state::text FROM tasks"):
            state = json.loads(row["state"], object_hook=lambda found: {k: found[k] for k in found.keys() - later})
            await connection.execute(
                "UPDATE tasks SET state = $2::text::jsonb WHERE id = $1", row["id"], json.dumps(state)
            )
    assert await replay(dsn) == []


@pytest.mark.parametrize(
    ("damage", "report"),
    [
        ("UPDATE tasks SET status = 'running' WHERE status = 'failed'", "status is 'running', by the log 'failed'"),
        ("UPDATE jobs SET done = done + 1 WHERE status = 'completed'", "done is 2, by the log 1"),
        ("DELETE FROM jobs WHERE status = 'canceled'", "missing, the log has"),
        ("INSERT INTO task_items SELECT gen_random_uuid(), 0, 1, 1", "not in the log"),
        ("DELETE FROM task_items WHERE position = 7", "missing, the log has"),
        ("UPDATE event_log SET payload = replace(payload, '\"ada\"', '\"eve\"') WHERE seq = 3", "does not follow"),
        ("DELETE FROM event_log WHERE seq = (SELECT max(seq) FROM event_log)", "is not that of the last event"),
        ("DELETE FROM event_log WHERE seq = 2", "event_log 3: its hash does not follow"),
        ("DELETE FROM outbox WHERE kind = 'event'", "by the log"),
    ],
)
async def test_a_replay_reports_what_was_changed_behind_its_back(busy: Log, dsn: str, damage: str, report: str) -> None:
    await history(busy)
    async with busy.database.transaction() as connection:
        assert not (await connection.execute(damage)).endswith(" 0")
    differences = await replay(dsn)
    assert any(report in line for line in differences), differences


async def test_a_replay_reports_decisions_without_a_fact(busy: Log, dsn: str) -> None:
    await history(busy)
    stray = Origin("/orchestrator", "user_0", "ada", causation_id=uuid4())
    started = told(Narrator(task=uuid4()).requested(1)).decided[0]
    await busy.fold(stray.event(started.data))
    assert any("follow from a fact" in line for line in await replay(dsn))
