"""Moving by the API, to the end: what the dry run told is what happened, and an upload has brought photos along."""

import json
from collections.abc import AsyncIterator, Sequence

import pytest
from gateway_server import Gateway
from images import jpeg
from moving import accounted, whereabouts
from reconciling import checks
from removing import derivatives, originals, removal, show
from running_orchestrator import Running, running
from shelf import Photo, Shelf
from uploading import statuses, upload
from working import LEASES, Site, hired

from photobus_common.config import Events, Settings
from photobus_common.events import decode
from photobus_common.events.projects import PhotoMoved, PhotosMoved
from photobus_common.job_types import provided_by
from photobus_common.storage.library import Library
from photobus_common.worker import Handler, ItemOutcome, Job
from photobus_orchestrator.audit import replay

PROJECTS = 6
ENDED = "SELECT type, source, status FROM tasks WHERE ended_at IS NOT NULL ORDER BY created_at"
JOBS = "SELECT job_type, status, done, skipped FROM jobs WHERE task_id = $1 ORDER BY step, index"
MOVES = "SELECT payload FROM event_log WHERE type = 'PhotosMoved' ORDER BY seq"
STEPS = ("image_move_files", "manifest_check", "generate_derivatives")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a quick relay."""
    return settings.model_copy(update={"pipeline": LEASES, "events": Events(relay_after_seconds=0.2)})


@pytest.fixture
async def photos(shelf: Shelf) -> list[Photo]:
    """In each project a pair with sidecars whose name all projects have, and a photo of a name of its own."""
    found = []
    for number in range(PROJECTS):
        project = (f"P{number}", await shelf.project(f"P{number}"))
        for name in ("A", f"B{number}"):
            photo = await shelf.photo(project, name, [f"{name}.dng", f"{name}.dng.xmp", f"{name}.jpg", f"{name}.xmp"])
            show(photo, name)
            found.append(photo)
    return found


@pytest.fixture
async def process(settings: Settings, library: Library, gateway: Gateway) -> AsyncIterator[Running]:
    """An orchestrator with a file mover and maintenance; derivatives are made by somebody who says so."""
    makes: dict[str, Handler] = {job_type.name: _says_done for job_type in provided_by("derivatives")}
    async with (
        running(settings) as started,
        hired(settings, removal(settings, library)),
        hired(settings, checks(settings, library)),
        hired(settings, makes),
    ):
        yield started


async def _says_done(job: Job) -> None:
    job.record(ItemOutcome(item.position, item.photo_id, "done") for item in await job.pending_items())


def _moved(payload: str) -> Sequence[PhotoMoved]:
    data = decode(payload.encode()).data
    assert isinstance(data, PhotosMoved)
    return data.photos


async def test_one_task_moves_photos_of_many_projects_as_the_dry_run_told(
    gateway: Gateway, process: Running, shelf: Shelf, site: Site, photos: list[Photo], settings: Settings
) -> None:
    before = originals(shelf)
    body = {"projects": [f"P{number}" for number in range(PROJECTS)], "dest_folder": "P0"}
    planned = await gateway.post("/api/photos/move", {**body, "dry_run": True})
    assert planned.status == 200, planned.body
    assert originals(shelf) == before

    answer = await gateway.post("/api/photos/move", body)
    await process.until_rows([("image_move", "user", "completed")], ENDED)

    moving = 2 * (PROJECTS - 1)
    assert await process.fetch(JOBS, answer.body["task"]["id"]) == [
        ("image_move_files", "completed", moving, 2),
        *((step, "completed", 2 * PROJECTS, 0) for step in STEPS[1:]),
    ]
    expected = []
    for photo, item in zip(photos, planned.body["items"], strict=True):
        names = [file["new_name"] for file in item["files"]] or [
            f"{item['filename']}.{ending}" for ending in ("dng", "dng.xmp", "jpg", "xmp")
        ]
        expected.append((photo.id, "P0", item["new_filename"] or item["filename"], sorted(names)))
    assert await whereabouts(site) == expected
    assert [name for _, _, name, _ in expected][::2] == ["A", *(f"A ({number})" for number in range(2, PROJECTS + 1))]
    assert derivatives(shelf, "P0") == sorted(
        f"{kind}/{name}.jpg" for kind in (".preview", ".thumb") for _, _, name, _ in expected
    )
    assert await accounted(shelf, site, before)
    said = [photo for (payload,) in await process.fetch(MOVES) for photo in _moved(payload)]
    assert {photo.photo_id: photo.filename for photo in said} == {
        photo_id: name for photo_id, _, name, _ in expected[2:]
    }
    assert await replay(settings.postgres.dsn) == []


async def test_an_upload_brings_photos_along_and_finds_them_when_it_is_sent_again(
    gateway: Gateway, process: Running, shelf: Shelf, site: Site, photos: list[Photo]
) -> None:
    before = originals(shelf)
    fields = {"reloadConflictsIntoThisProject": "true", "conflictItems": json.dumps([photos[3].id, "B2"])}
    files = [("B3.jpg", jpeg(10, 10)), ("B3.png", b"no photo")]
    sent = await upload(gateway, "P0", files, **fields)
    await process.until_rows([("image_move", "upload", "completed")], ENDED)
    again = await upload(gateway, "P0", files, **fields)

    assert [status for _, status, _ in statuses(sent)] == ["moving", "refused"]
    assert statuses(again) == [("B3.jpg", "conflict", "other_bytes"), ("B3.png", "refused", "content_differs")]
    assert [item["status"] for item in again.body["conflict_items"]] == ["skipped", "skipped"]
    assert again.body["task"] is None
    came = [(name, folder) for _, folder, name, _ in await whereabouts(site) if name in ("B1", "B2", "B3")]
    assert came == [("B1", "P0"), ("B2", "P0"), ("B3", "P0")]
    assert await accounted(shelf, site, before)
