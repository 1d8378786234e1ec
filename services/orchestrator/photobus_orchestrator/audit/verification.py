"""Everything at once: log, stream, rows and outbox, seen in one moment."""

from typing import Final

from photobus_common.config import Nats
from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_orchestrator.audit import catalogue
from photobus_orchestrator.audit.archive import check_rows
from photobus_orchestrator.audit.replays import compare_with_log
from photobus_orchestrator.audit.report import Report, Section
from photobus_orchestrator.audit.snapshot import snapshot_of
from photobus_orchestrator.audit.stream import StreamCheck

BEYOND_CURSOR = "SELECT seq FROM event_log WHERE seq > $1 ORDER BY seq"

# Events leave the outbox some time after they were archived; until then both have them.
WAITING = """
SELECT count(*) AS events, min(created_at) AS since FROM outbox
WHERE kind = 'event' AND NOT EXISTS (SELECT FROM event_log WHERE event_id = outbox.id)
HAVING count(*) > 0
"""

TOLD_TWICE = """
SELECT o.id, e.seq FROM outbox o JOIN event_log e ON e.event_id = o.id
WHERE o.kind = 'event' AND convert_from(o.payload, 'UTF8') <> e.payload
"""

WITHOUT_STREAM: Final = "the stream was left out"


async def verify(dsn: str, server: Nats | None) -> Report:
    """Check all that can be checked, the stream only with a ``server``. Raises ``CannotAuditError``."""
    async with snapshot_of(dsn) as connection:
        report = Report()
        await compare_with_log(connection, dsn, report, check_rows)
        await _rows_beyond_cursor(connection, report.sections[0])
        await report.section("catalogue").differ_by(catalogue.differences(connection))
        await _stream(connection, server, report.section("stream"))
        await _outbox(connection, report.section("outbox"))
        return report


async def _rows_beyond_cursor(connection: Connection, section: Section) -> None:
    cursor = await event_log.read_cursor(connection)
    async for row in connection.cursor(BEYOND_CURSOR, cursor.seq):
        section.differ(f"event_log {row['seq']}: lies behind the cursor, which stands at {cursor.seq}")


async def _stream(connection: Connection, server: Nats | None, section: Section) -> None:
    if server is None:
        section.seen.append(WITHOUT_STREAM)
        return
    await StreamCheck(connection, await event_log.read_cursor(connection), section).run(server)


async def _outbox(connection: Connection, section: Section) -> None:
    """Say what waits, which is no fault; an event that is archived already must be the very same there."""
    for row in await connection.fetch(WAITING):
        section.seen.append(f"{row['events']} events wait to be archived, the oldest since {row['since']}")
    async for row in connection.cursor(TOLD_TWICE):
        section.differ(f"outbox {row['id']}: says something else than event_log {row['seq']}, which has its id")
