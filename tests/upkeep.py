"""Jobs of maintenance that look after what rows say of files, and the report that they leave."""

import os
from typing import Any, Final, NamedTuple

from bus_traffic import TENANT, make_command
from shelf import Photo, Shelf
from working import INSERT_JOB, Site

from photobus_common.commands import RunJob
from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.parts import TaskSource
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.worker.job import Handler
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.cache_validation import CacheValidation
from photobus_maintenance.jobs.integrity_check import IntegrityCheck
from photobus_maintenance.jobs.regenerate_metadata import RegenerateMetadata

REPORT: Final = """
SELECT f.kind, f.code, f.project_folder, f.subject, f.photo_id, f.count,
    (SELECT convert_from(o.payload, 'UTF8')::jsonb ->> 'type' FROM outbox o WHERE o.id = f.event_id) AS told_by
FROM maintenance_findings f WHERE f.task_id = $1 ORDER BY f.id
"""
COUNTS: Final = "SELECT looked_at, changed, refused, reported FROM maintenance_counts WHERE job_id = $1"
OVER_PROJECTS: Final = "INSERT INTO task_projects (task_id, project_id) SELECT $1, unnest($2::bigint[])"


class Line(NamedTuple):
    """A line of a report, and the word of the event that it leads to."""

    kind: str
    code: str
    folder: str | None
    subject: str | None
    photo_id: int | None
    things: int
    told_by: str | None


def upkeep(settings: Settings, library: Library) -> dict[str, Handler]:
    """Return the handlers."""
    context = Context(library, settings, load_definitions())
    return {
        "cache_validation": CacheValidation(context),
        "integrity_check": IntegrityCheck(context),
        "regenerate_metadata": RegenerateMetadata(context),
    }


async def over_library(site: Site, job_type: str, source: TaskSource = "user") -> RunJob:
    """Command a job over the whole library."""
    return await site.post([], job_type, over="library", source=source, task_type="maintenance_global")


async def over_projects(site: Site, job_type: str, *projects: int) -> RunJob:
    """Command a job over projects."""
    changes = {"over": "projects", "count": 0, "task_type": "maintenance"}
    command = make_command(job_type, "normal").model_copy(update=changes)
    described = (job_type, command.service, command.lane, command.priority, command.over, 0)
    await site.execute(INSERT_JOB, command.job_id, TENANT, command.task_id, *described)
    await site.execute(OVER_PROJECTS, command.task_id, list(projects))
    await site.send(command)
    return command


async def report(site: Site, command: RunJob) -> list[Line]:
    """Return the lines of the report of the job's task."""
    return [Line(*row) for row in await site.fetch(REPORT, command.task_id)]


async def counts(site: Site, command: RunJob) -> tuple[int, ...]:
    """Return how much the job looked at, changed, refused and reported."""
    rows = await site.fetch(COUNTS, command.job_id)
    return tuple(rows[0]) if rows else (0, 0, 0, 0)


async def everything(shelf: Shelf, database: Database) -> list[tuple[Any, ...]]:
    """Return every photo and file as their rows have them."""
    async with database.connection() as connection:
        photos = await connection.fetch("SELECT * FROM photos ORDER BY id")
        files = await connection.fetch("SELECT * FROM photo_files ORDER BY id")
    return [tuple(row.values()) for row in (*photos, *files)] + sorted(shelf.disk().items())


def rot(photo: Photo, name: str) -> None:
    """Change a byte and no time, as a disk that forgets does."""
    path = photo.folder / name
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


async def agree(site: Site, photo: Photo, *names: str) -> None:
    """Give the files of a photo the time that their rows have."""
    [(moment,)] = set(await site.fetch("SELECT modified_at FROM photo_files WHERE photo_id = $1", photo.id))
    for name in names:
        os.utime(photo.folder / name, (moment.timestamp(),) * 2)
