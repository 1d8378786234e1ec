"""The connection pool to Postgres, its least version, and JSON handled as Python objects."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import asyncpg

from photobus_common.config import Postgres
from photobus_common.errors import ConfigurationError

LEAST_VERSION: Final = 16

ANSWER: Final = "SELECT"

SILENCE: Final = "idle_in_transaction_session_timeout"

Connection = asyncpg.pool.PoolConnectionProxy | asyncpg.Connection


class Database:
    """A pool of connections. Importing this opens nothing; ``open`` does."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, settings: Postgres, application: str, silence_seconds: float | None = None) -> Self:
        """Connect as ``application`` (shown in ``pg_stat_activity``); raises ``ConfigurationError`` when too old.

        A transaction in which nothing is said for ``silence_seconds`` is ended by the server, so that a process that is
        stopped in the middle of one keeps others from its rows no longer than that.
        """
        limits = {} if silence_seconds is None else {SILENCE: f"{round(silence_seconds * 1000)}ms"}
        pool = await asyncpg.create_pool(
            settings.dsn,
            min_size=2,
            max_size=settings.pool_size,
            command_timeout=settings.command_timeout_seconds,
            init=_prepare,
            reset=_keep,
            server_settings={"application_name": application, "timezone": "UTC", "jit": "off", **limits},
        )
        async with pool.acquire() as connection:
            major = connection.get_server_version().major
        if major < LEAST_VERSION:
            await pool.close()
            raise ConfigurationError(f"Postgres {major} is too old; photobus needs {LEAST_VERSION} or later.")
        return cls(pool)

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        await self._pool.close()

    async def reach(self) -> None:
        """Return when the server has answered."""
        async with self.connection() as connection:
            await connection.execute(ANSWER)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for reading."""
        connection = await self._acquire()
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction that commits on leaving and rolls back on an error."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def _acquire(self) -> asyncpg.pool.PoolConnectionProxy:
        """Take a connection; no way to the server, of whatever kind, is told as a connection that failed."""
        try:
            return await self._pool.acquire()
        except ConnectionError:
            raise
        except OSError as error:
            raise ConnectionError(f"The database cannot be reached: {error}") from error


async def _keep(_connection: asyncpg.Connection) -> None:
    """Leave the session as it is: settings and locks are taken for a transaction only, so there is nothing to undo.

    An open transaction is rolled back all the same. Undoing everything else would cost each use a round trip more.
    """


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=_to_json, decoder=json.loads, schema="pg_catalog")


def _to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
