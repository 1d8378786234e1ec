"""The audit: fold the whole archive again, into a schema of its own, and compare with what callers see.

It reads one snapshot of the database, so it may run beside a working system, and all it writes is rolled back at the
end. ``python -m photobus_orchestrator.audit`` prints the differences; there must be none.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from photobus_common.config import load_settings
from photobus_common.errors import ConfigurationError
from photobus_common.events import Event, decode
from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_common.store.event_log import Cursor, StoredEntry
from photobus_orchestrator.domain.decide import decision_id
from photobus_orchestrator.domain.evolve import DECISIONS
from photobus_orchestrator.domain.reaction import INPUTS
from photobus_orchestrator.domain.replay import recorded
from photobus_orchestrator.fold import Received, react_to_all, recall
from photobus_orchestrator.projection import Projection

PAGE: Final = 500

TABLES: Final = {
    "tasks": ("id",),
    "jobs": ("id",),
    "task_items": ("task_id", "position"),
    "task_projects": ("task_id", "project_id"),
}
"""The projections, and the columns that identify a row."""

HOME_SCHEMA = "SELECT current_schema()"

DECISIONS_BY_ID = """
SELECT payload FROM event_log WHERE event_id = ANY($1::uuid[])
UNION
SELECT convert_from(payload, 'UTF8') FROM outbox WHERE kind = 'event' AND id = ANY($1::uuid[])
"""

COUNT_DECISIONS = "SELECT count(*) FROM event_log WHERE seq <= $1 AND type = ANY($2::text[])"

ARCHIVED_AMONG = "SELECT count(*) FROM event_log WHERE seq <= $1 AND event_id = ANY($2::uuid[])"

DIFFERENT_ROWS = """
SELECT concat_ws(' ', {keys}) AS place, to_jsonb(seen)::text AS seen, to_jsonb(folded)::text AS folded
FROM {home}.{table} seen FULL JOIN {scratch}.{table} folded USING ({keys})
WHERE to_jsonb(seen) IS DISTINCT FROM to_jsonb(folded)
ORDER BY {keys}
"""


async def replay(dsn: str) -> list[str]:
    """Rebuild tasks, jobs and snapshots from the archive and return every difference, one sentence each."""
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC", "jit": "off"})
    try:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        try:
            return await _Replay(connection).run()
        finally:
            await transaction.rollback()
    finally:
        await connection.close()


class _Replay:
    """One replay inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._scratch = f"audit_{uuid4().hex}"
        self._differences: list[str] = []
        self._chain = event_log.CHAIN_START
        self._used = 0

    async def run(self) -> list[str]:
        cursor = await event_log.read_cursor(self._connection)
        home = str(await self._connection.fetchval(HOME_SCHEMA))
        await self._make_scratch(home)
        async for page in event_log.entries_between(self._connection, 0, cursor.seq, PAGE):
            self._check_chain(page)
            await self._fold(page, cursor)
        await self._check_ends(cursor)
        for table, keys in TABLES.items():
            await self._compare(home, table, keys)
        return self._differences

    async def _make_scratch(self, home: str) -> None:
        """Make empty copies of the tables and put them before the true ones, so that the fold writes into them."""
        await self._connection.execute(f"CREATE SCHEMA {self._scratch}")
        for table in TABLES:
            await self._connection.execute(f"CREATE TABLE {self._scratch}.{table} (LIKE {home}.{table} INCLUDING ALL)")
        await self._connection.execute(f"SET LOCAL search_path TO {self._scratch}, {home}")

    def _check_chain(self, page: Sequence[StoredEntry]) -> None:
        for entry in page:
            if event_log.link(self._chain, entry.seq, entry.payload.encode()) != entry.hash:
                self._differences.append(f"event_log {entry.seq}: its hash does not follow from the one before")
            self._chain = entry.hash

    async def _fold(self, page: Sequence[StoredEntry], cursor: Cursor) -> None:
        received = [Received(entry.seq, decode(entry.payload), entry.payload.encode()) for entry in page]
        facts = [item for item in received if type(item.event.data) in INPUTS]
        if not facts:
            return
        decisions = await self._decisions([item.event.id for item in facts])
        states = (await recall(self._connection, facts)).states
        projection = Projection(with_resolved=True)
        for transition in react_to_all(states, facts, partial(recorded, decisions)):
            projection.note(transition)
        await projection.write(self._connection)
        self._used += await self._connection.fetchval(ARCHIVED_AMONG, cursor.seq, list(decisions))

    async def _decisions(self, facts: Sequence[UUID]) -> dict[UUID, Event]:
        """Return what was decided because of ``facts``, by id."""
        found: dict[UUID, Event] = {}
        async for event in self._probe(facts):
            found[event.id] = event
        return found

    async def _probe(self, facts: Sequence[UUID]) -> AsyncIterator[Event]:
        """Ask for the decisions of each fact by the ids they must have: the first, then twice as many, and so on."""
        first, width = 0, 2
        while facts:
            wanted = [decision_id(fact, number) for fact in facts for number in range(first, first + width)]
            rows = await self._connection.fetch(DECISIONS_BY_ID, wanted)
            events = [decode(row["payload"]) for row in rows]
            for event in events:
                yield event
            present = {event.id for event in events}
            facts = [fact for fact in facts if decision_id(fact, first + width - 1) in present]
            first, width = first + width, width * 2

    async def _check_ends(self, cursor: Cursor) -> None:
        if self._chain != cursor.hash:
            self._differences.append(f"fold_cursor {cursor.seq}: its hash is not that of the last event")
        types = [model.TYPE for model in DECISIONS]
        in_log = await self._connection.fetchval(COUNT_DECISIONS, cursor.seq, types)
        if in_log != self._used:
            self._differences.append(f"event_log: of {in_log} decisions, {self._used} follow from a fact of the log")

    async def _compare(self, home: str, table: str, keys: Sequence[str]) -> None:
        query = DIFFERENT_ROWS.format(home=home, scratch=self._scratch, table=table, keys=", ".join(keys))
        for row in await self._connection.fetch(query):
            seen, folded = _columns(row["seen"]), _columns(row["folded"])
            place = f"{table} {row['place']}"
            if seen is None:
                self._differences.append(f"{place}: missing, the log has {json.dumps(folded)}")
            elif folded is None:
                self._differences.append(f"{place}: not in the log")
            else:
                self._differences += [
                    f"{place}: {column} is {value!r}, by the log {folded.get(column)!r}"
                    for column, value in seen.items()
                    if value != folded.get(column)
                ]


def _columns(document: str | None) -> dict[str, Any] | None:
    return None if document is None else dict(json.loads(document))


def main() -> int:
    """Print the differences of the configured database, one a line; returns the exit code: 0 only without any."""
    try:
        differences = asyncio.run(replay(load_settings().postgres.dsn))
    except ConfigurationError as error:
        sys.stderr.write(f"{error.public_message}\n")
        return 78
    sys.stdout.writelines(f"{line}\n" for line in differences or ["No difference."])
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
