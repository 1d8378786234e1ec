"""Thumbnails, previews and originals over HTTP: tags, ranges, caches."""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientResponse
from gateway_server import Gateway
from images import dng, jpeg, noise_jpeg
from structlog.testing import capture_logs
from uploading import folder_of, make_project, photos, take_away, upload

from photobus_common.errors import StorageUnavailableError
from photobus_gateway.media import OpenFile
from photobus_gateway.problems import PROBLEM_MEDIA

PHOTO = noise_jpeg(200, 150)
RAW = dng(64, 48)
MD5 = hashlib.md5(PHOTO, usedforsecurity=False).hexdigest()
PATIENCE = 30.0
KEY = f"{MD5}.0123456789abcdef"


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project with a pair."""
    folder = await make_project(gateway, "Trip")
    await upload(gateway, folder, [("A b\u00e9.JPG", PHOTO), ("A b\u00e9.dng", RAW)])
    return folder


@pytest.fixture
async def address(gateway: Gateway, trip: str) -> str:
    """Where the pair's bytes are asked for."""
    (photo,) = (await photos(gateway, trip)).values()
    return f"/api/photos/{photo['id']}"


async def fetch(gateway: Gateway, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    """Make a request; return status, headers and bytes."""
    sent = {"Authorization": f"Bearer {gateway.admin}", **headers}
    async with gateway.client.request(method, path, headers=sent) as answer:
        return answer.status, answer.headers, await answer.read()


async def read_into(got: bytearray, answer: ClientResponse) -> None:
    async with asyncio.timeout(PATIENCE):
        async for chunk in answer.content.iter_any():
            got += chunk


async def generate(gateway: Gateway, trip: str, name: str, kind: str = ".thumb") -> bytes:
    """Put a derivative in place as the derivatives service does."""
    content = jpeg(40, 30)
    folder = folder_of(gateway, trip) / kind
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    async with gateway.database.transaction() as connection:
        await connection.execute(
            "UPDATE photos SET thumbnail_status = 'generated', preview_status = 'generated', derivative_key = $1,"
            " version = version + 1",
            KEY,
        )
    return content


async def test_an_original_is_sent_as_it_came(gateway: Gateway, address: str) -> None:
    status, headers, body = await fetch(gateway, f"{address}/original")
    assert (status, body) == (200, PHOTO)
    assert (headers["Content-Type"], headers["ETag"]) == ("image/jpeg", f'"{MD5}"')
    assert headers["Content-Disposition"] == "inline; filename*=UTF-8''A%20b%C3%A9.JPG"
    assert (headers["Accept-Ranges"], headers["Cache-Control"]) == ("bytes", "private, no-cache")
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, headers, body = await fetch(gateway, f"{address}/original", "HEAD")
    assert (status, body, headers["Content-Length"], headers["ETag"]) == (200, b"", str(len(PHOTO)), f'"{MD5}"')


async def test_which_file_is_sent_may_be_chosen(gateway: Gateway, address: str) -> None:
    for query in ("kind=raw", "name=A%20b%C3%A9.dng"):
        status, headers, body = await fetch(gateway, f"{address}/original?{query}")
        assert (status, body, headers["Content-Type"]) == (200, RAW, "image/x-adobe-dng")
        assert headers["Content-Disposition"].startswith("attachment;")
    _, headers, _ = await fetch(gateway, f"{address}/original?download=true")
    assert headers["Content-Disposition"].startswith("attachment;")
    for query in ("kind=other", "name=B.JPG"):
        assert (await fetch(gateway, f"{address}/original?{query}"))[0] == 404
    assert (await fetch(gateway, f"{address}/original?kind=film"))[0] == 400


async def test_what_the_client_has_is_not_sent_again(gateway: Gateway, address: str) -> None:
    status, headers, body = await fetch(gateway, f"{address}/original", **{"If-None-Match": f'W/"{MD5}"'})
    assert (status, body, headers["ETag"]) == (304, b"", f'"{MD5}"')
    assert (await fetch(gateway, f"{address}/original", **{"If-None-Match": '"other"'}))[0] == 200


async def test_parts(gateway: Gateway, address: str) -> None:
    size = len(PHOTO)
    status, headers, body = await fetch(gateway, f"{address}/original", Range="bytes=10-19")
    assert (status, body, headers["Content-Range"]) == (206, PHOTO[10:20], f"bytes 10-19/{size}")
    status, headers, body = await fetch(gateway, f"{address}/original", Range="bytes=-7")
    assert (status, body) == (206, PHOTO[-7:])
    status, headers, body = await fetch(gateway, f"{address}/original", Range=f"bytes={size}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{size}")
    assert (headers["Content-Type"], b"range_not_satisfiable" in body) == (PROBLEM_MEDIA, True)
    both = {"Range": "bytes=0-0", "If-Range": '"old"'}
    assert (await fetch(gateway, f"{address}/original", **both))[0] == 200
    assert (await fetch(gateway, f"{address}/original", "HEAD", Range="bytes=0-0"))[0] == 200


async def test_a_large_original_is_streamed_and_may_be_continued(gateway: Gateway, trip: str) -> None:
    large = PHOTO + os.urandom(5 * 1024 * 1024)
    answer = await upload(gateway, trip, [("Large.JPG", large)])
    address = f"/api/photos/{answer.body['results'][0]['photo_id']}/original"
    assert (await fetch(gateway, address))[2] == large
    start = 2 * 1024 * 1024 + 17
    assert (await fetch(gateway, address, Range=f"bytes={start}-"))[2] == large[start:]


async def test_an_original_cut_short_while_it_is_sent_is_broken_off_and_nothing_is_sent_in_its_place(
    gateway: Gateway, trip: str, caplog: pytest.LogCaptureFixture
) -> None:
    large = PHOTO + os.urandom(32 * 1024 * 1024)  # more than the buffers of both ends take
    answer = await upload(gateway, trip, [("Large.JPG", large)])
    address = f"/api/photos/{answer.body['results'][0]['photo_id']}/original"
    got = bytearray()
    with capture_logs() as said:
        headers = {"Authorization": f"Bearer {gateway.admin}"}
        async with gateway.client.get(address, headers=headers) as sent:
            got += await sent.content.readexactly(1024)
            os.truncate(folder_of(gateway, trip) / "Large.JPG", len(PHOTO))
            with pytest.raises(ClientError):
                await read_into(got, sent)
    assert len(got) < len(large)
    assert got == large[: len(got)]
    (failed,) = [line for line in said if line["log_level"] == "error"]
    assert (failed["event"], failed["code"], failed["exc_info"]) == ("request_failed", "storage_unavailable", None)
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []


async def test_a_versioned_address_may_be_kept_for_ever(gateway: Gateway, trip: str, address: str) -> None:
    (photo,) = (await photos(gateway, trip)).values()
    _, headers, _ = await fetch(gateway, f"{address}/original?v={photo['version']}")
    assert headers["Cache-Control"] == "private, max-age=31536000, immutable"
    _, headers, _ = await fetch(gateway, f"{address}/original?v={photo['version'] + 1}")
    assert headers["Cache-Control"] == "private, no-cache"


async def test_a_file_changed_on_disk_has_another_tag(gateway: Gateway, trip: str, address: str) -> None:
    path = folder_of(gateway, trip) / "A b\u00e9.JPG"
    path.write_bytes(PHOTO[:-1])
    status, headers, body = await fetch(gateway, f"{address}/original", **{"If-None-Match": f'"{MD5}"'})
    assert (status, body) == (200, PHOTO[:-1])
    assert headers["ETag"] != f'"{MD5}"'


async def test_what_a_file_changed_on_disk_holds_is_no_version_to_keep(
    gateway: Gateway, trip: str, address: str
) -> None:
    (photo,) = (await photos(gateway, trip)).values()
    (folder_of(gateway, trip) / "A b\u00e9.JPG").write_bytes(PHOTO[:-1])
    _, headers, _ = await fetch(gateway, f"{address}/original?v={photo['version']}")
    assert headers["Cache-Control"] == "private, no-cache"


async def test_a_file_that_cannot_be_read_is_a_problem_before_anything_is_sent(
    gateway: Gateway, trip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = PHOTO + os.urandom(1024 * 1024)
    answer = await upload(gateway, trip, [("Large.JPG", large)])

    def broken(*_: Any) -> bytes:
        raise StorageUnavailableError("The disk is broken.")

    monkeypatch.setattr(OpenFile, "read", broken)
    address = f"/api/photos/{answer.body['results'][0]['photo_id']}/original"
    status, headers, body = await fetch(gateway, address)
    assert (status, b"storage_unavailable" in body, "ETag" in headers) == (503, True, False)
    assert (await fetch(gateway, address, "HEAD"))[0] == 200


async def test_an_empty_original_is_sent(gateway: Gateway, trip: str, address: str) -> None:
    os.truncate(folder_of(gateway, trip) / "A b\u00e9.JPG", 0)
    status, headers, body = await fetch(gateway, f"{address}/original")
    assert (status, headers["Content-Length"], body) == (200, "0", b"")


async def test_derivatives_have_their_key_as_tag(gateway: Gateway, trip: str, address: str) -> None:
    status, _, body = await fetch(gateway, f"{address}/thumbnail")
    assert (status, b"derivative_absent" in body, b"pending" in body) == (404, True, True)
    content = await generate(gateway, trip, "A b\u00e9.jpg")
    status, headers, body = await fetch(gateway, f"{address}/thumbnail")
    assert (status, body, headers["ETag"], headers["Content-Type"]) == (200, content, f'"{KEY}"', "image/jpeg")
    assert (await fetch(gateway, f"{address}/thumbnail", **{"If-None-Match": f'"{KEY}"'}))[0] == 304
    assert (await fetch(gateway, f"{address}/preview"))[0] == 404  # recorded, but gone from disk
    preview = await generate(gateway, trip, "A b\u00e9.webp", ".preview")
    status, headers, body = await fetch(gateway, f"{address}/preview")
    assert (status, body, headers["Content-Type"]) == (200, preview, "image/webp")


async def test_a_failed_derivative_says_why(gateway: Gateway, address: str) -> None:
    async with gateway.database.transaction() as connection:
        await connection.execute("UPDATE photos SET thumbnail_status = 'failed', derivative_reason = 'cut_short'")
    status, _, body = await fetch(gateway, f"{address}/thumbnail")
    assert (status, b"failed (cut_short)" in body) == (404, True)


async def test_what_is_not_there(gateway: Gateway, trip: str, address: str) -> None:
    assert (await fetch(gateway, "/api/photos/999999/original"))[0] == 404
    link = folder_of(gateway, trip) / "A b\u00e9.JPG"
    link.unlink()
    link.symlink_to("/etc/passwd")
    assert (await fetch(gateway, f"{address}/original"))[0] == 404
    take_away(gateway)
    status, _, body = await fetch(gateway, f"{address}/original")
    assert (status, b"storage_unavailable" in body) == (503, True)


async def test_who_may_see_photos(gateway: Gateway, address: str, tmp_path: Path) -> None:
    async with gateway.client.get(f"{address}/original") as answer:
        assert answer.status == 401
    other = "user_7"
    async with gateway.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, 'Other', gen_random_uuid())", other
        )
    assert not (tmp_path / other).exists()
    stranger = await gateway.token("admin", other)
    assert (await gateway.get(f"{address}/original", token=stranger)).status == 404
