"""Tags and what is kept, said of photos one by one: each photo answered for, one transaction, one event a project."""

from dataclasses import dataclass

import pytest
from catalogue import Shot, add_project, add_shots, add_tenant
from gateway_server import Gateway

from photobus_common.events.projects import KeepChanged, TagsChanged

PHOTOS_BY_ID = "SELECT id, version, keep_jpg, keep_raw FROM photos ORDER BY id"


@dataclass(frozen=True)
class Catalogue:
    """Two projects of the caller, and one photo of somebody else."""

    alps: list[int]
    sea: list[int]
    foreign: int


@pytest.fixture
async def catalogue(gateway: Gateway) -> Catalogue:
    """Photos with a JPEG and a RAW each."""
    shots = [Shot(f"IMG_{number}", raw_available=True, keep_raw=True, tags=("old",)) for number in range(3)]
    async with gateway.database.transaction() as connection:
        await add_tenant(connection, "user_9")
        alps = await add_shots(connection, "user_0", await add_project(connection, "user_0", "Alps"), shots)
        sea = await add_shots(connection, "user_0", await add_project(connection, "user_0", "Sea"), shots)
        (foreign,) = await add_shots(
            connection, "user_9", await add_project(connection, "user_9", "Theirs"), [Shot("IMG_0")]
        )
    return Catalogue(alps, sea, foreign)


async def _rows(gateway: Gateway) -> list[tuple[int, int, bool, bool]]:
    async with gateway.database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(PHOTOS_BY_ID)]


async def test_tags_of_photos_in_any_projects_change_at_once(gateway: Gateway, catalogue: Catalogue) -> None:
    items = [
        {"photo_id": catalogue.sea[0], "tags": ["b", "a"]},
        {"photo_id": catalogue.alps[0], "tags": ["old"]},
        {"photo_id": catalogue.foreign, "tags": ["mine"]},
        {"photo_id": catalogue.sea[0], "tags": ["c"]},
    ]
    answer = await gateway.post("/api/photos/tags/add", {"items": items})

    assert answer.status == 200
    assert {name: answer.body[name] for name in ("dry_run", "changed", "unchanged", "failed")} == {
        "dry_run": False,
        "changed": 1,
        "unchanged": 1,
        "failed": 1,
    }
    told = [(item["photo_id"], item["status"], item["version"], item["tags"]) for item in answer.body["items"]]
    assert told == [
        (catalogue.sea[0], "changed", 2, ["a", "b", "c", "old"]),
        (catalogue.alps[0], "unchanged", 1, ["old"]),
        (catalogue.foreign, "failed", None, None),
    ]
    assert answer.body["items"][2]["code"] == "not_found"
    (event,) = await gateway.events("TagsChanged")
    assert isinstance(event.data, TagsChanged)
    assert [(photo.photo_id, photo.added, photo.version) for photo in event.data.photos] == [
        (catalogue.sea[0], ("a", "b", "c"), 2)
    ]
    assert (await gateway.get(f"/api/photos/{catalogue.sea[0]}")).body["tags"] == ["a", "b", "c", "old"]


async def test_a_photo_with_too_many_tags_is_told_and_keeps_no_other_from_its_own(
    gateway: Gateway, catalogue: Catalogue
) -> None:
    full, other = catalogue.alps[0], catalogue.sea[0]
    tags = [f"{number} {chr(0x1F600) * 90}" for number in range(200)]
    items = [{"photo_id": full, "tags": tags[start : start + 50]} for start in range(0, 200, 50)]
    body = {"items": [*items, {"photo_id": other, "tags": ["new"]}]}
    task = {"type": "tags_update", "targets": {"photo_ids": [full, other]}, "params": {"add": ["one", "more"]}}
    for dry_run in (True, False):
        answer = await gateway.post("/api/photos/tags/add", {**body, "dry_run": dry_run})
        assert answer.status == 200
        assert [(item["status"], item["code"]) for item in answer.body["items"]] == [
            ("failed", "too_many_tags"),
            ("changed", None),
        ]
        assert answer.body["items"][0]["detail"] == "A photo has at most 200 tags; this one would have 201."
    assert (await gateway.get(f"/api/photos/{full}")).body["tags"] == ["old"]

    first = await gateway.post("/api/photos/tags/add", {"items": [*items[:3], {"photo_id": full, "tags": tags[151:]}]})
    assert first.body["changed"] == 1
    planned = (await gateway.post("/api/tasks", {**task, "dry_run": True})).body["items"]
    assert [(item["status"], item["adds"]) for item in planned] == [("fails", []), ("changes", ["more", "one"])]
    assert [item["reason"] for item in planned] == ["A photo has at most 200 tags; this one would have 202.", None]


async def test_tags_are_taken_away(gateway: Gateway, catalogue: Catalogue) -> None:
    photo = catalogue.alps[1]
    answer = await gateway.post("/api/photos/tags/remove", {"items": [{"photo_id": photo, "tags": ["old", "never"]}]})
    assert [(item["status"], item["tags"]) for item in answer.body["items"]] == [("changed", [])]
    (event,) = await gateway.events("TagsChanged")
    assert isinstance(event.data, TagsChanged)
    assert (event.data.photos[0].removed, event.data.photos[0].tags) == (("old",), ())


async def test_what_is_kept_changes_for_the_kinds_that_are_named(gateway: Gateway, catalogue: Catalogue) -> None:
    items = [{"photo_id": catalogue.alps[0], "keep_jpg": False}, {"photo_id": catalogue.sea[1], "keep_raw": True}]
    answer = await gateway.post("/api/photos/keep", {"items": items})
    told = [(item["status"], item["keep_jpg"], item["keep_raw"]) for item in answer.body["items"]]
    assert told == [("changed", False, True), ("unchanged", True, True)]
    (event,) = await gateway.events("KeepChanged")
    assert isinstance(event.data, KeepChanged)
    assert (event.data.photos[0].before.jpg, event.data.photos[0].after.jpg) == (True, False)
    pending = (await gateway.get("/api/photos/pending-deletes")).body
    assert {name: pending[name] for name in ("jpg", "raw", "other", "total")} == {
        "jpg": 1,
        "raw": 0,
        "other": 0,
        "total": 1,
    }
    assert [(found["project_folder"], found["total"]) for found in pending["by_project"]] == [("Alps", 1)]


async def test_a_dry_run_tells_the_same_and_changes_nothing(gateway: Gateway, catalogue: Catalogue) -> None:
    before = await _rows(gateway)
    body = {"items": [{"photo_id": photo, "keep_jpg": False} for photo in (*catalogue.alps, catalogue.foreign)]}
    planned = await gateway.post("/api/photos/keep", {**body, "dry_run": True})
    assert await _rows(gateway) == before
    assert await gateway.events("KeepChanged") == []
    done = await gateway.post("/api/photos/keep", body)

    assert planned.body["dry_run"] is True
    for name in ("changed", "unchanged", "failed"):
        assert planned.body[name] == done.body[name]
    assert [(item["photo_id"], item["status"], item["keep_jpg"]) for item in planned.body["items"]] == [
        (item["photo_id"], item["status"], item["keep_jpg"]) for item in done.body["items"]
    ]


async def test_the_same_key_changes_once(gateway: Gateway, catalogue: Catalogue) -> None:
    body = {"items": [{"photo_id": catalogue.alps[0], "tags": ["new"]}]}
    first, second = [
        await gateway.post("/api/photos/tags/add", body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert first.body == second.body
    assert len(await gateway.events("TagsChanged")) == 1


@pytest.mark.parametrize(
    ("path", "items", "field"),
    [
        ("keep", [{"photo_id": 1}], "items.0"),
        ("keep", [{"photo_id": 1, "keep_jpg": None}], "items.0"),
        ("keep", [{"photo_id": 1, "keep_jpg": "no"}], "items.0.keep_jpg"),
        ("keep", [], "items"),
        ("tags/add", [{"photo_id": 1, "tags": []}], "items.0.tags"),
        ("tags/add", [{"photo_id": 1, "tags": ["x" * 101]}], "items.0.tags.0"),
        ("tags/add", [{"photo_id": 1, "tags": ["\x00"]}], "items.0.tags.0"),
        ("tags/remove", [{"photo_id": 0, "tags": ["a"]}], "items.0.photo_id"),
        ("tags/remove", [{"photo_id": 1, "tags": ["a"]}] * 2001, "items"),
    ],
)
async def test_what_is_wrong_is_named(gateway: Gateway, path: str, items: list[object], field: str) -> None:
    refused = await gateway.post(f"/api/photos/{path}", {"items": items})
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, field)


async def test_who_may_only_look_changes_nothing(gateway: Gateway, catalogue: Catalogue) -> None:
    viewer = await gateway.token("viewer")
    body = {"items": [{"photo_id": catalogue.alps[0], "tags": ["new"]}]}
    assert (await gateway.post("/api/photos/tags/add", body, token=viewer)).status == 403
