"""Databases of tests, as if each were new: cloned from a migrated template, and emptied where that is enough.

A clone costs the machine ten times what it costs to empty the few tables that a test wrote to. One whose schema a test
changed, or that it filled, is dropped.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from typing import Final, Self

import asyncpg
from told import hold_changes

from photobus_common.store.migrate import migrate
from photobus_local.postgres import EmbeddedPostgres

TEMPLATE: Final = "photobus_template"

_MOST_ROWS: Final = 2_000
"""Rows that are worth deleting: what they leave behind slows down those who use the tables next."""

_MOST_USES: Final = 25
"""After so many tests the dead rows of small tables count too."""

_READY: Final = 2
"""Databases that a test finds, or that are on their way."""

_NO_VACUUM: Final = "ALTER SYSTEM SET autovacuum = off"
"""A new database has never been vacuumed when a test uses it, so one that was used before must not be."""

_RELOAD: Final = "SELECT pg_reload_conf()"

_TABLES: Final = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"

_SHAPE: Final = """
SELECT md5(concat_ws(' ',
    (SELECT (count(*), sum(oid::bigint)) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'),
    (SELECT (count(*), sum(oid::bigint)) FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't'),
    (SELECT (count(*), sum(attnum), count(*) FILTER (WHERE attnotnull), count(*) FILTER (WHERE attisdropped))
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attrelid >= 16384 AND c.relpersistence <> 't'),
    (SELECT (count(*), sum(oid::bigint)) FROM pg_attrdef),
    (SELECT (count(*), sum(oid::bigint)) FROM pg_constraint WHERE oid >= 16384),
    (SELECT (count(*), sum(oid::bigint), count(*) FILTER (WHERE tgenabled = 'O')) FROM pg_trigger),
    (SELECT (count(*), sum(oid::bigint), md5(string_agg(prosrc, ' ' ORDER BY oid))) FROM pg_proc WHERE oid >= 16384)
))
"""
"""A word for the schema: a clone's objects have the ids of the template's."""

_END_OTHERS: Final = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_WITHOUT_TRIGGERS: Final = "SET session_replication_role = replica"

_RESTART_SEQUENCES: Final = """
SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL
"""


@dataclass(frozen=True)
class Template:
    """What every database of a test looks like."""

    shape: str
    tables: Sequence[str]
    rows: Mapping[str, bytes]
    """What stands in a table from the beginning, as Postgres copies it."""

    @classmethod
    async def make(cls, server: EmbeddedPostgres) -> Self:
        """Make it, migrated."""
        for statement in (_NO_VACUUM, _RELOAD, f"CREATE DATABASE {TEMPLATE}"):
            await _execute(server.dsn_of("postgres"), statement)
        await migrate(server.dsn_of(TEMPLATE))
        connection = await asyncpg.connect(server.dsn_of(TEMPLATE))
        try:
            await hold_changes(connection)
            tables = [row["relname"] for row in await connection.fetch(_TABLES)]
            rows = {}
            for table in await connection.fetchval(_written(tables)):
                copy = BytesIO()
                await connection.copy_from_table(table, output=copy, format="binary")
                rows[table] = copy.getvalue()
            return cls(await connection.fetchval(_SHAPE), tables, rows)
        finally:
            await connection.close()

    async def restore(self, dsn: str) -> bool:
        """Make the database at ``dsn`` what it was at first, or say that it is not worth it."""
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(_END_OTHERS)
            if await connection.fetchval(_SHAPE) != self.shape:
                return False
            deleted = 0
            async with connection.transaction():
                await connection.execute(_WITHOUT_TRIGGERS)
                for table in await connection.fetchval(_written(self.tables)):
                    deleted += int((await connection.execute(f"DELETE FROM {table}")).split()[-1])  # noqa: S608 - a name of ours
                for table, rows in self.rows.items():
                    await connection.copy_to_table(table, source=BytesIO(rows), format="binary")
                await connection.execute(_RESTART_SEQUENCES)
            return deleted <= _MOST_ROWS
        finally:
            await connection.close()


class Clones:
    """The supply of databases: the next one is made ready while a test runs."""

    def __init__(self, server: EmbeddedPostgres, template: Template) -> None:
        self._server = server
        self._template = template
        self._numbers = count(1)
        self._uses: Counter[str] = Counter()
        self._ready: asyncio.Queue[str | Exception] = asyncio.Queue()
        self._preparing: set[asyncio.Task[None]] = set()
        self._prepare(self._make())

    async def take(self) -> str:
        """Return the name of a database that nobody else has."""
        if self._ready.qsize() + len(self._preparing) < _READY:
            self._prepare(self._make())
        name = await self._ready.get()
        if isinstance(name, Exception):
            raise name
        self._uses[name] += 1
        return name

    def give_back(self, name: str) -> None:
        """Restore a database, or replace it."""
        self._prepare(self._restored(name))

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._preparing)

    def _prepare(self, making: Coroutine[None, None, str]) -> None:
        task = asyncio.create_task(self._put(making))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    async def _put(self, making: Coroutine[None, None, str]) -> None:
        try:
            self._ready.put_nowait(await making)
        except Exception as error:  # noqa: BLE001 - the next test fails of it
            self._ready.put_nowait(error)

    async def _make(self) -> str:
        name = f"test_{next(self._numbers)}"
        # A copy of the files is half the work of one through the log, where nothing has to survive a crash.
        make = f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY"
        await _execute(self._server.dsn_of("postgres"), make)
        return name

    async def _restored(self, name: str) -> str:
        if self._uses[name] < _MOST_USES and await self._template.restore(self._server.dsn_of(name)):
            return name
        await _execute(self._server.dsn_of("postgres"), f"DROP DATABASE {name} WITH (FORCE)")
        return await self._make()


def _written(tables: Sequence[str]) -> str:
    """Return the query for those of ``tables`` that have rows."""
    cases = ", ".join(f"CASE WHEN EXISTS (SELECT FROM {table}) THEN '{table}' END" for table in tables)
    return f"SELECT array_remove(ARRAY[{cases}]::text[], NULL)"


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
