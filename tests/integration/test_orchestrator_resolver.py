"""Filters, projects, all and failed items become one snapshot in the log, whole and once."""

import json
from typing import Any

import pytest
from catalogue import Shot, add_project, add_shots, add_tenant
from folding import LeftInOutbox, Log
from orchestration import Narrator

from photobus_common.events import Event, decode
from photobus_common.events.tasks import Targets, TargetsResolved, TargetsUnresolvable
from photobus_common.store.database import Database
from photobus_common.store.job_items import ItemOutcome, JobOutcomes, insert_outcomes
from photobus_orchestrator.audit import replay
from photobus_orchestrator.domain.state import job_id
from photobus_orchestrator.resolver import Resolver

MANY_PHOTOS = """
INSERT INTO photos (tenant, project_id, filename, taken_at)
SELECT $1, ($2::bigint[])[1 + n % cardinality($2::bigint[])], 'IMG_' || n, now() FROM generate_series(1, $3) AS n
"""


@pytest.fixture
def log(database: Database) -> Log:
    return Log(database)


@pytest.fixture
def resolver(database: Database) -> Resolver:
    return Resolver(database, LeftInOutbox())


async def said(database: Database) -> list[Event]:
    """Return what the resolver said, in the order of its parts."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT payload FROM outbox WHERE kind = 'event'")
    events = [decode(row["payload"]) for row in rows]
    parts = [event for event in events if isinstance(event.data, TargetsResolved | TargetsUnresolvable)]
    return sorted(parts, key=lambda event: getattr(event.data, "part", 0))


async def snapshot(database: Database) -> list[tuple[int, int]]:
    """Return photos and their projects in the order of the snapshot."""
    pairs: list[tuple[int, int]] = []
    for event in await said(database):
        assert isinstance(event.data, TargetsResolved)
        assert event.data.first == len(pairs)
        pairs += list(zip(event.data.photo_ids, event.data.project_ids, strict=True))
    return pairs


async def shoot(database: Database, tenant: str) -> dict[str, Any]:
    """Two projects with three photos, one of them archived, and another tenant's photo."""
    async with database.transaction() as connection:
        trip = await add_project(connection, tenant, "Trip")
        home = await add_project(connection, tenant, "Home")
        gone = await add_project(connection, tenant, "Gone", "canceled")
        await add_tenant(connection, "user_1")
        foreign = await add_project(connection, "user_1", "Trip")
        ids = {
            "trip": await add_shots(connection, tenant, trip, [Shot("DSC1"), Shot("IMG2")]),
            "home": await add_shots(connection, tenant, home, [Shot("DSC3")]),
            "gone": await add_shots(connection, tenant, gone, [Shot("DSC4")]),
            "foreign": await add_shots(connection, "user_1", foreign, [Shot("DSC5")]),
        }
    return ids | {"trip_id": trip, "home_id": home, "gone_id": gone, "foreign_id": foreign}


async def resolve(log: Log, resolver: Resolver, targets: Targets) -> list[int]:
    """Ask for a task over ``targets``; return the photos of its snapshot."""
    await log.fold(Narrator().requested(targets))
    assert await resolver.resolve_some() == 1
    return [photo for photo, _project in await snapshot(log.database)]


async def test_a_filter_means_what_matches_now(log: Log, resolver: Resolver, tenant: str) -> None:
    shots = await shoot(log.database, tenant)
    photos = await resolve(log, resolver, Targets(kind="filter", filter={"text": "dsc"}))
    assert photos == [shots["trip"][0], *shots["home"]]


async def test_all_means_every_photo_of_every_active_project(log: Log, resolver: Resolver, tenant: str) -> None:
    shots = await shoot(log.database, tenant)
    assert await resolve(log, resolver, Targets(kind="all")) == [*shots["trip"], *shots["home"]]


async def test_projects_mean_their_photos_but_only_of_this_tenant(log: Log, resolver: Resolver, tenant: str) -> None:
    shots = await shoot(log.database, tenant)
    wanted = (shots["home_id"], shots["gone_id"], shots["foreign_id"])
    assert await resolve(log, resolver, Targets(kind="projects", project_ids=wanted)) == shots["home"]


async def test_failed_items_mean_the_photos_that_failed(log: Log, resolver: Resolver, tenant: str) -> None:
    shots = await shoot(log.database, tenant)
    earlier = Narrator()
    ids, project = tuple(shots["trip"]), shots["trip_id"]
    await log.fold(earlier.requested(Targets(kind="photos", photo_ids=ids, project_ids=(project, project))))
    outcomes = (ItemOutcome(0, ids[0], "done"), ItemOutcome(1, ids[1], "failed", "it is torn"))
    async with log.database.transaction() as connection:
        written = JobOutcomes(job_id(earlier.task, 0, 0), 1, outcomes)
        await insert_outcomes(connection, [written])
    await log.fold(earlier.completed(done=1, failed=1))
    again = Narrator(task=job_id(earlier.task, 9, 9))
    await log.fold(again.requested(Targets(kind="failed_items", failed_of=earlier.task), retry_of=earlier.task))
    assert await resolver.resolve_some() == 1
    assert await snapshot(log.database) == [(ids[1], project)]


async def test_what_a_task_worked_on_is_found_where_it_lies_now_else_where_it_lay(
    log: Log, resolver: Resolver, tenant: str
) -> None:
    shots = await shoot(log.database, tenant)
    (moved, gone), trip, home = shots["trip"], shots["trip_id"], shots["home_id"]
    earlier = Narrator()
    await log.fold(earlier.requested(Targets(kind="photos", photo_ids=(moved, gone), project_ids=(trip, trip))))
    async with log.database.transaction() as connection:
        await connection.execute("UPDATE photos SET project_id = $2 WHERE id = $1", moved, home)
        await connection.execute("DELETE FROM photos WHERE id = $1", gone)
    again = Narrator(task=job_id(earlier.task, 9, 9))
    await log.fold(again.requested(Targets(kind="items_of", items_of=earlier.task), undo_of=earlier.task))
    assert await resolver.resolve_some() == 1
    assert await snapshot(log.database) == [(gone, trip), (moved, home)]
    await log.come_back()
    async with log.database.connection() as connection:
        (row,) = await connection.fetch("SELECT items, undo_of FROM tasks WHERE undo_of IS NOT NULL")
    assert tuple(row.values()) == (2, earlier.task)


async def test_what_another_tenants_task_worked_on_is_nothing(log: Log, resolver: Resolver, tenant: str) -> None:
    shots = await shoot(log.database, tenant)
    earlier = Narrator()
    ids, project = tuple(shots["home"]), shots["home_id"]
    await log.fold(earlier.requested(Targets(kind="photos", photo_ids=ids, project_ids=(project,))))
    async with log.database.transaction() as connection:
        await connection.execute("UPDATE tasks SET tenant = 'user_1'")
    again = Narrator(task=job_id(earlier.task, 9, 9))
    await log.fold(again.requested(Targets(kind="items_of", items_of=earlier.task)))
    assert await resolver.resolve_some() == 1
    assert await snapshot(log.database) == []


async def test_nothing_that_matches_is_a_snapshot_too(log: Log, resolver: Resolver, tenant: str) -> None:
    assert await resolve(log, resolver, Targets(kind="filter", filter={"text": "none"})) == []
    (event,) = await said(log.database)
    assert json.loads(event.data.model_dump_json())["parts"] == 1


async def test_a_filter_that_is_none_fails_the_task_instead_of_coming_up_for_ever(
    log: Log, resolver: Resolver, tenant: str
) -> None:
    await log.fold(Narrator().requested(Targets(kind="filter", filter={"colour": "red"})))
    assert await resolver.resolve_some() == 1
    (event,) = await said(log.database)
    await log.fold(event)
    async with log.database.connection() as connection:
        (row,) = await connection.fetch("SELECT status, error_code FROM tasks")
    assert tuple(row.values()) == ("failed", "targets_unresolvable")
    assert await resolver.resolve_some() == 0


async def test_a_task_is_resolved_once(log: Log, resolver: Resolver, tenant: str) -> None:
    await shoot(log.database, tenant)
    await resolve(log, resolver, Targets(kind="all"))
    assert await resolver.resolve_some() == 0
    assert len(await said(log.database)) == 1


async def test_a_task_canceled_while_it_was_resolved_keeps_to_the_log(
    log: Log, resolver: Resolver, tenant: str, dsn: str
) -> None:
    task = Narrator()
    await shoot(log.database, tenant)
    await log.fold(task.requested(Targets(kind="all")))
    assert await resolver.resolve_some() == 1
    await log.fold(task.cancel())
    await log.come_back()
    assert await replay(dsn) == []


async def test_a_canceled_task_is_not_resolved(log: Log, resolver: Resolver, tenant: str) -> None:
    task = Narrator()
    await log.fold(task.requested(Targets(kind="all")), task.cancel())
    assert await resolver.resolve_some() == 0


@pytest.mark.parametrize("projects", [1, 40])
async def test_a_large_snapshot_comes_in_parts_and_becomes_as_many_jobs_whatever_the_projects(
    log: Log, resolver: Resolver, tenant: str, dsn: str, projects: int
) -> None:
    async with log.database.transaction() as connection:
        ids = [await add_project(connection, tenant, f"Project {number}") for number in range(projects)]
        await connection.execute(MANY_PHOTOS, tenant, ids, 5000)
    photos = await resolve(log, resolver, Targets(kind="filter", filter={}))
    assert len(photos) == len(set(photos)) == 5000
    assert [len(event.data.model_dump()["photo_ids"]) for event in await said(log.database)] == [2000, 2000, 1000]
    await log.come_back()
    async with log.database.connection() as connection:
        (row,) = await connection.fetch("SELECT items, state->'steps'->0->'jobs' AS jobs FROM tasks")
        items = await connection.fetchval("SELECT count(DISTINCT photo_id) FROM task_items")
    assert (row["items"], row["jobs"], items) == (5000, 25, 5000)
    assert await replay(dsn) == []
