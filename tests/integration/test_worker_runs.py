"""The life of a job in a worker: claimed, worked on under a lease, and ended by one result, whoever else claims it."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from bus_traffic import make_command, until
from nats.aio.msg import Msg
from working import LEASES, Site, ends_leases, hired

from photobus_common.commands import RunJob
from photobus_common.config import Pipeline, Settings
from photobus_common.errors import InvalidInputError, StorageUnavailableError
from photobus_common.events import decode
from photobus_common.events.projects import ManifestChanged
from photobus_common.events.tasks import JobAttemptFailed, JobCompleted, JobHandedBack, JobProgress, JobStarted
from photobus_common.storage.errors import LockedError
from photobus_common.store.claims import ClaimAnswer, ClaimRequest, take_claims
from photobus_common.worker import ClaimLostError, ItemOutcome, Job, JobCanceledError

SILENT = "UPDATE job_claims SET heartbeat_at = now() - interval '1 hour' WHERE job_id = $1"
HEARTBEAT = "SELECT heartbeat_at FROM job_claims WHERE job_id = $1"
TAKEN = "SELECT claimed_at, takeovers FROM job_claims WHERE job_id = $1"
CURSOR = "SELECT cursor FROM job_claims WHERE job_id = $1"


@pytest.fixture
def settings(settings: Settings, leases: Pipeline) -> Settings:
    return settings.model_copy(update={"pipeline": leases})


async def finish(job: Job) -> None:
    items = await job.pending_items()
    job.record(ItemOutcome(item.position, item.photo_id, "done") for item in items)


class Steps:
    """A handler that stops between its first item and the others until it may go on; ``ended`` says how it ended."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ended: list[BaseException | None] = []

    async def __call__(self, job: Job) -> None:
        items = await job.pending_items()
        self.runs.append([item.photo_id for item in items])
        try:
            await self._work(job)
        except BaseException as error:
            self.ended.append(error)
            raise
        self.ended.append(None)

    async def _work(self, job: Job) -> None:
        first, *others = await job.pending_items()
        async with job.checkpoint([ItemOutcome(first.position, first.photo_id, "done")]):
            pass
        self.began.set()
        while not (self.go_on.is_set() or job.should_hand_back):
            await asyncio.sleep(0.01)
        job.hand_back_if_asked()
        async with job.checkpoint([ItemOutcome(item.position, item.photo_id, "done") for item in others]):
            pass


async def test_a_job_is_started_worked_on_and_completed_with_counts_of_its_items(
    site: Site, settings: Settings
) -> None:
    async def handler(job: Job) -> None:
        done, failed, skipped = await job.pending_items()
        async with job.checkpoint([ItemOutcome(done.position, done.photo_id, "done")]) as work:
            work.emit(job.origin.event(ManifestChanged(project_id=1, project_folder="a", task_id=job.command.task_id)))
        job.record([ItemOutcome(failed.position, failed.photo_id, "failed", "x" * 600)])
        job.record([ItemOutcome(skipped.position, skipped.photo_id, "skipped", "up_to_date")])

    command = await site.post(3)
    async with hired(settings, handler):
        await site.until_idle()

    assert await site.words() == ["JobStarted", "ManifestChanged", "JobCompleted"]
    assert await site.outcomes(command) == [
        (0, "done", None),
        (1, "failed", "x" * 500),
        (2, "skipped", "up_to_date"),
    ]
    [completed] = await site.said(JobCompleted)
    assert (completed.done, completed.failed, completed.skipped) == (1, 1, 1)


FAILURES: dict[str, tuple[Exception | None, bool]] = {
    "storage_unavailable": (StorageUnavailableError("The library is away."), True),
    "invalid_input": (InvalidInputError("It never fits."), False),
    "internal_error": (KeyError("bug"), True),
    "unfinished_items": (None, True),
}
"""By code: what the handler raises, if anything, and whether the attempt may be made again."""


async def test_a_failed_attempt_says_why_and_keeps_what_was_done(site: Site, settings: Settings) -> None:
    async def fails(job: Job) -> None:
        first = (await job.pending_items())[0]
        job.record([ItemOutcome(first.position, first.photo_id, "done")])
        error, _ = FAILURES[job.command.params["code"]]
        if error is not None:
            raise error

    commands = {code: await site.post(3, params={"code": code}) for code in FAILURES}
    async with hired(settings, fails):
        await site.until_idle()
    for code, command in commands.items():
        [failed] = await site.said(JobAttemptFailed, command.job_id)
        assert (failed.code, failed.retryable) == (code, FAILURES[code][1])
        assert await site.outcomes(command) == [(0, "done", None)]
        await site.again(command, attempt=2, dispatch=2)
    async with hired(settings, finish):
        await site.until_idle()
    assert [(data.attempt, data.done) for data in await site.said(JobCompleted)] == [(2, 3)] * 4


@pytest.mark.parametrize("leases", [LEASES.model_copy(update={"stale_seconds": 4.0})], ids=["medium leases"])
async def test_heartbeats_keep_the_job_from_others_for_longer_than_a_lease(site: Site, settings: Settings) -> None:
    slow, other = Steps(), Steps()
    command = await site.post(2)
    async with hired(settings, slow), hired(settings, other):
        await until(lambda: slow.began.is_set() or other.began.is_set())
        [(started,)] = await site.fetch(HEARTBEAT, command.job_id)

        async def outlived() -> bool:
            [(beat,)] = await site.fetch(HEARTBEAT, command.job_id)
            return bool((beat - started).total_seconds() > settings.pipeline.stale_seconds)

        await until(outlived)
        assert await site.redelivered(command) == 0
        slow.go_on.set()
        other.go_on.set()
        await site.until_idle()

    assert len(slow.runs) + len(other.runs) == 1
    assert len(await site.said(JobStarted)) == 1


@ends_leases
async def test_a_silent_holder_is_waited_for_until_its_lease_ends(site: Site, settings: Settings) -> None:
    """Its command came to another worker early, which must not take the job yet and not lose it either."""
    command = await site.post()
    request = ClaimRequest(command.job_id, command.attempt, command.dispatch, uuid4(), "silent")
    async with site.database.transaction() as connection:
        await take_claims(connection, [request], settings.pipeline.stale_seconds)
    [(claimed,)] = await site.fetch(HEARTBEAT, command.job_id)
    async with hired(settings, finish):
        await site.until_idle()

    [(taken, takeovers)] = await site.fetch(TAKEN, command.job_id)
    assert takeovers >= 1
    assert (taken - claimed).total_seconds() >= settings.pipeline.stale_seconds
    assert len(await site.said(JobCompleted)) == 1


async def take_over(site: Site, command: RunJob, settings: Settings) -> ClaimAnswer:
    """Take the job from a holder that seems to be silent; its next heartbeat comes too late to say otherwise."""
    request = ClaimRequest(command.job_id, command.attempt, command.dispatch, uuid4(), "successor")
    async with site.database.transaction() as connection:
        await connection.execute(SILENT, command.job_id)
        answers = await take_claims(connection, [request], settings.pipeline.stale_seconds)
    return answers[command.job_id]


async def test_a_stale_holder_is_stopped_and_can_write_nothing(site: Site, settings: Settings) -> None:
    jobs: list[Job] = []
    refused: list[BaseException] = []
    steps = Steps()

    async def clings(job: Job) -> None:
        """Goes on writing although it was told to stop."""
        jobs.append(job)
        try:
            await steps(job)
        except asyncio.CancelledError:
            try:
                async with job.checkpoint([ItemOutcome(1, 1, "failed", "stale")]) as work:
                    about = {"project_id": 1, "project_folder": "a", "task_id": job.command.task_id}
                    work.emit(job.origin.event(ManifestChanged(**about)))
            except ClaimLostError as error:
                refused.append(error)
            raise

    command = await site.post(2)
    async with hired(settings, clings):
        await steps.began.wait()
        answer = await take_over(site, command, settings)
        assert (answer.verdict, answer.takeovers) == ("granted", 1)
        await until(lambda: refused)
        with pytest.raises(ClaimLostError):
            async with jobs[0].checkpoint() as work:
                await jobs[0].save_cursor({"at": 1}, work)

    assert await site.outcomes(command) == [(0, "done", None)]
    assert await site.fetch(CURSOR, command.job_id) == [(None,)]
    assert await site.words() == ["JobStarted"]


async def test_the_result_of_a_stale_holder_is_not_written(site: Site, settings: Settings) -> None:
    """It ends before its next heartbeat could tell it."""
    seldom = settings.pipeline.model_copy(update={"heartbeat_ms": 3_600_000})

    async def loses(job: Job) -> None:
        await take_over(site, job.command, settings)
        await finish(job)
        ended.set()

    ended = asyncio.Event()
    command = await site.post(2)
    async with hired(settings.model_copy(update={"pipeline": seldom}), loses) as worker:
        await ended.wait()
        await worker.stop()

    assert await site.outcomes(command) == []
    assert await site.said(JobCompleted) == []
    assert await site.state(command) == "held"


async def test_a_job_that_is_canceled_while_it_runs_stops(site: Site, settings: Settings) -> None:
    steps = Steps()
    command = await site.post(2)
    async with hired(settings, steps):
        await steps.began.wait()
        await site.end(command)
        await site.until_idle()
        await until(lambda: steps.ended)

    assert isinstance(steps.ended[0], asyncio.CancelledError | JobCanceledError)
    assert await site.outcomes(command) == [(0, "done", None)]
    assert await site.words() == ["JobStarted"]


@ends_leases
async def test_commands_of_jobs_that_are_over_and_of_earlier_attempts_are_forgotten(
    site: Site, settings: Settings
) -> None:
    ran: list[tuple[UUID, int]] = []

    async def notes(job: Job) -> None:
        ran.append((job.command.job_id, job.command.attempt))
        await finish(job)

    for status in ("canceled", "completed", "failed"):
        await site.end(await site.post(), status)
    retried = await site.post()
    await site.again(retried, attempt=2, dispatch=2)
    await site.send(make_command())  # of a job that nobody knows
    async with hired(settings, notes):
        await site.until_idle()

    assert set(ran) == {(retried.job_id, 2)}
    assert set(await site.words()) == {"JobStarted", "JobCompleted"}
    assert len(await site.said(JobCompleted)) == 1


async def test_a_stopping_worker_hands_back_and_another_goes_on_where_it_stood(site: Site, settings: Settings) -> None:
    first, second = Steps(), Steps()
    second.go_on.set()
    command = await site.post(3)
    async with hired(settings, first) as worker:
        await first.began.wait()
        await worker.stop()
        assert await site.state(command) == "released"
        async with hired(settings, second):
            await site.until_idle()

    assert (first.runs, second.runs) == ([[0, 1, 2]], [[1, 2]])
    [handed_back] = await site.said(JobHandedBack)
    assert handed_back.reason == "drain"
    [completed] = await site.said(JobCompleted)
    assert (completed.attempt, completed.done) == (1, 3)


async def test_a_handler_that_does_not_stop_is_interrupted_when_the_drain_ends(site: Site, settings: Settings) -> None:
    began = asyncio.Event()

    async def hangs(job: Job) -> None:
        began.set()
        await asyncio.Event().wait()

    command = await site.post(2)
    impatient = settings.pipeline.model_copy(update={"drain_seconds": 0.1})
    async with hired(settings.model_copy(update={"pipeline": impatient}), hangs) as worker:
        await began.wait()
        await worker.stop()

    assert await site.state(command) == "released"
    async with hired(settings, finish):
        await site.until_idle()
    assert await site.words() == ["JobStarted", "JobHandedBack", "JobStarted", "JobCompleted"]


async def test_a_stopping_worker_leaves_what_comes_to_others(site: Site, settings: Settings) -> None:
    steps, other = Steps(), Steps()
    other.go_on.set()
    long_leases = settings.pipeline.model_copy(update={"drain_seconds": 60.0})
    await site.post(2)
    async with hired(settings.model_copy(update={"pipeline": long_leases}), hold(steps)) as worker:
        await steps.began.wait()
        worker.stopping.set()
        async with hired(settings, other):
            later = await site.post(2)
            await site.until_state(later, "completed")
        assert not worker.task.done()
        steps.go_on.set()
        await worker.task

    assert len(steps.runs) == 1
    assert len(await site.said(JobCompleted)) == 2


def hold(steps: Steps) -> Callable[[Job], Awaitable[None]]:
    """Make a handler that finishes its portion however often it is asked back."""

    async def handler(job: Job) -> None:
        items = await job.pending_items()
        steps.runs.append([item.photo_id for item in items])
        steps.began.set()
        await steps.go_on.wait()
        job.record(ItemOutcome(item.position, item.photo_id, "done") for item in items)

    return handler


async def test_a_locked_folder_is_asked_for_again_and_is_no_failure(site: Site, settings: Settings) -> None:
    tries: list[int] = []

    async def handler(job: Job) -> None:
        tries.append(job.command.attempt)
        if len(tries) == 1:
            raise LockedError("Someone is in there.")
        await finish(job)

    await site.post()
    async with hired(settings, handler):
        await site.until_idle()

    assert tries == [1, 1]
    assert await site.words() == ["JobStarted", "JobHandedBack", "JobStarted", "JobCompleted"]


async def test_a_cursor_is_kept_over_hand_back(site: Site, settings: Settings) -> None:
    seen: list[object] = []

    async def handler(job: Job) -> None:
        seen.append(job.cursor)
        if job.cursor is None:
            async with job.checkpoint() as work:
                await job.save_cursor({"after": 7}, work)
            job.ask_back("portion")
            job.hand_back_if_asked()
        await finish(job)

    await site.post()
    async with hired(settings, handler):
        await site.until_idle()

    assert seen == [None, {"after": 7}]


async def test_progress_is_told_while_the_job_runs(site: Site, settings: Settings) -> None:
    told: list[JobProgress] = []

    async def hear(message: Msg) -> None:
        if isinstance(data := decode(message.data).data, JobProgress):
            told.append(data)

    async def handler(job: Job) -> None:
        first, *others = await job.pending_items()
        while not told:
            async with job.checkpoint([ItemOutcome(first.position, first.photo_id, "done")]):
                pass
        job.record(ItemOutcome(item.position, item.photo_id, "done") for item in others)

    subscription = await site.broker.client.subscribe("evt.>", cb=hear)
    await site.post(3)
    async with hired(settings, handler):
        await site.until_idle()
    await subscription.unsubscribe()

    assert told[0].total == 3
    assert told[0].done >= 1
