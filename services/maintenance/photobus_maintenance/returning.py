"""An archived project whose folder its owner has brought back: it is active again, and its photos are known again.

Those whose rows a deletion removed are noted as lost first, with what the log says of them, so that the check of the
folder knows them by their bytes. A crash between leaves notes of photos that are lost indeed.
"""

from typing import Any

from photobus_common.events.maintenance import ProjectReturned
from photobus_common.reconciliation import CatalogueFile, CatalogueProject
from photobus_common.storage.errors import LockedError
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.deletions import activate_project, deletion_tasks, is_archived, lock_project
from photobus_common.store.discovery import forget_missing, removed_after, without_rows
from photobus_common.store.lost_files import record_lost
from photobus_common.store.projects import TakenNames
from photobus_common.store.trash_removals import forget_whole
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.adopting import free_name
from photobus_maintenance.following import number_of
from photobus_maintenance.judging import Verdict
from photobus_maintenance.searching import Search


async def bring_back(search: Search, folder: ProjectFolder, verdict: Verdict) -> CatalogueProject:
    """Make the project of ``verdict`` active again in the open ``folder``; raises ``LockedError``."""
    project = verdict.project
    if project is None:
        raise AssertionError("a folder that is back is that of a project")
    await _note_removed(search, project)
    async with folder.locked(search.lock_wait):
        async with search.decided(folder, verdict) as (work, taken):
            if await lock_project(work.connection, project.tenant, project.id) != project:
                raise LockedError("The project has changed meanwhile.")
            name = _name(project, folder.name, taken)
            version = await activate_project(work.connection, project.id, name, folder.name)
            await forget_missing(work.connection, project.id)
            await forget_whole(work.connection, project.id)
            data = ProjectReturned(**search.about(project.id, folder.name), name=name, version=version)
            search.report.changed(work, data, "project_returned", 1, folder.name)
            await search.begin(work, project=project.id)
        await _follow_in_manifest(folder, project, name)  # whoever is killed before leaves it to the next alignment
    return CatalogueProject(**{**vars(project), "name": name, "folder": folder.name, "active": True})


def _name(project: CatalogueProject, folder: str, taken: TakenNames) -> str:
    """Return the name of the project: its own, unless its owner gave the folder another."""
    renamed = folder != project.folder and number_of(project.name, folder) is None
    return free_name(folder if renamed else project.name, taken)


async def _follow_in_manifest(folder: ProjectFolder, project: CatalogueProject, name: str) -> None:
    if name != project.name:
        manifest: Any = Manifest(id=project.id, name=name, created_at=project.created_at)
        await in_thread(folder.write_manifest, manifest)


async def _note_removed(search: Search, project: CatalogueProject) -> None:
    """Note the files of the photos that the project's deletion removed, portion by portion."""
    async with search.job.database.connection() as connection:
        tasks = await deletion_tasks(connection, project.id)
        if tasks and not await is_archived(connection, project.tenant, project.id):
            raise LockedError("The log of the project's deletion is not whole yet.")
    seq = 0
    while tasks:
        search.job.hand_back_if_asked()
        async with search.report.checkpoint() as work:
            removed = await removed_after(work.connection, tasks, project.id, seq)
            if removed is None:
                return
            gone = await without_rows(work.connection, [photo.photo_id for photo in removed.photos])
            files = [
                (photo.photo_id, CatalogueFile(file.name, file.kind, file.size, file.md5))
                for photo in removed.photos
                for file in photo.files
                if photo.photo_id in gone and file.md5 is not None
            ]
            key = (project.tenant, project.id)
            await record_lost(work.connection, key, search.job.command.task_id, files, removed.event_id)
        seq = removed.seq
