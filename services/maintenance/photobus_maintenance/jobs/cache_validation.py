"""``cache_validation``: derivatives that are recorded but gone become ``missing``, and are asked for again.

The folders of derivatives are listed by names alone. What seems gone is looked at once more while the photo's row is
locked: who makes derivatives names them in the transaction that locks it, so that rows and names agree there. All that
is missing in the end is asked for as one task, however many photos of however many projects.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from photobus_common.config import MAX_ITEMS
from photobus_common.errors import StorageUnavailableError
from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import DerivativesUpdated, PhotoDerivatives
from photobus_common.events.tasks import Targets
from photobus_common.photos.derivatives import derivative_name
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FileMissingError, is_about_one_file
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoFilter
from photobus_common.store.lost_derivatives import (
    Gone,
    MarkedPhoto,
    ShownPhoto,
    any_missing,
    changed_by_job,
    generated_in_project,
    generation_is_open,
    mark_missing,
    photos_in_motion,
)
from photobus_common.store.reconciliation import projects_of_task, projects_of_tenant
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_maintenance.context import Context
from photobus_maintenance.manifests import is_its_own
from photobus_maintenance.rounds import START, Manner, visit_projects
from photobus_maintenance.visits import Visit, keep_project

REASON: Final = "file_gone"
"""What the event and the row say of a derivative that was there."""

_MANNER: Final = Manner(listed=False)
_ASKED: Final = "asked"
_KINDS: Final = (THUMBNAILS, PREVIEWS)

Names = Mapping[str, frozenset[str]]
"""What each of the two folders of derivatives holds."""


class BlockedError(StorageUnavailableError):
    """Something else lies where derivatives should, and nobody can make them there."""

    code = "derivatives_blocked"


class CacheValidation:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Look for the derivatives of whole projects, and ask for those that are gone."""
        await visit_projects(job, self._context, _Validation(self._context), _MANNER)
        if not (job.cursor or {}).get(_ASKED):
            await _ask(job, self._context)


class _Validation:
    """The check of one run; the names of a project's derivatives serve all its portions."""

    def __init__(self, context: Context) -> None:
        self._format = context.settings.processing.format
        self._listed: tuple[int, Names] | None = None

    async def __call__(self, visit: Visit) -> None:
        try:
            names = await self._names(visit)
        except StorageUnavailableError as error:
            if not (is_about_one_file(error) or isinstance(error, BlockedError)):
                raise
            _refuse(visit, error)
            return
        async with visit.job.database.connection() as connection:
            photos = await generated_in_project(connection, visit.project.id, visit.photo_ids)
        suspects = [photo.id for photo in photos if any(self._absent(photo, names))]
        if suspects and await is_its_own(visit):
            await self._mark(visit, suspects)

    async def _names(self, visit: Visit) -> Names:
        if self._listed is None or self._listed[0] != visit.project.id:
            self._listed = None
            self._listed = visit.project.id, await in_thread(_derivatives, visit.folder)
        return self._listed[1]

    def _absent(self, photo: ShownPhoto, names: Names) -> tuple[bool, bool]:
        """Whether thumbnail and preview are recorded and not among ``names``."""
        name = derivative_name(photo.filename, self._format)
        statuses = (photo.thumbnail_status, photo.preview_status)
        thumbnail, preview = (
            status == "generated" and name not in names[kind] for kind, status in zip(_KINDS, statuses, strict=True)
        )
        return thumbnail, preview

    async def _mark(self, visit: Visit, suspects: Sequence[int]) -> None:
        """Look again where nobody makes any meanwhile, and write what is gone for sure."""
        async with visit.report.checkpoint() as work:
            await keep_project(visit, work.connection)
            photos = await generated_in_project(work.connection, visit.project.id, suspects, lock=True)
            moving = await photos_in_motion(work.connection, suspects)
            if moving:
                visit.pending.append("in_motion")
            still = [photo for photo in photos if photo.id not in moving]
            gone, blocked = await in_thread_beside(work.connection, self._gone, visit.folder, still)
            for name in blocked:
                _refuse(visit, BlockedError(f"Something that is no file lies in the place of {name!r}."), name)
            marked = await mark_missing(work.connection, gone, REASON) if gone else []
            _tell(visit, work, marked)

    def _gone(self, folder: ProjectFolder, photos: Sequence[ShownPhoto]) -> tuple[list[Gone], list[str]]:
        """Look at each file by its name: file systems may list it by another spelling. Blocks."""
        gone, blocked = [], []
        for photo in photos:
            name = derivative_name(photo.filename, self._format)
            statuses = (photo.thumbnail_status, photo.preview_status)
            recorded = [kind for kind, status in zip(_KINDS, statuses, strict=True) if status == "generated"]
            absent = {kind for kind in recorded if folder.stat_derivative(kind, name) is None}
            if any(_taken(folder, kind, name) for kind in absent):
                blocked.append(name)
            elif absent:
                gone.append(Gone(photo.id, THUMBNAILS in absent, PREVIEWS in absent))
        return gone, blocked


def _derivatives(folder: ProjectFolder) -> Names:
    """List both folders of derivatives; one that is not there holds nothing. Raises ``BlockedError``. Blocks."""
    return {kind: _file_names(folder, kind) for kind in _KINDS}


def _file_names(folder: ProjectFolder, kind: str) -> frozenset[str]:
    try:
        with folder.subfolder(kind) as derivatives:
            return derivatives.file_names()
    except FileMissingError as error:
        if folder.taken(kind):
            raise BlockedError(f"What lies in the place of {folder.name}/{kind} is no folder.") from error
        return frozenset()


def _taken(folder: ProjectFolder, kind: str, name: str) -> bool:
    try:
        with folder.subfolder(kind) as derivatives:
            return derivatives.taken(name)
    except FileMissingError:
        return False


def _refuse(visit: Visit, error: StorageUnavailableError, subject: str | None = None) -> None:
    """Report once for the whole project what keeps its derivatives from being looked for; it is asked again later."""
    if visit.last or subject is not None:
        visit.report.refused(visit.project, error.code, error.public_message, subject)
    visit.pending.append(error.code)


def _tell(visit: Visit, work: UnitOfWork, marked: Sequence[MarkedPhoto]) -> None:
    parts = [
        PhotoDerivatives(
            photo_id=photo.id,
            filename=photo.filename,
            version=photo.version,
            thumbnail_status=photo.thumbnail_status,
            preview_status=photo.preview_status,
            reason=REASON,
        )
        for photo in marked
    ]
    for photos in cut_by_bytes(parts):
        visit.report.changed(work, DerivativesUpdated(**visit.about, photos=photos), "derivatives_missing", len(photos))


async def _ask(job: Job, context: Context) -> None:
    """Ask for what is missing by a filter: so it is one task, which has the photos of a killed run too.

    It is asked for after each run that found something gone, and where an earlier task left photos undone.
    """
    tenant = job.command.tenant
    async with job.checkpoint() as work:
        projects = await _projects(work.connection, job)
        due = await changed_by_job(work.connection, job.command.job_id)
        due = due or not await generation_is_open(work.connection, tenant)
        ids = None if projects is None else [project.id for project in projects]
        if due and await any_missing(work.connection, tenant, ids):
            targets = Targets(kind="filter", filter=_filter(projects).descriptor())
            request_task(work, job.origin, Ask(context.definitions["generate_derivatives"], targets, source="task"))
        await job.save_cursor({**START, **(job.cursor or {}), _ASKED: True}, work)


async def _projects(connection: Connection, job: Job) -> list[CatalogueProject] | None:
    """Return the active projects that the job is over; None for the whole library."""
    if job.command.over == "library":
        return None
    ids = await projects_of_task(connection, job.command.task_id)
    known = await projects_of_tenant(connection, job.command.tenant, ids)
    return [project for project in known.values() if project.active]


def _filter(projects: Sequence[CatalogueProject] | None) -> PhotoFilter:
    """Return what is asked for; the few photos of other projects do no harm where a filter cannot name so many."""
    if projects is None or len(projects) > MAX_ITEMS:
        return PhotoFilter(status="missing")
    return PhotoFilter(status="missing", project_folders=tuple(project.folder for project in projects))
