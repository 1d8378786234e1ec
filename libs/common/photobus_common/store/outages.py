"""Which errors say that the database is away for a while, as opposed to a statement that is wrong."""

from typing import Final

import asyncpg

SESSION_ERRORS: Final = (
    ConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""The connection broke, the server is stopping or starting or out of room, chose this transaction as a deadlock's
victim or ended it for being idle too long: the same again may work. asyncpg names it an internal error when a server is
killed in the moment in which a connection is taken into use. Nothing but the database (or a socket) raises these."""

DATABASE_OUTAGES: Final = (*SESSION_ERRORS, OSError, TimeoutError)
"""The same and what connecting raises, for code that does nothing but talk to the database."""
