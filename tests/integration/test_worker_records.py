"""What a worker puts on record of a run: whatever texts it has to quote, and counted as it stands, not as it stood."""

import asyncio

import pytest
from bus_traffic import until
from working import LEASES, Site, hired

from photobus_common.config import Settings
from photobus_common.errors import InvalidInputError
from photobus_common.events.tasks import JobAttemptFailed, JobCompleted
from photobus_common.store.claims import ClaimRequest, lock_own_claim, take_claims
from photobus_common.store.job_items import JobOutcomes, insert_outcomes
from photobus_common.worker import ItemOutcome, Job

NO_UTF8 = "caf\udce9\x00.jpg"
"""A name as Python reads it from a disk, and a character that no database holds."""

SILENT = "UPDATE job_claims SET heartbeat_at = now() - interval '1 hour' WHERE job_id = $1"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES})


async def test_reasons_may_quote_what_cannot_be_stored(site: Site, settings: Settings) -> None:
    async def handler(job: Job) -> None:
        (item,) = await job.pending_items()
        if job.command.params:
            raise InvalidInputError(f"{NO_UTF8} is no photo.")
        job.record([ItemOutcome(item.position, item.photo_id, "failed", NO_UTF8)])

    command, _ = await site.post(1), await site.post(1, params={"raise": True})
    async with hired(settings, handler):
        await site.until_idle()

    assert await site.outcomes(command) == [(0, "failed", "caf��.jpg")]
    [completed], [failed] = await site.said(JobCompleted), await site.said(JobAttemptFailed)
    assert completed.failed == 1
    assert failed.reason == "caf��.jpg is no photo."


async def test_an_attempt_whose_result_cannot_be_written_has_failed_by_that(site: Site, settings: Settings) -> None:
    async def handler(job: Job) -> None:
        (item,) = await job.pending_items()
        job.record([ItemOutcome(2**70, item.photo_id, "done")])

    command = await site.post(1)
    async with hired(settings, handler):
        await site.until_idle()

    [failed] = await site.said(JobAttemptFailed)
    assert (failed.code, failed.retryable) == ("internal_error", True)
    assert "out of int64 range" in failed.reason
    assert (await site.outcomes(command), await site.state(command)) == ([], "failed")


@pytest.mark.parametrize("items", [2, 30], ids=["small", "large"])
async def test_a_claim_that_waited_for_the_last_portion_of_the_run_before_it_counts_that_too(
    site: Site, settings: Settings, items: int
) -> None:
    seen: list[int] = []

    async def rest(job: Job) -> None:
        pending = await job.pending_items()
        seen.append(len(pending))
        job.record(ItemOutcome(item.position, item.photo_id, "done") for item in pending)

    async def somebody_waits() -> bool:
        return await site.fetch(WAITING) == [(1,)]

    command = await site.post(items)
    late = ClaimRequest(command.job_id, 1, 1, command.task_id, "late")
    async with site.database.transaction() as connection:
        await take_claims(connection, [late], settings.pipeline.stale_seconds)
    await site.execute(SILENT, command.job_id)
    async with asyncio.timeout(60):
        async with site.database.transaction() as connection:
            await lock_own_claim(connection, command.job_id, late.holder)
            await insert_outcomes(connection, [JobOutcomes(command.job_id, 1, [ItemOutcome(0, 0, "done")])])
            worker = hired(settings, rest)
            await worker.__aenter__()
            await until(somebody_waits)
        await site.until_idle()
        await worker.__aexit__(None, None, None)

    assert seen == [items - 1]
    assert [data.done for data in await site.said(JobCompleted)] == [items]
