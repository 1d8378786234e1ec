"""What ``audit verify`` finds when archive, stream, rows or outbox were changed, and what is no fault to it."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from auditing import archive, audit, execute, found, hash_anew, places, publish
from folding import Log
from orchestration import Narrator

from photobus_common.bus.connection import Broker
from photobus_common.bus.provisioning import provision
from photobus_common.config import Nats, Settings
from photobus_common.store.database import Database
from photobus_common.subjects import EVENTS_STREAM, EVENTS_SUBJECTS
from photobus_orchestrator.audit import CannotAuditError, verify
from photobus_orchestrator.audit.report import Report

HOLDER_OF_3 = "UPDATE event_log SET payload = replace(payload, 'worker-1', 'worker-2') WHERE seq = 3"
EXCHANGE = "UPDATE event_log SET seq = CASE seq WHEN {a} THEN {b} ELSE {a} END + 1000 WHERE seq IN ({a}, {b})"
BACK = "UPDATE event_log SET seq = seq - 1000 WHERE seq > 1000"
ANOTHER = """
INSERT INTO event_log SELECT seq + 100, gen_random_uuid(), time, type, tenant, subject, actor, task_id, project_id,
    photo_ids, payload, hash
FROM event_log WHERE seq = 4
"""
SAID_OTHERWISE = """
INSERT INTO outbox (id, kind, message_id, tenant, subject, payload)
SELECT event_id, 'event', event_id::text || '!', tenant, subject, convert_to(payload || ' ', 'UTF8')
FROM event_log WHERE seq = 4
"""
FIRST_TASK = ["tasks *", "jobs *", *["task_items *"] * 3]


@pytest.fixture
async def log(database: Database, broker: Broker) -> Log:
    """An archive of eleven events, and a stream that holds the same."""
    archived = await archive(database)
    await publish(broker, database)
    return archived


async def test_a_whole_log_is_clean(log: Log, settings: Settings) -> None:
    report = await audit(settings)
    assert (found(report), report.exit_status) == ({}, 0)
    assert report.verdict == "No difference."
    assert f"{log.last} events, 1 to {log.last}" in report.text()
    assert json.loads(report.json())["clean"] is True
    assert "wait" not in report.text()


CASES = {
    "a payload": (
        [HOLDER_OF_3],
        {"archive": ["event_log 3"], "stream": ["event_log 3"]},
        "event_log 3: its hash does not follow from that of 2: one of the two was changed",
    ),
    "a column": (
        ["UPDATE event_log SET actor = E'eve\\n' WHERE seq = 4"],
        {"archive": ["event_log 4"]},
        r"event_log 4: actor is 'eve\n', by its payload 'ada'",
    ),
    "a hash": (
        ["UPDATE event_log SET hash = sha256(hash) WHERE seq = 5"],
        {"archive": ["event_log 5", "event_log 6"]},
        "event_log 5: its hash does not follow from that of 4: one of the two was changed",
    ),
    "no event": (
        ["UPDATE event_log SET payload = replace(payload, '\"schemaversion\":', '\"schemaversion\":9') WHERE seq = 4"],
        {"archive": ["event_log 4", "event_log 4"], "stream": ["event_log 4"]},
        "event_log 4: Event 4 of the log cannot be read: ",
    ),
    "a row taken out": (
        ["DELETE FROM event_log WHERE seq = 4"],
        {"archive": ["event_log 5"], "stream": ["stream 4"]},
        "from that of 3: one of the two was changed, or what stood between them was taken out",
    ),
    "the first row taken out": (
        ["DELETE FROM event_log WHERE seq = 1"],
        {"archive": ["event_log 2", "event_log"], "stream": ["stream 1"], "tasks and jobs": FIRST_TASK},
        "event_log 2: its hash does not follow: it is the first, and was changed or is not the first",
    ),
    "the last row taken out": (
        ["DELETE FROM event_log WHERE seq = 11"],
        {"archive": ["fold_cursor 11"], "stream": ["stream 11"]},
        "its hash is not that of the last event, 10: it was changed, or what came after it was taken out",
    ),
    "neighbours exchanged": (
        [EXCHANGE.format(a=4, b=5), BACK],
        {
            "archive": [*[f"event_log {seq}" for seq in (4, 5, 6, 5, 4)]],
            "stream": ["event_log 4", "event_log 5"],
        },
        "event_log 5: what stands here belongs at 4",
    ),
    "rows exchanged": (
        [EXCHANGE.format(a=4, b=8), BACK],
        {
            "archive": [*[f"event_log {seq}" for seq in (4, 5, 8, 9, 8, 4)]],
            "stream": ["event_log 4", "event_log 8"],
        },
        "event_log 8: what stands here belongs at 4",
    ),
    "a row behind the cursor": (
        [ANOTHER],
        {"archive": ["event_log 104"]},
        "event_log 104: lies behind the cursor, which stands at 11",
    ),
    "a task": (
        ["UPDATE tasks SET status = 'failed' WHERE status = 'completed'"],
        {"tasks and jobs": ["tasks *"]},
        "status is 'failed', by the log 'completed'",
    ),
    "a project": (
        [
            "INSERT INTO tenants (tenant, name, library_id) VALUES ('user_0', 'Test', gen_random_uuid())",
            "INSERT INTO projects (tenant, name, folder) VALUES ('user_0', 'Trip', 'Trip')",
        ],
        {"catalogue": ["project 1"]},
        "catalogue: 1 differences",
    ),
    "an event on its way": (
        ["DELETE FROM outbox WHERE kind = 'event'", SAID_OTHERWISE],
        {"outbox": ["outbox *"]},
        "says something else than event_log 4, which has its id",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_was_changed_by_hand_is_named_with_its_place(log: Log, settings: Settings, case: str) -> None:
    statements, expected, words = CASES[case]
    await execute(log.database, *statements)
    report = await audit(settings)
    seen = {
        name: [f"{line.split()[0]} *" if name in ("tasks and jobs", "outbox") else line for line in lines]
        for name, lines in places(report).items()
    }
    assert seen == expected, found(report)
    assert words in report.text()
    assert report.exit_status == 1


async def test_a_payload_whose_hash_was_made_anew_breaks_the_chain_behind_it(log: Log, settings: Settings) -> None:
    await execute(log.database, HOLDER_OF_3)
    await hash_anew(log.database, 3, only=True)
    assert places(await audit(settings)) == {"archive": ["event_log 4"], "stream": ["event_log 3"]}


async def test_what_was_hashed_anew_to_the_end_only_the_stream_contradicts(log: Log, settings: Settings) -> None:
    await execute(log.database, HOLDER_OF_3)
    await hash_anew(log.database, 3)
    assert found(await audit(settings)) == {"stream": ["event_log 3: its payload is not what the stream holds"]}
    alone = await verify(settings.postgres.dsn, None)
    assert (found(alone), alone.exit_status) == ({}, 0)
    assert "the stream was left out" in alone.text()


async def test_what_is_not_archived_yet_is_no_difference(log: Log, broker: Broker, settings: Settings) -> None:
    late = Narrator(task=uuid4()).requested(1)
    await broker.client.jetstream().publish("evt.user_0.task.x", late.model_dump_json().encode())
    async with log.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO outbox (id, kind, message_id, tenant, subject, payload) "
            "VALUES (gen_random_uuid(), 'event', 'm', 'user_0', 's', '{}')",
        )
    report = await audit(settings)
    assert (found(report), report.exit_status) == ({}, 0)
    assert "1 events are not archived yet" in report.text()
    assert "1 events wait to be archived" in report.text()


async def test_an_event_that_came_again_is_no_difference(log: Log, broker: Broker, settings: Settings) -> None:
    async with log.database.connection() as connection:
        row = await connection.fetchrow("SELECT subject, payload FROM event_log WHERE seq = 2")
    assert row is not None
    fold = await log.lead()
    for _ in range(2):
        await broker.client.jetstream().publish(row["subject"], row["payload"].encode())
        await fold.fold(log.store(row["payload"].encode()))
    other = Narrator(task=uuid4()).requested(1)
    await log.fold(other)
    await publish(broker, log.database, log.last)
    report = await audit(settings)
    assert found(report) == {}
    assert "2 sequences between them without an event" in report.text()
    assert "2 of them repeats" in report.text()


async def test_one_of_the_same_id_that_says_something_else_is_no_repeat(
    log: Log, broker: Broker, settings: Settings
) -> None:
    async with log.database.connection() as connection:
        row = await connection.fetchrow("SELECT subject, payload FROM event_log WHERE seq = 2")
    assert row is not None
    forged = row["payload"].replace('"ada"', '"eve"').encode()
    await broker.client.jetstream().publish(row["subject"], forged)
    await (await log.lead()).fold(log.store(forged))
    assert found(await audit(settings)) == {"stream": ["stream 12: has the id of 2, but says something else"]}


async def test_a_stream_that_lost_its_end_is_told(database: Database, broker: Broker, settings: Settings) -> None:
    log = await archive(database)
    await publish(broker, database)
    await log.fold(Narrator(task=uuid4()).requested(1))
    assert found(await audit(settings)) == {
        "stream": ["stream: ends at 11, before the archive, which was read up to 12"]
    }


async def test_an_event_that_the_stream_has_lost_is_told(
    database: Database, broker: Broker, settings: Settings
) -> None:
    jetstream = broker.client.jetstream()
    await jetstream.delete_stream(EVENTS_STREAM)
    await jetstream.add_stream(name=EVENTS_STREAM, subjects=[EVENTS_SUBJECTS])  # one that lets events be deleted
    await archive(database)
    await publish(broker, database)
    for lost in (5, 6):
        assert await jetstream.delete_msg(EVENTS_STREAM, lost)
    assert found(await audit(settings)) == {
        "stream": [f"event_log {lost}: the stream does not hold it" for lost in (5, 6)],
    }


async def test_a_stream_made_anew_above_the_archive_is_no_difference(
    log: Log, broker: Broker, settings: Settings
) -> None:
    await broker.client.jetstream().delete_stream(EVENTS_STREAM)
    await provision(broker, settings, log.last)
    report = await audit(settings)
    assert (found(report), report.exit_status) == ({}, 0)
    assert "0 events compared" in report.text()


async def test_another_stream_than_the_one_that_was_archived_is_told(
    log: Log, broker: Broker, settings: Settings
) -> None:
    await execute(log.database, "UPDATE fold_cursor SET stream_created = '2020-01-01Z'")
    (line,) = found(await audit(settings))["stream"]
    assert line.endswith("while the archive was read from one of 2020-01-01 00:00:00+00:00")


async def test_a_broker_that_is_away_leaves_the_rest_checked(log: Log, settings: Settings, tmp_path: Path) -> None:
    nowhere = Nats(url="nats://127.0.0.1:1", connect_timeout_seconds=0.3)
    report = await verify(settings.postgres.dsn, nowhere)
    assert report.exit_status == 78
    assert "stream: not checked: the stream was not compared: No broker answers at nats://127.0.0.1:1" in report.text()
    await execute(log.database, HOLDER_OF_3)
    assert (await verify(settings.postgres.dsn, nowhere)).exit_status == 1


async def test_a_database_that_is_away_is_told(settings: Settings) -> None:
    with pytest.raises(CannotAuditError, match="cannot be opened"):
        await verify("postgresql://nobody@127.0.0.1:1/none", None)


async def test_of_many_differences_some_are_shown_and_all_are_counted(log: Log, settings: Settings) -> None:
    await execute(
        log.database, "INSERT INTO task_items SELECT gen_random_uuid(), n, 1, 1 FROM generate_series(1, 300) n"
    )
    report = await audit(settings)
    assert "  - and 200 more" in report.text()
    assert (report.found, len(found(report)["tasks and jobs"])) == (300, 100)


def test_a_line_holds_nothing_that_a_terminal_obeys() -> None:
    report = Report()
    report.section("rows").differ("photo 1: name is a\nb\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 5000)
    (line,) = report.sections[0].differences
    assert line.startswith(r"photo 1: name is a\nb\x1b[2J\u202exxx")
    assert len(line) < 1100
