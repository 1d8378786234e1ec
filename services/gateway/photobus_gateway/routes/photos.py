"""Photos: of a project, of all projects, by month, and one."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field, RootModel

from photobus_common.errors import NotFoundError
from photobus_common.events.parts import DerivativeStatus, FileKind
from photobus_common.store import photo_pages, projects
from photobus_common.store.database import Connection
from photobus_common.store.filters import PhotoConditions, PhotoFilter
from photobus_common.store.keyset import Cursor, Sort
from photobus_common.store.photo_pages import SORTS, PhotoSort
from photobus_gateway.as_of import AS_OF, AsOfInput
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import Input, PageQuery, ProjectPath, RowId
from photobus_gateway.keys import DATABASE
from photobus_gateway.photos_as_of import PhotosAsOf, list_as_of, refuse_beside
from photobus_gateway.registry import route
from photobus_gateway.views import ListView

Order = Literal["asc", "desc"]


class PhotoView(BaseModel):
    """A photo as it stands in lists. ``size`` is in bytes of all its files, ``width`` and ``height`` upright."""

    id: int
    project_id: int
    project_folder: str
    project_name: str
    filename: str
    jpg_available: bool
    raw_available: bool
    other_available: bool
    keep_jpg: bool
    keep_raw: bool
    keep_other: bool
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus
    derivative_reason: str | None
    taken_at: datetime
    taken_offset_minutes: int | None
    size: int
    width: int | None
    height: int | None
    shape: Literal["landscape", "portrait", "square"] | None
    version: int
    created_at: datetime
    updated_at: datetime
    tags: list[str]


class FileView(BaseModel):
    """One file of a photo; ``size`` in bytes."""

    name: str
    kind: FileKind
    size: int
    md5: str
    modified_at: datetime


class PhotoDetail(PhotoView):
    """Everything known of a photo."""

    exif_orientation: int | None
    camera_make: str | None
    camera_model: str | None
    lens: str | None
    exposure_seconds: float | None
    f_number: float | None
    iso: int | None
    focal_length_mm: float | None
    gps_latitude: float | None
    gps_longitude: float | None
    gps_altitude_m: float | None
    files: list[FileView]


class PhotoList(ListView):
    """A page of photos."""

    items: list[PhotoView]


class PhotosOfProject(RootModel[PhotoList | PhotosAsOf]):
    """A page of photos: as they are, or as they stood at a place in the log."""


class MonthView(BaseModel):
    """One month in UTC; ``cursor`` starts the list of photos, sorted by ``taken_at``, at it."""

    month: str = Field(pattern=r"^\d{4}-\d{2}$")
    photos: int
    cursor: str


class Timeline(BaseModel):
    """The months in which photos were taken, in the order of the list."""

    items: list[MonthView]
    total: int


class PhotoPath(Input):
    """A path that names a photo."""

    photo_id: RowId


class Sorted(Input):
    """In which order."""

    sort: PhotoSort = "taken_at"
    order: Order | None = Field(default=None, description="By default newest, largest, or A to Z first.")


class ProjectPhotosQuery(PhotoConditions, Sorted, PageQuery):
    """Which photos of a project, in which order."""

    as_of: AsOfInput | None = Field(default=None, description=AS_OF)


class PhotosQuery(PhotoFilter, Sorted, PageQuery):
    """Which photos of all projects, in which order."""


class TimelineQuery(PhotoFilter):
    """Which photos are counted, and whether the newest or the oldest month comes first."""

    order: Order = "desc"


@route("GET", "/api/photos", role="viewer", summary="Photos of all projects")
async def list_photos(request: web.Request, query: PhotosQuery) -> PhotoList:
    """List the photos of all active projects that match the filter, newest first unless asked otherwise."""
    async with request.app[DATABASE].connection() as connection:
        return await _page(request, connection, query, filter_of(query))


@route(
    "GET",
    "/api/projects/{folder}/photos",
    role="viewer",
    summary="Photos of a project",
    response=PhotosOfProject,
    errors=(NotFoundError,),
)
async def list_project_photos(
    request: web.Request, path: ProjectPath, query: ProjectPhotosQuery
) -> PhotoList | PhotosAsOf:
    """List the photos of one project that match the filter, newest first unless asked otherwise.

    With `as_of` it is the project that had the folder then, also if it was deleted since, and all photos that it had,
    by id, as they stood by the log alone: without what their files say of them. A page then may hold fewer photos than
    its limit though others follow.
    """
    async with request.app[DATABASE].connection() as connection:
        if query.as_of is not None:
            refuse_beside(query.model_fields_set)
            tenant, limit = caller_of(request).tenant, query.bounded(request)
            return await list_as_of(connection, tenant, path.folder, query.as_of, query.cursor, limit)
        if not await projects.ids_of_folders(connection, caller_of(request).tenant, [path.folder]):
            raise NotFoundError(f"There is no project in the folder {path.folder}.")
        return await _page(request, connection, query, filter_of(query, path.folder))


@route("GET", "/api/photos/timeline", role="viewer", summary="Photos by month")
async def show_timeline(request: web.Request, query: TimelineQuery) -> Timeline:
    """Count the matching photos by month of `taken_at`, in UTC, each month with a cursor to start the list at it."""
    async with request.app[DATABASE].connection() as connection:
        months = await photo_pages.months_of_photos(connection, caller_of(request).tenant, filter_of(query))
    sort = SORTS["taken_at"].directed(query.order == "desc")
    items = [
        MonthView(month=f"{row['month']:%Y-%m}", photos=row["photos"], cursor=_start_of(row["month"], sort).encode())
        for row in (reversed(months) if sort.descending else months)
    ]
    return Timeline(items=items, total=sum(item.photos for item in items))


@route("GET", "/api/photos/{photo_id}", role="viewer", summary="One photo", errors=(NotFoundError,))
async def show_photo(request: web.Request, path: PhotoPath) -> PhotoDetail:
    """Show everything known of a photo: its files, its derivatives, its EXIF."""
    async with request.app[DATABASE].connection() as connection:
        row = await photo_pages.photo_by_id(connection, caller_of(request).tenant, path.photo_id)
        if row is None:
            raise NotFoundError(f"There is no photo {path.photo_id}.")
        files = await photo_pages.files_of_photo(connection, path.photo_id)
    return PhotoDetail(**row, files=[FileView(**file) for file in files])


async def _page(
    request: web.Request, connection: Connection, query: ProjectPhotosQuery | PhotosQuery, wanted: PhotoFilter
) -> PhotoList:
    tenant = caller_of(request).tenant
    sort = sort_of(query)
    page = await photo_pages.page_of_photos(connection, tenant, wanted, sort, query.start(sort), query.bounded(request))
    total, exact = await photo_pages.total_of_photos(connection, tenant, wanted)
    return PhotoList(
        items=[PhotoView(**row) for row in page.rows],
        total=total,
        total_exact=exact,
        next_cursor=page.next_cursor,
        prev_cursor=page.prev_cursor,
    )


def sort_of(query: Sorted) -> Sort:
    """Return the order that is asked for."""
    sort = SORTS[query.sort]
    return sort if query.order is None else sort.directed(query.order == "desc")


def filter_of(query: PhotoConditions, folder: str | None = None) -> PhotoFilter:
    """Return the filter of a list's query, of one project if ``folder`` is given."""
    given = query.model_dump(include=set(PhotoFilter.model_fields))
    return PhotoFilter(**(given if folder is None else {**given, "project_folder": folder}))


def _start_of(month: datetime, sort: Sort) -> Cursor:
    """Return the cursor just before the first photo of ``month``; no photo has the id 0."""
    return Cursor(sort.word, _next_month(month) if sort.descending else month, 0)


def _next_month(month: datetime) -> datetime:
    try:
        return (month + timedelta(days=31)).replace(day=1)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


ROUTES = [list_photos, list_project_photos, show_timeline, show_photo]
