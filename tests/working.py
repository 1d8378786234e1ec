"""Jobs as an orchestrator leaves them to workers, and workers as processes run them, with connections of their own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from bus_traffic import TENANT, make_command, until

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.commands import RunJob
from photobus_common.config import Pipeline, Settings
from photobus_common.events import EventData, decode
from photobus_common.events.parts import TaskSource
from photobus_common.job_types import JOB_TYPES, Unit
from photobus_common.store.database import Database
from photobus_common.store.job_items import ItemStatus
from photobus_common.subjects import COMMAND_STREAMS, Lane, command_consumer
from photobus_common.worker.job import Handler
from photobus_common.worker.runtime import Worker

DataT = TypeVar("DataT", bound=EventData)

Outcome = tuple[int, ItemStatus, str | None]
"""Photo, status and reason of one item."""

LEASES = Pipeline(stale_seconds=20.0, heartbeat_ms=200, drain_seconds=5.0)
"""Frequent heartbeats, and leases that no living worker of a test loses, however busy the machine is."""

ends_leases = pytest.mark.parametrize(
    "leases", [pytest.param(Pipeline(stale_seconds=1.0, heartbeat_ms=200, drain_seconds=5.0), id="short leases")]
)
"""For tests that wait for the end of a lease, in files whose ``settings`` take theirs from the fixture ``leases``."""

INSERT_ITEMS = """
INSERT INTO task_items (task_id, position, photo_id, project_id)
SELECT $1, n - 1, photo, project FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS i(photo, project, n)
"""
INSERT_PROJECTS = "INSERT INTO task_projects (task_id, project_id) SELECT $1, unnest($2::bigint[])"
INSERT_JOB = """
INSERT INTO jobs (id, tenant, task_id, step, index, job_type, service, lane, priority, over, first, count, status,
    attempt, dispatch, dispatched_at, created_at)
VALUES ($1, $2, $3, 0, 0, $4, $5, $6, $7, $8, 0, $9, 'queued', 1, 1, now(), now())
"""
NEXT_ATTEMPT = "UPDATE jobs SET attempt = $2, dispatch = $3, status = 'queued' WHERE id = $1"
END_JOB = "UPDATE jobs SET status = $2, ended_at = now() WHERE id = $1"
OUTCOMES = "SELECT photo_id, status, reason FROM job_items WHERE job_id = $1 ORDER BY position"
STATE = "SELECT state FROM job_claims WHERE job_id = $1"
EVENTS_IN_OUTBOX = "SELECT payload FROM outbox WHERE kind = 'event' ORDER BY created_at"


class Site:
    """Puts jobs where workers find them, and sees what they leave behind."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self.database = database
        self.broker = broker

    async def post(
        self,
        items: Sequence[tuple[int, int]] | int = 1,
        job_type: str = "generate_derivatives",
        *,
        lane: Lane = "normal",
        over: Unit = "items",
        source: TaskSource = "user",
        params: Mapping[str, Any] | None = None,
        task_type: str = "generate_derivatives",
        projects: Sequence[int] = (),
    ) -> RunJob:
        """Make a job over photos, each with its project, or over that many that nothing is known of; command it.

        ``projects`` are those that its task works on as a whole.
        """
        if isinstance(items, int):
            items = [(photo, 1) for photo in range(items)]
        changes = {"count": len(items), "over": over, "source": source, "params": dict(params or {})}
        command = make_command(job_type, lane).model_copy(update={**changes, "task_type": task_type})
        async with self.database.transaction() as connection:
            await connection.execute(INSERT_ITEMS, command.task_id, [i[0] for i in items], [i[1] for i in items])
            await connection.execute(INSERT_PROJECTS, command.task_id, list(projects))
            described = (job_type, JOB_TYPES[job_type].service, lane, command.priority, command.over, command.count)
            await connection.execute(INSERT_JOB, command.job_id, TENANT, command.task_id, *described)
        await self.send(command)
        return command

    async def send(self, command: RunJob) -> None:
        """Put a command into its lane."""
        await self.broker.client.jetstream().publish(command.subject, command.encode())

    async def again(self, command: RunJob, *, attempt: int, dispatch: int) -> RunJob:
        """Make and command a later attempt or dispatch of the job."""
        await self.execute(NEXT_ATTEMPT, command.job_id, attempt, dispatch)
        later = command.model_copy(update={"attempt": attempt, "dispatch": dispatch})
        await self.send(later)
        return later

    async def end(self, command: RunJob, status: str = "canceled") -> None:
        """End the job, as the fold of its task's cancellation does."""
        await self.execute(END_JOB, command.job_id, status)

    async def execute(self, statement: str, *parameters: object) -> None:
        """Change the database."""
        async with self.database.transaction() as connection:
            await connection.execute(statement, *parameters)

    async def fetch(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        async with self.database.connection() as connection:
            return [tuple(row.values()) for row in await connection.fetch(query, *parameters)]

    async def outcomes(self, command: RunJob) -> list[Outcome]:
        """What became of the job's items, in their order."""
        return [(photo, status, reason) for photo, status, reason in await self.fetch(OUTCOMES, command.job_id)]

    async def state(self, command: RunJob) -> str | None:
        """State of the job's claim."""
        rows = await self.fetch(STATE, command.job_id)
        return str(rows[0][0]) if rows else None

    async def until_state(self, command: RunJob, state: str) -> None:
        """Wait until the job's claim is in ``state``."""

        async def reached() -> bool:
            return await self.state(command) == state

        await until(reached)

    async def until_idle(self) -> None:
        """Wait until every command is acknowledged."""

        async def idle() -> bool:
            return await self.commands() == 0

        await until(idle)

    async def redelivered(self, command: RunJob) -> int:
        """Commands of the job's lane and type that had to be delivered again and are still open."""
        consumer = command_consumer(command.lane, command.job_type)
        info = await self.broker.client.jetstream().consumer_info(COMMAND_STREAMS[command.lane], consumer)
        return int(info.num_redelivered or 0)

    async def commands(self) -> int:
        """Commands that are not acknowledged."""
        jetstream = self.broker.client.jetstream()
        return sum([(await jetstream.stream_info(name)).state.messages for name in COMMAND_STREAMS.values()])

    async def events(self) -> list[EventData]:
        """Everything committed as an event, in order; nothing archives here, so all are in the outbox."""
        return [decode(payload).data for (payload,) in await self.fetch(EVENTS_IN_OUTBOX)]

    async def words(self) -> list[str]:
        """Types of everything committed as an event, in order."""
        return [data.TYPE for data in await self.events()]

    async def said(self, word: type[DataT], job_id: UUID | None = None) -> list[DataT]:
        """What events of one type say, of one job if that is named."""
        found = [data for data in await self.events() if isinstance(data, word)]
        return [data for data in found if job_id is None or getattr(data, "job_id", None) == job_id]


@dataclass
class Hired:
    """One worker. ``stop`` lets it finish or hand back what it runs; ``kill`` ends it where it stands."""

    broker: Broker
    task: asyncio.Task[None]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def stop(self) -> None:
        """Return when it has left."""
        self.stopping.set()
        await self.task

    async def kill(self) -> None:
        """Return when nothing of it runs any more."""
        self.task.cancel()
        await asyncio.wait({self.task})
        await self.broker.close()


@asynccontextmanager
async def hired(settings: Settings, handlers: Mapping[str, Handler] | Handler) -> AsyncIterator[Hired]:
    """Run a worker with ``handlers`` by job type, or with one for ``generate_derivatives``."""
    if not isinstance(handlers, Mapping):
        handlers = {"generate_derivatives": handlers}
    service = JOB_TYPES[next(iter(handlers))].service
    database = await Database.open(settings.postgres, "worker-test", settings.pipeline.stale_seconds)
    broker = await Broker.open(settings.nats, f"worker-test-{uuid4().hex[:8]}")
    publisher = BusPublisher(broker, database, settings)
    publishing = asyncio.create_task(publisher.run())
    worker = Worker(service, handlers, database, broker, publisher, settings)
    stop = asyncio.Event()
    one = Hired(broker, asyncio.create_task(worker.run(stop)), stop)
    try:
        yield one
    finally:
        one.task.cancel()
        publishing.cancel()
        await asyncio.wait({one.task, publishing})
        await broker.close()
        await database.close()
