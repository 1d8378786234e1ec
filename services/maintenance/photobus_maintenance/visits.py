"""Going through the photos of a job project by project, each folder opened behind the storage guard.

A job over whole projects goes through them in portions, and saves after each how far it is.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from photobus_common.errors import ConflictError, NotProvidedError
from photobus_common.libraries import opened_project
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CataloguePhoto, CatalogueProject
from photobus_common.storage.errors import FolderMissingError, LockedError
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.job_items import ItemStatus
from photobus_common.store.reconciliation import (
    names_in_motion,
    photo_ids_after,
    photos_in_project,
    photos_in_projects,
    projects_of_task,
    projects_of_tenant,
)
from photobus_common.store.uploads import folder_of_active_project
from photobus_common.targets import PhotoTarget, group_by_project
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.context import Context

PORTION: Final = 2000
"""Photos of a whole project that are checked at once."""

log = get_logger()


class ForeignFolderError(ConflictError):
    """The folder's manifest says that it is another project's, and that project's own folder is not there."""

    code = "folder_of_another_project"


@dataclass(frozen=True)
class Visit:
    """Photos of one project to check in its open folder: those that items of the job name, or a portion of them all.

    ``entries`` is a listing that a whole project's portions share; it is as old as the visit of the project, whose
    ``last`` portion this may be.
    """

    job: Job
    context: Context
    project: CatalogueProject
    folder: ProjectFolder
    photo_ids: tuple[int, ...]
    items: tuple[JobItem, ...] = ()
    entries: Sequence[Entry] | None = None
    last: bool = False

    @property
    def about(self) -> dict[str, Any]:
        """What every event about the visited project says."""
        task_id = self.job.command.task_id
        return {"project_id": self.project.id, "project_folder": self.project.folder, "task_id": task_id}

    def outcomes(self, unreadable: Collection[int] = ()) -> list[ItemOutcome]:
        """Return the outcome of each item: done, unless its photo is among those with an ``unreadable`` file."""
        failed = [item for item in self.items if item.photo_id in unreadable]
        done = [item for item in self.items if item.photo_id not in unreadable]
        return [*_outcomes(done, "done", None), *_outcomes(failed, "failed", "unreadable")]


@dataclass(frozen=True)
class Sight:
    """Rows and disk as seen at one time; ``expected`` are names in motion, which whoever moves them settles."""

    photos: Sequence[CataloguePhoto]
    entries: Sequence[Entry]
    expected: frozenset[str]


Check = Callable[[Visit], Awaitable[None]]


async def visit_projects(job: Job, context: Context, check: Check) -> None:
    """Call ``check`` for the photos of each project of the job, in the order of the projects' ids.

    A project that is archived, whose folder is gone or belongs to another project, costs its own photos only; an
    unavailable library fails the attempt.
    """
    match job.command.over:
        case "items":
            await _visit_items(job, context, check)
        case "projects":
            await _visit_whole(job, context, check)
        case over:
            raise NotProvidedError(f"{job.command.job_type} over {over} is not provided by this version.")


async def _visit_items(job: Job, context: Context, check: Check) -> None:
    """Visit the photos that the items name; ``check`` records or writes an outcome for each of them."""
    items = await job.pending_items()
    job.record(_outcomes((item for item in items if item.gone), "skipped", "The photo is no longer there."))
    here = [item for item in items if not item.gone]
    batches = group_by_project(PhotoTarget(item.photo_id, item.project_id) for item in here)
    async with job.database.connection() as connection:
        projects = await projects_of_tenant(connection, job.command.tenant, [batch.project_id for batch in batches])
    for batch in batches:
        job.hand_back_if_asked()
        of_project = tuple(item for item in here if item.project_id == batch.project_id)
        project = projects.get(batch.project_id)
        if project is None or not project.active:
            job.record(_outcomes(of_project, "skipped", "The project is no longer there."))
            continue
        try:
            async with opened_project(context.library, project) as folder:
                await check(Visit(job, context, project, folder, batch.photo_ids, of_project))
        except (FolderMissingError, ForeignFolderError) as error:
            job.record(_outcomes(of_project, "failed", error.public_message))


async def _visit_whole(job: Job, context: Context, check: Check) -> None:
    """Visit all photos of the task's projects, from where the last run saved its cursor, portion by portion."""
    async with job.database.connection() as connection:
        ids = await projects_of_task(connection, job.command.task_id)
        projects = await projects_of_tenant(connection, job.command.tenant, ids)
        total = await photos_in_projects(connection, ids)
    cursor = job.cursor or {"project": 0, "photo": 0, "done": 0}
    for project in (projects[one] for one in ids if one in projects and one >= cursor["project"]):
        after = cursor["photo"] if project.id == cursor["project"] else 0
        if not project.active:
            continue
        try:
            async with opened_project(context.library, project) as folder:
                start = Visit(job, context, project, folder, (), entries=await in_thread(folder.list))
                await _visit_portions(start, check, after, total)
        except (FolderMissingError, ForeignFolderError) as error:
            log.warning("project_not_checked", project=project.folder, reason=error.public_message)


async def _visit_portions(start: Visit, check: Check, after: int, total: int) -> None:
    """Check a project by portions; one without photos has its folder looked at all the same."""
    job, project = start.job, start.project
    while True:
        job.hand_back_if_asked()
        async with job.database.connection() as connection:
            photo_ids = await photo_ids_after(connection, project.id, after, PORTION)
        last = len(photo_ids) < PORTION
        await check(replace(start, photo_ids=photo_ids, last=last))
        after = photo_ids[-1] if photo_ids else after
        done = (job.cursor or {}).get("done", 0) + len(photo_ids)
        reached = {"project": project.id + 1, "photo": 0} if last else {"project": project.id, "photo": after}
        async with job.checkpoint() as work:
            await job.save_cursor({**reached, "done": done}, work)
        job.progress(done, max(done, total))
        if last:
            return


async def look(visit: Visit, connection: Connection, *, lock: bool) -> Sight:
    """See rows and disk, in the order that makes a file in motion look expected and never missing.

    Rows come first: what they name was placed before the folder was listed. Intents come last: an upload that was
    placing a file during the listing cannot have finished since, if the rows are kept by ``lock``, and with them the
    project. Without it, the listing may be older, for what is found then is looked at again.
    """
    if lock:
        await keep_project(visit, connection)
    photos = await photos_in_project(connection, visit.project.id, visit.photo_ids, lock=lock)
    known = None if lock else visit.entries
    entries = await in_thread_beside(connection, visit.folder.list) if known is None else known
    return Sight(photos, entries, await names_in_motion(connection, visit.project.id))


async def keep_project(visit: Visit, connection: Connection) -> None:
    """Keep the project from being deleted or moved until the transaction ends; raises ``LockedError`` if it was.

    The job then comes again, and finds how it is.
    """
    if await folder_of_active_project(connection, visit.project.id) != visit.project.folder:
        raise LockedError("The project was deleted or moved meanwhile.")


def _outcomes(items: Iterable[JobItem], status: ItemStatus, reason: str | None) -> list[ItemOutcome]:
    return [ItemOutcome(item.position, item.photo_id, status, reason) for item in items]
