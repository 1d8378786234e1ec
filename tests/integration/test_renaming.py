"""Renaming a project: its name at once, in row, manifest and log; never one that another project has."""

import asyncio

import pytest
import yaml
from gateway_server import Gateway
from uploading import folder_of, make_project, take_away, until

from photobus_common.config import RateLimits, Settings
from photobus_common.events.projects import ProjectRenamed

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that let a test rename as often as it likes."""
    return settings.model_copy(update={"rate_limits": RateLimits(requests=100)})


async def _rename(gateway: Gateway, folder: str, name: str) -> tuple[int, str]:
    answer = await gateway.call("PATCH", f"/api/projects/{folder}/rename", json={"new_name": name})
    return answer.status, answer.body.get("name") or answer.body["code"]


def _manifest_name(gateway: Gateway, folder: str) -> str:
    return str(yaml.safe_load((folder_of(gateway, folder) / ".project.yaml").read_text())["name"])


async def test_a_name_changes_at_once_and_the_folder_stays(gateway: Gateway) -> None:
    folder = await make_project(gateway, "Trip")
    assert await _rename(gateway, folder, " Été: 2026 ") == (200, "Été: 2026")

    shown = (await gateway.get(f"/api/projects/{folder}")).body
    assert (shown["name"], shown["folder"], shown["version"]) == ("Été: 2026", folder, 2)
    assert _manifest_name(gateway, folder) == "Été: 2026"
    (event,) = await gateway.events("ProjectRenamed")
    assert isinstance(event.data, ProjectRenamed)
    assert (event.data.old_name, event.data.name, event.data.version) == ("Trip", "Été: 2026", 2)


async def test_a_name_that_is_taken_is_numbered_and_ones_own_is_not(gateway: Gateway) -> None:
    first, second = await make_project(gateway, "Alps"), await make_project(gateway, "Sea")
    assert await _rename(gateway, second, "Alps") == (200, "Alps (2)")
    assert await _rename(gateway, second, "Alps") == (200, "Alps (2)")
    assert await _rename(gateway, first, "Alps") == (200, "Alps")
    assert len(await gateway.events("ProjectRenamed")) == 1


async def test_a_name_whose_folder_another_project_has_is_numbered(gateway: Gateway) -> None:
    await make_project(gateway, "A:B")
    other = await make_project(gateway, "Sea")
    assert await _rename(gateway, other, "A?B") == (200, "A?B (2)")


async def test_renames_at_once_leave_row_and_manifest_alike(gateway: Gateway) -> None:
    folder = await make_project(gateway, "Trip")
    await asyncio.gather(*(_rename(gateway, folder, f"Name {number}") for number in range(10)))
    name = (await gateway.get(f"/api/projects/{folder}")).body["name"]
    assert _manifest_name(gateway, folder) == name


async def test_a_library_that_is_away_delays_only_the_manifest(gateway: Gateway) -> None:
    folder = await make_project(gateway, "Trip")
    take_away(gateway)
    assert await _rename(gateway, folder, "Sea") == (200, "Sea")


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "\x00", "x" * 201])
async def test_what_is_no_name_is_refused(gateway: Gateway, name: str) -> None:
    folder = await make_project(gateway, "Trip")
    answer = await gateway.call("PATCH", f"/api/projects/{folder}/rename", json={"new_name": name})
    assert (answer.status, answer.body["errors"][0]["field"]) == (400, "new_name")


async def test_a_project_that_is_not_there_has_no_name(gateway: Gateway) -> None:
    assert await _rename(gateway, "Nowhere", "Trip") == (404, "not_found")


async def test_a_project_that_is_deleted_meanwhile_gets_no_name(gateway: Gateway) -> None:
    folder = await make_project(gateway, "Trip")

    async def one_waits() -> bool:
        async with gateway.database.connection() as connection:
            return bool(await connection.fetchval(WAITING))

    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE projects SET status = 'canceled' WHERE folder = $1", folder)
        renaming = asyncio.create_task(_rename(gateway, folder, "Sea"))
        await until(one_waits)
    assert await renaming == (404, "not_found")
    assert await gateway.events("ProjectRenamed") == []
