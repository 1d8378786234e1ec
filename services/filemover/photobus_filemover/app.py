"""Where the parts of the file mover are put together."""

from typing import Final

from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.job_types import Service
from photobus_common.libraries import refuse_to_start_without_locks
from photobus_common.service import Stop
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_common.worker.serving import serve_worker
from photobus_filemover.context import Context
from photobus_filemover.finishing import Finisher
from photobus_filemover.jobs.file_removal import FileRemoval
from photobus_filemover.jobs.image_move_files import ImageMoveFiles
from photobus_filemover.jobs.project_cleanup_db import ProjectCleanupDb
from photobus_filemover.jobs.project_delete_files import ProjectDeleteFiles
from photobus_filemover.jobs.project_restore import ProjectRestore
from photobus_filemover.jobs.project_stop_processes import ProjectStopProcesses
from photobus_filemover.jobs.undo_files import UndoFiles

NAME: Final[Service] = "filemover"


async def main(settings: Settings, stop: Stop) -> None:
    """Run the file mover until ``stop``.

    Raises ``ConfigurationError`` for a library whose file system does not keep locks: two workers might move the same
    files there.
    """
    library = Library(settings.library.root)
    await refuse_to_start_without_locks(settings, library, NAME)
    context = Context(library, settings, load_definitions())
    handlers: dict[str, Handler] = {
        "file_removal": FileRemoval(context),
        "image_move_files": ImageMoveFiles(context),
        "undo_files": UndoFiles(context),
        "project_stop_processes": ProjectStopProcesses(context),
        "project_delete_files": ProjectDeleteFiles(context),
        "project_cleanup_db": ProjectCleanupDb(context),
        "project_restore": ProjectRestore(context),
    }
    await serve_worker(NAME, handlers, settings, stop, beside=Finisher(context).run)
