"""Whatever was done to photos and projects is undone on the whole system: files, rows, tags, flags and pictures."""

import asyncio
import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import images
import pytest
from running_stack import RunningStack
from shoot import Visit, photos_of, until_ended, until_idle, upload

from photobus_client import Task

pytestmark = pytest.mark.stack

PROJECTS = ("Alps", "Lake", "Sea")
PAIRS = 6
PASSING = {"version", "updated_at"}


async def _arrange(photobus: Visit) -> None:
    """Upload pairs to each project; of some nothing is kept, of others the RAW; every photo has a tag."""
    for name in PROJECTS:
        project = await photobus.create_project(name)
        files: dict[str, bytes] = {}
        for number in range(PAIRS):
            files |= {f"{name}{number}.dng": images.dng(), f"{name}{number}.jpg": images.jpeg(96, 64)}
        await upload(photobus, project.folder, files)
    await until_idle(photobus, len(PROJECTS))
    ids = [photo.id for name in PROJECTS for photo in (await photos_of(photobus, name)).values()]
    kept = [{"photo_id": one, "keep_jpg": False, "keep_raw": bool(one % 2)} for one in ids if one % 3]
    await photobus.transport.json("POST", "/api/photos/keep", body={"items": kept})
    tagged = [{"photo_id": one, "tags": [f"tag {one % 4}"]} for one in ids]
    await photobus.transport.json("POST", "/api/photos/tags/add", body={"items": tagged})


async def _all(photobus: Visit, library: Path) -> tuple[list[Any], dict[str, str]]:
    """Return all that the API says of every photo, but for what counts on, and the MD5 of every file outside trash."""
    photos = []
    for project in (await photobus.transport.json("GET", "/api/projects"))["items"]:
        for photo in (await photos_of(photobus, project["folder"])).values():
            shown = await photobus.transport.json("GET", f"/api/photos/{photo.id}")
            photos.append({name: value for name, value in shown.items() if name not in PASSING})
    return sorted(photos, key=lambda photo: int(photo["id"])), _tree(library)


def _tree(library: Path) -> dict[str, str]:
    files = (path for path in sorted(library.rglob("*")) if path.is_file() and ".trash" not in path.parts)
    return {
        str(path.relative_to(library)): hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in files
    }


def _trashed(library: Path) -> int:
    return len(list(library.glob("*/.trash/*/*")))


async def _do(photobus: Visit, method: str, path: str, body: dict[str, Any] | None = None) -> Task:
    """Ask for a task, and wait for the end of it and of what it led to."""
    answer = await photobus.transport.json(method, path, body=body)
    task = await until_ended(photobus, answer["task"]["id"])
    await until_idle(photobus, 1)
    assert task.status == "completed", task
    return task


async def _undo(photobus: Visit, task: Task) -> Task:
    return await _do(photobus, "POST", f"/api/tasks/{task.id}/undo", {})


async def _kill_once(stack: RunningStack, library: Path) -> None:
    """Kill the file mover as soon as the first file is back from the trash."""
    before = _trashed(library)
    while _trashed(library) >= before:
        await asyncio.sleep(0.001)
    os.kill(stack.pids["filemover"], signal.SIGKILL)


async def test_what_was_done_is_undone_and_that_undone_although_workers_are_killed(
    own_stack: RunningStack, own_photobus: Visit
) -> None:
    photobus, library = own_photobus, own_stack.data / "library" / "user_0"
    await _arrange(photobus)
    start = await _all(photobus, library)

    commit = await _do(photobus, "POST", "/api/photos/commit-changes", {})
    committed = await _all(photobus, library)
    assert committed != start
    killing = asyncio.create_task(_kill_once(own_stack, library))
    undone = await _undo(photobus, commit)
    await killing
    assert await _all(photobus, library) == start
    redone = await _undo(photobus, undone)
    assert await _all(photobus, library) == committed
    await _undo(photobus, redone)
    assert await _all(photobus, library) == start

    move = await _do(photobus, "POST", "/api/photos/move", {"projects": ["Alps", "Sea"], "dest_folder": "Lake"})
    assert len(await photos_of(photobus, "Lake")) == len(PROJECTS) * PAIRS
    await _undo(photobus, move)
    assert await _all(photobus, library) == start

    revert = await _do(photobus, "POST", "/api/photos/revert-changes", {})
    await _undo(photobus, revert)
    assert await _all(photobus, library) == start

    deletion = await _do(photobus, "DELETE", "/api/projects/Sea")
    assert not (library / "Sea").exists()
    await _undo(photobus, deletion)
    assert await _all(photobus, library) == start
