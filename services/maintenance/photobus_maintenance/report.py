"""What a job of maintenance tells of itself: how much it looked at, what it changed, what it refused, and why."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from photobus_common.events import Event, EventData, cut_by_bytes
from photobus_common.events.maintenance import Finding, FindingsReported
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storable import storable
from photobus_common.store.findings import FindingRow, add_to_report
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import ItemOutcome, Job


class Report:
    """Collects what one run of a job comes upon; each ``checkpoint`` writes what is new, with the rows it tells of.

    A line stands for a change, then it leads to the event of that change, or for what was only seen: that becomes an
    event of its own, so that the log has all of it.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._looked_at = 0
        self._changes: list[FindingRow] = []
        self._findings: list[Finding] = []

    @asynccontextmanager
    async def checkpoint(self, outcomes: Sequence[ItemOutcome] = ()) -> AsyncIterator[UnitOfWork]:
        """Open a checkpoint of the job; on leaving, what was reported since the last one is written with it."""
        before = len(self._findings)
        try:
            async with self._job.checkpoint(outcomes) as work:
                yield work
                await self._write(work)
        except BaseException:  # what it tells of did not happen
            self._changes, self._findings = [], self._findings[:before]
            raise
        self._looked_at, self._changes, self._findings = 0, [], []

    def looked_at(self, count: int) -> None:
        """Count what was looked at: photos, or whatever else the job goes through."""
        self._looked_at += count

    def changed(self, work: UnitOfWork, data: EventData, code: str, count: int, subject: str | None = None) -> Event:
        """Emit ``data`` in ``work``, and report the change of ``count`` things that it tells of."""
        event = self._job.origin.event(data)
        work.emit(event)
        project_id, folder = data.project(), getattr(data, "project_folder", None)
        self._changes.append(
            FindingRow(
                "changed", code, event.id, project_id=project_id, project_folder=folder, subject=subject, count=count
            )
        )
        return event

    def found(self, finding: Finding) -> None:
        """Report what was come upon and is left as it is."""
        self._findings.append(finding)

    def refused(self, project: CatalogueProject, code: str, reason: str, subject: str | None = None) -> None:
        """Report what would have been done in ``project``, and was not."""
        self.found(
            Finding(
                kind="refused",
                code=code,
                reason=storable(reason),
                project_id=project.id,
                project_folder=project.folder,
                subject=None if subject is None else storable(subject),
            )
        )

    async def _write(self, work: UnitOfWork) -> None:
        rows = [*self._changes]
        command = self._job.command
        for findings in cut_by_bytes(self._findings):
            data = FindingsReported(
                task_id=command.task_id,
                task_type=command.task_type,
                job_id=command.job_id,
                job_type=command.job_type,
                findings=findings,
            )
            event = self._job.origin.event(data)
            work.emit(event)
            rows += [FindingRow(event_id=event.id, **found.model_dump()) for found in findings]
        if rows or self._looked_at:
            await add_to_report(work.connection, command, self._looked_at, rows)
