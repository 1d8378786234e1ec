"""Uploads by multipart: a stream of fields and files, of which never more than a few portions are in memory."""

import asyncio
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final
from uuid import uuid4

from aiohttp import web
from pydantic import Field, RootModel, StringConstraints, ValidationError

from photobus_common.errors import FieldError, InvalidInputError, TooLargeError
from photobus_common.events import Origin
from photobus_common.photos import filenames
from photobus_common.photos.filenames import RefusedName
from photobus_common.store.upload_batches import BatchKey
from photobus_common.store.uploads import OnConflict
from photobus_common.telemetry import UPLOADED_FILES
from photobus_gateway.callers import caller_of, origin_of
from photobus_gateway.inputs import Input
from photobus_gateway.keys import LIBRARY, SETTINGS
from photobus_gateway.problems import invalid
from photobus_gateway.uploads.answers import UploadResult, refused
from photobus_gateway.uploads.bringing import CONFLICT_ITEMS, Bringing
from photobus_gateway.uploads.files import UploadProject, Wish
from photobus_gateway.uploads.form_data import FormDataReader, Part
from photobus_gateway.uploads.requests import FileTime, UploadOptions
from photobus_gateway.uploads.service import UPLOADS
from photobus_gateway.uploads.taking_in import Taken, take_in
from photobus_gateway.uploads.turns import Turns

_MOST_AHEAD: Final = 16
"""Files of one request that may be checked and placed while the next one is received."""

Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{32}$", to_lower=True)]


class FileOptions(Input):
    """What the client says of one file: its bytes are checked against ``size`` and ``md5``."""

    size: int | None = Field(default=None, ge=0)
    md5: Md5 | None = None
    modified_at: FileTime | None = None
    on_conflict: OnConflict | None = None


class FilesField(RootModel[dict[str, FileOptions]]):
    """The form field ``files``: options by file name. It stands before the files it speaks of."""


@dataclass
class _Fields:
    """What the form fields so far said."""

    options: UploadOptions
    files: dict[str, FileOptions]

    def wish(self, name: str, own_batch: str) -> Wish:
        about = self.files.get(name, FileOptions())
        return Wish(
            size=about.size,
            md5=about.md5,
            modified_at=about.modified_at,
            on_conflict=about.on_conflict or self.options.on_conflict,
            batch=self.options.batch or own_batch,
            batch_total=self.options.batch_total,
            moves_here=self.options.reload_conflicts,
        )


class MultipartUpload:
    """One request: its parts are read in order, and each file is placed while the next one arrives."""

    def __init__(self, request: web.Request, project: UploadProject, options: UploadOptions) -> None:
        self._service = request.app[UPLOADS]
        self._settings = request.app[SETTINGS]
        self._project = project
        self._library = project.library(request.app[LIBRARY])
        self._origin: Origin = origin_of(request)
        self._tenant = caller_of(request).tenant
        self._fields = _Fields(options, {})
        self.bringing = Bringing(request, project)
        self._take_options(options)
        self._own_batch = str(uuid4())
        self._turns = Turns(partial(self._service.queue.put, project))
        self._waiting: deque[Awaitable[UploadResult]] = deque()
        self._files = 0
        self._field_bytes = 0
        self.results: list[UploadResult] = []
        """How files ended, in the order in which they came; after an error, those that came whole before it."""

    async def read(self, reader: FormDataReader) -> list[UploadResult]:
        """Take in every part; answer for each file, in order.

        When the client goes away or the body breaks off or holds too much, the files that came whole are stored all the
        same, become a task, and have their answers in ``results``.
        """
        whole = False
        try:
            async for part in reader.parts():
                if part.filename is None:
                    await self._read_field(part)
                else:
                    self._count_file()
                    self._waiting.append(await self._read_file(part, part.filename))
                    await self._await_placed(_MOST_AHEAD)
            await self._await_placed(0)
            await self.bringing.look()
            whole = True
        finally:
            await asyncio.shield(self._close(whole=whole))
        return self.results

    def _count_file(self) -> None:
        limit = self._settings.uploader.request_files
        if self._files == limit:
            message = f"The request holds over {limit} files."
            raise TooLargeError(message, fields=(FieldError("form", message, limit),))
        self._files += 1

    async def _read_file(self, part: Part, name: str) -> Awaitable[UploadResult]:
        await self.bringing.look()
        parsed = filenames.parse(name, self._settings.uploader)
        if isinstance(parsed, RefusedName):
            await part.release()
            return _at_once(refused(name, parsed.code, parsed.reason))
        self._turns.next_is(parsed.basename)
        wish = self._fields.wish(name, self._own_batch)
        taken = await take_in(
            self._library, parsed, wish, self._origin, part.chunks(), self._settings.uploader.max_file_bytes
        )
        if isinstance(taken, Taken):
            return self._turns.add(taken)
        await part.release()
        return _at_once(taken)

    async def _await_placed(self, most: int) -> None:
        while len(self._waiting) > most:
            self._turns.close()  # Or the first might wait for files that are not read before it is placed.
            self._add_result(await self._waiting[0])
            self._waiting.popleft()

    def _add_result(self, result: UploadResult) -> None:
        self.results.append(result)
        UPLOADED_FILES.labels(result.status).inc()

    async def _close(self, *, whole: bool) -> None:
        """Wait for what is being placed, let the batch become a task, and have moved here what is to come."""
        answered = len(self.results) + len(self._waiting)
        self._turns.close()
        for ended in await asyncio.gather(*self._waiting, return_exceptions=True):
            if isinstance(ended, UploadResult):
                self._add_result(ended)
        await self._end_batch(answered)
        await self.bringing.ask(self.results, whole=whole)

    async def _end_batch(self, answered: int) -> None:
        """Let the batch become a task, if it is this request's own or complete."""
        if self._fields.options.batch is None:
            await self._service.batches.flush(self._key(self._own_batch))
            return
        self._service.batches.added()
        total = self._fields.options.batch_total
        if total is not None and answered:
            await self._service.batches.answered(self._key(self._fields.options.batch), answered, total)

    def _key(self, batch: str) -> BatchKey:
        return BatchKey(self._tenant, self._project.project_id, batch)

    async def _read_field(self, part: Part) -> None:
        content = await self._text(part)
        try:
            if part.name == "files":
                self._announce(FilesField.model_validate_json(content).root)
            elif part.name == CONFLICT_ITEMS:
                self.bringing.name(content)
            else:
                given = UploadOptions.model_validate_strings({part.name: content}).model_dump(exclude_unset=True)
                self._take_options(self._fields.options.model_copy(update=given))
        except ValidationError as error:
            raise invalid(error, "form") from error

    def _take_options(self, options: UploadOptions) -> None:
        self._fields.options = options
        if options.reload_conflicts:
            self.bringing.allow()

    def _announce(self, files: dict[str, FileOptions]) -> None:
        limit = self._settings.uploader.request_files
        self._fields.files |= files
        if len(self._fields.files) > limit:
            message = f"The request announces over {limit} files."
            raise TooLargeError(message, fields=(FieldError("form.files", message, limit),))

    async def _text(self, part: Part) -> str:
        """Read a field; all fields of a request together are bounded as one JSON body is."""
        limit = self._settings.gateway.max_body_bytes
        content = bytearray()
        async for chunk in part.chunks():
            content += chunk
            self._field_bytes += len(chunk)
            if self._field_bytes > limit:
                message = f"The fields are over {limit} bytes."
                raise TooLargeError(message, fields=(FieldError(f"form.{part.name}", message, limit),))
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"form.{part.name}: is not UTF-8") from error


def _at_once(result: UploadResult) -> Awaitable[UploadResult]:
    future: asyncio.Future[UploadResult] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future
