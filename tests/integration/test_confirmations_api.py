"""Confirmations by HTTP: everybody sees what would be removed, an admin answers, once, and only while it matters."""

import asyncio
import json
import os
from uuid import UUID, uuid4

import pytest
from asking import ask_about
from catalogue import Shot, add_project, add_shots, add_tenant
from gateway_server import Gateway
from running_stack import PHOTOBUS

from photobus_client import ApiError, PhotobusClient
from photobus_common.events.confirmations import ConfirmationAnswered, ConfirmationExpired
from photobus_common.store.database import Database

ADD_FILE = """
INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at)
SELECT tenant, id, project_id, filename || '.jpg', 'jpg', 1, '', now() FROM photos
"""
ADD_TASK = """
INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, created_at)
VALUES ($1, $2, 'maintenance', 'project', 'user', '', 'ada', 'waiting', '{}', now())
"""
END_TASK = "UPDATE tasks SET status = 'canceled', ended_at = now() WHERE id = $1"
REMOVE_PHOTOS = "DELETE FROM photos"


@pytest.fixture
async def project(gateway: Gateway) -> tuple[int, str]:
    """A project with five photos."""
    async with gateway.database.transaction() as connection:
        project_id = await add_project(connection, gateway.tenant, "Trip")
        await add_shots(connection, gateway.tenant, project_id, [Shot(f"P{n}") for n in range(5)])
        await connection.execute(ADD_FILE)
    return project_id, "Trip"


@pytest.fixture
async def task(gateway: Gateway) -> UUID:
    """A task that waits."""
    task_id = uuid4()
    await execute(gateway.database, ADD_TASK, task_id, gateway.tenant)
    return task_id


async def execute(database: Database, statement: str, *parameters: object) -> None:
    async with database.transaction() as connection:
        await connection.execute(statement, *parameters)


async def test_what_would_be_removed_is_shown_page_by_page_also_once_it_is_gone(
    gateway: Gateway, project: tuple[int, str], task: UUID
) -> None:
    asked = await ask_about(gateway.database, gateway.tenant, project, task, lacking=5)
    viewer = await gateway.token("viewer")
    await execute(gateway.database, REMOVE_PHOTOS)

    listed = await gateway.get("/api/confirmations?status=open", token=viewer)
    [one] = listed.body["items"]
    assert (one["id"], one["task_id"], one["status"], one["project_folder"]) == (str(asked), str(task), "open", "Trip")
    assert (one["lacking"], one["photos"], listed.body["total"]) == (5, 5, 1)

    path, seen = f"/api/confirmations/{asked}?limit=2", []
    answer = await gateway.get(path, token=viewer)
    while True:
        assert answer.body["confirmation"] == one
        assert answer.body["items"]["total"] == 5
        seen += [(item["project_folder"], item["filename"], item["files"]) for item in answer.body["items"]["items"]]
        if (cursor := answer.body["items"]["next_cursor"]) is None:
            break
        answer = await gateway.get(f"{path}&cursor={cursor}", token=viewer)
    assert seen == [("Trip", f"P{n}", [f"P{n}.jpg"]) for n in range(5)]

    detail = await gateway.get(f"/api/tasks/{task}", token=viewer)
    assert (detail.body["status"], detail.body["confirmations"]) == ("waiting", [one])
    assert [found["id"] for found in (await gateway.get("/api/tasks?status=waiting")).body["items"]] == [str(task)]


@pytest.mark.parametrize(("word", "status"), [("confirm", "confirmed"), ("refuse", "refused")])
async def test_an_answer_counts_once_and_only_an_admins(
    gateway: Gateway, project: tuple[int, str], task: UUID, word: str, status: str
) -> None:
    path = f"/api/confirmations/{await ask_about(gateway.database, gateway.tenant, project, task)}"
    for role in ("viewer", "editor"):
        refused = await gateway.post(path, {"answer": word}, token=await gateway.token(role))
        assert refused.status == 403
    answers = await asyncio.gather(*(gateway.post(path, {"answer": word}) for _ in range(3)))
    assert {(answer.status, answer.body["status"]) for answer in answers} == {(200, status)}
    assert len({answer.body["answered_at"] for answer in answers}) == 1
    assert answers[0].body["answered_by"].startswith("token:")

    other = await gateway.post(path, {"answer": "refuse" if word == "confirm" else "confirm"})
    assert (other.status, other.body["code"]) == (409, "conflict")
    [event] = await gateway.events("ConfirmationAnswered")
    assert isinstance(event.data, ConfirmationAnswered)
    assert (event.data.task_id, event.correlation_id, event.data.confirmed) == (task, task, word == "confirm")
    assert event.actor == answers[0].body["answered_by"]
    assert (await gateway.get("/api/confirmations?status=open")).body["items"] == []
    assert (await gateway.get(f"/api/tasks/{task}")).body["confirmations"] == []


async def test_what_no_task_waits_for_has_expired(gateway: Gateway, project: tuple[int, str], task: UUID) -> None:
    asked = await ask_about(gateway.database, gateway.tenant, project, task)
    await execute(gateway.database, END_TASK, task)
    assert (await gateway.get("/api/confirmations?status=open")).body["items"] == []
    [one] = (await gateway.get("/api/confirmations?status=expired")).body["items"]
    assert (one["id"], one["status"]) == (str(asked), "expired")
    late = await gateway.post(f"/api/confirmations/{asked}", {"answer": "confirm"})
    assert (late.status, "expired" in late.body["detail"]) == (409, True)
    assert await gateway.events("ConfirmationAnswered") == []


async def test_the_deletion_of_a_project_ends_what_is_asked_about_it(
    gateway: Gateway, project: tuple[int, str], task: UUID
) -> None:
    asked = await ask_about(gateway.database, gateway.tenant, project, task)
    async with gateway.database.transaction() as connection:
        other = await add_project(connection, gateway.tenant, "Other")
    kept = await ask_about(gateway.database, gateway.tenant, (other, "Other"), task)
    assert (await gateway.call("DELETE", "/api/projects/Trip")).status == 202
    [event] = await gateway.events("ConfirmationExpired")
    assert isinstance(event.data, ConfirmationExpired)
    assert (event.data.confirmation_id, event.data.task_id) == (asked, task)
    assert [one["id"] for one in (await gateway.get(f"/api/tasks/{task}")).body["confirmations"]] == [str(kept)]


async def test_another_tenants_confirmations_are_nobodys(gateway: Gateway, project: tuple[int, str]) -> None:
    async with gateway.database.transaction() as connection:
        await add_tenant(connection, "user_9")
    path = f"/api/confirmations/{await ask_about(gateway.database, 'user_9', project)}"
    assert (await gateway.get("/api/confirmations")).body["items"] == []
    for answer in (await gateway.get(path), await gateway.post(path, {"answer": "confirm"})):
        assert (answer.status, answer.body["errors"][0]["field"]) == (404, "path.confirmation_id")


async def test_the_client_lists_shows_and_answers(gateway: Gateway, project: tuple[int, str], task: UUID) -> None:
    asked = await ask_about(gateway.database, gateway.tenant, project, task, lacking=5)
    async with PhotobusClient(f"http://127.0.0.1:{gateway.port}", gateway.admin) as photobus:
        [one] = (await photobus.confirmations.list("open", task_id=task)).items
        assert one == await photobus.confirmations.show(asked)
        photos = [photo.filename async for photo in photobus.confirmations.photos(asked)]
        assert photos == [f"P{n}" for n in range(5)]
        assert (await photobus.task(task)).status == "waiting"
        assert (await photobus.confirmations.refuse(asked)).status == "refused"
        assert (await photobus.confirmations.refuse(asked)).status == "refused"
        with pytest.raises(ApiError):
            await photobus.confirmations.confirm(asked)


async def test_the_command_line_lists_shows_and_answers(gateway: Gateway, project: tuple[int, str], task: UUID) -> None:
    asked = str(await ask_about(gateway.database, gateway.tenant, project, task, lacking=5))
    status, out, errors = await _photobus(gateway, "confirmations", "list")
    assert (status, errors) == (0, "")
    assert [asked, "open", "Trip", "5/5"] == out.splitlines()[1].split()[:4]
    status, out, _ = await _photobus(gateway, "confirmations", "show", asked)
    assert [line.split() for line in out.splitlines()[2:]] == [[f"P{n}", "Trip", f"P{n}.jpg"] for n in range(5)]
    shown = json.loads((await _photobus(gateway, "confirmations", "show", asked, "--json"))[1])
    assert (shown["confirmation"]["id"], len(shown["photos"])) == (asked, 5)
    status, out, _ = await _photobus(gateway, "confirmations", "confirm", asked)
    assert (status, out.split()[:2]) == (0, [asked, "confirmed:"])
    status, out, errors = await _photobus(gateway, "confirmations", "refuse", asked)
    assert (status, errors) == (1, "photobus: The confirmation is no longer open: confirmed.\n")
    assert len((await _photobus(gateway, "confirmations", "list"))[1].splitlines()) == 1
    assert asked in (await _photobus(gateway, "confirmations", "list", "--status", "all"))[1]


async def _photobus(gateway: Gateway, *arguments: str) -> tuple[int, str, str]:
    """Run the command as somebody else's shell does; return exit status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *PHOTOBUS,
        *arguments,
        env={**os.environ, "PHOTOBUS_ADDRESS": f"http://127.0.0.1:{gateway.port}", "PHOTOBUS_TOKEN": gateway.admin},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()
