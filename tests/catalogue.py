"""Rows of projects and photos for tests that read the catalogue, written as a person would tell of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

from photobus_common.store.database import Connection

INSERT_PROJECT = "INSERT INTO projects (tenant, name, folder, status) VALUES ($1, $2, $2, $3) RETURNING id"
INSERT_TENANT = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, 'Other', gen_random_uuid())"
INSERT_TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) VALUES ($1, $2, $3)"


@dataclass(frozen=True)
class Shot:
    """One photo, as far as lists look at it."""

    filename: str
    taken_at: datetime = datetime(2026, 5, 1, 12, tzinfo=UTC)
    size: int = 1000
    jpg_available: bool = True
    raw_available: bool = False
    keep_jpg: bool = True
    keep_raw: bool = False
    keep_other: bool = False
    thumbnail_status: str = "generated"
    preview_status: str = "generated"
    width: int | None = 3000
    height: int | None = 2000
    tags: Sequence[str] = field(default=(), compare=False)

    @property
    def shape(self) -> str | None:
        """What the width and height make of it."""
        if self.width is None or self.height is None:
            return None
        return "square" if self.width == self.height else "landscape" if self.width > self.height else "portrait"


_COLUMNS = [column.name for column in fields(Shot) if column.name != "tags"]

INSERT_SHOT = f"""
INSERT INTO photos (tenant, project_id, {", ".join(_COLUMNS)})
VALUES ($1, $2, {", ".join(f"${number}" for number in range(3, len(_COLUMNS) + 3))}) RETURNING id
"""  # noqa: S608  constants


async def add_project(connection: Connection, tenant: str, name: str, status: str = "active") -> int:
    """Write a project whose folder is its name; return its id."""
    return int(await connection.fetchval(INSERT_PROJECT, tenant, name, status))


async def add_shots(connection: Connection, tenant: str, project_id: int, shots: Sequence[Shot]) -> list[int]:
    """Write photos of a project; return their ids in the same order."""
    ids = []
    for shot in shots:
        values = [getattr(shot, column) for column in _COLUMNS]
        ids.append(int(await connection.fetchval(INSERT_SHOT, tenant, project_id, *values)))
        await connection.executemany(INSERT_TAG, [(ids[-1], tenant, tag) for tag in shot.tags])
    return ids


async def add_tenant(connection: Connection, tenant: str) -> None:
    """Write another tenant."""
    await connection.execute(INSERT_TENANT, tenant)
