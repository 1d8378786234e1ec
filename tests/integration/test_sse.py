"""Live updates over the real gateway: nothing missed, nothing twice, and nobody's memory grows for a slow client."""

import asyncio

import aiohttp
import psutil
import pytest
from bus_traffic import make_event, until
from crashing_gateway import LIVES, crashing_gateways
from gateway_server import Gateway, running_gateway
from listening import PATIENCE, Listener, listening, say, say_and_hear
from running_orchestrator import running

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings, Sse
from photobus_common.events import encode
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_gateway.sse_ring import FrameId
from photobus_local.nats import EmbeddedNats

STREAM = "/api/sse/stream?channels=jobs"
LARGE = 200 * 1024
"""Bytes of an event that is as large as one may be, or nearly."""
CUT_OFF = ("stalled", "fell_behind")
TOLD = 250


async def publish(broker: Broker, number: int) -> None:
    """Put a large event into the log."""
    event = make_event(number, size=LARGE)
    await broker.client.jetstream().publish(event.subject, encode(event))


@pytest.fixture
def small_ring(settings: Settings) -> Settings:
    """Settings under which a gateway keeps few events, and the archive must serve the rest."""
    return settings.model_copy(update={"sse": Sse(ring_events=100, archive_bound=2000)})


async def test_a_client_that_reconnects_a_hundred_times_has_every_event_once(gateway: Gateway) -> None:
    total, seen, ids = 1000, list[int](), list[FrameId]()
    async with listening(gateway) as first:
        connected = await first.until_named("connected")
    after = str(connected.data["seq"])

    async def talk() -> None:
        for start in range(1, total + 1, 20):
            await say(gateway, range(start, start + 20))

    talking = asyncio.create_task(talk())
    for _ in range(100):
        async with listening(gateway, after) as listener:
            await listener.until(10)
            listener.lose_all_but(10)
            after = listener.last_id
            seen += listener.numbers()
            ids += listener.ids()
    await talking

    assert sorted(seen) == list(range(1, total + 1))
    assert ids == sorted(ids)


async def test_what_the_ring_lost_comes_from_the_archive_and_joins_without_gap_or_repeat(
    small_ring: Settings,
    database: Database,
    broker: Broker,
    library: Library,
    tenant: str,
) -> None:
    async with running(small_ring), running_gateway(small_ring, database, broker, library, tenant) as gateway:
        async with listening(gateway) as listener:
            await say(gateway, range(1, 6))
            await listener.until(5)
            after = listener.last_id
            await say_and_hear(gateway, listener, range(6, 606))
        async with listening(gateway, after) as again:
            await say(gateway, range(606, 626))
            await again.until(620)

        assert sorted(again.numbers()) == list(range(6, 626))
        assert [event for event in again.events if event.name == "reset"] == []
        assert again.ids() == sorted(set(again.ids()))


async def test_a_client_that_was_away_too_long_is_told_to_reset(
    small_ring: Settings,
    database: Database,
    broker: Broker,
    library: Library,
    tenant: str,
) -> None:
    few = small_ring.model_copy(update={"sse": Sse(ring_events=100, archive_bound=50)})
    async with running(few), running_gateway(few, database, broker, library, tenant) as gateway:
        async with listening(gateway) as listener:
            await say_and_hear(gateway, listener, range(1, 401))
            first = next(event.id for event in listener.events if event.id)
        async with listening(gateway, first) as again:
            reset = await again.until_named("reset")
            await say(gateway, range(401, 402))
            await again.until(1)

        assert reset.id is not None
        assert again.numbers() == [401]


async def test_a_client_that_stops_reading_is_cut_off_and_costs_no_memory(
    settings: Settings,
    database: Database,
    broker: Broker,
    library: Library,
    tenant: str,
) -> None:
    """The gateway is a process of its own, so that its memory can be told, and that nobody stalls but who should."""
    small = settings.model_copy(update={"sse": Sse(stall_seconds=2.0, ring_events=1000, ring_bytes=1024**2)})
    async with (
        crashing_gateways(small, tenant, [LIVES]) as gateways,
        aiohttp.ClientSession(gateways.by_point[LIVES].url) as client,
    ):
        process = psutil.Process(gateways.by_point[LIVES].pid)
        headers = {"Authorization": f"Bearer {gateways.by_point[LIVES].token}"}
        async with client.get(STREAM, headers=headers) as stuck, client.get(STREAM, headers=headers) as answer:
            reader = Listener(answer)
            await reader.until_named("connected")
            held = []
            for number in range(1, TOLD + 1):
                await publish(broker, number)
                await reader.until_number(number)
                held.append(process.memory_info().rss)

            # Whether it stalls in a write or falls out of the ring first depends on what the kernel still takes.
            async def cut_off() -> bool:
                async with client.get("/metrics") as metrics:
                    told = await metrics.text()
                return any(f'photobus_sse_cut_off_total{{reason="{why}"}} 1.0' in told for why in CUT_OFF)

            await until(cut_off)
            assert not stuck.content.at_eof()  # it has read nothing of all that, not even its end

        assert reader.numbers() == list(range(1, TOLD + 1))
        assert max(held) - max(held[:60]) < LARGE * 60


async def test_a_tenant_is_told_only_of_its_own(gateway: Gateway) -> None:
    async with gateway.database.transaction() as connection:
        await connection.execute("INSERT INTO tenants VALUES ('user_1', 'Other', gen_random_uuid())")
    other = await gateway.token("viewer", "user_1")
    async with listening(gateway) as ours, listening(gateway, token=other) as theirs:
        await say(gateway, range(1, 11))
        await say(gateway, range(11, 21), tenant="user_1")
        await ours.until(10)
        await theirs.until(10)

    assert sorted(ours.numbers()) == list(range(1, 11))
    assert sorted(theirs.numbers()) == list(range(11, 21))


async def test_a_quiet_line_is_kept_alive(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    lively = settings.model_copy(update={"sse": Sse(keepalive_seconds=0.2)})
    async with running_gateway(lively, database, broker, library, tenant) as gateway, listening(gateway) as listener:
        async with asyncio.timeout(PATIENCE):
            received = b""
            while b": keepalive" not in received:
                received += await listener.response.content.readany()
        assert received.startswith(b"retry: ")


async def test_a_killed_broker_costs_clients_neither_event_nor_connection(
    own_nats: EmbeddedNats,
    own_settings: Settings,
    database: Database,
    own_broker: Broker,
    library: Library,
    tenant: str,
) -> None:
    async with (
        running_gateway(own_settings, database, own_broker, library, tenant) as gateway,
        listening(gateway) as listener,
    ):
        await say(gateway, range(1, 51))
        await listener.until(50)
        await own_nats.kill()
        await say(gateway, range(51, 101))
        await own_nats.start()
        await listener.until(100)

    assert sorted(listener.numbers()) == list(range(1, 101))
    assert len(set(listener.ids())) == 100


async def test_a_revoked_token_ends_its_stream(gateway: Gateway) -> None:
    made = (await gateway.post("/api/tokens", {"name": "phone", "role": "viewer"})).body
    async with listening(gateway, token=made["token"]) as listener:
        await listener.until_named("connected")
        await gateway.call("DELETE", f"/api/tokens/{made['id']}")
        with pytest.raises(ConnectionError):
            await listener.until(1)


async def test_a_token_that_another_gateway_revoked_gets_no_other_stream(
    gateway: Gateway, settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    made = (await gateway.post("/api/tokens", {"name": "phone", "role": "viewer"})).body
    async with running_gateway(settings, database, broker, library, tenant) as other:
        async with listening(other, token=made["token"]) as listener:
            await listener.until_named("connected")
            await gateway.call("DELETE", f"/api/tokens/{made['id']}")
            with pytest.raises(ConnectionError):
                await listener.until(1)
        headers = {"Authorization": f"Bearer {made['token']}"}
        async with other.client.get("/api/sse/stream", headers=headers) as refused:
            assert refused.status == 401
