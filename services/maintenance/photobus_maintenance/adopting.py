"""A folder becomes a project of its own: its row, its manifest, its event.

The manifest comes before the commit. A crash between the two leaves one that names a project that never was: the folder
is found again, and is a new project again.
"""

from datetime import UTC, datetime

from photobus_common.events.maintenance import ProjectDiscovered, StrayFile, StrayFilesTrashed
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.folder import Entry
from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.names import numbered_names
from photobus_common.storage.project_folder import ProjectFolder, trash_folder
from photobus_common.store.projects import TakenNames, insert_project
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker.blocking import in_thread_beside
from photobus_maintenance.judging import Verdict
from photobus_maintenance.searching import Search


async def adopt(search: Search, folder: ProjectFolder, verdict: Verdict) -> CatalogueProject:
    """Make a project of the open ``folder``; raises ``LockedError`` when it is none of those any more."""
    async with folder.locked(search.lock_wait), search.decided(folder, verdict) as (work, taken):
        name = free_name(folder.name, taken)
        project_id, created_at = await insert_project(work.connection, search.library.tenant, name, folder.name)
        manifest = Manifest(id=project_id, name=name, created_at=created_at)
        if verdict.broken:
            await _put_aside(search, work, folder, project_id)
        await in_thread_beside(work.connection, folder.write_manifest, manifest)
        data = ProjectDiscovered(**search.about(project_id, folder.name), name=name, version=1)
        search.report.changed(work, data, "project_discovered", 1, folder.name)
        await search.begin(work, project=project_id)
    library = search.library
    return CatalogueProject(project_id, library.tenant, name, folder.name, True, created_at, library.library_id)


def free_name(folder: str, taken: TakenNames) -> str:
    """Return the name of a project in ``folder``: the same, with a number where another project has it."""
    return next(name for name in numbered_names(folder) if name not in taken.names)


async def _put_aside(search: Search, work: UnitOfWork, folder: ProjectFolder, project_id: int) -> None:
    """Keep the broken manifest in the project's trash, for whoever can make sense of it."""
    known = await in_thread_beside(work.connection, folder.expect, MANIFEST)
    place = trash_folder(datetime.now(UTC), search.job.command.task_id)
    trash_path = await in_thread_beside(work.connection, folder.trash, MANIFEST, place)
    stray = _stray(known, trash_path, "It cannot be read as a manifest.")
    data = StrayFilesTrashed(**search.about(project_id, folder.name), cause="folder_discovery", files=(stray,))
    search.report.changed(work, data, "manifest_broken", 1, MANIFEST)


def _stray(entry: Entry, trash_path: str, reason: str) -> StrayFile:
    return StrayFile(name=entry.name, trash_path=trash_path, size=entry.size, reason=reason)
