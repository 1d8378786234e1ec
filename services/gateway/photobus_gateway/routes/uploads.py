"""Uploading files by multipart."""

from aiohttp import web
from pydantic import BaseModel, Field

from photobus_common.errors import InvalidInputError, NotFoundError, NotProvidedError, StorageUnavailableError
from photobus_gateway.inputs import ProjectPath
from photobus_gateway.registry import Media, route
from photobus_gateway.uploads.answers import UploadResult
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
    errors=(NotFoundError, NotProvidedError, StorageUnavailableError),
)
async def upload_files(request: web.Request, path: ProjectPath, query: UploadQuery) -> UploadAnswer:
    """Take in the files of a multipart body, each under the name in its part.

    A refused file names its reason and the rest goes on. Form fields before the files may hold what the query may
    (`on_conflict`, `batch`, `batch_total`), and `files`: a JSON object of `{size, md5, modified_at, on_conflict}` by
    file name. Photos of a request without a batch become one task at its end.
    """
    if query.reload_conflicts:
        raise NotProvidedError("Moving photos of other projects here needs image_move, which is not provided yet.")
    if request.content_type != "multipart/form-data":
        raise InvalidInputError("The body must be multipart/form-data.")
    project = await project_of(request, path.folder)
    options = UploadOptions(on_conflict=query.on_conflict, batch=query.batch, batch_total=query.batch_total)
    reader = FormDataReader(request.headers["Content-Type"], request.content.readany)
    results = await MultipartUpload(request, project, options).read(reader)
    if not results:
        raise InvalidInputError("The body holds no file.")
    return UploadAnswer(results=results)


ROUTES = [upload_files]
