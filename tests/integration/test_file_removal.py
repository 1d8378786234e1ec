"""``file_removal``: what is pending goes to the trash with all that belongs to it, and nothing else does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bus_traffic import until
from removing import OPEN, PHOTOS, commit, derivatives, keep, lying, originals, removal, rows_agree, show, trashed
from shelf import JPEG, Photo, Shelf, put
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Filemover, Settings
from photobus_common.events.projects import FilesTrashed, KeptKinds, PhotoFilesChanged, PhotosRemoved
from photobus_common.events.tasks import JobAttemptFailed, JobHandedBack, TaskRequested
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH, trash_folder, trashed_at
from photobus_common.worker.job import Handler
from photobus_filemover.jobs.file_removal import FileRemoval

TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT id, tenant, 'wedding' FROM photos WHERE id = $1"
ARCHIVE = "UPDATE projects SET status = 'canceled', archived_at = now() WHERE id = $1"
MOVED_OPERATIONS = "SELECT count(*) FROM file_operations WHERE outcome = 'moved'"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"filemover": Filemover(lock_wait_seconds=0.0)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return removal(settings, library)


async def done(site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]) -> RunJob:
    """Commit and wait for the end."""
    command = await commit(site, photos)
    async with hired(settings, handlers):
        await site.until_idle()
    return command


async def test_what_is_pending_goes_from_any_projects_with_all_that_belongs_to_it(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    alps, sea = ("Alps", await shelf.project("Alps")), ("Sea", await shelf.project("Sea"))
    pair = await shelf.photo(alps, "A", ["A.dng", "A.dng.xmp", "A.jpg", "A.xmp"])
    gone = await shelf.photo(sea, "B", ["B.jpeg", "B.jpg", "B.xmp"])
    other = await shelf.photo(alps, "C", ["C.dng", "C.jpg"])
    untouched = await shelf.photo(sea, "D", ["D.jpg"])
    await keep(site, pair, "jpg")
    await keep(site, gone)
    await site.execute(TAG, gone.id)
    await keep(site, other, "raw")
    for photo, name in ((pair, "A"), (gone, "B"), (other, "C"), (untouched, "D")):
        show(photo, name)
    before = originals(shelf)

    command = await done(site, settings, handlers, [pair, gone, other, untouched])

    assert await site.outcomes(command) == [
        (pair.id, "done", None),
        (gone.id, "done", None),
        (other.id, "done", None),
        (untouched.id, "skipped", "unchanged"),
    ]
    assert (lying(shelf, "Alps"), trashed(shelf, "Alps")) == (
        ["A.jpg", "A.xmp", "C.dng"],
        ["A.dng", "A.dng.xmp", "C.jpg"],
    )
    assert (lying(shelf, "Sea"), trashed(shelf, "Sea")) == (["D.jpg"], ["B.jpeg", "B.jpg", "B.xmp"])
    assert originals(shelf).keys() == before.keys()
    assert derivatives(shelf, "Sea") == [".preview/D.jpg", ".thumb/D.jpg"]
    assert len(derivatives(shelf, "Alps")) == 4
    assert await rows_agree(shelf, site)
    rows = {row["id"]: row for row in await shelf.rows()}
    assert rows.keys() == {pair.id, other.id, untouched.id}
    assert [rows[photo.id]["thumbnail_status"] for photo in (pair, other)] == ["generated", "pending"]
    assert [rows[photo.id]["version"] for photo in (pair, other, untouched)] == [3, 3, 1]
    assert await site.fetch(OPEN) == [(0,)]


async def test_it_is_told_with_what_an_undo_needs(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    gone, shown_anew = await shelf.photo(sea, "A", ["A.jpg"]), await shelf.photo(sea, "B", ["B.dng", "B.jpg"])
    await keep(site, gone)
    await keep(site, shown_anew, "raw")
    await site.execute(TAG, gone.id)

    command = await done(site, settings, handlers, [gone, shown_anew])

    [removed] = await site.said(PhotosRemoved)
    [photo] = removed.photos
    assert (photo.photo_id, photo.version, photo.tags) == (gone.id, 3, ("wedding",))
    assert (photo.keep, [file.name for file in photo.files]) == (
        KeptKinds(jpg=False, raw=False, other=False),
        ["A.jpg"],
    )
    assert {name: photo.row[name] for name in ("jpg_available", "taken_from", "thumbnail_status")} == {
        "jpg_available": True,
        "taken_from": "file",
        "thumbnail_status": "generated",
    }
    assert {"taken_at", "created_at"} < set(photo.row)
    [changed] = await site.said(PhotoFilesChanged)
    assert [file.name for file in changed.photos[0].removed] == ["B.jpg"]
    [told] = await site.said(FilesTrashed)
    assert {removed.task_id, changed.task_id, told.task_id} == {command.task_id}
    for file in told.files:
        assert (shelf.root / "Sea" / file.trash_path).read_bytes() == JPEG
        at = trashed_at(file.trash_path.split("/")[1])
        assert at is not None
        assert datetime.now(UTC) - at < timedelta(minutes=5)
    [asked] = await site.said(TaskRequested)
    assert (asked.task_type, asked.targets.photo_ids) == ("generate_derivatives", (shown_anew.id,))


async def test_a_missing_file_counts_as_removed_and_a_link_in_its_place_is_no_file(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    missing, linked = await shelf.photo(sea, "A", ["A.jpg"], ()), await shelf.photo(sea, "B", ["B.jpg"], ())
    empty = await shelf.photo(sea, "C", ())
    outside = shelf.root.parent / "outside.jpg"
    outside.write_bytes(JPEG)
    (linked.folder / "B.jpg").symlink_to(outside)
    for photo in (missing, linked, empty):
        await keep(site, photo)

    command = await done(site, settings, handlers, [missing, linked, empty])

    assert [status for _, status, _ in await site.outcomes(command)] == ["done", "done", "done"]
    assert await site.fetch(PHOTOS) == []
    assert outside.read_bytes() == JPEG
    assert (linked.folder / "B.jpg").is_symlink()
    assert await site.said(FilesTrashed) == []


async def test_what_is_kept_again_before_its_turn_or_after_it_was_put_on_record_stays(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    early, late = await shelf.photo(sea, "A", ["A.jpg"]), await shelf.photo(sea, "B", ["B.jpg", "B.dng"])
    await keep(site, early)
    await keep(site, late)
    show(late, "B")
    disk = originals(shelf)
    intend = FileRemoval._intend

    async def then_kept(self: FileRemoval, *args: Any) -> Any:
        arriving = await intend(self, *args)
        assert await site.fetch(OPEN) == [(4,)]
        await keep(site, late, "jpg raw")
        return arriving

    monkeypatch.setattr(FileRemoval, "_intend", then_kept)
    command = await commit(site, [early, late])
    await keep(site, early, "jpg")
    async with hired(settings, handlers):
        await site.until_idle()

    assert [status for _, status, _ in await site.outcomes(command)] == ["skipped", "skipped"]
    assert originals(shelf) == disk
    assert len(derivatives(shelf, "Sea")) == 2
    assert await site.fetch(OPEN) == [(0,)]


async def test_a_file_that_another_took_the_place_of_stays_and_is_told(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    photo = await shelf.photo(sea, "A", ["A.jpg", "A.dng"])
    await keep(site, photo)
    intend = FileRemoval._intend

    async def then_replaced(self: FileRemoval, *args: Any) -> Any:
        arriving = await intend(self, *args)
        put(photo.folder / "new", b"other bytes")
        (photo.folder / "new").replace(photo.folder / "A.jpg")
        return arriving

    monkeypatch.setattr(FileRemoval, "_intend", then_replaced)
    command = await done(site, settings, handlers, [photo])

    assert await site.outcomes(command) == [(photo.id, "failed", "A.jpg: Another file has taken its place.")]
    assert (lying(shelf, "Sea"), trashed(shelf, "Sea")) == (["A.jpg"], ["A.dng"])
    [row] = await shelf.rows()
    assert ([file.split()[0] for file in row["files"]], row["raw_available"]) == (["A.jpg"], False)


async def test_nothing_in_the_trash_is_replaced(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    basename = "é" * 125  # the name is as long as any may be
    longest = f"{basename}.jpeg"
    assert len(longest.encode()) == 255
    photos = [await shelf.photo(sea, "B", ["B.jpg"]), await shelf.photo(sea, basename, [longest])]
    for photo in photos:
        await keep(site, photo)
    command = await commit(site, photos)
    folder = shelf.root / "Sea" / TRASH / trash_folder(datetime.now(UTC), command.task_id)
    folder.mkdir(parents=True)
    put(folder / longest, b"older")
    intend = FileRemoval._intend

    async def then_taken(self: FileRemoval, *args: Any) -> Any:
        arriving = await intend(self, *args)
        if not (folder / "B.jpg").exists():
            put(folder / "B.jpg", b"put there meanwhile")
        return arriving

    monkeypatch.setattr(FileRemoval, "_intend", then_taken)
    async with hired(settings, handlers):
        await site.until_idle()

    assert [status for _, status, _ in await site.outcomes(command)] == ["done", "done"]
    assert (folder / longest).read_bytes() == b"older"
    assert (folder / "B.jpg").read_bytes() == b"put there meanwhile"
    assert len(trashed(shelf, "Sea")) == 4
    assert await site.fetch(PHOTOS) == []
    assert await site.fetch(MOVED_OPERATIONS) == [(2,)]


async def test_a_folder_that_someone_works_in_holds_up_its_own_photos_only(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = []
    for name in ("Alps", "Sea"):
        photos.append(await shelf.photo((name, await shelf.project(name)), name, [f"{name}.jpg"]))
        await keep(site, photos[-1])
    with shelf.library.open_project("Alps") as folder:
        assert folder.try_lock()
        command = await commit(site, photos)
        async with hired(settings, handlers):

            async def handed_back() -> bool:
                return bool(await site.said(JobHandedBack))

            await until(handed_back)
            assert (lying(shelf, "Alps"), lying(shelf, "Sea")) == (["Alps.jpg"], [])
            folder.unlock()
            await site.until_idle()

    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos]
    assert await site.said(JobAttemptFailed) == []


async def test_projects_that_are_gone_cost_their_own_photos_only(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = []
    for name in ("Alps", "Lake", "Sea"):
        photos.append(await shelf.photo((name, await shelf.project(name)), name, [f"{name}.jpg"]))
        await keep(site, photos[-1])
    await site.execute(ARCHIVE, photos[0].project_id)
    (shelf.root / "Lake").rename(shelf.root / "Elsewhere")

    command = await done(site, settings, handlers, [*photos, Photo(999, photos[0].project_id, shelf.root)])

    assert await site.outcomes(command) == [
        (photos[0].id, "canceled", "The project was deleted."),
        (photos[1].id, "failed", "The folder Lake is not in the library."),
        (photos[2].id, "done", None),
        (999, "canceled", "The project was deleted."),
    ]
    assert (lying(shelf, "Alps"), lying(shelf, "Elsewhere")) == (["Alps.jpg"], ["Lake.jpg"])


async def test_an_absent_library_fails_the_attempt_and_changes_nothing(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photo = await shelf.photo(("Sea", await shelf.project("Sea")), "A", ["A.jpg"])
    await keep(site, photo)
    before = await shelf.rows()
    shelf.away()
    command = await done(site, settings, handlers, [photo])
    [failed] = await site.said(JobAttemptFailed)
    assert (failed.code, failed.retryable) == ("storage_unavailable", True)
    assert (await shelf.rows(), await site.outcomes(command)) == (before, [])
    assert list(shelf.root.iterdir()) == []


async def test_a_link_in_place_of_the_trash_leads_nowhere(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photo = await shelf.photo(("Sea", await shelf.project("Sea")), "A", ["A.jpg"])
    await keep(site, photo)
    outside = shelf.root.parent / "outside"
    outside.mkdir()
    (photo.folder / TRASH).symlink_to(outside)
    before = await shelf.rows()

    command = await done(site, settings, handlers, [photo])

    assert await site.outcomes(command) == [(photo.id, "failed", "A.jpg: The storage does not let the file go.")]
    assert (await shelf.rows(), lying(shelf, "Sea"), list(outside.iterdir())) == (before, ["A.jpg"], [])
    assert await site.fetch(OPEN) == [(0,)]


async def test_a_project_that_is_moved_meanwhile_is_come_back_to(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await shelf.photo(("Sea", await shelf.project("Sea")), "A", ["A.jpg"])
    await keep(site, photo)
    intend = FileRemoval._intend

    async def once_moved(self: FileRemoval, *args: Any) -> Any:
        if photo.folder.exists():
            photo.folder.rename(photo.folder.with_name("Ocean"))
            await site.execute("UPDATE projects SET folder = 'Ocean'")
        return await intend(self, *args)

    monkeypatch.setattr(FileRemoval, "_intend", once_moved)
    command = await done(site, settings, handlers, [photo])

    assert await site.outcomes(command) == [(photo.id, "done", None)]
    assert len(await site.said(JobHandedBack)) == 1
    assert trashed(shelf, "Ocean") == ["A.jpg"]
    assert {data.project_folder for data in await site.said(PhotosRemoved)} == {"Ocean"}


async def test_a_name_that_an_upload_is_about_to_take_is_passed_over(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    arriving, other = await shelf.photo(sea, "A", ["A.jpg"]), await shelf.photo(sea, "B", ["B.jpg"])
    for photo in (arriving, other):
        await keep(site, photo)
    await shelf.intend(arriving, "A.jpg")

    command = await done(site, settings, handlers, [arriving, other])

    assert await site.outcomes(command) == [
        (arriving.id, "failed", "One of its files is still on its way, here or elsewhere."),
        (other.id, "done", None),
    ]
    assert (lying(shelf, "Sea"), trashed(shelf, "Sea")) == (["A.jpg"], ["B.jpg"])
