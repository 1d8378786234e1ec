"""Live updates to a thousand clients of one gateway: how late events are at an even pace, and how many they take.

The clients are plain sockets of one loop, which only looks for the numbers in what comes.
"""

import asyncio
import re
import time
from typing import Final
from urllib.parse import urlsplit

from insight import broker_of
from running_stack import RunningStack

from bench.memory import peaks
from bench.report import Figure, percentile, show
from bench.stack import running_stack
from photobus_common.bus.connection import Broker
from photobus_common.events import Origin, encode
from photobus_common.events.projects import ProjectCreated
from photobus_local.ports import LOOPBACK

CLIENTS: Final = 1000
EVENTS: Final = 500
EVENTS_A_SECOND: Final = 50
BURST: Final = 3000
AT_ONCE: Final = 200
LONGEST_SECONDS: Final = 180.0
ORIGIN: Final = Origin("/bench", "user_0", "bench")

_NUMBER: Final = re.compile(rb'"project_id":\s?(\d+)')
_CONNECTED: Final = b'data: {"seq"'


class Client(asyncio.Protocol):
    """One connection; it notes when each event came."""

    def __init__(self, head: bytes, progress: "Progress") -> None:
        self.arrived: dict[int, float] = {}
        self._head = head
        self._rest = b""
        self._progress = progress
        self._connected = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        """Note the numbers of all lines that came whole."""
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        if not newline:
            return
        now, before = time.perf_counter(), len(self.arrived)
        for number in _NUMBER.findall(whole):
            self.arrived.setdefault(int(number), now)
        self._progress.arrived(len(self.arrived) - before)
        if not self._connected and _CONNECTED in whole:
            self._connected = True
            self._progress.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that not everything can come any more."""
        self._progress.lost(exc)


class Progress:
    """How many clients are connected, and how much came to all of them together."""

    def __init__(self) -> None:
        self._clients = 0
        self._deliveries = 0
        self._lost: str | None = None
        self._over = False
        self._news = asyncio.Event()

    def connected(self) -> None:
        """Count a client."""
        self._clients += 1
        self._news.set()

    def arrived(self, deliveries: int) -> None:
        """Count what a client was given."""
        self._deliveries += deliveries
        self._news.set()

    def lost(self, why: Exception | None) -> None:
        """Note that a client was cut off."""
        self._lost = None if self._over else f"A client was cut off: {why!r}"
        self._news.set()

    def over(self) -> None:
        """Expect connections to end from now on."""
        self._over = True

    async def until(self, clients: int, deliveries: int) -> None:
        """Wait for so many clients and deliveries in all."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while self._clients < clients or self._deliveries < deliveries:
                if self._lost:
                    raise ConnectionError(self._lost)
                self._news.clear()
                await self._news.wait()


async def main() -> None:
    """Measure and show."""
    progress = Progress()
    async with running_stack() as stack, broker_of(stack) as broker:
        clients = await _connect(stack, progress)
        said = await _say(broker, range(1, EVENTS + 1), 1 / EVENTS_A_SECOND)
        await progress.until(CLIENTS, CLIENTS * EVENTS)
        delays = [(at - said[number]) * 1000 for one in clients for number, at in one.arrived.items()]
        began = time.perf_counter()
        await _say_at_once(broker, range(EVENTS + 1, EVENTS + BURST + 1))
        told = time.perf_counter() - began
        await progress.until(CLIENTS, CLIENTS * (EVENTS + BURST))
        taken = time.perf_counter() - began
        memory = peaks(stack)
        progress.over()
    show(
        "sse",
        [
            Figure(
                f"delay to {CLIENTS} clients at {EVENTS_A_SECOND} events a second, p50", percentile(delays, 50), "ms"
            ),
            Figure(
                f"delay to {CLIENTS} clients at {EVENTS_A_SECOND} events a second, p99", percentile(delays, 99), "ms"
            ),
            Figure(f"most events a second, {BURST} at once", BURST / taken, "/s"),
            Figure("the same in deliveries a second", CLIENTS * BURST / taken, "/s"),
            Figure("events a second into the log meanwhile", BURST / told, "/s"),
            *memory,
        ],
    )


async def _connect(stack: RunningStack, progress: Progress) -> list[Client]:
    place, loop = urlsplit(stack.address), asyncio.get_running_loop()
    port = place.port or 80
    lines = (
        "GET /api/sse/stream?channels=jobs HTTP/1.1",
        f"Host: {place.netloc}",
        f"Authorization: Bearer {stack.token}",
    )
    head = "\r\n".join((*lines, "", "")).encode()
    clients = []
    for number in range(CLIENTS):
        _, client = await loop.create_connection(lambda: Client(head, progress), LOOPBACK, port)
        clients.append(client)
        if number % 50 == 0:
            await progress.until(number, 0)
    await progress.until(CLIENTS, 0)
    return clients


async def _say(broker: Broker, numbers: range, pause: float) -> dict[int, float]:
    """Publish an event a number to the log, ``pause`` seconds apart; returns when each was published."""
    said: dict[int, float] = {}
    for number in numbers:
        said[number] = time.perf_counter()
        await _publish(broker, number)
        await asyncio.sleep(max(0.0, said[number] + pause - time.perf_counter()))
    return said


async def _say_at_once(broker: Broker, numbers: range) -> None:
    for first in numbers[::AT_ONCE]:
        await asyncio.gather(*(_publish(broker, number) for number in range(first, min(first + AT_ONCE, numbers.stop))))


async def _publish(broker: Broker, number: int) -> None:
    data = ProjectCreated(project_id=number, project_folder=f"F{number}", name=f"N{number}")
    event = ORIGIN.event(data)
    await broker.client.jetstream().publish(event.subject, encode(event), headers={"Nats-Msg-Id": str(event.id)})
