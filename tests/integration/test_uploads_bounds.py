"""What one upload may hold on to: time, files, fields, times of files. What came whole before is stored and told."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from gateway_server import Gateway
from images import jpeg, noise_jpeg, png
from uploading import (
    TUS,
    begin,
    folder_of,
    make_project,
    metadata,
    offset_of,
    photos,
    portion,
    received,
    said,
    statuses,
    upload,
    visible,
)

from photobus_common.config import Settings, Uploader
from photobus_common.events.tasks import TaskRequested

PHOTO = jpeg(64, 48)
LARGE = noise_jpeg(800, 600)
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n'


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project."""
    return await make_project(gateway, "Trip")


async def send_and_wait(gateway: Gateway, request: str, headers: dict[str, str], content: bytes, length: int) -> Any:
    """Send less than ``length`` bytes and keep the connection; return status and body of the answer."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"{request} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin}\r\n{lines}"
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"{head}Content-Length: {length}\r\n\r\n".encode() + content)
    async with asyncio.timeout(30):
        top = await reader.readuntil(b"\r\n\r\n")
        told = dict(line.split(": ", 1) for line in top.decode().split("\r\n")[1:] if line)
        body = json.loads(await reader.readexactly(int(told["Content-Length"])))
    writer.close()
    return int(top.split()[1]), body


class TestQuickToGiveUp:
    """A gateway that waits for half a second for the next bytes."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"uploader": Uploader(stall_seconds=0.5)})

    async def test_a_client_that_went_silent_lets_go_of_its_upload_and_what_came_is_kept(
        self, gateway: Gateway, trip: str
    ) -> None:
        address = await begin(gateway, trip, len(LARGE), filename="A.JPG")
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        half = len(LARGE) // 2
        status, body = await send_and_wait(gateway, f"PATCH {address}", headers, LARGE[:half], len(LARGE))

        assert (status, body["code"]) == (408, "body_stalled")
        assert await offset_of(gateway, address) == half
        assert (await portion(gateway, address, half, LARGE[half:])).status == 204
        assert visible(gateway, trip) == ["A.JPG"]

    async def test_the_files_that_came_whole_before_are_stored_and_told(self, gateway: Gateway, trip: str) -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        content = PART % (b"A.JPG", PHOTO) + (PART % (b"B.JPG", LARGE))[:5000]
        path = f"POST /api/projects/{trip}/upload"
        status, body = await send_and_wait(gateway, path, headers, content, len(LARGE) * 2)

        assert (status, body["code"]) == (408, "body_stalled")
        assert [(result["filename"], result["status"]) for result in body["results"]] == [("A.JPG", "created")]
        assert visible(gateway, trip) == ["A.JPG"]
        assert received(gateway) == []
        assert len(await said(gateway, TaskRequested)) == 1


class TestFewFiles:
    """A gateway that takes two files a request."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"uploader": Uploader(request_files=2)})

    async def test_a_request_with_too_many_files_is_refused_and_tells_of_those_that_are_stored(
        self, gateway: Gateway, trip: str
    ) -> None:
        answer = await upload(gateway, trip, [(f"{name}.JPG", PHOTO) for name in "ABCD"])

        assert (answer.status, answer.body["code"]) == (413, "too_large")
        assert answer.body["errors"] == [{"field": "form", "message": "The request holds over 2 files.", "limit": 2}]
        told = [(result["filename"], result["status"]) for result in answer.body["results"]]
        assert told == [("A.JPG", "created"), ("B.JPG", "created")]
        assert visible(gateway, trip) == ["A.JPG", "B.JPG"]
        assert len(await said(gateway, TaskRequested)) == 1

    async def test_more_files_may_not_be_announced_however_many_fields_do_it(self, gateway: Gateway, trip: str) -> None:
        fields = [json.dumps({name: {}}) for name in ("A.JPG", "B.JPG", "C.JPG")]
        start = b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\n%s\r\n'
        body = b"".join(start % field.encode() for field in fields) + PART % (b"A.JPG", PHOTO) + b"--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await gateway.call("POST", f"/api/projects/{trip}/upload", data=body, headers=headers)

        assert (answer.status, answer.body["errors"][0]["field"]) == (413, "form.files")
        assert answer.body["errors"][0]["limit"] == 2
        assert "results" not in answer.body


async def test_the_fields_of_a_request_are_bounded_together(gateway: Gateway, trip: str) -> None:
    limit = gateway.settings.gateway.max_body_bytes
    fields = [json.dumps({letter * (limit * 2 // 3): {}}) for letter in "xy"]
    start = b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\n%s\r\n'
    body = b"".join(start % field.encode() for field in fields) + PART % (b"A.JPG", PHOTO) + b"--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await gateway.call("POST", f"/api/projects/{trip}/upload", data=body, headers=headers)

    assert (answer.status, answer.body["errors"][0]["limit"]) == (413, limit)


IMPOSSIBLE = ["0001-01-01T00:00:00", "1969-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "1970-01-01T00:00:00+01:00"]


@pytest.mark.parametrize("modified_at", IMPOSSIBLE)
async def test_a_time_that_no_file_can_have_is_refused(gateway: Gateway, trip: str, modified_at: str) -> None:
    about = json.dumps({"A.JPG": {"modified_at": modified_at}})
    multipart = await upload(gateway, trip, [("A.JPG", PHOTO)], files=about)
    told = metadata(filename="A.JPG", modified_at=modified_at)
    headers = {**TUS, "Upload-Length": str(len(PHOTO)), "Upload-Metadata": told}
    resumable = await gateway.call("POST", f"/api/projects/{trip}/uploads", headers=headers)

    assert (multipart.status, multipart.body["errors"][0]["field"]) == (400, "form.A.JPG.modified_at")
    assert (resumable.status, resumable.body["errors"][0]["field"]) == (400, "Upload-Metadata.modified_at")
    assert received(gateway) == []


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process live in another time zone."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.delenv("TZ") if before is None else monkeypatch.setenv("TZ", before)
    time.tzset()


async def test_a_time_without_a_zone_is_utc_wherever_the_server_is(
    elsewhere: None, gateway: Gateway, trip: str
) -> None:
    told = "2019-03-04T05:06:07"
    await upload(gateway, trip, [("A.png", png())], files=json.dumps({"A.png": {"modified_at": told}}))
    address = await begin(gateway, trip, len(png()), filename="B.png", modified_at=told)
    await portion(gateway, address, 0, png())

    found = await photos(gateway, trip)
    assert [found[name]["taken_at"] for name in ("A", "B")] == ["2019-03-04T05:06:07Z"] * 2
    assert (folder_of(gateway, trip) / "A.png").stat().st_mtime == 1551675967


async def test_files_of_a_request_do_not_wait_for_each_other_for_ever(gateway: Gateway, trip: str) -> None:
    refused = [(f"{number}.txt", b"no photo") for number in range(40)]
    answer = await upload(gateway, trip, [("A.JPG", PHOTO), *refused], "?on_conflict=rename")

    assert statuses(answer)[0] == ("A.JPG", "created", None)
