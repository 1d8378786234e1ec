"""A long log is folded by several processes, each a share of its tasks; what they find is what one finds."""

import os
from pathlib import Path
from uuid import uuid4

import pytest
from auditing import execute
from folding import LeftInOutbox, Log
from orchestration import Narrator

from photobus_common.config import Settings
from photobus_common.events.tasks import Targets, TargetsResolved
from photobus_common.store.database import Database
from photobus_common.store.tasks import copy_items
from photobus_common.store.unit_of_work import unit_of_work
from photobus_orchestrator.audit import CannotAuditError, replay, shares
from photobus_orchestrator.projection import resolved_items

DAMAGE = (
    "UPDATE tasks SET status = 'failed' WHERE status = 'completed'",
    "DELETE FROM jobs WHERE status = 'running'",
    "INSERT INTO task_items SELECT gen_random_uuid(), n, 1, 1 FROM generate_series(1, 20) n",
    "UPDATE event_log SET payload = replace(payload, '\"schemaversion\":', '\"schemaversion\":9') WHERE seq = 40",
)


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take three processes, however short the log is."""
    monkeypatch.setattr(shares, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1, 2})


async def fold_tasks(database: Database) -> None:
    """Fold tasks that ended, that go on, and that wait for a snapshot whose event is on its way."""
    log = Log(database)
    tasks = [Narrator(task=uuid4()) for _ in range(20)]
    await log.fold(*(task.requested(Targets(kind="filter", filter={}) if n < 5 else 3) for n, task in enumerate(tasks)))
    await log.fold(*(task.started() for task in tasks[5:]), *(task.completed(done=3) for task in tasks[10:]))
    await log.come_back()
    async with unit_of_work(database, LeftInOutbox()) as work:
        for task in tasks[:5]:
            resolved = task.resolved(total=2)
            assert isinstance(resolved.data, TargetsResolved)
            await copy_items(work.connection, resolved_items(resolved.data))
            work.emit(resolved)


async def test_what_several_find_is_what_one_finds(
    database: Database, settings: Settings, request: pytest.FixtureRequest
) -> None:
    await fold_tasks(database)
    alone = await replay(settings.postgres.dsn)
    await execute(database, *DAMAGE)
    damaged = await replay(settings.postgres.dsn)
    request.getfixturevalue("several")
    assert sorted(await replay(settings.postgres.dsn)) == sorted(damaged)
    assert (alone, len(damaged) > 30) == ([], True)


async def test_a_process_that_ends_before_its_time_ends_the_audit(
    database: Database, settings: Settings, several: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await fold_tasks(database)
    monkeypatch.setattr(shares, "SHARE_PROCESS", ("/bin/false",))
    with pytest.raises(CannotAuditError, match="ended with status 1"):
        await replay(settings.postgres.dsn)
