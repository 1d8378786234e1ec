"""``project_restore``: a deleted project comes back, as long as its folder is in the library's trash.

Its photos are written anew from what the log kept of them, while the project is still archived, so that nobody sees
half of it; then the folder goes back, what it is about to do on record before, and the project is active again.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from photobus_common.archived_projects import Found, ProjectActiveError, Undertaking
from photobus_common.errors import ConflictError, NotFoundError
from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import PhotosRestored, ProjectRestored
from photobus_common.events.tasks import Targets
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FolderMissingError, LockedError, NameTakenError, TrashExpiredError
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import ProjectFolder, modified_at
from photobus_common.storage.whole_folders import move_whole, remove_emptied
from photobus_common.store.deletions import (
    activate_project,
    count_removed,
    deletion_tasks,
    has_pending_derivatives,
    is_archived,
    last_removed,
)
from photobus_common.store.project_operations import (
    NewOperation,
    ProjectOperation,
    end_operation,
    last_move,
    open_operation,
    record_operation,
    retarget_operation,
)
from photobus_common.store.projects import TakenNames, free_names, ids_of_folders, taken_names
from photobus_common.store.restoring import restore_photos
from photobus_common.store.trash_removals import is_expired
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_filemover.context import Context
from photobus_filemover.deleted import restoration_of

log = get_logger()


class DeletedSinceError(ConflictError):
    """The project was brought back and deleted again since: another deletion is to be undone."""

    code = "deleted_since"


class ProjectRestore:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Bring the task's projects back; raises ``TrashExpiredError``, having changed nothing."""
        restoration = restoration_of(job, self._context)
        projects = await restoration.projects()
        if not projects:
            raise NotFoundError("The project is no longer in the catalogue.")
        for project in projects:
            if not (project.active and await _was_restored_by(job, project)):
                await self._restore(restoration, project)

    async def _restore(self, restoration: Undertaking, project: CatalogueProject) -> None:
        job = restoration.job
        if project.active:
            raise ProjectActiveError("The project is active.")
        async with job.database.connection() as connection:
            operation = await open_operation(connection, project.id)
        if operation is None or operation.kind != "restore" or operation.task_id != job.command.task_id:
            operation = await _begin(restoration, project)
        async with restoration.found(project, operation.places, operation.inode) as there:
            if there is None:
                raise TrashExpiredError("The folder of the deleted project is no longer in the library's trash.")
            await _refill(restoration, project, there.folder)
            operation = await _bring_back(restoration, project, operation, there)
            await self._show(restoration, project, operation, there.folder)
        await in_thread(remove_emptied, restoration.library(project), operation.path)

    async def _show(
        self, restoration: Undertaking, project: CatalogueProject, operation: ProjectOperation, folder: ProjectFolder
    ) -> None:
        """Make the project active, under the name on record, or another where that was given away since."""
        job = restoration.job
        async with restoration.checkpoint(project.id) as (work, now):
            taken, name = await taken_names(work.connection, now.tenant), operation.target_name or now.name
            if name in taken.names:
                name, _ = next(free_names(taken, now.name))
            if name != now.name:
                manifest = Manifest(id=now.id, name=name, created_at=now.created_at)
                await in_thread_beside(work.connection, folder.write_manifest, manifest)
            path = operation.target_path or now.folder
            version = await activate_project(work.connection, now.id, name, path)
            await end_operation(work.connection, operation.id, "moved")
            about = {**restoration.about(now), "project_folder": path}
            data = ProjectRestored(**about, name=name, trash_path=operation.path, version=version)
            work.emit(job.origin.event(data))
            if await has_pending_derivatives(work.connection, now.id):
                targets = Targets(kind="projects", project_ids=(now.id,))
                ask = Ask(self._context.definitions["generate_derivatives"], targets, source="task")
                request_task(work, job.origin, ask)


async def _was_restored_by(job: Job, project: CatalogueProject) -> bool:
    """Whether a run before this one got to the end, and only its result is missing."""
    async with job.database.connection() as connection:
        move = await last_move(connection, project.id)
    return move is not None and move.kind == "restore" and move.task_id == job.command.task_id


async def _begin(restoration: Undertaking, project: CatalogueProject) -> ProjectOperation:
    """Make sure that everything is there, and put on record that the project comes back."""
    job = restoration.job
    await restoration.settle(project)
    async with job.database.connection() as connection:
        move = await last_move(connection, project.id)
        others = await ids_of_folders(connection, project.tenant, [project.folder])
    trashed = move.target_path if move is not None and move.kind == "trash" else None
    if trashed is None and others:
        raise FolderMissingError(f"The folder {project.folder} is another project's.")
    async with restoration.found(project, (trashed or project.folder,)) as there:
        if there is None and trashed is not None:
            raise TrashExpiredError("The folder of the deleted project is no longer in the library's trash.")
        if there is None:
            raise FolderMissingError(f"The folder {project.folder} is not in the library.")
        async with restoration.checkpoint(project.id) as (work, now):
            await _refuse_unless_last(work, now, job.command.params.get("undo_of"))
            if await is_expired(work.connection, now.id):
                raise TrashExpiredError("The folder of the deleted project is being deleted for good.")
            about = (now.tenant, now.id, job.command.task_id)
            new = NewOperation(*about, "restore", there.path, None, there.folder.identity)
            return await record_operation(work.connection, new)


async def _refuse_unless_last(work: UnitOfWork, project: CatalogueProject, undo_of: str | None) -> None:
    """Raise ``DeletedSinceError`` for a deletion before the last, ``LockedError`` until the log holds all of it."""
    tasks = await deletion_tasks(work.connection, project.id)
    if undo_of is not None and UUID(undo_of) not in tasks:
        raise DeletedSinceError("The project was brought back and deleted again since.")
    if not await is_archived(work.connection, project.tenant, project.id):
        raise LockedError("What the deletion said is not in the archive yet.")


async def _refill(restoration: Undertaking, project: CatalogueProject, folder: ProjectFolder) -> None:
    """Write the photos of the project, event by event of those by which they were removed.

    The last comes first: what a restoration brought back that did not get to its end, a retry of the deletion has
    removed again, and of such a photo the last word counts.
    """
    job = restoration.job
    async with job.database.connection() as connection:
        tasks = await deletion_tasks(connection, project.id)
        total = await count_removed(connection, tasks, project.id)
    times = {entry.name: modified_at(entry) for entry in await in_thread(folder.list)}
    while await _refill_portion(restoration, project.id, tasks, times, total):
        job.hand_back_if_asked()


async def _refill_portion(
    restoration: Undertaking, project_id: int, tasks: list[UUID], times: Mapping[str, datetime], total: int
) -> bool:
    """Write the photos that the event before told of; say whether there was one."""
    job = restoration.job
    cursor = job.cursor or {"before": None, "done": 0}
    async with restoration.checkpoint(project_id) as (work, project):
        portion = await last_removed(work.connection, tasks, project_id, cursor["before"])
        if portion is None:
            return False
        back = await restore_photos(work.connection, project.tenant, project_id, portion.photos, times)
        if back.taken:
            log.warning("photos_not_restored", project=project.folder, photo_ids=sorted(back.taken))
        for photos in cut_by_bytes(back.photos):
            data = PhotosRestored(**restoration.about(project), cause="project_restore", photos=photos)
            work.emit(job.origin.event(data))
        done = cursor["done"] + len(portion.photos)
        await job.save_cursor({"before": portion.seq, "done": done}, work)
    job.progress(done, total)
    return True


async def _bring_back(
    restoration: Undertaking, project: CatalogueProject, operation: ProjectOperation, there: Found
) -> ProjectOperation:
    """Rename the folder to a name that is free, unless a run before did; return where it went."""
    library = restoration.library(project)
    while operation.target_path != there.path:
        if operation.target_path is not None:
            with suppress(NameTakenError):
                await in_thread(move_whole, library, there.folder, there.path, operation.target_path)
                return operation
        operation = await _choose(restoration, project, operation, there)
    return operation


async def _choose(
    restoration: Undertaking, project: CatalogueProject, operation: ProjectOperation, there: Found
) -> ProjectOperation:
    """Put on record where the project comes back to; one whose folder never left the library stays there."""
    async with restoration.checkpoint(project.id) as (work, now):
        names = _names(now, await taken_names(work.connection, now.tenant))
        if there.path == now.folder:
            name, folder = next(names)[0], there.path
        else:
            name, folder = await in_thread_beside(work.connection, _first_free, restoration.library(now), names)
        return await retarget_operation(work.connection, operation.id, folder, name)


def _names(project: CatalogueProject, taken: TakenNames) -> Iterator[tuple[str, str]]:
    """Yield names that no project has, each with its folder: those the project had, else such with a number."""
    if project.name not in taken.names and project.folder not in taken.folders:
        yield project.name, project.folder
    yield from free_names(taken, project.name)


def _first_free(library: TenantLibrary, names: Iterator[tuple[str, str]]) -> tuple[str, str]:
    """Return the first of ``names`` whose folder is free on disk too; blocks."""
    with library.open() as root:
        return next((name, folder) for name, folder in names if not root.taken(folder))
