"""Imports: a log that was exported whole, with positions, put into an archive that holds nothing yet.

All or nothing: one transaction takes the events, the cursor and the tasks and jobs that follow from them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Final

import asyncpg

from photobus_common.events import UnreadableEventError
from photobus_common.events.envelope import MAX_EVENT_BYTES
from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_common.store.event_log import PARTITION, Entry
from photobus_common.store.migrate import migrate
from photobus_orchestrator.audit.leader import nobody_leads
from photobus_orchestrator.audit.replays import put_what_follows
from photobus_orchestrator.audit.snapshot import CannotAuditError, connection_to
from photobus_orchestrator.fold import archived, read_event

PAGE: Final = 2000

LONGEST_LINE: Final = MAX_EVENT_BYTES + 1024
"""Bytes of a line: an event in its envelope."""

_LINE: Final = re.compile(rb'\{"seq":(\d{1,18}),"hash":"([0-9a-f]{64})","event":(\{.*\})\}\n', re.DOTALL)

_END: Final = re.compile(rb'\{"end":(\{[^{}]*\})\}\n?')

_COLUMNS: Final = [field.name for field in fields(Entry)]

FULL_TABLES = """
SELECT name FROM (
    SELECT 'event_log' AS name WHERE EXISTS (SELECT FROM event_log)
    UNION ALL SELECT 'fold_cursor' WHERE EXISTS (SELECT FROM fold_cursor WHERE seq > 0)
    UNION ALL SELECT 'tasks' WHERE EXISTS (SELECT FROM tasks)
    UNION ALL SELECT 'jobs' WHERE EXISTS (SELECT FROM jobs)
) AS filled
"""

KEEP_OTHERS_OUT = "LOCK TABLE fold_cursor, event_log, tasks, jobs, task_items, task_projects IN ACCESS EXCLUSIVE MODE"

# Which stream goes on from there, the next orchestrator finds out.
SET_CURSOR = """
INSERT INTO fold_cursor (partition, seq, hash) VALUES ($1, $2, $3)
ON CONFLICT (partition) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, stream_created = NULL
"""


@dataclass(frozen=True)
class Imported:
    """How many events came in, the sequence of the last, and how many rows of tasks and jobs follow from them."""

    events: int
    last: int
    rows: int


async def restore(dsn: str, source: Path) -> Imported:
    """Take the export ``source`` into the database, which gets its tables first if it has none.

    Raises ``CannotAuditError``, having changed nothing, when the archive holds anything, while an orchestrator leads,
    or when ``source`` is no whole log, naming the line.
    """
    with source.open("rb") as lines:
        await migrate(dsn)
        async with (
            connection_to(dsn) as connection,
            nobody_leads(connection),
            connection.transaction(isolation="repeatable_read"),
        ):
            await connection.execute(KEEP_OTHERS_OUT)
            if filled := await connection.fetchval(FULL_TABLES):
                raise CannotAuditError(f"An import needs an empty archive, but {filled} holds rows already.")
            return await _take_in(connection, _Reader(lines))


async def _take_in(connection: Connection, reader: "_Reader") -> Imported:
    for page in reader.pages():
        await _append(connection, page)
    await connection.execute(SET_CURSOR, PARTITION, reader.last, reader.chain)
    rows = await put_what_follows(connection, "What was imported is no whole log")
    return Imported(reader.events, reader.last, rows)


async def _append(connection: Connection, page: Sequence[Entry]) -> None:
    records: list[tuple[Any, ...]] = [astuple(entry) for entry in page]
    try:
        await connection.copy_records_to_table("event_log", records=records, columns=_COLUMNS)
    except asyncpg.UniqueViolationError as error:
        raise CannotAuditError(f"Two events of the export are one: {error.detail}") from error


class _Reader:
    """Reads an export line by line; ``events``, ``last`` and ``chain`` say what came so far."""

    def __init__(self, lines: BinaryIO) -> None:
        self._lines = lines
        self._number = 0
        self.events = 0
        self.last = 0
        self.chain = event_log.CHAIN_START

    def pages(self) -> Iterator[list[Entry]]:
        """Yield the events, and make sure that the end is the end."""
        page: list[Entry] = []
        while (end := _END.fullmatch(line := self._next())) is None:
            page.append(self._entry(line))
            if len(page) == PAGE:
                yield page
                page = []
        self._check_end(json.loads(end[1]))
        yield page

    def _next(self) -> bytes:
        self._number += 1
        line = self._lines.readline(LONGEST_LINE)
        if not line:
            raise self._wrong("the export ends here without its last line, so it is not whole")
        return line

    def _entry(self, line: bytes) -> Entry:
        found = _LINE.fullmatch(line)
        if found is None:
            raise self._wrong("this is no event with its position; only an export made with positions can be imported")
        seq, chain, payload = int(found[1]), bytes.fromhex(found[2].decode()), found[3]
        if seq <= self.last:
            raise self._wrong(f"event {seq} comes after event {self.last}")
        if event_log.link(self.chain, seq, payload) != chain:
            raise self._wrong(f"event {seq} does not follow from the one before: the export was filtered or changed")
        try:
            entry = archived(read_event(seq, payload), chain)
        except UnreadableEventError as error:
            raise self._wrong(error.public_message) from error
        self.events, self.last, self.chain = self.events + 1, seq, chain
        return entry

    def _check_end(self, end: dict[str, Any]) -> None:
        if (end.get("events"), end.get("seq")) != (self.events, self.last):
            raise self._wrong(f"the end tells of {end.get('events')} events, but {self.events} came")
        if self._lines.read(1):
            raise self._wrong("something follows the last line")

    def _wrong(self, what: str) -> CannotAuditError:
        return CannotAuditError(f"Line {self._number}: {what}.")
