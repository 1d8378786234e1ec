"""Requests while a part is away: the broker is not needed to accept, the database is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import ClientConnectionError, ClientResponse, ClientSession
from bus_traffic import until
from catalogue import Shot, add_project, add_shots
from gateway_server import Gateway, running_gateway
from structlog.testing import capture_logs

from photobus_common.bus.connection import Broker
from photobus_common.bus.reader import EventReader
from photobus_common.config import Postgres, Settings
from photobus_common.events import decode
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.migrate import migrate
from photobus_common.telemetry import REGISTRY
from photobus_gateway.app import main
from photobus_local.nats import EmbeddedNats
from photobus_local.ports import free_port
from photobus_local.postgres import EmbeddedPostgres

PATIENCE = 30.0
INSERT_TENANT = "INSERT INTO tenants (tenant, name, library_id) VALUES ('user_0', 'Test', $1)"


@pytest.fixture
async def own_gateway(
    own_settings: Settings, database: Database, own_broker: Broker, library: Library, tenant: str
) -> AsyncIterator[Gateway]:
    """A gateway whose broker may be killed."""
    async with running_gateway(own_settings, database, own_broker, library, tenant) as running:
        yield running


async def test_what_is_asked_while_the_broker_is_down_is_accepted_and_said_when_it_is_back(
    own_gateway: Gateway, own_nats: EmbeddedNats, own_broker: Broker
) -> None:
    async with own_gateway.database.transaction() as connection:
        project = await add_project(connection, own_gateway.tenant, "Alps")
        photos = await add_shots(connection, own_gateway.tenant, project, [Shot("A0"), Shot("A1")])
    await own_nats.kill()
    accepted = []
    for photo in photos:
        answer = await own_gateway.post("/api/photos/process", {"items": [{"photo_id": photo}]})
        assert answer.status == 202
        accepted.append(answer.body["task"]["id"])
        assert (await own_gateway.get(f"/api/tasks/{accepted[-1]}")).body["status"] == "requested"
    assert (await own_gateway.get("/readyz")).status == 200
    await own_nats.start()
    said = []
    async with asyncio.timeout(PATIENCE):
        async for batch in EventReader(own_broker, 1).batches():
            said += [str(event.id) for event in (decode(stored.payload) for stored in batch) if event.data.task()]
            if len(said) >= len(accepted):
                break
    assert sorted(said) == sorted(accepted)


async def test_a_gateway_starts_without_its_broker(
    settings: Settings, database: Database, library: Library, tenant: str
) -> None:
    away = settings.model_copy(update={"nats": settings.nats.model_copy(update={"url": "nats://127.0.0.1:9"})})
    broker = await Broker.open(away.nats, "test", wait=False)
    async with running_gateway(away, database, broker, library, tenant) as gateway:
        assert (await gateway.post("/api/projects", {"name": "Trip"})).status == 201
        assert (await gateway.get("/readyz")).status == 200
    await broker.close()


async def test_a_database_that_is_away_is_a_problem_to_come_back_from(
    settings: Settings, broker: Broker, library: Library, library_id: UUID, folder_of_servers: Path
) -> None:
    server = EmbeddedPostgres(folder_of_servers / "postgres")
    await server.start()
    dsn = server.dsn_of("postgres")
    await migrate(dsn)
    database = await Database.open(Postgres(dsn=dsn), "test")
    library.init_tenant("user_0", library_id)
    async with database.transaction() as connection:
        await connection.execute(INSERT_TENANT, library_id)
    async with running_gateway(settings, database, broker, library, "user_0") as gateway:
        assert (await gateway.post("/api/projects", {"name": "Trip"})).status == 201
        await server.kill()
        refused = await gateway.post("/api/projects", {"name": "Trip"})
        assert (refused.status, refused.body["code"]) == (503, "database_unavailable")
        assert refused.headers["Retry-After"] == "1"
        assert (await gateway.get("/readyz")).status == 503
        await server.start()
        again = await gateway.post("/api/projects", {"name": "Trip"})
        assert (again.status, again.body.get("name")) == (201, "Trip (2)"), again
        assert (await gateway.get("/readyz")).status == 200
    await database.close()
    await server.stop()


async def test_a_client_that_goes_while_it_sends_is_no_outage(gateway: Gateway) -> None:
    def measured(status: str) -> float:
        labels = {"method": "POST", "route": "/api/projects", "status": status}
        return REGISTRY.get_sample_value("photobus_http_seconds_count", labels) or 0

    gone, failed = measured("499"), measured("503")
    head = f"POST /api/projects HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {gateway.admin}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    with capture_logs() as said:
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        writer.close()
        await until(lambda: measured("499") == gone + 1)
    assert measured("503") == failed
    assert [line for line in said if line["log_level"] == "error"] == []


async def test_a_gateway_that_stops_lets_its_live_clients_go(
    settings: Settings, broker: Broker, gateway: Gateway
) -> None:
    port = free_port()
    own = settings.model_copy(update={"gateway": settings.gateway.model_copy(update={"port": port})})
    stop = asyncio.Event()
    running = asyncio.create_task(main(own, stop))
    headers = {"Authorization": f"Bearer {gateway.admin}"}
    async with asyncio.timeout(PATIENCE), ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client:
        stream = await _when_it_listens(client, running)
        assert (await stream.content.readline()).startswith(b"retry") or stream.status == 200
        stop.set()
        await stream.content.read()
        await running
    with pytest.raises(ClientConnectionError):
        await _fetch(port)


async def _when_it_listens(client: ClientSession, running: asyncio.Task[None]) -> ClientResponse:
    while not running.done():
        try:
            return await client.get("/api/sse/stream")
        except ClientConnectionError:
            await asyncio.sleep(0.05)  # between two looks; the caller's deadline bounds them
    raise AssertionError("the gateway ended by itself")


async def _fetch(port: int) -> None:
    async with ClientSession() as client:
        await client.get(f"http://127.0.0.1:{port}/healthz")
