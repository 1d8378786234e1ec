"""Taking in a file's bytes: written and hashed in a thread, a portion at a time, while the next portion arrives."""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from photobus_common.errors import ConflictError
from photobus_common.photos import content, exif
from photobus_common.photos.exif import Exif
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage import locks
from photobus_common.storage.errors import storage_errors
from photobus_common.storage.folder import write_all
from photobus_common.storage.library import TenantLibrary
from photobus_common.telemetry import UPLOADED_BYTES
from photobus_gateway.uploads.answers import AnswerCode
from photobus_gateway.uploads.files import TemporaryFile, Wish

PORTION: Final = 1024 * 1024
"""Bytes that are handed to the writing thread at once."""

_HASH_PORTION: Final = 4 * 1024 * 1024


class Digest(Protocol):
    """A running hash."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """Return the hash of all bytes so far, in lower-case hex."""


class UploadBusyError(ConflictError):
    """Another request is writing to this upload."""

    code = "upload_busy"
    status = 423


@dataclass(frozen=True)
class Inspected:
    """What is known of complete bytes; ``refusal`` says why they are not taken."""

    size: int
    md5: str
    modified_at: datetime
    exif: Exif
    refusal: AnswerCode | None


class Reception:
    """One stream of bytes into an open file: at most two portions in memory, hashed on the way.

    ``digest`` None leaves out the hash. An error of the disk comes out of a later call, at the latest of ``flush``.
    """

    def __init__(self, fd: int, digest: Digest | None) -> None:
        self._fd = fd
        self._digest = digest
        self._chunks: list[bytes] = []
        self._held = 0
        self._writing: asyncio.Task[None] | None = None
        self.received = 0

    async def write(self, chunk: bytes) -> None:
        """Take ``chunk``; waits when the disk is slower than the network."""
        self._chunks.append(chunk)
        self._held += len(chunk)
        self.received += len(chunk)
        if self._held >= PORTION:
            await self._pass_on()

    def take(self) -> list[bytes]:
        """Return the bytes not written yet and forget them; for whoever writes them together with the last step."""
        chunks, self._chunks, self._held = self._chunks, [], 0
        return chunks

    async def settle(self) -> None:
        """Wait until no thread writes any more; what is held stays held."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    async def flush(self) -> None:
        """Write what is held."""
        await self._pass_on()
        await self.settle()

    async def abandon(self) -> bool:
        """Wait for the thread whatever its end, so that the file may be closed; says whether all was written."""
        if self._writing is None:
            return True
        await asyncio.wait([self._writing])
        return self._writing.exception() is None

    async def _pass_on(self) -> None:
        await self.settle()
        self._writing = asyncio.create_task(asyncio.to_thread(store, self._fd, self._digest, self.take()))


def store(fd: int, digest: Digest | None, chunks: list[bytes]) -> None:
    """Write and hash ``chunks``, in order."""
    with storage_errors("writing an upload"):
        for chunk in chunks:
            if digest is not None:
                digest.update(chunk)
            write_all(fd, chunk)
            UPLOADED_BYTES.inc(len(chunk))


def make_temporary(library: TenantLibrary, upload_id: UUID) -> TemporaryFile:
    """Make and lock the file that receives ``upload_id``."""
    uploads = library.open_uploads()
    try:
        fd = uploads.create(str(upload_id))
    except BaseException:
        uploads.close()
        raise
    locks.try_lock(fd)  # Nobody else can have it: the name is new.
    return TemporaryFile(upload_id, uploads, fd)


def open_temporary(library: TenantLibrary, upload_id: UUID) -> TemporaryFile:
    """Open and lock the file of ``upload_id``; raises ``UploadBusyError`` and ``FileMissingError``."""
    uploads = library.open_uploads()
    try:
        fd = uploads.reopen(str(upload_id))
    except BaseException:
        uploads.close()
        raise
    temporary = TemporaryFile(upload_id, uploads, fd)
    if not locks.try_lock(fd):
        temporary.close()
        raise UploadBusyError("Another request is writing to this upload.")
    return temporary


def new_digest() -> Digest:
    """Begin an MD5, which tells files apart here and secures nothing."""
    return hashlib.md5(usedforsecurity=False)


def digest_of(fd: int) -> Digest:
    """Hash the whole file behind ``fd``; blocks."""
    digest = new_digest()
    at = 0
    with storage_errors("reading a file"):
        while portion := os.pread(fd, _HASH_PORTION, at):
            digest.update(portion)
            at += len(portion)
    return digest


def conclude(fd: int, chunks: list[bytes], digest: Digest, parsed: ParsedName, wish: Wish) -> Inspected:
    """Write the last ``chunks``, check what arrived against name and announcement, and sync it; blocks.

    Bytes that are refused are not synced.
    """
    store(fd, digest, chunks)
    with storage_errors("checking an upload"):
        size = os.fstat(fd).st_size
        head = os.pread(fd, content.HEAD_BYTES, 0)
        md5 = digest.hexdigest()
        refusal = _refusal(head, size, md5, parsed, wish)
        if refusal is None:
            if wish.modified_at is not None:
                seconds = wish.modified_at.timestamp()
                os.utime(fd, (seconds, seconds))
            os.fsync(fd)
        changed = os.fstat(fd).st_mtime_ns
    known = exif.read(fd) if refusal is None and parsed.kind != "sidecar" else Exif()
    return Inspected(size, md5, datetime.fromtimestamp(changed / 1e9, UTC), known, refusal)


def content_refusal(head: bytes, parsed: ParsedName) -> AnswerCode | None:
    """Say whether bytes that begin with ``head`` are not of the type that the name says."""
    return None if content.matches(parsed.extension, content.sniff(head)) else "content_differs"


def _refusal(head: bytes, size: int, md5: str, parsed: ParsedName, wish: Wish) -> AnswerCode | None:
    if wish.size is not None and wish.size != size:
        return "size_differs"
    if wish.md5 is not None and wish.md5 != md5:
        return "md5_differs"
    return "empty_file" if size == 0 else content_refusal(head, parsed)
