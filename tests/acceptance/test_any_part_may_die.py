"""Kill -9 of any part in the middle of a job: the task completes, each photo once, nothing is lost or told twice."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Mapping
from typing import Any

import asyncpg
import images
import pytest
from running_stack import RunningStack
from shoot import LONG, Visit, Watcher, detail, photos_of, until_ended, until_idle, upload

from photobus_client import Task
from photobus_orchestrator.audit import replay

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

FRAMES = [images.noise_jpeg(320, 240, seed=seed) for seed in range(7)]
SHOOT = {f"IMG_{n:04}.jpg": FRAMES[n % 7] for n in range(500)}
SOME = dict(list(SHOOT.items())[:120])

EVENTS_WITHOUT_GAP = "SELECT max(seq) - min(seq) + 1 - count(*) FROM event_log"
OUTCOMES = "SELECT photo_id, count(*) AS n FROM job_items i JOIN jobs j ON j.id = i.job_id WHERE j.step = 0 GROUP BY 1"
COMPLETIONS = "SELECT payload::json->'data'->>'job_id' AS job FROM event_log WHERE type = 'JobCompleted'"

WITHOUT_CAUSE = """
SELECT count(*) AS n FROM event_log
WHERE type LIKE 'Job%' AND type <> 'JobLost' AND payload::json->>'causationid' IS NULL
"""


async def regenerate(photobus: Visit, folder: str) -> Task:
    """Ask for all derivatives of the project anew."""
    return await photobus.start_task("generate_derivatives", {"filter": {"project_folder": folder}}, {"force": True})


async def half_way(photobus: Visit, task: Task) -> None:
    """Wait until some but not all of the task is done."""
    async with asyncio.timeout(LONG):
        while (await detail(photobus, task.id))["progress_done"] == 0:
            await asyncio.sleep(0.02)


async def stored(stack: RunningStack, query: str) -> list[Mapping[str, Any]]:
    """Ask the stack's database."""
    connection = await asyncpg.connect((stack.data / "run" / "dsn").read_text().strip())
    try:
        return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


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
            os.kill(before, signal.SIGKILL)
            await own_stack.restarted(victim, before)
            ended = await until_ended(own_photobus, task.id)
            assert (ended.status, ended.items, ended.done) == ("completed", len(SHOOT), len(SHOOT)), victim
            await live.until_completed(task)

    assert live.places() == sorted(set(live.places()))
    assert Counter(event.data["id"] for event in live.named("task_completed")).most_common(1)[0][1] == 1
    assert {photo.thumbnail_status for photo in (await photos_of(own_photobus, project.folder)).values()} == {
        "generated"
    }
    await the_log_is_whole(own_stack, runs=6)


async def the_log_is_whole(stack: RunningStack, runs: int) -> None:
    """No gap in the archive, every photo once a task, every job completed once, and the projections follow from it."""
    assert [row["?column?"] for row in await stored(stack, EVENTS_WITHOUT_GAP)] == [0]
    assert {row["n"] for row in await stored(stack, OUTCOMES)} == {runs}
    assert [row["n"] for row in await stored(stack, WITHOUT_CAUSE)] == [0]
    completed = Counter(row["job"] for row in await stored(stack, COMPLETIONS))
    assert set(completed.values()) == {1}
    assert await replay((stack.data / "run" / "dsn").read_text().strip()) == []


async def test_what_is_asked_while_the_broker_is_away_is_accepted_and_run_later(
    own_stack: RunningStack,
    own_photobus: Visit,
) -> None:
    project = await own_photobus.create_project("Away")
    await upload(own_photobus, project.folder, {"one.jpg": images.jpeg(300, 200)})
    await until_idle(own_photobus, 1)
    broker = own_stack.pids["nats"]
    os.kill(broker, signal.SIGSTOP)
    try:
        task = await regenerate(own_photobus, project.folder)
        shown = await own_photobus.task(task.id)
    finally:
        os.kill(broker, signal.SIGCONT)

    assert (task.status, shown.status) == ("requested", "requested")
    assert (await until_ended(own_photobus, task.id)).status == "completed"


@pytest.mark.stack_settings(
    PHOTOBUS_SCALE="gateway=2,derivatives=2,orchestrator=2",
    PHOTOBUS_JOBS__SIZE='{"generate_derivatives": 20, "upload_postprocess": 20}',
)
async def test_doubled_services_share_the_work_and_any_one_may_die(
    own_stack: RunningStack,
    own_photobus: Visit,
) -> None:
    project = await own_photobus.create_project("Doubled")
    await upload(own_photobus, project.folder, SOME)
    await until_idle(own_photobus, 1)

    for victim in ("derivatives", "derivatives-2", "orchestrator", "orchestrator-2", "gateway", "gateway-2"):
        task = await regenerate(own_photobus, project.folder)
        await half_way(own_photobus, task)
        os.kill(own_stack.pids[victim], signal.SIGKILL)
        assert (await until_ended(own_photobus, task.id)).status == "completed", victim

    workers = await stored(own_stack, "SELECT DISTINCT worker FROM job_claims")
    assert len({row["worker"] for row in workers}) >= 2
    await the_log_is_whole(own_stack, runs=7)
