"""The client: one method a call, typed answers, errors as ``ClientError``."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload
from uuid import UUID

from photobus_client.confirmations import Confirmations
from photobus_client.history import History
from photobus_client.journal import Journal
from photobus_client.live import CHANNELS, LiveEvent, follow
from photobus_client.maintenance import Maintenance
from photobus_client.models import (
    CreatedToken,
    Filter,
    Job,
    JobItem,
    Model,
    Page,
    Photo,
    Project,
    Role,
    Task,
    TaskDetail,
    Token,
)
from photobus_client.photo_sets import PhotoSets
from photobus_client.plans import PLANS, DeletionPlan, TaskPlan, UndoPlan
from photobus_client.schedules import Schedules
from photobus_client.sending import Progress, Sending, Sent
from photobus_client.starting import start, task_of
from photobus_client.transport import Transport, path_part
from photobus_client.uploads import OnConflict

ItemT = TypeVar("ItemT", bound=Model)

_PAGE = 500

Said = Mapping[str, Any] | None
"""Targets or parameters of a task, as the API takes them."""


class PhotobusClient:
    """Talks to the photobus at ``address``; use it with ``async with``.

    ``photo_sets`` asks about sets of photos, ``schedules`` when tasks begin by themselves, ``maintenance`` what its
    runs did, ``confirmations`` what they would remove and wait to be told, ``history`` what happened. Requests that may
    be repeated are, for ``patience_seconds``, while photobus is away. Raises ``ApiError`` for what photobus refuses and
    ``UnreachableError`` when it stays away.
    """

    def __init__(self, address: str, token: str, *, patience_seconds: float = 30.0) -> None:
        self.transport = Transport(address, token, patience_seconds)
        self.photo_sets = PhotoSets(self.transport)
        self.schedules = Schedules(self.transport)
        self.confirmations = Confirmations(self.transport)
        self.maintenance = Maintenance(self.transport)
        self.history = History(self.transport)

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self.transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.transport.__aexit__(kind, error, trace)

    # --- projects and photos ---------------------------------------------------------------------------------------

    async def create_project(self, name: str) -> Project:
        """Make a project; a name that is taken gets a number."""
        return Project.model_validate(await self.transport.once("POST", "/api/projects", {"name": name}))

    def projects(self) -> AsyncIterator[Project]:
        """Yield all active projects."""
        return self._all("/api/projects", Project)

    async def project(self, folder: str) -> Project:
        """Return the project in ``folder``."""
        return Project.model_validate(await self.transport.json("GET", f"/api/projects/{path_part(folder)}"))

    async def rename_project(self, folder: str, new_name: str) -> Project:
        """Give the project in ``folder`` another name; one that is taken gets a number."""
        path = f"/api/projects/{path_part(folder)}/rename"
        return Project.model_validate(await self.transport.once("PATCH", path, {"new_name": new_name}))

    @overload
    async def delete_project(self, folder: str, *, dry_run: Literal[False] = ...) -> Task: ...
    @overload
    async def delete_project(self, folder: str, *, dry_run: Literal[True]) -> DeletionPlan: ...
    async def delete_project(self, folder: str, *, dry_run: bool = False) -> Task | DeletionPlan:
        """Delete the project in ``folder``: gone from all lists at once, its files to the library's trash by a task."""
        query = {"dry_run": dry_run or None}
        answer = await self.transport.once("DELETE", f"/api/projects/{path_part(folder)}", query=query)
        return DeletionPlan.model_validate(answer) if dry_run else task_of(answer)

    def photos(self, folder: str | None = None, filters: Filter | None = None) -> AsyncIterator[Photo]:
        """Yield the photos of the project in ``folder``, or of all projects, that match ``filters``."""
        path = f"/api/projects/{path_part(folder)}/photos" if folder else "/api/photos"
        return self._all(path, Photo, filters)

    async def photo(self, photo_id: int) -> Photo:
        """Return one photo."""
        return Photo.model_validate(await self.transport.json("GET", f"/api/photos/{photo_id}"))

    def send(
        self,
        folder: str,
        paths: Sequence[Path],
        *,
        on_conflict: OnConflict | None = None,
        parallel: int = 4,
        journal: Journal | None = None,
        progress: Progress = lambda _path, _bytes: None,
    ) -> AsyncGenerator[Sent]:
        """Send files into the project in ``folder`` and yield how each ended (``Sending``)."""
        sending = Sending(self.transport, folder, paths, on_conflict, parallel, journal or Journal(), progress)
        return sending.results()

    async def count_photos(self, folder: str, filters: Filter) -> int:
        """Return how many photos of the project in ``folder`` match."""
        path = f"/api/projects/{path_part(folder)}/photos"
        page = await self.transport.json("GET", path, query={**filters, "limit": 1})
        return int(page["total"])

    async def thumbnail(self, photo_id: int) -> bytes:
        """Return the file of a photo's thumbnail."""
        return await self.transport.file(f"/api/photos/{photo_id}/thumbnail")

    # --- tasks and jobs --------------------------------------------------------------------------------------------

    @overload
    async def start_task(
        self, task_type: str, targets: Said = ..., params: Said = ..., *, dry_run: Literal[False] = ...
    ) -> Task: ...
    @overload
    async def start_task(
        self, task_type: str, targets: Said = ..., params: Said = ..., *, dry_run: Literal[True]
    ) -> TaskPlan: ...
    async def start_task(
        self, task_type: str, targets: Said = None, params: Said = None, *, dry_run: bool = False
    ) -> Task | TaskPlan:
        """Start a task over ``targets``: photo ids, project folders, a filter, or all. Its plan is that of its type."""
        body: dict[str, Any] = {"type": task_type}
        if targets is not None:
            body["targets"] = targets
        if params is not None:
            body["params"] = params
        return await start(self.transport, "/api/tasks", body, PLANS.get(task_type, TaskPlan), dry_run=dry_run)

    async def start_project_task(
        self,
        folder: str,
        task_type: str,
        *,
        photo_ids: Sequence[int] = (),
        filenames: Sequence[str] = (),
        force: bool = False,
    ) -> Task:
        """Start a task on photos of the project in ``folder``, or on all of it when none is named."""
        items = [{"photo_id": photo_id} for photo_id in photo_ids]
        body = {"task_type": task_type, "items": items, "filenames": list(filenames), "force": force}
        return task_of(await self.transport.once("POST", f"/api/projects/{path_part(folder)}/jobs", body))

    async def tasks(self, *, limit: int = 50, cursor: str | None = None, **filters: str | None) -> Page[Task]:
        """Return a page of tasks, newest first; ``filters`` are those of ``GET /api/tasks``."""
        query = {"limit": limit, "cursor": cursor, **filters}
        return Page[Task].model_validate(await self.transport.json("GET", "/api/tasks", query=query))

    def all_tasks(self, filters: Filter | None = None) -> AsyncIterator[Task]:
        """Yield all tasks that match, newest first."""
        return self._all("/api/tasks", Task, filters)

    async def task(self, task_id: UUID | str, *, as_of: str | None = None) -> TaskDetail:
        """Return one task with its steps; with ``as_of``, a time or a sequence of the log, as it stood then."""
        query = {"as_of": as_of}
        return TaskDetail.model_validate(await self.transport.json("GET", f"/api/tasks/{task_id}", query=query))

    async def cancel_task(self, task_id: UUID | str) -> Task:
        """Ask to stop a task."""
        return task_of(await self.transport.once("POST", f"/api/tasks/{task_id}/cancel"))

    async def retry_task(self, task_id: UUID | str) -> Task:
        """Start a new task over what failed in an ended one."""
        return task_of(await self.transport.once("POST", f"/api/tasks/{task_id}/retry"))

    @overload
    async def undo_task(self, task_id: UUID | str, *, dry_run: Literal[False] = ...) -> Task: ...
    @overload
    async def undo_task(self, task_id: UUID | str, *, dry_run: Literal[True]) -> UndoPlan: ...
    async def undo_task(self, task_id: UUID | str, *, dry_run: bool = False) -> Task | UndoPlan:
        """Start a task that takes back what an ended one did, as long as the files exist."""
        return await start(self.transport, f"/api/tasks/{task_id}/undo", {}, UndoPlan, dry_run=dry_run)

    async def jobs(self, *, limit: int = 50, cursor: str | None = None, **filters: str | None) -> Page[Job]:
        """Return a page of jobs, newest first; ``filters`` are those of ``GET /api/jobs``."""
        query = {"limit": limit, "cursor": cursor, **filters}
        return Page[Job].model_validate(await self.transport.json("GET", "/api/jobs", query=query))

    def all_jobs(self, folder: str | None = None, filters: Filter | None = None) -> AsyncIterator[Job]:
        """Yield all jobs that match, newest first: those with photos of the project in ``folder``, or any."""
        return self._all(f"/api/projects/{path_part(folder)}/jobs" if folder else "/api/jobs", Job, filters)

    async def job_items(self, job_id: UUID | str, status: str | None = None) -> AsyncIterator[JobItem]:
        """Yield the photos of a job, or those of them with the status, and what became of each."""
        cursor: str | None = None
        while True:
            query = {"status": status, "limit": _PAGE, "cursor": cursor}
            job = await self.transport.json("GET", f"/api/jobs/{job_id}", query=query)
            page = Page[JobItem].model_validate(job["items"])
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def failed_items(self, task_id: UUID | str) -> AsyncIterator[JobItem]:
        """Yield the photos that failed in any step of a task, each with the reason."""
        async for job in self.all_jobs(filters={"task_id": str(task_id)}):
            if job.failed:
                async for item in self.job_items(job.id, "failed"):
                    yield item

    def follow(
        self,
        channels: Collection[str] = CHANNELS,
        last_event_id: str | None = None,
    ) -> AsyncGenerator[LiveEvent]:
        """Yield live updates for ever, over reconnections, without a gap or a repeat."""
        return follow(self.transport, channels, last_event_id)

    # --- tokens ----------------------------------------------------------------------------------------------------

    async def create_token(self, name: str, role: Role) -> CreatedToken:
        """Make a token; its secret is in the answer, this once."""
        return CreatedToken.model_validate(
            await self.transport.json("POST", "/api/tokens", body={"name": name, "role": role})
        )

    async def tokens(self) -> Sequence[Token]:
        """Return all tokens, revoked ones included."""
        return Page[Token].model_validate(await self.transport.json("GET", "/api/tokens")).items

    async def revoke_token(self, token_id: UUID | str) -> None:
        """Make a token open nothing any more."""
        await self.transport.json("DELETE", f"/api/tokens/{token_id}")

    async def _all(self, path: str, model: type[ItemT], filters: Filter | None = None) -> AsyncIterator[ItemT]:
        cursor: str | None = None
        while True:
            query = {**(filters or {}), "limit": _PAGE, "cursor": cursor}
            page = await self.transport.json("GET", path, query=query)
            for item in page["items"]:
                yield model.model_validate(item)
            cursor = page.get("next_cursor")
            if cursor is None:
                return
