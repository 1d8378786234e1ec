"""Going through the photos of a job project by project, each folder opened behind the storage guard.

A job over whole projects, or over the library, goes through them in portions, and saves after each how far it is. A
scheduled run passes over projects that look as they did when the same check last left nothing to do.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from photobus_common.errors import PhotobusError, StorageUnavailableError
from photobus_common.libraries import opened_where_it_lies
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FolderMissingError, StorageFullError
from photobus_common.storage.folder import Folder
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.folder_marks import RowsMark, marks_of_projects, rows_of_projects, set_mark
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.reconciliation import (
    active_projects_from,
    photo_ids_after,
    photos_in_projects,
    photos_of_tenant,
    projects_of_task,
    projects_of_tenant,
)
from photobus_common.targets import PhotoTarget, group_by_project
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread
from photobus_common.worker.results import AttemptFailed, result_of
from photobus_maintenance.context import Context
from photobus_maintenance.marking import Glance
from photobus_maintenance.report import Report
from photobus_maintenance.visits import ForeignFolderError, Visit, outcomes_of

PORTION: Final = 2000
"""Photos of a whole project that are checked at once."""

PAGE: Final = 200
"""Projects whose rows and marks are read at once."""

START: Final[Mapping[str, int]] = {"project": 0, "photo": 0, "done": 0}
"""The cursor of a job over whole projects before it has begun."""

log = get_logger()

Wanted = Callable[[Connection, Sequence[int]], Awaitable[Collection[int]]]
"""Says which projects, of those with the ids, there is anything to look at for."""

Check = Callable[[Visit], Awaitable[int | None]]
"""Looks at the photos of a visit. One that stops before their end, asked to hand back, returns the last it is done with
(they are in the order of their ids), and is called again for the rest."""


@dataclass(frozen=True)
class Manner:
    """How whole projects are gone through: ``portion`` photos at once, else ``PORTION``.

    ``listed``: the folder is listed once for all portions. ``passes_over``: a scheduled run passes over folders that
    look as they did when the same check last left nothing to do. ``by_photos`` false: photos do not matter to the
    check, which is called once for each project. ``wanted``: other projects are not even opened.
    """

    portion: int | None = None
    listed: bool = True
    passes_over: bool = True
    by_photos: bool = True
    wanted: Wanted | None = None


USUAL: Final = Manner()


async def visit_projects(job: Job, context: Context, check: Check, manner: Manner = USUAL) -> None:
    """Call ``check`` for the photos of each project of the job, in the order of the projects' ids.

    A project that is archived, whose folder is gone or belongs to another project, costs its own photos only; an
    unavailable library fails the attempt.
    """
    match job.command.over:
        case "items":
            await _visit_items(job, context, check)
        case "projects" | "library":
            await _Round(job, context, check, manner).run()


async def visit_apart(job: Job, report: Report, context: Context, check: Check, project: CatalogueProject) -> None:
    """Call ``check`` for all photos of one project, apart from the round of the job, whose cursor stays as it is."""
    await _Apart(job, report, context, check).visit(project)


async def _visit_items(job: Job, context: Context, check: Check) -> None:
    """Visit the photos that the items name; ``check`` records or writes an outcome for each of them."""
    items = await job.pending_items()
    job.record(outcomes_of((item for item in items if item.gone), "skipped", "The photo is no longer there."))
    here = [item for item in items if not item.gone]
    batches = group_by_project(PhotoTarget(item.photo_id, item.project_id) for item in here)
    async with job.database.connection() as connection:
        projects = await projects_of_tenant(connection, job.command.tenant, [batch.project_id for batch in batches])
    for batch in batches:
        job.hand_back_if_asked()
        of_project = tuple(item for item in here if item.project_id == batch.project_id)
        project = projects.get(batch.project_id)
        if project is None or not project.active:
            job.record(outcomes_of(of_project, "skipped", "The project is no longer there."))
            continue
        try:
            async with opened_where_it_lies(job.database, context.library, project) as (now, folder):
                await check(Visit(job, Report(job), context, now, folder, batch.photo_ids, of_project))
        except (FolderMissingError, ForeignFolderError) as error:
            job.record(outcomes_of(of_project, "failed", error.public_message))


@dataclass(frozen=True)
class _Known:
    """What is known of a page of projects: their rows, and the marks that hold for this run."""

    rows: Mapping[int, RowsMark]
    marks: Mapping[int, str]


class _Round:
    """One run of a job over whole projects, those of its task or all of the library, from its cursor on."""

    def __init__(self, job: Job, context: Context, check: Check, manner: Manner) -> None:
        self._job = job
        self._context = context
        self._check = check
        self._manner = manner
        self._report = Report(job)
        self._cursor = job.cursor or dict(START)
        self._total = 0

    @property
    def _whole_library(self) -> bool:
        return self._job.command.over == "library"

    async def run(self) -> None:
        """Visit each project; what nobody has written at the end is written then."""
        async for page in self._pages():
            wanted = await self._wanted(page)
            known = await self._known(wanted)
            for project in wanted:
                self._job.hand_back_if_asked()
                await self._visit_guarded(project, known)
            await self._save(page[-1].id + 1)

    async def _wanted(self, page: Sequence[CatalogueProject]) -> Sequence[CatalogueProject]:
        if self._manner.wanted is None:
            return page
        async with self._job.database.connection() as connection:
            ids = await self._manner.wanted(connection, [project.id for project in page])
        return [project for project in page if project.id in ids]

    async def _pages(self) -> AsyncIterator[Sequence[CatalogueProject]]:
        tenant = self._job.command.tenant
        if not self._whole_library:
            async with self._job.database.connection() as connection:
                ids = await projects_of_task(connection, self._job.command.task_id)
                known = await projects_of_tenant(connection, tenant, ids)
                self._total = await photos_in_projects(connection, ids)
            projects = [known[one] for one in ids if one in known and one >= self._cursor["project"]]
            active = [project for project in projects if project.active]
            for start in range(0, len(active), PAGE):
                yield active[start : start + PAGE]
            return
        async with self._job.database.connection() as connection:
            self._total = await photos_of_tenant(connection, tenant)
        first = self._cursor["project"]
        while True:
            async with self._job.database.connection() as connection:
                page = await active_projects_from(connection, tenant, first, PAGE)
            if not page:
                return
            yield page
            first = page[-1].id + 1

    async def _known(self, page: Sequence[CatalogueProject]) -> _Known:
        """Read marks only where they count: who asks for a check by hand wants everything looked at."""
        ids = [project.id for project in page]
        valid = timedelta(hours=self._context.settings.maintenance.full_pass_hours)
        if not self._whole_library or not self._manner.passes_over:
            return _Known({}, {})
        async with self._job.database.connection() as connection:
            rows = await rows_of_projects(connection, ids)
            if self._job.command.source != "system":
                return _Known(rows, {})
            return _Known(rows, await marks_of_projects(connection, self._job.command.job_type, ids, valid))

    async def _visit_guarded(self, project: CatalogueProject, known: _Known) -> None:
        """Visit a project so that what is wrong with its own folder costs nothing but itself.

        In a job over the library that goes for a folder that the disk cannot read as well, or has no room in, if the
        library answers otherwise, and for what nobody thought of: else no project behind it would ever be visited. In
        others the attempt has failed.
        """
        try:
            await self._visit(project, known)
        except (FolderMissingError, ForeignFolderError) as error:
            self._pass_by(project, error)
        except (StorageUnavailableError, StorageFullError) as error:
            if not self._whole_library:
                raise
            library = self._context.library.tenant(project.tenant, project.library_id)
            await in_thread(library.open, undo=Folder.close)
            self._pass_by(project, error)
        except Exception as error:
            failure = result_of(error)
            if not self._whole_library or not isinstance(failure, AttemptFailed) or isinstance(error, DATABASE_OUTAGES):
                raise
            log.exception("project_not_checked", project=project.folder)
            self._report.refused(project, failure.code, failure.reason)

    def _pass_by(self, project: CatalogueProject, error: PhotobusError) -> None:
        log.warning("project_not_checked", project=project.folder, reason=error.public_message)
        self._report.refused(project, error.code, error.public_message)

    async def _visit(self, project: CatalogueProject, known: _Known) -> None:
        opening = opened_where_it_lies(self._job.database, self._context.library, project)
        async with opening as (now, folder):
            began = datetime.now(UTC)
            glance = await in_thread(Glance, folder, self._context.settings, time.time_ns())
            rows = known.rows.get(project.id)
            mark = known.marks.get(project.id)
            if rows is not None and mark is not None and glance.mark(rows) == mark:
                self._cursor = {**self._cursor, "done": self._cursor["done"] + rows.photos}
                self._report.looked_at(rows.photos)
                return
            await self._visit_portions(now, folder, glance, began)

    async def _visit_portions(
        self, project: CatalogueProject, folder: ProjectFolder, glance: Glance, began: datetime
    ) -> None:
        """Check a project by portions; one without photos has its folder looked at all the same."""
        job = self._job
        after = self._cursor["photo"] if project.id == self._cursor["project"] else 0
        whole, pending = after == 0, list[str]()
        portion = self._manner.portion or PORTION
        entries = await in_thread(folder.list) if self._manner.listed else None
        start = Visit(job, self._report, self._context, project, folder, (), entries=entries, pending=pending)
        if not self._manner.by_photos:
            await self._check(replace(start, last=True))
            await self._count(project)
            await self._save(project.id + 1, None if pending else (project, glance, began))
            return
        while True:
            async with job.database.connection() as connection:
                photo_ids = await photo_ids_after(connection, project.id, after, portion)
            last = len(photo_ids) < portion
            reached = await self._check(replace(start, photo_ids=photo_ids, last=last))
            if reached is not None:
                last, photo_ids = False, tuple(one for one in photo_ids if one <= reached)
            after = photo_ids[-1] if photo_ids else after
            self._report.looked_at(len(photo_ids))
            self._cursor = {**self._cursor, "done": self._cursor["done"] + len(photo_ids)}
            if last:
                await self._save(project.id + 1, (project, glance, began) if whole and not pending else None)
                return
            await self._save(project.id, photo=after)
            job.hand_back_if_asked()  # not before: to list a large folder takes so long that nothing would ever be done

    async def _count(self, project: CatalogueProject) -> None:
        """Count all photos of the project as looked at."""
        async with self._job.database.connection() as connection:
            photos = await photos_in_projects(connection, [project.id])
        self._report.looked_at(photos)
        self._cursor = {**self._cursor, "done": self._cursor["done"] + photos}

    async def _save(
        self, project_id: int, marked: tuple[CatalogueProject, Glance, datetime] | None = None, *, photo: int = 0
    ) -> None:
        """Put on record how far the job is, and that a project was left with nothing to do."""
        self._cursor = {**self._cursor, "project": project_id, "photo": photo}
        async with self._report.checkpoint() as work:
            await self._job.save_cursor(self._cursor, work)
            if marked is not None and self._whole_library and self._manner.passes_over:
                project, glance, began = marked
                rows = (await rows_of_projects(work.connection, [project.id]))[project.id]
                if (mark := glance.mark(rows)) is not None:
                    await set_mark(work.connection, project.id, self._job.command.job_type, mark, began)
        self._job.progress(self._cursor["done"], max(self._cursor["done"], self._total))


class _Apart(_Round):
    """The visit of one project from its beginning, of which neither the cursor of the job nor marks know."""

    def __init__(self, job: Job, report: Report, context: Context, check: Check) -> None:
        super().__init__(job, context, check, USUAL)
        self._report = report
        self._cursor = dict(START)

    async def visit(self, project: CatalogueProject) -> None:
        """Visit the project."""
        await self._visit_guarded(project, _Known({}, {}))

    async def _save(
        self, project_id: int, marked: tuple[CatalogueProject, Glance, datetime] | None = None, *, photo: int = 0
    ) -> None:
        """Put on record no more than what is to be reported."""
        del project_id, marked, photo
        async with self._report.checkpoint():
            pass
