"""Items whose project was deleted are canceled, by whatever job and whenever it was; the others are worked on."""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import pytest
from bus_traffic import TENANT
from shelf import Photo, Shelf
from working import LEASES, Site, hired

from photobus_common.config import Settings
from photobus_common.events.tasks import JobCompleted
from photobus_common.store.job_items import (
    PROJECT_DELETED,
    ItemStatus,
    JobOutcomes,
    cancel_items_of_project,
    insert_outcomes,
)
from photobus_common.worker import ItemOutcome, Job

ARCHIVE: Final = "UPDATE projects SET status = 'canceled', archived_at = now() WHERE id = $1"
DELETE: Final = "DELETE FROM photos WHERE id = $1"
MOVE: Final = "UPDATE photos SET project_id = $2 WHERE id = $1"
OPERATION: Final = """
INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path)
VALUES ($1, $2, 'ada', $3, $4, 1, $5, $6, 'trash', $7, 'A.jpg')
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES})


async def _photos(shelf: Shelf, project: str, *names: str) -> list[Photo]:
    made = (project, await shelf.project(project))
    return [await shelf.photo(made, name, [f"{name}.jpg"]) for name in names]


def _targets(photos: Sequence[Photo]) -> list[tuple[int, int]]:
    return [photo.target for photo in photos]


@pytest.mark.parametrize("more", [0, 30], ids=["small", "large"])
async def test_a_job_does_not_get_to_see_them(shelf: Shelf, site: Site, settings: Settings, more: int) -> None:
    seen: list[int] = []

    async def handler(job: Job) -> None:
        items = await job.pending_items()
        seen.extend(item.photo_id for item in items)
        job.record(ItemOutcome(item.position, item.photo_id, "done") for item in items)

    sea = await _photos(shelf, "Sea", "A", "B", "C")
    land = await _photos(shelf, "Land", "D", *(f"E{number}" for number in range(more)))
    await site.execute(MOVE, sea[1].id, land[0].project_id)
    await site.execute(DELETE, sea[2].id)
    await site.execute(ARCHIVE, sea[0].project_id)
    command = await site.post(_targets([*sea, *land]))
    async with hired(settings, handler):
        await site.until_idle()

    assert seen == [sea[1].id, *(photo.id for photo in land)]
    assert await site.outcomes(command) == [
        (sea[0].id, "canceled", PROJECT_DELETED),
        (sea[1].id, "done", None),
        (sea[2].id, "canceled", PROJECT_DELETED),
        *((photo.id, "done", None) for photo in land),
    ]
    [completed] = await site.said(JobCompleted)
    assert (completed.done, completed.failed, completed.skipped) == (len(land) + 1, 0, 2)


async def test_what_could_not_be_done_because_it_was_deleted_meanwhile_is_canceled(
    shelf: Shelf, site: Site, settings: Settings
) -> None:
    ends: Sequence[ItemStatus] = ("done", "failed", "skipped", "failed")

    async def handler(job: Job) -> None:
        items = await job.pending_items()
        await site.execute(ARCHIVE, sea[0].project_id)
        outcomes = [
            ItemOutcome(item.position, item.photo_id, end, "gone") for item, end in zip(items, ends, strict=True)
        ]
        async with job.checkpoint(outcomes[:2]):
            pass
        job.record(outcomes[2:])

    sea, land = await _photos(shelf, "Sea", "A", "B", "C"), await _photos(shelf, "Land", "D")
    command = await site.post(_targets([*sea, *land]))
    async with hired(settings, handler):
        await site.until_idle()

    assert await site.outcomes(command) == [
        (sea[0].id, "done", "gone"),
        (sea[1].id, "canceled", PROJECT_DELETED),
        (sea[2].id, "canceled", PROJECT_DELETED),
        (land[0].id, "failed", "gone"),
    ]
    [completed] = await site.said(JobCompleted)
    assert (completed.done, completed.failed, completed.skipped) == (1, 1, 2)


async def test_of_a_job_under_way_those_are_canceled_that_nobody_is_at(shelf: Shelf, site: Site) -> None:
    sea, land = await _photos(shelf, "Sea", "A", "B", "C"), await _photos(shelf, "Land", "D")
    command, ended = await site.post(_targets([*sea, *land])), await site.post(_targets(sea))
    await site.end(ended)
    done = JobOutcomes(command.job_id, 1, [ItemOutcome(0, sea[0].id, "done")])
    async with site.database.transaction() as connection:
        await insert_outcomes(connection, [done])
    about = (command.task_id, command.job_id, 1, sea[1].id, sea[1].project_id)
    await site.execute(OPERATION, uuid4(), TENANT, *about)

    async with site.database.transaction() as connection:
        for job in (command, ended):
            await cancel_items_of_project(connection, job.job_id, sea[0].project_id)

    assert await site.outcomes(command) == [(sea[0].id, "done", None), (sea[2].id, "canceled", PROJECT_DELETED)]
    assert await site.outcomes(ended) == []


async def test_a_job_is_given_those_back_whose_files_are_on_record_to_be_moved(
    shelf: Shelf, site: Site, settings: Settings
) -> None:
    async def handler(job: Job) -> None:
        items = await job.pending_items()
        job.record(ItemOutcome(item.position, item.photo_id, "done") for item in items)

    sea = await _photos(shelf, "Sea", "A", "B")
    command, another = await site.post(_targets(sea)), await site.post(_targets(sea))
    for job, photo in ((command, sea[1]), (another, sea[0])):
        about = (job.task_id, job.job_id, sea.index(photo), photo.id, photo.project_id)
        await site.execute(OPERATION, uuid4(), TENANT, *about)
    await site.execute(ARCHIVE, sea[0].project_id)
    async with hired(settings, handler):
        await site.until_idle()

    assert await site.outcomes(command) == [(sea[0].id, "canceled", PROJECT_DELETED), (sea[1].id, "done", None)]
    assert await site.outcomes(another) == [(sea[0].id, "done", None), (sea[1].id, "canceled", PROJECT_DELETED)]
