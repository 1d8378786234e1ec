"""Jobs that are run in this process, to their end or until they die between two effects, and then run by another.

An effect is a change of a folder or file, or a commit, once before it and once after. Nothing that the dead still tries
has any effect; locks and transactions go with them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any, Final
from uuid import uuid4

import pytest
from asyncpg.transaction import Transaction
from bus_traffic import TENANT, make_command
from upkeep import OVER_PROJECTS
from working import INSERT_JOB, Site

from photobus_common.commands import RunJob
from photobus_common.events import Event
from photobus_common.events.parts import TaskSource
from photobus_common.job_types import Unit
from photobus_common.storage import renaming, trees
from photobus_common.storage.folder import Folder
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_common.worker import Job
from photobus_common.worker.job import Handler
from photobus_common.worker.ledger import Ledger
from photobus_common.worker.results import Abandoned, Completed, Result, result_of

_CHANGES: Final[tuple[tuple[Any, str], ...]] = (
    (renaming, "rename_no_replace"),
    (trees, "_unlink"),
    (trees, "_rmdir"),
    (Folder, "replace"),
)


class DeathError(BaseException):
    """Raised by the effect at which a job dies, and by all that it still tries."""


class Lives:
    """Counts the effects that are ``left`` before the death."""

    def __init__(self, left: int) -> None:
        self.left = left

    def effect(self) -> None:
        """Let one more happen, or die."""
        self.left -= 1
        if self.left < 0:
            raise DeathError


class Quiet:
    """Nobody publishes: what was said stands in the outbox."""

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Leave it there."""

    def publish_lossy(self, event: Event) -> None:
        """Lose it."""


class Runner:
    """Makes jobs, and runs them with ``handlers`` without any worker or broker."""

    def __init__(self, site: Site, handlers: Mapping[str, Handler]) -> None:
        self.site = site
        self._handlers = handlers

    async def job(self, job_type: str, *projects: int, source: TaskSource = "system", over: Unit = "library") -> RunJob:
        """Make a job over the library, or over projects where such are named."""
        changes = {"over": "projects" if projects else over, "count": 0, "source": source, "task_type": "maintenance"}
        command = make_command(job_type, "normal").model_copy(update=changes)
        described = (job_type, command.service, command.lane, command.priority, command.over, 0)
        await self.site.execute(INSERT_JOB, command.job_id, TENANT, command.task_id, *described)
        await self.site.execute(OVER_PROJECTS, command.task_id, list(projects))
        return command

    async def run(self, command: RunJob, effects: int | None = None) -> Result | Abandoned | None:
        """Run the job as a worker does, and return how it ended; None for one that died after so many effects."""
        database, publisher = self.site.database, Quiet()
        ledger, holder = Ledger(database, publisher, "/maintenance", "runner", 0.0), uuid4()
        answer = await ledger.claim(command, holder)
        assert answer.verdict == "granted"
        about: dict[str, Any] = {"source": "/maintenance", "beat_seconds": 60.0}
        job = Job(command, holder, answer, database=database, publisher=publisher, **about)
        result: Result | Abandoned = Completed()
        try:
            with nullcontext() if effects is None else dying(effects):
                await self._handlers[command.job_type](job)
        except DeathError:
            return None
        except Exception as error:  # noqa: BLE001 - as the worker does
            result = result_of(error)
        if not isinstance(result, Abandoned):
            await ledger.settle(command, holder, result, job.unwritten())
        return result

    async def do(self, job_type: str, *projects: int, source: TaskSource = "system") -> RunJob:
        """Make a job and run it to its good end."""
        command = await self.job(job_type, *projects, source=source)
        assert await self.run(command) == Completed()
        return command

    async def dies(self, command: RunJob, effects: int) -> bool:
        """Run the job until it dies after so many effects; say whether it came to that."""
        result = await self.run(command, effects)
        assert result in {None, Completed()}
        return result is None


@contextmanager
def dying(effects: int) -> Iterator[None]:
    """Have what is done die after so many effects."""
    lives = Lives(effects)
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in _CHANGES:
            patch.setattr(owner, name, _counted(getattr(owner, name), lives))
        patch.setattr(Transaction, "__aexit__", _around_commit(Transaction.__aexit__, lives))
        yield


def _counted(function: Callable[..., Any], lives: Lives) -> Callable[..., Any]:
    @wraps(function)
    def counted(*args: Any, **options: Any) -> Any:
        lives.effect()
        return function(*args, **options)

    return counted


def _around_commit(function: Callable[..., Any], lives: Lives) -> Callable[..., Any]:
    @wraps(function)
    async def leaving(self: Transaction, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            await function(self, kind, error, trace)
            return
        try:
            lives.effect()
        except DeathError as death:
            await function(self, type(death), death, death.__traceback__)
            raise
        await function(self, kind, error, trace)
        lives.effect()

    return leaving
