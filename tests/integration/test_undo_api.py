"""Asking for undos: of which tasks, by whom, when and how often; and being told beforehand what of them can be."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from catalogue import Shot, add_project, add_shots
from folding import Log
from gateway_server import Answer, Gateway
from moving import move
from orchestration import Narrator
from removing import commit, keep, removal
from shelf import Shelf
from taking_back import archive
from uploading import until
from working import Site, hired

from photobus_common.config import Settings
from photobus_common.events import Origin
from photobus_common.events.projects import KeptKinds, PhotoRemoved, PhotosRemoved
from photobus_common.events.tasks import Targets, TaskRequested
from photobus_common.storage.library import Library
from photobus_common.store import undoing

ADD_TASK = """
INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, undo_of, created_at)
VALUES ($1, $2, $3, 'photo_set', 'user', 'A task', 'ada', $4, '{}', $5, now())
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
WITHIN_REACH = (
    "image_move",
    "change_commit",
    "change_commit_all",
    "change_revert",
    "keep_update",
    "tags_update",
    "undo",
)


async def _task(
    gateway: Gateway,
    task_type: str = "keep_update",
    status: str = "completed",
    *,
    undo_of: UUID | None = None,
    task_id: UUID | None = None,
) -> UUID:
    """Write a task as the orchestrator would."""
    task_id = task_id or uuid4()
    async with gateway.database.transaction() as connection:
        await connection.execute(ADD_TASK, task_id, gateway.tenant, task_type, status, undo_of)
    return task_id


async def _undo(gateway: Gateway, task_id: UUID, body: dict[str, Any] | None = None, **options: Any) -> Answer:
    return await gateway.post(f"/api/tasks/{task_id}/undo", body or {}, **options)


async def _asked(gateway: Gateway) -> list[TaskRequested]:
    return [event.data for event in await gateway.events("TaskRequested") if isinstance(event.data, TaskRequested)]


@pytest.mark.parametrize("task_type", WITHIN_REACH)
async def test_an_undo_is_a_task_of_its_own_over_what_the_other_worked_on(gateway: Gateway, task_type: str) -> None:
    undone = await _task(gateway, task_type)
    answer = await _undo(gateway, undone)
    assert answer.status == 202
    task = answer.body["task"]
    assert (task["type"], task["scope"], task["source"], task["status"]) == ("undo", "photo_set", "user", "requested")
    (data,) = await _asked(gateway)
    assert (data.undo_of, data.params) == (undone, {"undo_of": str(undone)})
    assert data.targets == Targets(kind="items_of", items_of=undone)
    shown = await gateway.get(f"/api/tasks/{task['id']}")
    assert shown.body["undo_of"] == str(undone)


async def test_an_unknown_task_and_another_tenants_are_not_found(gateway: Gateway) -> None:
    undone = await _task(gateway)
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE tasks SET tenant = 'user_9'")
    for task_id in (uuid4(), undone):
        for answer in (await _undo(gateway, task_id), await gateway.post(f"/api/tasks/{task_id}/retry")):
            assert (answer.status, answer.body["code"]) == (404, "not_found")
            assert answer.body["errors"][0]["field"] == "path.task_id"
    assert await _asked(gateway) == []


@pytest.mark.parametrize("status", ["requested", "running"])
async def test_a_task_that_has_not_ended_is_not_undone(gateway: Gateway, status: str) -> None:
    answer = await _undo(gateway, await _task(gateway, status=status))
    assert (answer.status, answer.body["detail"]) == (409, f"The task has not ended: {status}.")


async def test_a_task_that_was_asked_for_just_now_is_not_undone(gateway: Gateway) -> None:
    async with gateway.database.transaction() as connection:
        project = await add_project(connection, gateway.tenant, "Alps")
        (photo,) = await add_shots(connection, gateway.tenant, project, [Shot("A")])
    body = {"type": "keep_update", "targets": {"photo_ids": [photo]}, "params": {"keep_jpg": False}}
    asked = await gateway.post("/api/tasks", body)
    answer = await _undo(gateway, UUID(asked.body["task"]["id"]))
    assert (answer.status, answer.body["detail"]) == (409, "The task has not ended: requested.")


async def test_a_kind_of_task_that_cannot_be_undone_is_told_with_those_that_can(gateway: Gateway) -> None:
    answer = await _undo(gateway, await _task(gateway, "generate_derivatives"))
    assert (answer.status, answer.body["code"]) == (409, "conflict")
    assert "A task generate_derivatives cannot be undone" in answer.body["detail"]
    assert "change_commit_all" in answer.body["detail"]


@pytest.mark.parametrize(
    ("status", "again"),
    [
        ("requested", 409),
        ("running", 409),
        ("completed", 409),
        ("completed_with_errors", 202),
        ("failed", 202),
        ("canceled", 202),
    ],
)
async def test_beside_an_undo_that_goes_on_or_has_gone_well_there_is_no_other(
    gateway: Gateway, status: str, again: int
) -> None:
    undone = await _task(gateway)
    earlier = await _task(gateway, "undo", status, undo_of=undone)
    answer = await _undo(gateway, undone)
    assert answer.status == again
    assert again == 202 or str(earlier) in answer.body["detail"]


async def test_of_requests_at_once_one_undoes(gateway: Gateway) -> None:
    undone = await _task(gateway)
    answers = await asyncio.gather(*(_undo(gateway, undone) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [202, *[409] * 7]
    assert len(await _asked(gateway)) == 1


async def test_an_undo_is_seen_by_the_next_request_wherever_it_is_on_its_way(gateway: Gateway) -> None:
    log, undone = Log(gateway.database), Narrator("keep_update")
    await log.fold(undone.requested(Targets(kind="photos")))
    assert (await _undo(gateway, undone.task)).status == 202
    assert (await _undo(gateway, undone.task)).status == 409
    await log.come_back()
    async with gateway.database.transaction() as connection:
        await connection.execute("DELETE FROM outbox")
    answer = await _undo(gateway, undone.task)
    assert answer.status == 409
    assert "is being undone" in answer.body["detail"]


async def test_a_key_that_comes_again_is_answered_again(gateway: Gateway) -> None:
    undone = await _task(gateway)
    headers = {"Idempotency-Key": "once"}
    first = await _undo(gateway, undone, headers=headers)
    second = await _undo(gateway, undone, headers=headers)
    assert (first.status, second.status) == (202, 202)
    assert first.body == second.body
    assert (await _undo(gateway, await _task(gateway), headers=headers)).status == 422
    assert len(await _asked(gateway)) == 1


async def test_a_viewer_undoes_nothing_and_only_an_admin_a_deletion(gateway: Gateway) -> None:
    viewer, editor = await gateway.token("viewer"), await gateway.token("editor")
    undone = await _task(gateway)
    assert (await _undo(gateway, undone, token=viewer)).status == 403
    for task_type in ("project_delete", "project_restore"):
        answer = await _undo(gateway, await _task(gateway, task_type), token=editor)
        assert (answer.status, answer.body["code"]) == (403, "forbidden")
    assert (await _undo(gateway, undone, token=editor)).status == 202


async def test_an_undo_is_asked_for_of_a_task_only(gateway: Gateway) -> None:
    for task_type in ("undo", "project_restore"):
        answer = await gateway.post("/api/tasks", {"type": task_type, "targets": {"all": True}})
        assert answer.status == 400
        assert answer.body["errors"][0]["field"] == "type"
        assert "/undo" in answer.body["detail"]


async def test_a_retry_of_an_undo_is_over_all_again_and_the_only_one(gateway: Gateway) -> None:
    log, undone = Log(gateway.database), Narrator("keep_update")
    await log.fold(undone.requested(Targets(kind="photos")))
    undo = UUID((await _undo(gateway, undone.task)).body["task"]["id"])
    await log.come_back()
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE tasks SET status = 'completed_with_errors' WHERE id = $1", undo)
    answer = await gateway.post(f"/api/tasks/{undo}/retry")
    assert answer.status == 202
    (data,) = [data for data in await _asked(gateway) if data.retry_of is not None]
    assert data.targets == Targets(kind="items_of", items_of=undone.task)
    assert (data.undo_of, data.retry_of, data.params) == (undone.task, undo, {"undo_of": str(undone.task)})
    assert (await gateway.post(f"/api/tasks/{undo}/retry")).status == 409


async def test_a_retry_of_an_undo_waits_for_who_else_asks_for_one(gateway: Gateway) -> None:
    log, undone = Log(gateway.database), Narrator("keep_update")
    await log.fold(undone.requested(Targets(kind="photos")))
    undo = UUID((await _undo(gateway, undone.task)).body["task"]["id"])
    await log.come_back()
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE tasks SET status = 'failed' WHERE id = $1", undo)

    async def one_waits_or_is_through() -> bool:
        async with gateway.database.connection() as connection:
            return retrying.done() or bool(await connection.fetchval(WAITING))

    async with gateway.database.transaction() as connection:
        await undoing.hold_undo(connection, undone.task)
        retrying = asyncio.create_task(gateway.post(f"/api/tasks/{undo}/retry"))
        await until(one_waits_or_is_through)
        assert not retrying.done()
    assert (await retrying).status == 202
    assert (await _undo(gateway, undone.task)).status == 409


async def test_a_move_whose_destination_was_deleted_is_not_tried_again(gateway: Gateway) -> None:
    log, (_, photo) = Log(gateway.database), await _sea(gateway)
    async with gateway.database.transaction() as connection:
        trip = await add_project(connection, gateway.tenant, "Trip")
    asked = await gateway.post("/api/photos/move", {"items": [{"photo_id": photo}], "dest_folder": "Trip"})
    await log.come_back()
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE tasks SET status = 'failed'")
        await connection.execute("UPDATE projects SET status = 'canceled' WHERE id = $1", trip)
    retry = f"/api/tasks/{asked.body['task']['id']}/retry"
    answer = await gateway.post(retry)
    assert (answer.status, answer.body["detail"]) == (
        409,
        "The project Trip, where its photos were to go, was deleted.",
    )
    assert answer.body["errors"][0]["field"] == "path.task_id"
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE projects SET status = 'active' WHERE id = $1", trip)
    assert (await gateway.post(retry)).status == 202


async def test_a_dry_run_says_of_each_photo_what_the_worker_would_do(
    gateway: Gateway, shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    alps, sea = ("Alps", await shelf.project("Alps")), ("Sea", await shelf.project("Sea"))
    gone = await shelf.photo(alps, "A", ["A.jpg"])
    taken = await shelf.photo(alps, "B", ["B.jpg"])
    pair = await shelf.photo(sea, "C", ["C.dng", "C.jpg"])
    kept = await shelf.photo(sea, "D", ["D.jpg"])
    for photo, kinds in ((gone, ""), (taken, ""), (pair, "raw")):
        await keep(site, photo, kinds)
    command = await commit(site, [gone, taken, pair, kept])
    async with hired(settings, removal(settings, library)):
        await site.until_idle()
    await shelf.photo(sea, "B", ["B.jpg"])
    await _task(gateway, "change_commit_all", task_id=command.task_id)

    early = await _undo(gateway, command.task_id, {"dry_run": True})
    assert (early.status, early.body["code"]) == (503, "log_incomplete")
    assert "Retry-After" in early.headers
    await archive(site)
    answer = await _undo(gateway, command.task_id, {"dry_run": True})

    assert answer.status == 200
    plan = answer.body
    assert (plan["type"], plan["dry_run"], plan["photos"], plan["projects"]) == ("undo", True, 4, 2)
    assert [(step["type"], step["jobs"]) for step in plan["steps"]] == [
        ("undo_files", 1),
        ("manifest_check", 1),
        ("generate_derivatives", 1),
    ]
    assert [(one["photo_id"], one["filename"], one["status"], one["reason"]) for one in plan["items"]] == [
        (gone.id, "A", "restores", None),
        (taken.id, "B", "refused", "Another photo is called B now, in Sea."),
        (pair.id, "C", "restores", None),
        (kept.id, "D", "unchanged", None),
    ]
    assert [one["project_folder"] for one in plan["items"]] == ["Alps", "Alps", "Sea", "Sea"]
    assert [one["what"] for one in plan["items"]] == [
        ["is in the catalogue again", "A.jpg comes back from the trash"],
        [],
        ["C.jpg comes back from the trash"],
        [],
    ]
    assert await _asked(gateway) == [] or all(data.task_type != "undo" for data in await _asked(gateway))


async def test_a_dry_run_says_under_which_name_a_photo_goes_back(
    gateway: Gateway, shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    alps, sea = ("Alps", await shelf.project("Alps")), ("Sea", await shelf.project("Sea"))
    photo = await shelf.photo(alps, "A", ["A.jpg"])
    command = await move(site, [photo], sea[1])
    async with hired(settings, removal(settings, library)):
        await site.until_idle()
    await shelf.photo(alps, "A", ["A.jpg"])
    await archive(site)
    await _task(gateway, "image_move", task_id=command.task_id)
    answer = await _undo(gateway, command.task_id, {"dry_run": True})
    (item,) = answer.body["items"]
    assert (item["status"], item["what"]) == ("restores", ["goes back to Alps as A (2), since A is taken"])
    assert item["project_folder"] == "Sea"


async def _sea(gateway: Gateway) -> tuple[int, int]:
    """Make a project with a photo; return both."""
    async with gateway.database.transaction() as connection:
        project = await add_project(connection, gateway.tenant, "Sea")
        (photo,) = await add_shots(connection, gateway.tenant, project, [Shot("A")])
    return project, photo


async def _deleted(gateway: Gateway, log: Log) -> UUID:
    """Delete the project by a task that has ended."""
    task = UUID((await gateway.call("DELETE", "/api/projects/Sea")).body["task"]["id"])
    await _end(gateway, log, task)
    return task


async def _end(gateway: Gateway, log: Log, task: UUID) -> None:
    await log.come_back()
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE tasks SET status = 'completed', ended_at = now() WHERE id = $1", task)


async def _is_active(gateway: Gateway, project: int) -> bool:
    async with gateway.database.connection() as connection:
        return bool(await connection.fetchval("SELECT status = 'active' FROM projects WHERE id = $1", project))


async def test_the_undo_of_a_deletion_brings_the_project_back_and_its_undo_archives_it_again(gateway: Gateway) -> None:
    log, (project, _) = Log(gateway.database), await _sea(gateway)
    deletion = await _deleted(gateway, log)
    answer = await _undo(gateway, deletion)
    assert (answer.status, answer.body["task"]["type"]) == (202, "project_restore")
    restore = UUID(answer.body["task"]["id"])
    (asked,) = [data for data in await _asked(gateway) if data.task_type == "project_restore"]
    assert asked.targets == Targets(kind="projects", project_ids=(project,))
    assert (asked.undo_of, asked.params) == (deletion, {"undo_of": str(deletion)})

    await _end(gateway, log, restore)
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE projects SET status = 'active', deleted_by = NULL")
    again = await _undo(gateway, restore)
    assert (again.status, again.body["task"]["type"]) == (202, "project_delete")
    assert not await _is_active(gateway, project)
    assert [data.undo_of for data in await _asked(gateway) if data.task_type == "project_delete"] == [None, restore]
    assert len(await gateway.events("ProjectCanceled")) == 2


async def test_a_deletion_of_a_project_that_is_there_again_is_not_undone(gateway: Gateway) -> None:
    log, _ = Log(gateway.database), await _sea(gateway)
    deletion = await _deleted(gateway, log)
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE projects SET status = 'active', deleted_by = NULL")
    answer = await _undo(gateway, deletion)
    assert (answer.status, answer.body["detail"]) == (409, "The project Sea is there already.")


async def test_a_dry_run_says_which_photos_come_and_go_with_their_project(gateway: Gateway) -> None:
    log, (project, photo) = Log(gateway.database), await _sea(gateway)
    async with gateway.database.transaction() as connection:
        (left,) = await add_shots(connection, gateway.tenant, project, [Shot("B")])
    deletion = await _deleted(gateway, log)
    async with gateway.database.transaction() as connection:
        await connection.execute("DELETE FROM photos WHERE id = $1", photo)
    gone = PhotoRemoved(photo_id=photo, filename="A", version=2, keep=KeptKinds(jpg=True, raw=False, other=False))
    about = {"project_id": project, "project_folder": "Sea", "task_id": deletion}
    removed = PhotosRemoved(**about, cause="project_delete", photos=(gone,))
    await log.fold(Origin("/test", gateway.tenant, "ada", deletion).event(removed))
    answer = await _undo(gateway, deletion, {"dry_run": True})
    assert (answer.status, answer.body["type"], answer.body["projects"]) == (200, "project_restore", 1)
    assert answer.body["photos"] == 2
    assert [(one["photo_id"], one["project_folder"], one["status"], one["what"]) for one in answer.body["items"]] == [
        (left, "Sea", "restores", ["comes back with its project"]),
        (photo, "Sea", "restores", ["comes back with its project"]),
    ]
    assert not await _is_active(gateway, project)

    restore = await _task(gateway, "project_restore")
    async with gateway.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO outbox (id, kind, message_id, tenant, subject, payload) "
            "SELECT $1, kind, 'x', tenant, subject, payload FROM outbox WHERE id = $2",
            restore,
            deletion,
        )
    answer = await _undo(gateway, restore, {"dry_run": True})
    assert (answer.status, answer.body["detail"]) == (409, "The project Sea was deleted already.")
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE projects SET status = 'active', deleted_by = NULL")
    answer = await _undo(gateway, restore, {"dry_run": True})
    assert (answer.status, answer.body["type"]) == (200, "project_delete")
    assert [(one["project_folder"], one["what"]) for one in answer.body["items"]] == [
        ("Sea", ["goes again with its project"])
    ]
    assert await _is_active(gateway, project)
