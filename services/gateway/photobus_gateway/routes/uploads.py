"""Uploading files by multipart."""

from aiohttp import web
from pydantic import BaseModel, Field

from photobus_common.errors import (
    InvalidInputError,
    NotFoundError,
    NotProvidedError,
    PhotobusError,
    StorageUnavailableError,
    TooLargeError,
)
from photobus_gateway.inputs import ProjectPath
from photobus_gateway.problems import Problem, respond
from photobus_gateway.registry import Media, route
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.body import BodyStalledError, reader_of
from photobus_gateway.uploads.form_data import FormDataReader
from photobus_gateway.uploads.multipart import MultipartUpload
from photobus_gateway.uploads.requests import UploadOptions, project_of


class UploadQuery(UploadOptions):
    """How files are taken in, and whether photos of other projects are moved here."""

    reload_conflicts: bool = Field(default=False, alias="reloadConflictsIntoThisProject")


class UploadAnswer(BaseModel):
    """How each file ended, in the order in which they came."""

    results: list[UploadResult]


@route(
    "POST",
    "/api/projects/{folder}/upload",
    role="editor",
    summary="Upload files",
    request=Media(("multipart/form-data",)),
    response=UploadAnswer,
    errors=(NotFoundError, NotProvidedError, TooLargeError, BodyStalledError, StorageUnavailableError),
)
async def upload_files(request: web.Request, path: ProjectPath, query: UploadQuery) -> UploadAnswer | web.Response:
    """Take in the files of a multipart body, each under the name in its part.

    A refused file names its reason and the rest goes on. Form fields before the files may hold what the query may
    (`on_conflict`, `batch`, `batch_total`), and `files`: a JSON object of `{size, md5, modified_at, on_conflict}` by
    file name. Photos of a request without a batch become one task at its end. Where the body breaks off, stalls or
    holds too many files, the problem tells in `results` how those before it ended: they are stored.
    """
    if query.reload_conflicts:
        raise NotProvidedError("Moving photos of other projects here needs image_move, which is not provided yet.")
    if request.content_type != "multipart/form-data":
        raise InvalidInputError("The body must be multipart/form-data.")
    project = await project_of(request, path.folder)
    options = UploadOptions(on_conflict=query.on_conflict, batch=query.batch, batch_total=query.batch_total)
    reader = FormDataReader(request.headers["Content-Type"], reader_of(request))
    upload = MultipartUpload(request, project, options)
    try:
        results = await upload.read(reader)
    except PhotobusError as error:
        if not upload.results:
            raise
        return _broken_off(error, upload.results)
    if not results:
        raise InvalidInputError("The body holds no file.")
    return UploadAnswer(results=results)


def _broken_off(error: PhotobusError, results: list[UploadResult]) -> web.Response:
    """Answer with the problem, and with how the files ended that came before it: those are stored."""
    response = respond(error)
    problem = Problem.model_validate_json(response.text or "")
    told = problem.model_copy(update={"results": [result.model_dump(mode="json") for result in results]})
    response.body = told.model_dump_json(exclude_none=True).encode()
    return response


ROUTES = [upload_files]
