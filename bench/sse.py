"""Live updates to a thousand clients of one gateway: events a second to each, and how late they are at 99 in 100.

The clients are plain sockets in a process of their own, so that they cost the gateway nothing but their connections.
"""

import asyncio
import json
import time
from urllib.parse import urlsplit

from running_stack import RunningStack

from bench.report import Figure, percentile, show
from bench.stack import running_stack
from photobus_common.bus.connection import Broker
from photobus_common.config import Nats
from photobus_common.events import Origin, encode
from photobus_common.events.catalogue import ProjectCreated

CLIENTS = 1000
EVENTS = 500
EVENTS_A_SECOND = 50


class Client:
    """One connection; it notes when each event came."""

    def __init__(self) -> None:
        self.arrived: dict[int, float] = {}

    async def follow(self, address: str, token: str, connected: asyncio.Semaphore) -> None:
        """Read until every event came."""
        place = urlsplit(address)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        head = f"GET /api/sse/stream?channels=jobs HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}"
        writer.write(f"{head}\r\n\r\n".encode())
        while len(self.arrived) < EVENTS:
            line = await reader.readline()
            if not line:
                raise ConnectionError("The stream ended early.")
            if line.startswith(b'data: {"seq"'):
                connected.release()
            elif line.startswith(b"data: ") and b'"project_id"' in line:
                self.arrived[json.loads(line[6:])["project_id"]] = time.perf_counter()
        writer.close()


async def main() -> None:
    """Measure and show."""
    async with running_stack() as stack:
        clients = [Client() for _ in range(CLIENTS)]
        connected = asyncio.Semaphore(0)
        following = [asyncio.create_task(one.follow(stack.address, stack.token, connected)) for one in clients]
        for _ in clients:
            await connected.acquire()
        began = time.perf_counter()
        said = await _say(stack)
        await asyncio.gather(*following)
        taken = time.perf_counter() - began
    delays = [(at - said[number]) * 1000 for one in clients for number, at in one.arrived.items()]
    figures = [
        Figure(f"events to {CLIENTS} clients, deliveries a second", CLIENTS * EVENTS / taken, "/s"),
        Figure(f"delay at {EVENTS_A_SECOND} events a second, p50", percentile(delays, 50), "ms"),
        Figure(f"delay at {EVENTS_A_SECOND} events a second, p99", percentile(delays, 99), "ms"),
    ]
    show("sse", figures)


async def _say(stack: RunningStack) -> dict[int, float]:
    """Publish the events to the log at an even pace; returns when each was published."""
    said: dict[int, float] = {}
    place = urlsplit((stack.data / "run" / "nats").read_text().strip())
    server = Nats(url=f"nats://{place.hostname}:{place.port}", user=place.username, password=place.password)
    broker = await Broker.open(server, "bench")
    origin = Origin("/bench", "user_0", "bench")
    for number in range(1, EVENTS + 1):
        event = origin.event(ProjectCreated(project_id=number, project_folder=f"F{number}", name=f"N{number}"))
        said[number] = time.perf_counter()
        await broker.client.jetstream().publish(event.subject, encode(event), headers={"Nats-Msg-Id": str(event.id)})
        await asyncio.sleep(max(0.0, said[number] + 1 / EVENTS_A_SECOND - time.perf_counter()))
    await broker.close()
    return said
