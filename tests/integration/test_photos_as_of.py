"""Photos of a project as they stood at a place in the log, whatever became of them and of the project."""

import asyncio
from typing import Any

import images
import pytest
from catalogue import add_tenant
from folding import Log
from gateway_server import Gateway
from shelf import DNG
from typer.testing import CliRunner
from uploading import make_project, photos, upload

from photobus_cli.main import app
from photobus_client import PhotobusClient
from photobus_common.events import EventData, Origin
from photobus_common.events.projects import (
    KeptKinds,
    MovedFile,
    PhotoMoved,
    PhotoRemoved,
    PhotoRestored,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
)
from photobus_common.store import catalogue_as_of
from photobus_common.store.unit_of_work import unit_of_work

JPEG = images.jpeg(8, 8)
KEPT = KeptKinds(jpg=True, raw=False, other=False)
SEA = {"project_id": 1, "project_folder": "Sea"}
LAKE = {"project_id": 2, "project_folder": "Lake"}
TIME = "SELECT time FROM event_log WHERE seq = $1"


class Then:
    """A gateway whose events are archived when it is said, and what it shows of the past."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.log = Log(gateway.database)

    async def archived(self, *told: EventData) -> int:
        """Say what services tell, and archive all that was said; return the last sequence."""
        async with unit_of_work(self.gateway.database, self.gateway.publisher) as work:
            for data in told:
                work.emit(Origin("/test", "user_0", "test").event(data))
        await self.log.come_back()
        return self.log.last

    async def shown(self, folder: str, as_of: object, **query: object) -> Any:
        """Return what is answered of the project in the folder."""
        params = {"as_of": str(as_of), **{name: str(value) for name, value in query.items()}}
        answer = await self.gateway.get(f"/api/projects/{folder}/photos", params=params)
        assert answer.status == 200, answer.body
        return answer.body

    async def names(self, folder: str, as_of: object) -> list[str]:
        """Return the names of its photos."""
        return [photo["filename"] for photo in (await self.shown(folder, as_of))["items"]]


@pytest.fixture
async def then(gateway: Gateway) -> Then:
    """Projects Sea, with the photos A and B, and Lake."""
    for name in ("Sea", "Lake"):
        await make_project(gateway, name)
    await upload(gateway, "Sea", [("A.jpg", JPEG)])
    await upload(gateway, "Sea", [("B.jpg", JPEG + b"B")])
    return Then(gateway)


def moved(photo_id: int, version: int, before: str, after: str) -> PhotoMoved:
    """Tell of a photo that lies elsewhere now."""
    file = MovedFile(name=f"{after}.jpg", source_name=f"{before}.jpg", kind="jpg", size=8, md5="0")
    made = {"thumbnail_status": "generated", "preview_status": "failed"}
    return PhotoMoved(photo_id=photo_id, filename=after, source_filename=before, version=version, files=(file,), **made)


async def test_each_is_shown_as_it_stood_then(then: Then) -> None:
    first = await then.archived()
    ids = {name: photo["id"] for name, photo in (await photos(then.gateway, "Sea")).items()}
    item = {"photo_id": ids["A"]}
    await then.gateway.post("/api/photos/tags/add", {"items": [{**item, "tags": ["b", "a"]}]})
    await then.gateway.post("/api/photos/keep", {"items": [{**item, "keep_jpg": False}]})
    await upload(then.gateway, "Sea", [("A.dng", DNG)])
    second = await then.archived()
    now = (await photos(then.gateway, "Sea"))["A"]

    before = (await then.shown("Sea", first))["items"][0]
    assert (before["tags"], before["version"], [file["name"] for file in before["files"]]) == ([], 1, ["A.jpg"])
    answer = await then.shown("Sea", second)
    about = {name: value for name, value in answer.items() if name != "items"}
    assert about == {
        "seq": second,
        "project_id": 1,
        "project_folder": "Sea",
        "project_name": "Sea",
        "project_status": "active",
        "next_cursor": None,
    }
    after = answer["items"][0]
    assert {name: now[name] for name in after if name != "files"} == {
        name: value for name, value in after.items() if name != "files"
    }
    assert [{name: file[name] for name in after["files"][0]} for file in now["files"]] == after["files"]
    assert await then.shown("Sea", second + 1000) == answer
    assert await then.names("Sea", 2) == []


async def test_photos_that_left_and_came_back_are_where_they_were_then(then: Then) -> None:
    [a, b] = [photo["id"] for photo in (await photos(then.gateway, "Sea")).values()]
    there = await then.archived()
    source = {f"source_{name}": value for name, value in SEA.items()}
    left = await then.archived(
        PhotosMoved(**LAKE, **source, photos=(moved(a, 2, "A", "A (2)"),)),
        PhotosRemoved(**SEA, cause="undo", photos=(PhotoRemoved(photo_id=b, filename="B", version=2, keep=KEPT),)),
    )
    back = {"thumbnail_status": "pending", "preview_status": "pending", "keep": KEPT}
    returned = await then.archived(
        PhotosMoved(**SEA, **{f"source_{name}": value for name, value in LAKE.items()}, photos=(moved(a, 3, "", "C"),)),
        PhotosRestored(**LAKE, cause="undo", photos=(PhotoRestored(photo_id=b, filename="B", version=3, **back),)),
    )

    assert [await then.names("Sea", seq) for seq in (there, left, returned)] == [["A", "B"], [], ["C"]]
    assert [await then.names("Lake", seq) for seq in (there, left, returned)] == [[], ["A (2)"], ["B"]]
    [photo] = (await then.shown("Lake", left))["items"]
    assert (photo["thumbnail_status"], photo["preview_status"], photo["keep_jpg"]) == ("generated", "failed", True)


async def test_a_project_is_asked_for_by_the_folder_it_had_then(then: Then) -> None:
    there = await then.archived()
    assert (await then.gateway.call("DELETE", "/api/projects/Sea")).status == 202
    gone = await then.archived()
    (then.gateway.settings.library.root / "user_0" / "Sea").rename(then.gateway.settings.library.root / "Away")
    await make_project(then.gateway, "Sea")
    again = await then.archived()

    shown = [await then.shown("Sea", seq) for seq in (there, gone, again)]
    assert [(one["project_id"], one["project_status"]) for one in shown] == [
        (1, "active"),
        (1, "canceled"),
        (3, "active"),
    ]
    async with then.gateway.database.connection() as connection:
        moment = await connection.fetchval(TIME, there)
    assert {**await then.shown("Sea", moment.isoformat()), "seq": there} == shown[0]


async def test_pages_go_on_where_they_began(then: Then, monkeypatch: pytest.MonkeyPatch) -> None:
    last = await then.archived()
    first = await then.shown("Sea", last + 5, limit=1)
    await upload(then.gateway, "Sea", [("C.jpg", JPEG + b"C")])
    await then.archived()
    second = await then.shown("Sea", last + 5, limit=1, cursor=first["next_cursor"])
    assert [one["filename"] for page in (first, second) for one in page["items"]] == ["A", "B"]
    assert second["next_cursor"] is None

    monkeypatch.setattr(catalogue_as_of, "PORTION", 1)
    monkeypatch.setattr(catalogue_as_of, "LOOKED_AT", 1)
    gone = PhotoRemoved(photo_id=1, filename="A", version=2, keep=KEPT)
    last = await then.archived(PhotosRemoved(**SEA, cause="undo", photos=(gone,)))
    short = await then.shown("Sea", last)
    assert (short["items"], short["next_cursor"] is None) == ([], False)
    assert [one["filename"] for one in (await then.shown("Sea", last, cursor=short["next_cursor"]))["items"]] == ["B"]
    address = f"http://127.0.0.1:{then.gateway.port}"
    async with PhotobusClient(address, then.gateway.admin, patience_seconds=0) as client:
        assert [one.filename async for one in client.history.photos("Sea", last)] == ["B", "C"]

    asked = ["history", "photos", "Sea", "--as-of", str(last), "--address", address, "--token", then.gateway.admin]
    table = await asyncio.to_thread(CliRunner().invoke, app, asked)
    assert [line.split()[:5] for line in table.stdout.splitlines()[1:]] == [
        ["2", "B", "1", "B.jpg", "jpg"],
        ["3", "C", "1", "C.jpg", "jpg"],
    ]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("Sea/photos?as_of=1", 404, "path.folder"),
        ("Nowhere/photos?as_of=99", 404, "path.folder"),
        ("Sea/photos?as_of=yesterday", 400, "query.as_of"),
        ("Sea/photos?as_of=99&text=A&sort=size", 400, "query.sort"),
        ("Sea/photos?as_of=99&cursor=x", 400, "query.cursor"),
    ],
)
async def test_what_is_not_there_or_not_understood_is_refused(then: Then, path: str, status: int, field: str) -> None:
    await then.archived()
    answer = await then.gateway.get(f"/api/projects/{path}")
    assert (answer.status, answer.body["errors"][0]["field"]) == (status, field)


async def test_another_tenants_project_is_not_there(then: Then) -> None:
    await then.archived()
    async with then.gateway.database.transaction() as connection:
        await add_tenant(connection, "user_9")
    token = await then.gateway.token("viewer", "user_9")
    assert (await then.gateway.get("/api/projects/Sea/photos?as_of=99", token=token)).status == 404
