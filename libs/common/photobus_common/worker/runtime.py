"""The worker: takes commands into slots, sees each through as a ``Run``, and gives back what runs when it stops."""

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Final

from photobus_common import logging, telemetry
from photobus_common.bus.connection import Broker
from photobus_common.bus.intake import CommandMessage, Intake
from photobus_common.config import Settings
from photobus_common.job_types import JOB_TYPES, Service
from photobus_common.store.database import Database
from photobus_common.subjects import LANES, Lane
from photobus_common.worker.backlog import Backlog
from photobus_common.worker.job import Handler, WorkerPublisher
from photobus_common.worker.ledger import Ledger
from photobus_common.worker.run import Run, Workplace
from photobus_common.worker.slots import Slots

_LINGER_SECONDS: Final = 30.0

log = logging.get_logger()


class Worker:
    """Runs the jobs of one service with ``handlers``, by job type, those of the highest priority first."""

    def __init__(
        self,
        service: Service,
        handlers: Mapping[str, Handler],
        database: Database,
        broker: Broker,
        publisher: WorkerPublisher,
        settings: Settings,
    ) -> None:
        foreign = [name for name in handlers if JOB_TYPES[name].service != service]
        if foreign:
            raise ValueError(f"{service} does not run {', '.join(foreign)}")
        self._handlers = dict(handlers)
        self._pipeline = settings.pipeline
        source = f"/{service}"
        name = f"{service}@{socket.gethostname()}:{os.getpid()}"
        ledger = Ledger(database, publisher, source, name, settings.pipeline.stale_seconds)
        self._workplace = Workplace(database, publisher, ledger, settings.pipeline, source)
        self._intake = Intake(broker, tuple(handlers))
        self._backlog = Backlog(broker, tuple(handlers))
        self._slots = Slots(settings.pipeline)
        self._runs: dict[asyncio.Task[None], Run] = {}
        self._taking: asyncio.Task[CommandMessage | None] | None = None
        self._lanes: frozenset[Lane] = frozenset()
        self._slot_freed = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then take nothing new, and finish or give back what runs.

        Running handlers are asked to stop after their present portion and get ``pipeline.drain_seconds`` for it; then
        they are interrupted. Cancelling this call instead ends everything where it stands, as a crash would.
        """
        stopping = asyncio.ensure_future(self._wake_on(stop))
        making_room = asyncio.create_task(self._make_room(), name="make-room")
        try:
            while not stop.is_set():
                await self._fill_slot()
            await self._drain()
        finally:
            stopping.cancel()
            making_room.cancel()
            for task in self._runs:
                task.cancel()
            if self._runs:
                await asyncio.wait(self._runs)

    async def _fill_slot(self) -> None:
        self._slot_freed.clear()
        self._lanes = self._slots.free_for()
        if not self._lanes:
            await self._slot_freed.wait()
            return
        message = await self._take()
        if message is not None:
            self._start(message)

    async def _take(self) -> CommandMessage | None:
        """Wait for a command of the lanes with a free slot; None when there is none yet or other lanes are due."""
        self._taking = asyncio.create_task(self._intake.next(self._lanes, _LINGER_SECONDS))
        try:
            await asyncio.wait({self._taking})
        finally:
            self._taking.cancel()
        return None if self._taking.cancelled() else self._taking.result()

    def _start(self, message: CommandMessage) -> None:
        lane = message.command.lane
        run = Run(message, self._handlers[message.command.job_type], self._workplace)
        self._slots.take(lane)
        telemetry.JOBS_RUNNING.labels(lane).inc()
        task = asyncio.create_task(run.finish(), name=f"run-{message.command.job_id}")
        self._runs[task] = run
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        lane = self._runs.pop(task).command.lane
        self._slots.release(lane)
        telemetry.JOBS_RUNNING.labels(lane).dec()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("run_failed", exc_info=error)
        self._wake()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._lanes = frozenset()
        self._slot_freed.set()
        if self._taking is not None:
            self._taking.cancel()

    def _wake(self) -> None:
        """Let the loop take from more lanes, if a slot for them came free."""
        self._slot_freed.set()
        if self._taking is not None and self._slots.free_for() > self._lanes:
            self._taking.cancel()

    async def _make_room(self) -> None:
        """While a lane has no slot left, ask one long job of it at a time back for the commands that wait there."""
        while True:
            await asyncio.sleep(self._pipeline.heartbeat_ms / 1000)
            for lane in LANES:
                long = [run for run in self._runs.values() if run.command.lane == lane and run.is_long]
                if long and lane not in self._slots.free_for() and await self._backlog.waits(lane):
                    long[0].ask_back("portion")

    async def _drain(self) -> None:
        for run in self._runs.values():
            run.ask_back("drain")
        await self._intake.close()  # what was on its way here goes to others now, not when its lease ends
        await self._wait_for_runs()
        for run in self._runs.values():
            log.info("job_interrupted", job_id=str(run.command.job_id))
            run.interrupt()
        await self._wait_for_runs()

    async def _wait_for_runs(self) -> None:
        if self._runs:
            await asyncio.wait(self._runs, timeout=self._pipeline.drain_seconds)
