"""Requests that share a write: in order, each answered, one bad one alone."""

import asyncio
from collections.abc import Sequence

import pytest

from photobus_common.store.group_commit import LARGEST_BATCH, GroupCommit
from photobus_common.worker.progress import LEAST_INTERVAL_SECONDS, ProgressThrottle
from photobus_common.worker.results import HandedBack, redelivery_delay


class Written:
    """Writes numbers when ``gate`` is open; a batch with ``bad`` in it is refused."""

    def __init__(self, bad: int | None = None) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self._bad = bad

    async def __call__(self, batch: Sequence[int]) -> list[str]:
        self.batches.append(list(batch))
        await self.gate.wait()
        if self._bad in batch:
            raise ValueError(f"{self._bad} is bad")
        return [str(number) for number in batch]


async def submit_all(commits: GroupCommit[int, str], numbers: Sequence[int]) -> list[asyncio.Task[str]]:
    """Ask for each number, in order; return when all wait."""
    tasks = [asyncio.create_task(commits.submit(number)) for number in numbers]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_the_first_goes_alone_and_those_that_come_meanwhile_together() -> None:
    written = Written()
    commits = GroupCommit(written)
    tasks = await submit_all(commits, [1])
    tasks += await submit_all(commits, [2, 3, 4])
    written.gate.set()

    assert await asyncio.gather(*tasks) == ["1", "2", "3", "4"]
    assert written.batches == [[1], [2, 3, 4]]


async def test_a_batch_is_bounded() -> None:
    written = Written()
    commits = GroupCommit(written)
    tasks = await submit_all(commits, [0])
    tasks += await submit_all(commits, range(1, LARGEST_BATCH + 2))
    written.gate.set()
    await asyncio.gather(*tasks)

    assert [len(batch) for batch in written.batches] == [1, LARGEST_BATCH, 1]


async def test_one_bad_request_fails_alone() -> None:
    written = Written(bad=3)
    commits = GroupCommit(written)
    tasks = await submit_all(commits, [1])
    tasks += await submit_all(commits, [2, 3, 4])
    written.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [answers[0], answers[1], answers[3]] == ["1", "2", "4"]
    assert isinstance(answers[2], ValueError)


async def test_an_outage_is_told_to_all_without_trying_each() -> None:
    tries: list[Sequence[int]] = []

    async def away(numbers: Sequence[int]) -> list[str]:
        tries.append(numbers)
        raise ConnectionError("the database is away")

    tasks = await submit_all(GroupCommit(away), [1, 2, 3])
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(result, ConnectionError) for result in results)
    assert tries == [[1, 2, 3]]


async def test_who_is_cancelled_while_waiting_takes_the_request_back() -> None:
    written = Written()
    commits = GroupCommit(written)
    first, second, third = await submit_all(commits, [1]) + await submit_all(commits, [2, 3])
    second.cancel()
    await asyncio.wait({second})
    written.gate.set()

    assert [await first, await third] == ["1", "3"]
    assert written.batches == [[1], [3]]


async def test_who_is_cancelled_while_written_leaves_the_others_their_answers() -> None:
    written = Written()
    commits = GroupCommit(written)
    [first] = await submit_all(commits, [1])
    [second] = await submit_all(commits, [2])
    first.cancel()
    await asyncio.wait({first})
    written.gate.set()

    assert await second == "2"


def test_progress_passes_when_it_changed_and_the_last_report_is_old_enough() -> None:
    now = 100.0
    throttle = ProgressThrottle(lambda: now, reported=3)

    assert not throttle.passes(4)  # too soon after the start
    now += LEAST_INTERVAL_SECONDS
    assert not throttle.passes(3)  # nothing new
    assert throttle.passes(4)
    assert not throttle.passes(5)
    now += LEAST_INTERVAL_SECONDS
    assert throttle.passes(5)


@pytest.mark.parametrize("deliveries", [1, 2, 5, 50])
def test_a_held_lock_is_asked_for_in_growing_pauses_up_to_a_bound(deliveries: int) -> None:
    assert redelivery_delay(HandedBack("drain"), deliveries) == 0
    assert redelivery_delay(HandedBack("portion"), deliveries) > 0
    pauses = [redelivery_delay(HandedBack("locked"), number) for number in (deliveries, deliveries + 1)]
    assert 0 < pauses[0] <= pauses[1] <= 15
