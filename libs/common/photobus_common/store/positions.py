"""Places in the log by time: up to which sequence it had come at a moment."""

from datetime import datetime
from typing import Final

from photobus_common.store.database import Connection

NEIGHBOURS: Final = 100
"""How many events after a moment are looked at."""

# The archive is in the order of the stream; clocks of several machines, and events that waited while the broker was
# away, make the times in it almost rise. Of the next events by time the first in the log marks the place.
POSITION_AT: Final = """
SELECT coalesce(
    (SELECT min(seq) - 1 FROM (
        SELECT seq FROM event_log WHERE tenant = $1 AND time > $2 ORDER BY time LIMIT $3
    ) AS later),
    (SELECT max(seq) FROM fold_cursor),
    0
)
"""

# The same from the other side: of the events before by time, the last one in the log.
LAST_UNTIL: Final = """
SELECT coalesce(max(seq), 0) FROM (
    SELECT seq FROM event_log WHERE tenant = $1 AND time <= $2 ORDER BY time DESC LIMIT $3
) AS earlier
"""


async def position_at(connection: Connection, tenant: str, moment: datetime) -> int:
    """Return the sequence up to which the tenant's log had come at ``moment``; 0 when there was nothing yet.

    No event of a later time is before it, but for such whose clock was wrong or who waited long for the broker.
    """
    return int(await connection.fetchval(POSITION_AT, tenant, moment, NEIGHBOURS))


async def last_until(connection: Connection, tenant: str, moment: datetime) -> int:
    """Return the sequence after which the tenant's log tells of nothing that was until ``moment``; 0 if of nothing.

    Beyond ``position_at`` lie events that came into the log late.
    """
    return int(await connection.fetchval(LAST_UNTIL, tenant, moment, NEIGHBOURS))
