"""Sending files by tus 1.0: in parallel, verified by MD5, and going on after any interruption where it broke off."""

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from photobus_client.errors import ApiError, ClientError, UnreachableError
from photobus_client.journal import Journal
from photobus_client.models import FileAnalysis, UploadResult
from photobus_client.transport import Backoff, Transport, raise_for_problem

OnConflict = Literal["overwrite", "skip", "rename"]
Progress = Callable[[int], None]
"""Gets the bytes that were sent more than before; a negative number for some that have to be sent again."""

_TUS: Final = {"Tus-Resumable": "1.0.0"}
_PORTION: Final = {"Content-Type": "application/offset+octet-stream"}
_RESULT: Final = "Photobus-Upload-Result"
_READ_BYTES: Final = 512 * 1024
_WHOLE_BYTES: Final = 4 * 1024 * 1024
"""Up to this size a file goes in one request, with nothing to resume: sending it again costs less than asking."""
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""A file's time outside of these photobus would not take; the file goes without it."""
_NOT_TAKEN: Final = frozenset({413, 422})
_START_ANEW: Final = frozenset({404, 410})
_ASK_AGAIN: Final = frozenset({409, 423, 460})


@dataclass(frozen=True)
class LocalFile:
    """A file to be sent; ``md5`` in hex."""

    path: Path
    size: int
    modified_at: datetime
    md5: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Hash the file at ``path``; blocks. Raises ``OSError`` when it cannot be read."""
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return cls(path, about.st_size, _modified_at(about), md5)

    def trouble(self) -> str | None:
        """Say why the file cannot be sent as it was hashed, if so; blocks."""
        try:
            with self.path.open("rb") as file:
                about = os.fstat(file.fileno())
        except OSError as error:
            return _cannot_be_read(error)
        same = (about.st_size, _modified_at(about)) == (self.size, self.modified_at)
        return None if same else "The file was changed while it was sent."


def unreadable(path: Path, reason: OSError | str) -> UploadResult:
    """Say of a file that it was not sent, because of itself: the others are."""
    told = reason if isinstance(reason, str) else _cannot_be_read(reason)
    return UploadResult(filename=path.name, status="refused", code="unreadable", reason=told)


@dataclass
class Upload:
    """Sends files into the project in ``folder``. All files of one ``Upload`` become tasks together.

    ``on_conflict`` says what to do where the project has other bytes under a file's name; without it such a file is
    answered with ``conflict`` and left out. ``total`` is how many files will come, if that is known.
    """

    transport: Transport
    folder: str
    on_conflict: OnConflict | None = None
    total: int | None = None
    journal: Journal = field(default_factory=Journal)
    batch: str = field(default_factory=lambda: uuid4().hex)

    async def analyze(self, files: Sequence[LocalFile]) -> list[FileAnalysis]:
        """Ask what sending ``files``, at most 2,000, would lead to."""
        asked = [{"name": _as_text(file.path.name), "size": file.size, "md5": file.md5} for file in files]
        path = f"/api/projects/{quote(self.folder, safe='')}/analyze-files"
        answer = await self.transport.json("POST", path, body={"files": asked}, repeatable=True)
        return [FileAnalysis.model_validate(item) for item in answer["files"]]

    async def send(self, file: LocalFile, progress: Progress = lambda _bytes: None) -> UploadResult:
        """Send one file; returns how it ended. Raises ``ClientError`` when photobus stays away or bars the caller."""
        sent = _Sent(progress)
        backoff = Backoff(self.transport.patience_seconds)
        while True:
            furthest = sent.bytes
            try:
                return await self._attempt(file, sent)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                failure: ClientError = UnreachableError(f"Sending {file.path.name} broke off: {error}")
            except UnreachableError as error:
                failure = error
            except ApiError as error:
                if error.status in _NOT_TAKEN:
                    self.journal.drop(file.path)
                    return UploadResult(filename=file.path.name, status="refused", code=error.code, reason=error.detail)
                self._consider(error, file)
                failure = error
            if trouble := await asyncio.to_thread(file.trouble):
                self.journal.drop(file.path)
                return unreadable(file.path, trouble)
            if sent.bytes > furthest:
                backoff.succeeded()
            if not await backoff.again():
                raise failure

    def _consider(self, error: ApiError, file: LocalFile) -> None:
        """Raise ``error`` unless another attempt may do better."""
        if error.status in _START_ANEW and self.journal.get(file.path) is not None:
            self.journal.drop(file.path)
        elif error.status not in _ASK_AGAIN and not error.may_pass:
            raise error

    async def _attempt(self, file: LocalFile, sent: "_Sent") -> UploadResult:
        if file.size <= _WHOLE_BYTES:
            return await self._send_whole(file, sent)
        location = self.journal.get(file.path)
        if location is None:
            location = await self._begin(file)
            self.journal.put(file.path, location)
        result = await self._send_rest(file, location, sent)
        self.journal.drop(file.path)
        return result

    async def _send_whole(self, file: LocalFile, sent: "_Sent") -> UploadResult:
        headers = {**self._creation(file), **_PORTION, "Content-Length": str(file.size)}
        sent.stands_at(0)
        return await self._finish("POST", self._uploads(), headers, _read(file, 0, sent))

    async def _begin(self, file: LocalFile) -> str:
        headers = {**_TUS, **self._creation(file)}
        async with self.transport.request("POST", self._uploads(), headers=headers) as answer:
            return answer.headers["Location"]

    async def _send_rest(self, file: LocalFile, location: str, sent: "_Sent") -> UploadResult:
        """Send what is missing; an upload that is complete already only answers."""
        state = await self.transport.json("GET", location, headers=_TUS)
        if state["result"] is not None:
            return UploadResult.model_validate(state["result"])
        offset = int(state["offset"])
        sent.stands_at(offset)
        headers = {**_PORTION, "Upload-Offset": str(offset), "Content-Length": str(file.size - offset)}
        return await self._finish("PATCH", location, headers, _read(file, offset, sent))

    async def _finish(
        self, method: str, path: str, headers: dict[str, str], content: AsyncIterator[bytes]
    ) -> UploadResult:
        """Send the last bytes; a file that was not stored has its result in the refusal."""
        async with self.transport.request(
            method, path, headers={**_TUS, **headers}, content=content, expected=_NOT_TAKEN
        ) as answer:
            result = answer.headers.get(_RESULT)
            if result is None:
                await raise_for_problem(answer)
                raise ApiError(answer.status, {"detail": "The upload ended without a result."})
            return UploadResult.model_validate_json(result)

    def _uploads(self) -> str:
        return f"/api/projects/{quote(self.folder, safe='')}/uploads"

    def _creation(self, file: LocalFile) -> dict[str, str]:
        about = {
            "filename": file.path.name,
            "md5": file.md5,
            "modified_at": file.modified_at.isoformat() if _EARLIEST <= file.modified_at < _END else None,
            "batch": self.batch,
            "batch_total": str(self.total) if self.total else None,
            "on_conflict": self.on_conflict,
        }
        return {"Upload-Length": str(file.size), "Upload-Metadata": _metadata(about)}


class _Sent:
    """Counts what was sent of one file, and reports the difference."""

    def __init__(self, progress: Progress) -> None:
        self.bytes = 0
        self._progress = progress

    def stands_at(self, offset: int) -> None:
        """So much has arrived; what follows is sent anew."""
        self._progress(offset - self.bytes)
        self.bytes = offset


async def _read(file: LocalFile, offset: int, sent: _Sent) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.path.open, "rb") as opened:
        opened.seek(offset)
        while portion := await asyncio.to_thread(opened.read, _READ_BYTES):
            yield portion
            sent.stands_at(sent.bytes + len(portion))
    if sent.bytes < file.size:  # else the other side would wait for the rest
        raise OSError(f"{file.path.name} has become shorter")


def _modified_at(about: os.stat_result) -> datetime:
    try:
        return datetime.fromtimestamp(about.st_mtime, UTC)
    except (OverflowError, ValueError, OSError):  # a time that no calendar has, as a broken card leaves it
        return datetime.fromtimestamp(0, UTC)


def _cannot_be_read(error: OSError) -> str:
    return f"The file cannot be read: {error.strerror or error}."


def _as_text(name: str) -> str:
    """Return ``name`` as JSON can carry it; one that is no text is refused under any spelling."""
    return name.encode(errors="replace").decode()


def _metadata(about: dict[str, str | None]) -> str:
    """Write ``Upload-Metadata``: names that are no text go as the bytes they are."""
    return ",".join(
        f"{key} {base64.b64encode(value.encode(errors='surrogateescape')).decode()}"
        for key, value in about.items()
        if value is not None
    )
