"""The client: one method a call, typed answers, errors as ``ClientError``."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

from photobus_client.journal import Journal
from photobus_client.live import CHANNELS, LiveEvent, follow
from photobus_client.models import (
    CreatedToken,
    Filter,
    Job,
    Model,
    Page,
    Photo,
    Project,
    Role,
    Task,
    Token,
)
from photobus_client.sending import Progress, Sending, Sent
from photobus_client.transport import IDEMPOTENCY_KEY, Transport
from photobus_client.uploads import OnConflict

ItemT = TypeVar("ItemT", bound=Model)

_PAGE = 500


class PhotobusClient:
    """Talks to the photobus at ``address``; use it with ``async with``.

    Requests that may be repeated are, for ``patience_seconds``, while photobus is away. Raises ``ApiError`` for what
    photobus refuses and ``UnreachableError`` when it stays away.
    """

    def __init__(self, address: str, token: str, *, patience_seconds: float = 30.0) -> None:
        self.transport = Transport(address, token, patience_seconds)

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
        return Project.model_validate(await self._post("/api/projects", {"name": name}))

    def projects(self) -> AsyncIterator[Project]:
        """Yield all active projects."""
        return self._all("/api/projects", Project)

    async def project(self, folder: str) -> Project:
        """Return the project in ``folder``."""
        return Project.model_validate(await self.transport.json("GET", f"/api/projects/{_part(folder)}"))

    def photos(self, folder: str | None = None, filters: Filter | None = None) -> AsyncIterator[Photo]:
        """Yield the photos of the project in ``folder``, or of all projects, that match ``filters``."""
        path = f"/api/projects/{_part(folder)}/photos" if folder else "/api/photos"
        return self._all(path, Photo, filters)

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
        path = f"/api/projects/{_part(folder)}/photos"
        page = await self.transport.json("GET", path, query={**filters, "limit": 1})
        return int(page["total"])

    async def thumbnail(self, photo_id: int) -> bytes:
        """Return the file of a photo's thumbnail."""
        return await self.transport.file(f"/api/photos/{photo_id}/thumbnail")

    # --- tasks and jobs --------------------------------------------------------------------------------------------

    async def start_task(
        self,
        task_type: str,
        targets: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Task:
        """Start a task over ``targets``: photo ids, project folders, a filter, or all."""
        body: dict[str, Any] = {"type": task_type}
        if targets is not None:
            body["targets"] = targets
        if params is not None:
            body["params"] = params
        return _task(await self._post("/api/tasks", body))

    async def tasks(self, *, limit: int = 50, cursor: str | None = None, **filters: str | None) -> Page[Task]:
        """Return a page of tasks, newest first; ``filters`` are those of ``GET /api/tasks``."""
        query = {"limit": limit, "cursor": cursor, **filters}
        return Page[Task].model_validate(await self.transport.json("GET", "/api/tasks", query=query))

    def all_tasks(self, filters: Filter | None = None) -> AsyncIterator[Task]:
        """Yield all tasks that match, newest first."""
        return self._all("/api/tasks", Task, filters)

    async def task(self, task_id: UUID | str) -> Task:
        """Return one task."""
        return _task(await self.transport.json("GET", f"/api/tasks/{task_id}"))

    async def cancel_task(self, task_id: UUID | str) -> Task:
        """Ask to stop a task."""
        return _task(await self._post(f"/api/tasks/{task_id}/cancel"))

    async def retry_task(self, task_id: UUID | str) -> Task:
        """Start a new task over what failed in an ended one."""
        return _task(await self._post(f"/api/tasks/{task_id}/retry"))

    async def jobs(self, *, limit: int = 50, cursor: str | None = None, **filters: str | None) -> Page[Job]:
        """Return a page of jobs, newest first; ``filters`` are those of ``GET /api/jobs``."""
        query = {"limit": limit, "cursor": cursor, **filters}
        return Page[Job].model_validate(await self.transport.json("GET", "/api/jobs", query=query))

    def all_jobs(self, folder: str | None = None, filters: Filter | None = None) -> AsyncIterator[Job]:
        """Yield all jobs that match, newest first: those with photos of the project in ``folder``, or any."""
        return self._all(f"/api/projects/{_part(folder)}/jobs" if folder else "/api/jobs", Job, filters)

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

    async def _post(self, path: str, body: object = None) -> Any:
        """Send a request that is safe to repeat, because its key makes the repeats one."""
        headers = {IDEMPOTENCY_KEY: uuid4().hex}
        return await self.transport.json("POST", path, body={} if body is None else body, headers=headers)

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


def _task(answer: Any) -> Task:
    return Task.model_validate(answer.get("task", answer))


def _part(text: str) -> str:
    return quote(text, safe="")
