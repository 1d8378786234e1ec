"""The archive read as history: of a photo, a project, a task, and all that somebody did; by pages of its sequences.

A page is found by an index however long the archive is, and ends before its events are too many bytes to be read at
once. Who may know of what is the caller's to see to: the audit alone shows who got access.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

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

COLUMNS: Final = "e.seq, e.bytes, e.seq AS sort_key, e.seq AS sort_tie"

# Found by the index of photos alone (OFFSET): however few or many they are, they must not be looked for along a tenant.
OF_PHOTO: Final = """
(
    SELECT l.seq, l.tenant, octet_length(l.payload) AS bytes FROM event_log l
    WHERE l.photo_ids @> ARRAY[$2::bigint] OFFSET 0
) AS e
"""

# Photos that left it for another project are told under that one's id.
OF_PROJECT: Final = """
(
    SELECT l.seq, octet_length(l.payload) AS bytes FROM event_log l WHERE l.project_id = $1
    UNION ALL
    SELECT l.seq, octet_length(l.payload) AS bytes FROM event_log l
    WHERE l.type IN ('PhotosMoved', 'PhotosRecognized')
        AND (l.payload::jsonb #>> '{data,source_project_id}')::bigint = $1 AND l.project_id <> $1
) AS e
"""

# Who got access is for admins alone, whatever it may have been part of.
OF_TASK: Final = """
(
    SELECT l.seq, octet_length(l.payload) AS bytes FROM event_log l
    WHERE l.tenant = $1 AND l.task_id = $2 AND l.subject <> $3
) AS e
"""

OF_TENANT: Final = """
SELECT l.seq, l.time, octet_length(l.payload) AS bytes FROM event_log l WHERE l.tenant = $1
"""

PAYLOADS: Final = "SELECT seq, payload FROM event_log WHERE seq = ANY($1::bigint[])"

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
    return await _page(connection, OF_PHOTO, "e.tenant = $1", [tenant, photo_id], place)


async def knows_photo(connection: Connection, tenant: str, photo_id: int) -> bool:
    """Whether the tenant has or had such a photo."""
    return bool(await connection.fetchval(KNOWS_PHOTO, tenant, photo_id))


async def history_of_project(connection: Connection, project_id: int, place: Place) -> HistoryPage:
    """Return a page of what happened to a project and its photos, those included that left it."""
    return await _page(connection, OF_PROJECT, "true", [project_id], place)


async def projects_of_folder(connection: Connection, tenant: str, folder: str) -> list[int]:
    """Return the projects that have or had the folder, the one that has it first, then the last one that had it."""
    return [row["project_id"] for row in await connection.fetch(PROJECTS_OF_FOLDER, tenant, folder)]


async def events_of_task(connection: Connection, tenant: str, task_id: UUID, place: Place) -> HistoryPage:
    """Return a page of what a task went through and did."""
    return await _page(connection, OF_TASK, "true", [tenant, task_id, access_subject(tenant)], place)


async def audit(connection: Connection, tenant: str, sought: Sought, place: Place) -> HistoryPage:
    """Return a page of all events of a tenant that match."""
    source, params = _source_of(tenant, sought)
    where = Conditions(first=len(params) + 1)
    where.add("true")
    for sql, bound in (
        ("e.seq > {}", sought.after),
        ("e.seq <= {}", sought.until),
        ("e.time >= {}", sought.earliest),
        ("e.time <= {}", sought.latest),
    ):
        if bound is not None:
            where.add(sql, bound)
    return await _page(connection, source, where.sql, [*params, *where.params], place)


async def types_of_tasks(connection: Connection, tenant: str, task_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return what kind of task each of ``task_ids`` is, where it is known."""
    return {row["id"]: row["type"] for row in await connection.fetch(TYPES_OF_TASKS, tenant, task_ids)}


async def names_of_tokens(connection: Connection, tenant: str, token_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return what the tokens are called, the revoked ones included."""
    return {row["id"]: row["name"] for row in await connection.fetch(NAMES_OF_TOKENS, tenant, token_ids)}


def _source_of(tenant: str, sought: Sought) -> tuple[str, list[Any]]:
    """Return where to look, and its parameters: one index scan, or one for each type, merged by sequence.

    All types are named for an actor of whom any are wanted, since their index has the type before the sequence.
    """
    params: list[Any] = [tenant]
    of_one = OF_TENANT
    if sought.actor is not None:
        params.append(sought.actor)
        of_one += " AND l.actor = $2"
    types = list(dict.fromkeys(sought.types)) or (list(CATALOGUE) if sought.actor is not None else [])
    first = len(params) + 1
    parts = [f"{of_one} AND l.type = ${number}" for number in range(first, first + len(types))] or [of_one]
    return f"({' UNION ALL '.join(parts)}) AS e", [*params, *types]


async def _page(connection: Connection, source: str, where: str, params: Sequence[Any], place: Place) -> HistoryPage:
    selection = Selection(COLUMNS, source, where, params)
    sort, start = place.sort, place.start
    page = await keyset.read_page(connection, selection, sort, start, place.limit)
    total, exact = await keyset.bounded_count(connection, selection, COUNTED)
    backward = start is not None and start.backward
    page = keyset.shorten(page, _bounded(page.rows, backward=backward), sort, start)
    events = await _events(connection, [row["seq"] for row in page.rows])
    return HistoryPage(events, page.next_cursor, page.prev_cursor, total, exact)


def _bounded(rows: Sequence[asyncpg.Record], *, backward: bool) -> Sequence[asyncpg.Record]:
    """Return as many of ``rows``, from where the page starts, as are not too many bytes together, and one at least."""
    size = 0
    for number, row in enumerate(reversed(rows) if backward else rows):
        size += row["bytes"]
        if size > PAGE_BYTES and number:
            return rows[-number:] if backward else rows[:number]
    return rows


async def _events(connection: Connection, sequences: Sequence[int]) -> list[ArchivedEvent]:
    """Return the events of ``sequences``, in their order."""
    found = {row["seq"]: row["payload"] for row in await connection.fetch(PAYLOADS, sequences)}
    return [ArchivedEvent(seq, found[seq]) for seq in sequences]
