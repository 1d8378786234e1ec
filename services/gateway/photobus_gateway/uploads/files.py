"""What passes between the parts of an upload: the project, the client's wishes, and the received file."""

import os
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from photobus_common.errors import PhotobusError
from photobus_common.events import Origin
from photobus_common.photos.exif import Exif
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import Library, TenantLibrary
from photobus_common.store.uploads import OnConflict

_log = structlog.get_logger()


@dataclass(frozen=True)
class UploadProject:
    """The project that files are uploaded into."""

    project_id: int
    tenant: str
    folder: str
    library_id: UUID

    def library(self, library: Library) -> TenantLibrary:
        """Return the tenant's library."""
        return library.tenant(self.tenant, self.library_id)


@dataclass(frozen=True)
class Wish:
    """What the client said of one file. ``size`` in bytes, ``md5`` in lower-case hex; ``batch_total`` counts files.

    ``moves_here``: a photo of its name in another project is to be moved here instead.
    """

    size: int | None = None
    md5: str | None = None
    modified_at: datetime | None = None
    on_conflict: OnConflict | None = None
    batch: str | None = None
    batch_total: int | None = None
    moves_here: bool = False


@dataclass
class TemporaryFile:
    """An open file in `.uploads`, locked by whoever writes to it; the lock goes with the process."""

    upload_id: UUID
    uploads: Folder
    fd: int

    @property
    def name(self) -> str:
        """Its name in `.uploads`."""
        return str(self.upload_id)

    def close(self) -> None:
        """Close it, keeping the bytes; a second time does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
        self.uploads.close()

    def discard(self) -> bool:
        """Remove the name and close the file; says whether the name is gone.

        That it cannot be removed changes nothing about what became of the file: the bytes go when they are swept.
        """
        try:
            if self.fd >= 0:
                self.uploads.remove(self.name)
        except PhotobusError as error:
            _log.warning("received_bytes_not_removed", upload_id=self.name, reason=error.public_message)
            return False
        finally:
            self.close()
        return True


@dataclass(frozen=True)
class Received:
    """A file whose bytes lie in `.uploads`, complete, verified and synced."""

    temporary: TemporaryFile
    parsed: ParsedName
    size: int
    md5: str
    modified_at: datetime
    exif: Exif
    wish: Wish
    origin: Origin
    resumable: bool = field(default=False)
