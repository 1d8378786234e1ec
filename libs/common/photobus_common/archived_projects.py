"""Archived projects whose folders are deleted or brought back: what the jobs that do so have in common.

The project is archived while they are at it, and one task at a time is. Its folder is found by what is on record, and
held while it is moved or judged; so who holds it and finds an operation open that is not its own may end it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from photobus_common.errors import ConflictError
from photobus_common.events import EventData
from photobus_common.events.maintenance import FolderRenamed
from photobus_common.events.projects import ProjectTrashed
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FolderMissingError, LockedError
from photobus_common.storage.library import Library, TenantLibrary
from photobus_common.storage.project_folder import ProjectFolder, trash_folder
from photobus_common.storage.whole_folders import is_in_trash, lies_at, move_whole, open_at, path_in_trash
from photobus_common.store.deletions import follow_folder, is_open_task, is_placing, lock_project
from photobus_common.store.project_operations import (
    FolderOutcome,
    NewOperation,
    ProjectOperation,
    end_operation,
    open_operation,
    record_operation,
)
from photobus_common.store.reconciliation import projects_of_task, projects_of_tenant
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread

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
    """One run of a job on archived projects. ``rival`` is what it makes way for; it waits so long for a folder."""

    job: Job
    root: Library
    wait_seconds: float
    rival: Rival

    async def projects(self) -> list[CatalogueProject]:
        """Return the projects of the task, in the order in which folders are locked."""
        async with self.job.database.connection() as connection:
            ids = await projects_of_task(connection, self.job.command.task_id)
            found = await projects_of_tenant(connection, self.job.command.tenant, ids)
        return [found[one] for one in ids if one in found]

    def library(self, project: CatalogueProject) -> TenantLibrary:
        """Return the library in which the project lies."""
        return self.root.tenant(project.tenant, project.library_id)

    def about(self, project: CatalogueProject) -> dict[str, Any]:
        """Return what every event about the project says."""
        task_id = self.job.command.task_id
        return {"project_id": project.id, "project_folder": project.folder, "task_id": task_id}

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a transaction that holds the claim."""
        return self.job.checkpoint()

    def tell(self, work: UnitOfWork, data: EventData) -> None:
        """Say what becomes true in ``work``."""
        work.emit(self.job.origin.event(data))

    @asynccontextmanager
    async def checkpoint(self, project_id: int) -> AsyncIterator[tuple[UnitOfWork, CatalogueProject]]:
        """Open a transaction that holds claim and project; raises ``ProjectActiveError`` and ``LockedError``."""
        async with self.begin() as work:
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
        library = self.library(project)
        for path in (*paths, paths[0]):
            folder = await in_thread(open_at, library, path, undo=_close)
            if folder is None:
                continue
            with folder:
                if inode not in {None, folder.identity[1]} and not is_in_trash(path):
                    continue
                async with folder.locked(self.wait_seconds):
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
                self.tell(work, ProjectTrashed(**self.about(project), trash_path=there.path))
            else:
                await self._follow(work, project, there.path)
        await end_operation(work.connection, operation.id, outcome)

    async def _follow(self, work: UnitOfWork, project: CatalogueProject, folder: str) -> None:
        """Let the row say where the folder lies to which a restoration brought it that then did not end."""
        version = await follow_folder(work.connection, project.id, folder)
        if version is not None:
            data = FolderRenamed(
                **{**self.about(project), "project_folder": folder},
                cause="project_restore",
                old_folder=project.folder,
                new_folder=folder,
                project_name=project.name,
                version=version,
            )
            self.tell(work, data)


async def move_to_trash(deletion: Undertaking, project: CatalogueProject, folder: ProjectFolder) -> None:
    """Rename the project's open and locked folder into the library's trash, what is about to be done on record before.

    Raises ``LockedError`` while an upload is being placed in it, or when it is not where it was.
    """
    task_id = deletion.job.command.task_id
    target = path_in_trash(trash_folder(datetime.now(UTC), task_id), project.folder)
    about = (project.tenant, project.id, task_id)
    async with deletion.checkpoint(project.id) as (work, _):
        if await is_placing(work.connection, project.id):
            raise LockedError("An upload into the project is not finished yet.")  # the gateways do, and it comes again
        new = NewOperation(*about, "trash", project.folder, target, folder.identity)
        operation = await record_operation(work.connection, new)
    try:
        await in_thread(move_whole, deletion.library(project), folder, project.folder, target)
    except FolderMissingError as error:
        raise LockedError("The project's folder was moved meanwhile.") from error
    async with deletion.checkpoint(project.id) as (work, _):
        await deletion.end(work, project, operation, Found(target, folder))


async def is_being_restored(work: UnitOfWork, project_id: int) -> bool:
    """Whether a task that has not ended brings the project back: whoever deletes it waits for that."""
    operation = await open_operation(work.connection, project_id)
    return (
        operation is not None and operation.kind == "restore" and await is_open_task(work.connection, operation.task_id)
    )


def _close(folder: ProjectFolder | None) -> None:
    if folder is not None:
        folder.close()
