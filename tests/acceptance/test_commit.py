"""Pending deletions of several projects are committed by one task, live, while the file mover is killed."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import images
import pytest
from running_stack import RunningStack
from shoot import Visit, Watcher, detail, photos_of, picture, until_ended, until_idle, upload

from photobus_client import Photo

pytestmark = pytest.mark.stack

PROJECTS = ("Alps", "Lake", "Sea")
PAIRS = 20


async def _arrange(photobus: Visit) -> dict[str, dict[str, Photo]]:
    """Upload pairs to each project; of every second one the JPEG is not kept, of the others nothing."""
    items, found = [], {}
    for name in PROJECTS:
        project = await photobus.create_project(name)
        files: dict[str, bytes] = {}
        for number in range(PAIRS):
            files |= {f"{name}{number}.dng": images.dng(), f"{name}{number}.jpg": images.jpeg(96, 64)}
        await upload(photobus, project.folder, files)
        found[name] = await photos_of(photobus, project.folder)
        items += [
            {"photo_id": photo.id, "keep_jpg": False, "keep_raw": bool(number % 2)}
            for number, photo in enumerate(found[name].values())
        ]
    await until_idle(photobus, len(PROJECTS))
    await photobus.transport.json("POST", "/api/photos/keep", body={"items": items})
    return found


def _originals(library: Path) -> list[Path]:
    """Return every original in its project or in the trash."""
    return [*library.glob("*/[!.]*.*"), *library.glob("*/.trash/*/*")]


async def _kill_once(stack: RunningStack) -> None:
    """Kill the file mover as soon as the first file is in the trash."""
    library = stack.data / "library" / "user_0"
    while not any(library.glob("*/.trash/*/*")):
        await asyncio.sleep(0.001)
    os.kill(stack.pids["filemover"], signal.SIGKILL)


async def test_one_commit_over_projects_loses_no_original_although_its_worker_is_killed(
    own_stack: RunningStack, own_photobus: Visit
) -> None:
    photobus, library = own_photobus, own_stack.data / "library" / "user_0"
    photos = await _arrange(photobus)
    inodes = [path.stat().st_ino for path in _originals(library)]
    planned: dict[str, Any] = await photobus.transport.json(
        "POST", "/api/photos/commit-changes", body={"dry_run": True}
    )

    async with Watcher(photobus).watching() as live:
        killing = asyncio.create_task(_kill_once(own_stack))
        answer = await photobus.transport.json("POST", "/api/photos/commit-changes", body={})
        task = await until_ended(photobus, answer["task"]["id"])
        await killing
        tasks = await until_idle(photobus, len(PROJECTS) + 2)
        await live.until_completed(tasks[0])

    shown = await detail(photobus, task.id)
    assert (task.status, [step["jobs"] for step in shown["steps"]]) == ("completed", [1, 1, 1, 1])
    going = {item["photo_id"] for item in planned["items"] if item["photo_goes"]}
    assert len(planned["items"]) == len(PROJECTS) * PAIRS
    assert sorted(event.data["photo_id"] for event in live.named("item_removed")) == sorted(going)
    for name in PROJECTS:
        left = await photos_of(photobus, name)
        assert {photo.id for photo in photos[name].values()} - {photo.id for photo in left.values()} <= going
        assert {path.stem for path in (library / name / ".thumb").iterdir()} == set(left)
        assert max((await picture(photobus, next(iter(left.values())).id)).size) <= 400
        trash = {path.name for path in (library / name / ".trash").glob("*/*")}
        assert trash == {
            file for item in planned["items"] if item["project_folder"] == name for file in item["removes"]
        }
    assert sorted(path.stat().st_ino for path in _originals(library)) == sorted(inodes)
