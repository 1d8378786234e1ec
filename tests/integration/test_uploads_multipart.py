"""Uploading by multipart: what each file becomes, on disk, in the catalogue and in the log."""

import asyncio
import hashlib
import json
import resource
from datetime import UTC, datetime
from typing import Any

import pytest
from gateway_server import Gateway, running_gateway
from images import Shot, dng, heic, jpeg, noise_jpeg, png
from uploading import (
    count,
    folder_of,
    make_project,
    photos,
    received,
    said,
    statuses,
    until,
    upload,
    visible,
)

from photobus_common.bus.connection import Broker
from photobus_common.config import Library, Settings, Uploader
from photobus_common.events.projects import FilesTrashed, PhotoFilesChanged, PhotosAdded
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library as LibraryRoot
from photobus_common.store.database import Database

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
RAW = dng(64, 48)
SIDECAR = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project."""
    return await make_project(gateway, "Trip")


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


async def test_photos_appear_whole_with_rows_events_and_one_task(gateway: Gateway, trip: str) -> None:
    answer = await upload(gateway, trip, [("A.JPG", PHOTO), ("B.png", png()), ("C.HEIC", heic())])

    assert [status for _, status, _ in statuses(answer)] == ["created"] * 3
    assert (folder_of(gateway, trip) / "A.JPG").read_bytes() == PHOTO
    assert received(gateway) == []
    photo = (await photos(gateway, trip))["A"]
    assert (photo["jpg_available"], photo["keep_jpg"], photo["size"]) == (True, True, len(PHOTO))
    assert photo["files"] == [{**photo["files"][0], "name": "A.JPG", "kind": "jpg", "md5": md5(PHOTO)}]
    added = {photo.filename: photo for event in await said(gateway, PhotosAdded) for photo in event.photos}
    assert (added["A"].photo_id, added["A"].version, added["A"].files[0].md5) == (photo["id"], 1, md5(PHOTO))
    (task,) = await said(gateway, TaskRequested)
    ids = [result["photo_id"] for result in answer.body["results"]]
    assert (task.task_type, sorted(task.targets.photo_ids)) == ("upload_postprocess", sorted(ids))
    assert await count(gateway, "uploads") == await count(gateway, "upload_batches") == 0


async def test_what_the_camera_wrote_is_in_the_row(gateway: Gateway, trip: str) -> None:
    shot = Shot(
        taken_at=datetime(2024, 5, 1, 18, 30, tzinfo=UTC),
        offset="+02:00",
        orientation=6,
        make="Maker",
        model="Model 1",
        exposure_seconds=0.005,
        iso=200,
        gps=(-33.5, 18.25, -4.0),
    )
    await upload(gateway, trip, [("A.jpg", jpeg(64, 48, shot=shot))])

    photo = (await photos(gateway, trip))["A"]
    assert (photo["taken_at"], photo["taken_offset_minutes"]) == ("2024-05-01T16:30:00Z", 120)
    assert (photo["width"], photo["height"], photo["exif_orientation"]) == (64, 48, 6)
    assert (photo["camera_make"], photo["iso"], photo["exposure_seconds"]) == ("Maker", 200, 0.005)
    assert (photo["gps_latitude"], photo["gps_longitude"], photo["gps_altitude_m"]) == (-33.5, 18.25, -4.0)


async def test_without_exif_the_file_time_counts_and_is_kept_on_disk(gateway: Gateway, trip: str) -> None:
    about = {"A.png": {"modified_at": "2019-03-04T05:06:07Z"}}
    await upload(gateway, trip, [("A.png", png())], files=json.dumps(about))

    assert (await photos(gateway, trip))["A"]["taken_at"] == "2019-03-04T05:06:07Z"
    changed = (folder_of(gateway, trip) / "A.png").stat().st_mtime
    assert datetime.fromtimestamp(changed, UTC) == datetime(2019, 3, 4, 5, 6, 7, tzinfo=UTC)


async def test_raw_and_jpeg_of_one_name_are_one_photo_in_either_order(gateway: Gateway, trip: str) -> None:
    answers = [
        *statuses(await upload(gateway, trip, [("A.JPG", PHOTO), ("A.dng", RAW)])),
        *statuses(await upload(gateway, trip, [("B.dng", RAW)])),
        *statuses(await upload(gateway, trip, [("B.JPG", PHOTO)])),
    ]

    assert [status for _, status, _ in answers] == ["created", "paired"] * 2
    found = await photos(gateway, trip)
    changed = [photo.filename for event in await said(gateway, PhotoFilesChanged) for photo in event.photos]
    for name in ("A", "B"):
        photo = found[name]
        assert (photo["jpg_available"], photo["raw_available"], photo["keep_jpg"], photo["keep_raw"]) == (True,) * 4
        assert photo["size"] == len(PHOTO) + len(RAW)
        assert photo["version"] == 1 + changed.count(name)
    assert changed.count("B") == 1


async def test_sidecars_belong_to_their_photo_whichever_comes_first(gateway: Gateway, trip: str) -> None:
    first = await upload(gateway, trip, [("A.xmp", SIDECAR), ("A.dng.xmp", SIDECAR)])
    assert statuses(first) == [("A.xmp", "created", "waits_for_photo"), ("A.dng.xmp", "created", "waits_for_photo")]
    assert await photos(gateway, trip) == {}
    await upload(gateway, trip, [("A.dng", RAW)])
    later = await upload(gateway, trip, [("A.XMP", SIDECAR)])

    assert statuses(later) == [("A.XMP", "paired", None)]
    files = (await photos(gateway, trip))["A"]["files"]
    assert {(file["name"], file["kind"]) for file in files} == {
        ("A.dng", "raw"),
        ("A.xmp", "sidecar"),
        ("A.dng.xmp", "sidecar"),
        ("A.XMP", "sidecar"),
    }


async def test_the_same_bytes_are_skipped_and_other_bytes_are_a_conflict(gateway: Gateway, trip: str) -> None:
    created = await upload(gateway, trip, [("A.JPG", PHOTO)])
    again = await upload(gateway, trip, [("A.JPG", PHOTO), ("A.JPG", OTHER)])

    assert statuses(again) == [("A.JPG", "skipped", "same_bytes"), ("A.JPG", "conflict", "other_bytes")]
    photo_id = created.body["results"][0]["photo_id"]
    assert {result["photo_id"] for result in again.body["results"]} == {photo_id}
    assert (folder_of(gateway, trip) / "A.JPG").read_bytes() == PHOTO
    assert len(await said(gateway, TaskRequested)) == 1
    assert received(gateway) == []


async def test_each_file_may_say_what_its_conflict_comes_to(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [(f"{name}.JPG", PHOTO) for name in "ABC"])
    about = {"A.JPG": {"on_conflict": "skip"}, "B.JPG": {"on_conflict": "rename"}}
    answer = await upload(
        gateway, trip, [(f"{name}.JPG", OTHER) for name in "ABC"], "?on_conflict=overwrite", files=json.dumps(about)
    )

    assert statuses(answer) == [
        ("A.JPG", "skipped", "other_bytes"),
        ("B.JPG", "renamed", None),
        ("C.JPG", "overwritten", None),
    ]
    assert answer.body["results"][1]["stored_as"] == "B (2).JPG"
    assert visible(gateway, trip) == ["A.JPG", "B (2).JPG", "B.JPG", "C.JPG"]
    assert (folder_of(gateway, trip) / "C.JPG").read_bytes() == OTHER
    assert (folder_of(gateway, trip) / "B (2).JPG").read_bytes() == OTHER


async def test_what_is_overwritten_lies_in_the_trash_and_the_log_says_where(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    answer = await upload(gateway, trip, [("A.JPG", OTHER)], "?on_conflict=overwrite")

    (trashed,) = (await said(gateway, FilesTrashed))[0].files
    assert (folder_of(gateway, trip) / trashed.trash_path).read_bytes() == PHOTO
    assert (trashed.md5, trashed.size, trashed.name) == (md5(PHOTO), len(PHOTO), "A.JPG")
    (changed,) = (await said(gateway, PhotoFilesChanged))[0].photos
    assert ([file.md5 for file in changed.removed], [file.md5 for file in changed.added]) == (
        [md5(PHOTO)],
        [md5(OTHER)],
    )
    photo = (await photos(gateway, trip))["A"]
    assert (photo["version"], photo["thumbnail_status"], photo["width"]) == (changed.version, "pending", 48)
    assert answer.body["results"][0]["photo_id"] == photo["id"]


async def test_a_renamed_pair_stays_a_pair_and_free_names_are_free_on_disk_too(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO), ("A.dng", RAW)])
    (folder_of(gateway, trip) / "A (2).nef").write_bytes(b"not known to the catalogue")
    answer = await upload(gateway, trip, [("A.JPG", OTHER), ("A.dng", dng(48, 64))], "?on_conflict=rename")

    assert [result["stored_as"] for result in answer.body["results"]] == ["A (3).JPG", "A (3).dng"]
    found = await photos(gateway, trip)
    assert sorted(found) == ["A", "A (3)"]
    assert (found["A (3)"]["jpg_available"], found["A (3)"]["raw_available"]) == (True, True)


async def test_a_file_that_lies_there_without_a_row_is_taken_up_or_respected(gateway: Gateway, trip: str) -> None:
    (folder_of(gateway, trip) / "A.JPG").write_bytes(PHOTO)
    (folder_of(gateway, trip) / "B.JPG").write_bytes(PHOTO)
    answer = await upload(gateway, trip, [("A.JPG", PHOTO), ("B.JPG", OTHER)])

    assert statuses(answer) == [("A.JPG", "created", None), ("B.JPG", "conflict", "other_bytes")]
    assert list(await photos(gateway, trip)) == ["A"]


async def test_a_file_that_is_gone_from_disk_may_be_sent_again(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", PHOTO)])
    (folder_of(gateway, trip) / "A.JPG").unlink()
    answer = await upload(gateway, trip, [("A.JPG", OTHER)])

    assert statuses(answer) == [("A.JPG", "paired", None)]
    (file,) = (await photos(gateway, trip))["A"]["files"]
    assert (file["md5"], (folder_of(gateway, trip) / "A.JPG").read_bytes()) == (md5(OTHER), OTHER)


async def test_a_name_of_another_project_is_a_conflict(gateway: Gateway, trip: str) -> None:
    other = await make_project(gateway, "Other")
    await upload(gateway, other, [("A.JPG", PHOTO)])
    answer = await upload(gateway, trip, [("A.dng", RAW), ("B.JPG", OTHER)], "?on_conflict=rename")

    assert statuses(answer) == [("A.dng", "conflict", "name_in_other_project"), ("B.JPG", "created", None)]
    assert answer.body["results"][0]["project_folder"] == other


class TestNamesPerProject:
    """A library in which each project counts for itself."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        library = Library(root=settings.library.root, unique_names="project")
        return settings.model_copy(update={"library": library})

    async def test_the_same_name_in_two_projects(self, gateway: Gateway, trip: str) -> None:
        other = await make_project(gateway, "Other")
        await upload(gateway, other, [("A.JPG", PHOTO)])
        assert statuses(await upload(gateway, trip, [("A.JPG", OTHER)])) == [("A.JPG", "created", None)]


async def test_two_projects_never_take_one_name_at_once(gateway: Gateway, trip: str) -> None:
    folders = [trip, *[await make_project(gateway, f"P{number}") for number in range(3)]]
    names = [f"{number}.JPG" for number in range(8)]
    answers = await asyncio.gather(*(upload(gateway, folder, [(name, PHOTO)]) for name in names for folder in folders))

    told = [status for answer in answers for status in statuses(answer)]
    for name in names:
        assert sorted(code or status for file, status, code in told if file == name) == [
            "created",
            *["name_in_other_project"] * 3,
        ]


async def test_one_name_sent_many_times_at_once_is_stored_once(gateway: Gateway, trip: str) -> None:
    answers = await asyncio.gather(*(upload(gateway, trip, [("A.JPG", PHOTO)]) for _ in range(12)))

    told = sorted(statuses(answer)[0][1] for answer in answers)
    assert told == ["created", *["skipped"] * 11]
    assert received(gateway) == []


async def test_two_gateways_store_one_name_once(
    gateway: Gateway,
    trip: str,
    settings: Settings,
    database: Database,
    broker: Broker,
    library: LibraryRoot,
    tenant: str,
) -> None:
    async with running_gateway(settings, database, broker, library, tenant) as second:
        both = (gateway, second)
        names = [f"{number}.JPG" for number in range(10)]
        answers = await asyncio.gather(*(upload(each, trip, [(name, PHOTO)]) for name in names for each in both))

    told = [status for answer in answers for _, status, _ in statuses(answer)]
    assert (told.count("created"), told.count("skipped")) == (10, 10)
    assert visible(gateway, trip) == names


LONG = "x" * 250

REFUSED_NAMES = {
    ".A.JPG": "hidden",
    "..": "hidden",
    "a/A.JPG": "separator",
    "a\\A.JPG": "separator",
    "A\x7f.JPG": "control_character",
    f"{LONG}é.JPG": "too_long",
    f"{LONG}x.JPG": "too_long",
    f"{LONG}.x": "not_accepted",
    "A.exe": "not_accepted",
    "JPG": "not_accepted",
    "A\udcff.JPG": "not_text",
}
"""A surrogate stands for a byte that is not UTF-8."""


async def test_a_refused_name_says_why_and_the_rest_goes_on(gateway: Gateway, trip: str) -> None:
    names = [*REFUSED_NAMES, "B.JPG"]
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="'
    parts = [start + name.encode(errors="surrogateescape") + b'"\r\n\r\n' + PHOTO + b"\r\n" for name in names]
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    body = b"".join([*parts, b"--x--\r\n"])
    answer = await gateway.call("POST", f"/api/projects/{trip}/upload", data=body, headers=headers)

    assert [(status, code) for _, status, code in statuses(answer)] == [
        *(("refused", code) for code in REFUSED_NAMES.values()),
        ("created", None),
    ]
    assert all(result["reason"] for result in answer.body["results"][:-1])
    assert visible(gateway, trip) == ["B.JPG"]


UNEXPECTED: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "text.JPG": (b"This is text, whatever it is called.", {}, "content_differs"),
    "png.JPG": (png(), {}, "content_differs"),
    "jpeg.heic": (PHOTO, {}, "content_differs"),
    "jpeg.cr2": (PHOTO, {}, "content_differs"),
    "nothing.JPG": (b"", {}, "empty_file"),
    "longer.JPG": (PHOTO, {"size": len(PHOTO) - 1}, "size_differs"),
    "shorter.JPG": (PHOTO, {"size": len(PHOTO) + 1}, "size_differs"),
    "other.JPG": (PHOTO, {"md5": "0" * 32}, "md5_differs"),
}


async def test_bytes_that_are_not_what_was_announced_are_refused(gateway: Gateway, trip: str) -> None:
    about = {name: announced for name, (_, announced, _) in UNEXPECTED.items()}
    sent = [(name, content) for name, (content, _, _) in UNEXPECTED.items()]
    answer = await upload(gateway, trip, [*sent, ("A.JPG", PHOTO)], files=json.dumps(about))

    assert statuses(answer) == [
        *((name, "refused", code) for name, (_, _, code) in UNEXPECTED.items()),
        ("A.JPG", "created", None),
    ]
    assert visible(gateway, trip) == ["A.JPG"]
    assert received(gateway) == []


class TestSmallLimit:
    """A gateway that takes files of at most 100,000 bytes."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"uploader": Uploader(max_file_bytes=100_000)})

    async def test_a_large_file_is_refused(self, gateway: Gateway, trip: str) -> None:
        large = noise_jpeg(1200, 900)
        assert len(large) > 100_000
        answer = await upload(gateway, trip, [("A.JPG", large), ("B.JPG", PHOTO)])

        assert statuses(answer) == [("A.JPG", "refused", "too_large"), ("B.JPG", "created", None)]
        assert received(gateway) == []


async def test_a_full_disk_refuses_the_file_and_leaves_nothing(gateway: Gateway, trip: str) -> None:
    large = noise_jpeg(1600, 1200)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # The kernel then refuses to write more to a file.
    try:
        answer = await upload(gateway, trip, [("A.JPG", large), ("B.JPG", PHOTO)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert statuses(answer) == [("A.JPG", "refused", "storage_full"), ("B.JPG", "created", None)]
    assert received(gateway) == []
    assert visible(gateway, trip) == ["B.JPG"]


async def test_a_client_that_goes_away_leaves_nothing_of_the_file_it_was_sending(gateway: Gateway, trip: str) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n'
    sent = part % (b"A.JPG", PHOTO) + part % (b"B.JPG", noise_jpeg(1600, 1200))
    head = (
        f"POST /api/projects/{trip}/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(sent)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head.encode() + sent[:-1000])

    async def second_is_coming() -> bool:
        return visible(gateway, trip) == ["A.JPG"] and len(received(gateway)) >= 1

    await until(second_is_coming)
    writer.close()
    await writer.wait_closed()

    async def first_is_a_task() -> bool:
        return received(gateway) == [] and len(await said(gateway, TaskRequested)) == 1

    await until(first_is_a_task)
    assert visible(gateway, trip) == ["A.JPG"]
    assert list(await photos(gateway, trip)) == ["A"]


async def test_who_may_upload_and_where(gateway: Gateway, trip: str) -> None:
    viewer = await gateway.token("viewer")
    answer = await gateway.call("POST", f"/api/projects/{trip}/upload", token=viewer)
    assert answer.status == 403
    assert (await upload(gateway, "Nowhere", [("A.JPG", PHOTO)])).status == 404
    assert (await gateway.post(f"/api/projects/{trip}/upload", {})).status == 400
    assert (await upload(gateway, trip, [], batch="b")).status == 400
    wrong = await upload(gateway, trip, [("A.JPG", PHOTO)], on_conflict="replace")
    assert (wrong.status, wrong.body["errors"][0]["field"]) == (400, "form.on_conflict")
