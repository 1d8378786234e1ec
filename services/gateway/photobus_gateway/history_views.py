"""Events of the archive as a history shows them: who, when, by which task, and what, in words and as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from photobus_common.events import Event, decode
from photobus_common.events.tasks import TaskEvent
from photobus_common.store import history
from photobus_common.store.database import Connection
from photobus_common.store.event_replay import ArchivedEvent
from photobus_common.store.history import HistoryPage
from photobus_gateway.auth import token_of
from photobus_gateway.views import ListView
from photobus_gateway.words import sentence, sentence_of_photo

SHOWN: Final = 10
"""How much of a long list stands in a history; ``GET /api/events/{event_id}`` has all of it."""


class ProjectRef(BaseModel):
    """A project and its folder at that time."""

    id: int
    folder: str


class PhotoRef(BaseModel):
    """A photo by its id, with its name after the event where that tells it."""

    photo_id: int
    filename: str | None


class HistoryItem(BaseModel):
    """An event. ``summary`` says in a sentence what happened, ``data`` as the event has it.

    In the history of a photo both tell of this photo alone. ``actor_name`` is what the token or schedule is called that
    acted, ``task_id`` the task that it is part of, ``cause_id`` the event or job that led to it. Of a long list ten
    parts stand in ``photos`` and ``data``, which then is not ``whole``; ``photo_count`` counts all photos.
    """

    seq: int
    id: UUID
    type: str
    time: datetime
    actor: str
    actor_name: str | None
    source: str
    task_id: UUID | None
    task_type: str | None
    cause_id: UUID | None
    project: ProjectRef | None
    photos: list[PhotoRef]
    photo_count: int
    summary: str
    data: dict[str, Any]
    whole: bool


class History(ListView):
    """A page of events, by their place in the log."""

    items: list[HistoryItem]


class ProjectHistory(History):
    """A page of the events of the project ``project_id``. ``project_ids`` are all that have or had the folder.

    The one that has it stands first, then the last one that had it.
    """

    project_id: int
    project_ids: list[int]


@dataclass(frozen=True)
class Names:
    """What a page of events refers to: the types of tasks, and what tokens are called."""

    tasks: Mapping[UUID, str] = field(default_factory=dict)
    tokens: Mapping[UUID, str] = field(default_factory=dict)


async def shown(connection: Connection, tenant: str, page: HistoryPage, photo_id: int | None = None) -> dict[str, Any]:
    """Return the fields of the ``History`` that ``page`` is; of one photo alone if ``photo_id`` is given."""
    events = [(found.seq, _read(found, photo_id)) for found in page.events]
    names = await _names(connection, tenant, [event for _, event in events])
    return {
        "items": [item(seq, event, names, of_photo=photo_id is not None) for seq, event in events],
        "total": page.total,
        "total_exact": page.exact,
        "next_cursor": page.next_cursor,
        "prev_cursor": page.prev_cursor,
    }


def item(seq: int, event: Event, names: Names, *, of_photo: bool) -> HistoryItem:
    """Show one event, which tells of one photo alone if it is ``of_photo``."""
    parts = _parts(event)
    data, whole = _bounded(event.data.model_dump(mode="json", exclude_none=True))
    return HistoryItem(
        seq=seq,
        id=event.id,
        type=event.type,
        time=event.time,
        actor=event.actor,
        actor_name=_actor_name(event.actor, names),
        source=event.source,
        task_id=event.correlation_id,
        task_type=_task_type(event, names),
        cause_id=event.causation_id,
        project=_project(event),
        photos=parts[:SHOWN],
        photo_count=len(parts),
        summary=(sentence_of_photo if of_photo else sentence)(event.data),
        data=data,
        whole=whole,
    )


def _read(found: ArchivedEvent, photo_id: int | None) -> Event:
    return decode(found.payload) if photo_id is None else decode(found.payload, partial(_about, photo_id))


def _about(photo_id: int, data: dict[str, Any]) -> dict[str, Any]:
    """Leave in an event's lists of parts those about the photo, before the others cost any work."""
    return {name: _parts_about(photo_id, value) for name, value in data.items()}


def _parts_about(photo_id: int, value: Any) -> Any:
    if not isinstance(value, list) or not any(isinstance(part, dict) and "photo_id" in part for part in value):
        return value
    return [part for part in value if part.get("photo_id") == photo_id]


def _bounded(data: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Cut the lists of an event, at any depth; return with it whether none was longer."""
    whole = True

    def cut(value: Any) -> Any:
        nonlocal whole
        if isinstance(value, dict):
            return {name: cut(part) for name, part in value.items()}
        if isinstance(value, list):
            whole = whole and len(value) <= SHOWN
            return [cut(part) for part in value[:SHOWN]]
        return value

    return cut(data), whole


def _parts(event: Event) -> list[PhotoRef]:
    """Return the photos that an event tells of, each once."""
    names = {
        part.photo_id: getattr(part, "filename", None)
        for value in vars(event.data).values()
        if isinstance(value, tuple)
        for part in value
        if getattr(part, "photo_id", None) is not None
    }
    return [PhotoRef(photo_id=photo_id, filename=names.get(photo_id)) for photo_id in event.data.changed_photo_ids()]


def _project(event: Event) -> ProjectRef | None:
    project_id, folder = event.data.project(), getattr(event.data, "project_folder", None)
    return None if project_id is None or folder is None else ProjectRef(id=project_id, folder=folder)


def _task_type(event: Event, names: Names) -> str | None:
    if isinstance(event.data, TaskEvent):
        return event.data.task_type
    return None if event.correlation_id is None else names.tasks.get(event.correlation_id)


def _actor_name(actor: str, names: Names) -> str | None:
    token = token_of(actor)
    if token is not None:
        return names.tokens.get(token)
    kind, _, name = actor.partition(":")
    return name if kind == "schedule" and name else None


async def _names(connection: Connection, tenant: str, events: Sequence[Event]) -> Names:
    tasks = {event.correlation_id for event in events if event.correlation_id is not None}
    tokens = {token for event in events if (token := token_of(event.actor)) is not None}
    return Names(
        await history.types_of_tasks(connection, tenant, sorted(tasks)) if tasks else {},
        await history.names_of_tokens(connection, tenant, sorted(tokens)) if tokens else {},
    )
