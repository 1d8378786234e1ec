"""Schedules over HTTP: what is shown, what may be changed, and what is refused, by field and limit."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from gateway_server import Answer, Gateway, running_gateway
from told import arrange

from photobus_client import PhotobusClient
from photobus_client.errors import ApiError
from photobus_common.bus.connection import Broker
from photobus_common.config import Schedules, Settings
from photobus_common.events.schedules import ScheduleChanged
from photobus_common.storage.library import Library
from photobus_common.store import schedules as store
from photobus_common.store.database import Database

PATH = "/api/schedules/integrity_check"
RAN = """
UPDATE schedules SET last_task_id = $1, last_run_at = now(), skipped = 2, skipped_at = now(), skipped_reason = 'active'
WHERE name = 'integrity_check'
"""
CLOCK = "SELECT generation, next_at FROM schedules WHERE tenant = 'user_0' AND name = 'integrity_check'"
OTHER_TENANT = "INSERT INTO tenants (tenant, name, library_id) VALUES ('user_7', 'Other', gen_random_uuid())"


@pytest.fixture
async def gateway(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> AsyncIterator[Gateway]:
    """A gateway of two tenants, each with its schedules as an orchestrator makes them."""
    async with database.transaction() as connection:
        await connection.execute(OTHER_TENANT)
        intervals = settings.schedules.intervals
        await arrange(connection)
        await store.make_missing(connection, intervals, timedelta(hours=24), "settings")
    async with running_gateway(settings, database, broker, library, tenant) as running:
        yield running


async def put(gateway: Gateway, body: dict[str, Any], path: str = PATH, **options: Any) -> Answer:
    """Change a schedule."""
    return await gateway.call("PUT", path, json=body, **options)


async def clock(gateway: Gateway) -> tuple[int, datetime]:
    """Return which clock of the schedule it is, and when it is due."""
    async with gateway.database.connection() as connection:
        (row,) = await connection.fetch(CLOCK)
    return row["generation"], row["next_at"]


async def test_every_schedule_is_shown_with_its_runs(gateway: Gateway) -> None:
    answer = await gateway.get("/api/schedules", token=await gateway.token("viewer"))
    assert answer.status == 200
    names = ["folder_discovery", "integrity_check", "maintenance_global", "project_scavenge_global"]
    assert ([item["name"] for item in answer.body["items"]], answer.body["total"]) == (names, 4)
    weekly = answer.body["items"][1]
    due = datetime.fromisoformat(weekly.pop("next_run_at"))
    assert timedelta(days=6, hours=23) < due - datetime.now(UTC) <= timedelta(days=7)
    assert weekly == {
        "name": "integrity_check",
        "task_type": "integrity_check",
        "every_seconds": 604_800,
        "cron": None,
        "enabled": True,
        "deadline_seconds": 604_800,
        "last_run": None,
        "skipped": {"count": 0, "last": None},
        "version": 1,
    }


async def test_a_run_is_shown_from_the_moment_it_is_asked_for(gateway: Gateway) -> None:
    task = uuid4()
    async with gateway.database.transaction() as connection:
        await connection.execute(RAN, task)
    shown = (await gateway.get("/api/schedules")).body["items"][1]
    assert (shown["last_run"]["task_id"], shown["last_run"]["status"]) == (str(task), "requested")
    assert (shown["skipped"]["count"], shown["skipped"]["last"]["reason"]) == (2, "active")


async def test_another_interval_starts_another_clock_and_is_said(gateway: Gateway) -> None:
    before, _ = await clock(gateway)
    answer = await put(gateway, {"every_seconds": 600})
    assert answer.status == 200, answer.body
    assert (answer.body["every_seconds"], answer.body["cron"], answer.body["version"]) == (600, None, 2)
    after, due = await clock(gateway)
    assert after == before + 1
    assert due - datetime.now(UTC) <= timedelta(seconds=600)
    (said,) = await gateway.events("ScheduleChanged")
    assert isinstance(said.data, ScheduleChanged)
    assert (said.data.every_seconds, said.data.version, said.subject) == (600, 2, "evt.user_0.schedule")
    assert said.actor.startswith("token:")


async def test_cron_takes_the_place_of_an_interval_and_back(gateway: Gateway) -> None:
    answer = await put(gateway, {"cron": "0  30 4 * * *"})
    assert (answer.status, answer.body["every_seconds"], answer.body["cron"]) == (200, None, "0 30 4 * * *")
    due = datetime.fromisoformat(answer.body["next_run_at"])
    assert (due.hour, due.minute, due.second) == (4, 30, 0)
    assert (await put(gateway, {"every_seconds": 60})).body["cron"] is None


async def test_what_changes_no_timing_starts_no_clock(gateway: Gateway) -> None:
    before = await clock(gateway)
    assert (await put(gateway, {"every_seconds": 604_800, "enabled": True})).body["version"] == 1
    assert await gateway.events("ScheduleChanged") == []
    answer = await put(gateway, {"deadline_seconds": 7200})
    assert (answer.body["deadline_seconds"], answer.body["version"]) == (7200, 2)
    assert await clock(gateway) == before


async def test_a_schedule_is_switched_off_and_on(gateway: Gateway) -> None:
    off = await put(gateway, {"enabled": False})
    assert (off.body["enabled"], off.body["next_run_at"]) == (False, None)
    on = await put(gateway, {"enabled": True})
    assert on.body["next_run_at"] is not None
    assert (await clock(gateway))[0] == 3


@pytest.mark.parametrize(
    ("body", "field", "limit"),
    [
        ({"every_seconds": 59}, "every_seconds", 60),
        ({"every_seconds": 0}, "every_seconds", 1),
        ({"every_seconds": 366 * 86_400 + 1}, "every_seconds", 366 * 86_400),
        ({"cron": "*/30 * * * * *"}, "cron", 60),
        ({"cron": "every other day"}, "cron", None),
        ({"cron": "0 0 0 31 2 *"}, "cron", None),
        ({"deadline_seconds": 0}, "deadline_seconds", 1),
        ({"enabled": None}, "enabled", None),
        ({"every_seconds": "1h"}, "every_seconds", None),
        ({"weekly": True}, "weekly", None),
    ],
)
async def test_what_is_wrong_is_named_with_its_limit(
    gateway: Gateway, body: dict[str, Any], field: str, limit: int | None
) -> None:
    answer = await put(gateway, body)
    assert (answer.status, answer.body["code"]) == (400, "invalid_input")
    assert [(error["field"], error.get("limit")) for error in answer.body["errors"]] == [(field, limit)]
    assert await gateway.events("ScheduleChanged") == []


@pytest.mark.parametrize("body", [{}, {"every_seconds": 600, "cron": "0 0 * * * *"}])
async def test_nothing_and_two_timings_are_refused(gateway: Gateway, body: dict[str, Any]) -> None:
    assert (await put(gateway, body)).status == 400


async def test_a_lower_limit_may_be_set(
    settings: Settings, database: Database, broker: Broker, library: Library, gateway: Gateway
) -> None:
    lower = settings.model_copy(update={"schedules": Schedules(least_seconds=2)})
    async with running_gateway(lower, database, broker, library, gateway.tenant) as quick:
        assert (await put(quick, {"every_seconds": 2})).status == 200
        assert (await put(quick, {"cron": "*/2 * * * * *"})).status == 200
        assert (await put(quick, {"every_seconds": 1})).body["errors"][0]["limit"] == 2


async def test_only_admins_change_what_there_is_of_their_own(gateway: Gateway) -> None:
    body = {"every_seconds": 600}
    assert (await put(gateway, body, token=await gateway.token("editor"))).status == 403
    assert (await put(gateway, body, "/api/schedules/unheard_of")).status == 404
    assert (await put(gateway, body, token=await gateway.token("admin", tenant="user_7"))).status == 200
    assert (await gateway.get("/api/schedules")).body["items"][1]["every_seconds"] == 604_800


async def test_the_client_lists_and_sets(gateway: Gateway) -> None:
    async with PhotobusClient(f"http://127.0.0.1:{gateway.port}", gateway.admin) as photobus:
        listed = await photobus.schedules.list()
        assert [schedule.every_seconds for schedule in listed] == [300, 604_800, 3600, 3600]
        changed = await photobus.schedules.set("folder_discovery", every_seconds=120, deadline_seconds=60)
        assert (changed.every_seconds, changed.deadline_seconds, changed.enabled) == (120, 60, True)
        assert not (await photobus.schedules.set("folder_discovery", enabled=False)).enabled
        with pytest.raises(ApiError):
            await photobus.schedules.set("folder_discovery", every_seconds=1)
