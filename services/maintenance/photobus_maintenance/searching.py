"""What the parts of a search for folders without a project have in common."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from photobus_common.events.maintenance import Finding
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storable import storable
from photobus_common.storage.errors import LockedError
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.storage.whole_folders import lies_at
from photobus_common.store.projects import TakenNames, taken_names
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.judging import Verdict, judge
from photobus_maintenance.report import Report


@dataclass(frozen=True)
class Search:
    """One run of the job in the library of its tenant; ``cursor`` says what it has begun, saved with the rows."""

    job: Job
    context: Context
    report: Report
    library: TenantLibrary
    cursor: dict[str, Any] = field(default_factory=dict)

    @property
    def lock_wait(self) -> float:
        """Seconds that a folder's lock is waited for."""
        return self.context.settings.maintenance.lock_wait_seconds

    def about(self, project_id: int, folder: str) -> dict[str, Any]:
        """Return what every event about a project says."""
        return {"project_id": project_id, "project_folder": folder, "task_id": self.job.command.task_id}

    async def begin(self, work: UnitOfWork, **what: Any) -> None:
        """Keep in the cursor what follows from what ``work`` writes, so that it is done after a crash, too."""
        self.cursor.update(what)
        await self.job.save_cursor(self.cursor, work)

    @asynccontextmanager
    async def decided(self, folder: ProjectFolder, verdict: Verdict) -> AsyncIterator[tuple[UnitOfWork, TakenNames]]:
        """Open a checkpoint in which ``folder``, whose lock the caller holds, is still what it was judged to be.

        Nobody else makes, renames or brings back a project of the tenant meanwhile. Raises ``LockedError``.
        """
        async with self.report.checkpoint() as work:
            taken = await taken_names(work.connection, self.library.tenant)
            if folder.name in taken.folders or await judge(work.connection, self.library, folder) != verdict:
                raise LockedError("The folder is another than it was.")
            if not await in_thread_beside(work.connection, lies_at, self.library, folder.name, folder):
                raise LockedError("The folder was renamed meanwhile.")
            yield work, taken

    def refused(self, folder: str, code: str, reason: str, project: CatalogueProject | None = None) -> None:
        """Report that a folder is left as it is."""
        self.report.found(
            Finding(
                kind="refused",
                code=code,
                reason=storable(reason),
                project_id=None if project is None else project.id,
                project_folder=None if project is None else project.folder,
                subject=storable(folder),
            )
        )
