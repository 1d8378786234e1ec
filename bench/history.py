"""History out of a long archive: of one photo, of a project, of a task, the audit, and tasks as of a place in it.

5,000,000 events over 1,000,000 photos, seeded by COPY; ``PHOTOBUS_BENCH_EVENTS`` takes another number, with a photo for
each five. What is timed is a page of 100 over HTTP, from the request to the answer that is read, at a gateway in this
process; beside it, in turn, the bare reading of one event by its primary key on one connection.
"""

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from gateway_server import Gateway, running_gateway

from bench.past import ACTORS, BEGIN, BETWEEN, COLUMNS, SCHEDULE, TENANT, Past, Row, task_id
from bench.report import Figure, percentile, show
from bench.stack import own_folder
from photobus_common.bus.connection import Broker
from photobus_common.bus.provisioning import provision
from photobus_common.config import Library as LibrarySettings
from photobus_common.config import Nats, Postgres, Settings
from photobus_common.storage.library import Library
from photobus_common.store.database import Connection, Database
from photobus_common.store.history import BY_SEQUENCE
from photobus_common.store.keyset import Cursor
from photobus_common.store.migrate import migrate
from photobus_local.nats import EmbeddedNats
from photobus_local.postgres import EmbeddedPostgres

EVENTS: Final = int(os.environ.get("PHOTOBUS_BENCH_EVENTS", "5000000"))
PHOTOS: Final = EVENTS // 5
FRESH: Final = 5_000
"""Events that came since the archive was last looked after, as Postgres does by itself now and then."""

REPEATS: Final = 200
ENOUGH_MS: Final = 20_000
"""Up to how long the same is asked again."""

PORTION: Final = 20_000
TARGET: Final = "≤ 20"

SEED_PROJECTS: Final = """
INSERT INTO projects (tenant, name, folder) SELECT $1, 'Shoot ' || i, 'Shoot ' || i FROM generate_series(1, $2::int) i
"""
SEED_TENANT: Final = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, 'Bench', $2)"
INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = 'event_log' AND indexname NOT IN ('event_log_pkey', 'event_log_event_id_key')
"""
SEED_CURSOR: Final = "INSERT INTO fold_cursor (partition, seq, hash) SELECT 0, max(seq), $1 FROM event_log"
READ_ONE: Final = "SELECT payload FROM event_log WHERE seq = $1"
SIZES: Final = """
SELECT sum(octet_length(payload))::float8 / count(*) AS payload, pg_table_size('event_log')::float8 / count(*) AS heap,
    pg_indexes_size('event_log')::float8 / count(*) AS indexes
FROM event_log
"""


@dataclass
class Timed:
    """Milliseconds of some requests, and of the bare reads in turn with them."""

    asked: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def figures(self, name: str, aim: str = "") -> list[Figure]:
        """Return median, p95 and the ratio of the medians."""
        return [
            Figure(f"{name}, p50", percentile(self.asked, 50), "ms", aim),
            Figure(f"{name}, p95", percentile(self.asked, 95), "ms", aim),
            Figure(f"{name}, in bare reads of one event", percentile(self.asked, 50) / percentile(self.bare, 50), ""),
        ]


async def main() -> None:
    """Measure and show."""
    past = Past(EVENTS + FRESH, PHOTOS)
    rows = past.rows()
    async with _gateway() as gateway, gateway.database.connection() as connection:
        began = time.perf_counter()
        await _seed(connection, rows)
        print(f"  {EVENTS:,} events seeded in {time.perf_counter() - began:.0f} s")
        sizes: Any = await connection.fetchrow(SIZES)
        figures = [Figure(f"bytes an event: {name}", sizes[name], "B") for name in ("payload", "heap", "indexes")]
        photo = _Asked(gateway, connection, past)
        figures += (await photo.times(photo.of_photo)).figures("history of a photo", TARGET)
        await _copy(connection, rows, FRESH)
        await connection.execute(SEED_PROJECTS, TENANT, past.projects)
        await connection.execute(SEED_CURSOR, bytes(32))
        after = f"the same, {FRESH:,} events after a vacuum"
        figures += (await photo.times(photo.of_photo)).figures(after, TARGET)
        for name, path in photo.others():
            figures += (await photo.times(path)).figures(name)
    show("history", figures)


@asynccontextmanager
async def _gateway() -> AsyncIterator[Gateway]:
    """Run a gateway on a database and a broker of its own, under the settings by which photobus brings them."""
    with own_folder() as folder:
        postgres, nats = EmbeddedPostgres(folder / "postgres"), EmbeddedNats(folder / "nats")
        await postgres.start()
        await nats.start()
        try:
            await migrate(postgres.dsn)
            async with _opened(_settings(folder, postgres, nats)) as gateway:
                yield gateway
        finally:
            await nats.stop()
            await postgres.stop()


def _settings(folder: Path, postgres: EmbeddedPostgres, nats: EmbeddedNats) -> Settings:
    return Settings(
        nats=Nats(url=nats.url, user=nats.user, password=nats.password),
        postgres=Postgres(dsn=postgres.dsn, command_timeout_seconds=3600),
        library=LibrarySettings(root=folder / "library"),
    )


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Gateway]:
    database = await Database.open(settings.postgres, "bench")
    broker = await Broker.open(settings.nats, "bench")
    await provision(broker, settings, archived_seq=0)
    library, library_id = Library(settings.library.root), uuid4()
    library.init_tenant(TENANT, library_id)
    async with database.transaction() as connection:
        await connection.execute(SEED_TENANT, TENANT, library_id)
    try:
        async with running_gateway(settings, database, broker, library, TENANT) as gateway:
            yield gateway
    finally:
        await broker.close()
        await database.close()


async def _seed(connection: Connection, rows: Iterator[Row]) -> None:
    """Fill the archive; its indexes are made at the end, which takes a fraction of the time."""
    indexes = await connection.fetch(INDEXES)
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    await _copy(connection, rows, EVENTS)
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for index in indexes:
        await connection.execute(index["indexdef"])
    await connection.execute("VACUUM ANALYZE event_log")


async def _copy(connection: Connection, rows: Iterator[Row], number: int) -> None:
    for first in range(0, number, PORTION):
        portion = [next(rows) for _ in range(min(PORTION, number - first))]
        await connection.copy_records_to_table("event_log", records=portion, columns=COLUMNS)


class _Asked:
    """Asks for pages of histories, of something else each time."""

    def __init__(self, gateway: Gateway, connection: Connection, past: Past) -> None:
        self._gateway = gateway
        self._connection = connection
        self._past = past
        self._random = Random(2)

    async def times(self, path: Callable[[], str]) -> Timed:
        """Ask again and again, in turn with a bare read, so that a machine whose speed drifts is fair to both."""
        timed = Timed()
        while len(timed.asked) < REPEATS and sum(timed.asked) < ENOUGH_MS:
            seq, asked = self._seq(), path()
            began = time.perf_counter()
            answer = await self._gateway.get(asked)
            between = time.perf_counter()
            await self._connection.fetchval(READ_ONE, seq)
            timed.asked.append((between - began) * 1000)
            timed.bare.append((time.perf_counter() - between) * 1000)
            if answer.status != 200 or not answer.body["items"]:
                raise RuntimeError(f"{asked} is answered with {answer.status}: {answer.body}")
        return timed

    def of_photo(self) -> str:
        """Return the address of a photo's history."""
        return f"/api/photos/{self._random.randint(1, self._past.photo)}/history"

    def others(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the other pages with their names; the first project has a tenth of all photos."""
        yield "history of a project, first page", lambda: f"/api/projects/{self._folder()}/history"
        yield "history of a large project, first page", lambda: "/api/projects/Shoot%201/history"
        yield "history of a large project, deep page", lambda: f"/api/projects/Shoot%201/history?{self._cursor()}"
        yield "events of a task", lambda: f"/api/tasks/{self._task()}/events"
        yield "audit, deep page", lambda: f"/api/audit?{self._cursor()}"
        yield "audit by actor, deep page", lambda: f"/api/audit?actor={self._actor()}&{self._cursor()}"
        yield "audit by type, deep page", lambda: f"/api/audit?type=PhotosMoved&type=KeepChanged&{self._cursor()}"
        yield "audit by actor and type", lambda: f"/api/audit?type=TaskRequested&actor={SCHEDULE}"
        yield "audit of a day", lambda: f"/api/audit?{self._day()}"
        yield "tasks as of a place", lambda: f"/api/tasks?as_of={self._seq()}"
        yield "completed tasks as of a place", lambda: f"/api/tasks?as_of={self._seq()}&status=completed"

    def _seq(self) -> int:
        return self._random.randint(max(EVENTS // 10, 10_000), EVENTS)

    def _cursor(self) -> str:
        seq = self._seq()
        return f"cursor={Cursor(BY_SEQUENCE.word, seq, seq).encode()}"

    def _folder(self) -> str:
        return quote(f"Shoot {self._random.randint(2, self._past.projects - 1)}")

    def _task(self) -> str:
        return str(task_id(self._random.randint(1, self._past.tasks - 1)))

    def _actor(self) -> str:
        return self._random.choice(ACTORS)

    def _day(self) -> str:
        first = BEGIN + BETWEEN * self._seq()
        last = first + 24 * 60 * BETWEEN
        return f"from={quote(first.isoformat())}&to={quote(last.isoformat())}"
