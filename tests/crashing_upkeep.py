"""A maintenance worker in a process of its own that kills itself after a chosen number of effects of its first job.

An effect is a commit, or rows that are written and not committed. Run as a program with the settings as JSON and the
number. It ends by itself when its job did before that.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from upkeep import upkeep

from photobus_common.bus.connection import Broker
from photobus_common.bus.publisher import BusPublisher
from photobus_common.config import Settings
from photobus_common.events import decode
from photobus_common.events.tasks import JobCompleted
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_common.worker.job import Job
from photobus_common.worker.runtime import Worker
from photobus_maintenance import report
from photobus_maintenance.jobs import cache_validation, regenerate_metadata


async def run_until_killed(settings: Settings, effects: int) -> bool:
    """Run the worker that kills itself after ``effects`` effects; say whether it came to that."""
    arguments = (settings.model_dump_json(), str(effects))
    process = await asyncio.create_subprocess_exec(sys.executable, str(Path(__file__)), *arguments)
    try:
        async with asyncio.timeout(60):
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert code in {0, -signal.SIGKILL}
    return code != 0


class _Effects:
    """Counts down; the process dies with the last."""

    def __init__(self, left: int) -> None:
        self._left = left

    def happened(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """Return the writing of rows as an effect, which its transaction does not show yet."""

        async def counted(*args: Any, **options: Any) -> Any:
            result = await write(*args, **options)
            self.happened()
            return result

        return counted


class _CountedPublisher(BusPublisher):
    """Is told right after each commit with events; the first that it hears of is that the job was claimed."""

    effects: _Effects
    ended: asyncio.Event

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        self.effects.happened()
        super().offer(messages)
        if any(isinstance(decode(message.payload).data, JobCompleted) for message in messages):
            self.ended.set()


async def _main(settings: Settings, effects: _Effects) -> None:
    for owner, name in (
        (cache_validation, "mark_missing"),
        (regenerate_metadata, "correct_metadata"),
        (report, "add_to_report"),
        (Job, "save_cursor"),
    ):
        setattr(owner, name, effects.after(getattr(owner, name)))
    database = await Database.open(settings.postgres, "crashing", settings.pipeline.stale_seconds)
    broker = await Broker.open(settings.nats, "crashing")
    publisher = _CountedPublisher(broker, database, settings)
    publisher.effects, publisher.ended = effects, asyncio.Event()
    handlers = upkeep(settings, Library(settings.library.root))
    worker = Worker("maintenance", handlers, database, broker, publisher, settings)
    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(publisher.run())
        await worker.run(publisher.ended)
        await publisher.drain()
        publishing.cancel()
    await broker.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main(Settings.model_validate_json(sys.argv[1]), _Effects(int(sys.argv[2]))))
