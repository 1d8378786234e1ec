"""``project_delete_files``: the whole folder of a deleted project goes to the library's trash, by one rename.

What it is about to do is on record before. Files that others have on record for this folder come first, so that each is
where its row says; one that is gone, or is another project's by now, is no error.
"""

from photobus_common.archived_projects import Undertaking, move_to_trash
from photobus_common.errors import ConflictError
from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FileUnreadableError, ManifestBrokenError
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.file_operations import awaits_moves
from photobus_common.store.project_operations import NewOperation, last_move, record_operation
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.worker import Job
from photobus_common.worker.blocking import in_thread
from photobus_filemover.context import Context
from photobus_filemover.deleted import deletion_of
from photobus_filemover.finishing import finish_open
from photobus_filemover.places import held

log = get_logger()


class MovesOpenError(ConflictError):
    """Files of another project may lie here already, of which it is not settled yet where they belong."""

    code = "moves_open"
    retryable = True


class ProjectDeleteFiles:
    """The handler of the job type."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, job: Job) -> None:
        """Move the folders of the task's projects; one that lies in the trash already stays there."""
        deletion = deletion_of(job, self._context)
        for project in await deletion.projects():
            await deletion.settle(project)
            async with job.database.connection() as connection:
                move = await last_move(connection, project.id)
            if move is None or move.kind != "trash":
                await self._take_away(deletion, project)

    async def _take_away(self, deletion: Undertaking, project: CatalogueProject) -> None:
        job, wait = deletion.job, self._context.settings.filemover.lock_wait_seconds
        async with held(self._context, job.database, project.tenant, [project.id], wait) as places:
            await finish_open(self._context, job, places)
            await _refuse_with_files_of_others(job, project)
            place = places[project.id]
            if place.is_gone or await _is_anothers(job, place.project, place.present):
                log.warning("project_folder_missing", project=place.project.folder)
                await _record_missing(deletion, place.project)
                return
            await move_to_trash(deletion, place.project, place.present)


async def _refuse_with_files_of_others(job: Job, project: CatalogueProject) -> None:
    """Raise ``MovesOpenError`` for moves that could not be settled, since the folder they come from is not there.

    A file that had come along would expire in the trash, while its photo is still where it came from.
    """
    async with job.database.connection() as connection:
        if await awaits_moves(connection, project.id):
            raise MovesOpenError("Photos are on their way here from a project whose folder cannot be opened.")


async def _record_missing(deletion: Undertaking, project: CatalogueProject) -> None:
    about = (project.tenant, project.id, deletion.job.command.task_id)
    async with deletion.checkpoint(project.id) as (work, _):
        operation = await record_operation(work.connection, NewOperation(*about, "trash", project.folder))
        await deletion.end(work, project, operation, None)


async def _is_anothers(job: Job, project: CatalogueProject, folder: ProjectFolder) -> bool:
    """Whether the folder's manifest says that it is that of another project that there is."""
    try:
        manifest = await in_thread(folder.read_manifest)
    except (ManifestBrokenError, FileUnreadableError):
        return False
    if manifest is None or manifest.id == project.id:
        return False
    async with job.database.connection() as connection:
        return bool(await projects_of_tenant(connection, project.tenant, [manifest.id]))
