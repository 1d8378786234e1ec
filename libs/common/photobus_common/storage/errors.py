"""What can go wrong on disk, told apart: away, full, taken, missing, broken."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from photobus_common.errors import ConflictError, NotFoundError, PhotobusError, StorageUnavailableError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_OF_ONE_FILE: Final = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ELOOP),
        *(errno.ENOTDIR, errno.EISDIR, errno.EMLINK, errno.EOVERFLOW, errno.ETXTBSY),
    }
)
"""With these a storage that works refuses what was asked of one name, and will again; all others are its own state."""

_OF_ONE_FOLDER: Final = frozenset({errno.EBUSY, errno.ENOTEMPTY, errno.EEXIST})
"""With these it refuses to remove or rename one folder, for as long as something is mounted or written there."""

_REFUSED: Final = frozenset({errno.EROFS, errno.EXDEV})
"""With these it refuses whatever is asked of the place, for as long as that stays what it is."""


class StorageFullError(PhotobusError):
    """No room left on the file system, or in the owner's quota. Nothing half written stays visible."""

    code = "storage_full"
    status = 507
    retryable = True


class NameTakenError(ConflictError):
    """A file or folder of that name is there already; nothing was replaced."""

    code = "name_taken"


class FileMissingError(NotFoundError):
    """The file is not in its folder, although the library answers."""

    code = "file_missing"


class FileUnreadableError(StorageUnavailableError):
    """The file is there and its folder answers, but the system does not let us read it: a matter of its owner's.

    Who does not care which file it was may take it for storage that does not answer.
    """

    code = "file_unreadable"


class FolderMissingError(NotFoundError):
    """The project's folder is not in the library, although the library answers."""

    code = "folder_missing"


class FolderUnreadableError(StorageUnavailableError):
    """The project's folder is there and the library answers, but the system does not let us open it."""

    code = "folder_unreadable"


class ManifestBrokenError(PhotobusError):
    """The project's manifest is there, but cannot be read as one."""

    code = "manifest_broken"


class TrashExpiredError(NotFoundError):
    """The folder of the deleted project is no longer in the library's trash."""

    code = "trash_expired"
    status = 410


class LockedError(ConflictError):
    """Someone else holds the lock of the project's folder; come again."""

    code = "locked"
    retryable = True


def unavailable(error: OSError, what: str) -> PhotobusError:
    """Return the error that stands for ``error`` while doing ``what``: full, or unavailable with the system's word."""
    if error.errno in _FULL:
        return StorageFullError(f"No space left: {what}.")
    return StorageUnavailableError(f"The storage did not answer ({error.strerror or error}): {what}.")


def is_about_one_file(error: PhotobusError) -> bool:
    """Whether the storage answered, and what it refused is this one file's doing: others may fare better."""
    if isinstance(error, FileMissingError | NameTakenError):
        return True
    cause = error.__cause__
    return isinstance(error, StorageUnavailableError) and isinstance(cause, OSError) and cause.errno in _OF_ONE_FILE


def is_of_this_entry(error: PhotobusError) -> bool:
    """Whether the storage answered, and what it refused is for as long as this one entry of a folder is in use."""
    cause = error.__cause__
    return isinstance(error, StorageUnavailableError) and isinstance(cause, OSError) and cause.errno in _OF_ONE_FOLDER


def is_refusal(error: PhotobusError) -> bool:
    """Whether the storage answered, and will refuse the same again: for this one file, or for want of room or leave.

    Who must come to an end takes it for one, instead of asking again and again.
    """
    if is_about_one_file(error) or isinstance(error, StorageFullError | FileUnreadableError):
        return True
    cause = error.__cause__
    return isinstance(error, StorageUnavailableError) and isinstance(cause, OSError) and cause.errno in _REFUSED


def is_of_the_disk(error: PhotobusError) -> bool:
    """Whether the disk cannot read or write something: one file, or all of it, which the next question shows."""
    cause = error.__cause__
    return isinstance(error, StorageUnavailableError) and isinstance(cause, OSError) and cause.errno == errno.EIO


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turn every ``OSError`` inside into the error that stands for it."""
    try:
        yield
    except OSError as error:
        raise unavailable(error, what) from error
