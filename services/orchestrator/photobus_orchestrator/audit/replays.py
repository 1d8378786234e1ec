"""Replays: the whole archive folded once more, and compared with what callers see, or put in its place."""

from collections.abc import Awaitable, Callable

from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_common.store.event_log import Cursor
from photobus_orchestrator.audit.archive import check_rows, follow_chain
from photobus_orchestrator.audit.garbage import rarely_collected
from photobus_orchestrator.audit.leader import nobody_leads
from photobus_orchestrator.audit.projections import ALL, DECIDED, TABLES, Projections
from photobus_orchestrator.audit.report import Report, Section
from photobus_orchestrator.audit.shares import compare
from photobus_orchestrator.audit.snapshot import CannotAuditError, connection_to, snapshot_of

ArchiveCheck = Callable[[Connection, Cursor, Section], Awaitable[None]]

COUNT_DECISIONS = "SELECT count(*) FROM event_log WHERE seq <= $1 AND type = ANY($2::text[])"

COUNT_ROWS = "SELECT count(*) FROM {table}"

KEEP_WRITERS_OUT = "LOCK TABLE fold_cursor, tasks, jobs, task_items, task_projects IN SHARE ROW EXCLUSIVE MODE"

# An orchestrator that lost its lead without knowing it may have read states, and would write what follows from them:
# its transaction ends before this is granted, or the two wait for each other, and Postgres ends one.
KEEP_READERS_OUT = "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"


async def replay(dsn: str) -> list[str]:
    """Rebuild tasks, jobs and snapshots from the archive and return every difference, one sentence each."""
    report = await report_of_replay(dsn)
    return [line for section in report.sections for line in section.differences]


async def report_of_replay(dsn: str) -> Report:
    """Do the same, and say besides what was seen. Raises ``CannotAuditError``."""
    async with snapshot_of(dsn) as connection:
        report = Report()
        await compare_with_log(connection, dsn, report, follow_chain)
        return report


async def compare_with_log(connection: Connection, dsn: str, report: Report, check: ArchiveCheck) -> None:
    """Add to ``report`` what ``check`` finds in the archive, and how rows differ from what follows from it."""
    log, rows = report.section("archive"), report.section("tasks and jobs")
    cursor = await event_log.read_cursor(connection)
    comparisons = await compare(connection, dsn, check(connection, cursor, log))
    for one in comparisons:
        log.absorb(one.log)
        rows.absorb(one.rows)
    await _check_decisions(connection, cursor, sum(one.decisions for one in comparisons), log)
    rows.seen += [f"{await connection.fetchval(COUNT_ROWS.format(table=table))} {table}" for table in TABLES]


async def put_in_place(dsn: str, *, displace: bool = False) -> int:
    """Make tasks, jobs and snapshots what follows from the archive; returns the number of rows taken out or written.

    An orchestrator that leads stands by meanwhile, with ``displace``. Raises ``CannotAuditError``, having changed
    nothing, when one leads without that, and when the log is not whole: so would be what follows from it.
    """
    async with (
        connection_to(dsn) as connection,
        nobody_leads(connection, dsn if displace else None),
        connection.transaction(isolation="repeatable_read"),
    ):
        await connection.execute(KEEP_WRITERS_OUT)
        return await put_what_follows(connection, "The log is not whole, and nothing was changed")


async def put_what_follows(connection: Connection, refusal: str) -> int:
    """Do it in the transaction of ``connection``; a log that is not whole raises ``CannotAuditError``."""
    cursor, log = await event_log.read_cursor(connection), Section("archive")
    projections = Projections(connection, ALL)
    with rarely_collected():
        await check_rows(connection, cursor, log)
        await projections.fold(cursor, log)
    await _check_decisions(connection, cursor, projections.decisions, log)
    if log.found:
        raise CannotAuditError(f"{refusal}: {log.differences[0]}")
    await connection.execute(KEEP_READERS_OUT)
    changed = await projections.put_in_place()
    await projections.leave()
    return changed


async def _check_decisions(connection: Connection, cursor: Cursor, used: int, log: Section) -> None:
    in_log = await connection.fetchval(COUNT_DECISIONS, cursor.seq, list(DECIDED))
    if in_log != used:
        log.differ(f"event_log: of {in_log} decisions, {used} follow from a fact of the log")
