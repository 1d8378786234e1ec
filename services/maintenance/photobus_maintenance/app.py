"""Where the parts of the maintenance service are put together."""

from typing import Final

from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.job_types import Service
from photobus_common.libraries import refuse_to_start_without_locks
from photobus_common.service import Stop
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_common.worker.serving import serve_worker
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.cache_validation import CacheValidation
from photobus_maintenance.jobs.catalogue_update import catalogue_update
from photobus_maintenance.jobs.duplicate_resolution import DuplicateResolution
from photobus_maintenance.jobs.folder_alignment import FolderAlignment
from photobus_maintenance.jobs.folder_check import FolderCheck
from photobus_maintenance.jobs.folder_discovery import FolderDiscovery
from photobus_maintenance.jobs.integrity_check import IntegrityCheck
from photobus_maintenance.jobs.manifest_check import ManifestCheck
from photobus_maintenance.jobs.manifest_cleaning import ManifestCleaning
from photobus_maintenance.jobs.orphaned_project_cleanup import OrphanedProjectCleanup
from photobus_maintenance.jobs.project_scavenge import ProjectScavenge
from photobus_maintenance.jobs.regenerate_metadata import RegenerateMetadata
from photobus_maintenance.jobs.trash_maintenance import TrashMaintenance

NAME: Final[Service] = "maintenance"


async def main(settings: Settings, stop: Stop) -> None:
    """Run the maintenance service until ``stop``.

    Raises ``ConfigurationError`` for a library whose file system does not keep locks: what the jobs do there would not
    be kept apart from uploads.
    """
    library = Library(settings.library.root)
    await refuse_to_start_without_locks(settings, library, NAME)
    context = Context(library, settings, load_definitions())
    await serve_worker(NAME, handlers_of(context), settings, stop)


def handlers_of(context: Context) -> dict[str, Handler]:
    """Return what does the work of each job type."""
    return {
        "duplicate_resolution": DuplicateResolution(context),
        "folder_alignment": FolderAlignment(context),
        "manifest_check": ManifestCheck(context),
        "folder_check": FolderCheck(context),
        "manifest_cleaning": ManifestCleaning(context),
        "trash_maintenance": TrashMaintenance(context),
        "project_scavenge": ProjectScavenge(context),
        "orphaned_project_cleanup": OrphanedProjectCleanup(context),
        "folder_discovery": FolderDiscovery(context),
        "catalogue_update": catalogue_update,
        "cache_validation": CacheValidation(context),
        "integrity_check": IntegrityCheck(context),
        "regenerate_metadata": RegenerateMetadata(context),
    }
