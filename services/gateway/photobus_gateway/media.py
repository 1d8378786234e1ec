"""Sending a file, whole or in part, from the descriptor it was opened by, so that it stays one file throughout."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self

from aiohttp import hdrs, web

from photobus_common.errors import PhotobusError, StorageUnavailableError
from photobus_common.storage.errors import storage_errors
from photobus_gateway.conditional import Part, UnsatisfiableRangeError, is_current, wanted_part
from photobus_gateway.problems import respond
from photobus_gateway.uploads.threads import in_thread

IMMUTABLE: Final = "private, max-age=31536000, immutable"
REVALIDATED: Final = "private, no-cache"

_CHUNK: Final = 1024 * 1024
_READ_AT_ONCE: Final = 512 * 1024


class RangeNotSatisfiableError(PhotobusError):
    """The range asked for lies beyond the file; `Content-Range` tells its size."""

    code = "range_not_satisfiable"
    status = 416


@dataclass
class OpenFile:
    """A file open to be sent; ``head`` is all of it where it is small."""

    fd: int
    size: int
    mtime_ns: int
    head: bytes

    @classmethod
    def of(cls, fd: int) -> Self:
        """Look at the file behind ``fd`` and read it if it is small; blocks. Closes ``fd`` when that fails."""
        try:
            with storage_errors("opening a photo"):
                found = os.fstat(fd)
                small = found.st_size <= _READ_AT_ONCE
                head = os.pread(fd, found.st_size, 0) if small else b""
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, len(head) if small else found.st_size, found.st_mtime_ns, head)

    def close(self) -> None:
        """Close it; a second time does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def read(self, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start``; blocks unless the file is small."""
        if self.head:
            return self.head[start : start + length]
        with storage_errors("reading a photo"):
            return os.pread(self.fd, length, start)


@dataclass(frozen=True)
class Representation:
    """What a file is to the client: ``tag`` names its bytes, ``versioned`` says that the address does too."""

    tag: str
    content_type: str
    versioned: bool
    disposition: str | None = None

    @property
    def etag(self) -> str:
        """The strong entity tag."""
        return f'"{self.tag}"'

    @property
    def headers(self) -> dict[str, str]:
        """What every answer about it carries."""
        headers: dict[str, str] = {
            hdrs.ETAG: self.etag,
            hdrs.CACHE_CONTROL: IMMUTABLE if self.versioned else REVALIDATED,
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.VARY: "Authorization, Cookie",
        }
        return headers if self.disposition is None else headers | {hdrs.CONTENT_DISPOSITION: self.disposition}


async def send(
    request: web.Request, open_file: Callable[[], OpenFile], describe: Callable[[OpenFile], Representation]
) -> web.StreamResponse:
    """Answer with the file, a part of it, or that the client has it (304)."""
    file = await asyncio.to_thread(open_file)
    try:
        return await _answer(request, file, describe(file))
    finally:
        file.close()


async def _answer(request: web.Request, file: OpenFile, what: Representation) -> web.StreamResponse:
    if is_current(request.headers.get(hdrs.IF_NONE_MATCH), what.etag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=what.headers)
    asked, condition = request.headers.get(hdrs.RANGE), request.headers.get(hdrs.IF_RANGE)
    try:
        part = wanted_part(asked if request.method == "GET" else None, condition, what.etag, file.size)
    except UnsatisfiableRangeError:
        return _beyond(file.size)
    response = web.StreamResponse(status=HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK, headers=what.headers)
    response.content_type = what.content_type
    sent = part or Part(0, file.size, file.size)
    response.content_length = sent.length
    if part is not None:
        response.headers[hdrs.CONTENT_RANGE] = part.content_range
    whole = request.method == "GET"
    first = await _portion(file, sent, sent.start) if whole else b""  # before the head: it may be the one that fails
    await response.prepare(request)
    if whole:
        await _write(response, file, sent, first)
    return response


def _beyond(size: int) -> web.Response:
    response = respond(RangeNotSatisfiableError(f"The range lies beyond the {size} bytes of the file."))
    response.headers[hdrs.CONTENT_RANGE] = f"bytes */{size}"
    return response


async def _write(response: web.StreamResponse, file: OpenFile, part: Part, first: bytes) -> None:
    at, chunk = part.start, first
    while at < part.stop:
        if not chunk:
            raise StorageUnavailableError("The file became shorter while it was sent.")
        await response.write(chunk)
        at += len(chunk)
        chunk = await _portion(file, part, at)


async def _portion(file: OpenFile, part: Part, at: int) -> bytes:
    """Return what is sent next of ``part``; nothing at its end, and where the file ends before it."""
    wanted = min(_CHUNK, part.stop - at)
    if not wanted:
        return b""
    return file.read(at, wanted) if file.head else await in_thread(file.read, at, wanted)
