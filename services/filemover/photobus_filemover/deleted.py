"""What the job types that delete a project, or bring it back, have in common.

The project is archived while they are at it, and one task at a time is. Its folder is found by what is on record, and
held while it is moved or judged; so who holds it and finds an operation open that is not its own may end it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from photobus_common.errors import ConflictError
from photobus_common.events.projects import ProjectTrashed
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import LockedError
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.storage.whole_folders import is_in_trash, lies_at, open_at
from photobus_common.store.deletions import follow_folder, is_being_deleted, is_open_task, lock_project
from photobus_common.store.project_operations import FolderOutcome, ProjectOperation, end_operation, open_operation
from photobus_common.store.reconciliation import projects_of_task, projects_of_tenant
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread
from photobus_filemover.context import Context

Rival = Callable[[UnitOfWork, int], Awaitable[bool]]
"""Says of a project whether another task is at it that must end before."""


class ProjectActiveError(ConflictError):
    """The project is active: there is nothing to delete after the fact, and nothing to bring back."""

    code = "project_active"


@dataclass(frozen=True)
class Found:
    """The folder of an archived project, whose lock is held, and the path at which it lies."""

    path: str
    folder: ProjectFolder


@dataclass(frozen=True)
class Undertaking:
    """One run of a job on archived projects. ``rival`` is what it makes way for."""

    job: Job
    context: Context
    rival: Rival

    async def projects(self) -> list[CatalogueProject]:
        """Return the projects of the task, in the order in which folders are locked."""
        async with self.job.database.connection() as connection:
            ids = await projects_of_task(connection, self.job.command.task_id)
            found = await projects_of_tenant(connection, self.job.command.tenant, ids)
        return [found[one] for one in ids if one in found]

    def library(self, project: CatalogueProject) -> TenantLibrary:
        """Return the library in which the project lies."""
        return self.context.library.tenant(project.tenant, project.library_id)

    def about(self, project: CatalogueProject) -> dict[str, Any]:
        """Return what every event about the project says."""
        task_id = self.job.command.task_id
        return {"project_id": project.id, "project_folder": project.folder, "task_id": task_id}

    @asynccontextmanager
    async def checkpoint(self, project_id: int) -> AsyncIterator[tuple[UnitOfWork, CatalogueProject]]:
        """Open a transaction that holds claim and project; raises ``ProjectActiveError`` and ``LockedError``."""
        async with self.job.checkpoint() as work:
            project = await lock_project(work.connection, self.job.command.tenant, project_id)
            if project is None or project.active:
                raise ProjectActiveError("The project is active.")
            if await self.rival(work, project_id):
                raise LockedError("Another task is at the project's folder.")
            yield work, project

    @asynccontextmanager
    async def found(
        self, project: CatalogueProject, paths: Sequence[str], inode: int | None = None
    ) -> AsyncIterator[Found | None]:
        """Hold the folder at the first of ``paths`` at which it lies; raises ``LockedError``.

        The first is where it may go to from the others, so it is looked at again after them. Outside of the trash its
        name may be another folder's by now, and it is known by its ``inode``.
        """
        library, wait = self.library(project), self.context.settings.filemover.lock_wait_seconds
        for path in (*paths, paths[0]):
            folder = await in_thread(open_at, library, path, undo=_close)
            if folder is None:
                continue
            with folder:
                if inode not in {None, folder.identity[1]} and not is_in_trash(path):
                    continue
                async with folder.locked(wait):
                    if not await in_thread(lies_at, library, path, folder):
                        raise LockedError("The project's folder was moved meanwhile.")
                    yield Found(path, folder)
            return
        yield None

    async def settle(self, project: CatalogueProject) -> None:
        """End what another run or task left on record for the project's folder, by where it lies now."""
        async with self.job.database.connection() as connection:
            operation = await open_operation(connection, project.id)
        if operation is None:
            return
        async with (
            self.found(project, operation.places, operation.inode) as there,
            self.checkpoint(project.id) as (work, now),
        ):
            if await open_operation(work.connection, project.id) == operation:
                await self.end(work, now, operation, there)

    async def end(
        self, work: UnitOfWork, project: CatalogueProject, operation: ProjectOperation, there: Found | None
    ) -> None:
        """Write how an operation ended, by where its folder lies: in the trash, back under a name, or nowhere."""
        outcome: FolderOutcome = "missing" if there is None else "kept"
        if there is not None and there.path == operation.target_path:
            outcome = "moved"
            if operation.kind == "trash":
                data = ProjectTrashed(**self.about(project), trash_path=there.path)
                work.emit(self.job.origin.event(data))
            else:
                await follow_folder(work.connection, project.id, there.path)
        await end_operation(work.connection, operation.id, outcome)


def deletion_of(job: Job, context: Context) -> Undertaking:
    """Return the undertaking of a task that deletes: it waits while another brings the project back."""

    async def being_restored(work: UnitOfWork, project_id: int) -> bool:
        operation = await open_operation(work.connection, project_id)
        return (
            operation is not None
            and operation.kind == "restore"
            and await is_open_task(work.connection, operation.task_id)
        )

    return Undertaking(job, context, being_restored)


def restoration_of(job: Job, context: Context) -> Undertaking:
    """Return the undertaking of a task that restores: it waits while another deletes the project, or restores it.

    Once it has begun it goes on, for then a deletion waits for it.
    """

    async def being_changed(work: UnitOfWork, project_id: int) -> bool:
        operation = await open_operation(work.connection, project_id)
        if operation is not None and operation.kind == "restore":
            other = operation.task_id != job.command.task_id
            return other and await is_open_task(work.connection, operation.task_id)
        return await is_being_deleted(work.connection, project_id)

    return Undertaking(job, context, being_changed)


def _close(folder: ProjectFolder | None) -> None:
    if folder is not None:
        folder.close()
