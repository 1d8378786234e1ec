"""Maintenance runs again and again while people upload, move, commit and rename; a model of its own says what must be.

The model knows only what was asked and answered: which bytes belong to which photo, where its owner wants it, and what
its owner threw away. It is held against the disk, the rows, the log and the reports of maintenance.
"""

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import images
import pytest
from insight import stored
from running_stack import RunningStack
from shelf import XMP
from shoot import Visit, until_ended, upload

from photobus_client import ApiError, Keep, Selection

pytestmark = [
    pytest.mark.stack,
    pytest.mark.stack_settings(
        PHOTOBUS_MAINTENANCE__SETTLE_SECONDS="0.5",
        PHOTOBUS_MAINTENANCE__ORPHAN_HOURS="0",
        PHOTOBUS_RATE_LIMITS__REQUESTS="1000",
        PHOTOBUS_UPLOADER__BATCH_SECONDS="0.2",
    ),
]

SEED: Final = 20261130
OWNERS: Final = 4
STEPS_EACH: Final = 50
PROJECTS: Final = 5
CHECKERS: Final = 3
TASKS: Final = ("maintenance_global", "folder_discovery", "integrity_check", "maintenance_global")
UNTOUCHED: Final = frozenset({"missing", "untracked", "bit_rot", "changed_outside"})
"""What an integrity check would only report of a library that somebody else had changed."""

FALSE_CHANGES: Final = """
SELECT type, payload FROM event_log
WHERE type IN ('FilesRenamed', 'StrayFilesTrashed', 'PhotosRecognized', 'ProjectDiscovered', 'ProjectRemoved')
    OR (type = 'PhotoFilesChanged' AND payload::jsonb -> 'data' ->> 'cause' IN ('manifest_check', 'folder_check'))
    OR (type = 'PhotosRemoved' AND payload::jsonb -> 'data' ->> 'cause' <> 'file_removal')
    OR (type = 'ProjectCanceled')
"""
FINDINGS: Final = "SELECT code, subject, reason FROM maintenance_findings WHERE kind <> 'changed'"
CHANGES: Final = "SELECT coalesce(sum(changed), 0)::int AS changed FROM maintenance_counts WHERE task_id = '{task}'"
FILES: Final = """
SELECT pr.id AS project_id, pr.folder, p.id, p.filename, f.name, f.md5
FROM photo_files f JOIN photos p ON p.id = f.photo_id JOIN projects pr ON pr.id = p.project_id
"""


@dataclass
class Wanted:
    """A photo as its owner wants it: its files by their ending, its tag, the project it was put into last."""

    name: str
    photo_id: int
    project_id: int
    files: dict[str, str]
    thrown_away: bool = False


@dataclass
class Model:
    """What everybody asked for."""

    photos: list[Wanted] = field(default_factory=list)

    def trash(self) -> Counter[str]:
        """The bytes that were thrown away."""
        return Counter(md5 for photo in self.photos if photo.thrown_away for md5 in photo.files.values())

    def there(self, folders: dict[int, str]) -> dict[str, str]:
        """The bytes of every file that must be in its project's folder, by path."""
        return {
            f"{folders[photo.project_id]}/{photo.name}{ending}": md5
            for photo in self.photos
            if not photo.thrown_away
            for ending, md5 in photo.files.items()
        }


class Owner:
    """Somebody who works on photos of their own, in projects of all."""

    def __init__(self, number: int, photobus: Visit, model: Model, projects: Sequence[int]) -> None:
        self._number = number
        self._photobus = photobus
        self._model = model
        self._projects = projects
        self._random = random.Random(SEED + number)
        self._own: list[Wanted] = []

    async def work(self) -> None:
        """Take all the steps."""
        for step in range(STEPS_EACH):
            deeds = [self._upload, self._move, self._move, self._throw_away, self._rename]
            deed = self._upload if len(self._there()) < 4 else self._random.choice(deeds)
            await deed(step)

    def _there(self) -> list[Wanted]:
        return [photo for photo in self._own if not photo.thrown_away]

    def _some(self) -> list[Wanted]:
        there = self._there()
        return self._random.sample(there, self._random.randint(1, min(6, len(there))))

    async def _upload(self, step: int) -> None:
        project = self._random.choice(self._projects)
        names = [f"o{self._number}s{step}n{n}" for n in range(self._random.randint(1, 5))]
        photos = {name: dict(self._files(name)) for name in names}
        sent = {f"{name}{ending}": content for name, files in photos.items() for ending, content in files.items()}
        results = await self._in_folder(project, lambda folder: upload(self._photobus, folder, sent))
        for name, files in photos.items():
            ids = {results[f"{name}{ending}"]["photo_id"] for ending in files}
            assert len(ids) == 1, results
            wanted = Wanted(name, ids.pop(), project, {ending: md5(content) for ending, content in files.items()})
            self._own.append(wanted)
            self._model.photos.append(wanted)
        await self._photobus.photo_sets.add_tags({photo.photo_id: [photo.name] for photo in self._own[-len(names) :]})

    def _files(self, name: str) -> Iterator[tuple[str, bytes]]:
        mark = name.encode()
        yield ".jpg", images.jpeg(64, 48) + mark
        if self._random.random() < 0.3:
            yield ".dng", images.dng(64, 48) + mark
            yield ".dng.xmp", XMP + b"<!-- %b -->" % mark

    async def _move(self, _step: int) -> None:
        photos, project = self._some(), self._random.choice(self._projects)
        which = Selection(photo_ids=[photo.photo_id for photo in photos])
        task = await self._in_folder(project, lambda folder: self._photobus.photo_sets.move(which, folder))
        ended = await until_ended(self._photobus, task.id)
        assert ended.status == "completed", ended
        for photo in photos:
            photo.project_id = project

    async def _throw_away(self, _step: int) -> None:
        photos = self._some()
        ids = [photo.photo_id for photo in photos]
        none = Keep(jpg=False, raw=False, other=False)
        await self._photobus.photo_sets.keep(dict.fromkeys(ids, none))
        task = await self._photobus.photo_sets.commit_changes(Selection(photo_ids=ids))
        for photo in photos:
            photo.thrown_away = True
        ended = await until_ended(self._photobus, task.id)
        assert ended.status == "completed", ended

    async def _rename(self, step: int) -> None:
        project, name = self._random.choice(self._projects), f"Day {self._number}/{step}: the “sea”"
        await self._in_folder(project, lambda folder: self._photobus.rename_project(folder, name))

    async def _in_folder(self, project_id: int, ask: Any) -> Any:
        """Ask for something in the project's folder, whose name maintenance may change at any moment."""
        while True:
            folder = (await folders_of(self._photobus))[project_id]
            try:
                return await ask(folder)
            except ApiError as error:
                if error.status != 404 or folder == (await folders_of(self._photobus))[project_id]:
                    raise


async def test_no_photo_is_lost_or_doubled_and_nothing_is_reported_that_is_not_so(
    own_stack: RunningStack, own_photobus: Visit
) -> None:
    photobus, model = own_photobus, Model()
    projects = [(await photobus.create_project(f"Shoot {number}")).id for number in range(PROJECTS)]
    working = asyncio.gather(*(Owner(n, photobus, model, projects).work() for n in range(OWNERS)))
    of_library, *of_projects = await asyncio.gather(
        _again_and_again(photobus, working), *(_each_project(photobus, working) for _ in range(CHECKERS))
    )
    await working
    assert of_library > len(TASKS)
    assert min(of_projects) > PROJECTS

    await _at_rest(photobus)
    changed = [await _maintain(own_stack, photobus) for _ in range(3)]
    assert changed[-1] == 0, changed

    await _judge(own_stack, photobus, model)


async def _again_and_again(photobus: Visit, working: asyncio.Future[Any]) -> int:
    """Maintain the library until everybody has done their work; return how often."""
    runs = 0
    while not working.done():
        task = await photobus.start_task(TASKS[runs % len(TASKS)], {"all": True})
        ended = await until_ended(photobus, task.id)
        assert ended.status == "completed", ended
        runs += 1
    return runs


async def _each_project(photobus: Visit, working: asyncio.Future[Any]) -> int:
    """Do the same project by project, so that checks are always going on."""
    runs = 0
    while not working.done():
        for folder in (await folders_of(photobus)).values():
            try:
                task = await photobus.start_task("maintenance", {"project_folders": [folder]})
            except ApiError as error:
                if error.status != 404:  # it has another name by now
                    raise
                continue
            ended = await until_ended(photobus, task.id)
            assert ended.status == "completed", ended
            runs += 1
    return runs


async def _at_rest(photobus: Visit) -> None:
    async with asyncio.timeout(120):
        while not all(task.ended for task in (await photobus.tasks(limit=200)).items):
            await asyncio.sleep(0.2)


async def _maintain(stack: RunningStack, photobus: Visit) -> int:
    """Run everything once more, and return how much it changed."""
    changed = 0
    for task_type in ("folder_discovery", "maintenance_global", "integrity_check"):
        task = await photobus.start_task(task_type, {"all": True})
        assert (await until_ended(photobus, task.id)).status == "completed"
        await _at_rest(photobus)
        changed += (await stored(stack, CHANGES.format(task=task.id)))[0]["changed"]
    return changed


async def _judge(stack: RunningStack, photobus: Visit, model: Model) -> None:
    folders = await folders_of(photobus)
    assert {photo.project_id for photo in model.photos} <= set(folders)
    library = stack.data / "library" / "user_0"
    there, trash = _on_disk(library)
    assert there == model.there(folders)
    assert trash == model.trash()

    rows = {f"{row['folder']}/{row['name']}": row["md5"] for row in await stored(stack, FILES)}
    assert rows == there
    photos = {photo.id: photo async for photo in photobus.photos()}
    wanted = {photo.photo_id: photo for photo in model.photos if not photo.thrown_away}
    assert {(one.id, one.filename, one.project_id, tuple(one.tags)) for one in photos.values()} == {
        (one.photo_id, one.name, one.project_id, (one.name,)) for one in wanted.values()
    }
    assert {photo.thumbnail_status for photo in photos.values()} == {"generated"}

    false = [(row["type"], json.loads(row["payload"])["data"]) for row in await stored(stack, FALSE_CHANGES)]
    assert false == []
    findings = await stored(stack, FINDINGS)
    assert [found for found in findings if found["code"] in UNTOUCHED] == []


def _on_disk(library: Path) -> tuple[dict[str, str], Counter[str]]:
    """Return the MD5 of every original by path, and those in any trash."""
    there: dict[str, str] = {}
    trash: Counter[str] = Counter()
    for path in library.rglob("*"):
        parts = path.relative_to(library).parts
        if not path.is_file() or path.name.startswith(".") or {".thumb", ".preview"} & {*parts}:
            continue
        if ".trash" in parts:
            trash[md5(path.read_bytes())] += 1
        else:
            there["/".join(parts)] = md5(path.read_bytes())
    return there, trash


async def folders_of(photobus: Visit) -> dict[int, str]:
    """Return the folder of each project."""
    return {project.id: project.folder async for project in photobus.projects()}


def md5(content: bytes) -> str:
    """Digest as the catalogue has it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
