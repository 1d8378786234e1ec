"""Jobs that make derivatives: what is made, skipped and failed, over changed photos, dead workers and absent disks."""

import asyncio
import errno
import signal
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import images
import psutil
import pytest
from bus_traffic import until
from crashing_worker import DERIVATIVES_NAMED, run_until_killed
from PIL import Image
from shelf import DNG, JPEG, Photo, Shelf, forbid, md5
from structlog.testing import capture_logs
from working import Hired, Site, ends_leases, hired

from photobus_common.commands import RunJob
from photobus_common.config import Pipeline, Processing, Settings
from photobus_common.derivation import Recipe
from photobus_common.events.projects import DerivativesUpdated
from photobus_common.events.tasks import JobAttemptFailed, JobCompleted
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_common.worker.job import Handler
from photobus_derivatives.files import OpenFiles, Unnamed
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.sandbox import DecoderPool

PROCESSING = Processing(worker_count=2, thumbnail_px=32, preview_px=64)
KEY = Recipe.of(PROCESSING).key

CHANGE = "UPDATE photos SET version = version + 1 WHERE id = $1"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query = $1"


@pytest.fixture
def settings(settings: Settings, leases: Pipeline) -> Settings:
    return settings.model_copy(update={"pipeline": leases, "processing": PROCESSING})


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[DecoderPool]:
    """Two decoders."""
    started = DecoderPool(PROCESSING)
    await started.start()
    yield started
    await started.close()


@pytest.fixture
def handlers(library: Library, pool: DecoderPool) -> dict[str, Handler]:
    maker = DerivativesMaker(library, pool, PROCESSING)
    return {"upload_postprocess": maker, "generate_derivatives": maker}


async def add(shelf: Shelf, folder: str, *names: str) -> list[Photo]:
    """Make a project with one photo a file name."""
    project = (folder, await shelf.project(folder))
    return [await shelf.photo(project, name.partition(".")[0], [name]) for name in names]


def made(photo: Photo, name: str) -> tuple[Path, Path]:
    """Where the derivatives lie."""
    return photo.folder / THUMBNAILS / name, photo.folder / PREVIEWS / name


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image."""
    return Image.open(BytesIO(path.read_bytes())).size


def left_behind(shelf: Shelf) -> list[str]:
    """Names of temporary files."""
    return [path.name for kind in (THUMBNAILS, PREVIEWS) for path in shelf.root.glob(f"*/{kind}/.*")]


async def statuses(shelf: Shelf) -> dict[str, tuple[str, str | None, str | None]]:
    """Status, key and reason of each photo; both derivatives have one status."""
    rows = await shelf.rows()
    assert all(row["thumbnail_status"] == row["preview_status"] for row in rows)
    return {row["filename"]: (row["preview_status"], row["derivative_key"], row["derivative_reason"]) for row in rows}


async def run(site: Site, photos: list[Photo], *, force: bool = False) -> list[tuple[str, str | None]]:
    """Let the worker at hand do a job over ``photos``; return status and reason of each."""
    params = {"force": True} if force else {}
    command = await site.post([photo.target for photo in photos], params=params)
    await site.until_idle()
    return [(status, reason) for _, status, reason in await site.outcomes(command)]


class Held:
    """Stops makers at one function of theirs, before it or after it, until they may go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.times = 0


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, holder: type, name: str) -> Iterator[Held]:
    """Hold whoever calls a function of ``holder``, the first time, when it has done its work."""
    function: Callable[..., Any] = getattr(holder, name)
    hold = Held()

    def holding(*args: Any) -> Any:
        hold.times += 1
        first = hold.times == 1
        result = function(*args)
        if first:
            hold.reached.set()
            hold.go_on.wait(30)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(holder, name, holding)
        try:
            yield hold
        finally:
            hold.go_on.set()


def held_unnamed(monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[Held]:
    """Hold the first maker whose derivatives are on disk and have no names yet."""
    return held(monkeypatch, OpenFiles, "sync")


async def test_photos_of_several_projects_get_both_derivatives_in_one_job(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    a, b = await add(shelf, "a", "one.jpg", "two.dng"), await add(shelf, "b", "three.jpg")
    async with hired(settings, handlers):
        assert await run(site, [b[0], *a]) == [("done", None)] * 3

    assert size_of(made(a[0], "one.jpg")[0]) == (32, 22)
    assert size_of(made(a[0], "one.jpg")[1]) == (64, 43)
    assert {name: status for name, (status, _, _) in (await statuses(shelf)).items()} == {
        "one": "generated",
        "two": "generated",
        "three": "generated",
    }
    told: defaultdict[str, list[str]] = defaultdict(list)
    for data in await site.said(DerivativesUpdated):
        told[data.project_folder] += [photo.filename for photo in data.photos]
    assert {folder: sorted(names) for folder, names in told.items()} == {"a": ["one", "two"], "b": ["three"]}
    rows = {row["filename"]: row for row in await shelf.rows()}
    assert (rows["one"]["width"], rows["one"]["height"]) == (96, 64)


async def test_what_is_up_to_date_is_skipped_unless_forced_or_gone_from_disk(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = await add(shelf, "a", "one.jpg", "two.jpg")
    async with hired(settings, handlers):
        await run(site, photos)
        rows, disk = await shelf.rows(), shelf.disk()

        with monkeypatch.context() as patch:
            patch.delattr(DecoderPool, "make")  # nothing is decoded
            assert await run(site, photos) == [("skipped", "up_to_date")] * 2
        assert (await shelf.rows(), shelf.disk()) == (rows, disk)

        made(photos[1], "two.jpg")[0].unlink()
        assert await run(site, photos) == [("skipped", "up_to_date"), ("done", None)]
        assert shelf.disk().keys() == disk.keys()
        assert shelf.disk()["a/.thumb/one.jpg"] == disk["a/.thumb/one.jpg"]

        assert await run(site, photos, force=True) == [("done", None)] * 2
        assert shelf.disk()["a/.thumb/one.jpg"] != disk["a/.thumb/one.jpg"]


async def test_what_cannot_be_made_fails_with_a_reason_and_costs_nothing_else(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    missing, broken, fine, gone = await add(shelf, "a", "missing.jpg", "broken.jpg", "fine.jpg", "gone.jpg")
    [lost] = await add(shelf, "lost", "lost.jpg")
    nothing = await shelf.photo(("b", await shelf.project("b")), "nothing", [])
    (missing.folder / "missing.jpg").unlink()
    await shelf.replace(broken, "broken.jpg", b"\xff\xd8\xff not a photo")
    await site.execute("DELETE FROM photos WHERE id = $1", gone.id)
    lost.folder.rename(lost.folder.with_name("moved"))

    async with hired(settings, handlers):
        outcomes = await run(site, [missing, broken, fine, gone, lost, nothing])

    assert [status for status, _ in outcomes] == ["failed", "failed", "done", "skipped", "failed", "failed"]
    assert [outcomes[n][1] for n in (0, 3, 4, 5)] == [
        "original_missing",
        "The photo is no longer there.",
        "folder_missing",
        "no_original",
    ]
    found = await statuses(shelf)
    assert found["missing"] == ("failed", None, "original_missing")
    assert found["broken"] == ("failed", None, outcomes[1][1])
    assert found["broken"][2]
    assert found["lost"] == ("failed", None, "folder_missing")
    assert left_behind(shelf) == []
    [completed] = await site.said(JobCompleted)
    assert (completed.done, completed.failed, completed.skipped) == (1, 4, 1)


async def test_a_file_that_may_not_be_read_costs_its_photo_only(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable, fine = await add(shelf, "a", "unreadable.jpg", "fine.jpg")
    both = await shelf.photo(("a", fine.project_id), "both", ["both.jpg", "both.dng"])
    forbid(monkeypatch, "unreadable.jpg")
    forbid(monkeypatch, "both.jpg", errno.EPERM)

    async with hired(settings, handlers):
        outcomes = await run(site, [unreadable, fine, both])

    assert outcomes == [("failed", "unreadable"), ("done", None), ("done", None)]
    found = await statuses(shelf)
    assert found["unreadable"] == ("failed", None, "unreadable")
    assert found["both"] == ("generated", KEY(md5(DNG)), None)
    assert await site.said(JobAttemptFailed) == []


async def test_why_a_photo_was_refused_is_logged(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    [photo] = await add(shelf, "a", "broken.jpg")
    await shelf.replace(photo, "broken.jpg", b"\xff\xd8\xff not a photo")
    with capture_logs() as said:
        async with hired(settings, handlers):
            [(_, reason)] = await run(site, [photo])

    [entry] = [entry for entry in said if entry["event"] == "photo_refused"]
    assert (entry["photo_id"], entry["file"], entry["reason"]) == (photo.id, "broken.jpg", reason)
    assert entry["detail"]


async def test_a_photo_that_is_replaced_meanwhile_gets_derivatives_of_its_new_bytes(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    [photo] = await add(shelf, "a", "one.jpg")
    newer = images.jpeg(64, 96)
    with held_unnamed(monkeypatch) as hold:
        async with hired(settings, handlers):
            command = await site.post([photo.target])
            await until(hold.reached.is_set)
            await shelf.replace(photo, "one.jpg", newer)
            hold.go_on.set()
            await site.until_idle()

    assert hold.times == 2
    assert await site.outcomes(command) == [(photo.id, "done", None)]
    assert (await statuses(shelf))["one"] == ("generated", KEY(md5(newer)), None)
    assert size_of(made(photo, "one.jpg")[1]) == (43, 64)
    assert len(await site.said(DerivativesUpdated)) == 1
    assert left_behind(shelf) == []


async def test_a_slow_job_does_not_put_old_pictures_over_those_of_a_faster_one(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    [photo] = await add(shelf, "a", "one.jpg")
    newer = images.jpeg(64, 96)
    with held_unnamed(monkeypatch) as hold:
        async with hired(settings, handlers):
            slow = await site.post([photo.target])
            await until(hold.reached.is_set)
            await shelf.replace(photo, "one.jpg", newer)
            fast = await site.post([photo.target], "upload_postprocess", lane="priority", source="upload")
            await site.until_state(fast, "completed")
            disk = shelf.disk()
            hold.go_on.set()
            await site.until_idle()

    assert await site.outcomes(fast) == [(photo.id, "done", None)]
    assert await site.outcomes(slow) == [(photo.id, "skipped", "up_to_date")]
    assert (await statuses(shelf))["one"] == ("generated", KEY(md5(newer)), None)
    assert size_of(made(photo, "one.jpg")[1]) == (43, 64)
    assert shelf.disk() == {
        path: entry for path, entry in disk.items() if "/." not in path or "/.photobus-" not in path
    }


async def test_a_job_that_is_canceled_names_nothing_any_more(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = await add(shelf, "a", "one.jpg", "two.jpg")
    disk = shelf.disk()
    with held_unnamed(monkeypatch) as hold:
        async with hired(settings, handlers):
            command = await site.post([photo.target for photo in photos])
            await until(hold.reached.is_set)
            await site.end(command)
            hold.go_on.set()
            await site.until_idle()

    assert shelf.disk() == disk
    assert await site.said(DerivativesUpdated) == []


async def test_nobody_changes_a_photo_while_its_derivatives_get_their_names(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    [photo] = await add(shelf, "a", "one.jpg")
    with held(monkeypatch, Unnamed, "put_in_place") as hold:
        async with hired(settings, handlers):
            await site.post([photo.target])
            await until(hold.reached.is_set)
            changing = asyncio.create_task(site.execute(CHANGE, photo.id))

            async def waits() -> bool:
                return await site.fetch(WAITING, CHANGE) == [(1,)]

            await until(waits)
            hold.go_on.set()
            await changing
            await site.until_idle()

    assert (await statuses(shelf))["one"] == ("generated", KEY(md5(JPEG)), None)


async def test_a_photo_that_is_deleted_meanwhile_is_skipped(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    [photo] = await add(shelf, "a", "one.jpg")
    with held_unnamed(monkeypatch) as hold:
        async with hired(settings, handlers):
            command = await site.post([photo.target])
            await until(hold.reached.is_set)
            await site.execute("DELETE FROM photos WHERE id = $1", photo.id)
            hold.go_on.set()
            await site.until_idle()

    assert await site.outcomes(command) == [(photo.id, "skipped", "The photo is no longer there.")]
    assert await site.said(DerivativesUpdated) == []


@ends_leases
async def test_another_worker_finishes_what_a_killed_one_had_named_but_not_written(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await add(shelf, "a", "one.jpg", "two.jpg", "three.dng")
    command = await site.post([photo.target for photo in photos])
    assert await run_until_killed(settings, DERIVATIVES_NAMED) == signal.SIGKILL
    assert list(shelf.root.glob("a/.thumb/[!.]*"))
    assert await site.said(DerivativesUpdated) == []

    async with hired(settings, handlers):
        await site.until_idle()
    await each_once(site, command, photos)


@ends_leases
async def test_a_photo_replaced_after_a_crash_gets_derivatives_of_its_new_bytes(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    [photo] = await add(shelf, "a", "one.jpg")
    newer = images.jpeg(64, 96)
    command = await site.post([photo.target])
    assert await run_until_killed(settings, DERIVATIVES_NAMED) == signal.SIGKILL
    assert size_of(made(photo, "one.jpg")[1]) == (64, 43)
    await shelf.replace(photo, "one.jpg", newer)

    async with hired(settings, handlers):
        await site.until_idle()
    assert await site.outcomes(command) == [(photo.id, "done", None)]
    assert (await statuses(shelf))["one"] == ("generated", KEY(md5(newer)), None)
    assert size_of(made(photo, "one.jpg")[1]) == (43, 64)


@ends_leases
async def test_a_worker_that_is_cut_off_before_it_names_files_leaves_none(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = await add(shelf, "a", "one.jpg", "two.jpg", "three.dng")
    with held_unnamed(monkeypatch) as hold:
        async with hired(settings, handlers) as worker:
            command = await site.post([photo.target for photo in photos])
            await until(hold.reached.is_set)
            await die(worker, hold)
    assert left_behind(shelf) == []

    async with hired(settings, handlers):
        await site.until_idle()
    await each_once(site, command, photos)


async def test_a_worker_that_is_cut_off_while_it_opens_files_closes_them(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    [photo] = await add(shelf, "a", "one.jpg")
    disk, descriptors = shelf.disk(), psutil.Process().num_fds()
    with held(monkeypatch, OpenFiles, "open") as hold:
        async with hired(settings, handlers) as worker:
            await site.post([photo.target])
            await until(hold.reached.is_set)
            assert left_behind(shelf)
            await die(worker, hold)
    assert shelf.disk() == disk
    assert psutil.Process().num_fds() <= descriptors


async def each_once(site: Site, command: RunJob, photos: list[Photo]) -> None:
    """Hold the job to having done and told of each photo once."""
    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos]
    told = [photo.filename for data in await site.said(DerivativesUpdated) for photo in data.photos]
    assert sorted(told) == ["one", "three", "two"]
    [completed] = await site.said(JobCompleted)
    assert (completed.done, completed.failed, completed.skipped) == (len(photos), 0, 0)


async def die(worker: Hired, hold: Held) -> None:
    """End the worker where it stands; the thread that it is in cannot be ended, and goes on."""
    dying = asyncio.create_task(worker.kill())
    await until(lambda: worker.task.cancelling() > 0)
    hold.go_on.set()
    await dying


async def test_an_absent_library_fails_the_attempt_and_marks_no_photo(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await add(shelf, "a", "one.jpg", "two.jpg")
    before = await shelf.rows()
    shelf.away()
    async with hired(settings, handlers):
        command = await site.post([photo.target for photo in photos])
        await site.until_idle()
        [failed] = await site.said(JobAttemptFailed)
        assert (failed.code, failed.retryable) == ("storage_unavailable", True)
        assert await site.outcomes(command) == []
        assert await shelf.rows() == before

        shelf.back()
        await site.again(command, attempt=2, dispatch=2)
        await site.until_idle()
    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos]
