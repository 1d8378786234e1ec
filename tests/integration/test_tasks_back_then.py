"""Tasks as of a time or a place in the log: listed and shown as they stood then, by the archive alone."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from catalogue import Shot, add_project, add_shots
from chronicle import Chronicle
from folding import Log
from gateway_server import Gateway

from photobus_common.config import Jobs
from photobus_common.events.confirmations import ConfirmationAnswered, ConfirmationRequested, JobWaiting
from photobus_common.events.tasks import JobCompleted, JobStarted
from photobus_gateway import tasks_as_of
from photobus_orchestrator.domain.plan import Rules

JOBS_OF_TASK = "SELECT id, job_type FROM jobs WHERE task_id = $1 ORDER BY step, index"


@pytest.fixture
def chronicle(gateway: Gateway) -> Chronicle:
    """What happens here; jobs have two photos."""
    by = Log(gateway.database).rules
    return Chronicle(gateway, Log(gateway.database, Rules(by.definitions, by.pipeline, Jobs(default_size=2, size={}))))


@pytest.fixture
async def photos(gateway: Gateway) -> list[int]:
    """Photos of one project."""
    async with gateway.database.transaction() as connection:
        alps = await add_project(connection, gateway.tenant, "Alps")
        return await add_shots(connection, gateway.tenant, alps, [Shot(f"A{number}") for number in range(3)])


async def start(chronicle: Chronicle, photo_ids: list[int]) -> tuple[str, list[dict[str, Any]]]:
    """Ask for derivatives; return the task and how its jobs are named in events."""
    items = [{"photo_id": photo} for photo in photo_ids]
    task = (await chronicle.gateway.post("/api/photos/process", {"items": items})).body["task"]
    await chronicle.archive()
    async with chronicle.gateway.database.connection() as connection:
        rows = await connection.fetch(JOBS_OF_TASK, UUID(task["id"]))
    about = {"task_id": task["id"], "task_type": task["type"], "scope": task["scope"], "source": task["source"]}
    return task["id"], [{**about, "job_id": row["id"], "job_type": row["job_type"], "attempt": 1} for row in rows]


async def listed(gateway: Gateway, as_of: int | datetime, query: str = "") -> list[tuple[str, str, int]]:
    """Return the tasks of then, each with its status and how many items were done."""
    at = quote(as_of.isoformat()) if isinstance(as_of, datetime) else as_of
    items = (await gateway.get(f"/api/tasks?as_of={at}{query}")).body["items"]
    return [(item["id"], item["status"], item["done"]) for item in items]


async def test_tasks_are_listed_and_shown_as_they_stood(
    gateway: Gateway, chronicle: Chronicle, photos: list[int]
) -> None:
    await chronicle.archive()
    nothing = await chronicle.seq()
    first, (one, two) = await start(chronicle, photos)
    asked = await chronicle.seq()
    (begun,) = await chronicle.say(JobStarted(**one, holder="w"))
    await chronicle.say(JobCompleted(**one, done=1, failed=1, skipped=0))
    half = await chronicle.seq()
    second, _ = await start(chronicle, photos[:1])
    (done,) = await chronicle.say(JobCompleted(**two, done=1, failed=0, skipped=0))

    assert await listed(gateway, nothing) == []
    assert await listed(gateway, asked) == [(first, "running", 0)]
    assert await listed(gateway, half) == [(first, "running", 1)]
    assert await listed(gateway, done.time) == [(second, "running", 0), (first, "completed_with_errors", 2)]
    assert await listed(gateway, done.time - timedelta(microseconds=1)) == [
        (second, "running", 0),
        (first, "running", 1),
    ]
    assert await listed(gateway, 10**12) == await listed(gateway, done.time)

    now = (await gateway.get(f"/api/tasks/{first}")).body
    assert (await gateway.get(f"/api/tasks/{first}?as_of={10**12}")).body == now
    then = (await gateway.get(f"/api/tasks/{first}?as_of={half}")).body
    (step,) = then["steps"]
    assert (then["status"], then["failed"], then["ended_at"]) == ("running", 1, None)
    assert step["jobs_by_status"] == {"completed": 1, "queued": 1}
    assert (step["progress_done"], step["progress_total"], step["remaining_seconds"]) == (2, 3, None)
    at = quote(begun.time.isoformat())
    (step,) = (await gateway.get(f"/api/tasks/{first}?as_of={at}")).body["steps"]
    assert step["jobs_by_status"] == {"running": 1, "queued": 1}
    early = await gateway.get(f"/api/tasks/{second}?as_of={half}")
    assert (early.status, early.body["errors"][0]["field"]) == (404, "path.task_id")
    wrong = await gateway.get(f"/api/tasks/{first}?as_of=yesterday")
    assert (wrong.status, wrong.body["errors"][0]["field"]) == (400, "query.as_of")


async def test_those_of_a_status_are_found_page_by_page_in_both_directions(
    gateway: Gateway, chronicle: Chronicle, photos: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = []
    for number in range(7):
        task, (job,) = await start(chronicle, photos[:1])
        tasks.append(task)
        if number % 2:
            await chronicle.say(JobCompleted(**job, done=1, failed=0, skipped=0))
    then = await chronicle.seq()
    await start(chronicle, photos)
    monkeypatch.setattr(tasks_as_of, "LOOKED_THROUGH", 6)  # three of them match, two too many
    path = f"/api/tasks?as_of={then}&limit=1&status=running"

    pages = [(await gateway.get(path)).body]
    while pages[-1]["next_cursor"]:
        pages.append((await gateway.get(f"{path}&cursor={pages[-1]['next_cursor']}")).body)
    back = [pages[-1]]
    while back[-1]["prev_cursor"]:
        back.append((await gateway.get(f"{path}&cursor={back[-1]['prev_cursor']}")).body)

    running = tasks[::-2]
    assert [task["id"] for page in pages for task in page["items"]] == running
    assert [task["id"] for page in back for task in page["items"][::-1]] == running[::-1]
    assert max(len(page["items"]) for page in (*pages, *back)) == 1
    assert (pages[0]["total"], pages[0]["total_exact"]) == (7, False)
    assert await listed(gateway, then, "&type=image_move") == []
    assert len(await listed(gateway, then, "&type=generate_derivatives")) == 7
    assert (await gateway.get(f"/api/tasks?cursor={pages[0]['next_cursor']}")).status == 400


async def test_what_a_task_waited_for_is_shown_with_it(
    gateway: Gateway, chronicle: Chronicle, photos: list[int]
) -> None:
    task, (job,) = await start(chronicle, photos[:1])
    about = {"task_id": task, "task_type": job["task_type"], "confirmation_id": UUID(int=5)}
    question = {"job_id": job["job_id"], "job_type": job["job_type"], "reason": "much is gone"}
    await chronicle.say(
        ConfirmationRequested(**about, **question, lacking=3, photos=4, project_folder="Alps"),
        JobWaiting(**job, dispatch=1, confirmation_ids=(UUID(int=5),)),
    )
    waiting = await chronicle.seq()
    await chronicle.say(ConfirmationAnswered(**about, confirmed=True))

    then = (await gateway.get(f"/api/tasks/{task}?as_of={waiting}")).body
    later = (await gateway.get(f"/api/tasks/{task}?as_of={waiting + 100}")).body

    assert (then["status"], later["status"], later["confirmations"]) == ("waiting", "running", [])
    (asked,) = then["confirmations"]
    told = (asked["id"], asked["reason"], asked["lacking"], asked["status"])
    assert told == (str(UUID(int=5)), "much is gone", 3, "open")
