"""What a person says of photos one by one: tags, and which kinds are kept. Up to 2,000 at once, in one transaction.

Over all that a filter matches the same is a task (``tags_update``, ``keep_update``).
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Annotated, Generic, Literal, Self, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, model_validator

from photobus_common.catalogue_changes import (
    CataloguePhoto,
    KeepChange,
    KeepWish,
    Planned,
    TagsChange,
    keep_events,
    plan_all,
    plan_keep,
    plan_tags,
    tags_events,
)
from photobus_common.config import MAX_ITEMS
from photobus_common.events import EventData
from photobus_common.store import catalogue
from photobus_common.store.database import Connection
from photobus_common.store.filters import MAX_TAGS, Tag
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_gateway.callers import caller_of, origin_of
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError, Outcome, once
from photobus_gateway.inputs import Input, RowId, never_null
from photobus_gateway.keys import DATABASE
from photobus_gateway.registry import json_response, route

ChangeT = TypeVar("ChangeT", KeepChange, TagsChange)


@dataclass(frozen=True)
class _Saying(Generic[ChangeT]):
    """One way to change photos: planned, written, told."""

    plan: Callable[[CataloguePhoto], ChangeT | None]
    write: Callable[[Connection, str, Sequence[ChangeT]], Awaitable[dict[int, int]]]
    events: Callable[[Sequence[ChangeT], Mapping[int, int]], Iterable[EventData]]


class TaggedPhoto(Input):
    """A photo and the tags that it is to get or lose."""

    photo_id: RowId
    tags: tuple[Tag, ...] = Field(min_length=1, max_length=MAX_TAGS)


class KeptPhoto(Input):
    """A photo and which of its kinds are to be kept; what is absent stays as it is, and one at least is there."""

    model_config = Input.model_config | {"json_schema_extra": {"minProperties": 2}}

    photo_id: RowId
    keep_jpg: bool | None = Field(default=None, json_schema_extra=never_null)
    keep_raw: bool | None = Field(default=None, json_schema_extra=never_null)
    keep_other: bool | None = Field(default=None, json_schema_extra=never_null)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = [getattr(self, name) for name in self.model_fields_set - {"photo_id"}]
        if not said or None in said:
            raise ValueError("give at least one of keep_jpg, keep_raw, keep_other")
        return self


class _Batch(Input):
    dry_run: bool = Field(default=False, description="Answer what would change, and change nothing.")


class TaggedPhotos(_Batch):
    """Photos and tags."""

    items: Annotated[tuple[TaggedPhoto, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class KeptPhotos(_Batch):
    """Photos and what is kept of them."""

    items: Annotated[tuple[KeptPhoto, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class ChangeView(BaseModel):
    """What became of one photo. A photo that failed has ``code`` and ``detail``, any other how it stands now."""

    photo_id: int
    status: Literal["changed", "unchanged", "failed"]
    version: int | None = None
    tags: list[str] | None = None
    keep_jpg: bool | None = None
    keep_raw: bool | None = None
    keep_other: bool | None = None
    code: str | None = None
    detail: str | None = None


class ChangesAnswer(BaseModel):
    """What became of each photo, in the order in which they were first named; the rest says how many of each."""

    dry_run: bool
    changed: int
    unchanged: int
    failed: int
    items: list[ChangeView]


_changes = partial(route, "POST", role="editor", response=ChangesAnswer, errors=(KeyReusedError,))


@_changes("/api/photos/tags/add", summary="Tag photos")
async def add_tags(request: web.Request, headers: IdempotencyHeaders, body: TaggedPhotos) -> web.Response:
    """Give each photo its tags. A photo that is unknown is told as failed; the others are tagged."""
    return await _tag(request, headers, body, lambda photo, tags: plan_tags(photo, add=tags))


@_changes("/api/photos/tags/remove", summary="Take tags from photos")
async def remove_tags(request: web.Request, headers: IdempotencyHeaders, body: TaggedPhotos) -> web.Response:
    """Take its tags from each photo. A photo that is unknown is told as failed."""
    return await _tag(request, headers, body, lambda photo, tags: plan_tags(photo, remove=tags))


@_changes("/api/photos/keep", summary="Say what is kept of photos")
async def keep_photos(request: web.Request, headers: IdempotencyHeaders, body: KeptPhotos) -> web.Response:
    """Say which kinds of each photo are kept; a commit removes the others. Of a photo named twice the last holds."""
    wanted = {item.photo_id: KeepWish(item.keep_jpg, item.keep_raw, item.keep_other) for item in body.items}
    saying = _Saying(lambda photo: plan_keep(photo, wanted[photo.id]), catalogue.write_keep, keep_events)
    return await _change(request, headers, body, list(wanted), saying)


async def _tag(
    request: web.Request,
    headers: IdempotencyHeaders,
    body: TaggedPhotos,
    plan: Callable[[CataloguePhoto, set[str]], TagsChange | None],
) -> web.Response:
    wanted: dict[int, set[str]] = {}
    for item in body.items:
        wanted.setdefault(item.photo_id, set()).update(item.tags)
    saying = _Saying(lambda photo: plan(photo, wanted[photo.id]), catalogue.write_tags, tags_events)
    return await _change(request, headers, body, list(wanted), saying)


async def _change(
    request: web.Request, headers: IdempotencyHeaders, body: _Batch, photo_ids: Sequence[int], saying: _Saying[ChangeT]
) -> web.Response:
    tenant = caller_of(request).tenant
    if body.dry_run:
        async with request.app[DATABASE].connection() as connection:
            photos = await catalogue.catalogue_photos(connection, tenant, photo_ids)
        planned = plan_all(photos.values(), saying.plan)
        return json_response(_answer(photo_ids, photos, planned, {}, dry_run=True))

    async def act(work: UnitOfWork) -> Outcome:
        photos = await catalogue.catalogue_photos(work.connection, tenant, photo_ids, lock=True)
        planned = plan_all(photos.values(), saying.plan)
        changes = list(planned.changes.values())
        versions = await saying.write(work.connection, tenant, changes)
        origin = origin_of(request)
        for data in saying.events(changes, versions):
            work.emit(origin.event(data))
        return Outcome(HTTPStatus.OK, _answer(photo_ids, photos, planned, versions, dry_run=False))

    return await once(request, headers, body, act)


def _answer(
    photo_ids: Sequence[int],
    photos: Mapping[int, CataloguePhoto],
    planned: Planned[ChangeT],
    versions: Mapping[int, int],
    *,
    dry_run: bool,
) -> ChangesAnswer:
    items = [_view(photo_id, photos.get(photo_id), planned, versions) for photo_id in photo_ids]
    count = Counter(item.status for item in items)
    return ChangesAnswer(
        dry_run=dry_run,
        changed=count["changed"],
        unchanged=count["unchanged"],
        failed=count["failed"],
        items=items,
    )


def _view(
    photo_id: int, photo: CataloguePhoto | None, planned: Planned[ChangeT], versions: Mapping[int, int]
) -> ChangeView:
    if photo is None:
        return ChangeView(photo_id=photo_id, status="failed", code="not_found", detail="There is no such photo.")
    refusal = planned.refused.get(photo_id)
    if refusal is not None:
        return ChangeView(photo_id=photo_id, status="failed", code=refusal.code, detail=refusal.public_message)
    change = planned.changes.get(photo_id)
    now = photo if change is None else change.after
    return ChangeView(
        photo_id=photo_id,
        status="unchanged" if change is None else "changed",
        version=versions.get(photo_id, photo.version),
        tags=list(now.tags),
        keep_jpg=now.keep.jpg,
        keep_raw=now.keep.raw,
        keep_other=now.keep.other,
    )


ROUTES = [add_tags, remove_tags, keep_photos]
