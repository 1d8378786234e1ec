"""A project is deleted while a thousand of its photos are being processed, and comes back by an undo."""

import hashlib
from pathlib import Path
from typing import Final

import images
import pytest
from running_stack import RunningStack
from shoot import Visit, Watcher, detail, items_of, jobs_of, photos_of, until_ended, until_idle, upload

from photobus_client import ApiError

pytestmark = [pytest.mark.stack, pytest.mark.stack_settings(PHOTOBUS_JOBS__SIZE='{"generate_derivatives": 300}')]

SEA: Final = 1000
LAND: Final = 100
PORTION: Final = 100
PICTURES: Final = [images.noise_jpeg(320, 240, seed=seed) for seed in range(5)]
DELETED: Final = "The project was deleted."


async def _arrange(photobus: Visit, name: str, photos: int) -> None:
    project = await photobus.create_project(name)
    for first in range(0, photos, PORTION):
        files = {f"{name}{first + number}.jpg": PICTURES[number % 5] for number in range(PORTION)}
        await upload(photobus, project.folder, files)


def _originals(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in folder.glob("*.jpg")
    }


async def test_its_items_stop_those_of_others_finish_and_all_of_it_comes_back(
    own_stack: RunningStack, own_photobus: Visit
) -> None:
    photobus, library = own_photobus, own_stack.data / "library" / "user_0"
    await _arrange(photobus, "Sea", SEA)
    await _arrange(photobus, "Land", LAND)
    await until_idle(photobus, (SEA + LAND) // PORTION)
    photos, project = await photos_of(photobus, "Sea"), await photobus.project("Sea")
    originals = _originals(library / "Sea")
    assert len(photos) == len(originals) == SEA

    async with Watcher(photobus).watching() as live:
        shared = await photobus.start_task("generate_derivatives", {"filter": {}}, {"force": True})
        alone = await photobus.start_task(
            "generate_derivatives", {"filter": {"project_folder": "Sea"}}, {"force": True}
        )
        await live.until(lambda event: event.name == "job_started" and event.data["task_id"] == str(alone.id))
        await live.until(lambda event: event.name == "item" and event.data["project_folder"] == "Sea")
        deletion = await photobus.delete_project("Sea")
        with pytest.raises(ApiError):
            await photobus.project("Sea")
        assert (await until_ended(photobus, deletion.id)).status == "completed"
        assert (await until_ended(photobus, alone.id)).status == "canceled"
        assert (await until_ended(photobus, shared.id)).status == "completed"
        await live.until_completed(shared)

    shown = await detail(photobus, shared.id)
    assert [job["status"] for job in await jobs_of(photobus, shared.id)] == ["completed"] * 4
    assert (shown["done"] + shown["skipped"], shown["failed"]) == (SEA + LAND, 0)
    items = await items_of(photobus, shared.id)
    own = {photo.id for photo in photos.values()}
    assert {item["status"] for item in items if item["photo_id"] not in own} == {"done"}
    ends = [(item["status"], item["reason"]) for item in items if item["photo_id"] in own]
    assert len(ends) == SEA
    assert ("canceled", DELETED) in ends
    assert set(ends) <= {("done", None), ("canceled", DELETED)}
    assert [event.data["project_id"] for event in live.named("project_canceled")] == [project.id]
    assert {event.data["photo_id"] for event in live.named("item_removed")} == own

    assert [one.folder async for one in photobus.projects()] == ["Land"]
    assert len([photo async for photo in photobus.photos()]) == LAND
    [trashed] = (library / ".trash").glob("*/*")
    assert (trashed.name, _originals(trashed)) == ("Sea", originals)
    assert not (library / "Sea").exists()
    assert list(library.rglob(".photobus-*[0-9a-f]")) == []

    undo = await photobus.undo_task(deletion.id)
    assert (await until_ended(photobus, undo.id)).status == "completed"
    await until_idle(photobus, (SEA + LAND) // PORTION + 4)
    assert _originals(library / "Sea") == originals
    back = await photos_of(photobus, "Sea")
    assert {name: photo.id for name, photo in back.items()} == {name: photo.id for name, photo in photos.items()}
    assert {photo.thumbnail_status for photo in back.values()} == {"generated"}
    assert (await photobus.project("Sea")).id == project.id
