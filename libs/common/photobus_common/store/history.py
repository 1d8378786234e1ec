"""The archive read as history: of a photo, a project, a task, and all that somebody did; by pages of its sequences.

A page is found by an index however long the archive is, and ends before its events are too many bytes to be read at
once. Who may know of what is the caller's to see to: the audit alone shows who got access.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from photobus_common.events.catalogue import CATALOGUE
from photobus_common.store import keyset
from photobus_common.store.conditions import Conditions
from photobus_common.store.database import Connection
from photobus_common.store.event_replay import ArchivedEvent
from photobus_common.store.keyset import Cursor, Selection, Sort
from photobus_common.subjects import access_subject

COUNTED: Final = 1_000
"""Up to how many events are counted for the total of a history."""

PAGE_BYTES: Final = 1_000_000
"""How many bytes of events make a page, unless its first event alone has more."""

BY_SEQUENCE: Final = Sort("seq", "e.seq", "e.seq", keyset.number, keyset.number, descending=True)

COLUMNS: Final = "e.seq AS sort_key, e.seq AS sort_tie"

# Found by the index of photos alone (OFFSET): however few or many they are, they must not be looked for along a tenant.
OF_PHOTO: Final = """
(SELECT l.seq, l.tenant FROM event_log l WHERE l.photo_ids @> ARRAY[$2::bigint] OFFSET 0) AS e
"""

EVENTS: Final = "event_log e"

OF_PROJECT: Final = "e.project_id = $1"

# Photos that left it for another project are told under that one's id.
LEFT_PROJECT: Final = """
e.type IN ('PhotosMoved', 'PhotosRecognized')
    AND (e.payload::jsonb #>> '{data,source_project_id}')::bigint = $1 AND e.project_id <> $1
"""

# Who got access is for admins alone, whatever it may have been part of.
OF_TASK: Final = "e.tenant = $1 AND e.task_id = $2 AND e.subject <> $3"

# In the order of a page, those that are not too many bytes together, and the first.
PAYLOADS: Final = """
SELECT e.seq, e.payload FROM (
    SELECT l.seq, l.payload, w.place, sum(octet_length(l.payload)) OVER (ORDER BY w.place) AS bytes
    FROM unnest($1::bigint[]) WITH ORDINALITY AS w (seq, place) JOIN event_log l ON l.seq = w.seq
) AS e
WHERE e.bytes <= $2 OR e.place = 1 ORDER BY e.place
"""

KNOWS_PHOTO: Final = f"""
SELECT EXISTS (SELECT FROM {OF_PHOTO} WHERE e.tenant = $1)
    OR EXISTS (SELECT FROM photos p WHERE p.tenant = $1 AND p.id = $2)
"""  # noqa: S608  all constants

# Who has the folder comes first, then those that had it, the last one first; a row may be older than the log.
PROJECTS_OF_FOLDER: Final = """
SELECT had.project_id FROM (
    SELECT p.id AS project_id, CASE p.status WHEN 'active' THEN 9223372036854775807 ELSE 0 END AS since
    FROM projects p WHERE p.tenant = $1 AND p.folder = $2
    UNION ALL
    SELECT l.project_id, l.seq FROM event_log l
    WHERE l.tenant = $1
        AND l.type IN ('ProjectCreated', 'ProjectDiscovered', 'ProjectReturned', 'ProjectRestored', 'FolderRenamed')
        AND coalesce(l.payload::jsonb #>> '{data,new_folder}', l.payload::jsonb #>> '{data,project_folder}') = $2
) AS had
GROUP BY had.project_id ORDER BY max(had.since) DESC, had.project_id DESC
"""

TYPES_OF_TASKS: Final = "SELECT id, type FROM tasks WHERE tenant = $1 AND id = ANY($2::uuid[])"

NAMES_OF_TOKENS: Final = "SELECT id, name FROM api_tokens WHERE tenant = $1 AND id = ANY($2::uuid[])"


@dataclass(frozen=True)
class Place:
    """Which page: where it starts, how many events it has at most, and whether the newest or the oldest come first."""

    cursor: str | None
    limit: int
    newest_first: bool

    @property
    def sort(self) -> Sort:
        """The order of the pages."""
        return BY_SEQUENCE.directed(self.newest_first)

    @property
    def start(self) -> Cursor | None:
        """Where the page starts; raises ``InvalidInputError`` where the cursor is none of such pages."""
        return None if self.cursor is None else Cursor.decode(self.cursor, self.sort)


@dataclass(frozen=True)
class HistoryPage:
    """Events in the order of their page, the pages beside it, and how many there are in all, up to ``COUNTED``."""

    events: Sequence[ArchivedEvent]
    next_cursor: str | None
    prev_cursor: str | None
    total: int
    exact: bool


@dataclass(frozen=True)
class Sought:
    """What an audit asks for; None and empty mean anything.

    ``after`` (excluded) and ``until`` bound the sequences, ``earliest`` and ``latest`` the times.
    """

    actor: str | None = None
    types: Sequence[str] = ()
    after: int | None = None
    until: int | None = None
    earliest: datetime | None = None
    latest: datetime | None = None


async def history_of_photo(connection: Connection, tenant: str, photo_id: int, place: Place) -> HistoryPage:
    """Return a page of what happened to a photo, wherever it was and whether or not it still is."""
    return await _page(connection, Selection(COLUMNS, OF_PHOTO, "e.tenant = $1", [tenant, photo_id]), place)


async def knows_photo(connection: Connection, tenant: str, photo_id: int) -> bool:
    """Whether the tenant has or had such a photo."""
    return bool(await connection.fetchval(KNOWS_PHOTO, tenant, photo_id))


async def history_of_project(connection: Connection, project_id: int, place: Place) -> HistoryPage:
    """Return a page of what happened to a project and its photos, those included that left it."""
    left = [(EVENTS, LEFT_PROJECT)]
    return await _page(connection, Selection(COLUMNS, EVENTS, OF_PROJECT, [project_id], beside=left), place)


async def projects_of_folder(connection: Connection, tenant: str, folder: str) -> list[int]:
    """Return the projects that have or had the folder, the one that has it first, then the last one that had it."""
    return [row["project_id"] for row in await connection.fetch(PROJECTS_OF_FOLDER, tenant, folder)]


async def events_of_task(connection: Connection, tenant: str, task_id: UUID, place: Place) -> HistoryPage:
    """Return a page of what a task went through and did."""
    params = [tenant, task_id, access_subject(tenant)]
    return await _page(connection, Selection(COLUMNS, EVENTS, OF_TASK, params), place)


async def audit(connection: Connection, tenant: str, sought: Sought, place: Place) -> HistoryPage:
    """Return a page of all events of a tenant that match."""
    return await _page(connection, _sought(tenant, sought), place)


async def types_of_tasks(connection: Connection, tenant: str, task_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return what kind of task each of ``task_ids`` is, where it is known."""
    return {row["id"]: row["type"] for row in await connection.fetch(TYPES_OF_TASKS, tenant, task_ids)}


async def names_of_tokens(connection: Connection, tenant: str, token_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return what the tokens are called, the revoked ones included."""
    return {row["id"]: row["name"] for row in await connection.fetch(NAMES_OF_TOKENS, tenant, token_ids)}


def _sought(tenant: str, sought: Sought) -> Selection:
    """Return where to look: along one index, or for each type along its part of one.

    All types are named for an actor of whom any are wanted, since their index has the type before the sequence.
    """
    where = Conditions()
    where.add("e.tenant = {}", tenant)
    for sql, bound in (
        ("e.actor = {}", sought.actor),
        ("e.seq > {}", sought.after),
        ("e.seq <= {}", sought.until),
        ("e.time >= {}", sought.earliest),
        ("e.time <= {}", sought.latest),
    ):
        if bound is not None:
            where.add(sql, bound)
    types = list(dict.fromkeys(sought.types)) or (list(CATALOGUE) if sought.actor is not None else [])
    first = len(where.params) + 1
    each = [f"{where.sql} AND e.type = ${number}" for number in range(first, first + len(types))] or [where.sql]
    beside = [(EVENTS, one) for one in each[1:]]
    return Selection(COLUMNS, EVENTS, each[0], [*where.params, *types], beside=beside)


async def _page(connection: Connection, selection: Selection, place: Place) -> HistoryPage:
    sort, start = place.sort, place.start
    page = await keyset.read_page(connection, selection, sort, start, place.limit)
    total, exact = await keyset.bounded_count(connection, selection, COUNTED)
    backward = start is not None and start.backward
    sequences = [row["sort_key"] for row in page.rows]
    found = await connection.fetch(PAYLOADS, sequences[::-1] if backward else sequences, PAGE_BYTES)
    kept = page.rows[len(page.rows) - len(found) :] if backward else page.rows[: len(found)]
    page = keyset.shorten(page, kept, sort, start)
    events = [ArchivedEvent(row["seq"], row["payload"]) for row in (reversed(found) if backward else found)]
    return HistoryPage(events, page.next_cursor, page.prev_cursor, total, exact)
