"""A library that exists already: indexed, then maintained with nothing to do, and with 1 % of its files changed.

At 10,000, 100,000 and 1,000,000 photos (tiny JPEGs with EXIF, 2,000 in a folder), each in a stack of its own. Beside
the maintenance, in the same run, what nobody can do without: a walk of the tree that asks for each file's size and
time, and a COPY of the rows. Derivatives are not made: their service is stopped for as long.

``python -m bench maintenance`` measures all three; ``PHOTOBUS_BENCH_PHOTOS=10000,100000`` only those.
"""

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import images
from running_stack import RunningStack

from bench.memory import peaks
from bench.report import Figure, show
from bench.stack import catalogue, running_stack
from photobus_client import PhotobusClient
from photobus_common.store.database import Connection

SIZES: Final = "10000,100000,1000000"
IN_FOLDER: Final = 2_000
CHANGED_SHARE: Final = 0.01
TENANT: Final = "user_0"
JPEG: Final = images.jpeg(8, 8, shot=images.Shot(taken_at=datetime(2024, 5, 1, 12), make="Bench", model="One"))  # noqa: DTZ001

COPY_ROWS: Final = "SELECT id, project_id, filename, version FROM photos"
COPY_FILES: Final = "SELECT photo_id, name, size, md5 FROM photo_files"

SCHEDULE: Final = "/api/schedules/maintenance_global"

SCHEDULED: Final = "SELECT id FROM tasks WHERE type = 'maintenance_global' AND source = 'system' LIMIT 1"

SECONDS_OF_JOBS: Final = """
SELECT job_type, extract(epoch FROM ended_at - started_at)::float8 FROM jobs WHERE task_id = $1 ORDER BY step
"""
SECONDS_OF_TASK: Final = "SELECT extract(epoch FROM ended_at - started_at)::float8 FROM tasks WHERE id = $1"

ENVIRONMENT: Final = {
    "PHOTOBUS_MAINTENANCE__SETTLE_SECONDS": "0",
    "PHOTOBUS_SCHEDULES__LEAST_SECONDS": "1",
    "PHOTOBUS_PIPELINE__STALE_SECONDS": "30",
}


async def main() -> None:
    """Measure and show, size by size."""
    figures: list[Figure] = []
    for size in os.environ.get("PHOTOBUS_BENCH_PHOTOS", SIZES).split(","):
        figures += await _measure(int(size))
    show("maintenance", figures)


async def _measure(photos: int) -> list[Figure]:
    async with running_stack(**ENVIRONMENT) as stack, stack.client() as client, catalogue(stack) as connection:
        root = stack.data / "library" / TENANT
        _make(root, photos)
        with _stopped(stack, "derivatives"):
            indexed = await _run(client, connection, "folder_discovery")
            await connection.execute("VACUUM ANALYZE photos, photo_files, projects")
            rows = await connection.fetchval("SELECT count(*) FROM photos")
            if rows != photos:
                raise RuntimeError(f"{rows} photos were indexed instead of {photos}")
            full = await _run(client, connection, "maintenance_global")
            nothing = await _scheduled(client, connection)
            walk, copy = _walk(root), await _copied(connection)
            changed_files = _change(root, photos)
            changed = await _run(client, connection, "maintenance_global")
        return [
            Figure(f"{photos:,} photos: first indexing", indexed, "s"),
            Figure(f"{photos:,} photos: first indexing", photos / indexed, "photos/s"),
            Figure(f"{photos:,} photos: maintenance, everything looked at", full, "s"),
            Figure(f"{photos:,} photos: maintenance, nothing to do, scheduled", nothing, "s", "≤ 60"),
            Figure(f"{photos:,} photos: maintenance, {changed_files:,} files changed", changed, "s"),
            Figure(f"{photos:,} photos: bare walk of the tree", walk, "s"),
            Figure(f"{photos:,} photos: bare COPY of the rows", copy, "s"),
            Figure(f"{photos:,} photos: nothing to do, times the bare", nothing / (walk + copy), "", "≤ 3"),
            Figure(f"{photos:,} photos: everything, times the bare", full / (walk + copy), ""),
            *(
                Figure(
                    f"{photos:,} photos: {one.name}", one.value, one.unit, "≤ 300" if "maintenance" in one.name else ""
                )
                for one in peaks(stack)
            ),
        ]


async def _run(client: PhotobusClient, connection: Connection, task_type: str) -> float:
    """Start the task for everything; returns the seconds from its start to its end."""
    task = await client.start_task(task_type, {"all": True})
    return await _ended(client, connection, str(task.id))


async def _ended(client: PhotobusClient, connection: Connection, task_id: str) -> float:
    while not (task := await client.task(task_id)).ended:
        await asyncio.sleep(0.1)
    if task.status != "completed":
        raise RuntimeError(f"The task {task.type} is {task.status}: {task.error}")
    for job_type, seconds in await connection.fetch(SECONDS_OF_JOBS, task_id):
        print(f"    {job_type:<26}{seconds:>9.2f} s", flush=True)
    return float(await connection.fetchval(SECONDS_OF_TASK, task_id))


async def _scheduled(client: PhotobusClient, connection: Connection) -> float:
    """Let the schedule begin a run, and return how long it took."""
    await client.transport.json("PUT", SCHEDULE, body={"every_seconds": 5, "enabled": True})
    try:
        while (task_id := await connection.fetchval(SCHEDULED)) is None:
            await asyncio.sleep(0.2)
        return await _ended(client, connection, str(task_id))
    finally:
        await client.transport.json("PUT", SCHEDULE, body={"enabled": False})


def _make(root: Path, photos: int) -> None:
    """Write the folders; no two files have the same bytes."""
    for number in range(-(-photos // IN_FOLDER)):
        folder = root / f".making {number:04}"
        folder.mkdir()
        for photo in range(min(IN_FOLDER, photos - number * IN_FOLDER)):
            _write(folder, f"P{number:04}_{photo:04}")
        folder.rename(root / f"Shoot {number:04}")


def _write(folder: Path, name: str) -> None:
    mark = hashlib.sha256(name.encode()).hexdigest().encode()
    descriptor = os.open(folder / f"{name}.JPG", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(descriptor, JPEG + mark)
    os.close(descriptor)


def _change(root: Path, photos: int) -> int:
    """Take, add, rename and move files, the same number in every folder; return how many in all."""
    folders = sorted(path for path in root.iterdir() if path.name.startswith("Shoot"))
    each = max(4, round(photos * CHANGED_SHARE / len(folders)))
    for number, folder in enumerate(folders):
        names = sorted(path.name for path in folder.iterdir() if path.suffix == ".JPG")
        files = names[: each // 4 * 3]
        for index, name in enumerate(files):
            if index % 3 == 0:
                (folder / name).unlink()
            elif index % 3 == 1:
                (folder / name).rename(folder / f"R{name}")
            else:
                (folder / name).rename(folders[(number + 1) % len(folders)] / f"M{name}")
        for index in range(each // 4):
            _write(folder, f"N{number:04}_{index:04}")
    return each * len(folders)


def _walk(root: Path) -> float:
    """Return the seconds of one walk over the tree with each file's size and time."""
    began = time.perf_counter()
    for _ in _files(str(root)):
        pass
    return time.perf_counter() - began


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                known = entry.stat(follow_symlinks=False)
                yield entry.name, known.st_size, known.st_mtime_ns


async def _copied(connection: Connection) -> float:
    async def drop(_portion: bytes) -> None:
        pass

    began = time.perf_counter()
    for query in (COPY_ROWS, COPY_FILES):
        await connection.copy_from_query(query, output=drop)
    return time.perf_counter() - began


@contextmanager
def _stopped(stack: RunningStack, name: str) -> Iterator[None]:
    """Hold a service of the stack still."""
    pid = stack.pids[name]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
