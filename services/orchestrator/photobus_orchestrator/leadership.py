"""Who folds: one orchestrator leads, the others stand by and take over within seconds.

Leading means to hold an advisory lock on a connection that does nothing else, so that it ends with the connection,
whatever the reason. The lock only keeps replicas from getting in each other's way; that nothing counts twice is the
work of the cursor.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from photobus_common.config import Postgres
from photobus_common.errors import PhotobusError
from photobus_common.logging import get_logger
from photobus_common.store.event_log import PARTITION
from photobus_common.store.outages import DATABASE_OUTAGES

LOCK_CLASS: Final = 0x666F6C64
"""``fold``: the first half of the lock's key; the second is the partition."""

ASK_SECONDS: Final = 0.5
"""Between two attempts of a replica that stands by. Asking beats waiting inside Postgres, which would hold a snapshot
open for as long as the leader lives and keep every table from being cleaned."""

CHECK_SECONDS: Final = 1.0
"""Between two checks of the leader's connection."""

ANSWER_SECONDS: Final = 5.0
"""A connection that does not answer for so long is lost."""

_KEEPALIVES: Final = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
"""Lets Postgres notice within about ten seconds that a leader's machine is gone, and give up its lock."""

TRY_LOCK = "SELECT pg_try_advisory_lock($1, $2)"

ALIVE = "SELECT 1"

log = get_logger()


class LeadershipLostError(PhotobusError):
    """The connection that holds the lock is gone; another orchestrator may lead by now."""

    code = "leadership_lost"


class Leadership:
    """The lock while it is held."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._ended = asyncio.Event()
        connection.add_termination_listener(lambda _connection: self._ended.set())

    async def hold(self) -> None:
        """Return never; raises ``LeadershipLostError`` when the lock is no longer ours."""
        while True:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._ended.wait()
                raise LeadershipLostError("The connection that holds the leader's lock ended.")
            except TimeoutError:
                await self._check()

    async def _check(self) -> None:
        try:
            await self._connection.execute(ALIVE, timeout=ANSWER_SECONDS)
        except DATABASE_OUTAGES as error:
            raise LeadershipLostError(f"The connection that holds the leader's lock is of no use: {error}") from error


@asynccontextmanager
async def leadership(settings: Postgres, partition: int = PARTITION) -> AsyncIterator[Leadership]:
    """Wait until this process leads; on leaving, let go."""
    connection = await asyncpg.connect(
        settings.dsn,
        timeout=ANSWER_SECONDS,
        command_timeout=ANSWER_SECONDS,
        server_settings={"application_name": "orchestrator-leader", **_KEEPALIVES},
    )
    try:
        standing_by = False
        while not await connection.fetchval(TRY_LOCK, LOCK_CLASS, partition):
            if not standing_by:
                log.info("standing_by")
            standing_by = True
            await asyncio.sleep(ASK_SECONDS)
        log.info("leading")
        yield Leadership(connection)
    finally:
        connection.terminate()
