"""Pages of photos, their number, their months, and one photo whole.

A page of a million rows is read from an index in the order of its sort; the number of all photos of a project or the
library comes from ``project_totals``, that of their months from ``project_months``; what a filter matches is counted up
to ``COUNTED`` and no further. Only the months of a filter look at all that it matches.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import asyncpg

from photobus_common.store import keyset
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter, photo_filter_sql
from photobus_common.store.keyset import Cursor, Page, Selection, Sort

PhotoSort = Literal["taken_at", "filename", "size"]

COUNTED: Final = 10_000
"""Up to how many matches of a filter are counted; more are told as this many, "or more"."""

COLUMNS: Final = """
    p.id, p.project_id, pr.folder AS project_folder, pr.name AS project_name, p.filename,
    p.jpg_available, p.raw_available, p.other_available, p.keep_jpg, p.keep_raw, p.keep_other,
    p.thumbnail_status, p.preview_status, p.derivative_reason, p.taken_at, p.taken_offset_minutes, p.size,
    p.width, p.height, p.shape, p.version, p.created_at, p.updated_at,
    ARRAY (SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id ORDER BY t.tag) AS tags
"""

SOURCE: Final = "photos p JOIN projects pr ON pr.id = p.project_id"

PHOTO_BY_ID: Final = f"""
SELECT {COLUMNS}, p.exif_orientation, p.camera_make, p.camera_model, p.lens, p.exposure_seconds, p.f_number, p.iso,
    p.focal_length_mm, p.gps_latitude, p.gps_longitude, p.gps_altitude_m
FROM {SOURCE} WHERE p.tenant = $1 AND p.id = $2 AND pr.status = 'active'
"""  # noqa: S608  all constants

FILES_OF_PHOTO: Final = "SELECT name, kind, size, md5, modified_at FROM photo_files WHERE photo_id = $1 ORDER BY name"

TOTAL_OF_PROJECTS: Final = """
SELECT coalesce(sum(t.photos), 0)
FROM projects pr JOIN project_totals t ON t.project_id = pr.id
WHERE pr.tenant = $1 AND pr.status = 'active' AND ($2::text IS NULL OR pr.folder = $2)
"""

TOTAL_OF_PROJECT_IDS: Final = """
SELECT coalesce(sum(t.photos), 0)
FROM projects pr JOIN project_totals t ON t.project_id = pr.id
WHERE pr.tenant = $1 AND pr.status = 'active' AND pr.id = ANY ($2::bigint[])
"""

MONTHS_OF_PROJECTS: Final = """
SELECT m.month, sum(m.photos) AS photos
FROM projects pr JOIN project_months m ON m.project_id = pr.id
WHERE pr.tenant = $1 AND pr.status = 'active' AND ($2::text IS NULL OR pr.folder = $2)
GROUP BY m.month HAVING sum(m.photos) > 0 ORDER BY m.month
"""

PROJECTS_OF_PHOTOS: Final = f"""
SELECT p.id, p.project_id FROM {SOURCE} WHERE p.tenant = $1 AND p.id = ANY ($2::bigint[]) AND pr.status = 'active'
"""  # noqa: S608  all constants

PHOTOS_OF_NAMES: Final = """
SELECT n.name, coalesce(p.id, f.photo_id) AS photo_id
FROM unnest($2::text[]) AS n (name)
LEFT JOIN photos p ON p.project_id = $1 AND p.filename = n.name
LEFT JOIN photo_files f ON f.project_id = $1 AND f.name = n.name
"""

FIRST_OF_PROJECTS: Final = f"""
SELECT p.id FROM {SOURCE} WHERE p.tenant = $1 AND p.project_id = ANY ($2::bigint[]) AND pr.status = 'active'
ORDER BY p.project_id, p.id LIMIT $3
"""  # noqa: S608  all constants

SORTS: Final[Mapping[PhotoSort, Sort]] = {
    "taken_at": Sort("taken_at", "p.taken_at", "p.id", keyset.timestamp, keyset.number, descending=True),
    "filename": Sort("filename", "p.filename", "p.id", keyset.text, keyset.number, descending=False),
    "size": Sort("size", "p.size", "p.id", keyset.number, keyset.number, descending=True),
}
"""Each in the direction that is meant when none is asked for."""


async def page_of_photos(
    connection: Connection, tenant: str, wanted: PhotoFilter, sort: Sort, cursor: Cursor | None, limit: int
) -> Page:
    """Return a page of the photos that ``wanted`` matches."""
    where, params = photo_filter_sql(tenant, wanted)
    columns = f"{COLUMNS}, {sort.column} AS sort_key, {sort.tie} AS sort_tie"
    return await keyset.read_page(connection, Selection(columns, SOURCE, where, params), sort, cursor, limit)


async def total_of_photos(connection: Connection, tenant: str, wanted: PhotoFilter) -> tuple[int, bool]:
    """Return how many photos match, and whether that is exact; if not, there are more than ``COUNTED``."""
    if wanted.restricts_only_project:
        return int(await connection.fetchval(TOTAL_OF_PROJECTS, tenant, wanted.project_folder)), True
    where, params = photo_filter_sql(tenant, wanted)
    return await keyset.bounded_count(connection, Selection("", SOURCE, where, params), COUNTED)


async def exact_total(connection: Connection, tenant: str, wanted: PhotoFilter) -> tuple[int, int]:
    """Return how many photos match and in how many projects they lie, however long that takes."""
    where, params = photo_filter_sql(tenant, wanted)
    # By project first: to count distinct ones Postgres would read all photos in their order, ten times as long.
    sql = f"""
        SELECT coalesce(sum(g.photos), 0)::bigint AS photos, count(*) AS projects
        FROM (SELECT count(*) AS photos FROM {SOURCE} WHERE {where} GROUP BY p.project_id) g
    """  # noqa: S608  the same
    (row,) = await connection.fetch(sql, *params)
    return row["photos"], row["projects"]


async def first_photo_ids(connection: Connection, tenant: str, wanted: PhotoFilter, limit: int) -> list[int]:
    """Return the first photos that match, in the order in which a task takes them up."""
    where, params = photo_filter_sql(tenant, wanted)
    sql = f"SELECT p.id FROM {SOURCE} WHERE {where} ORDER BY p.project_id, p.id LIMIT {limit:d}"  # noqa: S608
    return [row["id"] for row in await connection.fetch(sql, *params)]


async def first_photo_ids_of_projects(
    connection: Connection, tenant: str, project_ids: Sequence[int], limit: int
) -> list[int]:
    """Return the first photos of the projects, in the order in which a task takes them up."""
    return [row["id"] for row in await connection.fetch(FIRST_OF_PROJECTS, tenant, project_ids, limit)]


async def total_of_project_ids(connection: Connection, tenant: str, project_ids: Sequence[int]) -> int:
    """Return how many photos lie in the projects."""
    return int(await connection.fetchval(TOTAL_OF_PROJECT_IDS, tenant, project_ids))


async def months_of_photos(connection: Connection, tenant: str, wanted: PhotoFilter) -> Sequence[asyncpg.Record]:
    """Return the months in UTC (their first moment) with the number of photos taken in each, oldest first."""
    if wanted.restricts_only_project:
        return list(await connection.fetch(MONTHS_OF_PROJECTS, tenant, wanted.project_folder))
    where, params = photo_filter_sql(tenant, wanted)
    sql = f"""
        SELECT date_trunc('month', p.taken_at, 'UTC') AS month, count(*) AS photos
        FROM {SOURCE} WHERE {where} GROUP BY month ORDER BY month
    """  # noqa: S608  the same
    return list(await connection.fetch(sql, *params))


async def photo_by_id(connection: Connection, tenant: str, photo_id: int) -> asyncpg.Record | None:
    """Return everything known of one photo of an active project."""
    return await connection.fetchrow(PHOTO_BY_ID, tenant, photo_id)


async def files_of_photo(connection: Connection, photo_id: int) -> Sequence[asyncpg.Record]:
    """Return the files of a photo, by name."""
    return list(await connection.fetch(FILES_OF_PHOTO, photo_id))


async def projects_of_photos(connection: Connection, tenant: str, photo_ids: Sequence[int]) -> dict[int, int]:
    """Return the project of each of the photos; unknown ones are absent."""
    rows = await connection.fetch(PROJECTS_OF_PHOTOS, tenant, photo_ids)
    return {row["id"]: row["project_id"] for row in rows}


async def photos_of_names(connection: Connection, project_id: int, names: Sequence[str]) -> dict[str, int | None]:
    """Return the photo that each name means in the project: by its basename, or by the name of one of its files."""
    rows: list[Any] = await connection.fetch(PHOTOS_OF_NAMES, project_id, names)
    return {row["name"]: row["photo_id"] for row in rows}
