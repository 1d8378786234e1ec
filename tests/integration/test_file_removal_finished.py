"""What a dead, canceled or failed file mover had on record is completed once, by whoever comes next."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from reconciling import checks
from removing import OPEN, commit, keep, lying, mover, originals, removal, rows_agree, trashed
from shelf import Photo, Shelf, put
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Filemover, Settings
from photobus_common.events.projects import FilesTrashed, PhotosRemoved
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library
from photobus_common.store.unit_of_work import UnitOfWork
from photobus_common.worker.job import Handler
from photobus_filemover import finishing
from photobus_filemover.completing import complete
from photobus_filemover.finishing import Finisher
from photobus_filemover.jobs import file_removal as module
from photobus_filemover.jobs.file_removal import FileRemoval
from photobus_filemover.places import Places
from photobus_filemover.settling import Cause, Settled


class Nobody:
    """A publisher that leaves everything in the outbox."""

    def offer(self, messages: object) -> None:
        pass


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"filemover": Filemover(lock_wait_seconds=0.0)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return removal(settings, library)


async def _dies_before_the_commit(
    shelf: Shelf, site: Site, settings: Settings, library: Library, photos: list[Photo], status: str = "canceled"
) -> RunJob:
    """Let a worker move all files and die before it writes rows; then its job is over."""
    moved = asyncio.Event()

    class Dies(FileRemoval):
        async def _remove(self, *args: Any) -> None:
            try:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("photobus_filemover.completing.write_removed", _never)
                    await super()._remove(*args)
            except _DeadError:
                moved.set()
                await asyncio.Event().wait()

    command = await commit(site, photos)
    async with hired(settings, {"file_removal": Dies(mover(settings, library))}) as worker:
        await moved.wait()
        await worker.kill()
    await site.end(command, status)
    return command


class _DeadError(Exception):
    pass


async def _never(*_: object) -> None:
    raise _DeadError


async def test_what_a_dead_worker_moved_comes_back_if_it_is_kept_again(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], library: Library
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    photo, other = await shelf.photo(sea, "A", ["A.jpg"]), await shelf.photo(sea, "B", ["B.jpg"])
    await keep(site, photo)
    await keep(site, other)
    disk = originals(shelf)
    command = await _dies_before_the_commit(shelf, site, settings, library, [photo, other])
    assert lying(shelf, "Sea") == []
    await keep(site, photo, "jpg")

    await Finisher(mover(settings, library)).finish(site.database, Nobody())

    assert (lying(shelf, "Sea"), trashed(shelf, "Sea")) == (["A.jpg"], ["B.jpg"])
    assert originals(shelf).keys() == disk.keys()
    assert await rows_agree(shelf, site)
    assert await site.outcomes(command) == [(photo.id, "skipped", "unchanged"), (other.id, "done", None)]


@pytest.mark.parametrize("kinds", ["", "jpg"])
async def test_of_two_names_that_a_cut_off_rename_left_one_stays(
    shelf: Shelf, site: Site, settings: Settings, library: Library, kinds: str
) -> None:
    photo = await shelf.photo(("Sea", await shelf.project("Sea")), "A", ["A.jpg"])
    await keep(site, photo)
    await _dies_before_the_commit(shelf, site, settings, library, [photo])
    [path] = (shelf.root / "Sea").glob(".trash/*/A.jpg")
    (shelf.root / "Sea" / "A.jpg").hardlink_to(path)  # as on a file system that can only link and unlink
    await keep(site, photo, kinds)

    await Finisher(mover(settings, library)).finish(site.database, Nobody())

    assert (lying(shelf, "Sea"), trashed(shelf, "Sea")) == ((["A.jpg"], []) if kinds else ([], ["A.jpg"]))
    assert await rows_agree(shelf, site)


@pytest.mark.parametrize("kinds", ["", "jpg"])
async def test_a_file_is_known_again_when_its_disk_has_got_another_number(
    shelf: Shelf, site: Site, settings: Settings, library: Library, kinds: str
) -> None:
    photo = await shelf.photo(("Sea", await shelf.project("Sea")), "A", ["A.jpg"])
    await keep(site, photo)
    await _dies_before_the_commit(shelf, site, settings, library, [photo])
    await site.execute("UPDATE file_operations SET device = device + 1")  # as a restart may do
    await keep(site, photo, kinds)

    await Finisher(mover(settings, library)).finish(site.database, Nobody())

    assert (lying(shelf, "Sea"), trashed(shelf, "Sea")) == ((["A.jpg"], []) if kinds else ([], ["A.jpg"]))
    assert await rows_agree(shelf, site)
    assert len(await site.said(FilesTrashed)) == (0 if kinds else 1)


@pytest.mark.parametrize("status", ["canceled", "failed"])
async def test_what_an_ended_job_had_on_record_is_completed(
    shelf: Shelf, site: Site, settings: Settings, library: Library, status: str
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    gone, shown_anew = await shelf.photo(sea, "A", ["A.jpg"]), await shelf.photo(sea, "B", ["B.jpg", "B.dng"])
    await keep(site, gone)
    await keep(site, shown_anew, "raw")
    command = await _dies_before_the_commit(shelf, site, settings, library, [gone, shown_anew], status)
    assert len(await shelf.rows()) == 2

    finisher = Finisher(mover(settings, library))
    with shelf.library.open_project("Sea") as folder:
        assert folder.try_lock()
        await finisher.finish(site.database, Nobody())
        assert len(await shelf.rows()) == 2
    await asyncio.gather(*(finisher.finish(site.database, Nobody()) for _ in range(3)))

    assert await rows_agree(shelf, site)
    assert await site.outcomes(command) == [(gone.id, "done", None), (shown_anew.id, "done", None)]
    assert [data.task_id for data in await site.said(PhotosRemoved)] == [command.task_id]
    [asked] = await site.said(TaskRequested)
    assert asked.targets.photo_ids == (shown_anew.id,)


async def test_a_project_whose_operations_cannot_be_completed_holds_up_no_other(
    shelf: Shelf, site: Site, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    sea, lake = [(name, await shelf.project(name)) for name in ("Sea", "Lake")]
    first, second = await shelf.photo(sea, "A", ["A.jpg"]), await shelf.photo(lake, "B", ["B.jpg"])
    for photo in (first, second):
        await keep(site, photo)
        await _dies_before_the_commit(shelf, site, settings, library, [photo])
    really_complete = complete

    async def fails_in_the_first(work: UnitOfWork, places: Places, asked: Mapping[int, Cause]) -> list[Settled]:
        if sea[1] in places.ids:
            raise ZeroDivisionError
        return await really_complete(work, places, asked)

    monkeypatch.setattr(finishing, "complete", fails_in_the_first)
    await Finisher(mover(settings, library)).finish(site.database, Nobody())

    assert await site.fetch(OPEN) == [(1,)]
    assert [row["id"] for row in await shelf.rows()] == [first.id]


async def test_the_next_job_of_the_folder_completes_it_too(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], library: Library
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    first, second = await shelf.photo(sea, "A", ["A.jpg"]), await shelf.photo(sea, "B", ["B.jpg"])
    await keep(site, first)
    await keep(site, second)
    dead = await _dies_before_the_commit(shelf, site, settings, library, [first])

    command = await commit(site, [first, second])
    async with hired(settings, handlers):
        await site.until_state(command, "completed")

    assert await site.outcomes(dead) == [(first.id, "done", None)]
    assert await site.outcomes(command) == [
        (first.id, "skipped", "The photo is no longer there."),
        (second.id, "done", None),
    ]
    assert trashed(shelf, "Sea") == ["A.jpg", "B.jpg"]


@pytest.mark.parametrize("status", ["canceled", "running"])
async def test_derivatives_are_asked_for_where_the_job_that_wanted_them_is_over(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], library: Library, status: str
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    first, second = await shelf.photo(sea, "A", ["A.dng", "A.jpg"]), await shelf.photo(sea, "B", ["B.jpg"])
    await keep(site, first, "raw")
    await keep(site, second)
    dead = await _dies_before_the_commit(shelf, site, settings, library, [first])
    if status == "running":
        await site.execute("UPDATE jobs SET status = 'running', ended_at = NULL WHERE id = $1", dead.job_id)

    command = await commit(site, [second])
    async with hired(settings, handlers):
        await site.until_state(command, "completed")

    asked = [data.targets.photo_ids for data in await site.said(TaskRequested)]
    assert asked == ([(first.id,)] if status == "canceled" else [])


async def test_checks_pass_over_what_is_on_record(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    sea = ("Sea", await shelf.project("Sea"))
    photo = await shelf.photo(sea, "A", ["A.jpg"])
    await keep(site, photo)
    await _dies_before_the_commit(shelf, site, settings, library, [photo])
    put(shelf.root / "Sea" / "A.jpg")  # by hand, and an hour old
    before = await shelf.rows()

    async with hired(settings, checks(settings, library)):
        for job_type in ("manifest_check", "folder_check"):
            await site.until_state(await site.post([photo.target], job_type), "completed")
        assert await shelf.rows() == before
        (shelf.root / "Sea" / "A.jpg").unlink()
        await site.until_state(await site.post([photo.target], "manifest_check"), "completed")
    assert await shelf.rows() == before


async def test_a_job_that_is_canceled_in_between_touches_nothing_more_by_itself(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PORTION", 1)
    sea = ("Sea", await shelf.project("Sea"))
    photos = [await shelf.photo(sea, f"A{number}", [f"A{number}.jpg"]) for number in range(3)]
    for photo in photos:
        await keep(site, photo)
    intend = FileRemoval._intend
    commands: list[RunJob] = []

    async def then_canceled(self: FileRemoval, *args: Any) -> Any:
        arriving = await intend(self, *args)
        if trashed(shelf, "Sea"):
            await site.end(commands[0])
        return arriving

    monkeypatch.setattr(FileRemoval, "_intend", then_canceled)
    commands.append(await commit(site, photos))
    async with hired(settings, handlers):
        await site.until_idle()

    assert trashed(shelf, "Sea") == ["A0.jpg"]
    assert await site.outcomes(commands[0]) == [(photos[0].id, "done", None)]
    assert await site.fetch(OPEN) == [(1,)]
    assert await rows_agree(shelf, site)
