"""A client's line to photobus: every request is written down, and asked again until its outcome is known."""

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from chaos.journal import Journal
from photobus_client.errors import TRY_LATER, ApiError, ClientError
from photobus_client.transport import IDEMPOTENCY_KEY, Transport

UNKNOWN: Final = frozenset({*TRY_LATER, HTTPStatus.INTERNAL_SERVER_ERROR})
"""Answers after which it is not known whether anything was done."""

_TUS: Final = {"Tus-Resumable": "1.0.0"}
_PORTION: Final = {**_TUS, "Content-Type": "application/offset+octet-stream"}
_OUT_OF_STEP: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.LOCKED, 460})
_OF_STORAGE: Final = frozenset({"storage_unavailable", "storage_full", "folder_missing", "locked"})
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 2.0


@dataclass(frozen=True)
class Answer:
    """What photobus said."""

    status: int
    data: Any

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return self.status < HTTPStatus.BAD_REQUEST


@dataclass(frozen=True)
class NewFile:
    """A file to be uploaded; ``modified_at`` in RFC 3339, None: none is told."""

    name: str
    content: bytes
    modified_at: str | None = None

    @property
    def md5(self) -> str:
        """By which it is known again wherever it lies."""
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()

    def facts(self) -> dict[str, Any]:
        """Return what the journal keeps of it."""
        return {"name": self.name, "md5": self.md5, "size": len(self.content)}


def _is_open(result: Mapping[str, Any], *, first: bool) -> bool:
    """Whether the file may still appear: another attempt may have it on record, and this one met only the storage."""
    return result["status"] == "unfinished" or (not first and result["code"] in _OF_STORAGE)


class NotKnownError(Exception):
    """An attempt ended without a word about what came of it."""


class Line:
    """Asks for one owner. Once ``over`` is set, what is still not known stays so."""

    def __init__(self, transport: Transport, journal: Journal, owner: str, over: asyncio.Event) -> None:
        self._transport = transport
        self._journal = journal
        self._owner = owner
        self._over = over

    async def ask(self, kind: str, method: str, path: str, body: Any = None, **facts: Any) -> Answer | None:
        """Ask with a key, so that repeats have one effect; None where the outcome never became known."""
        headers = {IDEMPOTENCY_KEY: uuid4().hex, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        return await self._until_known(kind, facts, lambda: self._once(method, path, content, headers))

    async def upload(
        self, kind: str, folder: str, files: Sequence[NewFile], query: Mapping[str, str], **facts: Any
    ) -> Answer | None:
        """Send files by multipart; again, until it is known what became of each of them."""
        about = {
            file.name: {"md5": file.md5, "size": len(file.content), "modified_at": file.modified_at} for file in files
        }
        with aiohttp.MultipartWriter("form-data") as form:
            form.append(json.dumps(about)).set_content_disposition("form-data", name="files")
            for file in files:
                form.append(file.content).set_content_disposition("form-data", name="file", filename=file.name)
        content, headers = await form.as_bytes(), {"Content-Type": form.content_type}
        path = f"/api/projects/{quote(folder, safe='')}/upload"

        attempts = count(1)

        async def send() -> Answer:
            first = next(attempts) == 1
            answer = await self._once("POST", path, content, headers, query)
            if answer.ok and any(_is_open(one, first=first) for one in answer.data["results"]):
                raise NotKnownError("unfinished")
            return answer

        facts = {"files": [file.facts() for file in files], "query": dict(query), **facts}
        return await self._until_known(kind, facts, send)

    async def upload_in_portions(
        self, kind: str, folder: str, file: NewFile, about: Mapping[str, str], portions: int, **facts: Any
    ) -> Answer | None:
        """Send a file by tus; whoever breaks off in between goes on where the upload stands."""
        upload = _Portions(self._transport, folder, file, about, portions)
        facts = {"files": [file.facts()], "query": dict(about), **facts}
        return await self._until_known(kind, facts, upload.go_on)

    def note(self, kind: str, status: int, answer: Any, **facts: Any) -> None:
        """Write down what the owner did past photobus, as if it had been asked for and answered."""
        op = uuid4().hex[:12]
        self._journal.write("asked", op=op, owner=self._owner, kind=kind, **facts)
        self._journal.write("answered", op=op, status=status, answer=answer)

    async def look(self, path: str) -> Any:
        """Read something, without a word in the journal; None where nothing was to be had."""
        try:
            answer = await self._once("GET", path, None, {})
        except (ClientError, NotKnownError):
            return None
        return answer.data if answer.ok else None

    async def _until_known(
        self, kind: str, facts: Mapping[str, Any], attempt: Callable[[], Awaitable[Answer]]
    ) -> Answer | None:
        op, pause = uuid4().hex[:12], _FIRST_PAUSE
        self._journal.write("asked", op=op, owner=self._owner, kind=kind, **facts)
        while not self._over.is_set():
            try:
                answer = await attempt()
            except (ClientError, NotKnownError, aiohttp.ClientError, TimeoutError, OSError) as error:
                self._journal.write("unanswered", op=op, why=str(error) or type(error).__name__)
            else:
                self._journal.write("answered", op=op, status=answer.status, answer=answer.data)
                return answer
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        self._journal.write("given_up", op=op)
        return None

    async def _once(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        return await once(self._transport, method, path, content, headers, query)


async def once(
    transport: Transport,
    method: str,
    path: str,
    content: bytes | None,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request; raises ``NotKnownError`` or ``ClientError`` where its outcome is not known."""
    try:
        async with transport.request(method, path, query=query, content=content, headers=headers, whole=True) as answer:
            text = await answer.read()
            data = json.loads(text) if text.startswith(b"{") else {"location": answer.headers.get("Location")}
            return Answer(answer.status, data)
    except ApiError as error:
        if error.status in UNKNOWN:
            raise NotKnownError(f"{error.status} {error.code}: {error.detail}") from error
        return Answer(error.status, {"code": error.code, "detail": error.detail})


class _Portions:
    """One upload by tus, which remembers how far it is."""

    def __init__(
        self, transport: Transport, folder: str, file: NewFile, about: Mapping[str, str], portions: int
    ) -> None:
        self._transport = transport
        self._path = f"/api/projects/{quote(folder, safe='')}/uploads"
        self._file = file
        self._about = {"filename": file.name, **about}
        self._portion = -(-len(file.content) // portions)
        self._location: str | None = None

    async def go_on(self) -> Answer:
        """Go on where the upload stands; returns what became of the file, as multipart would say it."""
        if self._location is None:
            created = await self._create()
            if created.data.get("location") is None:
                return created
            self._location = str(created.data["location"])
        while True:
            state = await once(self._transport, "GET", self._location, None, _TUS)
            if not state.ok:
                self._location = None
                raise NotKnownError(f"The upload is gone: {state.data}")
            if state.data["result"] is not None:
                return Answer(HTTPStatus.OK, {"results": [state.data["result"]]})
            await self._send(int(state.data["offset"]))

    async def _create(self) -> Answer:
        headers = {**_TUS, "Upload-Length": str(len(self._file.content)), "Upload-Metadata": _metadata(self._about)}
        return await once(self._transport, "POST", self._path, None, headers)

    async def _send(self, offset: int) -> None:
        portion = self._file.content[offset : offset + self._portion]
        headers = {**_PORTION, "Upload-Offset": str(offset)}
        answer = await once(self._transport, "PATCH", str(self._location), portion, headers)
        if answer.status in _OUT_OF_STEP:
            raise NotKnownError(f"Out of step: {answer.data}")


def _metadata(about: Mapping[str, str]) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in about.items())
