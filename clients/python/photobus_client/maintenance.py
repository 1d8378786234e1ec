"""Runs of maintenance: what they looked at, changed and refused, line by line."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

from photobus_client.models import Filter, Model, Page
from photobus_client.transport import Transport

LineKind = Literal["changed", "refused", "reported"]

_PAGE: Final = 500
_PATH: Final = "/api/maintenance/runs"

ItemT = TypeVar("ItemT", bound=Model)


class RunStep(Model):
    """What one step of a run did, or has done so far; the counts are those of its lines."""

    step: int
    job_type: str
    status: str
    looked_at: int
    changed: int
    refused: int
    reported: int
    progress_done: int
    progress_total: int | None = None
    remaining_seconds: float | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Run(Model):
    """A run of maintenance, with its begun steps; the counts are summed over them."""

    task_id: UUID
    type: str
    label: str
    status: str
    source: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    error: str | None = None
    changed: int
    refused: int
    reported: int
    steps: list[RunStep]


class ReportLine(Model):
    """A line of a run's report: something that was changed, or refused, or is only reported.

    ``code`` is a stable word for what it is, ``count`` how many things it stands for; ``event_id`` tells of it.
    """

    id: int
    kind: LineKind
    code: str
    reason: str | None = None
    job_type: str
    project_folder: str | None = None
    subject: str | None = None
    photo_id: int | None = None
    count: int
    found_at: datetime
    event_id: UUID


class LoggedEvent(Model):
    """An event of the log."""

    id: UUID
    type: str
    time: datetime
    actor: str
    task_id: UUID | None = None
    data: dict[str, Any]


class Maintenance:
    """Requests about runs of maintenance (``PhotobusClient.maintenance``)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def runs(self, *, types: Sequence[str] = (), statuses: Sequence[str] = ()) -> AsyncIterator[Run]:
        """Yield the runs, newest first, those of some task types and statuses only if any are named."""
        return self._all(_PATH, Run, {"type": list(types), "status": list(statuses)})

    async def page_of_runs(self, *, limit: int = 20, cursor: str | None = None) -> Page[Run]:
        """Return a page of the runs, newest first."""
        query = {"limit": limit, "cursor": cursor}
        return Page[Run].model_validate(await self._transport.json("GET", _PATH, query=query))

    async def run(self, task_id: UUID | str) -> Run:
        """Return one run."""
        return Run.model_validate(await self._transport.json("GET", f"{_PATH}/{task_id}"))

    def lines(self, task_id: UUID | str, *, kind: LineKind | None = None) -> AsyncIterator[ReportLine]:
        """Yield the lines of a run's report in their order, those of one kind if it is named."""
        return self._all(f"{_PATH}/{task_id}/lines", ReportLine, {"kind": kind})

    async def event(self, event_id: UUID | str) -> LoggedEvent:
        """Return the event that a line leads to."""
        return LoggedEvent.model_validate(await self._transport.json("GET", f"/api/events/{event_id}"))

    async def _all(self, path: str, model: type[ItemT], filters: Filter) -> AsyncIterator[ItemT]:
        cursor: str | None = None
        while True:
            page = await self._transport.json("GET", path, query={**filters, "limit": _PAGE, "cursor": cursor})
            for item in page["items"]:
                yield model.model_validate(item)
            cursor = page.get("next_cursor")
            if cursor is None:
                return
