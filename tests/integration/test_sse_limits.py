"""What a gateway gives to clients that take nothing, that are too many, or that ask for what there is not."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from bus_traffic import until
from gateway_server import Gateway, running_gateway
from listening import PATIENCE, Listener, listening, say

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings, Sse
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_gateway.keys import HUB

MEBIBYTE = 1024**2


def buffered(gateway: Gateway) -> list[int]:
    """Bytes that wait in the gateway for each client's connection to take them."""
    clients = [client for clients in gateway.app[HUB]._clients.values() for client in clients]
    transports: list[Any] = [client._request.transport for client in clients]
    return [transport.get_write_buffer_size() for transport in transports if transport is not None]


async def test_who_takes_nothing_costs_two_chunks_however_much_is_said_and_comes_back_to_all_of_it(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    patient = settings.model_copy(update={"sse": Sse(ring_events=20_000, ring_bytes=2 * MEBIBYTE)})
    async with running_gateway(patient, database, broker, library, tenant) as gateway:
        ring, most = gateway.app[HUB]._tail.ring, 0
        async with listening(gateway) as stuck, listening(gateway) as reader:
            await stuck.until_named("connected")
            for start in range(1, 4001, 50):
                await say(gateway, range(start, start + 50), padding=8000)
                await reader.until(start + 49)
                most = max(most, *buffered(gateway))
                assert ring.bytes_held <= 2 * MEBIBYTE
            with pytest.raises(ConnectionError):
                await stuck.until(4000)

        assert 0 < most < MEBIBYTE / 4
        assert len(stuck.numbers()) < 4000
        async with listening(gateway, stuck.last_id) as again:
            await again.until(4000 - len(stuck.numbers()))

    assert stuck.ids() + again.ids() == reader.ids()


async def test_one_client_too_many_is_asked_to_come_later(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    narrow = settings.model_copy(update={"sse": Sse(max_clients=1)})
    async with running_gateway(narrow, database, broker, library, tenant) as gateway:
        async with listening(gateway) as listener:
            await listener.until_named("connected")
            refused = await gateway.get("/api/sse/stream")
        await until(lambda: gateway.app[HUB]._connected == 0)
        async with listening(gateway) as next_one:
            await next_one.until_named("connected")

    assert (refused.status, refused.body["code"]) == (503, "too_many_clients")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("channels=jobs,weather", "query.channels"),
        ("channels=", "query.channels"),
        ("last_event_id=yesterday", "query.last_event_id"),
        ("last_event_id=" + "9" * 30, "query.last_event_id"),
    ],
)
async def test_what_is_wrong_with_the_question_is_named(gateway: Gateway, query: str, field: str) -> None:
    answer = await gateway.get(f"/api/sse/stream?{query}")

    assert answer.status == 400
    assert [error["field"] for error in answer.body["errors"]] == [field]


async def test_without_a_token_there_is_no_stream(gateway: Gateway) -> None:
    response = await gateway.client.get("/api/sse/stream")

    assert response.status == 401


async def test_the_head_alone_ends_at_once(gateway: Gateway) -> None:
    response = await gateway.client.head("/api/sse/stream", headers={"Authorization": f"Bearer {gateway.admin}"})

    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert await response.read() == b""
    assert gateway.app[HUB]._connected == 0


async def test_a_stream_that_fails_is_broken_off_and_says_nothing_more(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(gateway.app[HUB], "_follow", fail)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"GET /api/sse/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin}\r\n\r\n".encode())
    got = b""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):  # a reset, if it comes before all was read
            while chunk := await reader.read(65536):
                got += chunk
    writer.close()
    assert got.count(b"HTTP/1.1 ") <= 1
    assert not got.endswith(b"0\r\n\r\n")


async def test_a_database_that_is_away_is_said_before_the_stream_begins(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(gateway.app[HUB]._pending, "first", refuse)
    refused = await gateway.get("/api/sse/stream")

    assert (refused.status, refused.body["code"]) == (503, "database_unavailable")


async def test_a_gateway_that_ends_lets_its_clients_go(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    async with running_gateway(settings, database, broker, library, tenant) as gateway:
        response = await gateway.client.get("/api/sse/stream", headers={"Authorization": f"Bearer {gateway.admin}"})
        listener = Listener(response)
        await listener.until_named("connected")
        gateway.app[HUB].close()

        assert await response.content.read() == b""
