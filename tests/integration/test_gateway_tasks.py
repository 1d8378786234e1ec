"""Starting tasks: what is accepted is committed, what is refused has written nothing."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from catalogue import Shot, add_project, add_shots, add_tenant
from gateway_server import Answer, Gateway

from photobus_common.events import Event
from photobus_common.events.tasks import TaskRequested
from photobus_common.job_types import JOB_TYPES

WRITTEN = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM idempotency_keys)"


class Library:
    """Two projects with photos, one of another tenant."""

    alps: list[int]
    sea: list[int]
    foreign: list[int]
    alps_id: int
    sea_id: int


@pytest.fixture
async def photos(gateway: Gateway) -> Library:
    """Photos to work on."""
    found = Library()
    async with gateway.database.transaction() as connection:
        found.alps_id = await add_project(connection, gateway.tenant, "Alps")
        found.sea_id = await add_project(connection, gateway.tenant, "Sea")
        found.alps = await add_shots(connection, gateway.tenant, found.alps_id, [Shot(f"A{n}") for n in range(5)])
        found.sea = await add_shots(connection, gateway.tenant, found.sea_id, [Shot(f"S{n}") for n in range(3)])
        await add_tenant(connection, "user_9")
        foreign = await add_project(connection, "user_9", "Foreign")
        found.foreign = await add_shots(connection, "user_9", foreign, [Shot("F0")])
    return found


async def _written(gateway: Gateway) -> int:
    async with gateway.database.connection() as connection:
        return int(await connection.fetchval(WRITTEN))


async def _asked(gateway: Gateway) -> list[TaskRequested]:
    events = await gateway.events("TaskRequested")
    return [event.data for event in events if isinstance(event.data, TaskRequested)]


async def test_a_task_over_photos_of_two_projects_is_one_task(gateway: Gateway, photos: Library) -> None:
    chosen = [photos.sea[1], photos.alps[0], photos.sea[1], photos.alps[4]]
    answer = await gateway.post("/api/tasks", {"type": "generate_derivatives", "targets": {"photo_ids": chosen}})
    assert answer.status == 202
    task = answer.body["task"]
    assert (task["type"], task["scope"], task["status"]) == ("generate_derivatives", "photo_set", "requested")
    assert (task["source"], task["label"], task["job_count"]) == ("user", "Make thumbnails and previews", 1)
    (event,) = await gateway.events("TaskRequested")
    assert isinstance(event.data, TaskRequested)
    assert str(event.id) == str(event.data.task_id) == task["id"]
    assert event.data.targets.photo_ids == (photos.alps[0], photos.alps[4], photos.sea[1])
    assert event.data.targets.project_ids == (photos.alps_id, photos.alps_id, photos.sea_id)


async def test_a_task_is_found_before_the_orchestrator_has_seen_it(gateway: Gateway, photos: Library) -> None:
    asked = await gateway.post("/api/photos/process", {"items": [{"photo_id": photos.alps[0]}], "force": True})
    task = asked.body["task"]
    found = await gateway.get(f"/api/tasks/{task['id']}")
    assert found.status == 200
    assert {key: found.body[key] for key in task if key != "job_count"} == {
        key: value for key, value in task.items() if key != "job_count"
    }
    assert [(step["type"], step["jobs"]) for step in found.body["steps"]] == [("generate_derivatives", None)]
    (data,) = await _asked(gateway)
    assert data.params == {"force": True}
    assert (await gateway.get(f"/api/tasks/{uuid4()}")).status == 404


async def test_an_event_that_is_no_task_is_not_found_as_one(gateway: Gateway) -> None:
    (token_made,) = await gateway.events("TokenCreated")
    assert (await gateway.get(f"/api/tasks/{token_made.id}")).status == 404
    assert (await gateway.post(f"/api/tasks/{token_made.id}/cancel")).status == 404


@pytest.mark.parametrize(
    ("targets", "kind"),
    [
        ({"project_folders": ["Sea", "Alps"]}, "projects"),
        ({"filter": {"project_folder": "Sea", "tags": ["x"], "date_from": "2026-01-01"}}, "filter"),
        ({"filter": {}}, "filter"),
        ({"all": True}, "all"),
    ],
)
async def test_targets_are_kept_as_they_were_asked_for(
    gateway: Gateway, photos: Library, targets: dict[str, Any], kind: str
) -> None:
    answer = await gateway.post("/api/tasks", {"type": "generate_derivatives", "targets": targets})
    assert answer.status == 202
    (data,) = await _asked(gateway)
    assert data.targets.kind == kind
    assert data.targets.filter == targets.get("filter")
    expected = (photos.sea_id, photos.alps_id) if kind == "projects" else ()
    assert data.targets.project_ids == expected


WRONG_TASKS: list[tuple[dict[str, Any], int, str]] = [
    ({"type": "generate_derivatives"}, 400, "targets"),
    ({"type": "generate_derivatives", "targets": {}}, 400, "targets"),
    ({"type": "generate_derivatives", "targets": {"all": True, "filter": {}}}, 400, "targets"),
    ({"type": "generate_derivatives", "targets": {"photo_ids": []}}, 400, "targets.photo_ids"),
    ({"type": "generate_derivatives", "targets": {"photo_ids": ["1"]}}, 400, "targets.photo_ids.0"),
    ({"type": "generate_derivatives", "targets": {"photo_ids": [2**63]}}, 400, "targets.photo_ids.0"),
    ({"type": "generate_derivatives", "targets": {"filter": {"colour": "red"}}}, 400, "targets.filter.colour"),
    ({"type": "generate_derivatives", "targets": {"filter": {"text": "\x00"}}}, 400, "targets.filter.text"),
    ({"type": "generate_derivatives", "targets": {"project_folders": ["Nowhere"]}}, 404, "targets.project_folders"),
    ({"type": "generate_derivatives", "targets": {"all": True}, "scope": "global"}, 400, "scope"),
    ({"type": "generate_derivatives", "targets": {"all": True}, "params": {"sharp": 1}}, 400, "params.sharp"),
    ({"type": "generate_derivatives", "targets": {"all": True}, "params": {"force": "yes"}}, 400, "params.force"),
    ({"type": "upload_postprocess", "targets": {"project_folders": ["Alps", "Sea"]}}, 400, "targets"),
    ({"type": "upload_postprocess", "targets": {"all": True}}, 400, "targets"),
    ({"type": "wash_the_car", "targets": {"all": True}}, 400, "type"),
]


async def test_what_is_wrong_is_named_and_nothing_is_written(gateway: Gateway, photos: Library) -> None:
    before = await _written(gateway)
    for body, status, field in WRONG_TASKS:
        refused = await gateway.post("/api/tasks", body, headers={"Idempotency-Key": "k"})
        assert (refused.status, refused.body["errors"][0]["field"]) == (status, field), body
    assert await _written(gateway) == before


async def test_2001_explicit_items_are_refused_with_the_limit(gateway: Gateway) -> None:
    numbers = list(range(1, 2002))
    items = [{"photo_id": number} for number in numbers]
    async with gateway.database.transaction() as connection:
        await add_project(connection, gateway.tenant, "Alps")
    answers = [
        await gateway.post("/api/tasks", {"type": "generate_derivatives", "targets": {"photo_ids": numbers}}),
        await gateway.post("/api/photos/process", {"items": items}),
        await gateway.post("/api/projects/Alps/jobs", {"task_type": "generate_derivatives", "items": items}),
        await gateway.post(
            "/api/projects/Alps/jobs",
            {"task_type": "generate_derivatives", "items": items[:1000], "filenames": [str(n) for n in numbers[1000:]]},
        ),
    ]
    for answer in answers:
        assert answer.status == 400
        assert answer.body["errors"][0]["limit"] == 2000
        assert "2000" in answer.body["detail"]


LONG = {"project_folders": [f"{number} {'x' * 200}" for number in range(2000)]}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/tasks", {"type": "generate_derivatives", "targets": {"filter": LONG}}, "targets.filter"),
        ("/api/photos/process", {"filter": LONG}, "filter"),
        ("/api/photos/move", {"filter": LONG, "dest_folder": "Alps"}, "filter"),
    ],
)
async def test_a_filter_that_no_event_could_hold_is_refused_with_the_limit(
    gateway: Gateway, photos: Library, path: str, body: dict[str, Any], field: str, *, dry_run: bool
) -> None:
    answer = await gateway.post(path, {**body, "dry_run": dry_run})
    assert answer.status == 400, answer.body
    assert [(error["field"], error["limit"]) for error in answer.body["errors"]] == [(field, 192 * 1024)]


@pytest.mark.parametrize("path", ["/api/photos/commit-changes", "/api/photos/revert-changes"])
async def test_more_project_names_than_an_event_holds_are_refused_too(gateway: Gateway, path: str) -> None:
    async with gateway.database.transaction() as connection:
        await connection.executemany(
            "INSERT INTO projects (tenant, name, folder) VALUES ($1, $2, $2)",
            [(gateway.tenant, folder) for folder in LONG["project_folders"]],
        )
    for body, field in (({"projects": LONG["project_folders"]}, "projects"), ({"filter": LONG}, "filter")):
        answer = await gateway.post(path, body)
        assert answer.status == 400, answer.body
        assert [(error["field"], error["limit"]) for error in answer.body["errors"]] == [(field, 192 * 1024)]
    answer = await gateway.post(path, {"filter": {"project_folders": ["Nowhere"]}})
    assert (answer.status, answer.body["errors"][0]["field"]) == (404, "filter.project_folders")


async def test_2000_photos_are_accepted(gateway: Gateway) -> None:
    async with gateway.database.transaction() as connection:
        project = await add_project(connection, gateway.tenant, "Many")
        ids = await add_shots(connection, gateway.tenant, project, [Shot(f"P{number}") for number in range(2000)])
    answer = await gateway.post("/api/tasks", {"type": "generate_derivatives", "targets": {"photo_ids": ids}})
    assert (answer.status, answer.body["task"]["job_count"]) == (202, 10)
    (data,) = await _asked(gateway)
    assert list(data.targets.photo_ids) == ids


async def test_unknown_photos_are_named_also_those_of_others(gateway: Gateway, photos: Library) -> None:
    wanted = [photos.alps[0], photos.foreign[0], 999_999]
    refused = await gateway.post("/api/tasks", {"type": "generate_derivatives", "targets": {"photo_ids": wanted}})
    assert refused.status == 404
    assert refused.body["detail"] == f"Unknown photos: {photos.foreign[0]}, 999999."


@pytest.mark.parametrize(
    ("path", "body", "missing"),
    [
        ("/api/tasks", {"type": "maintenance", "targets": {"project_folders": ["Alps"]}}, "trash_maintenance"),
        ("/api/tasks", {"type": "maintenance_global", "targets": {"all": True}}, "trash_maintenance"),
        ("/api/projects/Alps/jobs", {"task_type": "project_scavenge"}, "project_scavenge"),
    ],
)
async def test_a_task_whose_job_types_nobody_runs_is_refused_by_name(
    gateway: Gateway,
    photos: Library,
    path: str,
    body: dict[str, Any],
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(JOB_TYPES, missing, replace(JOB_TYPES[missing], provided=False))
    before = await _written(gateway)
    refused = await gateway.post(path, body, headers={"Idempotency-Key": "k"})
    assert (refused.status, refused.body["code"]) == (501, "not_provided")
    assert missing in refused.body["detail"]
    assert await _written(gateway) == before


async def test_global_tasks_and_deletions_are_for_admins(gateway: Gateway, photos: Library) -> None:
    editor = await gateway.token("editor")
    swept = {"type": "maintenance_global", "targets": {"all": True}}
    deleted = {"task_type": "project_delete"}
    made = {"type": "generate_derivatives", "targets": {"all": True}}
    assert (await gateway.post("/api/tasks", swept, token=editor)).status == 403
    assert (await gateway.post("/api/projects/Alps/jobs", deleted, token=editor)).status == 403
    assert (await gateway.post("/api/tasks", made, token=editor)).status == 202


async def test_a_dry_run_counts_and_does_nothing(gateway: Gateway, photos: Library) -> None:
    before = await _written(gateway)
    plans: list[Answer] = [
        await gateway.post("/api/photos/process", {"filter": {"text": "a"}, "dry_run": True}),
        await gateway.post("/api/photos/process", {"items": [{"photo_id": photos.sea[0]}], "dry_run": True}),
        await gateway.post(
            "/api/tasks",
            {"type": "upload_postprocess", "targets": {"project_folders": ["Sea"]}, "dry_run": True},
        ),
        await gateway.post("/api/tasks", {"type": "generate_derivatives", "targets": {"all": True}, "dry_run": True}),
    ]
    assert {plan.status for plan in plans} == {200}
    assert [(plan.body["photos"], plan.body["projects"]) for plan in plans] == [(5, 1), (1, 1), (3, 1), (8, 2)]
    assert [step["jobs"] for step in plans[2].body["steps"]] == [1, 1, 1]
    assert await _written(gateway) == before


async def test_a_project_s_task_works_on_its_photos_however_they_are_named(gateway: Gateway, photos: Library) -> None:
    items = [{"photo_id": photos.alps[3]}, {"filename": "A1"}]
    body = {"task_type": "generate_derivatives", "items": items, "filenames": ["A0"], "force": True}
    assert (await gateway.post("/api/projects/Alps/jobs", body)).status == 202
    (data,) = await _asked(gateway)
    assert data.targets.photo_ids == (photos.alps[3], photos.alps[1], photos.alps[0])
    assert data.params == {"force": True}


async def test_a_project_s_task_without_items_works_on_all_of_it(gateway: Gateway, photos: Library) -> None:
    assert (await gateway.post("/api/projects/Sea/jobs", {"task_type": "upload_postprocess"})).status == 202
    (data,) = await _asked(gateway)
    assert (data.targets.kind, data.targets.project_ids) == ("projects", (photos.sea_id,))


@pytest.mark.parametrize(
    "body",
    [{"items": [{"filename": "S0"}]}, {"filenames": ["A9"]}, {"items": [{"photo_id": 999_999}]}],
)
async def test_a_project_s_task_names_what_is_not_of_the_project(
    gateway: Gateway, photos: Library, body: dict[str, Any]
) -> None:
    refused = await gateway.post("/api/projects/Alps/jobs", {"task_type": "generate_derivatives", **body})
    assert refused.status == 404
    assert refused.body["detail"].startswith("Unknown ")
    gone = await gateway.post("/api/projects/Gone/jobs", {"task_type": "generate_derivatives"})
    assert (gone.status, gone.body["errors"][0]["field"]) == (404, "path.folder")


async def test_one_key_makes_one_task_also_of_many_requests_at_once(gateway: Gateway, photos: Library) -> None:
    body = {"type": "generate_derivatives", "targets": {"photo_ids": photos.alps}}
    key = {"Idempotency-Key": "9f6c"}
    answers = await asyncio.gather(*(gateway.post("/api/tasks", body, headers=key) for _ in range(20)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["task"]["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 19
    assert len(await _asked(gateway)) == 1
    same = {"targets": {"photo_ids": photos.alps}, "type": "generate_derivatives", "dry_run": False}
    assert (await gateway.post("/api/tasks", same, headers=key)).body == answers[0].body


async def test_a_key_used_for_another_request_is_refused(gateway: Gateway, photos: Library) -> None:
    key = {"Idempotency-Key": "9f6c"}
    body = {"type": "generate_derivatives", "targets": {"photo_ids": photos.alps}}
    assert (await gateway.post("/api/tasks", body, headers=key)).status == 202
    other = {"type": "generate_derivatives", "targets": {"photo_ids": photos.sea}}
    refused = await gateway.post("/api/tasks", other, headers=key)
    assert (refused.status, refused.body["code"]) == (422, "idempotency_key_reused")
    elsewhere = await gateway.post("/api/projects/Alps/jobs", {"task_type": "generate_derivatives"}, headers=key)
    assert elsewhere.status == 422
    assert len(await _asked(gateway)) == 1


async def test_a_key_is_of_one_tenant_and_of_one_day(gateway: Gateway, photos: Library) -> None:
    key = {"Idempotency-Key": "9f6c"}
    body = {"type": "generate_derivatives", "targets": {"all": True}}
    first = await gateway.post("/api/tasks", body, headers=key)
    foreign = await gateway.post("/api/tasks", body, headers=key, token=await gateway.token("admin", "user_9"))
    assert foreign.body["task"]["id"] != first.body["task"]["id"]
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    later = await gateway.post("/api/tasks", {"type": "generate_derivatives", "targets": {"filter": {}}}, headers=key)
    assert later.status == 202
    assert later.body["task"]["id"] != first.body["task"]["id"]


async def test_a_refused_request_does_not_use_up_its_key(gateway: Gateway, photos: Library) -> None:
    key = {"Idempotency-Key": "9f6c"}
    wrong = {"type": "generate_derivatives", "targets": {"photo_ids": [999_999]}}
    right = {"type": "generate_derivatives", "targets": {"photo_ids": photos.alps}}
    assert (await gateway.post("/api/tasks", wrong, headers=key)).status == 404
    assert (await gateway.post("/api/tasks", right, headers=key)).status == 202


async def test_definitions_are_listed_in_their_order(gateway: Gateway) -> None:
    listed = {definition["type"]: definition for definition in (await gateway.get("/api/tasks/definitions")).body}
    assert [step["type"] for step in listed["maintenance"]["steps"]] == [
        "trash_maintenance",
        "manifest_check",
        "folder_check",
        "manifest_cleaning",
    ]
    assert listed["generate_derivatives"]["steps"] == [
        {"type": "generate_derivatives", "priority": 90, "service": "derivatives"}
    ]
    assert [definition["type"] for definition in listed.values() if definition["missing_job_types"]] == []


async def test_the_trace_of_the_caller_goes_on_in_the_event(gateway: Gateway, photos: Library) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {"type": "generate_derivatives", "targets": {"all": True}}
    answer = await gateway.post("/api/tasks", body, headers={"traceparent": trace})
    event: Event = (await gateway.events("TaskRequested"))[0]
    assert event.traceparent is not None
    assert event.traceparent.split("-")[1] == trace.split("-")[1]
    assert event.correlation_id == UUID(answer.body["task"]["id"])
