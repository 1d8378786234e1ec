"""Uploading files by multipart."""

from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from photobus_common.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotProvidedError,
    PhotobusError,
    StorageUnavailableError,
    TooLargeError,
)
from photobus_gateway.inputs import ProjectPath
from photobus_gateway.problems import Problem, respond
from photobus_gateway.registry import Media, json_response, route
from photobus_gateway.starting import AcceptedTask
from photobus_gateway.uploads.answers import UploadResult
from photobus_gateway.uploads.body import BodyStalledError, reader_of
from photobus_gateway.uploads.form_data import FormDataReader
from photobus_gateway.uploads.multipart import MultipartUpload
from photobus_gateway.uploads.requests import UploadOptions, project_of


class UploadAnswer(BaseModel):
    """How each file ended, in the order in which they came; and what becomes of photos of other projects.

    ``conflict_items`` are those that were named, in that order; ``task`` moves them and those whose names files had.
    """

    results: list[UploadResult]
    conflict_items: list[UploadResult]
    task: AcceptedTask | None


@route(
    "POST",
    "/api/projects/{folder}/upload",
    role="editor",
    summary="Upload files",
    request=Media(("multipart/form-data",)),
    response={200: UploadAnswer, 202: UploadAnswer},
    errors=(NotFoundError, ConflictError, NotProvidedError, TooLargeError, BodyStalledError, StorageUnavailableError),
)
async def upload_files(request: web.Request, path: ProjectPath, query: UploadOptions) -> web.Response:
    """Take in the files of a multipart body, each under the name in its part.

    A refused file names its reason and the rest goes on. Form fields before the files may hold what the query may
    (`on_conflict`, `batch`, `batch_total`, `reloadConflictsIntoThisProject`), and `files`: a JSON object of `{size,
    md5, modified_at, on_conflict}` by file name. Photos of a request without a batch become one task at its end. Where
    the body breaks off, stalls or holds too many files, the problem tells in `results` how those before it ended: they
    are stored.

    With `reloadConflictsIntoThisProject=true` a photo that another project has under a file's name is moved here and
    the file not stored (`moving`). So are photos that the field `conflictItems` names, at most 2,000: a JSON array of
    photo ids, basenames and names of files, or one of these and the field repeated. One task moves all of them. A
    request of `conflictItems` without files is answered with 202.
    """
    if request.content_type != "multipart/form-data":
        raise InvalidInputError("The body must be multipart/form-data.")
    project = await project_of(request, path.folder)
    reader = FormDataReader(request.headers["Content-Type"], reader_of(request))
    upload = MultipartUpload(request, project, query)
    try:
        results = await upload.read(reader)
    except PhotobusError as error:
        if not upload.results:
            raise
        return _broken_off(error, upload.results)
    if not results and not upload.bringing.items:
        raise InvalidInputError("The body holds no file.")
    task = upload.bringing.task
    told = UploadAnswer(results=results, conflict_items=upload.bringing.items, task=task)
    return json_response(told, status=HTTPStatus.ACCEPTED if task and not results else HTTPStatus.OK)


def _broken_off(error: PhotobusError, results: list[UploadResult]) -> web.Response:
    """Answer with the problem, and with how the files ended that came before it: those are stored."""
    response = respond(error)
    problem = Problem.model_validate_json(response.text or "")
    told = problem.model_copy(update={"results": [result.model_dump(mode="json") for result in results]})
    response.body = told.model_dump_json(exclude_none=True).encode()
    return response


ROUTES = [upload_files]
