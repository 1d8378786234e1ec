"""A broker of three servers: what photobus keeps in it goes on while one of them is away, cut off or made anew."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
from bus_traffic import PATIENCE, commit, make_command, make_event, until
from chaos.broker import Servers

from photobus_common.bus import connection
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import leads, passes, request, stream_state
from photobus_common.bus.provisioning import provision
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.reader import EventReader
from photobus_common.bus.relay import OutboxRelay
from photobus_common.config import Events, Nats, Settings
from photobus_common.errors import BrokerUnavailableError
from photobus_common.store.database import Database

STREAMS = ("EVENTS", "COMMANDS_PRIORITY", "COMMANDS_NORMAL", "SCHEDULES")


@pytest.fixture(scope="module")
async def servers(servers_folder: Path) -> AsyncIterator[Servers]:
    """Three servers that know each other."""
    cluster = Servers(servers_folder / "cluster", servers_folder / "cluster.log", 3)
    await cluster.open()
    await asyncio.gather(*(node.server.start() for node in cluster.nodes))
    await until(cluster.whole)
    yield cluster
    await asyncio.gather(*(node.server.kill() for node in cluster.nodes))
    await cluster.close()


@pytest.fixture
def cluster_settings(settings: Settings, servers: Servers) -> Settings:
    """Settings that point at all three."""
    server = Nats(url=servers.url, user=servers.user, password=servers.password, connect_timeout_seconds=2.0)
    return settings.model_copy(update={"nats": server, "events": Events(replicas=3, relay_after_seconds=0.2)})


@pytest.fixture
async def cluster_broker(cluster_settings: Settings) -> AsyncIterator[Broker]:
    """A connection to them, all streams made."""
    opened = await Broker.open(cluster_settings.nats, "test")
    await until(lambda: _provisioned(opened, cluster_settings))
    yield opened
    await opened.close()


async def _provisioned(broker: Broker, settings: Settings) -> bool:
    with suppress(BrokerUnavailableError):  # the servers are electing since the last test
        await provision(broker, settings, archived_seq=0)
        return True
    return False


async def _asked(broker: Broker, verb: str) -> dict[str, object]:
    """Ask until a leader answers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(BrokerUnavailableError):
                return await request(broker, verb)
            await asyncio.sleep(0.1)


async def test_streams_have_their_copies_and_a_second_look_changes_nothing(
    cluster_broker: Broker, cluster_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before = [await _asked(cluster_broker, f"STREAM.INFO.{stream}") for stream in STREAMS]
    await provision(cluster_broker, cluster_settings, archived_seq=0)
    after = [await _asked(cluster_broker, f"STREAM.INFO.{stream}") for stream in STREAMS]

    assert [info["config"] for info in after] == [info["config"] for info in before]
    assert {info["config"]["num_replicas"] for info in after} == {3}  # type: ignore[index]


async def test_the_log_goes_on_when_its_leader_is_killed(
    servers: Servers, cluster_broker: Broker, cluster_settings: Settings, database: Database
) -> None:
    publisher = BusPublisher(cluster_broker, database, cluster_settings)
    relay = OutboxRelay(database, publisher, cluster_settings)
    running = [asyncio.create_task(publisher.run()), asyncio.create_task(relay.run())]
    events = [make_event(number) for number in range(600)]
    begin = (await stream_state(cluster_broker, "EVENTS")).last_seq + 1
    reading = asyncio.create_task(_read(cluster_broker, begin, len(events)))
    try:
        for start in range(0, len(events), 100):
            await commit(database, publisher, *events[start : start + 100], make_command())
            if start == 200:  # the answers of many are still to come
                await _kill_leader(servers)
        async with asyncio.timeout(PATIENCE):
            read = await reading
    finally:
        for task in (*running, reading):
            task.cancel()
        await asyncio.gather(*running, reading, return_exceptions=True)

    assert sorted(read) == sorted(str(event.id) for event in events)


async def test_a_client_leaves_a_server_that_was_cut_off_from_the_others(
    servers: Servers, cluster_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_shuffled", lambda url: url.split(","))
    monkeypatch.setattr(connection, "SERVING_SECONDS", 1.0)
    lone = servers.nodes[0]
    broker = await Broker.open(cluster_settings.nats, "lone")
    try:
        assert f":{lone.server.port}" in str(broker.client.connected_url)
        for route in servers.routes_of(lone.name):
            await route.cut()
        await until(lambda: broker.connected and f":{lone.server.port}" not in str(broker.client.connected_url))
        await _asked(broker, "STREAM.INFO.EVENTS")
    finally:
        await broker.close()
        for route in servers.routes_of(lone.name):
            await route.heal()
    await until(servers.whole)


async def test_a_leader_that_was_cut_off_is_not_believed(
    servers: Servers, cluster_broker: Broker, cluster_settings: Settings
) -> None:
    """What it holds may be less than what is archived by now, and would pass for a stream that lost its end."""
    await stream_state(cluster_broker, "EVENTS")
    name = await servers.leader("EVENTS")
    (node,) = [node for node in servers.nodes if node.name == name]
    broker = await Broker.open(cluster_settings.nats.model_copy(update={"url": node.server.url}), "lone")
    try:
        for route in servers.routes_of(node.name):
            await route.black_hole()
        await until(lambda: _is_not_believed(broker))
    finally:
        await broker.close()
        for route in servers.routes_of(node.name):
            await route.heal()
    await until(servers.whole)


async def test_a_server_that_lost_its_disk_is_filled_again_by_the_others(
    servers: Servers, cluster_broker: Broker
) -> None:
    state = await stream_state(cluster_broker, "EVENTS")
    node = servers.nodes[1]
    await node.server.kill()
    node.wipe()
    await node.server.start()
    await until(servers.whole)
    assert await stream_state(cluster_broker, "EVENTS") == state
    other = servers.nodes[0]
    await other.server.kill()
    await until(lambda: _holds(cluster_broker, state.last_seq))  # by one that had it always, and the one filled again
    await other.server.start()
    await until(servers.whole)


def test_what_a_stream_says_of_its_replicas_tells_whether_it_is_led() -> None:
    near, far, off = {"active": 10**8}, {"active": 11 * 10**9}, {"active": 10**8, "offline": True}
    assert leads({})
    assert leads({"cluster": {"replicas": [near, far]}})
    assert not leads({"cluster": {"replicas": [far, off]}})


@pytest.mark.parametrize(
    ("failure", "passing"),
    [
        ({"code": 503, "err_code": 10008, "description": "JetStream system temporarily unavailable"}, True),
        ({"code": 400, "err_code": 10005, "description": "no suitable peers for placement"}, True),
        ({"code": 503, "err_code": 10076, "description": "JetStream not enabled"}, False),
        ({"code": 404, "err_code": 10059, "description": "stream not found"}, False),
    ],
)
def test_refusals_that_pass_are_told_from_those_that_do_not(failure: dict[str, object], passing: bool) -> None:
    assert passes(failure) is passing


async def _read(broker: Broker, start: int, count: int) -> list[str]:
    """Return the ids of ``count`` events."""
    read: list[str] = []
    async with aclosing(EventReader(broker, start).batches()) as batches:
        async for batch in batches:
            read += [str(json.loads(event.payload)["id"]) for event in batch]
            if len(read) >= count:
                break
    return read


async def _kill_leader(servers: Servers) -> None:
    name = await servers.leader("EVENTS")
    (node,) = [node for node in servers.nodes if node.name == name]
    await node.server.kill()
    await node.server.start()


async def _is_not_believed(broker: Broker) -> bool:
    try:
        await stream_state(broker, "EVENTS")
    except BrokerUnavailableError as error:
        return "reaches too few" in error.public_message
    return False


async def _holds(broker: Broker, last_seq: int) -> bool:
    with suppress(BrokerUnavailableError):
        return (await stream_state(broker, "EVENTS")).last_seq == last_seq
    return False
