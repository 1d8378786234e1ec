"""A deleted project comes back whole as long as its folder is in the library's trash; else nothing changes."""

import shutil
from uuid import uuid4

import pytest
from bus_traffic import TENANT
from crashing_mover import run_until_killed
from deleting import OPEN, TOTALS, arrange, at_work, deletion, said_of, trashed, tree
from shelf import Shelf
from working import LEASES, Site, hired

from photobus_common.config import Filemover, Settings
from photobus_common.events.maintenance import FolderRenamed
from photobus_common.events.projects import PhotosRestored, ProjectRestored, ProjectTrashed
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH
from photobus_common.subjects import project_subject
from photobus_filemover.jobs import project_cleanup_db

EFFECTS_OF_FIRST_PORTION = 4
"""Claim, operation on record, rows written, portion committed."""

EFFECTS_UNTIL_RENAMED = 8
"""After those: the place on record, the folder renamed."""

HANDED_BACK = "SELECT count(*) FROM event_log WHERE task_id = $1 AND type = 'JobHandedBack'"
VERSIONS = "SELECT DISTINCT version FROM photos WHERE project_id = $1"
FOLDER = "SELECT folder, version FROM projects WHERE id = $1"
ASKED = "SELECT count(*) FROM tasks WHERE type = 'generate_derivatives'"
UNARCHIVED = """
INSERT INTO outbox (id, kind, message_id, tenant, subject, payload, relay_at)
VALUES ($1, 'event', 'held back', $2, $3, '', now() + interval '1 hour')
"""

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0)})


async def test_folder_rows_tags_and_flags_come_back_as_they_were_however_often(
    shelf: Shelf, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_cleanup_db, "PORTION", 2)
    sea, photos = await arrange(shelf, "Sea")
    files = tree(shelf.root / "Sea")
    async with at_work(settings, library) as deletions:
        before = await deletions.rows(sea)
        for time in (1, 2):
            restoring = await deletions.restore(sea, await deletions.deleted(sea))
            assert await deletions.end_of(restoring) == ("completed", None)

            assert tree(shelf.root / "Sea") == files
            assert await deletions.rows(sea) == before
            assert await deletions.project(sea) == ("Sea", "Sea", "active", True, None)
            assert await deletions.process.fetch(VERSIONS, sea) == [(5 + 2 * time,)]
            assert await deletions.process.fetch(TOTALS, sea) == [(len(before),)]
            assert trashed(shelf) == []
            assert list((shelf.root / TRASH).iterdir()) == []
            assert await deletions.process.fetch(OPEN) == [(0,)]

        told = await said_of(deletions, sea, ProjectRestored)
        assert [(one.name, one.project_folder, one.version) for one in told] == [("Sea", "Sea", 3), ("Sea", "Sea", 5)]
        restored = await said_of(deletions, sea, PhotosRestored)
        assert {one.cause for one in restored} == {"project_restore"}
        assert [len(one.photos) for one in restored] == [1, 2, 1, 2]  # the last removed first
        assert sorted(photo.photo_id for one in restored[2:] for photo in one.photos) == [photo.id for photo in photos]
        assert await deletions.process.fetch(ASKED) == [(0,)]


async def test_a_name_that_was_given_away_gets_a_number(shelf: Shelf, settings: Settings, library: Library) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library) as deletions:
        before, task = await deletions.rows(sea), await deletions.deleted(sea)
        await arrange(shelf, "Sea")
        (shelf.root / "Sea (2)").mkdir()
        kept = tree(shelf.root / "Sea")
        assert await deletions.end_of(await deletions.restore(sea, task)) == ("completed", None)

        assert await deletions.project(sea) == ("Sea (3)", "Sea (3)", "active", True, None)
        assert await deletions.rows(sea) == before
        [told] = await said_of(deletions, sea, ProjectRestored)
        assert (told.name, told.project_folder) == ("Sea (3)", "Sea (3)")
    assert tree(shelf.root / "Sea") == kept
    with shelf.library.open_project("Sea (3)") as folder:
        manifest = folder.read_manifest()
    assert manifest is not None
    assert (manifest.id, manifest.name) == (sea, "Sea (3)")
    assert (shelf.root / "Sea (3)" / "Sea0.jpg").exists()


async def test_a_name_and_folder_that_differ_both_come_back(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    await site.execute("UPDATE projects SET name = 'Ocean' WHERE id = $1", sea)
    async with at_work(settings, library) as deletions:
        restoring = await deletions.restore(sea, await deletions.deleted(sea))
        assert await deletions.end_of(restoring) == ("completed", None)
        assert await deletions.project(sea) == ("Ocean", "Sea", "active", True, None)


async def test_what_has_expired_changes_nothing(shelf: Shelf, settings: Settings, library: Library) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library) as deletions:
        task = await deletions.deleted(sea)
        shutil.rmtree(trashed(shelf)[0].parent)
        assert await deletions.end_of(await deletions.restore(sea, task)) == ("failed", "trash_expired")
        assert await deletions.project(sea) == ("Sea", "Sea", "canceled", False, task)
        assert await deletions.rows(sea) == []
        assert await said_of(deletions, sea, PhotosRestored) == []
        assert await deletions.process.fetch(OPEN) == [(0,)]


async def test_a_project_whose_folder_was_gone_does_not_come_back(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    shutil.rmtree(shelf.root / "Sea")
    async with at_work(settings, library) as deletions:
        task = await deletions.deleted(sea)
        assert await deletions.end_of(await deletions.restore(sea, task)) == ("failed", "folder_missing")
        await arrange(shelf, "Sea")
        assert await deletions.end_of(await deletions.restore(sea, task)) == ("failed", "folder_missing")
        assert await deletions.rows(sea) == []


async def test_a_deletion_that_stopped_half_way_is_taken_back(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    files = tree(shelf.root / "Sea")
    shelf.away()
    hasty = settings.model_copy(update={"pipeline": LEASES.model_copy(update={"max_attempts_default": 1})})
    async with at_work(hasty, library) as deletions:
        before, task = await deletions.rows(sea), await deletions.delete(sea)
        assert await deletions.end_of(task) == ("failed", "storage_unavailable")
        shelf.back()
        assert await deletions.end_of(await deletions.restore(sea, task)) == ("completed", None)
        assert await deletions.project(sea) == ("Sea", "Sea", "active", True, None)
        assert await deletions.rows(sea) == before
    assert tree(shelf.root / "Sea") == files


async def test_an_undo_of_a_deletion_before_the_last_is_refused(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library) as deletions:
        first = await deletions.deleted(sea)
        assert await deletions.end_of(await deletions.restore(sea, first)) == ("completed", None)
        await deletions.deleted(sea)
        assert await deletions.end_of(await deletions.restore(sea, first)) == ("failed", "deleted_since")
        assert await deletions.rows(sea) == []


async def test_a_project_that_is_there_is_not_brought_back(shelf: Shelf, settings: Settings, library: Library) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library) as deletions:
        before = await deletions.rows(sea)
        assert await deletions.end_of(await deletions.restore(sea, uuid4())) == ("failed", "project_active")
        assert await deletions.rows(sea) == before


async def test_it_waits_until_the_log_holds_all_of_the_deletion(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library) as deletions:
        before, task = await deletions.rows(sea), await deletions.deleted(sea)
        await site.execute(UNARCHIVED, held := uuid4(), TENANT, project_subject(TENANT, sea))
        restoring = await deletions.restore(sea, task)
        await deletions.until_counted(HANDED_BACK, restoring)
        assert await deletions.rows(sea) == []
        await site.execute("DELETE FROM outbox WHERE id = $1", held)
        assert await deletions.end_of(restoring) == ("completed", None)
        assert await deletions.rows(sea) == before


async def test_it_waits_for_a_deletion_that_has_not_ended(shelf: Shelf, settings: Settings, library: Library) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library, movers=False) as deletions:
        before, task = await deletions.rows(sea), await deletions.delete(sea)
        handlers = deletion(settings, library)
        cleanup = {"project_cleanup_db": handlers.pop("project_cleanup_db")}
        async with hired(settings, handlers):
            restoring = await deletions.restore(sea, task)
            await deletions.until_counted(HANDED_BACK, restoring)
            assert await said_of(deletions, sea, PhotosRestored) == []
            async with hired(settings, cleanup):
                assert await deletions.end_of(task) == ("completed", None)
                assert await deletions.end_of(restoring) == ("completed", None)
        assert await deletions.rows(sea) == before


async def test_one_that_has_begun_goes_on_though_the_deletion_is_tried_again_meanwhile(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    short = settings.model_copy(update={"pipeline": LEASES.model_copy(update={"stale_seconds": 0.6})})
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(short, library, movers=False) as deletions:
        before = await deletions.rows(sea)
        async with hired(short, deletion(short, library)):
            task = await deletions.deleted(sea)
        restoring = await deletions.restore(sea, task)
        assert await run_until_killed(short, EFFECTS_OF_FIRST_PORTION, last="project_restore")
        deleting = await deletions.delete(sea, retry_of=task)
        async with hired(short, deletion(short, library)):
            assert await deletions.end_of(restoring) == ("completed", None)
            assert await deletions.end_of(deleting) == ("failed", "project_active")
        assert await deletions.rows(sea) == before


async def test_derivatives_that_had_been_waited_for_are_asked_for(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    sea, photos = await arrange(shelf, "Sea")
    await site.execute("UPDATE photos SET preview_status = 'pending' WHERE id = $1", photos[1].id)
    async with at_work(settings, library) as deletions:
        restoring = await deletions.restore(sea, await deletions.deleted(sea))
        assert await deletions.end_of(restoring) == ("completed", None)
        await deletions.until_counted(ASKED)


async def test_one_that_did_not_get_to_its_end_is_begun_anew_also_after_another_deletion(
    shelf: Shelf, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_cleanup_db, "PORTION", 1)
    short = settings.model_copy(update={"pipeline": LEASES.model_copy(update={"stale_seconds": 0.6})})
    sea, _ = await arrange(shelf, "Sea")
    files = tree(shelf.root / "Sea")
    async with at_work(short, library, movers=False) as deletions:
        before = await deletions.rows(sea)
        async with hired(short, deletion(short, library)):
            task = await deletions.deleted(sea)
        for _ in range(2):
            broken = await deletions.restore(sea, task)
            assert await run_until_killed(short, EFFECTS_OF_FIRST_PORTION, last="project_restore")
            assert len(await deletions.rows(sea)) == 1
            await deletions.cancel(broken, "project_restore")
            assert await deletions.end_of(broken) == ("canceled", None)
        async with hired(short, deletion(short, library)):
            await deletions.deleted(sea, retry_of=task)
            assert await deletions.rows(sea) == []
            assert await deletions.end_of(await deletions.restore(sea, task)) == ("completed", None)
        assert await deletions.rows(sea) == before
        versions = await deletions.process.fetch("SELECT version FROM photos WHERE project_id = $1 ORDER BY id", sea)
        assert versions == [(7,), (7,), (9,)]  # the last had been back once more
        assert await deletions.process.fetch(OPEN) == [(0,)]
    assert tree(shelf.root / "Sea") == files


async def test_one_that_stopped_with_its_folder_under_another_name_says_where_it_lies(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    short = settings.model_copy(update={"pipeline": LEASES.model_copy(update={"stale_seconds": 0.6})})
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(short, library, movers=False) as deletions:
        async with hired(short, deletion(short, library)):
            task = await deletions.deleted(sea)
        await arrange(shelf, "Sea")
        broken = await deletions.restore(sea, task)
        assert await run_until_killed(short, EFFECTS_UNTIL_RENAMED, last="project_restore")
        assert (shelf.root / "Sea (2)").exists()
        await deletions.cancel(broken, "project_restore")
        async with hired(short, deletion(short, library)):
            assert await deletions.end_of(broken) == ("canceled", None)
            await deletions.deleted(sea, retry_of=task)
        [told] = await said_of(deletions, sea, FolderRenamed)
        assert (told.cause, told.old_folder, told.new_folder, told.version) == ("project_restore", "Sea", "Sea (2)", 3)
        assert await deletions.process.fetch(FOLDER, sea) == [("Sea (2)", 3)]
        trashed_again = (await said_of(deletions, sea, ProjectTrashed))[-1]
        assert trashed_again.project_folder == "Sea (2)"
