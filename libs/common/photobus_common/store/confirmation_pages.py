"""Confirmations as callers read them: in lists, and photo by photo."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from photobus_common.store import keyset
from photobus_common.store.conditions import Conditions
from photobus_common.store.confirmations import COLUMNS, SOURCE, STATUS, ConfirmationStatus
from photobus_common.store.database import Connection
from photobus_common.store.keyset import Cursor, Page, Selection, Sort
from photobus_common.store.task_views import COUNTED, CountedPage

NEWEST: Final = Sort("requested_at", "c.requested_at", "c.id", keyset.timestamp, keyset.uuid, descending=True)

BY_PHOTO: Final = Sort("photo_id", "s.photo_id", "s.photo_id", keyset.number, keyset.number, descending=False)

PHOTO_COLUMNS: Final = """
    s.photo_id, s.project_id, coalesce(pr.folder, c.project_folder) AS project_folder, s.filename, s.files
"""

PHOTO_SOURCE: Final = """
    confirmation_photos s JOIN confirmations c ON c.id = s.confirmation_id LEFT JOIN projects pr ON pr.id = s.project_id
"""


async def page_of_confirmations(
    connection: Connection,
    tenant: str,
    statuses: Sequence[ConfirmationStatus],
    task_id: UUID | None,
    cursor: Cursor | None,
    limit: int,
) -> CountedPage:
    """Return a page of the tenant's confirmations, newest first."""
    where = Conditions()
    where.add("c.tenant = {}", tenant)
    where.add_any(f"({STATUS})", statuses)
    if task_id is not None:
        where.add("c.task_id = {}", task_id)
    selection = Selection(f"{COLUMNS}, {_keys(NEWEST)}", SOURCE, where.sql, where.params)
    page = await keyset.read_page(connection, selection, NEWEST, cursor, limit)
    return CountedPage(page, *await keyset.bounded_count(connection, selection, COUNTED))


async def page_of_photos(connection: Connection, confirmation_id: UUID, cursor: Cursor | None, limit: int) -> Page:
    """Return a page of what the confirmation is about."""
    where = Conditions()
    where.add("s.confirmation_id = {}", confirmation_id)
    selection = Selection(f"{PHOTO_COLUMNS}, {_keys(BY_PHOTO)}", PHOTO_SOURCE, where.sql, where.params)
    return await keyset.read_page(connection, selection, BY_PHOTO, cursor, limit)


def _keys(sort: Sort) -> str:
    return f"{sort.column} AS sort_key, {sort.tie} AS sort_tie"
