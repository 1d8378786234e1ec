"""The manifest of a project's folder: whether it is there, readable, and this project's."""

from datetime import UTC, datetime
from enum import Enum
from typing import Final

from photobus_common.logging import get_logger
from photobus_common.reconciliation import CatalogueProject
from photobus_common.storage.errors import FileUnreadableError, FolderMissingError, ManifestBrokenError
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.project_folder import ProjectFolder, trash_folder
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.worker.blocking import in_thread
from photobus_maintenance.visits import ForeignFolderError, Visit

NOT_ITS_OWN: Final = "folder_not_its_own"
"""The code of a report about a folder that does not say that it is the project's."""

log = get_logger()


class ManifestState(Enum):
    """What is to be done about a manifest."""

    RIGHT = "right"
    MISSING = "missing"
    WRONG = "wrong"
    UNREADABLE = "unreadable"


async def manifest_state(visit: Visit) -> ManifestState:
    """Look at the manifest of the visited folder.

    Raises ``ForeignFolderError`` when it names another project of the tenant and that one's own folder does not: the
    folder was renamed by its owner, and to check this project against it would be wrong. If that folder says so as
    well, this manifest is a copy.
    """
    try:
        found = await in_thread(visit.folder.read_manifest)
    except ManifestBrokenError:
        return ManifestState.WRONG
    except FileUnreadableError:
        log.warning("manifest_unreadable", project=visit.project.folder)
        return ManifestState.UNREADABLE
    if found is None:
        return ManifestState.MISSING
    if found.is_of(visit.project.id, visit.project.created_at):
        return ManifestState.RIGHT
    async with visit.job.database.connection() as connection:
        other = (await projects_of_tenant(connection, visit.project.tenant, [found.id])).get(found.id)
    if other is None or not found.is_of(other.id, other.created_at):
        return ManifestState.WRONG
    library = visit.context.library.tenant(visit.project.tenant, visit.project.library_id)
    if await in_thread(_has_its_own, library, other, visit.folder):
        return ManifestState.WRONG
    raise ForeignFolderError(f"The folder {visit.project.folder} is that of {other.name} by its manifest.")


async def is_its_own(visit: Visit) -> bool:
    """Whether the open folder says that it is the project's; the empty place of an absent disk has no manifest.

    If not, nothing may be taken for gone from it, and that is reported. Raises ``ForeignFolderError``.
    """
    if await manifest_state(visit) in {ManifestState.RIGHT, ManifestState.UNREADABLE}:
        return True
    if NOT_ITS_OWN not in visit.pending:
        reason = "The folder has no manifest of the project's; its disk may not be mounted."
        visit.report.refused(visit.project, NOT_ITS_OWN, reason)
        visit.pending.append(NOT_ITS_OWN)
    return False


def write_manifest(folder: ProjectFolder, project: CatalogueProject, state: ManifestState, visit: Visit) -> bool:
    """Write the project's manifest if it is missing or wrong; says whether it was. What it replaces goes to the trash.

    One that cannot be read may be right. Blocking; the caller holds the folder's lock.
    """
    if state in {ManifestState.RIGHT, ManifestState.UNREADABLE}:
        return False
    if state is ManifestState.WRONG:
        folder.trash(MANIFEST, trash_folder(datetime.now(UTC), visit.job.command.task_id))
    folder.write_manifest(Manifest(id=project.id, name=project.name, created_at=project.created_at))
    return True


def _has_its_own(library: TenantLibrary, project: CatalogueProject, visited: ProjectFolder) -> bool:
    """Whether the project's folder is there, another than the ``visited`` one, and says that it is its. Blocks."""
    try:
        with library.open_project(project.folder) as folder:
            manifest = folder.read_manifest()
            elsewhere = folder.identity != visited.identity
    except (FolderMissingError, ManifestBrokenError, FileUnreadableError):
        return False
    return elsewhere and manifest is not None and manifest.is_of(project.id, project.created_at)
