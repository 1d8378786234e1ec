"""A library of 1,000,000 photos through the API: pages by every sort and filter, all keys, the photos of a task.

Beside each the same rows read bare: the page's own query on one connection, or a COPY of the keys and of the ids.
Only the catalogue is that large; nothing here looks at files.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from running_stack import RunningStack

from bench.memory import peak_of, peaks
from bench.report import Figure, percentile, show
from bench.stack import catalogue, running_stack
from photobus_client import PhotobusClient, Task
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter, photo_filter_sql
from photobus_common.store.photo_pages import SORTS, SOURCE, page_of_photos

PHOTOS: Final = 1_000_000
PROJECTS: Final = 40
PAGE: Final = 100
REPEATS: Final = 20
ENOUGH_MS: Final = 2000.0
"""A page that takes long is asked for less often."""

TENANT: Final = "user_0"

SEED_PROJECTS: Final = """
INSERT INTO projects (tenant, name, folder) SELECT $1, 'Seed ' || i, 'Seed ' || i FROM generate_series(1, $2::int) i
"""

# Of 100 photos 50 have a RAW too, 5 are RAW alone, 1 waits for its derivatives; of 1,000 one is pending deletion.
SEED_PHOTOS: Final = """
INSERT INTO photos (tenant, project_id, filename, jpg_available, raw_available, keep_jpg, keep_raw,
    thumbnail_status, preview_status, taken_at, size, width, height)
SELECT $1, (SELECT min(id) FROM projects) + i % $2::int, 'IMG_' || lpad(i::text, 8, '0'),
    i % 20 > 0, i % 20 <= 10, i % 20 > 0 AND i % 1000 <> 999, i % 20 <= 10, s.status, s.status,
    timestamptz '2010-01-01' + i * interval '7 minutes', 1000000 + abs(hashint4(i) % 9000000),
    CASE WHEN i % 4 = 0 THEN 4000 ELSE 6000 END, CASE WHEN i % 4 = 0 THEN 6000 ELSE 4000 END
FROM generate_series(1, $3::int) i,
    LATERAL (SELECT CASE WHEN i % 100 = 50 THEN 'pending' ELSE 'generated' END) s (status)
"""

SEED_TAGS: Final = """
INSERT INTO photo_tags (photo_id, tenant, tag) SELECT id, tenant, 'sea' FROM photos WHERE id % 50 = 7
"""

FILTERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "all": {},
    "one project": {"project_folder": "Seed 7"},
    "a year": {"date_from": "2015-01-01", "date_to": "2015-12-31"},
    "RAW and JPEG": {"file_type": "both"},
    "nothing kept": {"keep_type": "none"},
    "portrait": {"orientation": "portrait"},
    "a tag": {"tags": ["sea"]},
    "text": {"text": "00012"},
    "waiting": {"status": "pending"},
    "pending deletion": {"pending_deletion": True},
}

ROUNDS: Final = 3
"""Of what takes seconds; the median counts."""

IS_RESOLVED: Final = "SELECT EXISTS (SELECT FROM target_resolutions WHERE task_id = $1)"


async def main() -> None:
    """Measure and show."""
    async with running_stack() as stack, stack.client() as client, catalogue(stack) as connection:
        await _seed(connection)
        figures = await _pages(client, connection)
        figures += await _keys(stack, client, connection)
        figures += await _task(stack, client, connection)
        figures += peaks(stack)
    show("library", figures)


async def _seed(connection: Connection) -> None:
    await connection.execute(SEED_PROJECTS, TENANT, PROJECTS)
    await connection.execute(SEED_PHOTOS, TENANT, PROJECTS, PHOTOS)
    await connection.execute(SEED_TAGS)
    # What Postgres does by itself within a minute.
    await connection.execute("VACUUM ANALYZE projects, photos, photo_tags")


async def _pages(client: PhotobusClient, connection: Connection) -> list[Figure]:
    """First pages over HTTP, with the number of all that match; bare: the rows of the page."""
    figures, ratios = [], []
    for sort in SORTS.values():
        for name, wanted in FILTERS.items():
            query = {**wanted, "sort": sort.name, "limit": PAGE}
            asked: list[float] = []
            bare: list[float] = []
            while len(asked) < REPEATS and sum(asked) < ENOUGH_MS:  # in turn, so that a drift is fair to both
                began = time.perf_counter()
                await client.transport.json("GET", "/api/photos", query=query)
                between = time.perf_counter()
                await page_of_photos(connection, TENANT, PhotoFilter(**wanted), sort, None, PAGE)
                asked.append((between - began) * 1000)
                bare.append((time.perf_counter() - between) * 1000)
            figures.append(Figure(f"page by {sort.name}, {name}, p50", percentile(asked, 50), "ms"))
            ratios.append(percentile(bare, 50) / percentile(asked, 50))
    return [
        *figures,
        Figure("pages, ratio of the bare query to HTTP, median", percentile(ratios, 50), ""),
        Figure("pages, ratio, smallest", min(ratios), ""),
    ]


async def _keys(stack: RunningStack, client: PhotobusClient, connection: Connection) -> list[Figure]:
    """All keys, read off the wire and by the client library; bare: a COPY of the same, in the same order."""
    before = peak_of(stack, "gateway")
    where, params = photo_filter_sql(TENANT, PhotoFilter())
    copy = f"""
        SELECT pr.folder || '::' || p.filename, p.id FROM {SOURCE} WHERE {where} ORDER BY p.taken_at DESC, p.id DESC
    """  # noqa: S608  constants
    streamed, read, bare = [], [], []
    for _ in range(ROUNDS):
        bare.append(await _copied(connection, copy, params))
        streamed.append(await _streamed(client))
        began = time.perf_counter()
        keys = client.photo_sets.all_keys()
        count = sum([1 async for _ in keys])
        read.append(time.perf_counter() - began)
        if not count == len(keys.photo_ids) == PHOTOS:
            raise RuntimeError(f"{count} keys came instead of {PHOTOS}")
    return [
        Figure("all keys, streamed", percentile(streamed, 50), "s"),
        Figure("all keys, streamed", PHOTOS / percentile(streamed, 50), "photos/s"),
        Figure("all keys, read by the client library", PHOTOS / percentile(read, 50), "photos/s"),
        Figure("all keys, bare COPY", PHOTOS / percentile(bare, 50), "photos/s"),
        Figure("all keys, ratio", percentile(bare, 50) / percentile(streamed, 50), ""),
        Figure("peak memory, gateway, before all keys", before, "MB"),
        Figure("peak memory, gateway, after all keys", peak_of(stack, "gateway"), "MB"),
    ]


async def _task(stack: RunningStack, client: PhotobusClient, connection: Connection) -> list[Figure]:
    """Start a task over everything, until its photos are on record and until it runs; bare: a COPY of the same ids."""
    before = peak_of(stack, "orchestrator")
    where, params = photo_filter_sql(TENANT, PhotoFilter())
    copy = f"SELECT p.id, p.project_id FROM {SOURCE} WHERE {where} ORDER BY p.project_id, p.id"  # noqa: S608  constants
    planned, resolved, started, bare = [], [], [], []
    for _ in range(ROUNDS):
        bare.append(await _copied(connection, copy, params))
        began = time.perf_counter()
        await client.start_task("tags_update", {"filter": {}}, {"add": ["bench"]}, dry_run=True)
        planned.append(time.perf_counter() - began)
        began = time.perf_counter()
        task = await client.start_task("tags_update", {"filter": {}}, {"add": ["bench"]})
        while not await connection.fetchval(IS_RESOLVED, task.id):
            await asyncio.sleep(0.01)
        resolved.append(time.perf_counter() - began)
        await _until(client, task, {"running"})
        started.append(time.perf_counter() - began)
        await client.cancel_task(task.id)
        await _until(client, task, {"canceled"})
    return [
        Figure("task over everything, dry run", percentile(planned, 50), "s"),
        Figure("task over everything, request to its photos on record", percentile(resolved, 50), "s"),
        Figure("task over everything, photos resolved", PHOTOS / percentile(resolved, 50), "photos/s"),
        Figure("task over everything, request to running", percentile(started, 50), "s"),
        Figure("task over everything, bare COPY of its photos", PHOTOS / percentile(bare, 50), "photos/s"),
        Figure("task over everything, ratio", percentile(bare, 50) / percentile(resolved, 50), ""),
        Figure("peak memory, orchestrator, before", before, "MB"),
        Figure("peak memory, orchestrator, after", peak_of(stack, "orchestrator"), "MB"),
    ]


async def _until(client: PhotobusClient, task: Task, statuses: set[str]) -> None:
    while (now := (await client.task(task.id)).status) not in statuses:
        if now not in {"requested", "running"}:
            raise RuntimeError(f"The task is {now}")
        await asyncio.sleep(0.02)


async def _copied(connection: Connection, query: str, params: list[Any]) -> float:
    """Return the seconds that a COPY of the query's rows takes; they are thrown away."""

    async def drop(_portion: bytes) -> None:
        pass

    began = time.perf_counter()
    await connection.copy_from_query(query, *params, output=drop)
    return time.perf_counter() - began


async def _streamed(client: PhotobusClient) -> float:
    """Return the seconds until the last byte of all keys."""
    began, last = time.perf_counter(), b""
    async with client.transport.request("GET", "/api/photos/all-keys") as answer:
        async for chunk in answer.content.iter_any():
            last = (last + chunk)[-20:]
    if not last.endswith(b'"total":%d}' % PHOTOS):
        raise RuntimeError(f"The list ends with {last!r}")
    return time.perf_counter() - began
