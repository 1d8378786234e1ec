"""Keeping orchestrators from folding while the audit writes what only they write."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from photobus_common.store.event_log import PARTITION
from photobus_orchestrator.audit.snapshot import CannotAuditError, connection_to
from photobus_orchestrator.leadership import LOCK_CLASS, TRY_LOCK

LOOK_SECONDS: Final = 0.05

LOCK = "SELECT pg_advisory_lock($1, $2)"

UNLOCK = "SELECT pg_advisory_unlock($1, $2)"

WAITS = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND locktype = 'advisory' AND NOT granted"

END_LEADER = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND classid::bigint = $1 AND objid::bigint = $2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@asynccontextmanager
async def nobody_leads(connection: asyncpg.Connection, displace_by: str | None = None) -> AsyncIterator[None]:
    """Hold the leader's lock on ``connection``, so that every orchestrator stands by.

    One that leads is made to stand by over the database ``displace_by``; without it ``CannotAuditError`` is raised.
    """
    if not await connection.fetchval(TRY_LOCK, LOCK_CLASS, PARTITION):
        if displace_by is None:
            raise CannotAuditError("An orchestrator leads: stop all of them first.")
        await _displace(connection, displace_by)
    yield
    await connection.fetchval(UNLOCK, LOCK_CLASS, PARTITION)


async def _displace(connection: asyncpg.Connection, dsn: str) -> None:
    """Queue for the lock, then end the connection of who has it: orchestrators only ask and never queue."""
    pid = connection.get_server_pid()
    locking = asyncio.create_task(connection.execute(LOCK, LOCK_CLASS, PARTITION))
    try:
        async with connection_to(dsn) as other:
            # It stands in the queue before the present leader goes, lest another orchestrator be quicker.
            while not locking.done() and not await other.fetchval(WAITS, pid):  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(LOOK_SECONDS)
            if not locking.done():
                await other.execute(END_LEADER, LOCK_CLASS, PARTITION)
            await locking
    except asyncpg.InsufficientPrivilegeError as error:
        raise CannotAuditError(f"The orchestrator that leads cannot be made to step aside: {error}.") from error
    finally:
        locking.cancel()
