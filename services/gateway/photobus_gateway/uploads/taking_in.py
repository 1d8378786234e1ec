"""Taking in one file of a request: into `.uploads`, checked as early as its bytes allow, then placed or refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, get_args
from uuid import uuid4

from photobus_common.errors import PhotobusError, StorageUnavailableError
from photobus_common.events import Origin
from photobus_common.photos.content import HEAD_BYTES
from photobus_common.photos.filenames import ParsedName
from photobus_common.storage.errors import FolderMissingError, LockedError, StorageFullError
from photobus_common.storage.library import TenantLibrary
from photobus_gateway.uploads.answers import AnswerCode, UploadResult, refused
from photobus_gateway.uploads.files import Received, TemporaryFile, Wish
from photobus_gateway.uploads.placing import ProjectGoneError
from photobus_gateway.uploads.receiving import Reception, conclude, content_refusal, make_temporary, new_digest
from photobus_gateway.uploads.threads import in_thread

TOLD_PER_FILE: Final = (StorageFullError, StorageUnavailableError, FolderMissingError, LockedError, ProjectGoneError)
"""Errors that are told as the answer of the file they hit, so that the rest of its request goes on."""


async def take_in(
    library: TenantLibrary,
    parsed: ParsedName,
    wish: Wish,
    origin: Origin,
    chunks: AsyncIterator[bytes],
    max_bytes: int,
) -> Received | UploadResult:
    """Receive one file to its end, or until it must be refused; the caller passes over the rest of its bytes.

    Raises what ``chunks`` raises, such as when the client goes away; nothing stays behind then.
    """
    try:
        temporary = await in_thread(make_temporary, library, uuid4())
    except TOLD_PER_FILE as error:
        return refusal_of(parsed.name, error)
    reception = Reception(temporary.fd, digest := new_digest())
    taken = False
    try:
        code = await _receive(reception, parsed, chunks, wish.size if wish.size is not None else max_bytes, max_bytes)
        if code is not None:
            return refused(parsed.name, code)
        await reception.settle()
        found = await in_thread(conclude, temporary.fd, reception.take(), digest, parsed, wish)
        if found.refusal is not None:
            return refused(parsed.name, found.refusal)
        taken = True
        return Received(temporary, parsed, found.size, found.md5, found.modified_at, found.exif, wish, origin)
    except TOLD_PER_FILE as error:
        return refusal_of(parsed.name, error)
    finally:
        if not taken:
            await _drop(reception, temporary)


def refusal_of(filename: str, error: PhotobusError) -> UploadResult:
    """Return the answer for a file that ``error`` hit."""
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
