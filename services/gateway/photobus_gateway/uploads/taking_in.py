"""Taking in one file of a request: into `.uploads`, refused as early as its bytes allow, then checked and synced."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, get_args
from uuid import uuid4

from photobus_common.errors import PhotobusError, StorageUnavailableError
from photobus_common.events import Origin
from photobus_common.photos.content import HEAD_BYTES
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage.errors import FolderMissingError, LockedError, StorageFullError
from photobus_common.storage.library import TenantLibrary
from photobus_gateway.uploads.answers import AnswerCode, UploadResult, answer, refused
from photobus_gateway.uploads.files import Received, TemporaryFile, Wish
from photobus_gateway.uploads.placing import ProjectGoneError, UnfinishedError
from photobus_gateway.uploads.receiving import Digest, Reception, conclude, content_refusal, make_temporary, new_digest
from photobus_gateway.uploads.threads import in_thread

TOLD_PER_FILE: Final = (
    StorageFullError,
    StorageUnavailableError,
    FolderMissingError,
    LockedError,
    ProjectGoneError,
    UnfinishedError,
)
"""Errors that are told as the answer of the file they hit, so that the rest of its request goes on."""


@dataclass
class Taken:
    """A file of which all bytes came, the last of them not written yet."""

    temporary: TemporaryFile
    reception: Reception
    digest: Digest
    parsed: ParsedName
    wish: Wish
    origin: Origin


async def take_in(
    library: TenantLibrary,
    parsed: ParsedName,
    wish: Wish,
    origin: Origin,
    chunks: AsyncIterator[bytes],
    max_bytes: int,
) -> Taken | UploadResult:
    """Receive one file to its end, or until it must be refused; the caller passes over the rest of its bytes.

    Raises what ``chunks`` raises, such as when the client goes away; nothing stays behind then.
    """
    try:
        temporary = await in_thread(make_temporary, library, uuid4())
    except TOLD_PER_FILE as error:
        return refusal_of(parsed.name, error)
    reception = Reception(temporary.fd, digest := new_digest())
    complete = False
    try:
        code = await _receive(reception, parsed, chunks, wish.size if wish.size is not None else max_bytes, max_bytes)
        if code is not None:
            return refused(parsed.name, code)
        complete = True
        return Taken(temporary, reception, digest, parsed, wish, origin)
    except TOLD_PER_FILE as error:
        return refusal_of(parsed.name, error)
    finally:
        if not complete:
            await _drop(reception, temporary)


async def check(taken: Taken) -> Received | UploadResult:
    """Write the last bytes, compare all with what was announced, and sync them; other files may come in meanwhile."""
    complete = False
    try:
        await taken.reception.settle()
        last = taken.reception.take()
        found = await in_thread(conclude, taken.temporary.fd, last, taken.digest, taken.parsed, taken.wish)
        if found.refusal is not None:
            return refused(taken.parsed.name, found.refusal)
        complete = True
        about = (found.size, found.md5, found.modified_at, found.exif)
        return Received(taken.temporary, taken.parsed, *about, taken.wish, taken.origin)
    except TOLD_PER_FILE as error:
        return refusal_of(taken.parsed.name, error)
    finally:
        if not complete:
            await _drop(taken.reception, taken.temporary)


def refusal_of(filename: str, error: PhotobusError) -> UploadResult:
    """Return the answer for a file that ``error`` hit; one that is on record already is not refused any more."""
    if isinstance(error, UnfinishedError):
        return answer(filename, "unfinished", "unfinished")
    code: AnswerCode = next((word for word in get_args(AnswerCode) if word == error.code), "incomplete")
    return refused(filename, code, error.public_message)


async def _receive(
    reception: Reception, parsed: ParsedName, chunks: AsyncIterator[bytes], announced: int, max_bytes: int
) -> AnswerCode | None:
    head = b""
    async for chunk in chunks:
        if len(head) < HEAD_BYTES:
            head += chunk[:HEAD_BYTES]
            if len(head) >= HEAD_BYTES and (code := content_refusal(head, parsed)) is not None:
                return code
        await reception.write(chunk)
        if reception.received > max_bytes:
            return "too_large"
        if reception.received > announced:
            return "size_differs"
    return None


async def _drop(reception: Reception, temporary: TemporaryFile) -> None:
    """Remove what was received, once no thread writes to it any more, also while the request is being cancelled."""
    await asyncio.shield(_drop_after(reception, temporary))


async def _drop_after(reception: Reception, temporary: TemporaryFile) -> None:
    await reception.abandon()
    await in_thread(temporary.discard)
