"""The job types ``upload_postprocess`` and ``generate_derivatives``: both derivatives of each photo of the job.

Photos of any projects go through the decoders side by side. What became of them is written in batches, rows, events
and outcomes in one transaction; a photo whose job dies before that is made again, which costs time and changes nothing.

Two jobs may be at work on one photo, one of them on bytes that its owner has replaced since. So files get their names
inside that transaction, while claim and photo are locked and the photo is known to be what the files were made of:
names and row change together for everyone who takes the lock. A crash between the two leaves files that are newer than
their row. Such a row is not up to date, so the next run makes them again (or it was made of the same file in the same
way, so nothing is wrong).
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from photobus_common.config import Processing
from photobus_common.derivation import Impossible, PhotoState, Recipe, plan, still_holds
from photobus_common.events import cut_by_bytes
from photobus_common.events.projects import DerivativesUpdated, PhotoDerivatives
from photobus_common.logging import get_logger
from photobus_common.storage.errors import FolderMissingError, unavailable
from photobus_common.storage.library import Library
from photobus_common.store.derivatives import DerivativeResult, ShownPhoto, photos_to_show, record_derivatives
from photobus_common.store.folders import folders_now
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_common.worker.blocking import in_thread, in_thread_beside
from photobus_derivatives.files import OpenFiles, Unnamed, Unopened, present
from photobus_derivatives.protocol import Made, Refused, Reply, Request, StorageFailed
from photobus_derivatives.sandbox import DecoderPool

FLUSH_ITEMS: Final = 50
FLUSH_SECONDS: Final = 0.2
"""Results are written when so many are there, or the oldest is so old, or nothing else is under way."""

FOLDER_MISSING: Final = "folder_missing"

IN_FLIGHT_PER_DECODER: Final = 2
"""One photo is decoded while the next one's files are opened and the last one's synced."""

log = get_logger()


@dataclass(frozen=True)
class Task:
    """One photo of the job, as it was when it was looked at."""

    item: JobItem
    photo: ShownPhoto
    state: PhotoState


@dataclass(frozen=True)
class Finished:
    """What became of one photo; ``files`` are its derivatives, still without their names, where they were made."""

    task: Task
    result: DerivativeResult
    files: OpenFiles | None = None

    @property
    def outcome(self) -> ItemOutcome:
        """The item's outcome."""
        item, reason = self.task.item, self.result.reason
        return ItemOutcome(item.position, item.photo_id, "failed" if reason else "done", reason)


class DerivativesMaker:
    """The handler of both job types."""

    def __init__(self, library: Library, pool: DecoderPool, settings: Processing) -> None:
        self._library = library
        self._pool = pool
        self._settings = settings
        self._recipe = Recipe.of(settings)

    async def __call__(self, job: Job) -> None:
        """Make what the job's photos lack; raises ``StorageUnavailableError`` when the library does not answer."""
        items = await job.pending_items()
        async with job.database.connection() as connection:
            photos = await photos_to_show(connection, job.command.tenant, [item.photo_id for item in items])
        gone = [item for item in items if item.photo_id not in photos]
        job.record(_skipped(gone, "The photo is no longer there."))
        tasks = (_task(item, photos[item.photo_id]) for item in items if item.photo_id in photos)
        await _Batch(self, job, deque(sorted(tasks, key=lambda task: task.photo.project_id))).run()

    async def make(self, job: Job, task: Task) -> Finished | None:
        """Make one photo's derivatives; None when they are there and up to date."""
        decided = plan(task.state, self._recipe, force=bool(job.command.params.get("force")))
        photo_id = task.item.photo_id
        if isinstance(decided, Impossible):
            return Finished(task, DerivativeResult(photo_id, reason=decided.reason))
        library = self._library.tenant(job.command.tenant, task.photo.library_id)
        folder, name = task.photo.folder, task.state.name(self._recipe)
        try:
            if decided.present_suffices and await in_thread(present, library, folder, name):
                return None
            files = await in_thread(OpenFiles.open, library, folder, name, decided.sources, undo=_close)
        except FolderMissingError:
            return Finished(task, DerivativeResult(photo_id, reason=FOLDER_MISSING))
        if isinstance(files, str):
            return Finished(task, DerivativeResult(photo_id, reason=files))
        return await self._make_from(job, task, files)

    async def _make_from(self, job: Job, task: Task, files: OpenFiles) -> Finished:
        """Have both derivatives written and synced; the files are closed unless they are in what is returned."""
        finished: Finished | None = None
        try:
            reply = await self._decode(job, files)
            if isinstance(reply, Made):
                await in_thread(files.sync)
            finished = self._finished(task, files, reply)
        finally:
            if finished is None or finished.files is None:
                await in_thread(files.close)
        return finished

    async def _decode(self, job: Job, files: OpenFiles) -> Reply:
        request = Request(
            kind=files.source.kind,
            thumbnail_px=self._recipe.thumbnail_px,
            preview_px=self._recipe.preview_px,
            format=self._recipe.format,
            quality=self._recipe.quality,
            progressive=self._recipe.progressive,
            pixel_limit=self._settings.pixel_limit,
            seconds=self._settings.time_limit_seconds,
        )
        return await self._pool.make(request, files.descriptors, urgent=job.command.source == "upload")

    def _finished(self, task: Task, files: OpenFiles, reply: Reply) -> Finished:
        photo_id = task.item.photo_id
        match reply:
            case Made(width, height):
                result = DerivativeResult(photo_id, self._recipe.key(files.source.md5), width=width, height=height)
                return Finished(task, result, files)
            case Refused(reason, detail):
                log.info("photo_refused", photo_id=photo_id, file=files.source.name, reason=reason, detail=detail)
                return Finished(task, DerivativeResult(photo_id, reason=reason))
            case StorageFailed(number):
                raise unavailable(OSError(number, ""), f"making the derivatives of {task.state.filename!r}")

    @property
    def in_flight(self) -> int:
        """How many photos of a job are under way at once."""
        return IN_FLIGHT_PER_DECODER * self._settings.children


class _ChangedError(Exception):
    """Photos are not any more what they were when they were looked at; ``now`` is what they are."""

    def __init__(self, changed: list[Finished], now: dict[int, ShownPhoto]) -> None:
        super().__init__(f"{len(changed)} photos changed meanwhile")
        self.changed = changed
        self.now = now


class _Batch:
    """One run of a job: photos to do, under way, and finished but not yet written."""

    def __init__(self, maker: DerivativesMaker, job: Job, todo: deque[Task]) -> None:
        self._maker = maker
        self._job = job
        self._todo = todo
        self._running: dict[asyncio.Task[Finished | None], Task] = {}
        self._finished: list[Finished] = []
        self._unnamed = Unnamed()
        self._oldest = 0.0

    async def run(self) -> None:
        """Go on until everything is written, or the job is asked back and nothing is under way."""
        try:
            while self._todo or self._running or self._finished:
                if not self._running and not self._finished:
                    self._job.hand_back_if_asked()
                self._start()
                if self._due():
                    await self._write()
                elif self._running:
                    await self._collect()
        finally:
            await self._abandon()

    def _start(self) -> None:
        while self._todo and len(self._running) < self._maker.in_flight and not self._job.should_hand_back:
            task = self._todo.popleft()
            self._running[asyncio.create_task(self._maker.make(self._job, task))] = task

    def _due(self) -> bool:
        if not self._finished:
            return False
        old = asyncio.get_running_loop().time() - self._oldest >= FLUSH_SECONDS
        return old or len(self._finished) >= FLUSH_ITEMS or not self._running

    async def _collect(self) -> None:
        """Wait for the next photo, but no longer than what is finished may wait to be written."""
        clock = asyncio.get_running_loop().time
        wait = max(0.0, self._oldest + FLUSH_SECONDS - clock()) if self._finished else None
        done, _ = await asyncio.wait(self._running, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        failed: BaseException | None = None
        for run in done:
            task = self._running.pop(run)
            if run.exception() is not None:
                failed = run.exception()
            elif (finished := run.result()) is None:
                self._job.record(_skipped([task.item], "up_to_date"))
            else:
                self._oldest = self._oldest if self._finished else clock()
                self._keep(finished)
        if failed is not None:
            await self._write()  # what was made before the storage failed is made
            raise failed

    def _keep(self, finished: Finished) -> None:
        self._finished.append(finished)
        if finished.files is not None:
            self._unnamed.take(finished.files)

    async def _write(self) -> None:
        """Write what is finished; photos that changed while they were worked on are worked on again."""
        finished, self._finished = self._finished, []
        try:
            while finished:
                try:
                    await self._write_all(finished)
                except _ChangedError as error:
                    self._again(error.changed, error.now)
                    finished = [one for one in finished if one not in error.changed]
                else:
                    return
        finally:
            await in_thread(self._unnamed.let_go)

    async def _write_all(self, finished: Sequence[Finished]) -> None:
        """Write all of ``finished`` and name its files, or nothing of it (``_ChangedError``)."""
        photo_ids = [one.result.photo_id for one in finished]
        async with self._job.checkpoint([one.outcome for one in finished]) as work:
            await _settle_folders(work, finished)
            now = await photos_to_show(work.connection, self._job.command.tenant, photo_ids, lock=True)
            changed = [one for one in finished if not _holds(one, now)]
            if changed:
                raise _ChangedError(changed, now)
            await self._tell(work, finished)
            # Last, so that as little as possible can still keep the transaction from being committed.
            made = [one.files for one in finished if one.files is not None]
            await in_thread_beside(work.connection, self._unnamed.put_in_place, made)

    async def _tell(self, work: UnitOfWork, right: Sequence[Finished]) -> None:
        versions = await record_derivatives(work.connection, [one.result for one in right])
        ordered = sorted(right, key=lambda one: one.task.photo.project_id)
        for project_id, ones in groupby(ordered, key=lambda one: one.task.photo.project_id):
            group = list(ones)
            for photos in cut_by_bytes([_told(one, versions[one.result.photo_id]) for one in group]):
                data = DerivativesUpdated(
                    project_id=project_id,
                    project_folder=group[0].task.photo.folder,
                    task_id=self._job.command.task_id,
                    photos=photos,
                )
                work.emit(self._job.origin.event(data))

    def _again(self, changed: Iterable[Finished], now: dict[int, ShownPhoto]) -> None:
        for one in changed:
            photo = now.get(one.task.item.photo_id)
            if photo is None:
                self._job.record(_skipped([one.task.item], "The photo is no longer there."))
            else:
                self._todo.append(_task(one.task.item, photo))

    async def _abandon(self) -> None:
        """Stop what is under way, wait until it has let go of its files and decoders, and remove what it made."""
        for run in self._running:
            run.cancel()
        if self._running:
            await asyncio.wait(self._running)
        for run in self._running:
            if not run.cancelled() and run.exception() is None and (finished := run.result()) is not None:
                self._keep(finished)
        await in_thread(self._unnamed.let_go)


def _task(item: JobItem, photo: ShownPhoto) -> Task:
    return Task(item, photo, photo.state)


def _holds(finished: Finished, now: dict[int, ShownPhoto]) -> bool:
    """Whether what was found out is right for the photo as it is ``now``."""
    photo = now.get(finished.task.item.photo_id)
    if photo is None:
        return False
    before, after = finished.task.state, _task(finished.task.item, photo).state
    if finished.task.photo.folder != photo.folder:  # what was found there may be another project's
        return False
    if finished.files is not None:
        return still_holds(finished.files.source, before, after)
    return (before.project_id, before.filename, before.files) == (after.project_id, after.filename, after.files)


async def _settle_folders(work: UnitOfWork, finished: Sequence[Finished]) -> None:
    """Where a folder was not there, wait for whoever is just renaming it: its row will tell."""
    missing = {one.task.photo.project_id for one in finished if one.result.reason == FOLDER_MISSING}
    if missing:
        await folders_now(work.connection, sorted(missing))


def _told(finished: Finished, version: int) -> PhotoDerivatives:
    made = finished.result.key is not None
    return PhotoDerivatives(
        photo_id=finished.result.photo_id,
        filename=finished.task.state.filename,
        version=version,
        thumbnail_status="generated" if made else "failed",
        preview_status="generated" if made else "failed",
        reason=finished.result.reason,
    )


def _skipped(items: Iterable[JobItem], reason: str) -> list[ItemOutcome]:
    return [ItemOutcome(item.position, item.photo_id, "skipped", reason) for item in items]


def _close(files: OpenFiles | Unopened) -> None:
    if isinstance(files, OpenFiles):
        files.close()
