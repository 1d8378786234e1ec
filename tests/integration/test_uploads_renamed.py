"""Uploads with `on_conflict=rename`: who gets which name, and that nothing is stored twice or torn apart."""

import hashlib
from typing import Any

import pytest
from gateway_server import Gateway, running_gateway
from images import dng, jpeg
from uploading import folder_of, make_project, photos, statuses, upload, upload_together, visible

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import Library
from photobus_common.store import photos as catalogue
from photobus_common.store.database import Database

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
RAW = dng(64, 48)
SIDECAR = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
RENAME = "?on_conflict=rename"


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project."""
    return await make_project(gateway, "Trip")


def stored_as(answer: Any) -> list[str | None]:
    return [result["stored_as"] for result in answer.body["results"]]


async def test_a_file_whose_name_another_of_its_group_just_got_sees_what_became_of_that(
    gateway: Gateway, trip: str
) -> None:
    await upload(gateway, trip, [("x.jpg", OTHER)])
    sent = [("0.jpg", OTHER), ("x.jpg", PHOTO), ("x (2).jpg", PHOTO), ("x (2).dng", RAW)]
    answer = await upload_together(gateway, trip, sent, RENAME)
    later = await upload(gateway, trip, [("A.JPG", PHOTO)])

    assert statuses(answer)[1:] == [
        ("x.jpg", "renamed", None),
        ("x (2).jpg", "skipped", "same_bytes"),
        ("x (2).dng", "paired", None),
    ]
    assert len({result["photo_id"] for result in answer.body["results"][1:]}) == 1
    assert statuses(later) == [("A.JPG", "created", None)]
    assert visible(gateway, trip) == ["0.jpg", "A.JPG", "x (2).dng", "x (2).jpg", "x.jpg"]


async def test_other_bytes_for_a_name_that_another_just_got_are_a_conflict_or_renamed(
    gateway: Gateway, trip: str
) -> None:
    await upload(gateway, trip, [("x.jpg", OTHER)])
    third = jpeg(32, 32)
    answer = await upload_together(gateway, trip, [("0.jpg", OTHER), ("x.jpg", PHOTO), ("x (2).jpg", third)], RENAME)

    assert stored_as(answer)[1:] == ["x (2).jpg", "x (2) (2).jpg"]
    assert (folder_of(gateway, trip) / "x (2) (2).jpg").read_bytes() == third


async def test_what_was_renamed_before_is_not_stored_again(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", OTHER), ("A.dng", dng(48, 64))])
    first = await upload(gateway, trip, [("A.JPG", PHOTO), ("A.dng", RAW)], RENAME)
    again = await upload(gateway, trip, [("A.JPG", PHOTO), ("A.dng", RAW)], RENAME)

    assert [status for _, status, _ in statuses(first)] == ["renamed", "renamed"]
    assert statuses(again) == [("A.JPG", "skipped", "same_bytes"), ("A.dng", "skipped", "same_bytes")]
    assert stored_as(again) == stored_as(first) == ["A (2).JPG", "A (2).dng"]
    assert again.body["results"][0]["photo_id"] == first.body["results"][0]["photo_id"]
    assert sorted(await photos(gateway, trip)) == ["A", "A (2)"]


async def test_a_copy_that_is_not_there_any_more_is_stored_again(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", OTHER)])
    await upload(gateway, trip, [("A.JPG", PHOTO)], RENAME)
    (folder_of(gateway, trip) / "A (2).JPG").unlink()
    answer = await upload(gateway, trip, [("A.JPG", PHOTO)], RENAME)

    assert [status for _, status, _ in statuses(answer)] == ["renamed"]
    assert (folder_of(gateway, trip) / str(stored_as(answer)[0])).read_bytes() == PHOTO


async def test_the_raw_of_a_photo_that_was_renamed_before_joins_it(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", OTHER)])
    await upload(gateway, trip, [("A.JPG", PHOTO)], RENAME)
    answer = await upload(gateway, trip, [("A.JPG", PHOTO), ("A.dng", RAW)], RENAME)

    assert stored_as(answer) == ["A (2).JPG", "A (2).dng"]


async def test_an_earlier_rename_is_told_beforehand(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", OTHER)])
    renamed = await upload(gateway, trip, [("A.JPG", PHOTO)], RENAME)
    md5 = hashlib.md5(PHOTO, usedforsecurity=False).hexdigest()
    asked = [{"name": name, "size": len(PHOTO), "md5": md5} for name in ("A.JPG", "B.JPG")]
    answer = await gateway.post(f"/api/projects/{trip}/analyze-files", {"files": asked})

    first, second = answer.body["files"]
    assert first["clash"] == "other_bytes"
    assert first["renamed_before"] == {
        "photo_id": renamed.body["results"][0]["photo_id"],
        "stored_as": "A (2).JPG",
    }
    assert second["renamed_before"] is None


async def test_a_raw_that_is_placed_with_its_jpeg_goes_where_that_goes(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", OTHER)])
    answer = await upload_together(gateway, trip, [("0.JPG", OTHER), ("A.dng", RAW), ("A.JPG", PHOTO)], RENAME)

    assert stored_as(answer)[1:] == ["A (2).dng", "A (2).JPG"]


async def test_a_raw_that_stands_before_its_jpeg_in_a_request_goes_where_that_goes(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", OTHER), ("B.JPG", OTHER)])
    sent = [("A.dng", RAW), ("A.JPG", PHOTO), ("B.dng", dng(32, 32)), ("B.JPG", PHOTO), ("C.dng", dng(16, 16))]
    answer = await upload(gateway, trip, sent, RENAME)

    assert stored_as(answer) == ["A (2).dng", "A (2).JPG", "B (2).dng", "B (2).JPG", None]
    assert sorted(await photos(gateway, trip)) == ["A", "A (2)", "B", "B (2)", "C"]


async def test_a_pair_stays_together_over_two_gateways(
    gateway: Gateway,
    trip: str,
    settings: Settings,
    database: Database,
    broker: Broker,
    library: Library,
    tenant: str,
) -> None:
    await upload(gateway, trip, [("A.JPG", OTHER)])
    async with running_gateway(settings, database, broker, library, tenant) as second:
        first = await upload(gateway, trip, [("A.JPG", PHOTO)], f"{RENAME}&batch=b")
        other = await upload(second, trip, [("A.dng", RAW)], f"{RENAME}&batch=b")

    assert stored_as(first) + stored_as(other) == ["A (2).JPG", "A (2).dng"]


async def test_a_folder_is_listed_once_for_all_renames_of_a_group(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.JPG" for number in range(9)]
    await upload(gateway, trip, [(name, OTHER) for name in names])
    listed: list[str] = []
    listing = Folder.names

    def note(folder: Folder) -> frozenset[str]:
        listed.append(folder.name)
        return listing(folder)

    def refuse(folder: Folder, **_options: Any) -> Any:
        raise AssertionError(f"{folder.name} is listed with the state of each file")

    monkeypatch.setattr(Folder, "names", note)
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "list", refuse)
        answer = await upload_together(gateway, trip, [(name, PHOTO) for name in names], RENAME)

    assert {status for _, status, _ in statuses(answer)[1:]} == {"renamed"}
    assert listed == [trip, trip]


async def test_numbers_that_are_taken_in_the_folder_are_not_looked_up(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(gateway, trip, [("A.JPG", OTHER)])
    for number in range(2, 1002):
        (folder_of(gateway, trip) / f"A ({number}).JPG").touch()
    asked: list[Any] = []
    look_up = catalogue.photos_of_basenames

    async def note(connection: Any, project_id: int, basenames: Any) -> Any:
        asked.append(basenames)
        return await look_up(connection, project_id, basenames)

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "photos_of_basenames", note)
        answer = await upload(gateway, trip, [("A.JPG", PHOTO)], RENAME)

    assert stored_as(answer) == ["A (1002).JPG"]
    assert len([names for names in asked if any("(" in name for name in names)]) <= 3


async def test_a_sidecar_too_long_for_the_name_of_its_photo_is_told_why(gateway: Gateway, trip: str) -> None:
    name = "x" * 246
    await upload(gateway, trip, [(f"{name}.JPG", OTHER)])
    answer = await upload(gateway, trip, [(f"{name}.JPG", PHOTO), (f"{name}.JPG.xmp", SIDECAR)], RENAME)

    renamed, sidecar = answer.body["results"]
    assert renamed["status"] == "renamed"
    assert (sidecar["status"], sidecar["code"]) == ("refused", "too_long")
    assert sidecar["reason"] == "The name, or that of its derivatives, is over 255 bytes."
