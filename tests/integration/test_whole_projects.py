"""Checks and cleaning over whole projects: in portions, from a cursor; no row goes that a file may come back to."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from bus_traffic import until
from reconciling import checks
from removing import derivatives, show
from shelf import JPEG, Photo, Shelf, md5, put
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.projects import KeptKinds, ManifestChanged, PhotosAdded, PhotosRemoved
from photobus_common.events.tasks import JobAttemptFailed, JobHandedBack, TaskRequested
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST
from photobus_common.worker.job import Handler
from photobus_maintenance import new_photos, rounds
from photobus_maintenance.context import Context
from photobus_maintenance.jobs import folder_check, manifest_check, manifest_cleaning
from photobus_maintenance.jobs.manifest_cleaning import ManifestCleaning
from photobus_maintenance.visits import Visit

ADD_CHECK = """
INSERT INTO jobs (id, tenant, task_id, step, index, job_type, service, lane, priority, over, first, count, status,
    attempt, dispatch, dispatched_at, created_at)
SELECT gen_random_uuid(), tenant, task_id, 1, 0, 'manifest_check', service, lane, priority, over, 0, 0, 'completed',
    1, 1, now(), now() FROM jobs WHERE id = $1
"""
TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT id, tenant, 'wedding' FROM photos WHERE id = $1"
CURSOR = "SELECT cursor FROM job_claims WHERE job_id = $1"
ARCHIVE = "UPDATE projects SET status = 'canceled', archived_at = now() WHERE id = $1"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(removal_photos=20, lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"maintenance": guard})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    cleaning = ManifestCleaning(Context(library, settings, load_definitions()))
    return {**checks(settings, library), "manifest_cleaning": cleaning}


async def post(site: Site, job_type: str, projects: Sequence[int], *, checked: bool = False) -> RunJob:
    """Command a job over projects, whose task has checked them if that is said."""
    command = await site.post([], job_type, over="projects", task_type="change_commit_all", projects=projects)
    if checked:
        await site.execute(ADD_CHECK, command.job_id)
    return command


async def arrange(shelf: Shelf, name: str, photos: int) -> list[Photo]:
    """Make a project in which every second photo has lost its JPEG."""
    project = (name, await shelf.project(name))
    found = []
    for number in range(photos):
        files = [f"{name}{number}.dng", f"{name}{number}.jpg"]
        found.append(await shelf.photo(project, f"{name}{number}", files, files[: 2 - number % 2]))
    return found


async def test_every_photo_of_the_projects_is_checked_portion_by_portion(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PORTION", 2)
    photos = [photo for name, n in (("a", 5), ("b", 4), ("c", 1)) for photo in await arrange(shelf, name, n)]
    empty, other = await shelf.project("d"), await arrange(shelf, "e", 2)
    projects = sorted({photo.project_id for photo in photos} | {empty})
    await site.execute(ARCHIVE, photos[-1].project_id)
    (shelf.root / "d" / MANIFEST).unlink()

    async with hired(settings, handlers):
        command = await post(site, "manifest_check", projects)
        await site.until_idle()
        rows = {row["id"]: row for row in await shelf.rows()}
        for photo in photos[:9]:
            lost = photo.id in {one.id for one in (photos[1], photos[3], photos[6], photos[8])}
            assert (len(rows[photo.id]["files"]), rows[photo.id]["jpg_available"]) == (
                (1, False) if lost else (2, True)
            )
        assert [len(rows[photo.id]["files"]) for photo in (photos[9], *other)] == [2, 2, 2]
        assert (shelf.root / "d" / MANIFEST).exists()
        assert await site.fetch(CURSOR, command.job_id) == [({"project": empty + 1, "photo": 0, "done": 9},)]

        put(photos[1].folder / "a1.jpg")
        put(photos[6].folder / "b1.jpg")
        await post(site, "folder_check", projects)
        await site.until_idle()
    assert [len(row["files"]) for row in await shelf.rows()] == [2, 2, 2, 1, 2, 2, 2, 2, 1, 2, 2, 2]
    assert await site.said(JobAttemptFailed) == []


async def test_a_check_goes_on_where_it_was_handed_back(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PORTION", 1)
    photos = await arrange(shelf, "a", 4)
    seen: list[tuple[int, ...]] = []
    check = manifest_check._check

    async def then_asked(visit: Visit) -> None:
        seen.append(visit.photo_ids)
        await check(visit)
        visit.job.ask_back("portion")

    monkeypatch.setattr(manifest_check, "_check", then_asked)
    async with hired(settings, handlers):
        await post(site, "manifest_check", [photos[0].project_id])
        await site.until_idle()
    assert seen == [*((photo.id,) for photo in photos), ()]
    assert len(await site.said(JobHandedBack)) == 4


async def test_cleaning_removes_what_is_gone_and_says_what_it_was(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    project = ("a", await shelf.project("a"))
    gone, there = await shelf.photo(project, "A", ()), await shelf.photo(project, "B", ["B.jpg"])
    stale = await shelf.photo(project, "C", ["C.jpg"], ())  # no check has found that yet
    fresh, placed = await shelf.photo(project, "D", ()), await shelf.photo(project, "E", ())
    (fresh.folder / "D.jpg").write_bytes(JPEG)  # it comes back, and is too young for a check
    await shelf.intend(placed, "E.jpg")
    await site.execute(TAG, gone.id)
    show(gone, "A")
    show(there, "B")

    async with hired(settings, handlers):
        command = await post(site, "manifest_cleaning", [gone.project_id], checked=True)
        await site.until_idle()

    assert [row["id"] for row in await shelf.rows()] == [there.id, stale.id, fresh.id, placed.id]
    assert derivatives(shelf, "a") == [".preview/B.jpg", ".thumb/B.jpg"]
    [removed] = await site.said(PhotosRemoved)
    [photo] = removed.photos
    assert (removed.cause, removed.task_id) == ("manifest_cleaning", command.task_id)
    assert (photo.photo_id, photo.filename, photo.version, photo.tags) == (gone.id, "A", 2, ("wedding",))
    assert photo.keep == KeptKinds(jpg=False, raw=False, other=False)
    [changed] = await site.said(ManifestChanged)
    assert (changed.removed, changed.removed_filenames) == (1, ("A",))


async def test_nothing_is_cleaned_that_the_task_did_not_check(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    gone = await shelf.photo(("a", await shelf.project("a")), "A", ())
    async with hired(settings, handlers):
        await post(site, "manifest_cleaning", [gone.project_id])
        await site.until_idle()
    assert [row["id"] for row in await shelf.rows()] == [gone.id]


@pytest.mark.parametrize(
    ("job_type", "module", "last_step"),
    [
        ("manifest_check", manifest_check, "_correct"),
        ("folder_check", folder_check, "_add"),
        ("folder_check", new_photos, "_add"),
        ("manifest_cleaning", manifest_cleaning, "_remove"),
    ],
)
async def test_of_a_project_deleted_under_a_job_nothing_is_written(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    job_type: str,
    module: ModuleType,
    last_step: str,
) -> None:
    project = ("a", await shelf.project("a"))
    await shelf.photo(project, "A", ["A.dng", "A.jpg"], ["A.dng"])
    await shelf.photo(project, "B", ["B.dng"], ["B.dng"] if module is new_photos else ["B.dng", "B.jpg"])
    await shelf.photo(project, "C", ())
    put(shelf.root / "a" / "D.jpg")
    before, then = await shelf.rows(), getattr(module, last_step)

    async def deleted_before(*args: Any, **options: Any) -> Any:
        await site.execute(ARCHIVE, project[1])
        return await then(*args, **options)

    monkeypatch.setattr(module, last_step, deleted_before)
    async with hired(settings, handlers):
        command = await post(site, job_type, [project[1]], checked=True)
        await site.until_idle()

    assert await site.state(command) == "completed"
    assert [data.reason for data in await site.said(JobHandedBack)] == ["locked"]
    assert await shelf.rows() == before
    assert not {"PhotosAdded", "PhotosRemoved", "PhotoFilesChanged", "ManifestChanged"} & set(await site.words())


@pytest.mark.parametrize("job_type", ["manifest_check", "manifest_cleaning"])
async def test_an_absent_library_changes_nothing(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], job_type: str
) -> None:
    photos = await arrange(shelf, "a", 2)
    gone = await shelf.photo(("b", await shelf.project("b")), "A", ())
    before = await shelf.rows()
    shelf.away()
    async with hired(settings, handlers):
        await post(site, job_type, [photos[0].project_id, gone.project_id], checked=True)
        await site.until_idle()
    assert [failed.code for failed in await site.said(JobAttemptFailed)] == ["storage_unavailable"]
    assert await shelf.rows() == before


async def test_a_folder_that_someone_works_in_is_cleaned_later(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    gone = await shelf.photo(("a", await shelf.project("a")), "A", ())
    with shelf.library.open_project("a") as folder:
        assert folder.try_lock()
        async with hired(settings, handlers):
            await post(site, "manifest_cleaning", [gone.project_id], checked=True)

            async def handed_back() -> bool:
                return bool(await site.said(JobHandedBack))

            await until(handed_back)
            assert len(await shelf.rows()) == 1
            folder.unlock()
            await site.until_idle()
    assert await shelf.rows() == []


async def test_files_of_photos_that_are_not_known_become_photos_once(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_photos, "PORTION", 1)
    known = await shelf.photo(("a", await shelf.project("a")), "KNOWN", ["KNOWN.jpg"])
    await shelf.photo(("b", await shelf.project("b")), "ELSEWHERE", ["ELSEWHERE.jpg"])
    await shelf.intend(known, "PLACED.jpg")
    for name in ("A.jpg", "A.dng", "A.dng.xmp", "B.JPG", "ELSEWHERE.jpg", "PLACED.jpg", "LONE.xmp", ".HIDDEN.jpg"):
        put(known.folder / name)
    put(known.folder / "NONE.jpg", b"not a photo")
    (known.folder / "FRESH.jpg").write_bytes(JPEG)
    (known.folder / "LINK.jpg").symlink_to("KNOWN.jpg")
    disk = shelf.disk()

    async with hired(settings, handlers):
        for _ in range(2):
            await post(site, "folder_check", [known.project_id])
            await site.until_idle()

    rows = {row["filename"]: row for row in await shelf.rows()}
    assert sorted(rows) == ["A", "B", "ELSEWHERE", "KNOWN"]
    assert [file.split()[0] for file in rows["A"]["files"]] == ["A.dng", "A.dng.xmp", "A.jpg"]
    assert (rows["A"]["raw_available"], rows["A"]["keep_raw"], rows["A"]["thumbnail_status"]) == (True, True, "pending")
    told = [photo for data in await site.said(PhotosAdded) for photo in data.photos]
    assert {photo.filename: photo.photo_id for photo in told} == {name: rows[name]["id"] for name in "AB"}
    assert len(told) == 2
    [asked] = await site.said(TaskRequested)
    assert (asked.source, asked.targets.filter) == ("task", {"project_folder": "a", "status": "pending"})
    assert shelf.disk() == disk
    assert await site.said(JobAttemptFailed) == []


async def test_a_file_that_changes_while_it_is_read_waits_for_the_next_check(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = await shelf.project("a")
    path = shelf.root / "a" / "A.jpg"
    put(path)
    identified = new_photos._identified

    async def then_replaced(*args: Any) -> Any:
        found = await identified(*args)
        path.unlink()
        put(path, JPEG + b"more")
        return found

    monkeypatch.setattr(new_photos, "_identified", then_replaced)
    async with hired(settings, handlers):
        await post(site, "folder_check", [project])
        await site.until_idle()
        assert await shelf.rows() == []
        monkeypatch.setattr(new_photos, "_identified", identified)
        await post(site, "folder_check", [project])
        await site.until_idle()
    [row] = await shelf.rows()
    assert row["files"] == [f"A.jpg {md5(JPEG + b'more')}"]


async def test_names_may_repeat_where_that_is_wanted(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    await shelf.photo(("b", await shelf.project("b")), "A", ["A.jpg"])
    project = await shelf.project("a")
    put(shelf.root / "a" / "A.jpg")
    by_project = settings.model_copy(
        update={"library": settings.library.model_copy(update={"unique_names": "project"})}
    )
    async with hired(by_project, checks(by_project, library)):
        await post(site, "folder_check", [project])
        await site.until_idle()
    assert [row["filename"] for row in await shelf.rows()] == ["A", "A"]
