"""The gateway as tests meet it: all of its real parts in this process, behind a real HTTP server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse, ClientSession, CookieJar, web

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.relay import OutboxRelay
from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.events import Event, Origin, decode
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.tokens import Role, create_token
from photobus_common.store.unit_of_work import unit_of_work
from photobus_gateway.app import Parts, build_app, serving
from photobus_gateway.sse import Hub

EVENTS_IN_OUTBOX = "SELECT payload FROM outbox WHERE kind = 'event' ORDER BY created_at"


@dataclass
class Answer:
    """Status, headers and JSON of an answer."""

    status: int
    headers: Any
    body: Any


@dataclass
class Gateway:
    """A running gateway; requests bear the admin's token unless told otherwise."""

    app: web.Application
    port: int
    client: ClientSession
    database: Database
    publisher: BusPublisher
    settings: Settings
    tenant: str
    admin: str

    async def token(self, role: Role, tenant: str | None = None) -> str:
        """Make a token of the role; return its secret."""
        origin = Origin("/test", tenant or self.tenant, "test")
        async with unit_of_work(self.database, self.publisher) as work:
            return (await create_token(work, origin, role, role))[1]

    async def call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> Answer:
        """Make a request and read its answer."""
        headers = {"Authorization": f"Bearer {token or self.admin}", **options.pop("headers", {})}
        response = await self.client.request(method, path, headers=headers, allow_redirects=False, **options)
        return await read(response)

    async def get(self, path: str, **options: Any) -> Answer:
        """GET ``path``."""
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """POST ``body`` as JSON."""
        return await self.call("POST", path, **({} if body is None else {"json": body}), **options)

    async def events(self, word: str) -> Sequence[Event]:
        """Return the events of that type that were committed; none is archived here, so all are in the outbox."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(EVENTS_IN_OUTBOX)
        return [event for event in (decode(row["payload"]) for row in rows) if event.type == word]


async def read(response: ClientResponse) -> Answer:
    """Read an answer whole."""
    body = await response.json(content_type=None) if "json" in response.content_type else await response.text()
    return Answer(response.status, response.headers, body)


@asynccontextmanager
async def running_gateway(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> AsyncIterator[Gateway]:
    """Run a gateway with everything that runs beside its requests."""
    publisher = BusPublisher(broker, database, settings)
    hub = Hub(broker, database, settings)
    loops = [publisher.run(), OutboxRelay(database, publisher, settings).run(), hub.run()]
    running = [asyncio.create_task(loop) for loop in loops]
    app = build_app(Parts(settings, database, broker, publisher, library, load_definitions(), hub))
    anywhere = settings.model_copy(update={"gateway": settings.gateway.model_copy(update={"port": 0})})
    jar = CookieJar(unsafe=True)  # the address is a number
    async with serving(app, anywhere) as port, ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as client:
        gateway = Gateway(app, port, client, database, publisher, settings, tenant, admin="")
        gateway.admin = await gateway.token("admin")
        yield gateway
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
