"""The connection to NATS that outlives everything: restarts of the server, lost networks, and the client's own ends.

nats-py reconnects by itself, but there are ways in which its client ends for good or goes deaf without saying so: an
error that the server reports, a payload that fits only without its headers, a reading task that met an exception.
``Broker`` watches for them and replaces the client; whoever holds subscriptions is told of each new connection by
``on_connect`` and makes them anew when ``client`` is another one.

Of several servers, which are one cluster, it is one that can be left: a server that was cut off from the others still
answers its clients, but JetStream does not, and then another server is asked.

Nothing is buffered while the connection is away: publishing then fails at once. What must not be lost stands in the
outbox, and an acknowledgement that is sent late could act on somebody else's message.
"""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from nats import errors
from nats.aio.client import Client

from photobus_common.config import Nats
from photobus_common.errors import BrokerUnavailableError, ConfigurationError, PhotobusError
from photobus_common.logging import get_logger

LEAST_VERSION: Final = (2, 14)
"""Oldest nats-server that has all of JetStream that photobus uses."""

RECONNECT_SECONDS: Final = 0.2
"""Between two attempts to reach the server."""

REFUSED_SECONDS: Final = 5.0
"""The same after the server refused the user, or is too old."""

CHECK_SECONDS: Final = 10
"""Between two checks that the connection answers, and the longest that an answer may take."""

SERVING_SECONDS: Final = 3.0
"""The same for whether JetStream serves, where there are several servers; an election may take a few of them."""

UNSERVED: Final = 3
"""So many checks in a row that JetStream did not pass are no election: another server is tried."""

GIVE_UP_SECONDS: Final = 15.0
"""A client that has not come back for so long is replaced, in case it is its own fault."""

CLOSE_SECONDS: Final = 5.0

ResultT = TypeVar("ResultT")

log = get_logger()


class Broker:
    """A connection to NATS. Importing this opens nothing; ``open`` does."""

    def __init__(self, settings: Nats, name: str) -> None:
        self._settings = settings
        self._name = name
        self._servers = deque(_shuffled(settings.url))
        self._client: Client | None = None
        self._generation = 0
        self._listeners: list[Callable[[], None]] = []
        self._connected = asyncio.Event()
        self._ended = asyncio.Event()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeper: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, settings: Nats, name: str, *, wait: bool = True) -> Self:
        """Connect as ``name`` (shown in the server's list of connections) and stay connected until ``close``.

        With ``wait`` the first connection is awaited: raises ``BrokerUnavailableError`` when no server answers within
        ``nats.connect_timeout_seconds`` for each of them, and ``ConfigurationError`` when it is too old or refuses the
        user. Without it the connection is made in the background, for a service that is of use before.
        """
        broker = cls(settings, name)
        broker._keeper = asyncio.create_task(broker._keep(), name=f"broker-{name}")
        if wait:
            try:
                async with asyncio.timeout(settings.connect_timeout_seconds * len(broker._servers)):
                    await asyncio.shield(broker._first)
            except TimeoutError as error:
                await broker.close()
                raise BrokerUnavailableError(f"No broker answers at {settings.url}.") from error
            except PhotobusError:
                await broker.close()
                raise
        return broker

    @property
    def client(self) -> Client:
        """The client of the moment; raises ``BrokerUnavailableError`` before the first connection."""
        if self._client is None:
            raise BrokerUnavailableError(f"No broker answers at {self._settings.url}.")
        return self._client

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._client is not None and bool(self._client.is_connected)

    @property
    def generation(self) -> int:
        """Counts the connections: when it has changed, what the server held for the last one is gone."""
        return self._generation

    async def wait_connected(self) -> None:
        """Return when there is a connection."""
        await self._connected.wait()

    def on_connect(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each new connection; the returned function ends that."""
        self._listeners.append(listener)

        def remove() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return remove

    async def close(self) -> None:
        """End the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        if self._first.done() and not self._first.cancelled():
            self._first.exception()  # a failure that nobody waits for any more
        self._connected.clear()
        if self._client is not None:
            await _dispose(self._client)

    async def _keep(self) -> None:
        while True:
            try:
                client = await self._connect()
            except (BrokerUnavailableError, ConfigurationError) as error:
                self._servers.rotate(-1)
                await asyncio.sleep(self._report(error))
                continue
            self._client = client
            self._announce()
            await self._watch(client)
            log.warning("broker_client_replaced", server=self._settings.url)
            self._try_last(client)
            self._connected.clear()
            await _dispose(client)

    def _report(self, error: PhotobusError) -> float:
        """Report what only a person can mend; returns the seconds until the next attempt."""
        if not isinstance(error, ConfigurationError):
            return RECONNECT_SECONDS
        log.error("broker_refused", reason=error.public_message)
        if not self._first.done():
            self._first.set_exception(error)
        return REFUSED_SECONDS

    async def _connect(self) -> Client:
        """Make one attempt; raises ``BrokerUnavailableError`` or ``ConfigurationError``."""
        client = Client()
        ready = False

        async def failed(error: Exception) -> None:
            if not ready:
                raise error  # ends the attempt, which nats-py would repeat without end
            log.debug("broker_error", reason=str(error))

        try:
            async with asyncio.timeout(self._settings.connect_timeout_seconds):
                await cancellable(client.connect(error_cb=failed, **self._options(client)))
            _check_version(client)
            ready = True
        except (OSError, TimeoutError, errors.Error) as error:
            raise self._explained(error) from error
        finally:
            if not ready:
                await _dispose(client)
        return client

    def _options(self, client: Client) -> dict[str, Any]:
        async def lost() -> None:
            self._lost(client)

        async def returned() -> None:
            self._announce()

        async def ended() -> None:
            self._ended.set()

        self._ended = asyncio.Event()
        return {
            "servers": list(self._servers),
            "dont_randomize": True,  # they are in an order, in which the one that was left comes last
            "name": self._name,
            "user": self._settings.user,
            "password": self._settings.password,
            "disconnected_cb": lost,
            "reconnected_cb": returned,
            "closed_cb": ended,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": RECONNECT_SECONDS,
            "connect_timeout": self._settings.connect_timeout_seconds,
            "pending_size": 0,  # fail rather than buffer while disconnected
        }

    def _explained(self, error: Exception) -> PhotobusError:
        if "authorization violation" in str(error).lower():
            return ConfigurationError(f"The broker at {self._settings.url} refuses the user {self._settings.user!r}.")
        return BrokerUnavailableError(f"No broker answers at {self._settings.url}: {error}")

    def _announce(self) -> None:
        self._generation += 1
        self._connected.set()
        if not self._first.done():
            self._first.set_result(None)
        log.info("broker_connected", server=self._settings.url, generation=self._generation)
        for listener in tuple(self._listeners):
            listener()

    def _lost(self, client: Client) -> None:
        if client is self._client and self._connected.is_set():
            self._connected.clear()
            log.warning("broker_disconnected", server=self._settings.url)

    def _try_last(self, client: Client) -> None:
        """Let the other servers have their turn before the one that ``client`` was connected to."""
        left = _place(client)
        for server in [server for server in self._servers if urlsplit(server).netloc.endswith(left)]:
            self._servers.remove(server)
            self._servers.append(server)

    async def _watch(self, client: Client) -> None:
        """Return when ``client`` is of no more use."""
        away_since: float | None = None
        unserved = 0
        several = len(self._servers) > 1
        while not client.is_closed:
            if client.is_connected:
                away_since = None
                if not await self._answers(client):
                    return
                unserved = 0 if not several or await _serves(client) else unserved + 1
                if unserved >= UNSERVED:
                    log.warning("broker_serves_nothing", server=_place(client))
                    return
            else:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > GIVE_UP_SECONDS:
                    return
            with suppress(TimeoutError):
                async with asyncio.timeout(_between(client, several=several)):
                    await self._ended.wait()

    async def _answers(self, client: Client) -> bool:
        """Whether ``client`` reads what the server says; a reconnection meanwhile counts as well."""
        generation = self._generation
        try:
            await cancellable(client.rtt(timeout=CHECK_SECONDS))
        except (errors.Error, OSError, RuntimeError, AttributeError):
            return generation != self._generation or not client.is_connected
        return True


def _shuffled(url: str) -> list[str]:
    """Return the servers of ``url``, separated by commas there, in an order of this process's own."""
    servers = [server.strip() for server in url.split(",")]
    return random.sample(servers, len(servers))


def _place(client: Client) -> str:
    """Return host and port of the server that ``client`` is connected to."""
    url = client.connected_url
    return f"{url.hostname}:{url.port}" if url is not None else "none"


def _between(client: Client, *, several: bool) -> float:
    """Seconds until the next check of ``client``."""
    if not client.is_connected:
        return 1.0
    return SERVING_SECONDS if several else CHECK_SECONDS


async def _serves(client: Client) -> bool:
    """Whether JetStream answers over this connection: not while the server knows no leader of its cluster."""
    try:
        answer = await cancellable(client.request("$JS.API.INFO", b"", timeout=SERVING_SECONDS))
    except (errors.Error, OSError, RuntimeError):
        return False
    return "error" not in json.loads(answer.data)


async def cancellable(call: Awaitable[ResultT]) -> ResultT:
    """Await ``call`` of nats-py without losing a cancellation.

    It waits by ``asyncio.wait_for``, which until Python 3.12 returns a result that came in the moment of the
    cancellation as if there had been none; in other places it catches the cancellation itself.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    result = await call
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
    return result


def _check_version(client: Client) -> None:
    version = client.connected_server_version
    if (version.major, version.minor) < LEAST_VERSION:
        least = ".".join(map(str, LEAST_VERSION))
        raise ConfigurationError(
            f"nats-server {version.major}.{version.minor} is too old; photobus needs {least} or later.",
        )


async def _dispose(client: Client) -> None:
    # AttributeError: closing a client that never had a socket
    with suppress(errors.Error, OSError, TimeoutError, AttributeError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await cancellable(client.close())
