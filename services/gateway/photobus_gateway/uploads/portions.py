"""Writing one portion of a resumable upload into its file: kept, synced and hashed, or cut off again."""

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from photobus_common.errors import ConflictError, PhotobusError, TooLargeError
from photobus_common.storage.errors import storage_errors
from photobus_gateway.uploads.body import BodyStalledError
from photobus_gateway.uploads.checksums import Both, Checksum
from photobus_gateway.uploads.receiving import Digest, Reception, digest_of, new_digest, store
from photobus_gateway.uploads.threads import in_thread

_DIGESTS_KEPT: Final = 1000


class OffsetMismatchError(ConflictError):
    """The portion does not begin where the upload stands."""

    code = "offset_mismatch"


@dataclass(frozen=True)
class Portion:
    """Bytes of an upload as they arrive, and the checksum that came with them."""

    chunks: AsyncIterator[bytes]
    checksum: Checksum | None = None


class Portions:
    """Writes portions, and keeps the hashes of unfinished uploads in memory so that most files are read only once."""

    def __init__(self) -> None:
        self._digests: OrderedDict[UUID, tuple[int, Digest]] = OrderedDict()

    async def write(self, upload_id: UUID, fd: int, room: range, portion: Portion) -> int:
        """Write ``portion`` from ``room.start`` on and return where it ends; the caller holds the file's lock.

        Raises ``TooLargeError`` past ``room.stop`` and ``ChecksumMismatchError``, having cut the portion off again.
        What its ``chunks`` raise comes through, and what arrived before is kept unless it came with a checksum.
        What is kept is on disk then, except when the upload is complete: that is synced with its last check.
        """
        checksum = portion.checksum
        digest = self._digest_at(upload_id, room.start)
        reception = Reception(fd, digest if checksum is None else Both(digest, checksum))
        kept = False
        try:
            await _read(reception, room, portion.chunks)
            if checksum is not None:
                await reception.flush()
                checksum.check()
            kept = True
        except BodyStalledError:
            kept = checksum is None
            raise
        except PhotobusError:
            raise
        except BaseException:
            kept = checksum is None
            raise
        finally:
            await asyncio.shield(self._end(upload_id, fd, room, reception, digest if kept else None, kept))
        return room.start + reception.received

    async def digest(self, upload_id: UUID, fd: int, size: int) -> Digest:
        """Return the hash of the whole file of ``size`` bytes and forget it."""
        known_size, digest = self._digests.pop(upload_id, (-1, None))
        if digest is not None and known_size == size:
            return digest
        return await in_thread(digest_of, fd)

    def forget(self, upload_id: UUID) -> None:
        """Forget the hash of an upload that ended."""
        self._digests.pop(upload_id, None)

    async def _end(
        self, upload_id: UUID, fd: int, room: range, reception: Reception, digest: Digest | None, kept: bool
    ) -> None:
        written = await reception.abandon()
        if not kept or not written:
            await in_thread(cut, fd, room.start)
            return
        complete = reception.received == len(room)
        await in_thread(_store, fd, digest, reception.take(), not complete)
        if digest is not None:
            self._digests[upload_id] = (room.start + reception.received, digest)
            if len(self._digests) > _DIGESTS_KEPT:
                self._digests.popitem(last=False)

    def _digest_at(self, upload_id: UUID, offset: int) -> Digest | None:
        size, digest = self._digests.pop(upload_id, (-1, None))
        if offset == 0:
            return new_digest()
        return digest if size == offset else None


async def _read(reception: Reception, room: range, chunks: AsyncIterator[bytes]) -> None:
    async for chunk in chunks:
        await reception.write(chunk)
        if reception.received > len(room):
            raise TooLargeError("The portion goes beyond the length of the upload.")


def begin(fd: int, verified: int, offset: int) -> None:
    """Make ready to write at ``offset``, which is where the file must stand; blocks.

    Bytes beyond ``verified`` came with a checksum that was never compared, because their request died; they go.
    """
    with storage_errors("continuing an upload"):
        if os.fstat(fd).st_size > verified:
            os.ftruncate(fd, verified)
        stands = os.fstat(fd).st_size
        if stands != offset:
            raise OffsetMismatchError(f"The upload stands at {stands}, the portion begins at {offset}.")
        os.lseek(fd, offset, os.SEEK_SET)


def cut(fd: int, size: int) -> None:
    """Drop what lies beyond ``size``; blocks."""
    with storage_errors("dropping a portion"):
        os.ftruncate(fd, size)
        os.fsync(fd)


def _store(fd: int, digest: Digest | None, chunks: list[bytes], sync: bool) -> None:
    store(fd, digest, chunks)
    if sync:
        with storage_errors("syncing an upload"):
            os.fsync(fd)
