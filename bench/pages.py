"""Pages of 100 photos out of a million, the first and the deepest, and all of them cut into portions: each query alone.

Postgres is the one that photobus brings, with its own settings; what is timed is the repository's own function, from
the call to the rows, on one connection.
"""

import time
from typing import Final

from bench.report import Figure, percentile, show
from bench.stack import own_folder
from photobus_common.config import Postgres
from photobus_common.store.database import Connection, Database
from photobus_common.store.filters import PhotoFilter
from photobus_common.store.keyset import Cursor, Sort
from photobus_common.store.migrate import migrate
from photobus_common.store.photo_pages import SORTS, page_of_photos, total_of_photos
from photobus_common.store.photo_places import portions_of_photos
from photobus_local.postgres import EmbeddedPostgres

PHOTOS: Final = 1_000_000
PROJECTS: Final = 40
PAGE: Final = 100
REPEATS: Final = 50
PORTION: Final = 200
WHOLE: Final = 5
"""Times that the whole library is cut into portions."""

TENANT: Final = "user_0"

SEED_TENANT: Final = "INSERT INTO tenants (tenant, name, library_id) VALUES ($1, 'Bench', gen_random_uuid())"

SEED_PROJECTS: Final = """
INSERT INTO projects (tenant, name, folder) SELECT $1, 'Seed ' || i, 'Seed ' || i FROM generate_series(1, $2::int) i
"""

SEED_PHOTOS: Final = """
INSERT INTO photos (tenant, project_id, filename, jpg_available, keep_jpg, taken_at, size, width, height)
SELECT $1, (SELECT min(id) FROM projects) + i % $2::int, 'IMG_' || lpad(i::text, 8, '0'), true, true,
    timestamptz '2010-01-01' + i * interval '7 minutes', 1000000 + abs(hashint4(i) % 9000000), 6000, 4000
FROM generate_series(1, $3::int) i
"""


async def main() -> None:
    """Measure and show."""
    with own_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres")
        await server.start()
        try:
            await migrate(server.dsn)
            database = await Database.open(Postgres(dsn=server.dsn, command_timeout_seconds=900), "bench")
            async with database.connection() as connection:
                await _seed(connection)
                figures = [figure for name in SORTS for figure in await _sort(connection, SORTS[name])]
                figures += [await _portions(connection, SORTS[name]) for name in SORTS]
                figures += [Figure("number of all photos", await _total(connection), "ms", "≤ 10")]
            await database.close()
        finally:
            await server.stop()
    show("pages", figures)


async def _seed(connection: Connection) -> None:
    await connection.execute(SEED_TENANT, TENANT)
    await connection.execute(SEED_PROJECTS, TENANT, PROJECTS)
    await connection.execute(SEED_PHOTOS, TENANT, PROJECTS, PHOTOS)
    await connection.execute("VACUUM ANALYZE photos")


async def _sort(connection: Connection, sort: Sort) -> list[Figure]:
    figures = []
    for scope, wanted in (("all", PhotoFilter()), ("project", PhotoFilter(project_folder="Seed 7"))):
        for place, cursor in (("first", None), ("deepest", await _deepest(connection, sort, wanted))):
            taken = await _page(connection, sort, wanted, cursor)
            figures.append(Figure(f"{scope}, by {sort.name}, {place} page, p50", taken, "ms", "≤ 10"))
    return figures


async def _deepest(connection: Connection, sort: Sort, wanted: PhotoFilter) -> Cursor:
    """Return the cursor of the last page: the row before it, found from the other end."""
    end = await page_of_photos(connection, TENANT, wanted, sort.directed(not sort.descending), None, PAGE + 1)
    row = end.rows[PAGE]
    return Cursor(sort.word, row["sort_key"], row["sort_tie"])


async def _page(connection: Connection, sort: Sort, wanted: PhotoFilter, cursor: Cursor | None) -> float:
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        page = await page_of_photos(connection, TENANT, wanted, sort, cursor, PAGE)
        taken.append((time.perf_counter() - began) * 1000)
        if len(page.rows) != PAGE:
            raise RuntimeError(f"{len(page.rows)} rows came instead of {PAGE}")
    return percentile(taken, 50)


async def _portions(connection: Connection, sort: Sort) -> Figure:
    """Cut the whole library into the portions that the web client lays it out by."""
    taken = []
    for _ in range(WHOLE):
        began = time.perf_counter()
        portions = await portions_of_photos(connection, TENANT, PhotoFilter(), sort, PORTION)
        taken.append((time.perf_counter() - began) * 1000)
        if len(portions) != PHOTOS // PORTION:
            raise RuntimeError(f"{len(portions)} portions came instead of {PHOTOS // PORTION}")
    return Figure(f"all, by {sort.name}, in portions of {PORTION}, p50", percentile(taken, 50), "ms", "≤ 1000")


async def _total(connection: Connection) -> float:
    began = time.perf_counter()
    total, _exact = await total_of_photos(connection, TENANT, PhotoFilter())
    if total != PHOTOS:
        raise RuntimeError(f"{total} photos were counted instead of {PHOTOS}")
    return (time.perf_counter() - began) * 1000
