"""Lists of photos as a whole: the keys of all, their portions, which photos are among them, and where one stands."""

import json
from array import array
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from aiohttp import web
from pydantic import BaseModel, Field

from photobus_common.errors import NotFoundError
from photobus_common.store import photo_places
from photobus_common.store.filters import PhotoFilter
from photobus_common.store.photo_places import PhotoKey
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import LimitQuery, RowId
from photobus_gateway.keys import DATABASE
from photobus_gateway.registry import JSON, route
from photobus_gateway.routes.photos import PhotoView, Sorted, filter_of, sort_of

IDS_AT_ONCE: Final = 5_000

MAX_AMONG: Final = 500

_HEADERS: Final = {"Content-Type": JSON, "Cache-Control": "no-store"}


class AllKeys(BaseModel):
    """Every photo that matches, in the order of the list: ``keys`` as `folder::filename`, and their ids beside them."""

    keys: list[str]
    photo_ids: list[int]
    total: int


class KeysQuery(PhotoFilter, Sorted):
    """Which photos, in which order."""


class LocateQuery(PhotoFilter, Sorted, LimitQuery):
    """Which photo, and the list that it is looked for in; ``limit`` is the length of its pages."""

    photo_id: RowId


class Target(BaseModel):
    """The photo that was looked for."""

    photo_id: int
    project_folder: str
    filename: str


class LocatedPage(BaseModel):
    """The page on which a photo stands, its number (from 0), and the photo's place on it and in the whole list."""

    items: list[PhotoView]
    position: int
    page_index: int
    idx_in_items: int
    next_cursor: str | None
    prev_cursor: str | None
    target: Target


class PortionsQuery(PhotoFilter, Sorted):
    """Which photos, in which order, and how many make a portion."""

    size: int = Field(default=200, ge=100, le=1000, description="Photos of each portion; the last may have fewer.")


class PortionView(BaseModel):
    """Photos that follow each other in the list. ``cursor`` starts the list at them; null is the start of the list.

    ``first_value`` and ``last_value`` are what the list is sorted by, of its first and its last photo: a time, a name,
    or a size in bytes.
    """

    cursor: str | None
    photos: int
    first_photo_id: int
    first_value: datetime | int | str
    last_value: datetime | int | str


class Portions(BaseModel):
    """The whole list in portions, in its order; ``total`` is how many photos it has."""

    items: list[PortionView]
    total: int


class AmongQuery(PhotoFilter, Sorted):
    """Which photos are looked for, and the list that they are looked for in."""

    photo_ids: tuple[RowId, ...] = Field(min_length=1, max_length=MAX_AMONG, description="Repeated, once a photo.")


class PhotosAmong(BaseModel):
    """Those of the photos that match, in the order of the list."""

    items: list[PhotoView]


@route("GET", "/api/photos/all-keys", role="viewer", summary="Keys of all photos that match", response=AllKeys)
async def list_all_keys(request: web.Request, query: KeysQuery) -> web.StreamResponse:
    """List the keys of every photo that matches, in the order of the list. Written as it is read, however long."""
    response = web.StreamResponse(headers=_HEADERS)
    tenant, wanted = caller_of(request).tenant, filter_of(query)
    pieces = _written(photo_places.keys_of_photos(request.app[DATABASE], tenant, wanted, sort_of(query)))
    first = await anext(pieces)  # what fails at the first query is still answered as a problem
    await response.prepare(request)
    await response.write(first)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


@route("GET", "/api/photos/locate-page", role="viewer", summary="Where a photo stands", errors=(NotFoundError,))
async def locate_page(request: web.Request, query: LocateQuery) -> LocatedPage:
    """Find the page of the list on which the photo stands; 404 when it is not among those that match."""
    sort, limit = sort_of(query), query.bounded(request)
    async with request.app[DATABASE].connection() as connection:
        place = await photo_places.place_of_photo(
            connection, caller_of(request).tenant, filter_of(query), sort, query.photo_id, limit
        )
    if place is None:
        raise NotFoundError(f"The photo {query.photo_id} is not among those that match.")
    page_index, index = divmod(place.position, limit)
    items = [PhotoView(**row) for row in place.page.rows]
    found = items[index]
    return LocatedPage(
        items=items,
        position=place.position,
        page_index=page_index,
        idx_in_items=index,
        next_cursor=place.page.next_cursor,
        prev_cursor=place.page.prev_cursor,
        target=Target(photo_id=found.id, project_folder=found.project_folder, filename=found.filename),
    )


@route("GET", "/api/photos/portions", role="viewer", summary="The whole list in portions")
async def list_portions(request: web.Request, query: PortionsQuery) -> Portions:
    """Cut the list of all photos that match into portions, each with a cursor that starts the list at it.

    A client that shows a long list can so lay out all of it, and read any place of it with one page.
    """
    tenant, sort = caller_of(request).tenant, sort_of(query)
    async with request.app[DATABASE].connection() as connection:
        portions = await photo_places.portions_of_photos(connection, tenant, filter_of(query), sort, query.size)
    items = [PortionView(**vars(portion)) for portion in portions]
    return Portions(items=items, total=sum(item.photos for item in items))


@route("GET", "/api/photos/among", role="viewer", summary="Which photos are in a list")
async def list_among(request: web.Request, query: AmongQuery) -> PhotosAmong:
    """List those of the photos that match, as a page would show them, and in its order; others are left out."""
    tenant, wanted = caller_of(request).tenant, filter_of(query)
    async with request.app[DATABASE].connection() as connection:
        rows = await photo_places.photos_among(connection, tenant, wanted, sort_of(query), query.photo_ids)
    return PhotosAmong(items=[PhotoView(**row) for row in rows])


async def _written(portions: AsyncIterator[list[PhotoKey]]) -> AsyncIterator[bytes]:
    """Yield the JSON of ``AllKeys``: the keys as they come; of the rest only the ids are held, 8 bytes each."""
    photo_ids = array("q")
    before = '{"keys":['
    async for portion in portions:
        names = ",".join(json.dumps(f"{key.project_folder}::{key.filename}", ensure_ascii=False) for key in portion)
        yield f"{before}{names}".encode()
        before = ","
        photo_ids.extend(key.photo_id for key in portion)
    yield b'],"photo_ids":['
    for first in range(0, len(photo_ids), IDS_AT_ONCE):
        yield f"{',' if first else ''}{','.join(map(str, photo_ids[first : first + IDS_AT_ONCE]))}".encode()
    yield f'],"total":{len(photo_ids)}}}'.encode()


ROUTES = [list_all_keys, locate_page, list_portions, list_among]
