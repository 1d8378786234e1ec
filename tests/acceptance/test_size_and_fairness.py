"""A task over many photos is cut by size alone, explicit items are bounded, and bulk work holds up no fresh upload."""

from typing import Any
from uuid import uuid4

import images
import pytest
from shoot import Visit, Watcher, detail, jobs_of, photos_of, until_ended, until_idle, upload

from photobus_client import ApiError

pytestmark = pytest.mark.stack

SMALL = {f"S_{n:04}.jpg": images.noise_jpeg(160, 120, seed=n % 5) for n in range(120)}
BULK = 80


async def test_jobs_are_cut_by_size_whatever_the_number_of_projects(photobus: Visit) -> None:
    """Milestone 3: one chain of jobs, not one a project."""
    for number in range(6):
        project = await photobus.create_project(f"Part {number}")
        files = {f"P{number}_{name}": content for name, content in list(SMALL.items())[:20]}
        await upload(photobus, project.folder, files)
    await until_idle(photobus, 6)
    photos = [photo async for photo in photobus.photos()]  # those of other tests are taken along
    assert len(photos) >= 120

    task = await photobus.start_task("generate_derivatives", {"filter": {}}, {"force": True})
    await until_ended(photobus, task.id)

    shown = await detail(photobus, task.id)
    assert shown["items"] == len(photos)
    sizes = [job["items"] for job in sorted(await jobs_of(photobus, task.id), key=lambda job: -job["items"])]
    assert sizes == [min(50, len(photos) - first) for first in range(0, len(photos), 50)]


async def test_2001_explicit_items_are_refused_with_the_limit(photobus: Visit) -> None:
    body = {"items": [{"photo_id": number} for number in range(1, 2002)]}

    with pytest.raises(ApiError) as refused:
        await photobus.transport.json("POST", "/api/photos/process", body=body)

    assert refused.value.status == 400
    assert [error["limit"] for error in refused.value.errors] == [2000]


async def test_one_idempotency_key_is_one_task(photobus: Visit) -> None:
    project = await photobus.create_project("Once")
    await upload(photobus, project.folder, {"once.jpg": images.jpeg(300, 200)})
    await until_idle(photobus, 1)
    photos = await photos_of(photobus, project.folder)
    body = {"items": [{"photo_id": photos["once"].id}]}
    headers = {"Idempotency-Key": uuid4().hex}

    answers: list[Any] = [
        await photobus.transport.json("POST", "/api/photos/process", body=body, headers=headers) for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert len(await until_idle(photobus, 2)) == 2
    with pytest.raises(ApiError) as refused:
        await photobus.transport.json("POST", "/api/photos/process", body={**body, "force": True}, headers=headers)
    assert refused.value.status == 422


async def test_a_fresh_upload_overtakes_bulk_work(photobus: Visit) -> None:
    """Which of them came first is told by the log; how long it took is for ``bench/fairness.py`` to say."""
    bulk = await photobus.create_project("Bulk")
    large = images.noise_jpeg(1600, 1200)
    await upload(photobus, bulk.folder, {f"B_{name}": large for name in list(SMALL)[:BULK]})
    await until_idle(photobus, 1)
    fresh = await photobus.create_project("Fresh")

    async with Watcher(photobus).watching() as live:
        target = {"filter": {"project_folder": bulk.folder}}
        task = await photobus.start_task("generate_derivatives", target, {"force": True})
        await live.until(lambda event: event.name == "job_started" and event.data["task_id"] == str(task.id))
        uploaded = await upload(photobus, fresh.folder, {"now.jpg": images.jpeg(900, 600)})
        photo = uploaded["now.jpg"]["photo_id"]
        thumbnail = await live.until(
            lambda event: event.name == "item" and event.data["photo_id"] == photo and made(event.data)
        )
        end = await live.until_completed(task)

    assert live.events.index(thumbnail) < live.events.index(end)
    assert end.data["done"] == BULK
    await until_idle(photobus, 3)


def made(data: dict[str, Any]) -> bool:
    """Whether the live update tells of a finished thumbnail."""
    return data.get("thumbnail_status") == "generated"
