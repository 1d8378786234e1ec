"""Events and commands for tests of the bus, and the bounded wait for what the bus will have done."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from uuid import UUID, uuid4

from photobus_common.commands import RunJob
from photobus_common.events import Event, Origin
from photobus_common.events.projects import ProjectCreated
from photobus_common.job_types import JOB_TYPES
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import Publisher, unit_of_work
from photobus_common.subjects import Lane

TENANT = "user_0"
PATIENCE = 60.0
"""Seconds after which a test gives up; never what a test shows."""
ORIGIN = Origin(source="/test", tenant=TENANT, actor="tester")
BOTH_LANES: frozenset[Lane] = frozenset(("priority", "normal"))
PRIORITY_LANE: frozenset[Lane] = frozenset(("priority",))


def make_event(number: int = 1, *, size: int = 0) -> Event:
    """Some event; ``size`` bytes go into its name."""
    return ORIGIN.event(ProjectCreated(project_id=number, project_folder=f"folder {number}", name="n" * size))


def make_command(
    job_type: str = "generate_derivatives", lane: Lane = "priority", *, job_id: UUID | None = None
) -> RunJob:
    """A command that nothing but the bus looks at."""
    return RunJob(
        job_id=job_id or uuid4(),
        task_id=uuid4(),
        task_type="generate_derivatives",
        tenant=TENANT,
        actor="tester",
        job_type=job_type,
        service=JOB_TYPES[job_type].service,
        lane=lane,
        priority=90 if lane == "priority" else 70,
        over="items",
        attempt=1,
        dispatch=1,
        first=0,
        count=1,
        scope="photo_set",
        source="user",
    )


async def commit(database: Database, publisher: Publisher, *messages: Event | RunJob) -> None:
    """Say ``messages`` in one transaction."""
    async with unit_of_work(database, publisher) as work:
        for message in messages:
            if isinstance(message, Event):
                work.emit(message)
            else:
                work.command(message)


async def until(condition: Callable[[], object | Awaitable[object]], seconds: float = PATIENCE) -> None:
    """Return when ``condition`` holds; raises ``TimeoutError`` when it does not come about."""
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if await result if isawaitable(result) else result:
                return
            await asyncio.sleep(0.01)
