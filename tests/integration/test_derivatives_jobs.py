"""Jobs that make derivatives: what is made, skipped and failed, over changed photos, dead workers and absent disks."""

import asyncio
import errno
from collections import defaultdict
from collections.abc import AsyncIterator

import images
import pytest
from bus_traffic import until
from derived import KEY, PROCESSING, add, held, held_unnamed, left_behind, made, run, size_of, statuses
from shelf import DNG, JPEG, Shelf, forbid, md5
from structlog.testing import capture_logs
from working import Site, hired

from photobus_common.config import Pipeline, Settings
from photobus_common.events.projects import DerivativesUpdated
from photobus_common.events.tasks import JobAttemptFailed, JobCompleted
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_derivatives.files import Unnamed
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.sandbox import DecoderPool

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
