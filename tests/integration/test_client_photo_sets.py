"""The client library over sets of photos, against a gateway: what it asks, and that it reads what is answered."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from catalogue import Shot, add_project, add_shots
from gateway_server import Gateway

from photobus_client import (
    ApiError,
    DerivativesPlan,
    Keep,
    KeepPlan,
    MovePlan,
    PhotobusClient,
    Selection,
    TagsPlan,
    TaskPlan,
)
from photobus_common.config import RateLimits, Settings
from photobus_common.events.tasks import TaskRequested
from photobus_common.store import photo_places


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a small allowance."""
    return settings.model_copy(update={"rate_limits": RateLimits(requests=4)})


@pytest.fixture
async def photos(gateway: Gateway) -> list[int]:
    """Two photos in each of two projects, the first of each with its JPEG pending."""
    ids = []
    async with gateway.database.transaction() as connection:
        for name in ("Alps", "Lake 2"):
            project = await add_project(connection, gateway.tenant, name)
            shots = [Shot(f"{name} A", keep_jpg=False), Shot(f'{name} "B"')]
            ids += await add_shots(connection, gateway.tenant, project, shots)
    return ids


@pytest.fixture
async def client(gateway: Gateway, photos: list[int]) -> AsyncIterator[PhotobusClient]:
    """A client that does not ask again."""
    async with PhotobusClient(f"http://127.0.0.1:{gateway.port}", gateway.admin, patience_seconds=0) as opened:
        yield opened


async def _asked(gateway: Gateway) -> list[TaskRequested]:
    return [event.data for event in await gateway.events("TaskRequested") if isinstance(event.data, TaskRequested)]


async def test_tags_and_keep_flags_are_answered_for_photo_by_photo(client: PhotobusClient, photos: list[int]) -> None:
    sets = client.photo_sets
    planned = await sets.add_tags({photos[0]: ["sea"], 999_999: ["sea"]}, dry_run=True)
    added = await sets.add_tags({photos[0]: ["sea", "sun"], 999_999: ["sea"]})
    removed = await sets.remove_tags({photos[0]: ["sun"]})
    kept = await sets.keep({photos[1]: Keep(jpg=False), photos[2]: Keep(raw=False)})

    assert (planned.dry_run, planned.changed, planned.failed) == (True, 1, 1)
    assert [(item.photo_id, item.status, item.code) for item in added.items] == [
        (photos[0], "changed", None),
        (999_999, "failed", "not_found"),
    ]
    assert removed.items[0].tags == ["sea"]
    assert [(item.status, item.keep_jpg) for item in kept.items] == [("changed", False), ("unchanged", False)]
    listed = {photo.id: photo async for photo in client.photos()}
    assert (listed[photos[0]].tags, listed[photos[1]].keep_jpg) == (["sea"], False)


async def test_what_is_pending_is_counted_planned_committed_and_reverted(
    client: PhotobusClient, gateway: Gateway, photos: list[int]
) -> None:
    sets = client.photo_sets
    pending = await sets.pending_deletes()
    plan = await sets.commit_changes(Selection(projects=["Alps"]), dry_run=True)
    assert (pending.total, [project.jpg for project in pending.by_project]) == (2, [1, 1])
    assert [(item.photo_id, item.project_folder) for item in plan.items] == [(photos[0], "Alps")]
    reverted = await sets.revert_changes(dry_run=True)
    assert [(item.photo_id, item.keeps) for item in reverted.items] == [(photos[0], ["jpg"]), (photos[2], ["jpg"])]
    project = await sets.revert_project_changes("Alps", dry_run=True)
    assert [item.photo_id for item in project.items] == photos[:1]
    assert await _asked(gateway) == []

    tasks = [
        await sets.commit_changes(),
        await sets.commit_project_changes("Lake 2"),
        await sets.revert_changes(Selection(photo_ids=photos[:1])),
        await sets.revert_project_changes("Lake 2"),
    ]

    assert [task.type for task in tasks] == ["change_commit_all", "change_commit", "change_revert", "change_revert"]
    lake = {"pending_deletion": True, "project_folders": ["Lake 2"]}
    assert [(asked.targets.filter, asked.targets.photo_ids) for asked in await _asked(gateway)] == [
        ({"pending_deletion": True}, ()),
        (lake, ()),
        (None, (photos[0],)),
        (lake, ()),
    ]


async def test_photos_are_processed_by_id_project_and_filter(
    client: PhotobusClient, gateway: Gateway, photos: list[int]
) -> None:
    sets = client.photo_sets
    selections = [
        Selection(photo_ids=photos[1:]),
        Selection(projects=["Alps"]),
        Selection(filters={"text": "B", "project_folders": ["Alps", "Lake 2"]}),
    ]
    plans = [await sets.process(which, force=True, dry_run=True) for which in selections]
    assert [(plan.photos, plan.projects) for plan in plans] == [(3, 2), (2, 1), (2, 2)]
    assert [len(plan.items) for plan in plans] == [3, 2, 2]
    assert {(item.status, item.reason) for plan in plans for item in plan.items} == {("fails", "no_original")}

    for which in selections:
        await sets.process(which, force=True)
    await client.start_project_task("Alps", "generate_derivatives", filenames=["Alps A"], force=True)

    asked = await _asked(gateway)
    assert [one.targets.kind for one in asked] == ["photos", "projects", "filter", "photos"]
    assert {(one.task_type, one.params["force"]) for one in asked} == {("generate_derivatives", True)}


async def test_the_plan_of_a_task_is_that_of_its_type(
    client: PhotobusClient, gateway: Gateway, photos: list[int]
) -> None:
    targets = {"photo_ids": photos[:1]}
    asked: list[tuple[str, dict[str, Any], type[TaskPlan]]] = [
        ("keep_update", {"keep_raw": True}, KeepPlan),
        ("tags_update", {"add": ["sea"]}, TagsPlan),
        ("image_move", {"dest_folder": "Lake 2"}, MovePlan),
        ("generate_derivatives", {}, DerivativesPlan),
    ]
    plans = [await client.start_task(task, targets, params, dry_run=True) for task, params, _ in asked]
    assert [type(plan) for plan in plans] == [kind for _, _, kind in asked]
    deletion = await client.delete_project("Alps", dry_run=True)
    assert [(item.photo_id, item.removes) for item in deletion.items] == [(photo, []) for photo in photos[:2]]
    assert await _asked(gateway) == []


async def test_nothing_named_is_not_everything(client: PhotobusClient, gateway: Gateway) -> None:
    for nothing in (Selection(photo_ids=[]), Selection(projects=[])):
        with pytest.raises(ApiError, match=r"(items|projects): .*at least 1"):
            await client.photo_sets.commit_changes(nothing)
    assert await _asked(gateway) == []


async def test_keys_and_pages_are_those_of_the_list(
    client: PhotobusClient, photos: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_places, "KEYS_AT_ONCE", 1)
    order = {"sort": "filename", "text": "a"}
    listed = [photo async for photo in client.photos(filters=order)]
    keys = client.photo_sets.all_keys(order)
    assert [key async for key in keys] == [f"{photo.project_folder}::{photo.filename}" for photo in listed]
    assert keys.photo_ids == [photo.id for photo in listed]
    place = await client.photo_sets.locate_page(listed[-1].id, order, limit=2)
    assert (place.position, place.items[place.idx_in_items].id) == (len(listed) - 1, listed[-1].id)


async def test_a_project_gets_another_name(client: PhotobusClient) -> None:
    renamed = await client.rename_project("Lake 2", "Lake Two")
    assert (renamed.name, renamed.folder) == ("Lake Two", "Lake 2")
