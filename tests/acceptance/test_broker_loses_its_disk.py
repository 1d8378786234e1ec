"""The broker loses its disk, while idle and in the middle of work: all that was accepted ends and is told once.

Nobody does anything but start the processes again: streams are made anew above the archive, what the outbox still holds
is published, open jobs are commanded again, and live updates go on from the archive.
"""

import asyncio
import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import images
import pytest
from bus_traffic import until
from insight import stored
from running_stack import RunningStack
from shoot import LONG, Visit, Watcher, detail, photos_of, until_ended, until_idle, upload

from photobus_client import LiveEvent, Task
from photobus_orchestrator.audit import server_at, verify

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(600),
    pytest.mark.stack_settings(
        PHOTOBUS_JOBS__SIZE='{"generate_derivatives": 20, "upload_postprocess": 20}',
        PHOTOBUS_PIPELINE__RESCUE_AFTER_SECONDS="2",
        PHOTOBUS_PIPELINE__RESCUE_EVERY_SECONDS="0.5",
        PHOTOBUS_UPLOADER__BATCH_SECONDS="0.2",
    ),
]

FRAMES = [images.noise_jpeg(320, 240, seed=seed) for seed in range(5)]
WAITING = "SELECT count(*) AS n FROM outbox WHERE kind = 'event'"
ANEW = "SELECT count(DISTINCT seq / 1000000) - 1 AS n FROM event_log"


def shoot(name: str, number: int) -> dict[str, bytes]:
    """Files of so many photos."""
    return {f"{name}_{n:03}.jpg": FRAMES[n % 5] for n in range(number)}


async def lose_disk(stack: RunningStack, *also: str) -> None:
    """Kill the broker with what it has stored, and ``also`` other parts in the same moment."""
    before = stack.pids
    (stack.data / "nats" / "store").rename(stack.data / "nats" / "lost")
    for name in ("nats", *also):
        os.kill(before[name], signal.SIGKILL)
    shutil.rmtree(stack.data / "nats" / "lost")
    for name in ("nats", *also):
        await stack.restarted(name, before[name])


async def regenerate(photobus: Visit, folder: str) -> Task:
    """Ask for all derivatives of the project anew."""
    return await photobus.start_task("generate_derivatives", {"filter": {"project_folder": folder}}, {"force": True})


async def half_way(photobus: Visit, task: Task) -> None:
    """Wait until some of the task is done."""
    async with asyncio.timeout(LONG):
        while (await detail(photobus, task.id))["progress_done"] == 0:
            await asyncio.sleep(0.02)


async def is_clean(stack: RunningStack) -> None:
    """Wait until all is archived, and audit all that there is."""

    async def archived() -> bool:
        return [row["n"] for row in await stored(stack, WAITING)] == [0]

    await until(archived, LONG)
    run = stack.data / "run"
    report = await verify((run / "dsn").read_text().strip(), server_at((run / "nats").read_text().strip()))
    assert report.exit_status == 0, report.text()


async def test_all_that_was_accepted_ends_and_is_told_once(own_stack: RunningStack, own_photobus: Visit) -> None:
    async with Watcher(own_photobus).watching() as live:
        project = await own_photobus.create_project("Shoot")
        await upload(own_photobus, project.folder, shoot("first", 60))
        await all_ended(own_photobus, 1)

        await lose_disk(own_stack)
        task = await regenerate(own_photobus, project.folder)
        assert (await until_ended(own_photobus, task.id)).done == 60

        for also in ([], ["orchestrator", "derivatives"]):
            task = await regenerate(own_photobus, project.folder)
            await half_way(own_photobus, task)
            async with uploading(own_photobus, project.folder, f"while_{'_'.join(also)}"):
                await lose_disk(own_stack, *also)
            done = await until_ended(own_photobus, task.id)
            assert (done.status, done.done) == ("completed", done.items), also
        tasks = await all_ended(own_photobus, 6)
        await is_clean(own_stack)
        await told_once(own_photobus, live, tasks)

    photos = await photos_of(own_photobus, project.folder)
    assert (len(photos), {photo.thumbnail_status for photo in photos.values()}) == (60 + 2 * 20, {"generated"})
    assert [row["n"] for row in await stored(own_stack, ANEW)] == [3]


async def test_a_stopped_system_whose_brokers_data_was_deleted_goes_on(
    own_stack: RunningStack, own_photobus: Visit
) -> None:
    project = await own_photobus.create_project("Shoot")
    await upload(own_photobus, project.folder, shoot("first", 20))
    await all_ended(own_photobus, 1)
    task = await regenerate(own_photobus, project.folder)
    await half_way(own_photobus, task)
    for _ in range(2):  # in the middle of work, and idle
        await own_stack.interrupt()
        shutil.rmtree(own_stack.data / "nats")
        await own_stack.start()
        async with Visit(own_stack) as again:
            done = await until_ended(again, task.id)
            assert (done.status, done.done) == ("completed", 20)
            task = await regenerate(again, project.folder)
            assert (await until_ended(again, task.id)).status == "completed"
        await is_clean(own_stack)


async def all_ended(photobus: Visit, number: int) -> list[Task]:
    """Wait until there are so many tasks, at least, and all of them have ended well."""
    tasks = await until_idle(photobus, number)
    assert {task.status for task in tasks} == {"completed"}
    return tasks


@asynccontextmanager
async def uploading(photobus: Visit, folder: str, name: str) -> AsyncIterator[None]:
    """Upload twenty photos one by one, beside what is done meanwhile and to the end."""

    async def one_by_one() -> None:
        for filename, content in shoot(name, 20).items():
            answer = await upload(photobus, folder, {filename: content})
            assert answer[filename]["status"] == "created", answer

    going_on = asyncio.create_task(one_by_one())
    try:
        yield
    finally:
        await going_on


async def told_once(photobus: Visit, live: Watcher, tasks: list[Task]) -> None:
    """Whoever followed all the time was told what the archive tells, once and in order, and of no new beginning.

    How far jobs had come is told straight and kept nowhere else: what the broker lost of that is gone.
    """
    for task in tasks:
        await live.until_completed(task)
    assert live.named("reset") == []
    assert live.places() == sorted(set(live.places()))
    followed = [event for event in live.events if event.id]
    afterwards: list[LiveEvent] = []
    async with (
        aclosing(photobus.follow(last_event_id=str(live.events[0].data["seq"]))) as events,
        asyncio.timeout(LONG),
    ):
        async for event in events:
            assert event.name != "reset"
            if event.id:
                afterwards.append(event)
            if event.id == followed[-1].id:
                break
    assert said(followed) == said(afterwards)


def said(events: list[LiveEvent]) -> Counter[str]:
    """Count what was told."""
    return Counter(
        f"{event.name} {json.dumps(event.data, sort_keys=True)}" for event in events if event.name != "job_update"
    )
