"""The client's requests against answers that are scripted to the byte: what is asked again, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from photobus_client import ApiError, ClientError, PhotobusClient, UnreachableError

TASKS = b'{"items": [], "total": 0}'
PROJECT = (
    b'{"id": 1, "name": "Trip", "folder": "Trip", "status": "active", "photos": 0,'
    b' "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z"}'
)
TOKEN = (
    b'{"id": "00000000-0000-0000-0000-000000000001", "name": "x", "role": "viewer", "token": "secret",'
    b' "created_at": "2024-01-01T00:00:00Z"}'
)


def answer(body: bytes, *, sent: int | None = None, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer with ``body``, of which only the first ``sent`` bytes come before the connection ends."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body[:sent]


@dataclass
class Script:
    """Gives ``answers`` in their order, one a connection, and keeps the first line of each request."""

    answers: list[bytes]
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split(b" HTTP")[0].decode())
        writer.write(self.answers.pop(0))
        writer.close()


@asynccontextmanager
async def scripted(*answers: bytes, patience_seconds: float = 10.0) -> AsyncIterator[tuple[PhotobusClient, Script]]:
    """A client of a server that gives ``answers``."""
    script = Script(list(answers))
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, PhotobusClient(address, "token", patience_seconds=patience_seconds) as client:
        yield client, script


async def test_an_answer_that_breaks_off_in_its_body_is_asked_for_again() -> None:
    async with scripted(answer(TASKS, sent=5), answer(TASKS)) as (client, script):
        assert (await client.tasks()).items == []
        assert script.asked == ["GET /api/tasks?limit=50"] * 2


async def test_with_a_key_also_what_changes_something_is_asked_for_again() -> None:
    async with scripted(answer(PROJECT, sent=5), answer(PROJECT)) as (client, script):
        assert (await client.create_project("Trip")).id == 1
        assert script.asked == ["POST /api/projects"] * 2


async def test_what_might_happen_twice_is_not_asked_for_again() -> None:
    async with scripted(answer(TOKEN, sent=5), answer(TOKEN)) as (client, script):
        with pytest.raises(UnreachableError):
            await client.create_token("x", "viewer")
        assert script.asked == ["POST /api/tokens"]


async def test_a_refusal_that_breaks_off_is_asked_for_again() -> None:
    broken = answer(b'{"code": "not_found"}', sent=5, status="404 Not Found")
    async with scripted(broken, answer(TASKS)) as (client, script):
        assert (await client.tasks()).items == []
        assert len(script.asked) == 2


async def test_a_refusal_that_outlasts_the_patience_is_told_at_once() -> None:
    later = answer(b'{"code": "rate_limited"}', status="429 Too Many Requests", headers="Retry-After: 300\r\n")
    async with scripted(later, answer(TASKS)) as (client, script):
        with pytest.raises(ApiError):
            await client.tasks()
        assert len(script.asked) == 1


async def test_a_refusal_that_passes_within_the_patience_is_waited_for() -> None:
    later = answer(b'{"code": "rate_limited"}', status="429 Too Many Requests", headers="Retry-After: 1\r\n")
    async with scripted(later, answer(TASKS)) as (client, script):
        assert (await client.tasks()).items == []
        assert len(script.asked) == 2


async def test_a_file_that_breaks_off_is_asked_for_again() -> None:
    async with scripted(answer(b"\xff\xd8\xff", sent=1), answer(b"\xff\xd8\xff")) as (client, _):
        assert await client.thumbnail(1) == b"\xff\xd8\xff"


async def test_when_the_patience_is_over_it_is_told_as_every_error_is() -> None:
    async with scripted(answer(TASKS, sent=5), patience_seconds=0) as (client, _):
        with pytest.raises(UnreachableError):
            await client.tasks()


async def test_something_else_at_the_address_is_told_in_one_line() -> None:
    async with scripted(answer(b"<html>")) as (client, _):
        with pytest.raises(ClientError, match="is no photobus"):
            await client.tasks()


@pytest.mark.parametrize("address", ["localhost:8080", "ftp://localhost", "http://"])
async def test_what_is_no_address_is_told_at_once(address: str) -> None:
    async with PhotobusClient(address, "token", patience_seconds=1e9) as client:
        with pytest.raises(UnreachableError):
            await client.tasks()
