"""Asking for what a deletion left to be cleaned up: by the folder that the deleted project had."""

from typing import Any
from uuid import uuid4

from catalogue import add_project
from gateway_server import Gateway
from told import arrange

from photobus_common.events.tasks import TaskRequested

DELETE = """
UPDATE projects SET status = 'canceled', cancel_cause = $2, deleted_by = $3, archived_at = now() WHERE id = $1
"""
MOVED = """
INSERT INTO project_operations (tenant, project_id, task_id, kind, path, target_path, state, outcome)
VALUES ($1, $2, $3, 'trash', 'Sea', '.trash/T/Sea', 'done', 'moved')
"""
EXPIRED = "INSERT INTO trash_removals (project_id, folder, whole, files, bytes) VALUES ($1, 'T', true, 1, 1)"
TASK = """
INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, created_at, ended_at)
VALUES ($1, $2, 'project_delete', 'project', 'user', 'x', 'ada', 'completed', '{}', now(), now())
"""


async def _deleted(gateway: Gateway, name: str, cause: str = "deleted") -> int:
    async with gateway.database.transaction() as connection:
        project_id = await add_project(connection, gateway.tenant, name)
        await connection.execute(DELETE, project_id, cause, uuid4())
    return project_id


async def _asked(gateway: Gateway) -> list[tuple[str, tuple[int, ...]]]:
    data = [event.data for event in await gateway.events("TaskRequested")]
    return [(one.task_type, one.targets.project_ids) for one in data if isinstance(one, TaskRequested)]


async def test_all_deleted_projects_of_a_folder_are_meant_and_no_others(gateway: Gateway) -> None:
    first, second = await _deleted(gateway, "Sea"), await _deleted(gateway, "Sea")
    await _deleted(gateway, "Sea", "folder_gone")
    async with gateway.database.transaction() as connection:
        await add_project(connection, gateway.tenant, "Sea")
        await add_project(connection, gateway.tenant, "Land")

    body = {"type": "project_scavenge", "targets": {"project_folders": ["Sea"]}}
    assert (await gateway.post("/api/tasks", body)).status == 202
    assert (await gateway.post("/api/projects/Sea/jobs", {"task_type": "project_scavenge"})).status == 202
    assert await _asked(gateway) == [("project_scavenge", (first, second))] * 2

    for folder in ("Land", "Nowhere"):
        body = {"type": "project_scavenge", "targets": {"project_folders": [folder]}}
        answer = await gateway.post("/api/tasks", body)
        assert (answer.status, answer.body["code"]) == (404, "not_found")
        answer = await gateway.post(f"/api/projects/{folder}/jobs", {"task_type": "project_scavenge"})
        assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert len(await _asked(gateway)) == 2


async def test_photos_and_filters_are_no_deleted_projects(gateway: Gateway) -> None:
    await _deleted(gateway, "Sea")
    wrong: list[dict[str, Any]] = [
        *({"photo_ids": [1]}, {"all": True}, {"filter": {}}, {"project_folders": ["Sea", "Land"]}),
    ]
    for targets in wrong:
        answer = await gateway.post("/api/tasks", {"type": "project_scavenge", "targets": targets})
        assert answer.status == 400, targets
    named = {"task_type": "project_scavenge", "items": [{"photo_id": 1}]}
    assert (await gateway.post("/api/projects/Sea/jobs", named)).status == 400
    assert await _asked(gateway) == []


async def _over(gateway: Gateway) -> tuple[int, str]:
    """Delete a project, and let the task have ended; return both."""
    made = await gateway.post("/api/projects", {"name": "Sea"})
    task = (await gateway.call("DELETE", "/api/projects/Sea")).body["task"]["id"]
    async with gateway.database.transaction() as connection:
        await connection.execute(MOVED, gateway.tenant, made.body["id"], task)
        await connection.execute(TASK, task, gateway.tenant)
    return made.body["id"], task


async def test_an_undo_says_at_once_that_the_trash_has_expired(gateway: Gateway) -> None:
    project_id, task = await _over(gateway)
    assert (await gateway.post(f"/api/tasks/{task}/undo", {"dry_run": True})).status == 200

    async with gateway.database.transaction() as connection:
        await connection.execute(EXPIRED, project_id)
    for dry_run in (True, False):
        answer = await gateway.post(f"/api/tasks/{task}/undo", {"dry_run": dry_run})
        assert (answer.status, answer.body["code"]) == (410, "trash_expired")


async def test_an_undo_says_that_the_project_is_no_longer_known(gateway: Gateway) -> None:
    project_id, task = await _over(gateway)
    async with gateway.database.transaction() as connection:
        await arrange(connection)
        await connection.execute("DELETE FROM projects WHERE id = $1", project_id)
    answer = await gateway.post(f"/api/tasks/{task}/undo", {})
    assert (answer.status, answer.body["code"]) == (409, "conflict")
