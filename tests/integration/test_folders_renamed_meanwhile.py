"""Work on a project whose folder gets another name between the reading of its row and the lock: it finds it again.

It neither fails for good, nor takes the folder for gone, nor does anything in one that has the name by now.
"""

from collections.abc import AsyncIterator
from itertools import count

import pytest
from crashing_mover import run_until_killed
from gateway_server import Gateway
from meanwhile import ANOTHERS, MOMENTS, Moment, renamed_meanwhile
from reconciling import checks
from removing import OPEN, keep, removal
from shelf import JPEG, Photo, Shelf
from uploading import statuses, upload
from working import Site, hired

from photobus_common.bus.provisioning import provision
from photobus_common.config import Filemover, Maintenance, Pipeline, Processing, Settings
from photobus_common.events.projects import PhotosAdded
from photobus_common.storage.library import Library
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.sandbox import DecoderPool

PROCESSING = Processing(worker_count=1, thumbnail_px=32, preview_px=64)
NAMES = ("Old", "New")

at_each_moment = pytest.mark.parametrize("moment", MOMENTS)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {
        "processing": PROCESSING,
        "filemover": Filemover(lock_wait_seconds=0.0),
        "maintenance": Maintenance(lock_wait_seconds=0.0, settle_seconds=0.0),
    }
    return settings.model_copy(update=changes)


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[DecoderPool]:
    """One decoder."""
    started = DecoderPool(PROCESSING)
    await started.start()
    yield started
    await started.close()


@pytest.fixture
async def photo(shelf: Shelf) -> Photo:
    """The photo ``A`` of the project that is renamed."""
    return await shelf.photo(("Old", await shelf.project("Old")), "A", ["A.jpg"])


def untouched(shelf: Shelf, moment: Moment) -> bool:
    """Whether the project that has the name now has what it had, if there is one."""
    place = shelf.root / "Old"
    if moment != "its name taken":
        return not place.exists()
    files = [path.name for path in place.rglob("*") if path.is_file()]
    return sorted(files) == [".project.yaml", "A.jpg"] and (place / "A.jpg").read_bytes() == ANOTHERS


@at_each_moment
async def test_an_upload_goes_into_the_folder_as_it_is_called_now(
    gateway: Gateway, shelf: Shelf, site: Site, photo: Photo, monkeypatch: pytest.MonkeyPatch, moment: Moment
) -> None:
    with renamed_meanwhile(monkeypatch, shelf, photo.project_id, NAMES, moment):
        answer = await upload(gateway, "Old", [("B.jpg", JPEG), ("C.jpg", JPEG)])

    assert statuses(answer) == [("B.jpg", "created", None), ("C.jpg", "created", None)]
    assert (shelf.root / "New" / "B.jpg").read_bytes() == JPEG
    assert {row["filename"] for row in await shelf.rows()} == {"A", "B", "C"}
    assert {data.project_folder for data in await site.said(PhotosAdded)} == {"New"}
    assert await site.fetch("SELECT count(*) FROM uploads") == [(0,)]
    assert untouched(shelf, moment)


@at_each_moment
async def test_a_resumable_upload_goes_on_under_its_address(
    gateway: Gateway, shelf: Shelf, photo: Photo, monkeypatch: pytest.MonkeyPatch, moment: Moment
) -> None:
    tus = {"Tus-Resumable": "1.0.0"}
    made = await gateway.call(
        "POST",
        "/api/projects/Old/uploads",
        headers={**tus, "Upload-Length": str(len(JPEG)), "Upload-Metadata": "filename Qi5qcGc="},
    )
    address, portion = made.headers["Location"], {**tus, "Content-Type": "application/offset+octet-stream"}
    await gateway.call("PATCH", address, headers={**portion, "Upload-Offset": "0"}, data=JPEG[:10])
    with renamed_meanwhile(monkeypatch, shelf, photo.project_id, NAMES, moment):
        last = await gateway.call("PATCH", address, headers={**portion, "Upload-Offset": "10"}, data=JPEG[10:])
    assert last.status == 204, last.body
    if moment != "its name taken":
        head = await gateway.call("HEAD", address, headers=tus)
        assert (head.status, head.headers["Upload-Offset"]) == (200, str(len(JPEG)))
    assert (shelf.root / "New" / "B.jpg").read_bytes() == JPEG
    assert untouched(shelf, moment)


@at_each_moment
@pytest.mark.parametrize("direction", ["from it", "into it"])
async def test_photos_move(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    library: Library,
    photo: Photo,
    monkeypatch: pytest.MonkeyPatch,
    moment: Moment,
    direction: str,
) -> None:
    other = await shelf.photo(("Other", await shelf.project("Other")), "B", ["B.jpg"])
    moved, target = (photo, other) if direction == "from it" else (other, photo)
    async with hired(settings, removal(settings, library)):
        with renamed_meanwhile(monkeypatch, shelf, photo.project_id, NAMES, moment):
            command = await site.post(
                [moved.target],
                "image_move_files",
                task_type="image_move",
                params={"dest_project_id": target.project_id},
            )
            await site.until_state(command, "completed")

    assert await site.outcomes(command) == [(moved.id, "done", None)]
    places = {path.name: path.parent.name for path in shelf.root.glob("*/[AB].jpg") if path.parent.name != "Old"}
    goal = "Other" if direction == "from it" else "New"
    assert places == {"A.jpg": goal, "B.jpg": goal}
    assert untouched(shelf, moment)


@at_each_moment
async def test_files_are_removed(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    library: Library,
    photo: Photo,
    monkeypatch: pytest.MonkeyPatch,
    moment: Moment,
) -> None:
    await keep(site, photo, "")
    async with hired(settings, removal(settings, library)):
        with renamed_meanwhile(monkeypatch, shelf, photo.project_id, NAMES, moment):
            command = await site.post([photo.target], "file_removal", task_type="change_commit_all")
            await site.until_state(command, "completed")

    assert await site.outcomes(command) == [(photo.id, "done", None)]
    assert len([*(shelf.root / "New").glob(".trash/*/A.jpg")]) == 1
    assert await shelf.rows() == []
    assert untouched(shelf, moment)


@at_each_moment
async def test_derivatives_are_made_where_the_photo_lies(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    library: Library,
    pool: DecoderPool,
    photo: Photo,
    monkeypatch: pytest.MonkeyPatch,
    moment: Moment,
) -> None:
    async with hired(settings, DerivativesMaker(library, pool, PROCESSING)):
        with renamed_meanwhile(monkeypatch, shelf, photo.project_id, NAMES, moment):
            command = await site.post([photo.target])
            await site.until_state(command, "completed")

    assert await site.outcomes(command) == [(photo.id, "done", None)]
    assert [path.name for path in (shelf.root / "New" / ".thumb").iterdir()] == ["A.jpg"]
    assert [row["thumbnail_status"] for row in await shelf.rows()] == ["generated"]
    assert not [path for path in (shelf.root / "Old").rglob("*") if path.parent.name == ".thumb"]


@at_each_moment
@pytest.mark.parametrize("over", ["items", "library"])
async def test_a_check_takes_no_file_for_missing(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    library: Library,
    photo: Photo,
    monkeypatch: pytest.MonkeyPatch,
    moment: Moment,
    over: str,
) -> None:
    before = await shelf.rows()
    async with hired(settings, checks(settings, library)):
        with renamed_meanwhile(monkeypatch, shelf, photo.project_id, NAMES, moment):
            command = (
                await site.post([photo.target], "manifest_check")
                if over == "items"
                else await site.post([], "manifest_check", over="library", task_type="maintenance_global")
            )
            await site.until_state(command, "completed")

    assert await shelf.rows() == before
    assert [status for _, status, _ in await site.outcomes(command)] == ["done"] * (over == "items")
    assert await site.fetch("SELECT code FROM maintenance_findings WHERE project_id = $1", photo.project_id) == []
    assert (shelf.root / "New" / "A.jpg").exists()


@pytest.mark.parametrize("moment", MOMENTS[:3])
async def test_an_original_is_sent_from_where_it_lies(
    gateway: Gateway, shelf: Shelf, photo: Photo, monkeypatch: pytest.MonkeyPatch, moment: Moment
) -> None:
    with renamed_meanwhile(monkeypatch, shelf, photo.project_id, NAMES, moment):
        answer = await gateway.client.get(
            f"/api/photos/{photo.id}/original", headers={"Authorization": f"Bearer {gateway.admin}"}
        )
        assert (answer.status, await answer.read()) == (200, JPEG)
    etag = answer.headers["ETag"]
    again = await gateway.client.get(
        f"/api/photos/{photo.id}/original",
        headers={"Authorization": f"Bearer {gateway.admin}", "If-None-Match": etag},
    )
    assert again.status == 304


@pytest.mark.parametrize("moment", ["once it is open", "its name taken"])
async def test_what_is_on_record_is_completed_in_the_right_folder(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    library: Library,
    photo: Photo,
    monkeypatch: pytest.MonkeyPatch,
    moment: Moment,
) -> None:
    settings = settings.model_copy(update={"pipeline": Pipeline(stale_seconds=0.6, heartbeat_ms=200)})
    await provision(site.broker, settings, archived_seq=0)  # what a killed worker had comes again after its lease
    await keep(site, photo, "")
    command = await site.post([photo.target], "file_removal", task_type="change_commit_all")
    for effects in count(1):
        await run_until_killed(settings, effects)
        if await site.fetch(OPEN) != [(0,)]:
            break
    assert (photo.folder / "A.jpg").exists()
    async with hired(settings, removal(settings, library)):
        with renamed_meanwhile(monkeypatch, shelf, photo.project_id, NAMES, moment):
            await site.until_state(command, "completed")

    assert await site.outcomes(command) == [(photo.id, "done", None)]
    assert len([*(shelf.root / "New").glob(".trash/*/A.jpg")]) == 1
    assert await site.fetch("SELECT outcome FROM file_operations") == [("moved",)]
    assert untouched(shelf, moment)
