"""Where the parts of the maintenance service are put together."""

from typing import Final

from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.job_types import Service
from photobus_common.service import Stop
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_common.worker.serving import serve_worker
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.folder_check import FolderCheck
from photobus_maintenance.jobs.manifest_check import ManifestCheck

NAME: Final[Service] = "maintenance"


async def main(settings: Settings, stop: Stop) -> None:
    """Run the maintenance service until ``stop``."""
    context = Context(Library(settings.library.root), settings, load_definitions())
    handlers: dict[str, Handler] = {
        "manifest_check": ManifestCheck(context),
        "folder_check": FolderCheck(context),
    }
    await serve_worker(NAME, handlers, settings, stop)
