"""Kill -9 of any part in the middle of a job: the task completes, each photo once, nothing is lost or told twice."""

import asyncio
import os
import re
import signal
from collections import Counter
from datetime import UTC, datetime

import images
import pytest
from bus_traffic import until
from insight import leader, log_of, stopped, stored
from running_stack import RunningStack
from shoot import LONG, Visit, Watcher, detail, photos_of, until_ended, until_idle, upload

from photobus_client import PhotobusClient, Task
from photobus_orchestrator.audit import replay

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

FRAMES = [images.noise_jpeg(320, 240, seed=seed) for seed in range(7)]
SHOOT = {f"IMG_{n:04}.jpg": FRAMES[n % 7] for n in range(500)}
SOME = dict(list(SHOOT.items())[:240])

ARCHIVE = "SELECT seq, payload FROM event_log ORDER BY seq"
OUTCOMES = "SELECT photo_id, count(*) AS n FROM job_items i JOIN jobs j ON j.id = i.job_id WHERE j.step = 0 GROUP BY 1"
COMPLETIONS = "SELECT payload::json->'data'->>'job_id' AS job FROM event_log WHERE type = 'JobCompleted'"
HOLDERS = "SELECT DISTINCT payload::json->'data'->>'holder' AS name FROM event_log WHERE type = 'JobStarted'"
WAITING = "SELECT count(*) AS n FROM outbox"
VERSIONS = "SELECT id, version FROM photos"

UPDATES = """
SELECT (photo->>'photo_id')::bigint AS id, (photo->>'version')::int AS version
FROM event_log, jsonb_array_elements(payload::jsonb->'data'->'photos') AS photo
WHERE type = 'DerivativesUpdated' ORDER BY 1, 2
"""
WITHOUT_CAUSE = """
SELECT count(*) AS n FROM event_log
WHERE type LIKE 'Job%' AND type <> 'JobLost' AND payload::json->>'causationid' IS NULL
"""


async def regenerate(photobus: Visit, folder: str) -> Task:
    """Ask for all derivatives of the project anew."""
    return await photobus.start_task("generate_derivatives", {"filter": {"project_folder": folder}}, {"force": True})


async def half_way(photobus: Visit, task: Task) -> None:
    """Wait until some of the task is done."""
    async with asyncio.timeout(LONG):
        while (await detail(photobus, task.id))["progress_done"] == 0:
            await asyncio.sleep(0.02)


def kill(stack: RunningStack, victim: str) -> datetime:
    """Kill a part; returns when it was alive for the last time."""
    at = datetime.now(UTC)
    os.kill(stack.pids[victim], signal.SIGKILL)
    return at


def done_since(task: Task, killed_at: datetime, photos: int) -> bool:
    """Whether the task had not ended when the part was killed, and then did all of its photos once."""
    assert task.ended_at is not None
    assert (task.status, task.items, task.done) == ("completed", photos, photos)
    return task.ended_at > killed_at


@pytest.mark.stack_settings(PHOTOBUS_JOBS__SIZE='{"generate_derivatives": 100}')
async def test_each_part_is_killed_in_the_middle_of_a_job(own_stack: RunningStack, own_photobus: Visit) -> None:
    project = await own_photobus.create_project("Shoot")
    await upload(own_photobus, project.folder, SHOOT)
    await until_idle(own_photobus, 1)

    async with Watcher(own_photobus).watching() as live:
        for victim in ("derivatives", "orchestrator", "gateway", "nats", "postgres"):
            task = await regenerate(own_photobus, project.folder)
            await half_way(own_photobus, task)
            before = own_stack.pids[victim]
            killed_at = kill(own_stack, victim)
            await own_stack.restarted(victim, before)
            assert done_since(await until_ended(own_photobus, task.id), killed_at, len(SHOOT)), victim
            await live.until_completed(task)

    assert live.places() == sorted(set(live.places()))
    assert Counter(event.data["id"] for event in live.named("task_completed")).most_common(1)[0][1] == 1
    assert {photo.thumbnail_status for photo in (await photos_of(own_photobus, project.folder)).values()} == {
        "generated"
    }
    await the_log_is_whole(own_stack, runs=6)


async def the_log_is_whole(stack: RunningStack, runs: int) -> None:
    """The archive is the log, whole; every photo once a task, every job completed once, and rows follow from events.

    A photo whose worker died may have been decoded twice. It was recorded once: each run made one version of it.
    """

    async def all_said() -> bool:
        return [row["n"] for row in await stored(stack, WAITING)] == [0]

    await until(all_said, LONG)
    archive = [(row["seq"], row["payload"]) for row in await stored(stack, ARCHIVE)]
    assert [seq for seq, _ in archive] == list(range(1, len(archive) + 1))
    assert archive == await log_of(stack)
    assert {row["n"] for row in await stored(stack, OUTCOMES)} == {runs}
    assert [row["n"] for row in await stored(stack, WITHOUT_CAUSE)] == [0]
    completed = Counter(row["job"] for row in await stored(stack, COMPLETIONS))
    assert set(completed.values()) == {1}
    photos = {row["id"]: row["version"] for row in await stored(stack, VERSIONS)}
    assert set(photos.values()) == {1 + runs}
    updates = [(row["id"], row["version"]) for row in await stored(stack, UPDATES)]
    assert updates == [(photo, version) for photo in sorted(photos) for version in range(2, 2 + runs)]
    assert await replay((stack.data / "run" / "dsn").read_text().strip()) == []


async def test_what_is_asked_while_the_broker_is_away_is_accepted_and_run_later(
    shared_stack: RunningStack,
    photobus: Visit,
) -> None:
    project = await photobus.create_project("Away")
    await upload(photobus, project.folder, {"one.jpg": images.jpeg(300, 200)})
    await until_idle(photobus, 1)
    with stopped(shared_stack.pids["nats"]):
        task = await regenerate(photobus, project.folder)
        shown = await photobus.task(task.id)

    assert (task.status, shown.status) == ("requested", "requested")
    assert (await until_ended(photobus, task.id)).status == "completed"


@pytest.mark.stack_settings(
    PHOTOBUS_SCALE="gateway=2,derivatives=2,orchestrator=2",
    PHOTOBUS_JOBS__SIZE='{"generate_derivatives": 20, "upload_postprocess": 20}',
    PHOTOBUS_PIPELINE__MAX_PARALLEL_JOBS="2",
    PHOTOBUS_PIPELINE__PRIORITY_LANE_SLOTS="1",
)
async def test_doubled_services_share_the_work_and_any_one_may_die(
    own_stack: RunningStack,
    own_photobus: Visit,
) -> None:
    """Nothing starts a dead one again until the other has finished the work."""
    project = await own_photobus.create_project("Doubled")
    await upload(own_photobus, project.folder, SOME)
    await until_idle(own_photobus, 1)
    holders = {row["name"] for row in await stored(own_stack, HOLDERS)}
    workers = {pid for name, pid in own_stack.pids.items() if name.startswith("derivatives")}
    assert workers <= {int(name.rpartition(":")[2]) for name in holders}
    await both_gateways_answer(own_stack)

    for service in ("derivatives", "gateway", "orchestrator"):
        task = await regenerate(own_photobus, project.folder)
        await half_way(own_photobus, task)
        victim = service if service != "orchestrator" else str(await leader(own_stack))
        before = own_stack.pids[victim]
        with stopped(own_stack.pids["supervisor"]):
            killed_at = kill(own_stack, victim)
            assert done_since(await until_ended(own_photobus, task.id), killed_at, len(SOME)), victim
            assert await leader(own_stack) not in {victim, None}
        await own_stack.restarted(victim, before)

    await the_log_is_whole(own_stack, runs=4)


async def both_gateways_answer(stack: RunningStack) -> None:
    """Connect anew until two processes have told when they were started."""
    started: set[str] = set()

    async def two() -> bool:
        async with (
            PhotobusClient(stack.address, stack.token) as another,
            another.transport.request("GET", "/metrics") as answer,
        ):
            started.update(re.findall(r"^process_start_time_seconds (\S+)$", await answer.text(), re.MULTILINE))
        return len(started) == 2

    await until(two)
