"""Resumable uploads: bytes come in portions, over any number of requests, gateways and their deaths.

How far an upload has come is told by the size of its file, which is locked by whoever writes to it; its row says what
it will become.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from photobus_common.config import Settings
from photobus_common.errors import ConflictError, FieldError, NotFoundError, PhotobusError, TooLargeError
from photobus_common.events import Origin
from photobus_common.photos import filenames
from photobus_common.photos.filenames import RefusedName
from photobus_common.storage.errors import FileMissingError
from photobus_common.storage.library import Library, TenantLibrary
from photobus_common.store import uploads
from photobus_common.store.database import Database
from photobus_common.store.upload_batches import BatchKey
from photobus_common.store.uploads import NewUpload, Upload
from photobus_common.telemetry import UPLOADED_FILES
from photobus_gateway.callers import SOURCE
from photobus_gateway.uploads.answers import UploadResult, refused
from photobus_gateway.uploads.batches import Batches
from photobus_gateway.uploads.files import Received, TemporaryFile, UploadProject, Wish
from photobus_gateway.uploads.placing import LOCK_WAIT_SECONDS, Placer
from photobus_gateway.uploads.portions import OffsetMismatchError, Portion, Portions, begin
from photobus_gateway.uploads.queue import PlacingQueue
from photobus_gateway.uploads.receiving import conclude, make_temporary, open_temporary
from photobus_gateway.uploads.recording import ending
from photobus_gateway.uploads.threads import in_thread

COMMON_BATCH: Final = "tus"
"""Batch of uploads whose client named none: they wait for each other as those of any batch do."""


class FileRefusedError(PhotobusError):
    """A file of this name or size is never taken."""

    code = "refused"
    status = 422


class UploadGoneError(PhotobusError):
    """The upload's bytes are gone, or were refused."""

    code = "upload_gone"
    status = 410


@dataclass(frozen=True)
class Progress:
    """How far an upload is, in bytes; ``result`` once its file is placed or refused."""

    upload: Upload
    offset: int
    expires_at: datetime
    result: UploadResult | None = None


class Resumable:
    """Makes, continues and ends resumable uploads."""

    def __init__(
        self,
        database: Database,
        library: Library,
        placer: Placer,
        queue: PlacingQueue,
        batches: Batches,
        settings: Settings,
    ) -> None:
        self._database = database
        self._library = library
        self._placer = placer
        self._queue = queue
        self._batches = batches
        self._uploader = settings.uploader
        self._lifetime = timedelta(hours=settings.uploader.expire_hours)
        self._portions = Portions()

    async def create(
        self,
        project: UploadProject,
        actor: str,
        filename: str,
        wish: Wish,
        metadata: str | None,
        first: Portion | None = None,
    ) -> Progress:
        """Make an upload of ``wish.size`` bytes, and take its first portion if it comes along.

        Raises ``FileRefusedError`` and ``TooLargeError``, and with a portion what ``append`` raises.
        """
        size = wish.size or 0
        self._check(filename, size)
        new = NewUpload(
            id=uuid4(),
            tenant=project.tenant,
            project_id=project.project_id,
            actor=actor,
            filename=filename,
            size=size,
            md5=wish.md5,
            on_conflict=wish.on_conflict,
            batch=wish.batch or COMMON_BATCH,
            batch_total=wish.batch_total,
            modified_at=wish.modified_at,
            metadata=metadata,
        )
        temporary = await in_thread(make_temporary, project.library(self._library), new.id)
        try:
            async with self._database.connection() as connection:
                row = await uploads.insert_upload(connection, new, self._lifetime)
            if first is None:
                return Progress(row, 0, row.expires_at)
            return await self._take(project, row, temporary, 0, first)
        finally:
            temporary.close()

    async def state(self, project: UploadProject, upload_id: UUID) -> Progress:
        """Say how far the upload is. One whose bytes are complete, but whose request died before placing, is placed."""
        row = await self._row(project, upload_id)
        if row.state == "placing":
            await self._placer.finish(project, LOCK_WAIT_SECONDS)
            row = await self._row(project, upload_id)
        if row.state != "receiving":
            return _complete(row)
        offset = await in_thread(_offset, project.library(self._library), row)
        if offset < (row.size or 0):
            return Progress(row, offset, row.expires_at)
        return await self.append(project, upload_id, offset, Portion(_nothing()))

    async def append(
        self,
        project: UploadProject,
        upload_id: UUID,
        offset: int,
        portion: Portion,
    ) -> Progress:
        """Add a portion at ``offset``; the last one has the file placed.

        Raises ``UploadBusyError``, ``OffsetMismatchError``, ``ChecksumMismatchError``, ``TooLargeError``, and what
        its ``chunks`` raise; what arrived by then is kept, unless it came with a checksum.
        """
        try:
            temporary = await in_thread(open_temporary, project.library(self._library), upload_id)
        except FileMissingError:
            return _repeated(await self._row(project, upload_id), offset)
        try:
            row = await self._row(project, upload_id)
            if row.state != "receiving":
                return _repeated(row, offset)
            size = row.size or 0
            verified = size if row.unverified_from is None else row.unverified_from
            await in_thread(begin, temporary.fd, verified, offset)
            return await self._take(project, row, temporary, offset, portion)
        finally:
            temporary.close()

    async def terminate(self, project: UploadProject, upload_id: UUID) -> None:
        """End the upload and remove its bytes; a file that is placed already stays. Raises ``UploadBusyError``."""
        try:
            temporary = await in_thread(open_temporary, project.library(self._library), upload_id)
        except FileMissingError:
            temporary = None
        try:
            row = await self._row(project, upload_id)
            if row.state == "placing":
                raise ConflictError("The file is just being placed.")
            self._portions.forget(upload_id)
            async with self._database.transaction() as connection:
                await uploads.delete_upload(connection, upload_id)
            if temporary is not None:
                await in_thread(temporary.discard)
        finally:
            if temporary is not None:
                temporary.close()

    async def _take(
        self, project: UploadProject, row: Upload, temporary: TemporaryFile, offset: int, portion: Portion
    ) -> Progress:
        """Write a portion where the file stands, and have the file placed if it was the last."""
        if portion.checksum is not None or row.unverified_from is not None:
            await self._mark(row.id, None if portion.checksum is None else offset)
        size = row.size or 0
        end = await self._portions.write(row.id, temporary.fd, range(offset, size), portion)
        if end == size:
            result = await self._conclude(project, row, temporary)
            UPLOADED_FILES.labels(result.status).inc()
            return Progress(row, end, row.expires_at, result)
        async with self._database.connection() as connection:
            expires_at = await uploads.extend_upload(connection, row.id, self._lifetime)
        return Progress(row, end, expires_at or row.expires_at)

    async def _conclude(self, project: UploadProject, row: Upload, temporary: TemporaryFile) -> UploadResult:
        """Check the whole file and have it placed."""
        digest = await self._portions.digest(row.id, temporary.fd, row.size or 0)
        parsed = filenames.parse(row.filename, self._uploader)
        if isinstance(parsed, RefusedName):  # The accepted files were configured anew meanwhile.
            return await self._refuse(project, row, temporary, refused(row.filename, parsed.code, parsed.reason))
        wish = Wish(row.size, row.md5, row.modified_at, row.on_conflict, row.batch, row.batch_total)
        found = await in_thread(conclude, temporary.fd, [], digest, parsed, wish)
        if found.refusal is not None:
            return await self._refuse(project, row, temporary, refused(row.filename, found.refusal))
        origin = Origin(SOURCE, row.tenant, row.actor)
        file = Received(
            temporary, parsed, found.size, found.md5, found.modified_at, found.exif, wish, origin, resumable=True
        )
        result = await self._queue.put(project, file)
        await self._answered(project, row)
        return result

    async def _refuse(
        self, project: UploadProject, row: Upload, temporary: TemporaryFile, result: UploadResult
    ) -> UploadResult:
        async with self._database.transaction() as connection:
            await uploads.settle_uploads(connection, [ending(row.id, result)])
        await in_thread(temporary.discard)
        await self._answered(project, row)
        return result

    async def _answered(self, project: UploadProject, row: Upload) -> None:
        self._batches.added()
        if row.batch is not None and row.batch_total is not None:
            await self._batches.answered(BatchKey(project.tenant, project.project_id, row.batch), 1, row.batch_total)

    async def _row(self, project: UploadProject, upload_id: UUID) -> Upload:
        async with self._database.connection() as connection:
            row = await uploads.upload_of_project(connection, upload_id, project.tenant, project.project_id)
        if row is None:
            raise NotFoundError("There is no such upload; it may have expired.")
        return row

    async def _mark(self, upload_id: UUID, offset: int | None) -> None:
        async with self._database.connection() as connection:
            await uploads.mark_unverified(connection, upload_id, offset)

    def _check(self, filename: str, size: int) -> None:
        parsed = filenames.parse(filename, self._uploader)
        if isinstance(parsed, RefusedName):
            raise FileRefusedError(parsed.reason, fields=(FieldError("Upload-Metadata.filename", parsed.reason),))
        limit = self._uploader.max_file_bytes
        if size > limit:
            message = f"The file is over {limit} bytes."
            raise TooLargeError(message, fields=(FieldError("Upload-Length", message, limit),))
        if size == 0:
            raise FileRefusedError("The file is empty.", fields=(FieldError("Upload-Length", "The file is empty."),))


def _offset(library: TenantLibrary, row: Upload) -> int:
    with library.open_uploads() as received:
        found = received.stat(str(row.id))
    if found is None:
        raise UploadGoneError("The upload's bytes are gone; begin it anew.")
    return found.size if row.unverified_from is None else min(found.size, row.unverified_from)


def _repeated(row: Upload, offset: int) -> Progress:
    """Answer a portion for an upload that takes none any more: the last one sent again, or one too many."""
    if row.state == "receiving":
        raise UploadGoneError("The upload's bytes are gone; begin it anew.")
    if offset != row.size:
        raise OffsetMismatchError("The upload is complete.")
    return _complete(row)


def _complete(row: Upload) -> Progress:
    result = None if row.result is None else UploadResult.model_validate(row.result)
    return Progress(row, row.size or 0, row.expires_at, result)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
