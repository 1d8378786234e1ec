"""The projections folded once more, from the archive alone, into tables of their own.

They lie in a schema that only the audit's transaction sees, before the true tables in its search path, so that the
fold's own statements write into them. Every table is written as the fold writes it, by larger batches.
"""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from photobus_common.events import Event, UnreadableEventError
from photobus_common.events.tasks import TargetsResolved
from photobus_common.store import tasks as store
from photobus_common.store.database import Connection
from photobus_common.store.event_log import Cursor
from photobus_orchestrator.audit.report import Section
from photobus_orchestrator.domain.decide import decision_id
from photobus_orchestrator.domain.evolve import DECISIONS
from photobus_orchestrator.domain.reaction import INPUTS
from photobus_orchestrator.domain.replay import recorded
from photobus_orchestrator.fold import Received, react_to_all, read_event, recall
from photobus_orchestrator.projection import Projection, resolved_items


class Share(NamedTuple):
    """Those of all tasks that are folded together: of ``of`` shares the one ``number``, from 0."""

    of: int
    number: int


ALL: Final = Share(1, 0)

PAGE: Final = 5000

PAGE_BYTES: Final = 8 * 1024**2
"""Where a page of the log ends, however few events it has: some are a thousand times as long as others."""

FETCHED_AT_ONCE: Final = 500

TABLES: Final = {
    "tasks": ("id",),
    "jobs": ("id",),
    "task_items": ("task_id", "position"),
    "task_projects": ("task_id", "project_id"),
}
"""The projections, and the columns that identify a row."""

TASK_COLUMNS: Final = {"tasks": "id"}
"""Where the id of a row's task does not stand in ``task_id``."""

FACTS: Final = frozenset(model.TYPE for model in INPUTS)

DECIDED: Final = frozenset(model.TYPE for model in DECISIONS)

READ: Final = FACTS | DECIDED
"""Types of events that a replay reads; it passes over all others."""

HOME_SCHEMA = "SELECT current_schema()"

MAKE_SCRATCH = "CREATE SCHEMA {scratch}"

MAKE_TABLE = "CREATE UNLOGGED TABLE {scratch}.{table} (LIKE {home}.{table} INCLUDING DEFAULTS, PRIMARY KEY ({keys}))"

USE_SCRATCH = "SET LOCAL search_path TO {scratch}, {home}"

USE_HOME = "SET LOCAL search_path TO {home}"

LEAVE_SCRATCH = "DROP SCHEMA {scratch} CASCADE"

DECISIONS_BY_ID = """
SELECT payload, true AS archived FROM event_log WHERE event_id = ANY($1::uuid[])
UNION ALL
SELECT convert_from(payload, 'UTF8'), false FROM outbox WHERE kind = 'event' AND id = ANY($1::uuid[])
    AND NOT EXISTS (SELECT FROM event_log WHERE event_id = outbox.id)
"""

# The type stands in each document; what else holds the word is told apart when it is read.
RESOLVED_IN_OUTBOX = """
SELECT payload FROM outbox WHERE kind = 'event' AND position('"TargetsResolved"'::bytea IN payload) > 0
"""

# By the id of the task, which for decisions is that of their facts.
TASK_EVENTS = """
SELECT seq, convert_to(payload, 'UTF8') AS payload FROM event_log
WHERE seq <= $1 AND type = ANY($2::text[])
    AND ($3::int = 1 OR (uuid_hash(task_id) & 2147483647) % $3::int = $4::int)
ORDER BY seq
"""

IS_OF_SHARE = "SELECT (uuid_hash($1::uuid) & 2147483647) % $2::int = $3::int"

DIFFERENT_ROWS = """
SELECT concat_ws(' ', {keys}) AS place, to_jsonb(seen)::text AS seen, to_jsonb(folded)::text AS folded
FROM (SELECT * FROM {home}.{table} WHERE $1::int = 1 OR (uuid_hash({task}) & 2147483647) % $1::int = $2::int) seen
FULL JOIN {scratch}.{table} folded USING ({keys})
WHERE seen IS DISTINCT FROM folded
ORDER BY {keys}
"""

# Rows that change go and come anew: two that have exchanged their places would be in each other's way.
REMOVE_DIFFERENT = """
DELETE FROM {home}.{table} seen WHERE NOT EXISTS (
    SELECT FROM {scratch}.{table} folded WHERE ({folded_keys}) = ({seen_keys}) AND seen IS NOT DISTINCT FROM folded
)
"""

ADD_MISSING = """
INSERT INTO {home}.{table} SELECT folded.* FROM {scratch}.{table} folded WHERE NOT EXISTS (
    SELECT FROM {home}.{table} seen WHERE ({seen_keys}) = ({folded_keys})
)
"""


class Projections:
    """The tables as they follow from the log, once every event was taken."""

    def __init__(self, connection: Connection, share: Share) -> None:
        self._connection = connection
        self._share = share
        self._scratch = f"audit_{uuid4().hex}"
        self._home = ""
        self.decisions = 0

    async def fold(self, cursor: Cursor, log: Section) -> None:
        """Fold what the log has of the share, up to ``cursor``, into empty tables; what cannot be read is told."""
        await self._begin()
        query = self._connection.cursor(
            TASK_EVENTS, cursor.seq, list(READ), self._share.of, self._share.number, prefetch=FETCHED_AT_ONCE
        )
        page: list[Received] = []
        size = 0
        async for seq, payload in query:
            try:
                page.append(read_event(seq, payload))
            except UnreadableEventError as error:
                log.differ(f"event_log {seq}: {error.public_message}")
            size += len(payload)
            if len(page) == PAGE or size > PAGE_BYTES:
                await self._fold(page)
                page, size = [], 0
        await self._fold(page)
        await self._add_snapshots_on_their_way()

    async def _begin(self) -> None:
        """Make empty tables and put them before the true ones."""
        self._home = str(await self._connection.fetchval(HOME_SCHEMA))
        await self._connection.execute(MAKE_SCRATCH.format(scratch=self._scratch))
        for table in TABLES:
            await self._connection.execute(self._about(MAKE_TABLE, table))
        await self._connection.execute(USE_SCRATCH.format(scratch=self._scratch, home=self._home))

    async def _fold(self, page: Sequence[Received]) -> None:
        facts = [item for item in page if type(item.event.data) in INPUTS]
        if not facts:
            return
        at_hand = {item.event.id: item.event for item in page if type(item.event.data) in DECISIONS}
        decisions = await self._decisions([item.event.id for item in facts], at_hand)
        states = (await recall(self._connection, facts, archived_too=False)).states
        projection = Projection(with_resolved=True)
        for transition in react_to_all(states, facts, partial(recorded, decisions)):
            projection.note(transition)
        await projection.write(self._connection)

    async def differences(self) -> AsyncIterator[str]:
        """Yield how the true tables differ, a line a row or a column."""
        for table in TABLES:
            async for row in self._connection.cursor(self._about(DIFFERENT_ROWS, table), *self._share):
                for line in _told(f"{table} {row['place']}", _columns(row["seen"]), _columns(row["folded"])):
                    yield line

    async def put_in_place(self) -> int:
        """Make the true tables what was folded; returns the number of rows that this removed or wrote."""
        changed = 0
        for table in TABLES:
            for statement in (REMOVE_DIFFERENT, ADD_MISSING):
                done = await self._connection.execute(self._about(statement, table))
                changed += int(done.rpartition(" ")[2])
        return changed

    async def leave(self) -> None:
        """Take the own tables away, for a transaction that is to stay."""
        await self._connection.execute(USE_HOME.format(home=self._home))
        await self._connection.execute(LEAVE_SCRATCH.format(scratch=self._scratch))

    async def _decisions(self, facts: Sequence[UUID], at_hand: dict[UUID, Event]) -> dict[UUID, Event]:
        """Return what was decided because of ``facts``, by id: most of it came right after them."""
        found: dict[UUID, Event] = {}
        ends = []
        for fact in facts:
            number = 0
            while (event := at_hand.get(decision_id(fact, number))) is not None:
                found[event.id] = event
                number += 1
            ends.append((fact, number))
        self.decisions += len(found)
        await self._probe(ends, found)
        return found

    async def _probe(self, ends: list[tuple[UUID, int]], found: dict[UUID, Event]) -> None:
        """Ask for the next decision of each fact by the id that it must have, then for two more, and so on."""
        width = 1
        while ends:
            wanted = [decision_id(fact, first + ahead) for fact, first in ends for ahead in range(width)]
            present = set()
            for row in await self._connection.fetch(DECISIONS_BY_ID, wanted):
                event = read_event(0, row["payload"].encode()).event
                present.add(event.id)
                self.decisions += row["archived"] and event.id not in found
                found[event.id] = event
            ends = [(fact, first + width) for fact, first in ends if decision_id(fact, first + width - 1) in present]
            width *= 2

    async def _add_snapshots_on_their_way(self) -> None:
        """Add the snapshots that the resolver wrote with events which are not archived yet."""
        async for row in self._connection.cursor(RESOLVED_IN_OUTBOX):
            data = read_event(0, row["payload"]).event.data
            if isinstance(data, TargetsResolved) and await self._connection.fetchval(
                IS_OF_SHARE, data.task_id, *self._share
            ):
                await store.add_items(self._connection, [resolved_items(data)])

    def _about(self, statement: str, table: str) -> str:
        names = {
            "keys": ", ".join(TABLES[table]),
            "task": TASK_COLUMNS.get(table, "task_id"),
            "seen_keys": ", ".join(f"seen.{key}" for key in TABLES[table]),
            "folded_keys": ", ".join(f"folded.{key}" for key in TABLES[table]),
        }
        return statement.format(home=self._home, scratch=self._scratch, table=table, **names)


def _told(place: str, seen: dict[str, Any] | None, folded: dict[str, Any] | None) -> Iterator[str]:
    if seen is None:
        yield f"{place}: missing, the log has {json.dumps(folded)}"
    elif folded is None:
        yield f"{place}: not in the log"
    else:
        for column, value in seen.items():
            if value != folded.get(column):
                yield f"{place}: {column} is {value!r}, by the log {folded.get(column)!r}"


def _columns(document: str | None) -> dict[str, Any] | None:
    return None if document is None else dict(json.loads(document))
