"""The connection: what it refuses to start with, and what it survives."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bus_traffic import until
from nats.aio.client import Client

from photobus_common.bus import connection
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import request
from photobus_common.config import Nats, Settings
from photobus_common.errors import BrokerUnavailableError, ConfigurationError
from photobus_local.nats import EmbeddedNats
from photobus_local.ports import free_port


async def test_a_refused_user_is_a_configuration_error_at_once(nats_server: EmbeddedNats) -> None:
    with pytest.raises(ConfigurationError, match="refuses the user 'nobody'"):
        await Broker.open(Nats(url=nats_server.url, user="nobody", password=nats_server.password), "test")


async def test_no_server_is_reported_with_its_address() -> None:
    url = f"nats://127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnavailableError, match=url):
        await Broker.open(Nats(url=url, connect_timeout_seconds=0.3), "test")


async def test_a_server_that_is_too_old_is_refused() -> None:
    async with _greeter("2.10.29") as url:
        with pytest.raises(ConfigurationError, match=r"nats-server 2\.10 is too old; photobus needs 2\.14 or later"):
            await Broker.open(Nats(url=url), "test")


async def test_without_waiting_the_connection_is_made_when_the_server_comes(
    own_nats: EmbeddedNats, own_settings: Settings
) -> None:
    await own_nats.kill()
    broker = await Broker.open(own_settings.nats, "early", wait=False)
    try:
        assert not broker.connected
        with pytest.raises(BrokerUnavailableError):
            _ = broker.client
        await own_nats.start()
        await asyncio.wait_for(broker.wait_connected(), 20)
        assert broker.connected
    finally:
        await broker.close()


async def test_a_killed_server_is_found_again_and_listeners_are_told(
    own_nats: EmbeddedNats, own_broker: Broker
) -> None:
    told = asyncio.Event()
    remove = own_broker.on_connect(told.set)
    before = own_broker.generation

    await own_nats.kill()
    await until(lambda: not own_broker.connected)
    with pytest.raises(BrokerUnavailableError):
        await request(own_broker, "STREAM.INFO.EVENTS")
    await own_nats.start()

    await asyncio.wait_for(told.wait(), 20)
    assert own_broker.generation == before + 1
    assert (await request(own_broker, "STREAM.INFO.EVENTS"))["config"]["name"] == "EVENTS"
    remove()


async def test_a_client_that_was_closed_for_good_is_replaced(own_broker: Broker) -> None:
    old = own_broker.client
    await _end_for_good(old)
    await until(lambda: own_broker.connected and own_broker.client is not old)
    assert (await request(own_broker, "STREAM.INFO.EVENTS"))["config"]["name"] == "EVENTS"


async def test_a_client_that_no_longer_reads_is_replaced(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CHECK_SECONDS", 1)
    broker = await Broker.open(own_settings.nats, "deaf")
    try:
        old = broker.client
        assert old._reading_task is not None
        old._reading_task.cancel()
        await until(lambda: broker.connected and broker.client is not old)
        assert (await request(broker, "INFO"))["type"].endswith("account_info_response")
    finally:
        await broker.close()


async def _end_for_good(client: Client) -> None:
    """Send what the server ends the connection for, upon which nats-py does not reconnect."""
    payload = b"x" * (client.max_payload - 10)
    await client.publish("anything", payload, headers={"Too": "large together"})
    await until(lambda: client.is_closed)


@asynccontextmanager
async def _greeter(version: str) -> AsyncIterator[str]:
    """What a client sees of a server of ``version`` while it connects; such a server cannot be had from a wheel."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "old", "version": version, "max_payload": 1048576, "headers": True}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
