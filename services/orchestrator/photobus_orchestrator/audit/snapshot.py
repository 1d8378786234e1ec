"""One snapshot of the database for a whole audit, however long that takes, beside whoever works on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg

from photobus_common.errors import PhotobusError
from photobus_common.store.database import Connection
from photobus_common.store.outages import DATABASE_OUTAGES, SESSION_ERRORS

CLOSE_SECONDS: Final = 5.0

SEE_THE_SAME = "SET TRANSACTION SNAPSHOT '{name}'"

_SETTINGS: Final = {"application_name": "audit", "timezone": "UTC", "jit": "off"}


class CannotAuditError(PhotobusError):
    """The audit could not be made, or is refused; nothing was changed."""

    code = "cannot_audit"


@asynccontextmanager
async def connection_to(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect; raises ``CannotAuditError`` when that fails, or when what is asked is no database of photobus."""
    try:
        connection = await asyncpg.connect(dsn, server_settings=_SETTINGS)
    except (*DATABASE_OUTAGES, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise CannotAuditError(f"The database cannot be opened: {error}") from error
    try:
        yield connection
    except asyncpg.UndefinedTableError as error:
        raise CannotAuditError(f"This is no database of this version of photobus: {error}.") from error
    except SESSION_ERRORS as error:
        if isinstance(error, BrokenPipeError):
            raise  # nobody reads what the audit writes
        raise CannotAuditError(f"The database did not go on: {error}") from error
    finally:
        with suppress(*DATABASE_OUTAGES):
            await connection.close(timeout=CLOSE_SECONDS)


@asynccontextmanager
async def snapshot_of(dsn: str, name: str | None = None) -> AsyncIterator[Connection]:
    """Open a transaction that sees one moment, or the snapshot ``name`` of another one, and of which nothing stays."""
    async with connection_to(dsn) as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        if name is not None:
            await connection.execute(SEE_THE_SAME.format(name=name))
        yield connection
        await transaction.rollback()  # what ends by an error ends with its connection
