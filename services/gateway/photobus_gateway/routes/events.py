"""Events of the log, one by one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from photobus_common.errors import FieldError, NotFoundError
from photobus_common.events import decode
from photobus_common.store import event_log
from photobus_common.subjects import access_subject
from photobus_gateway.callers import caller_of
from photobus_gateway.inputs import Input
from photobus_gateway.keys import DATABASE
from photobus_gateway.registry import route


class EventPath(Input):
    """A path that names an event."""

    event_id: UUID


class EventView(BaseModel):
    """An event as the log has it, in the present version of its type.

    ``task_id`` is the task that it is part of, ``cause_id`` the event or job that led to it.
    """

    id: UUID
    type: str
    time: datetime
    actor: str
    source: str
    task_id: UUID | None
    cause_id: UUID | None
    data: dict[str, Any]


@route("GET", "/api/events/{event_id}", role="viewer", summary="One event", errors=(NotFoundError,))
async def show_event(request: web.Request, path: EventPath) -> EventView:
    """Show an event of the log, also one that was said a moment ago and is still on its way there."""
    async with request.app[DATABASE].connection() as connection:
        payload = await event_log.event_payload(connection, caller_of(request).tenant, path.event_id)
    event = None if payload is None else decode(payload)
    if event is None or event.subject == access_subject(event.tenant):  # who may do what is for admins alone
        message = f"There is no event {path.event_id}."
        raise NotFoundError(message, fields=(FieldError("path.event_id", message),))
    return EventView(
        id=event.id,
        type=event.type,
        time=event.time,
        actor=event.actor,
        source=event.source,
        task_id=event.correlation_id,
        cause_id=event.causation_id,
        data=event.data.model_dump(mode="json"),
    )


ROUTES = [show_event]
