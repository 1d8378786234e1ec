"""A worker dies at each point of a job: another one finishes it, and nothing is done or counted twice."""

import asyncio
import signal

import pytest
from crashing_worker import MAKE_WORKED, POINTS, WORKED, run_until_killed, stopped, work_through
from working import Site, ends_leases, hired

from photobus_common.config import Pipeline, Settings
from photobus_common.events.tasks import JobAttemptFailed, JobCompleted, JobStarted
from photobus_common.worker.job import Job

TAKEOVERS = "SELECT takeovers FROM job_claims WHERE job_id = $1"
LONG_SILENT = "UPDATE job_claims SET takeovers = $2 WHERE job_id = $1"


@pytest.fixture
def settings(settings: Settings, leases: Pipeline) -> Settings:
    return settings.model_copy(update={"pipeline": leases})


@pytest.fixture
async def site(site: Site) -> Site:
    await site.execute(MAKE_WORKED)
    return site


@ends_leases
@pytest.mark.parametrize("point", POINTS)
async def test_another_worker_finishes_what_a_killed_one_began(site: Site, settings: Settings, point: str) -> None:
    command = await site.post(5)
    assert await run_until_killed(settings, point) == signal.SIGKILL

    taken_over: list[int] = []

    async def works(job: Job) -> None:
        taken_over.append(job.command.attempt)
        await work_through(job)

    async with hired(settings, works):
        await site.until_idle()

    assert await site.outcomes(command) == [(photo, "done", None) for photo in range(5)]
    assert await site.fetch(WORKED) == [(photo,) for photo in range(4)]  # the fifth is only recorded
    [completed] = await site.said(JobCompleted)
    assert (completed.done, completed.failed, completed.skipped) == (5, 0, 0)
    assert bool(taken_over) == (point != "result committed")
    [(takeovers,)] = await site.fetch(TAKEOVERS, command.job_id)
    assert takeovers >= len(taken_over)
    assert len(await site.said(JobStarted)) == 1 + takeovers


@ends_leases
@pytest.mark.parametrize("point", POINTS)
async def test_another_worker_finishes_what_a_stopped_one_began_and_all_else(
    site: Site, settings: Settings, point: str
) -> None:
    command = await site.post(5)
    async with stopped(settings, point) as first, hired(settings, work_through):
        other = await site.post(1)
        await site.until_state(other, "completed")
        await site.until_state(command, "completed")
        first.send_signal(signal.SIGCONT)
        await site.until_idle()

    assert await site.outcomes(command) == [(photo, "done", None) for photo in range(5)]
    assert await site.fetch(WORKED) == [(photo,) for photo in range(4)]
    assert len(await site.said(JobCompleted)) == 2


@ends_leases
async def test_a_job_whose_workers_die_again_and_again_ends(site: Site, settings: Settings) -> None:
    began = asyncio.Event()

    async def hang(job: Job) -> None:
        began.set()
        await asyncio.Event().wait()

    command = await site.post()
    async with hired(settings, hang) as first:
        await began.wait()
        await first.kill()
    await site.execute(LONG_SILENT, command.job_id, settings.pipeline.max_attempts_default)
    async with hired(settings, hang):
        await site.until_idle()

    [failed] = await site.said(JobAttemptFailed)
    assert (failed.code, failed.retryable) == ("worker_lost", False)
    assert await site.state(command) == "failed"
