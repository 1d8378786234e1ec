"""Where a photo stands in a list, and the keys of a whole list, in the order of its sort."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from photobus_common.store import keyset
from photobus_common.store.database import Connection, Database
from photobus_common.store.filters import PhotoFilter, photo_filter_sql
from photobus_common.store.keyset import Cursor, Page, Selection, Sort
from photobus_common.store.photo_pages import COLUMNS, SOURCE

KEYS_AT_ONCE: Final = 5_000


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


async def _start_of_page(
    connection: Connection, selection: Selection, sort: Sort, here: Cursor, position: int, limit: int
) -> Cursor | None:
    """Return the cursor of the page that holds the row at ``position``, which ``here`` names; None for the first."""
    index = position % limit
    if position == index:
        return None
    before = await keyset.read_page(connection, selection, sort, here, index + 1)
    return Cursor(sort.word, before.rows[0]["sort_key"], before.rows[0]["sort_tie"])
