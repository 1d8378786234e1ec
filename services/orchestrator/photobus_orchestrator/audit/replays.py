"""Replays: the whole archive folded once more, and compared with what callers see, or put in its place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from photobus_common.events import UnreadableEventError
from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_common.store.event_log import Cursor, Entry
from photobus_orchestrator.audit import columns
from photobus_orchestrator.audit.chain import Chain
from photobus_orchestrator.audit.leader import nobody_leads
from photobus_orchestrator.audit.projections import READ, Projections
from photobus_orchestrator.audit.report import Report, Section
from photobus_orchestrator.audit.snapshot import CannotAuditError, connection_to, snapshot_of
from photobus_orchestrator.fold import Received, read_event

PAGE: Final = 5000

KEEP_WRITERS_OUT = "LOCK TABLE fold_cursor, tasks, jobs, task_items, task_projects IN SHARE ROW EXCLUSIVE MODE"

# An orchestrator that lost its lead without knowing it may have read states, and would write what follows from them:
# its transaction ends before this is granted, or the two wait for each other, and Postgres ends one.
KEEP_READERS_OUT = "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"


@dataclass
class Replay:
    """One walk through the archive, from its first event to the cursor.

    With ``every`` event decoded, not only those that the fold reads, the columns of each are compared with its payload.
    """

    connection: Connection
    every: bool = False
    log: Section = field(default_factory=lambda: Section("archive"))
    rows: Section = field(default_factory=lambda: Section("tasks and jobs"))

    async def run(self) -> Projections:
        """Take what is wrong with the log; returns what follows from it."""
        cursor = await event_log.read_cursor(self.connection)
        chain, projections = Chain(), Projections(self.connection)
        await projections.begin()
        async for page in event_log.entries_between(self.connection, 0, cursor.seq, PAGE):
            await projections.fold(list(self._read(page, chain)))
        self.log.differ_all(chain.end(cursor))
        await self.log.differ_by(projections.end(cursor))
        self.log.seen += chain.said()
        self._say_cursor(cursor, chain)
        return projections

    async def compare(self, projections: Projections) -> None:
        """Take how the present rows differ."""
        await self.rows.differ_by(projections.differences())
        self.rows.seen += [f"{number} {table}" for table, number in (await projections.counts()).items()]

    def _read(self, page: Sequence[Entry], chain: Chain) -> Iterator[Received]:
        for entry in page:
            self.log.differ_all(chain.take(entry))
            if not self.every and entry.type not in READ:
                continue
            try:
                received = read_event(entry.seq, entry.payload.encode())
            except UnreadableEventError as error:
                self.log.differ(f"event_log {entry.seq}: {error.public_message}")
                continue
            if self.every:
                self.log.differ_all(columns.differences(entry, received))
            yield received

    def _say_cursor(self, cursor: Cursor, chain: Chain) -> None:
        if cursor.seq > chain.last:
            self.log.seen.append(f"read up to {cursor.seq}, where nothing new came after {chain.last}")


async def replay(dsn: str) -> list[str]:
    """Rebuild tasks, jobs and snapshots from the archive and return every difference, one sentence each."""
    report = await report_of_replay(dsn)
    return [line for section in report.sections for line in section.differences]


async def report_of_replay(dsn: str) -> Report:
    """Do the same, and say besides what was seen. Raises ``CannotAuditError``."""
    async with snapshot_of(dsn) as connection:
        walk = Replay(connection)
        await walk.compare(await walk.run())
        return Report([walk.log, walk.rows])


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
        walk = Replay(connection, every=True)
        projections = await walk.run()
        if walk.log.found:
            raise CannotAuditError(f"The log is not whole, and nothing was changed: {walk.log.differences[0]}")
        await connection.execute(KEEP_READERS_OUT)
        changed = await projections.put_in_place()
        await projections.leave()
    return changed
