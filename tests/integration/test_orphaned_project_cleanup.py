"""Projects whose folders are gone: archived when two runs saw it, removed when a later one still does."""

import errno
import os
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from bus_traffic import TENANT
from dying import Runner
from hours_away import JOB, Hours
from shelf import Shelf, forbid
from working import Site

from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.confirmations import ConfirmationRequested
from photobus_common.events.maintenance import ProjectRemoved
from photobus_common.events.projects import PhotosRemoved, ProjectCanceled
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH
from photobus_common.worker.results import AttemptFailed, Completed, Waiting
from photobus_maintenance import leaving, presence
from photobus_maintenance.context import Context
from photobus_maintenance.jobs import orphaned_project_cleanup
from photobus_maintenance.jobs.orphaned_project_cleanup import OrphanedProjectCleanup

MISSING = "SELECT project_id FROM missing_folders ORDER BY 1"
LOST = "SELECT photo_id, name, project_id, removed_by IS NOT NULL FROM lost_files ORDER BY 1, 2"
TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) VALUES ($1, $2, 'wet')"
ANSWER = "UPDATE confirmations SET status = $1, answered_at = now() WHERE status = 'open'"
PLACING = """
INSERT INTO uploads (id, tenant, project_id, actor, filename, state, target_name, expires_at)
VALUES (gen_random_uuid(), $1, $2, 'ada', 'B.jpg', $3, 'B.jpg', now() + interval '1 day')
"""
MOVING = """
INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path,
    target_project_id, target_path)
VALUES (gen_random_uuid(), $1, 'ada', gen_random_uuid(), gen_random_uuid(), 1, 0, 1, 'move', $2, 'A.jpg', $3, 'A.jpg')
"""
RENAMING = """
INSERT INTO file_renames (id, tenant, project_id, task_id, cause, names, targets, basename)
VALUES (gen_random_uuid(), $1, $2, gen_random_uuid(), 'duplicate_resolution', '{A.jpg}', '{B.jpg}', 'B')
"""
RESTORING = """
INSERT INTO project_operations (tenant, project_id, task_id, kind, path)
VALUES ($1, $2, gen_random_uuid(), 'trash', 'x')
"""
RESTORED = """
INSERT INTO project_operations (tenant, project_id, task_id, kind, path, target_path, state, outcome)
VALUES ($1, $2, gen_random_uuid(), 'restore', 'x', 'gone', 'done', 'moved')
"""
KNOWN = """
SELECT (SELECT count(*) FROM project_operations WHERE project_id = $1),
    (SELECT count(*) FROM uploads WHERE project_id = $1)
"""
DONE = (
    "DELETE FROM uploads",
    "DELETE FROM file_operations",
    "DELETE FROM file_renames",
    "DELETE FROM project_operations",
)

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(lock_wait_seconds=0.0, removal_photos=3, removal_share=0.5)
    return settings.model_copy(update={"maintenance": guard})


@pytest.fixture
def runner(site: Site, settings: Settings, library: Library) -> Runner:
    return Runner(site, {JOB: OrphanedProjectCleanup(Context(library, settings, load_definitions()))})


@pytest.fixture
def hours(shelf: Shelf, site: Site, runner: Runner) -> Hours:
    return Hours(shelf, site, runner)


async def test_a_project_whose_folder_stays_away_is_archived_and_then_removed(hours: Hours, site: Site) -> None:
    await hours.project("stays", 9)
    project_id, [photo] = await hours.project("gone")
    await site.execute(TAG, photo.id, TENANT)
    await site.execute(PLACING, TENANT, project_id, "receiving")
    await site.execute(RESTORED, TENANT, project_id)
    rows = await hours.shelf.rows()
    hours.away("gone")

    assert await hours.run() == [("reported", "folder_missing", "gone")]
    assert await hours.run() == []  # an hour has not passed
    assert await hours.state(project_id) == ("active", None)

    await hours.hour()
    assert await hours.run() == [("changed", "project_archived", "gone")]
    assert await hours.state(project_id) == ("canceled", "folder_gone")
    [canceled] = await site.said(ProjectCanceled)
    assert (canceled.project_id, canceled.cause, canceled.name) == (project_id, "folder_gone", "gone")
    assert await hours.shelf.rows() == rows

    assert await hours.run() == []
    await hours.hour()
    assert await hours.run() == [("changed", "photos_removed", "gone"), ("changed", "project_removed", "gone")]
    assert await hours.state(project_id) is None
    [removed] = await site.said(PhotosRemoved)
    assert removed.cause == "orphaned_project_cleanup"
    assert [(one.photo_id, one.tags, [file.name for file in one.files]) for one in removed.photos] == [
        (photo.id, ("wet",), ["gone0.jpg"])
    ]
    assert await site.fetch(LOST) == [(photo.id, "gone0.jpg", project_id, True)]
    assert [(data.project_id, data.name) for data in await site.said(ProjectRemoved)] == [(project_id, "gone")]
    assert len(await hours.shelf.rows()) == 9
    assert await site.fetch(KNOWN, project_id) == [(0, 0)]

    said = len(await site.events())
    assert await hours.run() == []
    assert len(await site.events()) == said + 2


async def test_a_folder_that_is_there_again_ends_the_wait(hours: Hours, site: Site) -> None:
    await hours.project("stays", 9)
    project_id, _ = await hours.project("gone")
    hours.away("gone")
    await hours.run()
    await hours.hour()
    hours.back("gone")
    assert await hours.run() == []
    assert await site.fetch(MISSING) == []
    hours.away("gone")
    assert await hours.run() == [("reported", "folder_missing", "gone")]
    assert await hours.state(project_id) == ("active", None)


async def test_an_archived_project_whose_folder_is_back_is_not_removed(hours: Hours, site: Site) -> None:
    await hours.project("stays", 9)
    project_id, _ = await hours.project("gone")
    hours.away("gone")
    await hours.run()
    await hours.hour()
    await hours.run()
    await hours.hour()
    hours.back("gone")
    assert await hours.run() == [("refused", "folder_renamed", "gone")]  # discovery brings it back
    assert await hours.state(project_id) == ("canceled", "folder_gone")
    assert await site.said(PhotosRemoved) == []


async def test_projects_that_people_deleted_stay(hours: Hours, site: Site) -> None:
    project_id, _ = await hours.project("deleted")
    hours.away("deleted")
    await site.execute(
        "UPDATE projects SET status = 'canceled', cancel_cause = 'deleted', archived_at = now(), deleted_by = $2"
        " WHERE id = $1",
        project_id,
        uuid4(),
    )
    for _ in range(3):
        assert await hours.run() == []
        await hours.hour()
    assert await hours.state(project_id) == ("canceled", "deleted")


async def test_a_folder_under_another_name_is_left_to_those_who_follow_it(hours: Hours, site: Site) -> None:
    await hours.project("stays", 9)
    renamed, _ = await hours.project("renamed")
    trashed, _ = await hours.project("trashed")
    (hours.shelf.root / "renamed").rename(hours.shelf.root / "new name")
    (hours.shelf.root / TRASH / "by hand").mkdir(parents=True)
    (hours.shelf.root / "trashed").rename(hours.shelf.root / TRASH / "by hand" / "x")
    await hours.run()
    await hours.hour()
    assert await hours.run() == [("refused", "folder_renamed", "renamed"), ("refused", "folder_renamed", "trashed")]
    assert [await hours.state(one) for one in (renamed, trashed)] == [("active", None)] * 2


async def test_what_has_the_name_and_is_no_folder_is_for_its_owner_to_say(hours: Hours, site: Site) -> None:
    project_id, _ = await hours.project("linked")
    (hours.shelf.root / "linked").symlink_to(hours.away("linked"))
    for _ in range(2):
        assert await hours.run() == [("refused", "folder_is_none", "linked")]
        await hours.hour()
    assert await hours.state(project_id) == ("active", None)


@pytest.mark.parametrize("work", ["upload", "move from", "move to", "rename", "operation"])
async def test_a_project_with_work_on_record_is_left_alone(hours: Hours, site: Site, work: str) -> None:
    other, _ = await hours.project("stays", 9)
    project_id, _ = await hours.project("gone")
    statements: dict[str, tuple[str, tuple[object, ...]]] = {
        "upload": (PLACING, (TENANT, project_id, "placing")),
        "move from": (MOVING, (TENANT, project_id, other)),
        "move to": (MOVING, (TENANT, other, project_id)),
        "rename": (RENAMING, (TENANT, project_id)),
        "operation": (RESTORING, (TENANT, project_id)),
    }
    statement, parameters = statements[work]
    hours.away("gone")
    await hours.run()
    await hours.hour()
    await site.execute(statement, *parameters)
    assert await hours.run() == [("refused", "folder_in_use", "gone")]
    assert await hours.state(project_id) == ("active", None)
    for done in DONE:
        await site.execute(done)
    assert await hours.run() == [("changed", "project_archived", "gone")]
    await hours.hour()
    await site.execute(statement, *parameters)
    assert await hours.run() == [("refused", "folder_in_use", "gone")]
    assert await site.said(PhotosRemoved) == []


@pytest.mark.parametrize(("answer", "end"), [("confirmed", ("canceled", "folder_gone")), ("refused", ("active", None))])
async def test_what_many_photos_would_be_lost_by_waits_for_a_person(
    hours: Hours, site: Site, runner: Runner, answer: str, end: tuple[str, str | None]
) -> None:
    await hours.project("stays", 4)
    ids = [(await hours.project(name, 3))[0] for name in ("first", "second")]
    for name in ("first", "second"):
        hours.away(name)
    await hours.run()
    await hours.hour()
    command = await runner.job(JOB)
    assert isinstance(await runner.run(command), Waiting)
    [asked] = await site.said(ConfirmationRequested)
    assert (asked.project_id, asked.lacking, asked.photos) == (None, 6, 10)
    assert [await hours.state(one) for one in ids] == [("active", None)] * 2

    await site.execute(ANSWER, answer)
    assert await runner.run(command) == Completed()
    assert [await hours.state(one) for one in ids] == [end] * 2
    assert len(await hours.shelf.rows()) == 10
    if answer == "refused":  # nor does the next run, nor is anybody asked again
        await hours.hour()
        assert [code for _, code, _ in await hours.run()] == ["removal_refused"]
        assert [await hours.state(one) for one in ids] == [end] * 2


async def test_what_vanishes_bit_by_bit_counts_together(hours: Hours, site: Site, runner: Runner) -> None:
    await hours.project("stays", 4)
    ids = [(await hours.project(name, 3))[0] for name in ("first", "second")]
    hours.away("first")
    await hours.run()
    await hours.hour()
    hours.away("second")
    assert isinstance(await runner.run(await runner.job(JOB)), Waiting)
    assert [await hours.state(one) for one in ids] == [("active", None)] * 2


async def test_a_library_that_is_away_or_cannot_be_listed_loses_nothing(
    hours: Hours, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id, _ = await hours.project("there", 2)
    hours.shelf.away()
    result = await runner.run(await runner.job(JOB))
    assert isinstance(result, AttemptFailed)
    assert (result.code, result.retryable) == ("storage_unavailable", True)
    hours.shelf.back()
    really_scan = os.scandir

    def failing(*args: Any) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", failing)
        result = await runner.run(await runner.job(JOB))
    assert os.scandir is really_scan
    assert isinstance(result, AttemptFailed)
    assert result.code == "storage_unavailable"
    with monkeypatch.context() as patch:
        forbid(patch, hours.shelf.root)
        result = await runner.run(await runner.job(JOB))
    assert isinstance(result, AttemptFailed)
    assert await site.fetch(MISSING) == []
    assert await hours.state(project_id) == ("active", None)


@pytest.mark.parametrize("stage", ["before archiving", "before removing"])
async def test_the_mount_goes_away_in_the_middle(
    hours: Hours, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """The first look finds what it finds; the second, before anything is changed, no library."""
    await hours.project("stays", 9)
    project_id, _ = await hours.project("gone")
    hours.away("gone")
    await hours.run()
    await hours.hour()
    if stage == "before removing":
        await hours.run()
        await hours.hour()
    before = await hours.state(project_id)
    _before_second_look(monkeypatch, hours.shelf.away)
    result = await runner.run(await runner.job(JOB))
    assert isinstance(result, AttemptFailed)
    assert result.code == "storage_unavailable"
    monkeypatch.undo()
    hours.shelf.back()
    assert await hours.state(project_id) == before
    assert await site.said(PhotosRemoved) == []
    assert len([line for line in await hours.run() if line[0] == "changed"]) > 0


def _before_second_look(patch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    really_look = presence.presence

    def look(*args: Any) -> Any:
        then()
        return really_look(*args)

    patch.setattr(orphaned_project_cleanup, "presence", look)


async def test_a_project_renamed_or_deleted_or_back_meanwhile_is_seen_as_it_is(
    hours: Hours, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hours.project("stays", 9)
    project_id, _ = await hours.project("gone")
    hours.away("gone")
    await hours.run()
    await hours.hour()
    with monkeypatch.context() as patch:
        _before_second_look(patch, lambda: hours.back("gone"))
        assert await hours.run() == []
    assert await hours.state(project_id) == ("active", None)


async def test_killed_between_any_two_effects_the_next_run_finishes(
    hours: Hours, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "PORTION", 2)
    await hours.project("stays", 40)
    deaths = 0
    for effects in range(60):
        name = f"P{effects}"
        project_id, photos = await hours.project(name, 3)
        hours.away(name)
        for _ in range(3):
            command = await runner.job(JOB)
            if await runner.dies(command, effects):
                deaths += 1
                assert await runner.run(command) == Completed()
            await hours.hour()
        assert await hours.state(project_id) is None, effects
        assert len([one for one in await site.said(ProjectCanceled) if one.project_id == project_id]) == 1
        assert len([one for one in await site.said(ProjectRemoved) if one.project_id == project_id]) == 1
        removed = [one for one in await site.said(PhotosRemoved) if one.project_id == project_id]
        assert sorted(photo.photo_id for one in removed for photo in one.photos) == [one.id for one in photos]
        assert len([row for row in await site.fetch(LOST) if row[2] == project_id]) == 3
        if effects > 6 and deaths < effects:
            break
    assert deaths > 15
    assert len(await hours.shelf.rows()) == 40


async def test_of_many_projects_only_those_that_are_gone_are_touched(hours: Hours, site: Site) -> None:
    ids = [(await hours.project(f"P{number}", 2))[0] for number in range(5)]
    hours.away("P3")
    await hours.run()
    await hours.hour()
    await hours.run()
    states = [await hours.state(one) for one in ids]
    assert states == [*[("active", None)] * 3, ("canceled", "folder_gone"), ("active", None)]
