"""Confirmations: what maintenance would remove and asks a person about, shown and answered."""

from http import HTTPStatus
from typing import Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from photobus_common.errors import ConflictError, FieldError, NotFoundError
from photobus_common.store import confirmation_pages, confirmations
from photobus_common.store.confirmation_pages import BY_PHOTO, NEWEST
from photobus_common.store.confirmations import Confirmation, ConfirmationStatus
from photobus_common.store.database import Connection
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_gateway.callers import caller_of, origin_of
from photobus_gateway.confirmation_views import (
    ConfirmationDetail,
    ConfirmationList,
    ConfirmationView,
    MissedPhotoList,
    MissedPhotoView,
    confirmation_view,
)
from photobus_gateway.idempotency import IdempotencyHeaders, KeyReusedError, Outcome, once
from photobus_gateway.inputs import Input, PageQuery
from photobus_gateway.keys import DATABASE
from photobus_gateway.registry import route


class ConfirmationsQuery(PageQuery):
    """Which confirmations; a repeated status means any of its values."""

    status: tuple[ConfirmationStatus, ...] = Field(default=(), max_length=10)
    task_id: UUID | None = None


class ConfirmationPath(Input):
    """A path that names a confirmation."""

    confirmation_id: UUID


class Answer(Input):
    """``confirm``: the files are truly gone, remove what was shown. ``refuse``: remove nothing."""

    answer: Literal["confirm", "refuse"]


@route("GET", "/api/confirmations", role="viewer", summary="List what waits for confirmation")
async def list_confirmations(request: web.Request, query: ConfirmationsQuery) -> ConfirmationList:
    """List confirmations, newest first; those that a task waits for have the status `open`."""
    tenant, start, limit = caller_of(request).tenant, query.start(NEWEST), query.bounded(request)
    async with request.app[DATABASE].connection() as connection:
        found = await confirmation_pages.page_of_confirmations(
            connection, tenant, query.status, query.task_id, start, limit
        )
    return ConfirmationList(
        items=[ConfirmationView(**row) for row in found.page.rows],
        total=found.total,
        total_exact=found.exact,
        next_cursor=found.page.next_cursor,
        prev_cursor=found.page.prev_cursor,
    )


@route(
    "GET",
    "/api/confirmations/{confirmation_id}",
    role="viewer",
    summary="What would be removed",
    errors=(NotFoundError,),
)
async def show_confirmation(request: web.Request, path: ConfirmationPath, query: PageQuery) -> ConfirmationDetail:
    """Show a confirmation with a page of the photos that it is about, each with its files that are gone."""
    start, limit = query.start(BY_PHOTO), query.bounded(request)
    async with request.app[DATABASE].connection() as connection:
        found = await _confirmation(connection, caller_of(request).tenant, path.confirmation_id)
        page = await confirmation_pages.page_of_photos(connection, found.id, start, limit)
    items = MissedPhotoList(
        items=[MissedPhotoView(**row) for row in page.rows],
        total=found.lacking,
        next_cursor=page.next_cursor,
        prev_cursor=page.prev_cursor,
    )
    return ConfirmationDetail(confirmation=confirmation_view(found), items=items)


@route(
    "POST",
    "/api/confirmations/{confirmation_id}",
    role="admin",
    summary="Confirm or refuse",
    response=ConfirmationView,
    errors=(NotFoundError, ConflictError, KeyReusedError),
)
async def answer_confirmation(
    request: web.Request, path: ConfirmationPath, headers: IdempotencyHeaders, body: Answer
) -> web.Response:
    """Say whether what is gone may be removed; the task that waits for it goes on. The same answer again has no effect.

    An answer is about the photos that were shown. Another answer than the one that was given, or one that comes too
    late, is refused with 409.
    """
    confirmed = body.answer == "confirm"

    async def act(work: UnitOfWork) -> Outcome:
        asked = await _confirmation(work.connection, caller_of(request).tenant, path.confirmation_id, lock=True)
        if asked.status == "open":
            asked = await confirmations.answer(work, origin_of(request), asked, confirmed=confirmed)
        elif asked.status != ("confirmed" if confirmed else "refused"):
            raise ConflictError(f"The confirmation is no longer open: {asked.status}.")
        return Outcome(HTTPStatus.OK, confirmation_view(asked))

    return await once(request, headers, body, act)


async def _confirmation(
    connection: Connection, tenant: str, confirmation_id: UUID, *, lock: bool = False
) -> Confirmation:
    found = await confirmations.confirmation_by_id(connection, tenant, confirmation_id, lock=lock)
    if found is None:
        message = f"There is no confirmation {confirmation_id}."
        raise NotFoundError(message, fields=(FieldError("path.confirmation_id", message),))
    return found


ROUTES = [list_confirmations, show_confirmation, answer_confirmation]
