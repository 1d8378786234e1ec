"""A project is deleted: what works on it stops, its folder goes to the library's trash, its rows go; others stay."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from bus_traffic import ORIGIN
from crashing_gateway import crashing_gateways
from crashing_mover import run_until_killed
from deleting import OPEN, TOTALS, Deletions, arrange, at_work, deletion, said_of, trashed, tree
from gateway_server import running_gateway
from moving import move
from removing import commit, keep, originals
from shelf import JPEG, Shelf, forbid
from working import Site, hired

from photobus_common.bus.connection import Broker
from photobus_common.config import Filemover, Pipeline, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.projects import PhotosRemoved, ProjectCanceled, ProjectTrashed
from photobus_common.events.tasks import Targets
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import trashed_at
from photobus_common.store.job_items import PROJECT_DELETED
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.store.uploads import projects_with_intents
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker import ItemOutcome, Job
from photobus_filemover.jobs import project_cleanup_db

LEASES = Pipeline(stale_seconds=20.0, heartbeat_ms=200, drain_seconds=5.0, retry_base_seconds=0.05)
ITEMS = """
SELECT i.photo_id, i.status, i.reason FROM jobs j JOIN job_items i ON i.job_id = j.id WHERE j.task_id = $1
ORDER BY i.position
"""
COUNTS = "SELECT done, failed, skipped FROM tasks WHERE id = $1"
OPEN_FILES = "SELECT count(*) FROM file_operations WHERE state = 'open'"
EFFECTS_OF_A_FILE_THAT_ARRIVED = 3
"""Claim, operations on record, the first file in place."""

UPLOADS = "SELECT count(*) FROM uploads WHERE project_id = $1"
WAITING = "INSERT INTO upload_batches (tenant, project_id, batch, photo_id, actor) VALUES ('user_0', $1, 'b', 1, 'ada')"
BATCHES = "SELECT count(*) FROM upload_batches WHERE project_id = $1"
HANDED_BACK = "SELECT count(*) FROM event_log WHERE task_id = $1 AND type = 'JobHandedBack'"
FAILED = "SELECT count(*) FROM event_log WHERE task_id = $1 AND type = 'JobAttemptFailed'"


pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0)})


async def _ask(deletions: Deletions, photo_ids: Sequence[int], project_ids: Sequence[int]) -> UUID:
    targets = Targets(kind="photos", photo_ids=tuple(photo_ids), project_ids=tuple(project_ids))
    async with unit_of_work(deletions.process.database, deletions.process.publisher) as work:
        return request_task(work, ORIGIN, Ask(load_definitions()["generate_derivatives"], targets)).id


async def test_its_folder_goes_to_the_trash_and_its_photos_leave_the_catalogue(
    shelf: Shelf, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_cleanup_db, "PORTION", 2)
    sea, photos = await arrange(shelf, "Sea")
    land, _ = await arrange(shelf, "Land")
    before = tree(shelf.root / "Sea")
    async with at_work(settings, library) as deletions:
        others = await deletions.rows(land)
        task = await deletions.delete(sea)
        assert await deletions.end_of(task) == ("completed", None)

        [folder] = trashed(shelf)
        assert (folder.name, tree(folder)) == ("Sea", before)
        assert not (shelf.root / "Sea").exists()
        assert trashed_at(folder.parent.name) is not None
        assert await deletions.rows(sea) == []
        assert await deletions.rows(land) == others
        assert await deletions.project(sea) == ("Sea", "Sea", "canceled", False, task)
        assert await deletions.process.fetch(TOTALS, sea) == [(0,)]
        assert await deletions.process.fetch(OPEN) == [(0,)]

        assert len(await said_of(deletions, sea, ProjectCanceled)) == 1
        [moved] = await said_of(deletions, sea, ProjectTrashed)
        assert (shelf.root / moved.trash_path, moved.task_id) == (folder, task)
        removed = await said_of(deletions, sea, PhotosRemoved)
        assert [len(one.photos) for one in removed] == [2, 1]
        assert {(one.cause, one.task_id) for one in removed} == {("project_delete", task)}
        told = [photo for one in removed for photo in one.photos]
        assert [(one.photo_id, one.version, one.tags) for one in told] == [
            (photo.id, 6, ("a", "b")) for photo in photos
        ]
        assert {one.row["camera_model"] for one in told} == {"Model"}


async def test_its_tasks_stop_and_of_shared_jobs_its_items(shelf: Shelf, settings: Settings, library: Library) -> None:
    taken, go_on = asyncio.Queue[UUID](), asyncio.Event()

    async def slowly(job: Job) -> None:
        items = await job.pending_items()
        taken.put_nowait(job.command.task_id)
        await go_on.wait()
        job.record(ItemOutcome(item.position, item.photo_id, "done") for item in items)

    sea, photos = await arrange(shelf, "Sea")
    land, others = await arrange(shelf, "Land")
    async with at_work(settings, library) as deletions, hired(settings, slowly):
        alone = await _ask(deletions, [photos[0].id], [sea])
        shared = await _ask(
            deletions, [photos[0].id, others[0].id, photos[1].id, others[1].id], [photos[0].project_id, land, sea, land]
        )
        assert {await taken.get(), await taken.get()} == {alone, shared}
        task = await deletions.delete(sea)
        assert await deletions.end_of(alone) == ("canceled", None)
        assert await deletions.end_of(task) == ("completed", None)
        late = await _ask(deletions, [photos[0].id, others[2].id], [sea, land])

        canceled = [(photos[number].id, "canceled", PROJECT_DELETED) for number in (0, 1)]
        assert await deletions.process.fetch(ITEMS, shared) == canceled
        go_on.set()
        assert await deletions.end_of(shared) == ("completed", None)
        assert await deletions.process.fetch(COUNTS, shared) == [(2, 0, 2)]
        assert await deletions.process.fetch(ITEMS, shared) == [
            canceled[0],
            (others[0].id, "done", None),
            canceled[1],
            (others[1].id, "done", None),
        ]
        assert await deletions.end_of(late) == ("completed", None)
        assert await deletions.process.fetch(COUNTS, late) == [(1, 0, 1)]


async def test_a_folder_that_is_gone_is_no_error(shelf: Shelf, settings: Settings, library: Library) -> None:
    sea, photos = await arrange(shelf, "Sea")
    await shelf.intend(photos[0], "late.jpg")
    (shelf.root / "Sea").rename(shelf.root / "Elsewhere")
    async with at_work(settings, library) as deletions:
        await deletions.deleted(sea)
        assert await said_of(deletions, sea, ProjectTrashed) == []
        assert await deletions.process.fetch(UPLOADS, sea) == [(0,)]
        assert await deletions.rows(sea) == []
    assert (shelf.root / "Elsewhere" / "Sea0.jpg").exists()
    assert trashed(shelf) == []


@pytest.mark.parametrize("by", ["manifest", "row"])
async def test_a_folder_that_is_another_projects_by_now_stays(
    shelf: Shelf, site: Site, settings: Settings, library: Library, by: str
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    land = await shelf.project("Land")
    (shelf.root / "Sea").rename(shelf.root / "Elsewhere")
    (shelf.root / "Land").rename(shelf.root / "Sea")
    with shelf.library.open_project("Sea") as folder:
        folder.write_manifest(Manifest(id=land if by == "manifest" else sea, name="Land", created_at=ORIGIN.clock()))
    async with at_work(settings, library) as deletions:
        task = await deletions.delete(sea)
        if by == "row":
            await site.execute("UPDATE projects SET folder = 'Sea' WHERE id = $1", land)
        assert await deletions.end_of(task) == ("completed", None)
    assert (shelf.root / "Sea").is_dir()
    assert trashed(shelf) == []


async def test_what_is_in_the_trash_already_stays_there_when_it_is_deleted_again(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library) as deletions:
        await deletions.deleted(sea)
        before = tree(shelf.root)
        again, _ = await arrange(shelf, "Sea")
        kept = tree(shelf.root / "Sea")
        await deletions.deleted(sea)  # as a retry does
        assert await deletions.project(again) == ("Sea", "Sea", "active", True, None)
        assert len(await deletions.rows(again)) == 3
        assert len(await said_of(deletions, sea, ProjectTrashed)) == 1
    assert tree(shelf.root / "Sea") == kept
    assert {path: md5 for path, md5 in tree(shelf.root).items() if not path.startswith("Sea/")} == before


async def test_an_active_project_is_not_touched(shelf: Shelf, site: Site, settings: Settings, library: Library) -> None:
    sea, _ = await arrange(shelf, "Sea")
    before = tree(shelf.root)
    async with at_work(settings, library, movers=False) as deletions:
        task = await deletions.delete(sea)
        await site.execute("UPDATE projects SET status = 'active' WHERE id = $1", sea)
        async with hired(settings, deletion(settings, library)):
            assert await deletions.end_of(task) == ("failed", "project_active")
        assert len(await deletions.rows(sea)) == 3
    assert tree(shelf.root) == before


async def test_an_absent_library_is_waited_for(shelf: Shelf, settings: Settings, library: Library) -> None:
    sea, _ = await arrange(shelf, "Sea")
    shelf.away()
    async with at_work(settings, library) as deletions:
        task = await deletions.delete(sea)
        await deletions.until_counted(FAILED, task)
        assert len(await deletions.rows(sea)) == 3
        shelf.back()
        assert await deletions.end_of(task) == ("completed", None)
    assert [folder.name for folder in trashed(shelf)] == ["Sea"]


async def test_a_library_that_stays_away_fails_the_task_which_can_be_tried_again(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    shelf.away()
    hasty = settings.model_copy(update={"pipeline": LEASES.model_copy(update={"max_attempts_default": 2})})
    async with at_work(hasty, library) as deletions:
        task = await deletions.delete(sea)
        assert await deletions.end_of(task) == ("failed", "storage_unavailable")
        assert len(await deletions.rows(sea)) == 3
        shelf.back()
        await deletions.deleted(sea)
        assert await deletions.rows(sea) == []
    assert [folder.name for folder in trashed(shelf)] == ["Sea"]


async def test_a_folder_that_someone_works_in_is_waited_for(shelf: Shelf, settings: Settings, library: Library) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library) as deletions:
        with shelf.library.open_project("Sea") as folder:
            assert folder.try_lock()
            task = await deletions.delete(sea)
            await deletions.until_counted(HANDED_BACK, task)
            assert (shelf.root / "Sea").exists()
        assert await deletions.end_of(task) == ("completed", None)
    assert [folder.name for folder in trashed(shelf)] == ["Sea"]


@pytest.mark.parametrize("point", ["intent on record", "file in place"])
async def test_an_upload_that_is_on_record_is_finished_before(
    shelf: Shelf, settings: Settings, library: Library, broker: Broker, point: str
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with crashing_gateways(settings, "user_0", [point]) as gateways:
        with pytest.raises(Exception):  # noqa: B017, PT011 - however the line breaks
            await gateways.by_point[point].upload("Sea", [("late.jpg", JPEG)], "")
        await gateways.all_died()
    async with at_work(settings, library) as deletions:
        task = await deletions.delete(sea)
        await deletions.until_counted(HANDED_BACK, task)
        assert trashed(shelf) == []
        async with running_gateway(settings, shelf.database, broker, library, "user_0"):
            assert await deletions.end_of(task) == ("completed", None)
        assert await deletions.rows(sea) == []
        assert await deletions.process.fetch(UPLOADS, sea) == [(0,)]
        names = [photo.filename for one in await said_of(deletions, sea, PhotosRemoved) for photo in one.photos]
        assert sorted(names) == ["Sea0", "Sea1", "Sea2", "late"]
    assert tree(trashed(shelf)[0])["late.jpg"]


async def test_what_is_on_record_for_a_deleted_project_never_goes_into_another(shelf: Shelf, site: Site) -> None:
    _, photos = await arrange(shelf, "Sea", 1)
    await shelf.intend(photos[0], "late.jpg")
    async with shelf.database.connection() as connection:
        assert len(await projects_with_intents(connection)) == 1
        await site.execute("UPDATE projects SET status = 'canceled'")
        assert len(await projects_with_intents(connection)) == 1
        await site.execute("INSERT INTO projects (tenant, name, folder) VALUES ('user_0', 'Other', 'Sea')")
        assert await projects_with_intents(connection) == []


async def test_no_file_goes_to_the_trash_that_a_photo_of_another_project_may_need_back(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    sea, [photo] = await arrange(shelf, "Sea", 1)
    lake, _ = await arrange(shelf, "Lake", 1)
    canceled = await move(site, [photo], lake)
    assert await run_until_killed(settings, EFFECTS_OF_A_FILE_THAT_ARRIVED)
    await site.end(canceled)
    arrived = {path.name for path in (shelf.root / "Lake").glob("Sea0.*")}
    assert arrived
    (shelf.root / "Sea").rename(shelf.root / "renamed by hand")

    async with at_work(settings, library) as deletions:
        task = await deletions.delete(lake)
        assert await deletions.end_of(task) == ("failed", "moves_open")
        assert {path.name for path in (shelf.root / "Lake").glob("Sea0.*")} == arrived
        (shelf.root / "renamed by hand").rename(shelf.root / "Sea")
        await deletions.deleted(lake, retry_of=task)
    assert {path.name for path in (shelf.root / "Sea").glob("Sea0.*")} == {"Sea0.dng", "Sea0.jpg"}
    assert await site.fetch("SELECT project_id FROM photos") == [(sea,)]


async def test_a_folder_that_may_not_be_opened_is_not_taken_for_gone(
    shelf: Shelf, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    async with at_work(settings, library) as deletions:
        before = await deletions.rows(sea)
        with monkeypatch.context() as patch:
            forbid(patch, "Sea")
            task = await deletions.delete(sea)
            assert await deletions.end_of(task) == ("failed", "folder_unreadable")
        assert await deletions.rows(sea) == before
        await deletions.deleted(sea, retry_of=task)
    assert len(trashed(shelf)) == 1


async def test_what_is_known_of_uploads_goes(shelf: Shelf, site: Site, settings: Settings, library: Library) -> None:
    sea, photos = await arrange(shelf, "Sea")
    await shelf.intend(photos[0], "late.jpg")
    await site.execute("UPDATE uploads SET state = 'receiving'")
    await site.execute(WAITING, sea)
    async with at_work(settings, library) as deletions:
        await deletions.deleted(sea)
        assert await deletions.process.fetch(UPLOADS, sea) == [(0,)]
        assert await deletions.process.fetch(BATCHES, sea) == [(0,)]


@pytest.mark.parametrize("effects", [4, 6, 9])
async def test_a_removal_that_is_on_record_is_finished_before(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int
) -> None:
    sea, photos = await arrange(shelf, "Sea", 1)
    await keep(site, photos[0])
    before = originals(shelf).keys()
    short = settings.model_copy(update={"pipeline": LEASES.model_copy(update={"stale_seconds": 0.6})})
    await commit(site, photos)
    assert await run_until_killed(short, effects)
    async with at_work(settings, library) as deletions:
        await deletions.deleted(sea)
        assert await deletions.process.fetch(OPEN_FILES) == [(0,)]
        assert await deletions.rows(sea) == []
        removed = [photo for one in await said_of(deletions, sea, PhotosRemoved) for photo in one.photos]
        assert [photo.photo_id for photo in removed] == [photos[0].id]
    names = sorted(path.name for path in trashed(shelf)[0].rglob("Sea0.*") if path.parent.name not in HIDDEN)
    assert names == ["Sea0.dng", "Sea0.jpg"]
    assert originals(shelf).keys() >= before


HIDDEN = {".thumb", ".preview"}


@pytest.mark.parametrize("effects", [4, 5, 6, 8])
@pytest.mark.parametrize("which", ["source", "destination"])
async def test_a_move_that_is_on_record_is_finished_before(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int, which: str
) -> None:
    sea, photos = await arrange(shelf, "Sea", 1)
    land, _ = await arrange(shelf, "Land", 1)
    inodes = {path.stat().st_ino for path in shelf.root.rglob("*.dng")} | {
        path.stat().st_ino for path in shelf.root.glob("*/*.jpg")
    }
    short = settings.model_copy(update={"pipeline": LEASES.model_copy(update={"stale_seconds": 0.6})})
    await move(site, photos, land)
    assert await run_until_killed(short, effects)
    gone, stays = (sea, land) if which == "source" else (land, sea)
    async with at_work(settings, library) as deletions:
        await deletions.deleted(gone)
        assert await deletions.process.fetch(OPEN_FILES) == [(0,)]
        assert await deletions.rows(gone) == []
        left = await deletions.rows(stays)
    [place] = trashed(shelf)
    kept = shelf.root / ("Land" if which == "source" else "Sea")
    lying = [path for folder in (place, kept) for path in folder.iterdir() if path.suffix in {".dng", ".jpg"}]
    assert sorted(path.stat().st_ino for path in lying) == sorted(inodes)
    rows = sorted(file["name"] for row in left for file in row[1] or ())
    assert rows == sorted(path.name for path in kept.iterdir() if path.suffix in {".dng", ".jpg"})
    assert {path.stem for path in (kept / ".thumb").iterdir()} == {row[0]["filename"] for row in left}
