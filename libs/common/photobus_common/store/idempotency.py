"""Answers kept by Idempotency-Key: reserved and filled in the transaction that they answer for.

A second transaction with the same key waits on the first one's row, so that concurrent repeats have one effect.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from photobus_common.store.database import Connection


@dataclass(frozen=True)
class Kept:
    """What was answered to the first request with the key."""

    request_sha256: bytes
    status: int
    response: Any


RESERVE_KEY: Final = """
INSERT INTO idempotency_keys AS k (tenant, key, request_sha256, status, response) VALUES ($1, $2, $3, 0, 'null')
ON CONFLICT (tenant, key) DO UPDATE SET request_sha256 = excluded.request_sha256, created_at = now()
    WHERE k.created_at < now() - $4::interval
RETURNING key
"""

KEPT_ANSWER: Final = "SELECT request_sha256, status, response FROM idempotency_keys WHERE tenant = $1 AND key = $2"

KEEP_ANSWER: Final = "UPDATE idempotency_keys SET status = $3, response = $4 WHERE tenant = $1 AND key = $2"

DROP_EXPIRED: Final = "DELETE FROM idempotency_keys WHERE created_at < now() - $1::interval"


async def reserve(connection: Connection, tenant: str, key: str, request_sha256: bytes, keep: timedelta) -> Kept | None:
    """Take the key for this transaction and return None; or return what was answered to it within ``keep``."""
    if await connection.fetchval(RESERVE_KEY, tenant, key, request_sha256, keep) is not None:
        return None
    (row,) = await connection.fetch(KEPT_ANSWER, tenant, key)
    return Kept(**row)


async def keep_answer(connection: Connection, tenant: str, key: str, status: int, response: Any) -> None:
    """Keep the answer to the key that this transaction reserved."""
    await connection.execute(KEEP_ANSWER, tenant, key, status, response)


async def drop_expired(connection: Connection, keep: timedelta) -> None:
    """Forget answers that are older than ``keep``."""
    await connection.execute(DROP_EXPIRED, keep)
