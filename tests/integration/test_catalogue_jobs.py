"""``catalogue_update``: what is kept and tags over the photos of a task, in portions, each photo once."""

from collections.abc import Sequence
from typing import Any

import pytest
from catalogue import Shot, add_project, add_shots
from working import LEASES, Site, hired

from photobus_common.catalogue_changes import Plan
from photobus_common.config import Settings
from photobus_common.events.projects import KeepChanged, TagsChanged
from photobus_common.events.tasks import JobCompleted, JobHandedBack
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker import ItemOutcome, Job, JobItem
from photobus_maintenance.jobs import catalogue_update as module
from photobus_maintenance.jobs.catalogue_update import catalogue_update

KEPT = "SELECT id, keep_jpg, keep_raw, version FROM photos ORDER BY id"
TAGS = "SELECT photo_id, tag FROM photo_tags ORDER BY photo_id, tag"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES})


@pytest.fixture
async def items(site: Site, tenant: str) -> list[tuple[int, int]]:
    """Three photos with a JPEG and a RAW in each of two projects, all with the RAW pending; as (photo, project)."""
    found = []
    async with site.database.transaction() as connection:
        for name in ("Alps", "Sea"):
            project = await add_project(connection, tenant, name)
            shots = [Shot(f"IMG_{number}", raw_available=True, tags=("old",)) for number in range(3)]
            found += [(photo, project) for photo in await add_shots(connection, tenant, project, shots)]
    return found


async def test_a_revert_keeps_again_what_was_pending_in_any_projects(
    site: Site, settings: Settings, items: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", 2)
    command = await site.post([*items, (999, 1)], "catalogue_update", task_type="change_revert")
    async with hired(settings, {"catalogue_update": catalogue_update}):
        await site.until_idle()

    assert await site.fetch(KEPT) == [(photo, True, True, 2) for photo, _ in items]
    assert await site.outcomes(command) == [
        *((photo, "done", None) for photo, _ in items),
        (999, "skipped", "The photo is no longer there."),
    ]
    told = await site.said(KeepChanged)
    assert [said.photo_id for data in told for said in data.photos] == [photo for photo, _ in items]
    assert {data.task_id for data in told} == {command.task_id}
    assert {(said.before.raw, said.after.raw) for data in told for said in data.photos} == {(False, True)}
    (completed,) = await site.said(JobCompleted)
    assert (completed.done, completed.skipped) == (6, 1)


async def test_tags_and_keep_flags_follow_the_parameters_and_again_change_nothing(
    site: Site, settings: Settings, items: list[tuple[int, int]]
) -> None:
    tags: dict[str, Any] = {"add": ["new"], "remove": ["old"]}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("tags_update", tags),
        ("tags_update", tags),
        ("keep_update", {"keep_jpg": False}),
    ]
    commands = []
    async with hired(settings, {"catalogue_update": catalogue_update}):
        for task_type, params in asked:
            commands.append(await site.post(items, "catalogue_update", task_type=task_type, params=params))
            await site.until_idle()

    assert await site.fetch(TAGS) == [(photo, "new") for photo, _ in items]
    assert await site.fetch(KEPT) == [(photo, False, False, 3) for photo, _ in items]
    assert [{(status, reason) for _, status, reason in await site.outcomes(command)} for command in commands] == [
        {("done", None)},
        {("skipped", "unchanged")},
        {("done", None)},
    ]
    assert len(await site.said(TagsChanged)) == 2  # one a project


async def test_a_photo_that_would_have_too_many_tags_fails_alone(
    site: Site, settings: Settings, items: list[tuple[int, int]]
) -> None:
    async with site.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT $1, $2, n::text FROM generate_series(1, 198) n",
            *(items[0][0], "user_0"),
        )
    command = await site.post(items[:2], "catalogue_update", task_type="tags_update", params={"add": ["a", "b"]})
    async with hired(settings, {"catalogue_update": catalogue_update}):
        await site.until_idle()
    assert await site.outcomes(command) == [
        (items[0][0], "failed", "A photo has at most 200 tags; this one would have 201."),
        (items[1][0], "done", None),
    ]


async def test_a_portion_that_was_written_is_not_written_again(
    site: Site, settings: Settings, items: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", 2)
    change = module._change

    async def then_asked_back(job: Job, work: UnitOfWork, plan: Plan, items: Sequence[JobItem]) -> list[ItemOutcome]:
        outcomes = await change(job, work, plan, items)
        job.ask_back("portion")
        return outcomes

    monkeypatch.setattr(module, "_change", then_asked_back)
    command = await site.post(items, "catalogue_update", task_type="keep_update", params={"keep_jpg": False})
    async with hired(settings, {"catalogue_update": catalogue_update}):
        await site.until_idle()

    assert len(await site.said(JobHandedBack)) == 2
    assert await site.fetch(KEPT) == [(photo, False, False, 2) for photo, _ in items]
    assert await site.outcomes(command) == [(photo, "done", None) for photo, _ in items]
