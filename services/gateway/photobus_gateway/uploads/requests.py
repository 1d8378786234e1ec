"""What the routes of uploading have in common: the project they go into and what a query may ask of every file."""

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from aiohttp import web
from pydantic import AfterValidator, Field

from photobus_common.errors import NotFoundError
from photobus_common.store import projects
from photobus_common.store.uploads import OnConflict, project_of_upload
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import Input
from photobus_gateway.keys import DATABASE
from photobus_gateway.uploads.files import UploadProject

BATCH_PATTERN: Final = r"^[\x21-\x7e]{1,100}$"
MAX_BATCH_TOTAL: Final = 10_000_000


_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(2100, 1, 1, tzinfo=UTC)


def _file_time(told: datetime) -> datetime:
    time = told.replace(tzinfo=UTC) if told.tzinfo is None else told
    if not _EARLIEST <= time < _END:
        message = f"must be a time from {_EARLIEST:%Y} to {_END.year - 1}"
        raise ValueError(message)
    return time


FileTime = Annotated[datetime, AfterValidator(_file_time)]
"""The time that a file is to have, from 1970 to 2099, which every file system holds; without a zone it is UTC."""


class UploadOptions(Input):
    """How files are taken in; a file's own options go before these."""

    on_conflict: OnConflict | None = Field(
        default=None, description="What to do where the project has other bytes under the file's name."
    )
    batch: str | None = Field(
        default=None, pattern=BATCH_PATTERN, description="The client's word for files that belong to one task."
    )
    batch_total: int | None = Field(
        default=None, ge=1, le=MAX_BATCH_TOTAL, description="How many files the batch will have in the end."
    )
    reload_conflicts: bool = Field(
        default=False,
        alias="reloadConflictsIntoThisProject",
        description="Move photos of these names here that other projects have; their files are then not stored.",
    )


async def project_of(request: web.Request, folder: str) -> UploadProject:
    """Return the caller's active project in ``folder``; raises ``NotFoundError``."""
    caller = caller_of(request)
    async with request.app[DATABASE].connection() as connection:
        row = await projects.project_of_folder(connection, caller.tenant, folder)
    if row is None:
        raise NotFoundError(f"There is no project in the folder {folder}.")
    return UploadProject(row["id"], caller.tenant, folder, caller.library_id)


async def project_of_its_upload(request: web.Request, folder: str, upload_id: UUID) -> UploadProject:
    """Return the same for an upload whose address names ``folder``, which may be called otherwise by now."""
    try:
        return await project_of(request, folder)
    except NotFoundError:
        caller = caller_of(request)
        async with request.app[DATABASE].connection() as connection:
            found = await project_of_upload(connection, upload_id, caller.tenant)
        if found is None:
            raise
        return UploadProject(found[0], caller.tenant, found[1], caller.library_id)
