"""Replay of a long log: events a second, with the chain checked, against bare reading of the same stream.

``PHOTOBUS_BENCH_EVENTS=100000`` replays that many. The stream holds up to 200,000 of them: each is synced on its own,
and how fast they are read does not depend on how many there are. Every replay is a process of its own, which starts
others for shares of the log; the most memory that it held is its own and, for each of those, that of the largest.
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import astuple, fields
from itertools import islice
from typing import Any, Final

import asyncpg

from bench.memory import held_at_most
from bench.report import Figure, show
from bench.stack import own_folder
from bench.told_tasks import ToldEvent, uploads
from photobus_common.bus.connection import Broker
from photobus_common.bus.provisioning import provision
from photobus_common.bus.reader import EventReader, stream_state
from photobus_common.config import Nats, Settings
from photobus_common.store import event_log
from photobus_common.store.event_log import Cursor, Entry
from photobus_common.store.migrate import migrate
from photobus_local.nats import EmbeddedNats
from photobus_local.postgres import EmbeddedPostgres
from photobus_orchestrator.audit import put_in_place, replay
from photobus_orchestrator.fold import archived, read_event

EVENTS: Final = int(os.environ.get("PHOTOBUS_BENCH_EVENTS", "1000000"))
FEW: Final = min(EVENTS // 10, 100_000)
READ: Final = min(EVENTS, 200_000)
PORTION: Final = 10_000
AHEAD: Final = 2000
"""Events published before the stream has the first of them; the server drops what is too far ahead (10,000)."""
COLUMNS: Final = [field.name for field in fields(Entry)]
SET_CURSOR: Final = """
INSERT INTO fold_cursor (partition, seq, hash) VALUES (0, $1, $2)
ON CONFLICT (partition) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
"""


async def main() -> None:
    """Measure and show."""
    with own_folder() as folder:
        postgres, nats = EmbeddedPostgres(folder / "postgres"), EmbeddedNats(folder / "nats")
        await postgres.start()
        await nats.start()
        try:
            figures = await _measure(postgres.dsn, nats)
        finally:
            await nats.stop()
            await postgres.stop()
    show("replay", figures)


async def _measure(dsn: str, nats: EmbeddedNats) -> list[Figure]:
    await migrate(dsn)
    log = uploads(EVENTS)
    cursor = await seed(dsn, log, FEW, Cursor(0, event_log.CHAIN_START, None))
    _, few_memory = await _replay(dsn)
    await seed(dsn, log, EVENTS - FEW, cursor)
    seconds, memory = await _replay(dsn)
    read = await _read(nats)
    return [
        Figure(f"replay of {EVENTS:,} events", EVENTS / seconds, "events/s"),
        Figure(f"bare reading of {READ:,} of them from the stream", read, "events/s"),
        Figure("ratio", EVENTS / seconds / read, "", "≥ 0.25"),
        Figure(f"peak memory, replay of {FEW:,} events", few_memory, "MB"),
        Figure(f"peak memory, replay of {EVENTS:,} events", memory, "MB"),
    ]


async def seed(dsn: str, log: Iterator[ToldEvent], number: int, cursor: Cursor) -> Cursor:
    """Append so many events to the archive, and have in the tables what follows from it."""
    connection = await asyncpg.connect(dsn)
    try:
        chain, seq = cursor.hash, cursor.seq
        while number:
            rows: list[tuple[Any, ...]] = []
            for told in islice(log, min(PORTION, number)):
                seq += 1
                chain = event_log.link(chain, seq, told.payload)
                rows.append(astuple(archived(read_event(seq, told.payload), chain)))
            await connection.copy_records_to_table("event_log", records=rows, columns=COLUMNS)
            number -= len(rows)
        await connection.execute(SET_CURSOR, seq, chain)
        await put_in_place(dsn)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return Cursor(seq, chain, None)


async def _replay(dsn: str) -> tuple[float, float]:
    """Replay in a process of its own; returns the seconds and the megabytes that it took."""
    command = (sys.executable, "-m", "bench.replay", dsn)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("The replay found differences, or failed.")
    seconds, memory = out.split()
    return float(seconds), float(memory)


async def _read(nats: EmbeddedNats) -> float:
    """Publish the beginning of the log, and read it as the fold does, but decode nothing; returns events a second."""
    settings = Settings(nats=Nats(url=nats.url, user=nats.user, password=nats.password))
    broker = await Broker.open(settings.nats, "bench")
    try:
        await provision(broker, settings, 0)
        await _publish(broker)
        began = time.perf_counter()
        async with aclosing(EventReader(broker, 1).batches()) as batches:
            async for batch in batches:
                if batch[-1].seq == READ:
                    break
        return READ / (time.perf_counter() - began)
    finally:
        await broker.close()


async def _publish(broker: Broker) -> None:
    stored = 0
    for number, told in enumerate(uploads(READ), start=1):
        await broker.client.publish(told.subject, told.payload)
        while number % AHEAD == 0 and stored < number:
            await asyncio.sleep(0.05)
            stored = (await stream_state(broker)).last_seq
    while (await stream_state(broker)).last_seq < READ:
        await asyncio.sleep(0.05)


def _child(dsn: str) -> None:
    began = time.perf_counter()
    differences = asyncio.run(replay(dsn))
    seconds = time.perf_counter() - began
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(seconds, held_at_most(os.getpid()) + len(os.sched_getaffinity(0)) * largest)
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    _child(sys.argv[1])
