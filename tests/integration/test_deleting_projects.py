"""Asking for a project's deletion, in any of three ways: it is gone with the answer, or nothing was written."""

from typing import Any, Final

import pytest
from catalogue import INSERT_TAG, Shot, add_project, add_shots, add_tenant
from gateway_server import Gateway
from listening import listening
from shelf import JPEG
from uploading import upload

from photobus_common.events.projects import ProjectCanceled
from photobus_common.events.tasks import TaskRequested

ROW = "SELECT status, archived_at IS NOT NULL, deleted_by, version FROM projects WHERE id = $1"
WRITTEN = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM idempotency_keys)"
PENDING = "UPDATE photos SET keep_jpg = false WHERE project_id = $1"
FILE = """
INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at)
SELECT tenant, id, project_id, filename || '.jpg', 'jpg', 10, 'd', now() FROM photos WHERE project_id = $1
"""
TASK = """
INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, created_at)
VALUES (gen_random_uuid(), 'user_0', $1, 'photo_set', 'user', $1, 'ada', 'running', '{}', now()) RETURNING id
"""
ITEM = "INSERT INTO task_items (task_id, position, photo_id, project_id) VALUES ($1, $2, $3, $4)"
WHOLE = "INSERT INTO task_projects (task_id, project_id) VALUES ($1, $2)"
END = "UPDATE tasks SET ended_at = now(), status = 'failed' WHERE id = $1"

WAYS: Final = ("DELETE", "task", "job")


class Sea:
    """Two projects with photos, one of them to go, and one of another tenant."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.id = self.land = 0
        self.photos: list[int] = []

    async def arrange(self) -> None:
        """Write the rows; the folders of these are made by the API."""
        made = await self.gateway.post("/api/projects", {"name": "Sea"})
        self.id = made.body["id"]
        async with self.gateway.database.transaction() as connection:
            self.land = await add_project(connection, self.gateway.tenant, "Land")
            self.photos = await add_shots(connection, self.gateway.tenant, self.id, [Shot("A"), Shot("B")])
            await add_shots(connection, self.gateway.tenant, self.land, [Shot("C")])
            await connection.execute(FILE, self.id)
            await connection.execute(INSERT_TAG, self.photos[0], self.gateway.tenant, "wet")
            await add_tenant(connection, "user_9")
            await add_project(connection, "user_9", "Foreign")

    async def delete(self, way: str, **options: Any) -> Any:
        """Ask for the deletion."""
        if way == "DELETE":
            return await self.gateway.call("DELETE", "/api/projects/Sea", **options)
        if way == "task":
            body = {"type": "project_delete", "targets": {"project_folders": ["Sea"]}}
            return await self.gateway.post("/api/tasks", body, **options)
        return await self.gateway.post("/api/projects/Sea/jobs", {"task_type": "project_delete"}, **options)

    async def value(self, query: str, *parameters: object) -> Any:
        """Ask the database for one row."""
        async with self.gateway.database.connection() as connection:
            row = await connection.fetchrow(query, *parameters)
        return None if row is None else tuple(row.values())

    async def execute(self, statement: str, *parameters: object) -> Any:
        """Change the database."""
        async with self.gateway.database.transaction() as connection:
            return await connection.fetchval(statement, *parameters)


@pytest.fixture
async def sea(gateway: Gateway) -> Sea:
    """What there is to delete."""
    arranged = Sea(gateway)
    await arranged.arrange()
    return arranged


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_archived_with_the_request(gateway: Gateway, sea: Sea, way: str) -> None:
    answer = await sea.delete(way)

    assert (answer.status, answer.body["task"]["type"]) == (202, "project_delete")
    [asked], [told] = await gateway.events("TaskRequested"), await gateway.events("ProjectCanceled")
    assert isinstance(asked.data, TaskRequested)
    assert isinstance(told.data, ProjectCanceled)
    assert str(asked.id) == answer.body["task"]["id"]
    assert (asked.data.targets.kind, asked.data.targets.project_ids) == ("projects", (sea.id,))
    assert (told.data.project_folder, told.data.cause, told.data.task_id, told.data.version) == (
        *("Sea", "deleted", asked.id, 2),
    )
    assert (told.correlation_id, told.actor) == (asked.id, asked.actor)
    assert await sea.value(ROW, sea.id) == ("canceled", True, asked.id, 2)


@pytest.mark.parametrize("way", WAYS)
async def test_a_second_request_finds_nothing(gateway: Gateway, sea: Sea, way: str) -> None:
    assert (await sea.delete("DELETE")).status == 202
    refused = await sea.delete(way)
    assert (refused.status, refused.body["code"]) == (404, "not_found")
    assert len(await gateway.events("TaskRequested")) == len(await gateway.events("ProjectCanceled")) == 1


async def test_it_is_gone_from_everything_at_once(gateway: Gateway, sea: Sea) -> None:
    await sea.execute(PENDING, sea.id)
    photo = sea.photos[0]
    project, one = "/api/projects/Sea", {"photo_id": photo}
    assert (await gateway.get(f"/api/photos/{photo}")).status == 200
    assert (await sea.delete("DELETE")).status == 202

    for path in (project, f"{project}/photos", f"{project}/jobs", f"/api/photos/{photo}"):
        assert (await gateway.get(path)).status == 404, path
    for path in ("thumbnail", "preview", "original"):
        assert (await gateway.get(f"/api/photos/{photo}/{path}")).status == 404, path
    assert [found["folder"] for found in (await gateway.get("/api/projects")).body["items"]] == ["Land"]
    assert [found["filename"] for found in (await gateway.get("/api/photos")).body["items"]] == ["C"]
    assert (await gateway.get("/api/photos/pending-deletes")).body["total"] == 0
    renamed = await gateway.call("PATCH", f"{project}/rename", json={"new_name": "Other"})
    assert renamed.status == 404
    assert (await upload(gateway, "Sea", [("D.jpg", JPEG)])).status == 404
    for path, body in (
        (f"{project}/commit-changes", {}),
        (f"{project}/jobs", {"task_type": "generate_derivatives"}),
        ("/api/photos/process", {"items": [one]}),
        ("/api/tasks", {"type": "generate_derivatives", "targets": {"photo_ids": [photo]}}),
        ("/api/tasks", {"type": "generate_derivatives", "targets": {"project_folders": ["Sea"]}}),
    ):
        assert (await gateway.post(path, body)).status == 404, path
    kept = await gateway.post("/api/photos/keep", {"items": [{**one, "keep_jpg": True}]})
    assert [item["status"] for item in kept.body["items"]] == ["failed"]


async def test_its_name_is_free_again(gateway: Gateway, sea: Sea) -> None:
    assert (await sea.delete("DELETE")).status == 202
    made = await gateway.post("/api/projects", {"name": "Sea"})
    assert (made.status, made.body["folder"]) == (201, "Sea (2)")  # its folder is still on its way to the trash


async def test_a_dry_run_tells_what_would_go_and_stop_and_does_nothing(gateway: Gateway, sea: Sea) -> None:
    alone, shared, elsewhere = [await sea.execute(TASK, name) for name in ("alone", "shared", "elsewhere")]
    whole, ended = await sea.execute(TASK, "whole"), await sea.execute(TASK, "ended")
    for position, (task, photo) in enumerate(((alone, 0), (shared, 1), (ended, 0))):
        await sea.execute(ITEM, task, position, sea.photos[photo], sea.id)
    for task in (shared, elsewhere):
        await sea.execute(ITEM, task, 9, 999, sea.land)
    await sea.execute(WHOLE, whole, sea.id)
    await sea.execute(END, ended)
    before = await sea.value(WRITTEN)

    plan = await gateway.call("DELETE", "/api/projects/Sea?dry_run=true", headers={"Idempotency-Key": "k"})

    assert plan.status == 200
    assert {name: plan.body[name] for name in ("type", "dry_run", "photos", "projects", "files", "bytes")} == {
        "type": "project_delete",
        "dry_run": True,
        "photos": 2,
        "projects": 1,
        "files": 2,
        "bytes": 20,
    }
    assert [(task["type"], task["whole"]) for task in plan.body["stops"]] == [
        *(("alone", True), ("shared", False), ("whole", True)),
    ]
    assert await sea.value(WRITTEN) == before
    assert await sea.value(ROW, sea.id) == ("active", False, None, 1)


async def test_one_key_deletes_once(gateway: Gateway, sea: Sea) -> None:
    key = {"Idempotency-Key": "k"}
    first, again = [await sea.delete("DELETE", headers=key) for _ in range(2)]
    assert (first.status, again.status) == (202, 202)
    assert first.body == again.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await gateway.events("TaskRequested")) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_only_an_admin_may(gateway: Gateway, sea: Sea, way: str) -> None:
    before = await sea.value(WRITTEN)
    refused = await sea.delete(way, token=await gateway.token("editor"))
    assert (refused.status, refused.body["code"]) == (403, "forbidden")
    assert await sea.value(WRITTEN) == (before[0] + 1,)  # the token
    assert await sea.value(ROW, sea.id) == ("active", False, None, 1)


@pytest.mark.parametrize("path", ["/api/projects/Lake", "/api/projects/Foreign", "/api/projects/Foreign?dry_run=true"])
async def test_what_is_not_of_the_tenant_is_not_there(gateway: Gateway, sea: Sea, path: str) -> None:
    refused = await gateway.call("DELETE", path)
    assert (refused.status, refused.body["errors"][0]["field"]) == (404, "path.folder")
    foreign = await gateway.call("DELETE", "/api/projects/Sea", token=await gateway.token("admin", "user_9"))
    assert foreign.status == 404
    assert await sea.value(ROW, sea.id) == ("active", False, None, 1)


async def test_photos_do_not_stand_for_their_project(gateway: Gateway, sea: Sea) -> None:
    before = await sea.value(WRITTEN)
    for dry_run in (False, True):
        body = {"type": "project_delete", "targets": {"photo_ids": sea.photos}, "dry_run": dry_run}
        refused = await gateway.post("/api/tasks", body)
        assert (refused.status, refused.body["errors"][0]["field"]) == (400, "targets")
    named = {"task_type": "project_delete", "items": [{"photo_id": sea.photos[0]}]}
    refused = await gateway.post("/api/projects/Sea/jobs", named)
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, "items")
    assert await sea.value(WRITTEN) == before
    assert await sea.value(ROW, sea.id) == ("active", False, None, 1)


@pytest.mark.parametrize("back", [False, True], ids=["still archived", "active again"])
async def test_a_deletion_that_failed_is_tried_again(gateway: Gateway, sea: Sea, back: bool) -> None:
    first = (await sea.delete("DELETE")).body["task"]["id"]
    await sea.execute(
        "INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, created_at, ended_at)"
        " VALUES ($1, 'user_0', 'project_delete', 'project', 'user', 'l', 'a', 'failed', '{}', now(), now())",
        first,
    )
    if back:
        await sea.execute("UPDATE projects SET status = 'active', deleted_by = NULL WHERE id = $1", sea.id)

    retried = await gateway.post(f"/api/tasks/{first}/retry")

    assert retried.status == 202
    status, _, deleted_by, version = await sea.value(ROW, sea.id)
    assert (status, version) == ("canceled", 3 if back else 2)
    assert str(deleted_by) == (retried.body["task"]["id"] if back else first)
    assert len(await gateway.events("ProjectCanceled")) == 1 + back


async def test_clients_are_told(gateway: Gateway, sea: Sea) -> None:
    async with listening(gateway) as listener:
        assert (await sea.delete("DELETE")).status == 202
        told = await listener.until_named("project_canceled")
    assert told.data == {"project_id": sea.id, "project_folder": "Sea", "name": "Sea", "version": 2}


async def test_a_deletion_cannot_be_stopped_for_its_project_is_gone_already(sea: Sea) -> None:
    task = (await sea.delete("DELETE")).body["task"]["id"]
    listed = (await sea.gateway.get("/api/tasks/definitions")).body
    assert [one["type"] for one in listed if not one["cancelable"]] == ["project_delete"]
    before = await sea.value(WRITTEN)
    answer = await sea.gateway.post(f"/api/tasks/{task}/cancel")
    assert (answer.status, answer.body["code"]) == (409, "conflict")
    assert await sea.value(WRITTEN) == before
