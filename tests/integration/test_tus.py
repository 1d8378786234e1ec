"""Resumable uploads by tus 1.0, as its text has them."""

import asyncio
import base64
import hashlib
import json
import os
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from gateway_server import Gateway
from images import jpeg, noise_jpeg, png
from uploading import (
    TUS,
    begin,
    count,
    folder_of,
    make_project,
    metadata,
    offset_of,
    photos,
    portion,
    received,
    service,
    until,
    until_written_to,
    upload,
    visible,
)

PHOTO = noise_jpeg(300, 200)
MIDDLE = len(PHOTO) // 2
MD5 = hashlib.md5(PHOTO, usedforsecurity=False).hexdigest()


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project."""
    return await make_project(gateway, "Trip")


def checksum(content: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = hashlib.new(algorithm, content, usedforsecurity=False).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


def result_of(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.headers["Photobus-Upload-Result"])
    return found


async def test_a_server_says_what_it_can(gateway: Gateway, trip: str) -> None:
    answer = await gateway.call("OPTIONS", f"/api/projects/{trip}/uploads")
    assert (answer.status, answer.headers["Tus-Version"]) == (204, "1.0.0")
    assert answer.headers["Tus-Extension"].split(",") == [
        "creation",
        "creation-with-upload",
        "checksum",
        "expiration",
        "termination",
    ]
    assert answer.headers["Tus-Checksum-Algorithm"] == "md5,sha1,sha256"
    assert int(answer.headers["Tus-Max-Size"]) == gateway.settings.uploader.max_file_bytes


async def test_portions_become_a_photo(gateway: Gateway, trip: str) -> None:
    about = {"filename": "Été.JPG", "filetype": "image/jpeg", "batch": "b"}
    address = await begin(gateway, trip, len(PHOTO), **about)
    state = await gateway.call("HEAD", address, headers=TUS)
    assert (state.headers["Upload-Offset"], state.headers["Upload-Length"]) == ("0", str(len(PHOTO)))
    assert state.headers["Upload-Metadata"] == metadata(**about)
    assert state.headers["Cache-Control"] == "no-store"
    first = await portion(gateway, address, 0, PHOTO[:MIDDLE])
    assert (first.status, first.headers["Upload-Offset"], first.headers["Tus-Resumable"]) == (204, str(MIDDLE), "1.0.0")
    assert parsedate_to_datetime(first.headers["Upload-Expires"]).tzinfo is not None
    assert visible(gateway, trip) == []
    assert await offset_of(gateway, address) == MIDDLE
    last = await portion(gateway, address, MIDDLE, PHOTO[MIDDLE:])

    assert (last.status, last.headers["Upload-Offset"]) == (204, str(len(PHOTO)))
    photo = (await photos(gateway, trip))["Été"]
    assert result_of(last) == {"filename": "Été.JPG", "status": "created", "photo_id": photo["id"]}
    assert (folder_of(gateway, trip) / "Été.JPG").read_bytes() == PHOTO
    assert received(gateway) == []
    assert (await portion(gateway, address, len(PHOTO), b"")).status == 204
    assert await offset_of(gateway, address) == len(PHOTO)


async def test_an_upload_may_begin_with_its_bytes(gateway: Gateway, trip: str) -> None:
    headers = {**TUS, "Upload-Length": str(len(PHOTO)), "Content-Type": "application/offset+octet-stream"}
    path = f"/api/projects/{trip}/uploads"
    for name, content in (("A.JPG", PHOTO), ("B.JPG", PHOTO[:MIDDLE])):
        answer = await gateway.call(
            "POST", path, headers={**headers, "Upload-Metadata": metadata(filename=name)}, data=content
        )
        assert (answer.status, answer.headers["Upload-Offset"]) == (201, str(len(content)))
        assert await offset_of(gateway, answer.headers["Location"]) == len(content)
    assert visible(gateway, trip) == ["A.JPG"]


async def test_a_portion_with_a_wrong_checksum_is_dropped(gateway: Gateway, trip: str) -> None:
    for algorithm in ("md5", "sha1", "sha256"):
        first, second = checksum(PHOTO[:MIDDLE], algorithm), checksum(PHOTO[MIDDLE:], algorithm)
        address = await begin(gateway, trip, len(PHOTO), filename=f"{algorithm}.JPG", md5=MD5)
        assert (await portion(gateway, address, 0, PHOTO[:MIDDLE], **first)).status == 204
        wrong = await portion(gateway, address, MIDDLE, PHOTO[MIDDLE:], **first)

        assert (wrong.status, wrong.body["code"], wrong.headers["Tus-Resumable"]) == (460, "checksum_mismatch", "1.0.0")
        assert await offset_of(gateway, address) == MIDDLE
        right = await portion(gateway, address, MIDDLE, PHOTO[MIDDLE:], **second)
        assert result_of(right)["status"] == "created"


async def test_what_a_request_that_broke_off_brought_is_kept_unless_it_awaits_its_checksum(
    gateway: Gateway, trip: str
) -> None:
    large = PHOTO + os.urandom(6 * 1024 * 1024)
    for name, sent in (("A.JPG", {}), ("B.JPG", checksum(large))):
        address = await begin(gateway, trip, len(large), filename=name)
        await break_off(gateway, address, large, sent)
        kept = await offset_of(gateway, address)
        assert (0 < kept < len(large)) if not sent else kept == 0
        assert (await portion(gateway, address, kept, large[kept:])).status == 204
    assert visible(gateway, trip) == ["A.JPG", "B.JPG"]


async def break_off(gateway: Gateway, address: str, content: bytes, headers: dict[str, str]) -> None:
    """Send half of ``content`` and go away."""
    sent = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    head = f"PATCH {address} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin}\r\n{lines}"
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[: len(content) // 2])
    (name,) = received(gateway)
    path = folder_of(gateway, ".uploads") / name

    async def half_has_come() -> bool:
        return path.stat().st_size > 0

    await until(half_has_come)
    writer.close()
    await writer.wait_closed()

    async def is_free() -> bool:
        return (await gateway.call("HEAD", address, headers=TUS)).status == 200 and await _is_unlocked(gateway, address)

    await until(is_free)


async def _is_unlocked(gateway: Gateway, address: str) -> bool:
    """Whether nobody writes: a portion at a wrong place is then refused for its place."""
    refused = await portion(gateway, address, 1 << 40, b"")
    return bool(refused.body["code"] == "offset_mismatch")


async def test_one_request_at_a_time_writes_to_an_upload(gateway: Gateway, trip: str) -> None:
    address = await begin(gateway, trip, len(PHOTO), filename="A.JPG")
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> Any:
        yield PHOTO[:MIDDLE]
        arrived.set()
        await go_on.wait()
        yield PHOTO[MIDDLE:]

    first = asyncio.create_task(portion(gateway, address, 0, slowly()))
    await arrived.wait()
    await until_written_to(gateway, address)

    second = await portion(gateway, address, 0, b"")
    assert (second.status, second.body["code"]) == (423, "upload_busy")
    assert (await gateway.call("DELETE", address, headers=TUS)).status == 423
    go_on.set()
    assert (await first).status == 204
    assert (folder_of(gateway, trip) / "A.JPG").read_bytes() == PHOTO


async def test_an_upload_may_be_ended(gateway: Gateway, trip: str) -> None:
    address = await begin(gateway, trip, len(PHOTO), filename="A.JPG")
    await portion(gateway, address, 0, PHOTO[:MIDDLE])
    assert (await gateway.call("DELETE", address, headers=TUS)).status == 204
    assert received(gateway) == []
    assert (await gateway.call("HEAD", address, headers=TUS)).status == 404
    assert (await portion(gateway, address, MIDDLE, PHOTO[MIDDLE:])).status == 404


async def test_an_upload_expires_but_never_while_it_is_written_to(gateway: Gateway, trip: str) -> None:
    idle = await begin(gateway, trip, len(PHOTO), filename="A.JPG")
    busy = await begin(gateway, trip, len(PHOTO), filename="B.JPG")
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> Any:
        yield PHOTO[:MIDDLE]
        arrived.set()
        await go_on.wait()
        yield PHOTO[MIDDLE:]

    sending = asyncio.create_task(portion(gateway, busy, 0, slowly()))
    await arrived.wait()
    await until_written_to(gateway, busy)
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE uploads SET expires_at = now() - interval '1 s'")
    await service(gateway).sweeper.sweep()
    assert await count(gateway, "uploads") == 1
    assert (await gateway.get(idle)).status == 404
    go_on.set()
    assert (await sending).status == 204
    assert visible(gateway, trip) == ["B.JPG"]


async def test_a_file_that_cannot_be_stored_is_told_and_gone(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, [("A.JPG", jpeg())])
    cases = {
        "A.JPG": (PHOTO, {}, ("conflict", "other_bytes")),
        "B.JPG": (png(), {}, ("refused", "content_differs")),
        "C.JPG": (PHOTO, {"md5": "0" * 32}, ("refused", "md5_differs")),
    }
    for name, (content, about, told) in cases.items():
        address = await begin(gateway, trip, len(content), filename=name, **about)
        answer = await portion(gateway, address, 0, content)
        assert (answer.status, answer.body["code"]) == (422, "not_stored")
        result = result_of(answer)
        assert (result["status"], result["code"]) == told
        assert (await gateway.get(address)).body["result"]["status"] == told[0]
        assert (await gateway.call("HEAD", address, headers=TUS)).status == 410
    assert received(gateway) == []
    assert visible(gateway, trip) == ["A.JPG"]


async def test_a_conflict_may_be_settled_beforehand(gateway: Gateway, trip: str) -> None:
    for on_conflict, status in (("skip", "skipped"), ("overwrite", "overwritten"), ("rename", "renamed")):
        name = f"{on_conflict}.JPG"
        await upload(gateway, trip, [(name, jpeg())])
        address = await begin(gateway, trip, len(PHOTO), filename=name, on_conflict=on_conflict)
        result = result_of(await portion(gateway, address, 0, PHOTO))

        assert result["status"] == status
        assert result.get("stored_as") == ("rename (2).JPG" if on_conflict == "rename" else None)


CANNOT_BEGIN: list[tuple[dict[str, str], int]] = [
    ({"Tus-Resumable": "0.2.2"}, 412),
    ({"Upload-Length": "x"}, 400),
    ({"Upload-Length": "-1"}, 400),
    ({"Upload-Length": "0"}, 422),
    ({"Upload-Length": str(1 << 50)}, 413),
    ({"Upload-Metadata": ""}, 400),
    ({"Upload-Metadata": "filename ?"}, 400),
    ({"Upload-Metadata": metadata(filename="A.txt")}, 422),
    ({"Upload-Metadata": metadata(filename="../A.JPG")}, 422),
    ({"Upload-Metadata": "filename " + base64.b64encode(b"A\xff.JPG").decode()}, 422),
    ({"Upload-Metadata": metadata(filename="A.JPG", md5="x")}, 400),
    ({"Upload-Metadata": metadata(filename="A.JPG", on_conflict="replace")}, 400),
]


async def test_what_cannot_begin(gateway: Gateway, trip: str) -> None:
    usual = {**TUS, "Upload-Length": "9", "Upload-Metadata": metadata(filename="A.JPG")}
    for headers, status in CANNOT_BEGIN:
        answer = await gateway.call("POST", f"/api/projects/{trip}/uploads", headers=usual | headers)
        assert (answer.status, answer.headers["Tus-Resumable"]) == (status, "1.0.0"), headers
        assert ("Tus-Version" in answer.headers) == (status == 412)
    assert received(gateway) == []


async def test_what_cannot_go_on(gateway: Gateway, trip: str) -> None:
    address = await begin(gateway, trip, len(PHOTO), filename="A.JPG")
    assert (await portion(gateway, address, 1, PHOTO)).status == 409
    assert (await portion(gateway, address, 0, PHOTO + b"more")).status == 413
    assert (await portion(gateway, address, 0, b"", **{"Content-Type": "image/jpeg"})).status == 415
    assert (await portion(gateway, address, 0, b"", **{"Tus-Resumable": "2.0.0"})).status == 412
    assert (await portion(gateway, address, 0, b"", **{"Upload-Checksum": "crc32 AAAA"})).status == 400
    assert (await portion(gateway, address, 0, b"", **{"Upload-Checksum": "md5 ?"})).status == 400
    other = await make_project(gateway, "Other")
    elsewhere = address.replace(f"/{trip}/", f"/{other}/")
    assert (await portion(gateway, elsewhere, 0, PHOTO)).status == 404
    viewer = await gateway.token("viewer")
    assert (await gateway.call("PATCH", address, token=viewer, headers=TUS)).status == 403
    assert await offset_of(gateway, address) == 0
    (folder_of(gateway, ".uploads") / received(gateway)[0]).unlink()
    assert (await portion(gateway, address, 0, PHOTO)).status == 410
    assert (await gateway.call("HEAD", address, headers=TUS)).status == 410


async def test_a_client_that_can_only_post(gateway: Gateway, trip: str) -> None:
    address = await begin(gateway, trip, len(PHOTO), filename="A.JPG")
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    override = {"X-HTTP-Method-Override": "PATCH"}
    assert (await gateway.call("POST", address, headers=headers | override, data=PHOTO)).status == 204
    assert (await gateway.call("POST", address, headers=headers, data=PHOTO)).status == 400
    assert (await gateway.call("POST", address, headers={**TUS, "X-HTTP-Method-Override": "DELETE"})).status == 204
    assert visible(gateway, trip) == ["A.JPG"]
