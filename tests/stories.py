"""What happens to a library while its history is recorded: by people, over HTTP, and by hand, in its folders."""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import images
from bus_traffic import until
from insight import stored
from running_stack import RunningStack
from shoot import Visit, photos_of, until_ended, until_idle, upload

from photobus_client import Task

SETTINGS: Final[Mapping[str, str]] = {
    "PHOTOBUS_UPLOADER__BATCH_SECONDS": "0.2",
    "PHOTOBUS_MAINTENANCE__SETTLE_SECONDS": "0",
    "PHOTOBUS_MAINTENANCE__ORPHAN_HOURS": "0",
    "PHOTOBUS_MAINTENANCE__FULL_PASS_HOURS": "0",
    "PHOTOBUS_MAINTENANCE__REMOVAL_PHOTOS": "3",
    "PHOTOBUS_MAINTENANCE__STRAY_FILES": "trash",
    "PHOTOBUS_SCHEDULES__FOLDER_DISCOVERY_SECONDS": "604800",
    "PHOTOBUS_SCHEDULES__MAINTENANCE_GLOBAL_SECONDS": "604800",
    "PHOTOBUS_SCHEDULES__PROJECT_SCAVENGE_GLOBAL_SECONDS": "604800",
    "PHOTOBUS_SCHEDULES__LEAST_SECONDS": "1",
}

LONG_AGO: Final = "20200101T000000Z-00000000-0000-4000-8000-000000000001"
"""A trash folder as photobus names one."""

MISREAD: Final = "UPDATE photos SET camera_make = 'None' WHERE filename = 'D' RETURNING id"
"""Leave a row as a version might have that read the picture less well."""

SKIPPED: Final = "SELECT count(*) FROM event_log WHERE type = 'TickSkipped'"


class Story:
    """A running stack, its library, and somebody who works on both."""

    def __init__(self, stack: RunningStack, photobus: Visit) -> None:
        self.stack = stack
        self.photobus = photobus
        self.library = stack.data / "library" / "user_0"

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request."""
        return await self.photobus.transport.json(method, path, body=body)

    async def do(self, method: str, path: str, body: Any = None) -> Task:
        """Ask for a task, and wait for the end of it and of what it led to."""
        answer = await self.ask(method, path, {} if body is None else body)
        task = await until_ended(self.photobus, answer["task"]["id"])
        await until_idle(self.photobus, 1)
        assert task.status == "completed", task
        return task

    async def start(self, task_type: str, folder: str | None = None) -> Task:
        """Ask for a task over a project, or over everything."""
        targets: Any = {"all": True} if folder is None else {"project_folders": [folder]}
        return await self.photobus.start_task(task_type, targets)

    async def run(self, task_type: str, folder: str | None = None) -> None:
        """Run one to its good end; who asks whether something is truly gone is told that it is."""
        task = await self.start(task_type, folder)
        while not (await self.photobus.task(task.id)).ended:
            for asked in (await self.ask("GET", "/api/confirmations"))["items"]:
                await self.ask("POST", f"/api/confirmations/{asked['id']}", {"answer": "confirm"})
            await asyncio.sleep(0.1)
        await until_idle(self.photobus, 1)
        assert (await self.photobus.task(task.id)).status == "completed", task_type

    async def upload(self, folder: str, *names: str, on_conflict: str | None = None) -> None:
        """Upload files that the library has not seen, and wait for what follows."""
        tasks = len(await self.photobus.own_tasks())
        files = {name: picture(name, str(on_conflict).encode()) for name in names}
        await upload(self.photobus, folder, files, on_conflict)
        await until_idle(self.photobus, tasks + 1)

    async def ids(self, folder: str) -> dict[str, int]:
        """Return the photos of a project by name."""
        return {name: photo.id for name, photo in (await photos_of(self.photobus, folder)).items()}


def picture(name: str, salt: bytes = b"") -> bytes:
    """Make a small picture of the kind that the name tells, unlike any other."""
    return (images.dng(64, 48) if name.endswith(".dng") else images.jpeg(64, 48)) + name.encode() + salt


async def by_people(story: Story) -> None:
    """Upload, tag, keep, commit, move, rename, delete, and take most of it back; change access and a schedule."""
    photobus = story.photobus
    await photobus.create_project("Alps")
    await photobus.create_project("Lake")
    await story.upload("Alps", "A.jpg", "B.jpg", "B.dng")
    await story.upload("Alps", "A.dng")
    await story.upload("Alps", "A.jpg", on_conflict="overwrite")
    photos = await story.ids("Alps")
    tagged = [{"photo_id": photos["A"], "tags": ["snow", "sun"]}]
    await story.ask("POST", "/api/photos/tags/add", {"items": tagged})
    await story.ask("POST", "/api/photos/tags/remove", {"items": [{"photo_id": photos["A"], "tags": ["sun"]}]})
    kept = [
        {"photo_id": photos["A"], "keep_jpg": False},
        {"photo_id": photos["B"], "keep_jpg": False, "keep_raw": False},
    ]
    await story.ask("POST", "/api/photos/keep", {"items": kept})
    committed = await story.do("POST", "/api/projects/Alps/commit-changes")
    await story.do("POST", f"/api/tasks/{committed.id}/undo")
    await story.do("POST", "/api/photos/revert-changes")
    moved = await story.do("POST", "/api/photos/move", {"items": [{"photo_id": photos["B"]}], "dest_folder": "Lake"})
    await story.do("POST", f"/api/tasks/{moved.id}/undo")
    await photobus.rename_project("Lake", "Sea")
    await story.run("folder_alignment", "Lake")
    deleted = await story.do("DELETE", "/api/projects/Alps")
    await story.do("POST", f"/api/tasks/{deleted.id}/undo")
    token = await photobus.create_token("phone", "viewer")
    await photobus.revoke_token(token.id)
    await _skip_ticks(story)


async def _skip_ticks(story: Story) -> None:
    """Let a schedule be due while its last run cannot end."""
    maintenance = story.stack.pids["maintenance"]
    os.kill(maintenance, signal.SIGSTOP)
    await story.ask("PUT", "/api/schedules/folder_discovery", {"every_seconds": 1})

    async def skipped() -> bool:
        return [row["count"] > 0 for row in await stored(story.stack, SKIPPED)] == [True]

    await until(skipped)
    await story.ask("PUT", "/api/schedules/folder_discovery", {"every_seconds": 604_800})
    os.kill(maintenance, signal.SIGCONT)


async def by_hand(story: Story) -> None:
    """Find, rename, replace, lose and bring back files and folders, and let old trash go."""
    await story.photobus.create_project("Alps")
    await story.upload("Alps", *(f"{letter}.jpg" for letter in "ABCDEF"))
    found = story.library / "Found"
    found.mkdir()
    for name in ("A.jpg", "G.jpg", "film.mov"):
        (found / name).write_bytes(picture(name, b"by hand"))
    await story.run("folder_discovery")
    await story.run("maintenance", "Found")
    alps = story.library / "Alps"
    (alps / "F.jpg").rename(alps / "Z.jpg")
    await story.run("maintenance", "Alps")
    (alps / "E.jpg").write_bytes(images.jpeg(80, 40))
    await story.run("maintenance", "Alps")
    await stored(story.stack, MISREAD)
    await story.run("regenerate_metadata", "Alps")
    for trash in (alps / ".trash", story.library / ".trash"):
        _fill(trash / LONG_AGO)
    await story.run("maintenance_global")
    await story.run("project_scavenge_global")
    for letter in "ABC":  # so many that a person is asked
        (alps / f"{letter}.jpg").unlink()
    await story.run("maintenance", "Alps")
    await _lose_a_project(story, found)


def _fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "old.jpg").write_bytes(b"old")


async def _lose_a_project(story: Story, folder: Path) -> None:
    """Take a project's folder away until it is archived, bring it back, and take it away for good."""
    away = folder.with_name(".away")
    shutil.move(folder, away)
    for _ in range(2):
        await story.run("maintenance_global")
    shutil.move(away, folder)
    await story.run("folder_discovery")
    shutil.rmtree(folder)
    for _ in range(4):
        await story.run("maintenance_global")


STORIES: Final[dict[str, Callable[[Story], Awaitable[None]]]] = {"by-people": by_people, "by-hand": by_hand}
