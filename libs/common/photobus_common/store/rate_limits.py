"""How often something was done lately, by whom, counted for all gateways together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from photobus_common.store.database import Connection

# What was refused counts as nothing, so that asking in vain does not prolong the wait.
COUNT_HIT: Final = """
INSERT INTO rate_limits AS r (key, hits, admitted) VALUES ($1, ARRAY[now()], true)
ON CONFLICT (key) DO UPDATE SET (hits, admitted) = (
    SELECT CASE WHEN count(*) < $2 THEN array_agg(hit ORDER BY hit) || now() ELSE array_agg(hit ORDER BY hit) END,
        count(*) < $2
    FROM unnest(r.hits) AS hit WHERE hit > now() - $3::interval
), used_at = now()
RETURNING hits, admitted, now() AS now
"""

DROP_UNUSED: Final = "DELETE FROM rate_limits WHERE used_at < now() - $1::interval"


@dataclass(frozen=True)
class Allowance:
    """Whether the hit was admitted, how many more are, and in how many seconds the oldest one stops counting."""

    admitted: bool
    remaining: int
    reset_seconds: float


async def count_hit(connection: Connection, key: str, most: int, window: timedelta) -> Allowance:
    """Count one hit of ``key`` unless there were ``most`` within ``window``."""
    (row,) = await connection.fetch(COUNT_HIT, key, most, window)
    hits: list[datetime] = row["hits"]
    return Allowance(row["admitted"], most - len(hits), (hits[0] + window - row["now"]).total_seconds())


async def drop_unused(connection: Connection, window: timedelta) -> None:
    """Forget keys without a hit within ``window``."""
    await connection.execute(DROP_UNUSED, window)
