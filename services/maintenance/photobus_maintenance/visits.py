"""Going through the photos of a job project by project, each folder opened behind the storage guard."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from photobus_common.errors import ConflictError, NotProvidedError
from photobus_common.libraries import opened_project
from photobus_common.reconciliation import CataloguePhoto, CatalogueProject
from photobus_common.storage.errors import FolderMissingError
from photobus_common.storage.folder import Entry
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.job_items import ItemStatus
from photobus_common.store.reconciliation import names_in_motion, photos_in_project, projects_of_tenant
from photobus_common.targets import PhotoTarget, group_by_project
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.context import Context


class ForeignFolderError(ConflictError):
    """The folder's manifest says that it is another project's, and that project's own folder is not there."""

    code = "folder_of_another_project"


@dataclass(frozen=True)
class Visit:
    """One project of the job: its open folder and the items to check in it."""

    job: Job
    context: Context
    project: CatalogueProject
    folder: ProjectFolder
    items: tuple[JobItem, ...]

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
    """Call ``check`` for each project that the job's photos lie in, in the order of their ids.

    ``check`` records or writes an outcome for every item of its visit. A project that is archived, whose folder is gone
    or belongs to another project, costs its own items only; an unavailable library fails the attempt.
    """
    if job.command.over != "items":
        raise NotProvidedError(f"{job.command.job_type} over {job.command.over} is not provided by this version.")
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
                await check(Visit(job, context, project, folder, of_project))
        except (FolderMissingError, ForeignFolderError) as error:
            job.record(_outcomes(of_project, "failed", error.public_message))


async def look(visit: Visit, connection: Connection, *, lock: bool) -> Sight:
    """See rows and disk, in the order that makes a file in motion look expected and never missing.

    Rows come first: what they name was placed before the folder was listed. Intents come last: an upload that was
    placing a file during the listing cannot have finished since, if the rows are kept by ``lock``.
    """
    photo_ids = [item.photo_id for item in visit.items]
    photos = await photos_in_project(connection, visit.project.id, photo_ids, lock=lock)
    entries = await in_thread(visit.folder.list)
    return Sight(photos, entries, await names_in_motion(connection, visit.project.id))


def _outcomes(items: Iterable[JobItem], status: ItemStatus, reason: str | None) -> list[ItemOutcome]:
    return [ItemOutcome(item.position, item.photo_id, status, reason) for item in items]
