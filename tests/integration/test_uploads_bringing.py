"""Uploads that bring photos of other projects along: one task moves them, and their files are not stored."""

import json
from typing import Any

import pytest
from aiohttp import FormData
from catalogue import add_project, add_tenant
from gateway_server import Answer, Gateway, running_gateway
from images import dng, jpeg
from uploading import TUS, count, make_project, metadata, received, said, statuses, upload, visible

from photobus_common.bus.connection import Broker
from photobus_common.config import Library as LibrarySettings
from photobus_common.config import Settings
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_gateway.uploads.bringing import Bringing

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
RAW = dng(64, 48)
SIDECAR = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
RELOAD = "reloadConflictsIntoThisProject"
HERE = f"?{RELOAD}=true"

MOVE_ROWS = """
WITH moved AS (UPDATE photos SET project_id = $1 WHERE id = ANY($2::bigint[]) RETURNING id)
UPDATE photo_files SET project_id = $1 WHERE photo_id IN (SELECT id FROM moved)
"""


class Trip:
    """A project, and others whose photos have the names of what is uploaded."""

    folder: str = "Trip"
    id: int
    a: int
    b: int
    c: int

    async def tasks(self, gateway: Gateway) -> list[TaskRequested]:
        """What was asked to be moved."""
        return [task for task in await said(gateway, TaskRequested) if task.task_type == "image_move"]


@pytest.fixture
async def trip(gateway: Gateway) -> Trip:
    """Alps has A and B, Sea has C."""
    found = Trip()
    found.id = (await gateway.post("/api/projects", {"name": "Trip"})).body["id"]
    alps, sea = await make_project(gateway, "Alps"), await make_project(gateway, "Sea")
    sent = await upload(gateway, alps, [("A.JPG", PHOTO), ("B.JPG", PHOTO)])
    found.a, found.b = (result["photo_id"] for result in sent.body["results"])
    found.c = (await upload(gateway, sea, [("C.JPG", PHOTO)])).body["results"][0]["photo_id"]
    return found


async def bring(gateway: Gateway, items: Any = None, flag: str | None = "true") -> Answer:
    """Send a request without files; a list of items goes as JSON, anything else as it is."""
    form = FormData(quote_fields=False, default_to_multipart=True)
    if flag is not None:
        form.add_field(RELOAD, flag)
    if items is not None:
        form.add_field("conflictItems", json.dumps(items) if isinstance(items, list) else items)
    return await gateway.call("POST", "/api/projects/Trip/upload", data=form)


def told(answer: Answer) -> list[tuple[str, str, int | None]]:
    """What became of the photos that were named."""
    return [(item["filename"], item["status"], item["photo_id"]) for item in answer.body["conflict_items"]]


async def move(gateway: Gateway, trip: Trip, *photo_ids: int) -> None:
    """Let photos lie in the trip, as a move leaves them."""
    async with gateway.database.transaction() as connection:
        await connection.execute(MOVE_ROWS, trip.id, list(photo_ids))


async def test_photos_of_other_projects_are_moved_by_one_task_and_new_ones_are_stored(
    gateway: Gateway, trip: Trip
) -> None:
    files = [("A.JPG", OTHER), ("A.xmp", SIDECAR), ("N.JPG", PHOTO), ("B.dng", RAW), ("C.JPG", b"no photo")]
    answer = await upload(gateway, trip.folder, files, **{RELOAD: "true", "conflictItems": json.dumps([trip.c])})

    assert statuses(answer) == [
        ("A.JPG", "moving", "name_in_other_project"),
        ("A.xmp", "moving", "name_in_other_project"),
        ("N.JPG", "created", None),
        ("B.dng", "moving", "name_in_other_project"),
        ("C.JPG", "refused", "content_differs"),
    ]
    results = answer.body["results"]
    assert [(one["photo_id"], one["project_folder"]) for one in results[:2]] == [(trip.a, "Alps")] * 2
    assert "not stored" in results[0]["reason"]
    assert told(answer) == [("C", "moving", trip.c)]
    assert (visible(gateway, trip.folder), received(gateway)) == (["N.JPG"], [])
    (task,) = await trip.tasks(gateway)
    assert (task.targets.photo_ids, task.params, task.source) == (
        (trip.c, trip.a, trip.b),
        {"dest_project_id": trip.id},
        "upload",
    )
    assert answer.body["task"] == {
        **answer.body["task"],
        "id": str(task.task_id),
        "type": "image_move",
        "job_count": 3,
    }
    processed = [one for one in await said(gateway, TaskRequested) if one.task_type == "upload_postprocess"]
    assert processed[-1].targets.photo_ids == (results[2]["photo_id"],)


@pytest.mark.parametrize("query", ["", f"?{RELOAD}=false"])
async def test_without_the_clients_word_nothing_moves(gateway: Gateway, trip: Trip, query: str) -> None:
    answer = await upload(gateway, trip.folder, [("A.JPG", PHOTO)], query)
    assert statuses(answer) == [("A.JPG", "conflict", "name_in_other_project")]
    assert (answer.body["results"][0]["photo_id"], answer.body["task"]) == (trip.a, None)
    assert await trip.tasks(gateway) == []


async def test_the_analysis_names_the_photos_that_may_be_brought(gateway: Gateway, trip: Trip) -> None:
    asked = {"files": [{"name": name, "size": 1} for name in ("A.JPG", "N.JPG", "C.dng")]}
    analyzed = (await gateway.post("/api/projects/Trip/analyze-files", asked)).body["files"]
    items = [file["photo_id"] for file in analyzed if file["clash"] == "name_in_other_project"]
    answer = await bring(gateway, items)

    assert items == [trip.a, trip.c]
    assert (answer.status, answer.body["results"]) == (202, [])
    assert told(answer) == [("A", "moving", trip.a), ("C", "moving", trip.c)]
    (task,) = await trip.tasks(gateway)
    assert str(task.task_id) == answer.body["task"]["id"]


@pytest.mark.parametrize("items", [["C", "A.JPG", "B"], "C", "C.JPG"])
async def test_photos_are_named_by_basename_or_by_file(gateway: Gateway, trip: Trip, items: Any) -> None:
    ids = [trip.c, trip.a, trip.b]
    answer = await bring(gateway, items)
    names = items if isinstance(items, list) else [items]
    assert told(answer) == [(name, "moving", photo_id) for name, photo_id in zip(names, ids, strict=False)]


async def test_the_field_may_be_repeated_and_an_id_stand_alone(gateway: Gateway, trip: Trip) -> None:
    form = FormData(quote_fields=False, default_to_multipart=True)
    for name, value in ((RELOAD, "true"), ("conflictItems", str(trip.b)), ("conflictItems", '["A"]')):
        form.add_field(name, value)
    answer = await gateway.call("POST", "/api/projects/Trip/upload", data=form)
    assert told(answer) == [("B", "moving", trip.b), ("A", "moving", trip.a)]
    assert len(await trip.tasks(gateway)) == 1


async def test_sent_again_what_has_come_is_there_already(gateway: Gateway, trip: Trip) -> None:
    fields = {RELOAD: "true", "conflictItems": json.dumps(["C", trip.b])}
    await upload(gateway, trip.folder, [("A.JPG", PHOTO)], **fields)
    await move(gateway, trip, trip.a, trip.b)
    partly = await upload(gateway, trip.folder, [("A.JPG", PHOTO)], **fields)
    await move(gateway, trip, trip.c)
    wholly = await bring(gateway, ["C", trip.b])

    assert told(partly) == [("C", "moving", trip.c), ("B", "skipped", trip.b)]
    assert [task.targets.photo_ids for task in await trip.tasks(gateway)] == [(trip.c, trip.b, trip.a), (trip.c,)]
    assert (wholly.status, wholly.body["task"]) == (200, None)
    assert told(wholly) == [("C", "skipped", trip.c), ("B", "skipped", trip.b)]
    assert {item["code"] for item in wholly.body["conflict_items"]} == {"already_here"}


WRONG: list[tuple[Any, str | None, int, str]] = [
    ([999_999], "true", 404, "form.conflictItems"),
    (["C", "Nobody.JPG"], "true", 404, "form.conflictItems"),
    (["C"], None, 400, "form.conflictItems"),
    (["C"], "false", 400, "form.conflictItems"),
    ([True], "true", 400, "form.conflictItems"),
    ([0], "true", 400, "form.conflictItems"),
    ("9" * 30, "true", 400, "form.conflictItems"),
    ("9" * 5000, "true", 400, "form.conflictItems"),
    ("[1", "true", 400, "form.conflictItems"),
    ("", "true", 400, "form.conflictItems"),
    (["\x00"], "true", 400, "form.conflictItems"),
    (["x" * 256], "true", 400, "form.conflictItems"),
    (list(range(1, 2002)), "true", 400, "form.conflictItems"),
    (["C"], "perhaps", 400, f"form.{RELOAD}"),
    ([], "true", 400, ""),
    (None, "true", 400, ""),
]


@pytest.mark.parametrize(("items", "flag", "status", "field"), WRONG)
async def test_what_cannot_be_brought_is_named_and_nothing_moves(
    gateway: Gateway, trip: Trip, items: Any, flag: str | None, status: int, field: str
) -> None:
    answer = await bring(gateway, items, flag)
    told_of = [error["field"] for error in answer.body.get("errors", [])]
    assert (answer.status, told_of) == (status, [field] if field else []), answer.body
    assert await trip.tasks(gateway) == []


async def test_a_limit_is_told(gateway: Gateway, trip: Trip) -> None:
    answer = await bring(gateway, list(range(1, 2002)))
    assert answer.body["errors"][0]["limit"] == 2000


async def test_unknown_photos_are_refused_before_any_file_is_stored(gateway: Gateway, trip: Trip) -> None:
    fields = {RELOAD: "true", "conflictItems": "[999999]"}
    answer = await upload(gateway, trip.folder, [("N.JPG", PHOTO)], **fields)
    assert (answer.status, "results" in answer.body) == (404, False)
    assert visible(gateway, trip.folder) == []


async def test_photos_named_after_the_files_are_refused_with_how_those_ended(gateway: Gateway, trip: Trip) -> None:
    form = FormData(quote_fields=False)
    form.add_field(RELOAD, "true")
    form.add_field("conflictItems", "C")
    form.add_field("file", PHOTO, filename="N.JPG")
    form.add_field("file", PHOTO, filename="A.JPG")
    form.add_field("conflictItems", '["B", "Nobody"]')
    answer = await gateway.call("POST", "/api/projects/Trip/upload", data=form)

    assert answer.status == 404
    assert [result["status"] for result in answer.body["results"]] == ["created", "moving"]
    (task,) = await trip.tasks(gateway)
    assert task.targets.photo_ids == (trip.a,)


async def test_another_tenants_photos_are_unknown(gateway: Gateway, trip: Trip) -> None:
    async with gateway.database.transaction() as connection:
        await add_tenant(connection, "user_9")
        await add_project(connection, "user_9", "Trip")
    editor = await gateway.token("editor", "user_9")
    for item in (trip.a, "A"):
        form = FormData(quote_fields=False, default_to_multipart=True)
        form.add_field(RELOAD, "true")
        form.add_field("conflictItems", json.dumps([item]))
        answer = await gateway.call("POST", "/api/projects/Trip/upload", data=form, token=editor)
        assert (answer.status, answer.body["errors"][0]["field"]) == (404, "form.conflictItems")
    assert await trip.tasks(gateway) == []


async def test_what_left_between_the_file_and_the_task_is_to_be_sent_again(
    gateway: Gateway, trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Bringing.ask

    async def be_overtaken(bringing: Bringing, results: Any, *, whole: bool) -> None:
        await move(gateway, trip, trip.a)
        async with gateway.database.transaction() as connection:
            await connection.execute("DELETE FROM photos WHERE id = $1", trip.b)
        await ask(bringing, results, whole=whole)

    monkeypatch.setattr(Bringing, "ask", be_overtaken)
    fields = {RELOAD: "true", "conflictItems": json.dumps([trip.a, trip.b])}
    answer = await upload(gateway, trip.folder, [("A.JPG", PHOTO), ("B.JPG", PHOTO), ("C.JPG", PHOTO)], **fields)

    assert statuses(answer) == [
        ("A.JPG", "refused", "photo_gone"),
        ("B.JPG", "refused", "photo_gone"),
        ("C.JPG", "moving", "name_in_other_project"),
    ]
    assert told(answer) == [("A", "skipped", trip.a), ("B", "refused", None)]
    (task,) = await trip.tasks(gateway)
    assert task.targets.photo_ids == (trip.c,)


async def test_a_project_that_is_deleted_meanwhile_gets_nothing(
    gateway: Gateway, trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Bringing.look

    async def be_overtaken(bringing: Bringing) -> None:
        await look(bringing)
        async with gateway.database.transaction() as connection:
            await connection.execute("UPDATE projects SET status = 'canceled' WHERE id = $1", trip.id)

    monkeypatch.setattr(Bringing, "look", be_overtaken)
    answer = await bring(gateway, [trip.a])
    assert (answer.status, answer.body["code"]) == (409, "project_gone")
    assert await trip.tasks(gateway) == []


async def test_more_photos_than_one_request_moves_stay_conflicts(
    gateway: Gateway, trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photobus_gateway.uploads.bringing.MAX_ITEMS", 2)
    answer = await upload(gateway, trip.folder, [(name, PHOTO) for name in ("A.JPG", "C.JPG", "B.JPG")], HERE)
    assert [status for _, status, _ in statuses(answer)] == ["moving", "moving", "conflict"]
    (task,) = await trip.tasks(gateway)
    assert task.targets.photo_ids == (trip.a, trip.c)


async def test_where_names_may_repeat_a_file_is_stored_and_a_name_of_several_is_refused(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    repeating = LibrarySettings(root=settings.library.root, unique_names="project")
    lenient = settings.model_copy(update={"library": repeating})
    async with running_gateway(lenient, database, broker, library, tenant) as gateway:
        for name in ("Trip", "Alps", "Sea"):
            await make_project(gateway, name)
        for folder in ("Alps", "Sea"):
            await upload(gateway, folder, [("A.JPG", PHOTO)])
        ambiguous = await bring(gateway, ["A"])
        stored = await upload(gateway, "Trip", [("A.JPG", PHOTO)], HERE)
        here = await bring(gateway, ["A"])
    assert (ambiguous.status, "Alps, Sea" in ambiguous.body["errors"][0]["message"]) == (400, True)
    assert statuses(stored) == [("A.JPG", "created", None)]
    assert [status for _, status, _ in told(here)] == ["skipped"]


async def test_options_may_come_in_any_fields_and_order(gateway: Gateway, trip: Trip) -> None:
    fields = {RELOAD: "true", "batch": "b", "batch_total": "1", "on_conflict": "rename"}
    answer = await upload(gateway, trip.folder, [("A.JPG", PHOTO)], **fields)
    assert statuses(answer) == [("A.JPG", "moving", "name_in_other_project")]
    assert await count(gateway, "uploads") == 0


async def test_a_resumable_upload_brings_nothing(gateway: Gateway, trip: Trip) -> None:
    headers = {**TUS, "Upload-Length": str(len(PHOTO)), "Content-Type": "application/offset+octet-stream"}
    about = metadata(filename="A.JPG", **{RELOAD: "true"})
    answer = await gateway.call(
        "POST", "/api/projects/Trip/uploads", headers={**headers, "Upload-Metadata": about}, data=PHOTO
    )
    assert (answer.status, json.loads(answer.headers["Photobus-Upload-Result"])["photo_id"]) == (422, trip.a)
    assert await trip.tasks(gateway) == []
