"""``photobus upload`` against a photobus of which only the answers are real: how it ends, and that it ends."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from photobus_cli import upload as command
from photobus_cli.derivatives import Making, wait_for_derivatives
from photobus_cli.news import listening
from photobus_client import LiveEvent, PhotobusClient, Project

PROJECT = {
    "id": 1,
    "name": "Trip",
    "folder": "Trip",
    "status": "active",
    "photos": 1,
    "created_at": "2024-01-01T00:00:00Z",
    "updated_at": "2024-01-01T00:00:00Z",
}
TASK = UUID(int=7)
NEVER = 3600.0
"""Longer than a test may take."""


def photo(number: int, status: str) -> dict[str, Any]:
    """A photo as lists show it."""
    return {
        "id": number,
        "project_id": 1,
        "project_folder": "Trip",
        "filename": f"p{number}",
        "jpg_available": True,
        "raw_available": False,
        "other_available": False,
        "keep_jpg": True,
        "keep_raw": False,
        "keep_other": False,
        "tags": [],
        "thumbnail_status": status,
        "preview_status": status,
        "taken_at": "2024-01-01T00:00:00Z",
        "size": 1,
        "version": 1,
    }


def page(items: list[Any]) -> web.Response:
    """A list as all lists are."""
    return web.json_response({"items": items, "total": len(items), "next_cursor": None, "prev_cursor": None})


@dataclass
class Photobus:
    """``statuses`` are those of the photos, by id; ``task`` the status of the only task, which is one of ``type``."""

    statuses: dict[int, str] = field(default_factory=dict)
    task: str = "running"
    type: str = "upload_postprocess"
    at_work: bool = True
    looked_at_tasks: asyncio.Event = field(default_factory=asyncio.Event)
    events: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    uploads: list[str] = field(default_factory=list)

    async def projects(self, _request: web.Request) -> web.Response:
        return page([PROJECT])

    async def analyze(self, request: web.Request) -> web.Response:
        """All files are there already, as the photo whose number is in the name; or else new."""
        files = (await request.json())["files"]
        numbers = [int(file["name"][1]) for file in files]
        return web.json_response(
            {
                "files": [
                    {"name": file["name"], "accepted": True, "clash": "same_bytes", "photo_id": number}
                    if number in self.statuses
                    else {"name": file["name"], "accepted": True, "clash": "none"}
                    for file, number in zip(files, numbers, strict=True)
                ]
            }
        )

    async def photos(self, request: web.Request) -> web.Response:
        return page([photo(number, word) for number, word in self.statuses.items() if word == request.query["status"]])

    async def tasks(self, request: web.Request) -> web.Response:
        self.looked_at_tasks.set()
        asked = self.task in request.query.getall("status") and self.type in request.query.getall("type")
        scope = "project" if self.type == "upload_postprocess" else "photo_set"
        about = {"type": self.type, "scope": scope, "status": self.task, "source": "user", "label": ""}
        return page([{"id": str(TASK), "created_at": "2024-01-01T00:00:00Z", **about}] if asked else [])

    async def jobs(self, _request: web.Request) -> web.Response:
        about = {"job_type": "upload_postprocess", "status": "running", "attempt": 1}
        job = {"id": str(UUID(int=8)), "task_id": str(TASK), "created_at": "2024-01-01T00:00:00Z", **about}
        return page([job] if self.at_work and self.task == "running" else [])

    async def stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        while True:
            event = await self.events.get()
            await answer.write(f"event: {event['name']}\ndata: {json.dumps(event)}\n\n".encode())

    async def take(self, request: web.Request) -> web.Response:
        """Take a file in, whatever it is."""
        name = request.headers["Upload-Metadata"]
        await request.read()
        self.uploads.append(name)
        result = {"filename": "taken", "status": "created", "photo_id": 90 + len(self.uploads)}
        return web.Response(status=201, headers={"Photobus-Upload-Result": json.dumps(result)})

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/api/projects", self.projects),
                web.post("/api/projects/Trip/analyze-files", self.analyze),
                web.get("/api/projects/Trip/photos", self.photos),
                web.post("/api/projects/Trip/uploads", self.take),
                web.get("/api/projects/Trip/jobs", self.jobs),
                web.get("/api/tasks", self.tasks),
                web.get("/api/sse/stream", self.stream),
            ]
        )
        return app


@pytest.fixture
def photobus() -> Photobus:
    """What answers."""
    return Photobus()


@pytest.fixture
async def address(photobus: Photobus) -> AsyncIterator[str]:
    """Where it answers."""
    async with TestServer(photobus.app(), shutdown_timeout=0) as server:
        yield str(server.make_url("/"))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing comes any more where nothing has come; and no journal but of the test's own."""
    monkeypatch.setattr(command, "wait_for_derivatives", partial(wait_for_derivatives, settle_seconds=0))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos."""
    for number in (1, 2, 3):
        (tmp_path / f"p{number}.jpg").write_text(str(number))
    return tmp_path


async def upload(address: str, folder: Path) -> int:
    """Run the command; returns its exit status."""
    try:
        await command._upload(PhotobusClient(address, "token"), folder, "Trip", 2, None, wait=True)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("task", ["canceled", "failed"])
async def test_running_it_again_after_the_task_broke_off_ends_and_tells(
    photobus: Photobus, address: str, folder: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photobus.statuses, photobus.task = {1: "generated", 2: "pending", 3: "pending"}, task
    assert await upload(address, folder) == 1
    told = capsys.readouterr()
    assert "3 there already" in told.out
    assert told.err.startswith("no thumbnail yet: p2, p3; no task makes any now: ")


@pytest.mark.usefixtures("at_once")
async def test_what_others_left_is_no_failure_of_this_upload(photobus: Photobus, address: str, folder: Path) -> None:
    photobus.statuses, photobus.task = {1: "generated", 2: "generated", 3: "generated", 4: "pending"}, "canceled"
    assert await upload(address, folder) == 0


@pytest.mark.parametrize("kind", ["upload_postprocess", "generate_derivatives"])
async def test_a_task_that_ends_while_it_is_waited_for_ends_the_waiting(
    photobus: Photobus, address: str, kind: str
) -> None:
    photobus.statuses, photobus.type = {1: "pending"}, kind
    async with PhotobusClient(address, "token") as client, listening(client, Making()) as news:
        waiting = asyncio.create_task(wait_for_derivatives(client, "Trip", news, settle_seconds=0))
        await photobus.looked_at_tasks.wait()
        assert not waiting.done()
        photobus.task = "canceled"
        assert await waiting == 1


async def test_live_updates_say_when_to_look_again(photobus: Photobus, address: str) -> None:
    photobus.statuses = {1: "pending"}
    async with PhotobusClient(address, "token") as client, listening(client, Making()) as news:
        waiting = asyncio.create_task(wait_for_derivatives(client, "Trip", news, settle_seconds=NEVER))
        photobus.events.put_nowait({"name": "job_progress"})
        await photobus.looked_at_tasks.wait()
        photobus.statuses = {1: "generated"}
        photobus.events.put_nowait({"name": "item"})
        assert await waiting == 0


async def test_a_task_of_another_project_is_not_waited_for(photobus: Photobus, address: str) -> None:
    photobus.statuses, photobus.at_work = {1: "pending"}, False
    async with PhotobusClient(address, "token") as client:
        assert await wait_for_derivatives(client, "Trip", Making(), settle_seconds=0) == 1


def test_a_task_is_waited_for_from_its_request_until_lists_show_it() -> None:
    news = Making()
    news.note(LiveEvent("task_requested", {"id": "a", "type": "upload_postprocess"}))
    news.note(LiveEvent("task_requested", {"id": "b", "type": "maintenance"}))
    assert news.requested == {"a"}
    news.note(LiveEvent("task_started", {"id": "a", "type": "upload_postprocess"}))
    assert not news.requested


@pytest.mark.usefixtures("at_once")
async def test_a_file_that_cannot_be_read_is_told_and_the_others_are_sent(
    photobus: Photobus, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = folder / "p2.jpg"
    monkeypatch.setattr(command, "files_below", lambda *_: [folder / "p1.jpg", gone, folder / "p3.jpg"])
    gone.unlink()
    assert await upload(address, folder) == 1
    assert len(photobus.uploads) == 2
    assert capsys.readouterr().err == "not stored: p2.jpg: The file cannot be read: No such file or directory.\n"


@pytest.mark.parametrize("change", ["gone", "shorter"])
async def test_a_file_that_changes_while_it_is_sent_holds_up_no_other(
    photobus: Photobus, address: str, folder: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = folder / "p1.jpg"
    answer = photobus.analyze

    async def analyze(request: web.Request) -> web.Response:
        if change == "gone":
            changed.unlink()
        else:
            changed.write_text("")
        return await answer(request)

    monkeypatch.setattr(photobus, "analyze", analyze)
    async with TestServer(photobus.app()) as server, PhotobusClient(str(server.make_url("/")), "token") as client:
        ended = {one.path.name: one.result async for one in client.send("Trip", [changed, folder / "p2.jpg"])}
    assert ended["p2.jpg"].status == "created"
    assert (ended["p1.jpg"].status, ended["p1.jpg"].code) == ("refused", "unreadable")


@pytest.mark.usefixtures("at_once")
async def test_a_folder_that_cannot_be_looked_into_is_told(
    photobus: Photobus, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    barred, scandir = folder / "barred", os.scandir
    barred.mkdir()

    def scan(path: str) -> Any:
        if str(path) == str(barred):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    assert await upload(address, folder) == 1
    assert len(photobus.uploads) == 3
    assert capsys.readouterr().err == f"not looked into: {barred}: Permission denied\n"


@pytest.mark.usefixtures("at_once")
async def test_a_name_that_is_no_text_can_be_told(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "files_below", lambda *_: [folder / os.fsdecode(b"gone\xff.jpg")])
    assert await upload(address, folder) == 1
    assert "not stored: gone\N{REPLACEMENT CHARACTER}.jpg: " in capsys.readouterr().err


def test_another_port_is_no_other_project() -> None:
    trip = Project.model_validate(PROJECT)
    again = Project.model_validate(PROJECT | {"name": "Renamed", "photos": 7, "updated_at": "2025-01-01T00:00:00Z"})
    other = Project.model_validate(PROJECT | {"created_at": "2025-01-01T00:00:00Z"})
    assert command.journal_file(trip) == command.journal_file(again) != command.journal_file(other)
