"""``file_removal``: files that are no longer to be kept go to the trash, in small batches of one project each.

For each batch, under the lock of the project's folder: what a worker left on record that died or was canceled is
completed; what is to be done is put on record; it is done, in the transaction that writes what follows from it.
"""

from collections.abc import Sequence
from typing import Final

from photobus_common.events.tasks import Targets
from photobus_common.reconciliation import CatalogueProject
from photobus_common.removal import plan_removal
from photobus_common.storage.errors import FolderMissingError, FolderUnreadableError, LockedError
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.file_operations import record_operations
from photobus_common.store.job_items import ItemStatus
from photobus_common.store.reconciliation import names_in_motion, projects_of_tenant
from photobus_common.store.removals import photos_to_show_anew, removable_photos
from photobus_common.store.uploads import folder_of_active_project
from photobus_common.targets import PhotoTarget, group_by_project
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_common.worker.blocking import in_thread_beside
from photobus_filemover.completing import complete
from photobus_filemover.context import Context
from photobus_filemover.finishing import finish_open
from photobus_filemover.places import Places, held
from photobus_filemover.planning import planned_operations
from photobus_filemover.settling import cause_of

PORTION: Final = 50
"""Photos whose files go in one transaction, which holds their rows."""

_ASKED: Final = {"derivatives_asked": True}


class FileRemoval:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Remove what is pending of the job's photos, project by project in the order of their ids.

        A folder in which somebody else is at work holds up its own photos only: it is come back to.
        """
        items = await job.pending_items()
        job.record(_outcomes([item for item in items if item.gone], "skipped", "The photo is no longer there."))
        here = [item for item in items if not item.gone]
        batches = group_by_project(PhotoTarget(item.photo_id, item.project_id) for item in here)
        async with job.database.connection() as connection:
            projects = await projects_of_tenant(connection, job.command.tenant, [one.project_id for one in batches])
        locked: LockedError | None = None
        for batch in batches:
            of_project = [item for item in here if item.project_id == batch.project_id]
            project = projects.get(batch.project_id)
            if project is None or not project.active:
                job.record(_outcomes(of_project, "skipped", "The project is no longer there."))
                continue
            try:
                await self._visit(job, project, of_project)
            except LockedError as error:
                locked = error
        if locked is not None:
            raise locked
        await self._ask_for_derivatives(job)

    async def _visit(self, job: Job, project: CatalogueProject, items: Sequence[JobItem]) -> None:
        wait, left = self._context.settings.filemover.lock_wait_seconds, list(items)
        while left:
            job.hand_back_if_asked()
            async with held(self._context, job.database, project.tenant, [project.id], wait) as places:
                await self._remove(job, places, project.id, left[:PORTION])
            del left[:PORTION]

    async def _remove(self, job: Job, places: Places, project_id: int, portion: Sequence[JobItem]) -> None:
        try:
            folder = places[project_id].present
        except (FolderMissingError, FolderUnreadableError) as error:
            job.record(_outcomes(portion, "failed", error.public_message))
            return
        finished = await finish_open(self._context, job, places)
        items = [item for item in portion if item.position not in finished]
        arriving = await self._intend(job, places[project_id].project, folder, items)
        outcomes = _outcomes(arriving, "failed", "One of its files is still on its way, here or elsewhere.")
        async with job.checkpoint(outcomes) as work:
            asked = {item.photo_id: cause_of(job, item) for item in items if item not in arriving}
            settled = await complete(work, places, asked)
            outcomes += [one.outcome for one in settled if one.cause.job_id == job.command.job_id]

    async def _intend(
        self, job: Job, project: CatalogueProject, folder: ProjectFolder, items: Sequence[JobItem]
    ) -> list[JobItem]:
        """Put on record what is going to be done; return the items to pass over, for others are at their names."""
        tenant = job.command.tenant
        async with job.checkpoint() as work:
            if await folder_of_active_project(work.connection, project.id) != project.folder:
                raise LockedError("The project was deleted or moved meanwhile.")  # comes again, and finds how it is
            moving = await names_in_motion(work.connection, project.id)
            photos = await removable_photos(work.connection, tenant, [item.photo_id for item in items], lock=True)
            planned = [
                (item, removal)
                for item in items
                if (photo := photos.get(item.photo_id)) is not None
                and photo.project_id == project.id
                and (removal := plan_removal(photo)) is not None
            ]
            arriving = [item for item, plan in planned if not moving.isdisjoint(file.name for file in plan.going)]
            planned = [(item, plan) for item, plan in planned if item not in arriving]
            operations = await in_thread_beside(work.connection, planned_operations, job, folder, planned)
            await record_operations(work.connection, operations)
        return arriving

    async def _ask_for_derivatives(self, job: Job) -> None:
        """Have the derivatives made of photos that another of their files shows from now on: once, by one task."""
        if job.cursor == _ASKED:
            return
        async with job.checkpoint() as work:
            photos = await photos_to_show_anew(work.connection, job.command.job_id)
            if photos:
                definition = self._context.definitions["generate_derivatives"]
                ids, projects = zip(*photos, strict=True)
                targets = Targets(kind="photos", photo_ids=ids, project_ids=projects)
                request_task(work, job.origin, Ask(definition, targets, source="task"))
            await job.save_cursor(_ASKED, work)


def _outcomes(items: Sequence[JobItem], status: ItemStatus, reason: str) -> list[ItemOutcome]:
    return [ItemOutcome(item.position, item.photo_id, status, reason) for item in items]
