"""Uploaded photos become tasks: ``upload_postprocess``, one for up to so many photos of one client's batch.

A batch is taken when it is large enough, when its first photo has waited long enough, when the files it announced have
all come, or when its request says so. What is taken leaves its table in the transaction that asks for the task, so any
gateway may do it and a dead one loses nothing.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from photobus_common.config import Settings
from photobus_common.definitions import Definitions
from photobus_common.events import Origin
from photobus_common.events.tasks import Targets
from photobus_common.store import upload_batches
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import Publisher, unit_of_work
from photobus_common.store.upload_batches import BatchKey
from photobus_common.task_requests import Ask, request_task
from photobus_common.telemetry import TASKS_ACCEPTED
from photobus_gateway.callers import SOURCE

TASK_TYPE: Final = "upload_postprocess"

_SHORTEST_PAUSE: Final = 0.05

_log = structlog.get_logger()


class Batches:
    """Turns waiting photos into tasks."""

    def __init__(self, database: Database, publisher: Publisher, definitions: Definitions, settings: Settings) -> None:
        self._database = database
        self._publisher = publisher
        self._definition = definitions[TASK_TYPE]
        self._after = timedelta(seconds=settings.uploader.batch_seconds)
        self._files = settings.uploader.batch_files
        self._added = asyncio.Event()

    def added(self) -> None:
        """Say that photos came to wait, so that a full batch is noticed before its time."""
        self._added.set()

    async def answered(self, key: BatchKey, files: int, total: int) -> None:
        """Count ``files`` more of the batch as answered for; the last of ``total`` makes it a task at once."""
        async with self._database.connection() as connection:
            so_far = await upload_batches.count_answered(connection, key, files)
        if so_far >= total:
            await self.flush(key)
            async with self._database.connection() as connection:
                await upload_batches.forget_counts(connection, key)

    async def flush(self, key: BatchKey) -> None:
        """Make tasks of all photos of the batch that wait."""
        while await self._take(key) == self._files:
            pass

    async def flush_due(self) -> None:
        """Make tasks of every batch that is large or old enough."""
        async with self._database.connection() as connection:
            due = await upload_batches.due_batches(connection, self._after, self._files)
        for key in due:
            await self._take(key)

    async def run(self) -> None:
        """Flush what is due, for ever: soon after photos came, and always within ``uploader.batch_seconds``."""
        while True:
            try:
                await self.flush_due()
            except Exception:  # noqa: BLE001 - whatever it was, the next round tries again
                _log.exception("upload_batches_not_flushed")
            self._added.clear()
            await asyncio.sleep(_SHORTEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._after.total_seconds() / 4):  # ``wait_for`` may lose a cancellation
                    await self._added.wait()

    async def _take(self, key: BatchKey) -> int:
        """Ask for one task over up to ``uploader.batch_files`` photos; return how many it has."""
        async with unit_of_work(self._database, self._publisher) as work:
            taken = await upload_batches.take_from_batch(work.connection, key, self._files)
            if taken:
                name = await upload_batches.project_name(work.connection, key.project_id)
                photos = "1 photo" if len(taken) == 1 else f"{len(taken)} photos"
                targets = Targets(
                    kind="photos",
                    photo_ids=tuple(photo_id for photo_id, _ in taken),
                    project_ids=(key.project_id,) * len(taken),
                )
                ask = Ask(self._definition, targets, source="upload", label=f"Upload of {photos} to {name}")
                request_task(work, Origin(SOURCE, key.tenant, taken[0][1]), ask)
        if taken:
            TASKS_ACCEPTED.labels(TASK_TYPE, "upload").inc()
        return len(taken)
