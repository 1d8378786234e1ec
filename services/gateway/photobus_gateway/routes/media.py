"""The bytes of photos: thumbnails, previews, originals."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from photobus_common.errors import NotFoundError, StorageUnavailableError
from photobus_common.events.parts import DerivativeStatus, FileKind
from photobus_common.photos.derivatives import EXTENSIONS
from photobus_common.storage.errors import FileMissingError, FolderMissingError
from photobus_common.storage.folder import Entry
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, modified_at
from photobus_common.store import media as places
from photobus_common.store import photo_pages
from photobus_common.store.folders import folders_now
from photobus_common.store.media import PhotoPlace
from photobus_common.store.photos import StoredFile, shown_first
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import Input, RowId
from photobus_gateway.keys import DATABASE, LIBRARY, SETTINGS
from photobus_gateway.media import OpenFile, RangeNotSatisfiableError, Representation, send
from photobus_gateway.registry import Media, route

IMAGES: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
}
"""What browsers show; everything else is offered to be saved."""

OTHERS: Final = {
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heif",
    "dng": "image/x-adobe-dng",
    "xmp": "application/rdf+xml",
}
ANY: Final = "application/octet-stream"

DERIVATIVE: Final = Media(tuple(sorted({IMAGES[word] for word in EXTENSIONS.values()})))
ORIGINAL: Final = Media(tuple(sorted({*IMAGES.values(), *OTHERS.values(), ANY})))
STATUSES: Final = (200, 206, 304)


class DerivativeAbsentError(NotFoundError):
    """The photo has no such derivative (yet); the detail names its status, and the reason of a failure."""

    code = "derivative_absent"


class PhotoPath(Input):
    """A path that names a photo."""

    photo_id: RowId


class MediaQuery(Input):
    """An address that names the photo's version may be kept for ever."""

    v: int | None = Field(default=None, ge=1, description="The photo's version, as lists and events tell it.")


class OriginalQuery(MediaQuery):
    """Which file of the photo; by default the one it is shown by."""

    kind: FileKind | None = Field(default=None, description="The first file of this kind, by name.")
    name: str | None = Field(default=None, max_length=255, description="The file of this very name.")
    download: bool = Field(default=False, description="Have browsers save it rather than show it.")


@route(
    "GET",
    "/api/photos/{photo_id}/thumbnail",
    role="viewer",
    summary="A photo's thumbnail",
    status=STATUSES,
    response=DERIVATIVE,
    errors=(DerivativeAbsentError, RangeNotSatisfiableError, StorageUnavailableError),
)
async def show_thumbnail(request: web.Request, path: PhotoPath, query: MediaQuery) -> web.StreamResponse:
    """Send the thumbnail. It stays the same as long as its ETag."""

    async def answer(place: PhotoPlace) -> web.StreamResponse:
        return await _send_derivative(request, place, THUMBNAILS, place.thumbnail_status, query)

    return await _where_it_lies(request, path.photo_id, answer)


@route(
    "GET",
    "/api/photos/{photo_id}/preview",
    role="viewer",
    summary="A photo's preview",
    status=STATUSES,
    response=DERIVATIVE,
    errors=(DerivativeAbsentError, RangeNotSatisfiableError, StorageUnavailableError),
)
async def show_preview(request: web.Request, path: PhotoPath, query: MediaQuery) -> web.StreamResponse:
    """Send the preview. It stays the same as long as its ETag."""

    async def answer(place: PhotoPlace) -> web.StreamResponse:
        return await _send_derivative(request, place, PREVIEWS, place.preview_status, query)

    return await _where_it_lies(request, path.photo_id, answer)


@route(
    "GET",
    "/api/photos/{photo_id}/original",
    role="viewer",
    summary="A photo's original",
    status=STATUSES,
    response=ORIGINAL,
    errors=(NotFoundError, RangeNotSatisfiableError, StorageUnavailableError),
)
async def show_original(request: web.Request, path: PhotoPath, query: OriginalQuery) -> web.StreamResponse:
    """Send a file of the photo as it came. Its ETag is its MD5."""

    async def answer(place: PhotoPlace) -> web.StreamResponse:
        return await _send_original(request, place, path.photo_id, query)

    return await _where_it_lies(request, path.photo_id, answer)


async def _send_original(
    request: web.Request, place: PhotoPlace, photo_id: int, query: OriginalQuery
) -> web.StreamResponse:
    async with request.app[DATABASE].connection() as connection:
        rows = await photo_pages.files_of_photo(connection, photo_id)
    file = _choose([StoredFile(**row) for row in rows], query)
    library = _library(request)

    def open_file() -> OpenFile:
        with library.open_project(place.folder) as folder:
            return OpenFile.of(folder.open(file.name))

    def describe(opened: OpenFile) -> Representation:
        extension = file.name.rpartition(".")[2].lower()
        shown = extension in IMAGES and not query.download
        tag = _tag_of_original(file, opened)
        return Representation(
            tag=tag,
            content_type=IMAGES.get(extension) or OTHERS.get(extension, ANY),
            versioned=query.v == place.version and tag == file.md5,
            disposition=f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(file.name, safe='')}",
        )

    return await send(request, _or_missing(open_file, "The file is not in its folder."), describe)


async def _send_derivative(
    request: web.Request, place: PhotoPlace, kind: str, status: DerivativeStatus, query: MediaQuery
) -> web.StreamResponse:
    if status != "generated" or place.derivative_key is None:
        reason = f" ({place.derivative_reason})" if status == "failed" and place.derivative_reason else ""
        raise DerivativeAbsentError(f"The derivative is {status}{reason}.")
    tag = place.derivative_key
    library = _library(request)
    configured = request.app[SETTINGS].processing.format
    # A derivative made under another configuration serves until it is made anew.
    extensions = sorted(set(EXTENSIONS.values()), key=lambda word: word != EXTENSIONS[configured])
    found: list[str] = []

    def open_file() -> OpenFile:
        with library.open_project(place.folder) as folder:
            for extension in extensions:
                try:
                    opened = OpenFile.of(folder.open_derivative(kind, f"{place.filename}.{extension}"))
                except FileMissingError:
                    continue
                found.append(extension)
                return opened
        raise DerivativeAbsentError("The derivative is gone from disk.")

    def describe(opened: OpenFile) -> Representation:
        del opened
        return Representation(tag=tag, content_type=IMAGES[found[0]], versioned=query.v == place.version)

    return await send(request, _or_missing(open_file, "The project's folder is gone."), describe)


async def _where_it_lies(
    request: web.Request, photo_id: int, answer: Callable[[PhotoPlace], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer with what lies in the photo's folder; once more where that was just renamed."""
    place = await _place(request, photo_id)
    try:
        return await answer(place)
    except NotFoundError as error:
        if not isinstance(error.__cause__, FolderMissingError):
            raise
        async with request.app[DATABASE].connection() as connection:
            await folders_now(connection, [place.project_id])
        now = await _place(request, photo_id)
        if now.folder == place.folder:
            raise
        return await answer(now)


async def _place(request: web.Request, photo_id: int) -> PhotoPlace:
    async with request.app[DATABASE].connection() as connection:
        place = await places.place_of_photo(connection, caller_of(request).tenant, photo_id)
    if place is None:
        raise NotFoundError(f"There is no photo {photo_id}.")
    return place


def _choose(files: list[StoredFile], query: OriginalQuery) -> StoredFile:
    if query.name is not None:
        chosen = next((file for file in files if file.name == query.name), None)
    elif query.kind is not None:
        chosen = next((file for file in files if file.kind == query.kind), None)
    else:
        chosen = shown_first(files)
    if chosen is None:
        raise NotFoundError("The photo has no such file.")
    return chosen


def _tag_of_original(file: StoredFile, opened: OpenFile) -> str:
    """Return the MD5 on record, unless the file was changed on disk since; then what tells its state."""
    entry = Entry(file.name, opened.size, opened.mtime_ns, 0, 0)
    if (opened.size, modified_at(entry)) == (file.size, file.modified_at):
        return file.md5
    return f"{opened.size:x}-{opened.mtime_ns:x}"


def _or_missing(open_file: Callable[[], OpenFile], message: str) -> Callable[[], OpenFile]:
    """Let a folder or file that is gone be one missing thing to the client."""

    def opened() -> OpenFile:
        try:
            return open_file()
        except (FileMissingError, FolderMissingError) as error:
            raise NotFoundError(message) from error

    return opened


def _library(request: web.Request) -> TenantLibrary:
    caller = caller_of(request)
    return request.app[LIBRARY].tenant(caller.tenant, caller.library_id)


ROUTES = [show_thumbnail, show_preview, show_original]
