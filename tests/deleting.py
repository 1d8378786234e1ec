"""Projects deleted and brought back by an orchestrator and workers, and accounts of all that they have."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from bus_traffic import ORIGIN, TENANT, until
from reconciling import checks
from removing import mover, show
from running_orchestrator import Running, running
from shelf import MADE_AT, Photo, Shelf
from working import hired

from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.events import EventData, decode
from photobus_common.events.projects import ProjectCanceled
from photobus_common.events.tasks import Targets, TaskCancelRequested
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH
from photobus_common.store.deletions import archive_projects, is_archived
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker.job import Handler
from photobus_filemover.jobs.project_cleanup_db import ProjectCleanupDb
from photobus_filemover.jobs.project_delete_files import ProjectDeleteFiles
from photobus_filemover.jobs.project_restore import ProjectRestore
from photobus_filemover.jobs.project_stop_processes import ProjectStopProcesses

DataT = TypeVar("DataT", bound=EventData)

ENDED = "SELECT status, error_code FROM tasks WHERE id = $1 AND ended_at IS NOT NULL"
SAID_OF = "SELECT payload FROM event_log WHERE project_id = $1 AND type = $2 ORDER BY seq"
PROJECT = "SELECT name, folder, status, archived_at IS NULL, deleted_by FROM projects WHERE id = $1"
PHOTOS = """
SELECT to_jsonb(p) - ARRAY['version', 'updated_at'],
    (SELECT jsonb_agg(to_jsonb(f) - ARRAY['id', 'modified_at'] ORDER BY f.name) FROM photo_files f
     WHERE f.photo_id = p.id),
    ARRAY (SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id ORDER BY t.tag)
FROM photos p WHERE p.project_id = $1 ORDER BY p.id
"""
TOTALS = "SELECT photos FROM project_totals WHERE project_id = $1"
OPEN = "SELECT count(*) FROM project_operations WHERE state = 'open'"
SAID_MORE: Final = """
UPDATE photos SET keep_jpg = false, camera_model = 'Model', iso = 100, gps_latitude = 1e-7, derivative_key = 'key',
    taken_at = '2021-02-03 04:05:06.789012+02', version = 5 WHERE id = $1
"""
TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT $1, $2, unnest($3::text[])"


def deletion(settings: Settings, library: Library) -> dict[str, Handler]:
    """Return the handlers of the job types that delete projects and bring them back."""
    context = mover(settings, library)
    return {
        "project_stop_processes": ProjectStopProcesses(context),
        "project_delete_files": ProjectDeleteFiles(context),
        "project_cleanup_db": ProjectCleanupDb(context),
        "project_restore": ProjectRestore(context),
    }


@dataclass
class Deletions:
    """Asks for deletions and restorations as the gateway does, and sees what became of them."""

    process: Running

    async def delete(self, project_id: int, retry_of: UUID | None = None) -> UUID:
        """Archive the project, if it is active, and ask for its deletion; return the task."""
        targets = Targets(kind="projects", project_ids=(project_id,))
        async with unit_of_work(self.process.database, self.process.publisher) as work:
            ask = Ask(load_definitions()["project_delete"], targets, retry_of=retry_of)
            task = request_task(work, ORIGIN, ask).id
            for project in await archive_projects(work.connection, TENANT, [project_id], task, MADE_AT):
                about = {"project_id": project.id, "project_folder": project.folder, "task_id": task}
                data = ProjectCanceled(**about, cause="deleted", name=project.name, version=project.version)
                work.emit(ORIGIN.event(data))
        return task

    async def restore(self, project_id: int, undo_of: UUID) -> UUID:
        """Ask for the project back; return the task."""
        targets = Targets(kind="projects", project_ids=(project_id,))
        params = {"undo_of": str(undo_of)}
        async with unit_of_work(self.process.database, self.process.publisher) as work:
            ask = Ask(load_definitions()["project_restore"], targets, params, undo_of=undo_of)
            return request_task(work, ORIGIN, ask).id

    async def end_of(self, task: UUID) -> tuple[str, str | None]:
        """Wait for the end of the task; return its status and the code of its error."""

        async def ended() -> bool:
            return bool(await self.process.fetch(ENDED, task))

        await until(ended)
        [(status, code)] = await self.process.fetch(ENDED, task)
        return status, code

    async def until_counted(self, query: str, *parameters: object) -> None:
        """Wait until the query counts something."""

        async def some() -> bool:
            return bool((await self.process.fetch(query, *parameters))[0][0])

        await until(some)

    async def cancel(self, task: UUID, task_type: str) -> None:
        """Ask for the task to be stopped."""
        async with unit_of_work(self.process.database, self.process.publisher) as work:
            work.emit(ORIGIN.event(TaskCancelRequested(task_id=task, task_type=task_type)))

    async def deleted(self, project_id: int, retry_of: UUID | None = None) -> UUID:
        """Delete the project and wait for the end."""
        task = await self.delete(project_id, retry_of)
        assert await self.end_of(task) == ("completed", None)
        return task

    async def rows(self, project_id: int) -> list[tuple[Any, ...]]:
        """Return all that the catalogue says of the project's photos, but for versions and times of writing."""
        return await self.process.fetch(PHOTOS, project_id)

    async def project(self, project_id: int) -> tuple[Any, ...]:
        """Return the project's row: name, folder, status, whether it is not archived, by what it was deleted."""
        [row] = await self.process.fetch(PROJECT, project_id)
        return row


@asynccontextmanager
async def at_work(settings: Settings, library: Library, *, movers: bool = True) -> AsyncIterator[Deletions]:
    """Run an orchestrator and workers for all that deletions and restorations need; ``movers`` false: no file mover."""
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(running(settings))
        await stack.enter_async_context(hired(settings, checks(settings, library)))
        if movers:
            await stack.enter_async_context(hired(settings, deletion(settings, library)))
        yield Deletions(process)


async def arrange(shelf: Shelf, name: str, photos: int = 3) -> tuple[int, list[Photo]]:
    """Make a project with photos that have derivatives, tags, and much that is said of them."""
    project = (name, await shelf.project(name))
    made = []
    for number in range(photos):
        photo = await shelf.photo(project, f"{name}{number}", [f"{name}{number}.dng", f"{name}{number}.jpg"])
        show(photo, f"{name}{number}")
        made.append(photo)
        async with shelf.database.transaction() as connection:
            await connection.execute(SAID_MORE, photo.id)
            await connection.execute(TAG, photo.id, TENANT, ["a", "b"])
    return project[1], made


async def said_of(deletions: Deletions, project_id: int, word: type[DataT]) -> list[DataT]:
    """Return what events of one type said of the project, as the archive has them."""

    async def archived() -> bool:
        async with deletions.process.database.connection() as connection:
            return await is_archived(connection, TENANT, project_id)

    await until(archived)
    rows = await deletions.process.fetch(SAID_OF, project_id, word.TYPE)
    return [data for (payload,) in rows if isinstance(data := decode(payload).data, word)]


def tree(folder: Path) -> dict[str, str]:
    """Return the MD5 of every file in the folder, hidden ones and those in folders too, by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in files
    }


def trashed(shelf: Shelf) -> list[Path]:
    """Return the folders of deleted projects in the library's trash."""
    return sorted((shelf.root / TRASH).glob("*/*"))
