"""Keyset pages: a page starts after a key, not at a number, so that the deepest one costs as little as the first.

A cursor is opaque to callers; it holds the sort it belongs to, the key and the direction.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import UUID

import asyncpg

from photobus_common.errors import FieldError, InvalidInputError
from photobus_common.store.database import Connection

MAX_CURSOR: Final = 2048
"""Longest cursor that is read, in characters; a filename of 255 bytes takes about half of it at most."""

_BIGINT: Final = 2**63


@dataclass(frozen=True)
class Sort:
    """An order of rows: by ``column``, ties broken by ``tie``, both in the same direction.

    ``key`` and ``tie_key`` read a cursor's JSON values back; they raise ``ValueError`` or ``TypeError`` on others.
    """

    name: str
    column: str
    tie: str
    key: Callable[[Any], Any]
    tie_key: Callable[[Any], Any]
    descending: bool

    @property
    def word(self) -> str:
        """How a cursor names this sort."""
        return f"{self.name}:{'desc' if self.descending else 'asc'}"

    def directed(self, descending: bool) -> Self:
        """Return the same sort in the direction asked for."""
        return replace(self, descending=descending)


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: behind the row with this key and tie, or before it when ``backward``."""

    sort: str
    key: Any
    tie: Any
    backward: bool = False

    def encode(self) -> str:
        """Return the cursor as callers see it."""
        values = [self.sort, _plain(self.key), _plain(self.tie), int(self.backward)]
        return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, sort: Sort) -> Self:
        """Read a cursor of ``sort``; raises ``InvalidInputError`` for any other text."""
        try:
            return cls._read(text, sort)
        except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
            message = f"is not a cursor of a list sorted by {sort.word}"
            raise InvalidInputError(f"cursor: {message}", fields=(FieldError("query.cursor", message),)) from error

    @classmethod
    def _read(cls, text: str, sort: Sort) -> Self:
        if len(text) > MAX_CURSOR:
            raise ValueError("too long")
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        word, key, tie, backward = values
        if word != sort.word:
            raise ValueError("of another sort")
        return cls(word, sort.key(key), sort.tie_key(tie), bool(backward))


@dataclass(frozen=True)
class Page:
    """Rows in the order of the sort, and the cursors of the neighbouring pages where there are any."""

    rows: Sequence[asyncpg.Record]
    next_cursor: str | None
    prev_cursor: str | None


@dataclass(frozen=True)
class Selection:
    """Which rows are paged: ``columns`` must hold the sort's column as ``sort_key`` and its tie as ``sort_tie``.

    ``beside`` are further sources with their conditions, of the same columns and parameters, for rows that no one index
    finds in order: each is read no further than the page needs, and they are merged. No row may be in two of them.
    """

    columns: str
    source: str
    where: str
    params: Sequence[Any]
    beside: Sequence[tuple[str, str]] = ()

    @property
    def parts(self) -> Sequence[tuple[str, str]]:
        """All sources with their conditions."""
        return ((self.source, self.where), *self.beside)


async def read_page(
    connection: Connection,
    selection: Selection,
    sort: Sort,
    cursor: Cursor | None,
    limit: int,
) -> Page:
    """Read the page of at most ``limit`` rows that ``cursor`` names, the first one for None."""
    backward = cursor is not None and cursor.backward
    sql = _page_sql(selection, sort, cursor, limit + 1)
    keys = () if cursor is None else (cursor.key, cursor.tie)
    rows = await connection.fetch(sql, *selection.params, *keys)
    more, rows = len(rows) > limit, rows[:limit]
    if backward:
        rows.reverse()
    if not rows:
        return _empty_page(cursor)
    behind = more if not backward else True
    before = more if backward else cursor is not None and await _any_before(connection, selection, sort, rows[0])
    return Page(
        rows,
        _cursor_at(rows[-1], sort, backward=False) if behind else None,
        _cursor_at(rows[0], sort, backward=True) if before else None,
    )


def shorten(page: Page, rows: Sequence[asyncpg.Record], sort: Sort, cursor: Cursor | None) -> Page:
    """Return ``page``, the one that ``cursor`` names, with those of its rows only that are nearest to the cursor.

    ``rows`` are those, at least one; the others are the next page's.
    """
    if len(rows) == len(page.rows):
        return page
    if cursor is not None and cursor.backward:
        return replace(page, rows=rows, prev_cursor=_cursor_at(rows[0], sort, backward=True))
    return replace(page, rows=rows, next_cursor=_cursor_at(rows[-1], sort, backward=False))


async def bounded_count(connection: Connection, selection: Selection, most: int) -> tuple[int, bool]:
    """Count the rows up to ``most``; return the count and whether it is exact."""
    each = " UNION ALL ".join(f"SELECT 1 FROM {source} WHERE {where}" for source, where in selection.parts)  # noqa: S608
    sql = f"SELECT count(*) FROM ({each} LIMIT {most + 1}) counted"  # noqa: S608  the same
    found = int(await connection.fetchval(sql, *selection.params))
    return min(found, most), found <= most


async def count_before(connection: Connection, selection: Selection, sort: Sort, cursor: Cursor) -> int:
    """Count the rows that stand before the one that ``cursor`` names, however many they are."""
    condition = _beyond(selection, sort, not sort.descending)
    each = (f"SELECT count(*) FROM {source} WHERE {where} AND {condition}" for source, where in selection.parts)  # noqa: S608
    sql = f"SELECT {' + '.join(f'({part})' for part in each)}"
    return int(await connection.fetchval(sql, *selection.params, cursor.key, cursor.tie))


def timestamp(value: Any) -> datetime:
    """Read a cursor's point in time."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("without a time zone")
    return moment.astimezone(UTC)  # what lies beyond the first or the last year then is none, also to the database


def text(value: Any) -> str:
    """Read a cursor's text."""
    if not isinstance(value, str) or "\0" in value:
        raise TypeError("not a text")
    return value


def number(value: Any) -> int:
    """Read a cursor's number."""
    if type(value) is not int or not -_BIGINT <= value < _BIGINT:
        raise ValueError("not a number of 64 bits")
    return value


def uuid(value: Any) -> UUID:
    """Read a cursor's UUID."""
    return UUID(text(value))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _empty_page(cursor: Cursor | None) -> Page:
    """Return a page behind the last row, or before the first: there is only a way back."""
    if cursor is None:
        return Page([], None, None)
    way_back = replace(cursor, backward=not cursor.backward).encode()
    return Page([], way_back, None) if cursor.backward else Page([], None, way_back)


def _page_sql(selection: Selection, sort: Sort, cursor: Cursor | None, rows: int) -> str:
    downward = sort.descending != (cursor is not None and cursor.backward)
    direction = "DESC" if downward else "ASC"
    beyond = "" if cursor is None else f" AND {_beyond(selection, sort, downward)}"
    order = f"{sort.column} {direction}, {sort.tie} {direction} LIMIT {rows}"
    parts = [
        f"SELECT {selection.columns} FROM {source} WHERE {where}{beyond} ORDER BY {order}"  # noqa: S608  all constants
        for source, where in selection.parts
    ]
    if len(parts) == 1:
        return parts[0]
    merged = " UNION ALL ".join(f"({part})" for part in parts)
    return f"SELECT * FROM ({merged}) merged ORDER BY sort_key {direction}, sort_tie {direction} LIMIT {rows}"  # noqa: S608  the same


def _beyond(selection: Selection, sort: Sort, downward: bool) -> str:
    first = len(selection.params) + 1
    return f"({sort.column}, {sort.tie}) {'<' if downward else '>'} (${first}, ${first + 1})"


async def _any_before(connection: Connection, selection: Selection, sort: Sort, row: asyncpg.Record) -> bool:
    condition = _beyond(selection, sort, not sort.descending)
    each = (f"EXISTS (SELECT FROM {source} WHERE {where} AND {condition})" for source, where in selection.parts)
    sql = f"SELECT {' OR '.join(each)}"
    return bool(await connection.fetchval(sql, *selection.params, row["sort_key"], row["sort_tie"]))


def _cursor_at(row: asyncpg.Record, sort: Sort, *, backward: bool) -> str:
    return Cursor(sort.word, row["sort_key"], row["sort_tie"], backward).encode()
