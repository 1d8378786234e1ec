"""History: what happened to photos, to projects and in tasks, as the log tells it, in words and as data."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from photobus_client.models import Filter, Model
from photobus_client.transport import Transport, path_part

Moment = datetime | int | str
"""A time, or a sequence of the log."""

_PAGE: Final = 100


class ProjectThen(Model):
    """A project and its folder at that time."""

    id: int
    folder: str


class PhotoThen(Model):
    """A photo, with its name after the event where that tells it."""

    photo_id: int
    filename: str | None = None


class HistoryEvent(Model):
    """An event of the log at its place ``seq``. ``summary`` says in a sentence what happened.

    Of long lists the first parts stand in ``photos`` and ``data``, which then is not ``whole``; ``photo_count`` counts
    all photos. ``actor_name`` is what the token or schedule is called that acted.
    """

    seq: int
    id: UUID
    type: str
    time: datetime
    actor: str
    actor_name: str | None = None
    source: str
    task_id: UUID | None = None
    task_type: str | None = None
    cause_id: UUID | None = None
    project: ProjectThen | None = None
    photos: list[PhotoThen]
    photo_count: int
    summary: str
    data: dict[str, Any]
    whole: bool


class FileAsOf(Model):
    """One file of a photo; ``size`` in bytes."""

    name: str
    kind: str
    size: int
    md5: str | None = None


class PhotoAsOf(Model):
    """A photo as it stood at a place in the log, as far as that tells."""

    id: int
    filename: str
    jpg_available: bool
    raw_available: bool
    other_available: bool
    keep_jpg: bool
    keep_raw: bool
    keep_other: bool
    thumbnail_status: str
    preview_status: str
    size: int
    version: int
    tags: list[str]
    files: list[FileAsOf]


class History:
    """Requests about what happened (``PhotobusClient.history``); what happened a second ago may not be told yet."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def photo(self, photo_id: int, *, newest_first: bool = True) -> AsyncIterator[HistoryEvent]:
        """Yield what happened to a photo, wherever it was and also if it is there no more."""
        return self._events(f"/api/photos/{photo_id}/history", {"order": _order(newest_first)})

    def project(
        self, folder: str, *, project_id: int | None = None, newest_first: bool = True
    ) -> AsyncIterator[HistoryEvent]:
        """Yield what happened to the project that has the folder, or had it last, and to its photos.

        ``project_id`` names another one of those that had it.
        """
        query = {"order": _order(newest_first), "project_id": project_id}
        return self._events(f"/api/projects/{path_part(folder)}/history", query)

    def task(self, task_id: UUID | str, *, newest_first: bool = False) -> AsyncIterator[HistoryEvent]:
        """Yield what a task went through and did."""
        return self._events(f"/api/tasks/{path_part(str(task_id))}/events", {"order": _order(newest_first)})

    async def photos(self, folder: str, as_of: Moment) -> AsyncIterator[PhotoAsOf]:
        """Yield the photos, by id, that the project had which had the folder at that time, as they stood then."""
        cursor: str | None = None
        while True:
            query = {"as_of": _moment(as_of), "limit": _PAGE, "cursor": cursor}
            page = await self._transport.json("GET", f"/api/projects/{path_part(folder)}/photos", query=query)
            for item in page["items"]:
                yield PhotoAsOf.model_validate(item)
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def audit(
        self,
        *,
        actor: str | None = None,
        types: Sequence[str] = (),
        first: Moment | None = None,
        last: Moment | None = None,
        newest_first: bool = True,
    ) -> AsyncIterator[HistoryEvent]:
        """Yield all events by ``actor`` and of ``types`` from ``first`` to ``last``, both included; for admins."""
        query = {"actor": actor, "type": list(types), "from": _moment(first), "to": _moment(last)}
        return self._events("/api/audit", {**query, "order": _order(newest_first)})

    async def _events(self, path: str, query: Filter) -> AsyncIterator[HistoryEvent]:
        cursor: str | None = None
        while True:
            page = await self._transport.json("GET", path, query={**query, "limit": _PAGE, "cursor": cursor})
            for item in page["items"]:
                yield HistoryEvent.model_validate(item)
            cursor = page["next_cursor"]
            if cursor is None:
                return


def _order(newest_first: bool) -> str:
    return "desc" if newest_first else "asc"


def _moment(given: Moment | None) -> str | None:
    if given is None:
        return None
    return given.isoformat() if isinstance(given, datetime) else str(given)
