"""Where a photo stands in a list, and a whole list at once: its keys, or the portions that it is cut into."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import asyncpg

from photobus_common.store import keyset
from photobus_common.store.database import Connection, Database
from photobus_common.store.filters import PhotoFilter, photo_filter_sql
from photobus_common.store.keyset import Cursor, Page, Selection, Sort
from photobus_common.store.photo_pages import COLUMNS, SOURCE

KEYS_AT_ONCE: Final = 5_000

NONE_IN_ARCHIVED_PROJECTS: Final = """
SELECT NOT EXISTS (
    SELECT FROM projects pr JOIN project_totals t ON t.project_id = pr.id
    WHERE pr.tenant = $1 AND pr.status <> 'active' AND t.photos > 0
)
"""

PHOTOS_AMONG: Final = f"SELECT {COLUMNS} FROM {SOURCE} WHERE {{where}} AND p.id = ANY (${{ids}}::bigint[])"  # noqa: S608


class PhotoKey(NamedTuple):
    """How clients name a photo: its id, its project's folder and its basename."""

    photo_id: int
    project_folder: str
    filename: str


@dataclass(frozen=True)
class Place:
    """A photo among those that match: ``position`` counts from 0, ``page`` is the one that holds it."""

    position: int
    page: Page


@dataclass(frozen=True)
class Portion:
    """Photos that follow each other in a list: how many, the first of them, and what the first and last are sorted by.

    ``cursor`` starts the list at it; of the first portion it is None, for that is where the list starts anyway.
    """

    cursor: str | None
    photos: int
    first_photo_id: int
    first_value: Any
    last_value: Any


async def keys_of_photos(
    database: Database, tenant: str, wanted: PhotoFilter, sort: Sort
) -> AsyncIterator[list[PhotoKey]]:
    """Yield the keys of all photos that match, a portion at a time; none holds a connection while it is taken."""
    where, params = photo_filter_sql(tenant, wanted)
    columns = f"p.id, pr.folder, p.filename, {sort.column} AS sort_key, {sort.tie} AS sort_tie"
    selection = Selection(columns, SOURCE, where, params)
    cursor: Cursor | None = None
    while True:
        async with database.connection() as connection:
            page = await keyset.read_page(connection, selection, sort, cursor, KEYS_AT_ONCE)
        yield [PhotoKey(row["id"], row["folder"], row["filename"]) for row in page.rows]
        if page.next_cursor is None:
            return
        cursor = Cursor(sort.word, page.rows[-1]["sort_key"], page.rows[-1]["sort_tie"])


async def place_of_photo(
    connection: Connection, tenant: str, wanted: PhotoFilter, sort: Sort, photo_id: int, limit: int
) -> Place | None:
    """Return the page of ``limit`` photos in which ``photo_id`` stands; None when it is not among those that match."""
    where, params = photo_filter_sql(tenant, wanted)
    columns = f"{COLUMNS}, {sort.column} AS sort_key, {sort.tie} AS sort_tie"
    selection = Selection(columns, SOURCE, where, params)
    sql = f"SELECT {columns} FROM {SOURCE} WHERE {where} AND p.id = ${len(params) + 1}"  # noqa: S608  all constants
    target = await connection.fetchrow(sql, *params, photo_id)
    if target is None:
        return None
    here = Cursor(sort.word, target["sort_key"], target["sort_tie"], backward=True)
    position = await keyset.count_before(connection, selection, sort, here)
    start = await _start_of_page(connection, selection, sort, here, position, limit)
    return Place(position, await keyset.read_page(connection, selection, sort, start, limit))


async def portions_of_photos(
    connection: Connection, tenant: str, wanted: PhotoFilter, sort: Sort, size: int
) -> list[Portion]:
    """Cut all that match, in the order of the list, into portions of ``size`` photos; the last one may be shorter."""
    source, where, params = await _whole_list(connection, tenant, wanted)
    rows = await connection.fetch(_edges_sql(source, where, sort, size), *params)
    if not rows:
        return []
    starts = [row for row in rows if row["number"] % size == 1]
    ends = [row for row in rows if row["number"] % size == 0]
    cursors = [Cursor(sort.word, row["sort_key"], row["sort_tie"]).encode() for row in ends]
    if len(ends) < len(starts):
        ends.append(rows[-1])
    return [
        Portion(cursor, end["number"] - start["number"] + 1, start["sort_tie"], start["sort_key"], end["sort_key"])
        for cursor, start, end in zip([None, *cursors], starts, ends, strict=False)
    ]


async def photos_among(
    connection: Connection, tenant: str, wanted: PhotoFilter, sort: Sort, photo_ids: Sequence[int]
) -> Sequence[asyncpg.Record]:
    """Return those of the photos that match, in the order of the list, as a page would show them."""
    where, params = photo_filter_sql(tenant, wanted)
    direction = "DESC" if sort.descending else "ASC"
    order = f" ORDER BY {sort.column} {direction}, {sort.tie} {direction}"
    sql = PHOTOS_AMONG.format(where=where, ids=len(params) + 1) + order
    return list(await connection.fetch(sql, *params, photo_ids))


async def _whole_list(connection: Connection, tenant: str, wanted: PhotoFilter) -> tuple[str, str, Sequence[Any]]:
    """Return the source of what matches, its condition and the parameters.

    Where nothing is asked for and no archived project has photos left, the projects need not be looked at: all comes
    from the index of the sort alone, in half of the time and less.
    """
    if not wanted.descriptor() and await connection.fetchval(NONE_IN_ARCHIVED_PROJECTS, tenant):
        return "photos p", "p.tenant = $1", [tenant]
    where, params = photo_filter_sql(tenant, wanted)
    return SOURCE, where, params


def _edges_sql(source: str, where: str, sort: Sort, size: int) -> str:
    """Return the query of the first and the last photo of each portion, with their places counted from 1."""
    direction = "DESC" if sort.descending else "ASC"
    return f"""
        SELECT sort_key, sort_tie, number FROM (
            SELECT {sort.column} AS sort_key, {sort.tie} AS sort_tie, row_number() OVER list AS number,
                lead({sort.tie}) OVER list IS NULL AS ends
            FROM {source} WHERE {where}
            WINDOW list AS (ORDER BY {sort.column} {direction}, {sort.tie} {direction})
        ) numbered
        WHERE number % {size:d} IN (0, 1) OR ends ORDER BY number
    """  # noqa: S608  all constants


async def _start_of_page(
    connection: Connection, selection: Selection, sort: Sort, here: Cursor, position: int, limit: int
) -> Cursor | None:
    """Return the cursor of the page that holds the row at ``position``, which ``here`` names; None for the first."""
    index = position % limit
    if position == index:
        return None
    before = await keyset.read_page(connection, selection, sort, here, index + 1)
    return Cursor(sort.word, before.rows[0]["sort_key"], before.rows[0]["sort_tie"])
