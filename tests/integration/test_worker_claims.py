"""Claims and results as they are written: asked twice they count once, and two runs never both hold a job."""

import asyncio
from uuid import uuid4

import pytest
from folding import LeftInOutbox
from working import Site

from photobus_common.commands import RunJob
from photobus_common.store.database import Database
from photobus_common.store.job_items import ItemCounts, ItemOutcome, JobOutcomes
from photobus_common.worker.ledger import Ledger
from photobus_common.worker.results import AttemptFailed, Completed, HandedBack

STALE_SECONDS = 30.0
SILENT = "UPDATE job_claims SET heartbeat_at = now() - interval '1 hour'"
SET_BACK = "UPDATE job_claims SET heartbeat_at = heartbeat_at + interval '1 hour'"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, LeftInOutbox(), "/test", "worker", STALE_SECONDS)


def outcomes(command: RunJob, *photos: int) -> JobOutcomes:
    """Outcomes that say done."""
    return JobOutcomes(command.job_id, command.attempt, [ItemOutcome(photo, photo, "done") for photo in photos])


async def test_a_claim_whose_answer_was_lost_is_granted_again_without_counting_as_taken_over(
    site: Site, ledger: Ledger
) -> None:
    command, holder = await site.post(), uuid4()
    for _ in range(2):
        answer = await ledger.claim(command, holder)
        assert (answer.verdict, answer.takeovers) == ("granted", 0)


async def test_a_result_whose_answer_was_lost_counts_once(site: Site, ledger: Ledger) -> None:
    command, holder = await site.post(2), uuid4()
    await ledger.claim(command, holder)
    for _ in range(2):
        assert await ledger.settle(command, holder, Completed(), outcomes(command, 0, 1)) == ItemCounts(done=2)

    assert await site.words() == ["JobStarted", "JobCompleted"]


async def test_of_many_runs_that_ask_at_once_one_holds_the_job(site: Site, database: Database) -> None:
    command = await site.post()
    ledgers = [Ledger(database, LeftInOutbox(), "/test", f"worker {n}", STALE_SECONDS) for n in range(4)]
    answers = await asyncio.gather(*(ledger.claim(command, uuid4()) for ledger in ledgers for _ in range(3)))

    verdicts = sorted(answer.verdict for answer in answers)
    assert verdicts == ["busy"] * 11 + ["granted"]
    assert all(0 < answer.free_in_seconds <= STALE_SECONDS for answer in answers if answer.verdict == "busy")
    assert await site.words() == ["JobStarted"]


async def test_who_was_taken_over_settles_nothing(site: Site, ledger: Ledger) -> None:
    command, first, second = await site.post(2), uuid4(), uuid4()
    await ledger.claim(command, first)
    await site.execute(SILENT)
    assert (await ledger.claim(command, second)).takeovers == 1

    assert await ledger.settle(command, first, Completed(), outcomes(command, 0, 1)) is None
    assert await site.outcomes(command) == []
    assert await ledger.settle(command, second, Completed(), outcomes(command, 0, 1)) == ItemCounts(done=2)
    assert await site.words() == ["JobStarted", "JobStarted", "JobCompleted"]


async def test_a_clock_that_was_set_back_keeps_no_job_from_others(site: Site, ledger: Ledger) -> None:
    command, first, second = await site.post(), uuid4(), uuid4()
    await ledger.claim(command, first)
    assert (await ledger.claim(command, second)).verdict == "busy"
    await site.execute(SET_BACK)
    assert (await ledger.claim(command, second)).verdict == "granted"
    assert await ledger.settle(command, first, Completed(), outcomes(command)) is None


async def test_each_attempt_is_answered_by_what_became_of_the_job(site: Site, ledger: Ledger) -> None:
    command = await site.post(2)
    first, second, third = uuid4(), uuid4(), uuid4()
    await ledger.claim(command, first)
    await ledger.settle(command, first, HandedBack("drain"), outcomes(command, 0))
    resumed = await ledger.claim(command, second)
    assert (resumed.verdict, resumed.done, resumed.takeovers) == ("granted", 1, 0)
    await ledger.settle(command, second, AttemptFailed("code", "reason", retryable=True), outcomes(command))
    assert (await ledger.claim(command, uuid4())).verdict == "settled"

    later = await site.again(command, attempt=2, dispatch=2)
    assert (await ledger.claim(later, third)).verdict == "granted"
    assert (await ledger.claim(command, uuid4())).verdict == "superseded"
    await ledger.settle(later, third, Completed(), outcomes(later, 1))
    await site.end(later, "completed")
    assert (await ledger.claim(later, uuid4())).verdict == "ended"
    unknown = command.model_copy(update={"job_id": uuid4()})
    assert (await ledger.claim(unknown, uuid4())).verdict == "unknown"
