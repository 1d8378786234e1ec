"""What a running stack shows beside its API: its rows, its log, its processes and their memory."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import psutil
from running_stack import RunningStack

from photobus_common.bus.connection import Broker
from photobus_common.bus.reader import EventReader, stream_state
from photobus_common.config import Nats

SAMPLED_EVERY: Final = 0.02

LEADER: Final = """
SELECT client_port FROM pg_stat_activity JOIN pg_locks USING (pid)
WHERE application_name = 'orchestrator-leader' AND locktype = 'advisory' AND granted
"""


async def stored(stack: RunningStack, query: str) -> list[Mapping[str, Any]]:
    """Ask the stack's database."""
    connection = await asyncpg.connect((stack.data / "run" / "dsn").read_text().strip())
    try:
        return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


@asynccontextmanager
async def broker_of(stack: RunningStack) -> AsyncIterator[Broker]:
    """Connect to the stack's broker."""
    place = urlsplit((stack.data / "run" / "nats").read_text().strip())
    server = Nats(url=f"nats://{place.hostname}:{place.port}", user=place.username, password=place.password)
    broker = await Broker.open(server, "insight")
    try:
        yield broker
    finally:
        await broker.close()


async def log_of(stack: RunningStack) -> list[tuple[int, str]]:
    """Every event that the stream holds, with its sequence."""
    events: list[tuple[int, str]] = []
    async with broker_of(stack) as broker:
        state = await stream_state(broker)
        async with asyncio.timeout(60), aclosing(EventReader(broker, state.first_seq).batches()) as batches:
            async for batch in batches:
                events += [(stored.seq, stored.payload.decode()) for stored in batch]
                if events[-1][0] >= state.last_seq:
                    break
    return events


async def leader(stack: RunningStack) -> str | None:
    """Name of the orchestrator that leads: the one whose connection holds the lock."""
    ports = {row["client_port"] for row in await stored(stack, LEADER)}
    for name, pid in stack.pids.items():
        if name.startswith("orchestrator"):
            with suppress(psutil.NoSuchProcess):
                connections = psutil.Process(pid).net_connections("tcp")
                if ports & {connection.laddr.port for connection in connections if connection.laddr}:
                    return name
    return None


def decoders(stack: RunningStack) -> list[psutil.Process]:
    """The processes in which the derivatives service decodes."""
    return psutil.Process(stack.pids["derivatives"]).children()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Let a process stand still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def stop_at_work(decoder: psutil.Process) -> None:
    """Stop a decoder while it holds the files of a photo."""
    idle = decoder.num_fds()
    while True:
        while decoder.num_fds() <= idle:
            await asyncio.sleep(0.001)
        decoder.suspend()
        if decoder.num_fds() > idle:
            return
        decoder.resume()  # it had just finished


@dataclass
class Peak:
    """Most bytes that a process and its children held at once."""

    bytes: int = 0


@asynccontextmanager
async def peak_of(pid: int) -> AsyncIterator[Peak]:
    """Look all the time at how much memory the process and its children hold, those that come and go included."""
    peak = Peak()

    async def look() -> None:
        while True:
            peak.bytes = max(peak.bytes, held_by(pid))
            await asyncio.sleep(SAMPLED_EVERY)

    looking = asyncio.create_task(look())
    try:
        yield peak
    finally:
        looking.cancel()
        await asyncio.wait({looking})


def held_by(pid: int) -> int:
    """Bytes that the process and its children hold; what they share is counted for each."""
    process = psutil.Process(pid)
    held = 0
    for one in (process, *process.children()):
        with suppress(psutil.NoSuchProcess):
            held += one.memory_info().rss
    return held
