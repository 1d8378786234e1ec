"""Slots, lanes and shared transactions of one worker under many jobs."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from bus_traffic import until
from working import LEASES, Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Settings
from photobus_common.events.tasks import JobCompleted, JobHandedBack, JobStarted
from photobus_common.worker import ItemOutcome, Job

TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM job_claims"
LEASE_AGES = "SELECT extract(epoch FROM heartbeat_at - claimed_at)::float8 FROM job_claims"
BREAK_ONE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.photo_id = 13 THEN RAISE 'no such luck'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON job_items FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    slots = {"max_parallel_jobs": 3, "priority_lane_slots": 1}
    return settings.model_copy(update={"pipeline": LEASES.model_copy(update=slots)})


@dataclass
class Gate:
    """A handler that counts who is inside, by lane, and lets them go when ``open``."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    inside: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)

    async def __call__(self, job: Job) -> None:
        lane = job.command.lane
        self.inside[lane] += 1
        self.order.append(lane)
        self.most[lane] = max(self.most[lane], self.inside[lane])
        await self.open.wait()
        self.inside[lane] -= 1
        await finish(job)


async def finish(job: Job) -> None:
    items = await job.pending_items()
    job.record(ItemOutcome(item.position, item.photo_id, "done") for item in items)


async def post_all(site: Site, number: int) -> list[RunJob]:
    """Post jobs over one photo each, named by their number."""
    return [await site.post([(photo, 1)]) for photo in range(number)]


async def test_normal_jobs_never_take_the_slots_of_priority_jobs(site: Site, settings: Settings) -> None:
    gate = Gate()
    for _ in range(6):
        await site.post(lane="normal")
    async with hired(settings, gate):
        await until(lambda: gate.inside["normal"] == 2)
        await site.post(lane="priority")
        await until(lambda: gate.inside["priority"] == 1)
        assert gate.inside["normal"] == 2
        gate.open.set()
        await site.until_idle()

    assert gate.most["normal"] == 2
    assert len(await site.said(JobCompleted)) == 7


async def test_priority_jobs_may_take_every_slot_and_go_first(site: Site, settings: Settings) -> None:
    gate = Gate()
    for lane in ("normal", "normal", "priority", "priority", "priority", "priority"):
        await site.post(lane=lane)
    async with hired(settings, gate):
        await until(lambda: gate.inside.total() == 3)
        assert gate.inside == Counter(priority=3)
        gate.open.set()
        await site.until_idle()

    assert gate.order == ["priority"] * 4 + ["normal"] * 2


@dataclass
class Pages:
    """Works through jobs without items, page by page, until each may end; jobs with items end at once."""

    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    read: dict[UUID, list[int]] = field(default_factory=dict)

    async def __call__(self, job: Job) -> None:
        if job.command.over == "items":
            await finish(job)
            return
        pages = self.read.setdefault(job.command.job_id, [])
        while not self.may_end.is_set():
            page = (job.cursor or {"page": 0})["page"] + 1
            async with job.checkpoint() as work:
                await job.save_cursor({"page": page}, work)
            pages.append(page)
            job.hand_back_if_asked()


async def test_long_jobs_make_room_for_others_of_their_lane_and_go_on(site: Site, settings: Settings) -> None:
    pages = Pages()
    long = [await site.post(0, over="library") for _ in range(2)]
    async with hired(settings, pages):
        await until(lambda: len(pages.read) == 2)
        short = [await site.post() for _ in range(3)]
        for command in short:
            await site.until_state(command, "completed")
        assert not await site.said(JobCompleted, long[0].job_id)
        pages.may_end.set()
        await site.until_idle()

    assert {data.reason for data in await site.said(JobHandedBack)} == {"portion"}
    assert {data.job_id for data in await site.said(JobHandedBack)} <= {command.job_id for command in long}
    assert {data.job_id for data in await site.said(JobCompleted)} == {command.job_id for command in [*long, *short]}
    for command in long:
        assert pages.read[command.job_id] == list(range(1, len(pages.read[command.job_id]) + 1))


async def test_long_jobs_go_on_while_nothing_waits(site: Site, settings: Settings) -> None:
    pages = Pages()
    for _ in range(2):
        await site.post(0, over="library")
    async with hired(settings, pages):

        async def beaten_often() -> bool:
            ages = [age for (age,) in await site.fetch(LEASE_AGES)]
            return len(ages) == 2 and min(ages) > 4 * settings.pipeline.heartbeat_ms / 1000

        await until(beaten_often)
        pages.may_end.set()
        await site.until_idle()

    assert len(await site.said(JobStarted)) == 2
    assert await site.said(JobHandedBack) == []


async def test_many_trivial_jobs_share_transactions_and_each_ends_once(site: Site, settings: Settings) -> None:
    wide = settings.pipeline.model_copy(update={"max_parallel_jobs": 50})
    commands = await post_all(site, 200)
    async with hired(settings.model_copy(update={"pipeline": wide}), finish):
        await site.until_idle()

    wanted = Counter(command.job_id for command in commands)
    assert Counter(data.job_id for data in await site.said(JobStarted)) == wanted
    assert Counter(data.job_id for data in await site.said(JobCompleted)) == wanted
    [(transactions,)] = await site.fetch(TRANSACTIONS)
    assert transactions < len(commands)


async def test_a_result_that_cannot_be_written_costs_its_own_job_only(site: Site, settings: Settings) -> None:
    await site.execute(BREAK_ONE)
    commands = await post_all(site, 30)
    wide = settings.pipeline.model_copy(update={"max_parallel_jobs": 50})
    async with hired(settings.model_copy(update={"pipeline": wide}), finish):

        async def others_done() -> bool:
            return len(await site.said(JobCompleted)) == 29

        await until(others_done)

    assert await site.said(JobCompleted, commands[13].job_id) == []
