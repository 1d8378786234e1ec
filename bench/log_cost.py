"""What the log costs: bytes an event in archive and broker, the broker's memory, and what retention gives back.

As many events as tasks, by default 1,000,000 (``PHOTOBUS_BENCH_EVENTS``), are published straight to a broker: under the
subjects that photobus uses, whose number is that of task types, and to another under one subject a task. They are not
synced one by one, which changes the time that this takes and nothing that is measured.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import asyncpg
import psutil

from bench.history import SIZES
from bench.memory import held_at_most
from bench.replay import seed
from bench.report import Figure, show
from bench.stack import own_folder
from bench.told_tasks import PHOTOS, Upload, uploads
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import request
from photobus_common.bus.provisioning import events_stream, provision
from photobus_common.bus.reader import stream_state
from photobus_common.config import Nats, Settings
from photobus_common.store import event_log
from photobus_common.store.event_log import Cursor
from photobus_common.store.migrate import migrate
from photobus_common.subjects import EVENTS_STREAM
from photobus_local.nats import EmbeddedNats
from photobus_local.postgres import EmbeddedPostgres

EVENTS: Final = int(os.environ.get("PHOTOBUS_BENCH_EVENTS", "1000000"))
ARCHIVED: Final = min(EVENTS, 200_000)
AHEAD: Final = 2000
"""Events published before the stream has the first of them; the server drops what is too far ahead (10,000)."""

MEGABYTE: Final = 1024**2
NO_SYNC: Final = {"jetstream": {"sync_interval": "10m"}}
SOON: Final = 10**9
"""Nanoseconds after which the measured retention drops an event."""

SETTLED_SECONDS: Final = 5
"""How long a server is left alone before its memory is read."""


async def main() -> None:
    """Measure and show."""
    figures = [Figure(f"events of an upload of {PHOTOS} photos, with its task", len(Upload()), "")]
    figures += await _archive()
    for name, single in (("subjects of photobus", False), ("a subject a task", True)):
        with own_folder() as folder:
            figures += [
                Figure(f"{name}: {figure.name}", figure.value, figure.unit) for figure in await _broker(folder, single)
            ]
    show("log_cost", figures)


async def _archive() -> list[Figure]:
    with own_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres", durable=False)
        await server.start()
        try:
            await migrate(server.dsn)
            await seed(server.dsn, uploads(ARCHIVED), ARCHIVED, Cursor(0, event_log.CHAIN_START, None))
            connection = await asyncpg.connect(server.dsn)
            sizes: Any = await connection.fetchrow(SIZES)
            await connection.close()
        finally:
            await server.stop()
    return [Figure(f"archive, bytes an event: {name}", sizes[name], "B") for name in ("payload", "heap", "indexes")]


async def _broker(folder: Path, single: bool) -> list[Figure]:
    """Fill a broker's log, start it anew, and let all of it expire."""
    server = EmbeddedNats(folder / "nats", further=NO_SYNC)
    await server.start()
    try:
        async with _connected(server) as broker:
            await provision(broker, Settings(), 0)
            empty = await _memory(server)
            await _publish(broker, single)
            full = await _memory(server)
            peak = held_at_most(server.pid)
            kept = await _kept(broker)
        await server.stop()
        began = time.perf_counter()
        await server.start()
        async with _connected(server) as broker:
            restarted = time.perf_counter() - began
            again = await _memory(server)
            expired = await _expire(broker)
            gone = await _memory(server)
            left = await _kept(broker)
    finally:
        await server.stop()
    return [
        Figure("bytes an event in the stream", kept / EVENTS, "B"),
        Figure("memory, empty", empty, "MB"),
        Figure(f"memory with {EVENTS:,} events", full, "MB"),
        Figure("the most it held", peak, "MB"),
        Figure("seconds to start with them", restarted, "s"),
        Figure("memory after that start", again, "MB"),
        Figure("seconds until retention has dropped all", expired, "s"),
        Figure("memory then", gone, "MB"),
        Figure("bytes in the stream then", left, "B"),
    ]


@asynccontextmanager
async def _connected(server: EmbeddedNats) -> AsyncIterator[Broker]:
    broker = await Broker.open(Nats(url=server.url, user=server.user, password=server.password), "bench")
    try:
        yield broker
    finally:
        await broker.close()


async def _publish(broker: Broker, single: bool) -> None:
    stored = 0
    for number, (subject, payload) in enumerate(_events(single), start=1):
        await broker.client.publish(subject, payload)
        while number % AHEAD == 0 and stored < number:
            stored = (await stream_state(broker)).last_seq
    while (await stream_state(broker)).last_seq < EVENTS:
        await asyncio.sleep(0.05)


def _events(single: bool) -> Iterator[tuple[str, bytes]]:
    """Yield events of uploads, each under the subject of a task of its own if they are to be ``single``."""
    for number, told in enumerate(islice(uploads(EVENTS), EVENTS)):
        # As long as with an id of a task.
        yield f"{told.subject}.{number:036}" if single else told.subject, told.payload


async def _memory(server: EmbeddedNats) -> float:
    await asyncio.sleep(SETTLED_SECONDS)
    return psutil.Process(server.pid).memory_info().rss / MEGABYTE


async def _kept(broker: Broker) -> int:
    info = await request(broker, f"STREAM.INFO.{EVENTS_STREAM}")
    return int(info["state"]["bytes"])


async def _expire(broker: Broker) -> float:
    """Let the stream keep what is a second old, at most; returns the seconds until it is empty."""
    short = events_stream(Settings()) | {"max_age": SOON, "duplicate_window": SOON}
    began = time.perf_counter()
    await request(broker, f"STREAM.UPDATE.{EVENTS_STREAM}", short)
    while (await stream_state(broker)).first_seq <= EVENTS:
        await asyncio.sleep(0.1)
    return time.perf_counter() - began
