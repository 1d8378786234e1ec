"""An undo brings files back without looking whether their names are free by now."""

import os
from typing import Any

from photobus_common.storage.errors import FileMissingError, storage_errors
from photobus_common.store.file_operations import FileOperation, OperationOutcome
from photobus_filemover.disk import Disk


async def namesakes(connection: Any, tenant: str, places: Any, unique: Any) -> dict[Any, str]:
    """Find no other photo in the way."""
    return {}


async def taken_by_others(connection: Any, operations: Any) -> frozenset[int]:
    """Find no other photo in the way."""
    return frozenset()


def rename(disk: Disk, operation: FileOperation) -> OperationOutcome:
    """Bring the file back, whatever has its name."""
    folder, _, name = operation.path.rpartition("/")
    try:
        trashed = disk.folder(folder)
    except FileMissingError:
        return "missing"
    with storage_errors(f"restoring {name!r}"):
        target = operation.target_path or operation.path
        os.rename(name, target, src_dir_fd=trashed.fd, dst_dir_fd=disk.project.fd)
    disk.touch(folder)
    return "moved"
