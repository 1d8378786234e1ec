"""The gateway put together: its parts opened, its routes served, and all of it ended in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.relay import OutboxRelay
from photobus_common.config import Settings
from photobus_common.definitions import Definitions, load_definitions
from photobus_common.health import health_routes
from photobus_common.logging import get_logger
from photobus_common.service import Stop
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.emitting import Emitter
from photobus_common.store.unit_of_work import Publisher
from photobus_gateway import idempotency, keys, rate_limits
from photobus_gateway.auth import Authenticator
from photobus_gateway.edges import observe_middleware, secure_response
from photobus_gateway.problems import problem_middleware
from photobus_gateway.registry import Route
from photobus_gateway.routes import (
    analyze,
    audit,
    commits,
    confirmations,
    deletions,
    events,
    history,
    jobs,
    maintenance,
    media,
    moves,
    pending_changes,
    photo_changes,
    photo_sets,
    photos,
    projects,
    schedules,
    session,
    stream,
    tasks,
    tokens,
    tus,
    undo,
    uploads,
)
from photobus_gateway.routes.docs import add_described_routes
from photobus_gateway.routes.web import add_web_client
from photobus_gateway.sse import Hub
from photobus_gateway.uploads.service import uploads_context

DRAIN_SECONDS: Final = 10.0
"""How long requests that have begun may take to end when the gateway stops."""

MAX_LINE: Final = 64 * 1024
"""Longest request line, in bytes: a filter with as many tags as are allowed fits, however they are escaped."""

ROUTES: Final[tuple[Route, ...]] = (
    *projects.ROUTES,
    *deletions.ROUTES,
    *photo_sets.ROUTES,
    *pending_changes.ROUTES,
    *commits.ROUTES,
    *moves.ROUTES,
    *photos.ROUTES,
    *photo_changes.ROUTES,
    *media.ROUTES,
    *analyze.ROUTES,
    *uploads.ROUTES,
    *tus.ROUTES,
    *tasks.ROUTES,
    *undo.ROUTES,
    *confirmations.ROUTES,
    *jobs.ROUTES,
    *schedules.ROUTES,
    *maintenance.ROUTES,
    *events.ROUTES,
    *history.ROUTES,
    *audit.ROUTES,
    *stream.ROUTES,
    *session.ROUTES,
    *tokens.ROUTES,
)

log = get_logger()


@dataclass(frozen=True)
class Parts:
    """What the application is made of, opened by whoever makes it."""

    settings: Settings
    database: Database
    broker: Broker
    publisher: Publisher
    library: Library
    definitions: Definitions
    hub: Hub


def build_app(parts: Parts) -> web.Application:
    """Return the application that serves every route; nothing runs yet."""
    app = web.Application(middlewares=[observe_middleware, problem_middleware])
    app[keys.SETTINGS] = parts.settings
    app[keys.DATABASE] = parts.database
    app[keys.BROKER] = parts.broker
    app[keys.PUBLISHER] = parts.publisher
    app[keys.EMITTER] = Emitter(parts.database, parts.publisher)
    app[keys.LIBRARY] = parts.library
    app[keys.DEFINITIONS] = parts.definitions
    app[keys.HUB] = parts.hub
    app[keys.AUTHENTICATOR] = authenticator = Authenticator(parts.database)
    parts.hub.when_revoked(authenticator.forget)
    add_described_routes(app, ROUTES)
    add_web_client(app, parts.settings.gateway.web_client)
    # Requests are accepted while the broker is away, so only the database decides whether this gateway is ready.
    app.add_routes(health_routes({"database": parts.database.reach}))
    app.on_response_prepare.append(secure_response)
    app.on_response_prepare.append(rate_limits.tell_rate)
    app.on_shutdown.append(_let_clients_go)
    app.cleanup_ctx.append(uploads_context)
    return app


async def main(settings: Settings, stop: Stop) -> None:
    """Serve until ``stop``; then finish what has begun, publish what was committed, and close."""
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.postgres, "gateway")
        stack.push_async_callback(database.close)
        broker = await Broker.open(settings.nats, "gateway", wait=False)
        stack.push_async_callback(broker.close)
        publisher = BusPublisher(broker, database, settings)
        hub = Hub(broker, database, settings)
        definitions = load_definitions()
        library = Library(settings.library.root)
        app = build_app(Parts(settings, database, broker, publisher, library, definitions, hub))
        keep = timedelta(hours=settings.gateway.idempotency_hours)
        loops = (
            publisher.run(),
            OutboxRelay(database, publisher, settings).run(),
            hub.run(),
            idempotency.sweep(database, keep),
            rate_limits.sweep(database, settings.rate_limits),
        )
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(loop) for loop in loops]
            async with serving(app, settings):
                await stop.wait()
            await publisher.drain()
            for task in running:
                task.cancel()


@asynccontextmanager
async def serving(app: web.Application, settings: Settings) -> AsyncIterator[int]:
    """Listen, and yield the port; on leaving, take no more requests and wait for those that have begun."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_SECONDS, max_line_size=MAX_LINE)
    await runner.setup()
    try:
        host, port = settings.gateway.host, settings.gateway.port
        site = web.TCPSite(runner, host, port, reuse_port=settings.gateway.reuse_port or None)
        await site.start()
        taken = int(runner.addresses[0][1])
        log.info("gateway_listening", host=host, port=taken)
        yield taken
    finally:
        await runner.cleanup()


async def _let_clients_go(app: web.Application) -> None:
    app[keys.HUB].close()
