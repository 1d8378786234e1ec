"""Resumable uploads by tus 1.0: creation (with upload), checksum, expiration, termination."""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from functools import wraps
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from photobus_common.errors import ConflictError, InvalidInputError, NotFoundError, PhotobusError, TooLargeError
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import ProjectPath
from photobus_gateway.keys import SETTINGS
from photobus_gateway.problems import respond
from photobus_gateway.registry import Media, json_response, route
from photobus_gateway.uploads import tus
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.body import BodyStalledError, reader_of
from photobus_gateway.uploads.checksums import ALGORITHMS, Checksum, ChecksumMismatchError
from photobus_gateway.uploads.placing import UnfinishedError
from photobus_gateway.uploads.portions import OffsetMismatchError, Portion
from photobus_gateway.uploads.receiving import UploadBusyError
from photobus_gateway.uploads.requests import project_of, project_of_its_upload
from photobus_gateway.uploads.resumable import FileRefusedError, Progress, UploadGoneError
from photobus_gateway.uploads.service import UPLOADS

_REFUSED: Final = frozenset({"refused", "conflict"})

Handler = Callable[..., Coroutine[Any, Any, web.StreamResponse]]


class UploadPath(ProjectPath):
    """A path that names one upload into a project."""

    upload_id: UUID


class UploadView(BaseModel):
    """How far an upload is, in bytes; ``result`` once its file is stored or refused."""

    id: UUID
    filename: str
    offset: int
    length: int
    expires_at: datetime
    result: UploadResult | None


class NotStoredError(PhotobusError):
    """All bytes came, but the file was refused or has a conflict; the result header says why."""

    code = "not_stored"
    status = 422


def speaks_tus(handler: Handler) -> Handler:
    """Answer every request with the version, errors too, and refuse other versions."""

    @wraps(handler)
    async def answer(request: web.Request, **inputs: BaseModel) -> web.StreamResponse:
        try:
            if request.method != "GET":
                tus.check_version(request)
            response = await handler(request, **inputs)
        except PhotobusError as error:
            response = respond(error)
        response.headers["Tus-Resumable"] = tus.VERSION
        response.headers.setdefault("Cache-Control", "no-store")
        if response.status == tus.VersionRefusedError.status:
            response.headers["Tus-Version"] = tus.VERSION
        return response

    return answer


async def _describe(request: web.Request) -> web.Response:
    return web.Response(
        status=204,
        headers={
            "Tus-Resumable": tus.VERSION,
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Max-Size": str(request.app[SETTINGS].uploader.max_file_bytes),
            "Tus-Checksum-Algorithm": ALGORITHMS,
        },
    )


@route("OPTIONS", "/api/projects/{folder}/uploads", role=None, status=204, summary="What resumable uploads can")
async def describe_uploads(request: web.Request) -> web.StreamResponse:
    """Say which version and extensions of tus are spoken here."""
    return await _describe(request)


@route("OPTIONS", "/api/projects/{folder}/uploads/{upload_id}", role=None, status=204, summary="The same for one")
async def describe_upload(request: web.Request) -> web.StreamResponse:
    """Say which version and extensions of tus are spoken here."""
    return await _describe(request)


@route(
    "POST",
    "/api/projects/{folder}/uploads",
    role="editor",
    status=201,
    summary="Begin a resumable upload",
    request=Media((tus.PORTION_MEDIA,)),
    errors=(
        NotFoundError,
        TooLargeError,
        FileRefusedError,
        NotStoredError,
        BodyStalledError,
        UnfinishedError,
        tus.VersionRefusedError,
        tus.MediaRefusedError,
    ),
)
@speaks_tus
async def create_upload(request: web.Request, path: ProjectPath) -> web.StreamResponse:
    """Make an upload of `Upload-Length` bytes; the answer's `Location` takes its portions.

    `Upload-Metadata` holds `filename`, and may hold `md5` (hex), `modified_at`, `on_conflict`, `batch` and
    `batch_total`. A body is the first portion.
    """
    project = await project_of(request, path.folder)
    size = tus.read_length(request.headers, "Upload-Length")
    header = request.headers.get("Upload-Metadata", "")
    metadata = tus.read_metadata(header)
    if request.can_read_body:
        tus.check_portion(request)
    resumable = request.app[UPLOADS].resumable
    actor = caller_of(request).actor
    first = _portion(request) if request.can_read_body else None
    progress = await resumable.create(project, actor, metadata.filename, metadata.wish(size), header or None, first)
    location = f"/api/projects/{quote(path.folder, safe='')}/uploads/{progress.upload.id}"
    if progress.result is not None and progress.result.status in _REFUSED:
        return _not_stored(progress)
    return web.Response(status=201, headers={"Location": location, **_progress_headers(progress)})


@route(
    "GET",
    "/api/projects/{folder}/uploads/{upload_id}",
    role="editor",
    summary="How far an upload is",
    response=UploadView,
    errors=(NotFoundError, UploadGoneError, UploadBusyError),
)
@speaks_tus
async def show_upload(request: web.Request, path: UploadPath) -> web.StreamResponse:
    """Say how far the upload is: HEAD in the headers of tus, GET as JSON with the file's result."""
    project = await project_of_its_upload(request, path.folder, path.upload_id)
    progress = await request.app[UPLOADS].resumable.state(project, path.upload_id)
    headers = _progress_headers(progress) | {"Upload-Length": str(progress.upload.size), "Cache-Control": "no-store"}
    if progress.upload.metadata:
        headers["Upload-Metadata"] = progress.upload.metadata
    if request.method == "HEAD":
        if progress.result is not None and progress.result.status in _REFUSED:
            raise UploadGoneError("The file was not stored.")
        return web.Response(status=200, headers=headers)
    view = UploadView(
        id=path.upload_id,
        filename=progress.upload.filename,
        offset=progress.offset,
        length=progress.upload.size or 0,
        expires_at=progress.expires_at,
        result=progress.result,
    )
    return json_response(view, headers=headers)


@route(
    "PATCH",
    "/api/projects/{folder}/uploads/{upload_id}",
    role="editor",
    status=204,
    summary="Send a portion",
    request=Media((tus.PORTION_MEDIA,)),
    errors=(
        NotFoundError,
        UploadGoneError,
        UploadBusyError,
        OffsetMismatchError,
        ChecksumMismatchError,
        TooLargeError,
        NotStoredError,
        BodyStalledError,
        UnfinishedError,
        tus.VersionRefusedError,
        tus.MediaRefusedError,
    ),
)
@speaks_tus
async def send_portion(request: web.Request, path: UploadPath) -> web.StreamResponse:
    """Add the body at `Upload-Offset`, which must be where the upload stands.

    The last portion has the file stored; `Photobus-Upload-Result` then says how, as JSON. A file that is refused or has
    a conflict is answered with 422.
    """
    return await _portion_answer(request, path)


@route(
    "POST",
    "/api/projects/{folder}/uploads/{upload_id}",
    role="editor",
    status=204,
    summary="Send a portion by POST",
    request=Media((tus.PORTION_MEDIA,)),
    errors=(
        NotFoundError,
        UploadGoneError,
        UploadBusyError,
        OffsetMismatchError,
        NotStoredError,
        BodyStalledError,
        UnfinishedError,
        tus.VersionRefusedError,
        tus.MediaRefusedError,
    ),
)
@speaks_tus
async def override_method(request: web.Request, path: UploadPath) -> web.StreamResponse:
    """Do what `X-HTTP-Method-Override` says, for clients that cannot send PATCH or DELETE."""
    match request.headers.get("X-HTTP-Method-Override", "").upper():
        case "PATCH":
            return await _portion_answer(request, path)
        case "DELETE":
            return await _end(request, path)
        case _:
            raise InvalidInputError("X-HTTP-Method-Override: must be PATCH or DELETE.")


@route(
    "DELETE",
    "/api/projects/{folder}/uploads/{upload_id}",
    role="editor",
    status=204,
    summary="End an upload",
    errors=(NotFoundError, ConflictError, UploadBusyError, tus.VersionRefusedError),
)
@speaks_tus
async def end_upload(request: web.Request, path: UploadPath) -> web.StreamResponse:
    """Drop the upload and its bytes. A file that is stored already stays."""
    return await _end(request, path)


async def _end(request: web.Request, path: UploadPath) -> web.Response:
    project = await project_of_its_upload(request, path.folder, path.upload_id)
    await request.app[UPLOADS].resumable.terminate(project, path.upload_id)
    return web.Response(status=204)


async def _portion_answer(request: web.Request, path: UploadPath) -> web.Response:
    tus.check_portion(request)
    offset = tus.read_length(request.headers, "Upload-Offset")
    project = await project_of_its_upload(request, path.folder, path.upload_id)
    resumable = request.app[UPLOADS].resumable
    progress = await resumable.append(project, path.upload_id, offset, _portion(request))
    if progress.result is not None and progress.result.status in _REFUSED:
        return _not_stored(progress)
    return web.Response(status=204, headers=_progress_headers(progress))


def _portion(request: web.Request) -> Portion:
    header = request.headers.get("Upload-Checksum")
    return Portion(_chunks(request), None if header is None else Checksum(header))


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    read = reader_of(request)
    while chunk := await read():
        yield chunk


def _progress_headers(progress: Progress) -> dict[str, str]:
    headers = {"Upload-Offset": str(progress.offset), "Upload-Expires": tus.expires(progress.expires_at)}
    return headers if progress.result is None else headers | tus.result_header(progress.result)


def _not_stored(progress: Progress) -> web.Response:
    result = progress.result
    response = respond(NotStoredError((result and result.reason) or "The file was not stored."))
    response.headers.update(_progress_headers(progress))
    return response


ROUTES = [
    describe_uploads,
    describe_upload,
    create_upload,
    show_upload,
    send_portion,
    override_method,
    end_upload,
]
