"""Turning filters, projects, "all" and what other tasks worked on into the snapshot of photos that a task works on.

It runs beside the fold, since a million ids take seconds. It writes what it found, and says so by events of at most
2,000 ids, all in one transaction with the note that the task is resolved: either the whole snapshot gets into the
tables and the log, or none of it.
"""

import asyncio
from array import array
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from pydantic import ValidationError

from photobus_common.errors import PhotobusError
from photobus_common.events import Origin
from photobus_common.events.batching import MAX_PARTS
from photobus_common.events.tasks import TargetsResolved, TargetsUnresolvable
from photobus_common.logging import get_logger
from photobus_common.store import tasks as task_store
from photobus_common.store.database import Connection, Database
from photobus_common.store.filters import photo_filter_sql
from photobus_common.store.unit_of_work import Publisher, unit_of_work
from photobus_orchestrator.domain.decide import SOURCE
from photobus_orchestrator.domain.state import TaskState
from photobus_orchestrator.projection import resolved_items

LOOK_SECONDS: Final = 5.0
"""Between two looks for unresolved tasks when the fold has not called."""

AT_ONCE: Final = 20
"""Tasks taken up by one look."""

# By project and id: photos of one folder stand together, so that a job opens few folders.
PHOTOS_OF_FILTER = """
SELECT p.id, p.project_id FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE {condition} ORDER BY p.project_id, p.id
"""

PHOTOS_OF_PROJECTS = """
SELECT p.id, p.project_id FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.project_id = ANY($2::bigint[]) AND pr.status = 'active' ORDER BY p.project_id, p.id
"""

FAILED_PHOTOS_OF_TASK = """
SELECT p.id, p.project_id FROM photos p
WHERE p.tenant = $1 AND p.id IN (
    SELECT i.photo_id FROM jobs j JOIN job_items i ON i.job_id = j.id
    WHERE j.task_id = $2 AND i.status = 'failed'
)
ORDER BY p.project_id, p.id
"""

# Also photos that are gone: bringing them back is what an undo is for.
PHOTOS_OF_TASK = """
SELECT i.photo_id, coalesce(p.project_id, i.project_id) AS project_id
FROM tasks t JOIN task_items i ON i.task_id = t.id LEFT JOIN photos p ON p.id = i.photo_id
WHERE t.tenant = $1 AND t.id = $2
ORDER BY 2, 1
"""

log = get_logger()


class Resolver:
    """Resolves the targets of tasks that wait for it."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Say that a task may be waiting."""
        self._wake.set()

    async def run(self) -> None:
        """Resolve until cancelled."""
        while True:
            self._wake.clear()
            while await self.resolve_some() == AT_ONCE:
                pass
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()

    async def resolve_some(self) -> int:
        """Resolve up to ``AT_ONCE`` waiting tasks, oldest first, and return their number."""
        async with self._database.connection() as connection:
            documents = await task_store.unresolved(connection, AT_ONCE)
        for document in documents:
            await self._resolve(TaskState.model_validate_json(document))
        return len(documents)

    async def _resolve(self, task: TaskState) -> None:
        origin = Origin(SOURCE, task.tenant, task.actor, correlation_id=task.id, causation_id=task.id)
        async with unit_of_work(self._database, self._publisher) as work:
            if not await task_store.claim_resolution(work.connection, task.id):
                return
            try:
                query, parameters = _query(task)
            except (ValidationError, PhotobusError) as error:
                reason = error.public_message if isinstance(error, PhotobusError) else "The filter is none."
                log.warning("targets_unresolvable", task_id=str(task.id), reason=str(error))
                work.emit(origin.event(_unresolvable(task, reason)))
                return
            photos, projects = await _fetch(work.connection, query, parameters)
            for part in _snapshot(task, photos, projects):
                await task_store.copy_items(work.connection, resolved_items(part))
                work.emit(origin.event(part))
        log.info("targets_resolved", task_id=str(task.id), photos=len(photos))


def _query(task: TaskState) -> tuple[str, list[Any]]:
    """Return the query for the photos of the task's targets, and its parameters."""
    targets = task.targets
    if targets is None:
        raise PhotobusError("The task has no targets to resolve.")
    if targets.kind == "projects":
        return PHOTOS_OF_PROJECTS, [task.tenant, list(targets.project_ids)]
    if targets.kind == "failed_items":
        return FAILED_PHOTOS_OF_TASK, [task.tenant, targets.failed_of]
    if targets.kind == "items_of":
        return PHOTOS_OF_TASK, [task.tenant, targets.items_of]
    condition, parameters = photo_filter_sql(task.tenant, targets.filter or {})
    return PHOTOS_OF_FILTER.format(condition=condition), parameters


async def _fetch(connection: Connection, query: str, parameters: list[Any]) -> "tuple[array[int], array[int]]":
    """Stream photo and project ids by a cursor of the server: 16 bytes a photo, however many there are."""
    photos, projects = array("q"), array("q")
    async for row in connection.cursor(query, *parameters, prefetch=MAX_PARTS):
        photos.append(row[0])
        projects.append(row[1])
    return photos, projects


def _snapshot(task: TaskState, photos: "array[int]", projects: "array[int]") -> Iterator[TargetsResolved]:
    parts = max(1, -(-len(photos) // MAX_PARTS))
    for part in range(parts):
        first = part * MAX_PARTS
        yield TargetsResolved(
            task_id=task.id,
            task_type=task.type,
            part=part,
            parts=parts,
            first=first,
            total=len(photos),
            photo_ids=tuple(photos[first : first + MAX_PARTS]),
            project_ids=tuple(projects[first : first + MAX_PARTS]),
        )


def _unresolvable(task: TaskState, reason: str) -> TargetsUnresolvable:
    return TargetsUnresolvable(task_id=task.id, task_type=task.type, code="targets_unresolvable", reason=reason)
