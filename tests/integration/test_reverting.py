"""Revert, keep flags and tags as tasks over any photos, as they are asked for; and how often one may ask."""

from typing import Any

import pytest
from catalogue import Shot, add_project, add_shots
from gateway_server import Gateway

from photobus_common.config import RateLimits, Settings
from photobus_common.events.tasks import TaskRequested


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a small allowance."""
    return settings.model_copy(update={"rate_limits": RateLimits(requests=3, trusted_proxies=("127.0.0.1",))})


@pytest.fixture
async def photos(gateway: Gateway) -> list[int]:
    """Two photos in each of two projects, the first of each with its JPEG pending."""
    ids = []
    async with gateway.database.transaction() as connection:
        for name in ("Alps", "Sea"):
            project = await add_project(connection, gateway.tenant, name)
            ids += await add_shots(connection, gateway.tenant, project, [Shot("A", keep_jpg=False), Shot("B")])
    return ids


async def _asked(gateway: Gateway) -> list[TaskRequested]:
    return [event.data for event in await gateway.events("TaskRequested") if isinstance(event.data, TaskRequested)]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/api/photos/revert-changes", {}, {"pending_deletion": True}),
        (
            "/api/photos/revert-changes",
            {"projects": ["Sea", "Alps"]},
            {"pending_deletion": True, "project_folders": ["Sea", "Alps"]},
        ),
        ("/api/photos/revert-changes", {"filter": {"text": "A"}}, {"pending_deletion": True, "text": "A"}),
        ("/api/projects/Sea/revert-changes", {}, {"pending_deletion": True, "project_folders": ["Sea"]}),
    ],
)
async def test_a_revert_is_one_task_over_what_is_pending(
    gateway: Gateway, photos: list[int], path: str, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    planned = await gateway.post(path, {**body, "dry_run": True})
    answer = await gateway.post(path, body)

    assert (planned.status, answer.status) == (200, 202)
    assert planned.body["photos"] == (1 if "Sea" in path else 2)
    (asked,) = await _asked(gateway)
    assert (asked.task_type, asked.targets.kind, asked.targets.filter) == ("change_revert", "filter", expected)


async def test_a_revert_may_name_photos(gateway: Gateway, photos: list[int]) -> None:
    answer = await gateway.post("/api/photos/revert-changes", {"items": [{"photo_id": photos[0]}]})
    assert answer.status == 202
    (asked,) = await _asked(gateway)
    assert asked.targets.photo_ids == (photos[0],)


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/api/photos/revert-changes", {"projects": ["Nowhere"]}, 404, "projects"),
        ("/api/photos/revert-changes", {"projects": []}, 400, "projects"),
        ("/api/photos/revert-changes", {"items": [{"photo_id": 99}]}, 404, "items"),
        ("/api/photos/revert-changes", {"projects": ["Sea"], "filter": {}}, 400, ""),
        ("/api/projects/Nowhere/revert-changes", {}, 404, "path.folder"),
    ],
)
async def test_what_cannot_be_reverted_is_named(
    gateway: Gateway, photos: list[int], path: str, body: dict[str, Any], status: int, field: str
) -> None:
    refused = await gateway.post(path, body)
    assert (refused.status, refused.body["errors"][0]["field"]) == (status, field)
    assert await _asked(gateway) == []


async def test_an_address_may_revert_so_often_and_is_told_when_again(gateway: Gateway, photos: list[int]) -> None:
    async def revert(address: str) -> Any:
        headers = {"X-Forwarded-For": address}
        return await gateway.post("/api/photos/revert-changes", {}, headers=headers)

    answers = [await revert("10.0.0.1") for _ in range(4)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[3].body["code"] == "rate_limited"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 300
    assert (await revert("10.0.0.2")).status == 202
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE rate_limits SET hits = ARRAY[now() - interval '301 s', now(), now()]")
    assert (await revert("10.0.0.1")).status == 202


@pytest.mark.parametrize(
    ("task", "params", "status"),
    [
        ("keep_update", {"keep_raw": False}, 202),
        ("keep_update", {}, 400),
        ("tags_update", {"add": ["a"], "remove": ["b"]}, 202),
        ("tags_update", {"add": []}, 400),
        ("change_revert", {"add": ["a"]}, 400),
    ],
)
async def test_changes_over_a_filter_are_tasks_with_parameters(
    gateway: Gateway, photos: list[int], task: str, params: dict[str, Any], status: int
) -> None:
    answer = await gateway.post("/api/tasks", {"type": task, "targets": {"filter": {}}, "params": params})
    assert answer.status == status, answer.body
    assert [asked.params for asked in await _asked(gateway)] == ([params] if status == 202 else [])


async def test_lists_show_what_is_pending(gateway: Gateway, photos: list[int]) -> None:
    for query, expected in (
        ("pending_deletion=true", [photos[0], photos[2]]),
        ("pending_deletion=false&project_folders=Sea&project_folders=Alps", [photos[1], photos[3]]),
        ("pending_deletion=true&project_folders=Sea", [photos[2]]),
    ):
        listed = await gateway.get(f"/api/photos?sort=filename&{query}")
        assert sorted(photo["id"] for photo in listed.body["items"]) == expected
