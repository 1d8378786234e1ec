"""What both checks do not believe, do not touch and do not trip over: absent disks, empty folders, refusals, locks."""

import asyncio
import fcntl
from uuid import uuid4

import pytest
from bus_traffic import until
from reconciling import State, arrange, checks
from shelf import Shelf, forbid, put
from structlog.testing import capture_logs
from working import Site, hired

from photobus_common.config import Maintenance, Settings
from photobus_common.errors import ConfigurationError
from photobus_common.events.tasks import JobAttemptFailed, JobHandedBack
from photobus_common.storage.folder import TEMPORARY_PREFIX
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_common.worker.job import Handler
from photobus_maintenance import app


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(removal_photos=2, removal_share=0.3, lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"maintenance": guard})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return checks(settings, library)


@pytest.mark.parametrize("job_type", ["manifest_check", "folder_check"])
async def test_an_absent_library_fails_the_attempt_and_changes_nothing(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], job_type: str
) -> None:
    photos = await arrange(shelf, {"a": State(disk=()), "b": State(disk=("IMG.dng", "IMG.jpg"))})
    before = await shelf.rows()
    shelf.away()

    async with hired(settings, handlers):
        command = await site.post([photo.target for photo in photos.values()], job_type)
        await site.until_idle()
        [failed] = await site.said(JobAttemptFailed)
        assert (failed.code, failed.retryable) == ("storage_unavailable", True)
        assert await site.outcomes(command) == []
        assert await shelf.rows() == before
        assert list(shelf.root.iterdir()) == []

        shelf.back()
        await site.again(command, attempt=2, dispatch=2)
        await site.until_idle()
    assert {status for _, status, _ in await site.outcomes(command)} == {"done"}
    assert await shelf.rows() != before


async def test_too_many_missing_photos_are_taken_for_a_wrong_folder(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    project = ("a", await shelf.project("a"))
    photos = [await shelf.photo(project, f"IMG_{number}", [f"IMG_{number}.jpg"]) for number in range(4)]
    targets = [photo.target for photo in photos]
    (photos[0].folder / "IMG_0.jpg").unlink()
    (photos[1].folder / "IMG_1.jpg").unlink()
    before = await shelf.rows()

    async with hired(settings, handlers):
        command = await site.post(targets, "manifest_check")
        await site.until_idle()
        [failed] = await site.said(JobAttemptFailed)
        assert (failed.code, failed.retryable) == ("too_many_missing", False)
        assert "2 of 4 checked photos of a" in failed.reason
        assert await site.outcomes(command) == []
        assert await shelf.rows() == before

        put(photos[1].folder / "IMG_1.jpg")
        await site.post(targets, "manifest_check")
        await site.until_idle()
    assert [len(row["files"]) for row in await shelf.rows()] == [0, 1, 1, 1]


async def test_an_empty_folder_is_not_believed_however_its_photos_are_cut_into_jobs(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    project = ("a", await shelf.project("a"))
    photos = [await shelf.photo(project, f"IMG_{number}", [f"IMG_{number}.jpg"], ()) for number in range(7)]
    before = await shelf.rows()

    async with hired(settings, handlers):
        for job in (photos[:3], photos[3:6], photos[6:]):  # the last is too small to tell by itself
            await site.post([photo.target for photo in job], "manifest_check")
        await site.until_idle()

    assert [failed.code for failed in await site.said(JobAttemptFailed)] == ["too_many_missing"] * 3
    assert await shelf.rows() == before


async def test_an_upload_that_vanished_from_a_large_project_is_not_believed(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    project = ("a", await shelf.project("a"))
    photos = [await shelf.photo(project, f"IMG_{number}", [f"IMG_{number}.jpg"]) for number in range(9)]
    for photo, number in ((photos[0], 0), (photos[1], 1)):
        (photo.folder / f"IMG_{number}.jpg").unlink()
    before = await shelf.rows()

    async with hired(settings, handlers):
        await site.post([photo.target for photo in photos[:3]], "manifest_check")
        await site.until_idle()
        [failed] = await site.said(JobAttemptFailed)
        assert "2 of 3 checked photos of a" in failed.reason
        assert await shelf.rows() == before

        await site.post([photo.target for photo in photos], "manifest_check")  # two of nine may well be gone
        await site.until_idle()
    assert [len(row["files"]) for row in await shelf.rows()] == [0, 0, *[1] * 7]


async def test_a_file_that_may_not_be_read_is_passed_over_and_told(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = State(disk=("IMG.dng", "IMG.jpg"))
    photos = await arrange(shelf, {"unreadable": State(disk=("IMG.RAF", "IMG.jpg")), "fine": both})
    before, disk = await shelf.rows(), shelf.disk()
    forbid(monkeypatch, "IMG.RAF")

    async with hired(settings, handlers):
        command = await site.post([photo.target for photo in photos.values()], "folder_check")
        await site.until_idle()

    unreadable, fine = photos.values()
    assert await site.outcomes(command) == [(unreadable.id, "failed", "unreadable"), (fine.id, "done", None)]
    rows = await shelf.rows()
    assert rows[0] == before[0]
    assert len(rows[1]["files"]) == 2
    assert shelf.disk() == disk


async def test_a_manifest_that_may_not_be_read_is_left_alone(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = await arrange(shelf, {"fine": State(), "one less": State(rows=("IMG.dng", "IMG.jpg"))})
    disk = shelf.disk()
    forbid(monkeypatch, MANIFEST)

    async with hired(settings, handlers):
        command = await site.post([photo.target for photo in photos.values()], "manifest_check")
        await site.until_idle()

    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos.values()]
    assert [len(row["files"]) for row in await shelf.rows()] == [1, 1]
    assert shelf.disk() == disk


async def test_a_folder_in_the_manifests_place_is_left_alone(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, {"fine": State(), "one less": State(rows=("IMG.dng", "IMG.jpg"))})
    for photo in photos.values():
        (photo.folder / MANIFEST).unlink()
        (photo.folder / MANIFEST).mkdir()

    async with hired(settings, handlers):
        command = await site.post([photo.target for photo in photos.values()], "manifest_check")
        await site.until_idle()

    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos.values()]
    assert [len(row["files"]) for row in await shelf.rows()] == [1, 1]
    assert all((photo.folder / MANIFEST).is_dir() for photo in photos.values())


async def test_what_was_being_written_an_hour_ago_is_removed(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, {"a": State()})
    disk = shelf.disk()
    left = [photos["a"].folder / folder / f"{TEMPORARY_PREFIX}{uuid4().hex}" for folder in (".", THUMBNAILS, PREVIEWS)]
    young = photos["a"].folder / f"{TEMPORARY_PREFIX}{uuid4().hex}"
    for path in left:
        path.parent.mkdir(exist_ok=True)
        put(path, b"half")
    young.write_bytes(b"half")

    async with hired(settings, handlers):
        await site.post([photos["a"].target], "folder_check")
        await site.until_idle()

    assert not any(path.exists() for path in left)
    assert young.exists()
    young.unlink()
    assert shelf.disk() == disk


async def test_a_folder_that_someone_works_in_is_corrected_later(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, {"a": State(disk=())})
    with shelf.library.open_project("a") as folder:
        assert folder.try_lock()
        async with hired(settings, handlers):
            command = await site.post([photos["a"].target], "manifest_check")

            async def handed_back() -> bool:
                return bool(await site.said(JobHandedBack))

            await until(handed_back)
            assert len((await shelf.rows())[0]["files"]) == 1
            folder.unlock()
            await site.until_idle()

    assert await site.outcomes(command) == [(photos["a"].id, "done", None)]
    assert (await shelf.rows())[0]["files"] == []
    assert await site.said(JobAttemptFailed) == []


@pytest.mark.usefixtures("shelf")
async def test_the_service_refuses_to_start_where_locks_do_not_hold(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)  # as a file system that keeps none answers
    with pytest.raises(ConfigurationError):
        await app.main(settings, asyncio.Event())


async def test_the_service_starts_while_a_library_is_away(shelf: Shelf, settings: Settings) -> None:
    shelf.away()
    stop = asyncio.Event()
    stop.set()
    with capture_logs() as said:
        await app.main(settings, stop)
    assert "library_unavailable" in {entry["event"] for entry in said}
    assert list(shelf.root.iterdir()) == []
