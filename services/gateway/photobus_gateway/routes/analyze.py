"""Asking before an upload what would become of each file."""

from collections.abc import Sequence

from aiohttp import web
from pydantic import BaseModel, Field

from photobus_common.config import MAX_ITEMS
from photobus_common.errors import NotFoundError
from photobus_common.photos.filenames import ParsedName
from photobus_common.store import photos, uploads
from photobus_common.store.database import Connection
from photobus_common.store.photos import KnownFile
from photobus_gateway.inputs import Input, ProjectPath
from photobus_gateway.keys import DATABASE, SETTINGS
from photobus_gateway.registry import route
from photobus_gateway.uploads.analysis import AnalyzedFile, Catalogue, FileAnalysis, analyze, parse_all
from photobus_gateway.uploads.files import UploadProject
from photobus_gateway.uploads.requests import project_of


class FilesToAnalyze(Input):
    """Files that the client is about to upload."""

    files: list[AnalyzedFile] = Field(min_length=1, max_length=MAX_ITEMS)


class Analysis(BaseModel):
    """What would become of each file, in their order."""

    files: list[FileAnalysis]


@route(
    "POST",
    "/api/projects/{folder}/analyze-files",
    role="viewer",
    summary="Ask what uploading files would lead to",
    errors=(NotFoundError,),
)
async def analyze_files(request: web.Request, path: ProjectPath, body: FilesToAnalyze) -> Analysis:
    """Say which files would be accepted, which clash with files of any project, and which complete a pair."""
    project = await project_of(request, path.folder)
    settings = request.app[SETTINGS]
    parsed = parse_all(body.files, settings.uploader)
    basenames = sorted({name.basename for name in parsed if isinstance(name, ParsedName)})
    md5s = sorted({file.md5 for file in body.files if file.md5 is not None})
    async with request.app[DATABASE].connection() as connection:
        unique = settings.library.unique_names == "library"
        catalogue = await _catalogue(connection, project, basenames, md5s, unique=unique)
    most = settings.uploader.max_file_bytes
    return Analysis(files=[analyze(file, name, catalogue, most) for file, name in zip(body.files, parsed, strict=True)])


async def _catalogue(
    connection: Connection, project: UploadProject, basenames: Sequence[str], md5s: Sequence[str], *, unique: bool
) -> Catalogue:
    where = (connection, project.tenant, project.project_id)
    known = await photos.photos_of_basenames(connection, project.project_id, basenames)
    elsewhere = await uploads.projects_with_basenames(*where, basenames) if unique else {}
    same_bytes: dict[str, list[KnownFile]] = {}
    for found in await photos.files_of_md5(*where, md5s):
        same_bytes.setdefault(found.file.md5, []).append(found)
    return Catalogue(known, elsewhere, same_bytes)


ROUTES = [analyze_files]
