"""What a check of a project's photos is given: the open folder, the photos, and how it sees both at one time."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from photobus_common.errors import ConflictError, StorageUnavailableError
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CataloguePhoto, CatalogueProject
from photobus_common.storage.errors import FileUnreadableError, LockedError, is_about_one_file, is_of_the_disk
from photobus_common.storage.folder import Entry, Folder
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.job_items import ItemStatus
from photobus_common.store.reconciliation import (
    names_in_motion,
    photos_in_project,
)
from photobus_common.store.uploads import folder_of_active_project
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.report import Report

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
    ``last`` portion this may be. In ``pending`` a check puts a word for each thing it must come back for although it
    changed nothing, such as a file that is still being written; all portions of a project share it.
    """

    job: Job
    report: Report
    context: Context
    project: CatalogueProject
    folder: ProjectFolder
    photo_ids: tuple[int, ...]
    items: tuple[JobItem, ...] = ()
    entries: Sequence[Entry] | None = None
    last: bool = False
    pending: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, int]:
        """Tenant and id of the visited project."""
        return self.project.tenant, self.project.id

    @property
    def about(self) -> dict[str, Any]:
        """What every event about the visited project says."""
        task_id = self.job.command.task_id
        return {"project_id": self.project.id, "project_folder": self.project.folder, "task_id": task_id}

    def outcomes(self, unreadable: Collection[int] = ()) -> list[ItemOutcome]:
        """Return the outcome of each item: done, unless its photo is among those with an ``unreadable`` file."""
        failed = [item for item in self.items if item.photo_id in unreadable]
        done = [item for item in self.items if item.photo_id not in unreadable]
        return [*outcomes_of(done, "done", None), *outcomes_of(failed, "failed", "unreadable")]


@dataclass(frozen=True)
class Sight:
    """Rows and disk as seen at one time; ``expected`` are names in motion, which whoever moves them settles."""

    photos: Sequence[CataloguePhoto]
    entries: Sequence[Entry]
    expected: frozenset[str]


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


async def concerns_one_file(visit: Visit, error: StorageUnavailableError) -> bool:
    """Whether the system, or the disk, does not let us read the one file that ``error`` is about.

    Raises ``StorageUnavailableError`` when the library itself does not answer.
    """
    if is_of_the_disk(error):
        library = visit.context.library.tenant(visit.project.tenant, visit.project.library_id)
        await in_thread(library.open, undo=Folder.close)
        return True
    return isinstance(error, FileUnreadableError) or is_about_one_file(error)


async def keep_project(visit: Visit, connection: Connection) -> None:
    """Keep the project from being deleted or moved until the transaction ends; raises ``LockedError`` if it was.

    The job then comes again, and finds how it is.
    """
    if await folder_of_active_project(connection, visit.project.id) != visit.project.folder:
        raise LockedError("The project was deleted or moved meanwhile.")


def outcomes_of(items: Iterable[JobItem], status: ItemStatus, reason: str | None) -> list[ItemOutcome]:
    """Return the same outcome for each of ``items``."""
    return [ItemOutcome(item.position, item.photo_id, status, reason) for item in items]
