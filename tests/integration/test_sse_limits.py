"""What a gateway gives to clients that take nothing, that are too many, or that ask for what there is not."""

from typing import Any

import pytest
from bus_traffic import until
from gateway_server import Gateway, running_gateway
from listening import Listener, listening, say

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


async def test_a_gateway_that_ends_lets_its_clients_go(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    async with running_gateway(settings, database, broker, library, tenant) as gateway:
        response = await gateway.client.get("/api/sse/stream", headers={"Authorization": f"Bearer {gateway.admin}"})
        listener = Listener(response)
        await listener.until_named("connected")
        gateway.app[HUB].close()

        assert await response.content.read() == b""
