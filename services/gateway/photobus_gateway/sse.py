"""Live updates: one reader of the log a process, one ring of rendered events, any number of clients with a cursor each.

A client gets every event of its tenant once and in order, also over reconnects with ``Last-Event-ID``: from the ring,
else from the archive, joined to the ring without gap or repeat. Where that is not possible it is told so (``reset``)
and fetches everything anew. A client that does not keep up is cut off, never buffered for.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from aiohttp import web

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings
from photobus_common.errors import BrokerUnavailableError, PhotobusError
from photobus_common.events import Event
from photobus_common.events.access import TokenRevoked
from photobus_common.logging import get_logger
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.telemetry import SSE_CLIENTS, SSE_CUT_OFF
from photobus_gateway.auth import actor_of
from photobus_gateway.callers import Caller
from photobus_gateway.sse_client import Client
from photobus_gateway.sse_events import CHANGES_PENDING_DELETIONS
from photobus_gateway.sse_messages import Channel, SseEvent
from photobus_gateway.sse_pending import PendingChanges, PendingState
from photobus_gateway.sse_resume import History, OutOfReachError
from photobus_gateway.sse_ring import FellBehindError, FrameId, Ring
from photobus_gateway.sse_tail import LogTail

WATCH_SECONDS: Final = 1.0

PATIENCE_SECONDS: Final = 5.0
"""How long a client waits for a hub that has not found the log yet, or that is behind the one it had before."""

RETRY_SPREAD: Final = 2000
"""Milliseconds over which the clients of a gateway that ends come back, lest they all come at once."""

log = get_logger()


class TooManyClientsError(PhotobusError):
    """As many live-update clients as ``sse.max_clients`` allows are connected already."""

    code: ClassVar[str] = "too_many_clients"
    status: ClassVar[int] = 503
    retryable: ClassVar[bool] = True


@dataclass
class _Place:
    """Where a client stands: its cursor in one ring, and the version of the pending deletions that it has."""

    ring: Ring
    cursor: int
    pending: int = 0


class Hub:
    """Feeds all live-update clients of this process. ``run`` reads; ``serve`` answers one client while it stays."""

    def __init__(self, broker: Broker, database: Database, settings: Settings) -> None:
        self._settings = settings.sse
        self._history = History(broker, database, settings)
        self._clients: defaultdict[str, set[Client]] = defaultdict(set)
        self._pending = PendingChanges(database, self._clients.__contains__, self._wake)
        self._tail = LogTail(broker, database, settings.sse, self._arrived)
        self._connected = 0
        self._closing = False
        self._when_revoked: list[Callable[[UUID], None]] = []

    def when_revoked(self, listener: Callable[[UUID], None]) -> None:
        """Call ``listener`` with each token that the log tells was revoked, before its streams are ended.

        A client that is cut off comes back at once, and must not be let in by what is still remembered of its token.
        """
        self._when_revoked.append(listener)

    async def run(self) -> None:
        """Follow the log and watch over the clients, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tail.run(), name="sse tail")
            group.create_task(self._pending.run(), name="sse pending changes")
            group.create_task(self._watch(), name="sse watch")

    async def ready(self) -> None:
        """Raise while the log was not found yet (a readiness check)."""
        if not self._tail.started.is_set():
            raise BrokerUnavailableError("The event log was not found yet.")

    def close(self) -> None:
        """Let every client go, each after what it is being sent; they come back to another gateway or later."""
        self._closing = True
        for client in [client for clients in self._clients.values() for client in clients]:
            client.cut_off("closing")

    async def serve(
        self, request: web.Request, caller: Caller, channels: frozenset[Channel], after: FrameId | None
    ) -> web.StreamResponse:
        """Answer with the events of the caller's tenant on ``channels``, from behind ``after``, until the client goes.

        Raises ``TooManyClientsError`` and ``BrokerUnavailableError``, both before the answer has begun.
        """
        if self._connected >= self._settings.max_clients or self._closing:
            SSE_CUT_OFF.labels(reason="refused").inc()
            raise TooManyClientsError(f"There are {self._settings.max_clients} live-update clients; come back later.")
        client = Client(request, caller, channels, self._settings.stall_seconds, self._settings.keepalive_seconds)
        self._enter(client)
        try:
            await self._wait_for_log()
            await self._greet_and_follow(client, after)
        except DATABASE_OUTAGES:  # with every ConnectionError, also that of a client that is gone or was cut off
            if not client.response.prepared:
                raise
            if not client.gone:
                log.warning("sse_history_unavailable", exc_info=True)
        finally:
            self._leave(client)
        return client.response

    async def _wait_for_log(self) -> None:
        try:
            await asyncio.wait_for(self._tail.started.wait(), PATIENCE_SECONDS)
        except TimeoutError as error:
            raise BrokerUnavailableError("The event log was not found yet; come back later.") from error

    async def _greet_and_follow(self, client: Client, after: FrameId | None) -> None:
        """Send what a client needs to begin with; that was read before anything was sent, so nothing is missed."""
        position, ring = self._tail.position, self._tail.ring
        place = _Place(ring, ring.end(client.tenant))
        greeting = _greeting(position.seq, self._connected)
        if "pending-changes" in client.channels:
            state = await self._pending.first(client.tenant)
            place.pending = state.version
            greeting += state.rendered
        await client.open()
        if client.headers_only:
            return
        await client.write(greeting)
        if after is not None:
            await self._resume(client, place, after)
        await self._follow(client, place)

    async def _resume(self, client: Client, place: _Place, after: FrameId) -> None:
        """Send what ``client`` missed since ``after``, and place its cursor behind that."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._tail.reached(after.seq)
            place.ring = self._tail.ring
            if place.ring.resume(client.tenant, client.channels, after) is None:
                await self._history.check_reach(client.tenant, after)
            while (found := place.ring.resume(client.tenant, client.channels, after)) is None:
                portion = await self._history.older(place.ring, client.tenant, client.channels, after)
                after = portion.at
                await _write_if_any(client, portion.rendered)
            place.cursor = found.cursor
            await _write_if_any(client, found.rendered)
        except (OutOfReachError, TimeoutError):
            await self._reset(client, place)

    async def _reset(self, client: Client, place: _Place) -> None:
        """Tell ``client`` to fetch everything anew; the id makes its next reconnect ask for what comes after this."""
        position, place.ring = self._tail.position, self._tail.ring
        place.cursor = place.ring.end(client.tenant)
        await client.write(SseEvent("jobs", "reset", {"seq": position.seq}).frame(str(position)))

    async def _follow(self, client: Client, place: _Place) -> None:
        while client.cut_reason is None:
            client.wake.clear()
            if place.ring is not self._tail.ring:
                await self._reset(client, place)
                continue
            try:
                chunk = place.ring.read(client.tenant, client.channels, place.cursor)
            except FellBehindError:
                client.cut_off("fell_behind")
                return
            advanced, place.cursor = chunk.cursor > place.cursor, chunk.cursor
            rendered = chunk.rendered + self._news_of_pending(client, place)
            if rendered:
                await client.write(rendered)
            elif client.keepalive_due:
                await client.keep_alive()
            elif not advanced:
                await client.wake.wait()

    def _news_of_pending(self, client: Client, place: _Place) -> bytes:
        state: PendingState | None = None
        if "pending-changes" in client.channels:
            state = self._pending.current(client.tenant)
        if state is None or state.version == place.pending:
            return b""
        place.pending = state.version
        return state.rendered

    def _arrived(self, events: list[Event]) -> None:
        """Wake whom ``events`` concern; an empty list means that the ring was begun anew, which concerns all."""
        for event in events:
            if event.type in CHANGES_PENDING_DELETIONS:
                self._pending.touch(event.tenant)
            if isinstance(event.data, TokenRevoked):
                self._revoke(event.tenant, event.data.token_id)
        for tenant in {event.tenant for event in events} or tuple(self._clients):
            self._wake(tenant)

    def _revoke(self, tenant: str, token_id: UUID) -> None:
        for listener in self._when_revoked:
            listener(token_id)
        actor = actor_of(token_id)
        for client in tuple(self._clients.get(tenant, ())):
            if client.actor == actor:
                client.cut_off("revoked")

    def _wake(self, tenant: str) -> None:
        for client in self._clients.get(tenant, ()):
            client.wake.set()

    async def _watch(self) -> None:
        pause = min(WATCH_SECONDS, self._settings.stall_seconds / 4, self._settings.keepalive_seconds / 4)
        while True:
            await asyncio.sleep(pause)
            for client in [client for clients in self._clients.values() for client in clients]:
                client.watch()

    def _enter(self, client: Client) -> None:
        self._clients[client.tenant].add(client)
        self._connected += 1
        SSE_CLIENTS.set(self._connected)

    def _leave(self, client: Client) -> None:
        clients = self._clients[client.tenant]
        clients.discard(client)
        if not clients:
            del self._clients[client.tenant]
            self._pending.forget(client.tenant)
        self._connected -= 1
        SSE_CLIENTS.set(self._connected)


def _greeting(seq: int, clients: int) -> bytes:
    retry = RETRY_SPREAD // 2 + clients * 37 % RETRY_SPREAD
    return f"retry: {retry}\n".encode() + SseEvent("jobs", "connected", {"seq": seq}).frame(None)


async def _write_if_any(client: Client, rendered: bytes) -> None:
    if rendered:
        await client.write(rendered)
