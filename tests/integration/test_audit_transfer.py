"""``audit export`` and ``audit import``: the log taken out, to the byte, and put into an archive that holds nothing."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from auditing import archive, found
from folding import Log
from orchestration import TENANT, Narrator
from running_orchestrator import running, workers

from photobus_common.bus.connection import Broker
from photobus_common.config import Pipeline, Postgres, Settings
from photobus_common.events import Origin
from photobus_common.events.projects import KeepChanged, KeptKinds, PhotoKeep, ProjectCreated
from photobus_common.store.database import Database
from photobus_common.subjects import EVENTS_STREAM
from photobus_local.postgres import EmbeddedPostgres
from photobus_orchestrator.audit import (
    CannotAuditError,
    Imported,
    Selection,
    bound,
    export,
    restore,
    verify,
    written_whole,
)

ROWS = "SELECT seq, hash, payload FROM event_log ORDER BY seq"
TASKS = "SELECT * FROM tasks ORDER BY id"
"""Rows that follow from the log, with all their columns."""


@pytest.fixture
async def empty(postgres_server: EmbeddedPostgres, clones: Any) -> AsyncIterator[str]:
    """Address of another database, which has its tables and nothing else."""
    name = await clones.take()
    yield postgres_server.dsn_of(name)
    clones.give_back(name)


async def fetch(database: Database, query: str) -> list[dict[str, Any]]:
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query)]


async def exported(settings: Settings, *, positions: bool = False, **chosen: Any) -> list[bytes]:
    target = BytesIO()
    events = await export(settings.postgres.dsn, Selection(**chosen), target, positions=positions)
    lines = target.getvalue().splitlines(keepends=True)
    assert len(lines) == events + positions
    return lines


async def test_an_export_is_the_archive_to_the_byte(database: Database, settings: Settings) -> None:
    await archive(database)
    rows = await fetch(database, ROWS)
    assert await exported(settings) == [row["payload"].encode() + b"\n" for row in rows]
    *events, end = await exported(settings, positions=True)
    for line, row in zip(events, rows, strict=True):
        document = json.loads(line)
        assert (document["seq"], document["hash"]) == (row["seq"], row["hash"].hex())
        assert document["event"] == json.loads(row["payload"])
        assert row["payload"].encode() in line
    assert json.loads(end) == {"end": {"seq": 11, "hash": rows[-1]["hash"].hex(), "events": 11}}


TASK = UUID("00000000-0000-4000-8000-00000000000a")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4]),
    ({"since": 2, "until": 3}, [2, 3]),
    ({"since": NOON.replace(minute=1), "until": NOON.replace(minute=2)}, [2, 3]),
    ({"types": ("KeepChanged", "TaskCancelRequested")}, [3, 4]),
    ({"actor": "bob"}, [2]),
    ({"tenant": "user_1"}, [4]),
    ({"task": TASK}, [3]),
    ({"project": 7}, [2, 4]),
    ({"photo": 5}, [4]),
    ({"project": 7, "actor": "ada"}, [4]),
    ({"photo": 6}, []),
]


async def test_an_export_holds_what_every_filter_lets_through(database: Database, settings: Settings) -> None:
    def said(minute: int, actor: str = "ada", tenant: str = TENANT) -> Origin:
        return Origin("/test", tenant, actor, clock=lambda: NOON.replace(minute=minute))

    kinds = KeptKinds(jpg=True, raw=True, other=True)
    photo = PhotoKeep(photo_id=5, filename="a", version=2, before=kinds, after=kinds)
    events = [
        said(0).event(ProjectCreated(project_id=3, project_folder="Sea", name="Sea")),
        said(1, actor="bob").event(ProjectCreated(project_id=7, project_folder="Trip", name="Trip\n\N{SNOWMAN}")),
        said(2).event(Narrator(task=TASK).cancel().data),
        said(3, tenant="user_1").event(KeepChanged(project_id=7, project_folder="Trip", photos=(photo,))),
    ]
    await Log(database).fold(*events)
    for chosen, expected in FILTERS:
        lines = await exported(settings, **chosen)
        assert [json.loads(line)["id"] for line in lines] == [str(events[seq - 1].id) for seq in expected], chosen


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "2026-03-01T12:00:00", "1.5", str(2**63)])
def test_a_bound_is_a_sequence_or_a_time_with_its_zone(text: str) -> None:
    with pytest.raises(ValueError, match="is neither a sequence of the log nor a time with its zone"):
        bound(text)
    assert (bound("17"), bound("2026-03-01T12:00:00Z")) == (17, NOON)


async def test_an_import_gives_the_same_log_tasks_and_jobs_and_the_system_goes_on(
    database: Database, settings: Settings, empty: str, tmp_path: Path, broker: Broker, tenant: str
) -> None:
    await archive(database)
    source = tmp_path / "log.jsonl"
    source.write_bytes(b"".join(await exported(settings, positions=True)))
    assert await restore(empty, source) == Imported(events=11, last=11, rows=9)
    report = await verify(empty, None)
    assert (found(report), report.exit_status) == ({}, 0)
    quick = Pipeline(rescue_after_seconds=0.2, rescue_every_seconds=0.1)
    there = settings.model_copy(update={"postgres": Postgres(dsn=empty), "pipeline": quick})
    restored = await Database.open(there.postgres, "test")
    for query in (ROWS, TASKS, "SELECT * FROM jobs ORDER BY id", "SELECT * FROM task_items ORDER BY task_id, position"):
        assert await fetch(restored, query) == await fetch(database, query)
    assert [row["hash"] for row in await fetch(restored, "SELECT hash FROM fold_cursor")] == [
        row["hash"] for row in await fetch(database, "SELECT hash FROM fold_cursor")
    ]
    await restored.close()
    await broker.client.jetstream().delete_stream(EVENTS_STREAM)
    async with running(there) as process, workers(process, there):
        await process.say(Narrator(task=uuid4()).requested(1))
        await process.until_rows([("completed", 3)], "SELECT status, count(*) FROM tasks GROUP BY status")
    report = await verify(empty, settings.nats)
    assert found(report) == {}


def less(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if b'"seq":4,' not in line]


REFUSED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "without positions": (
        lambda lines: [line.partition(b'"event":')[2][:-2] + b"\n" for line in lines],
        "Line 1: this is no event with its position; only an export made with positions can be imported.",
    ),
    "filtered": (less, "Line 4: event 5 does not follow from the one before: the export was filtered or changed."),
    "changed": (lambda lines: [line.replace(b"worker-1", b"worker-2") for line in lines], "Line 3: event 3 does not"),
    "cut off": (lambda lines: lines[:5], "Line 6: the export ends here without its last line, so it is not whole."),
    "cut off in a line": (lambda lines: [*lines[:5], lines[5][:40]], "Line 6: this is no event with its position"),
    "less than was written": (
        lambda lines: [*lines[:5], lines[-1]],
        "Line 6: the end tells of 11 events, but 5 came.",
    ),
    "more than was written": (lambda lines: [*lines, lines[0]], "Line 12: something follows the last line."),
    "in another order": (lambda lines: [lines[0], lines[0], *lines], "Line 2: event 1 comes after event 1."),
    "empty": (lambda lines: lines[:0], "Line 1: the export ends here without its last line, so it is not whole."),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_no_whole_log_is_refused_whole(
    database: Database, settings: Settings, empty: str, tmp_path: Path, case: str
) -> None:
    changed, reason = REFUSED[case]
    await archive(database)
    source = tmp_path / "log.jsonl"
    source.write_bytes(b"".join(changed(await exported(settings, positions=True))))
    with pytest.raises(CannotAuditError) as refused:
        await restore(empty, source)
    assert refused.value.public_message.startswith(reason)
    assert "no event" in (await verify(empty, None)).text()


async def test_an_archive_that_holds_anything_is_left_as_it_is(
    database: Database, settings: Settings, empty: str, tmp_path: Path
) -> None:
    await archive(database)
    source = tmp_path / "log.jsonl"
    source.write_bytes(b"".join(await exported(settings, positions=True)))
    with pytest.raises(CannotAuditError, match="An import needs an empty archive, but event_log holds rows already"):
        await restore(settings.postgres.dsn, source)
    await restore(empty, source)
    with pytest.raises(CannotAuditError, match="An import needs an empty archive"):
        await restore(empty, source)


async def test_nothing_is_imported_under_an_orchestrator(
    settings: Settings, broker: Broker, tenant: str, tmp_path: Path
) -> None:
    source = tmp_path / "log.jsonl"
    source.write_bytes(b"".join(await exported(settings, positions=True)))
    leads = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND datname = $1"
    )
    async with running(settings) as process:
        name = settings.postgres.dsn.rpartition("/")[2].partition("?")[0]
        await process.until_rows([(1,)], leads, name)
        with pytest.raises(CannotAuditError, match="An orchestrator leads"):
            await restore(settings.postgres.dsn, source)


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "log.jsonl"
    target.write_text("old")

    def fail_half_way() -> None:
        with written_whole(target) as file:
            file.write(b"new")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("log.jsonl", "old")]
    with written_whole(target) as file:
        file.write(b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("log.jsonl", "new")]
