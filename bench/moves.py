"""Photos of 40 projects moved into one, committed there, and both undone, each by one task over all of them.

End to end: from the request to the last completion at a client of the live updates, with every lock, record, sync, row
and event, with the steps that hold rows against the disk, and with the thumbnails that an undone commit needs anew.
The bare loop renames a copy of the same files as the file mover does, without replacing, and syncs the same folders
after as many photos; it takes no lock and writes no row.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import images

from bench.memory import peaks
from bench.report import Figure, percentile, show
from bench.stack import running_stack, until_quiet, upload
from bench.tasks import Completions
from photobus_client import Keep, PhotobusClient, Selection, Task
from photobus_common.storage.renaming import rename_no_replace

PHOTOS: Final = int(os.environ.get("BENCH_PHOTOS", "2000"))
PROJECTS: Final = 40
ROUNDS: Final = 3
PORTION: Final = 50
"""Photos between two syncs, as the file mover has it."""

EXPLICIT: Final = 2000
"""Photos that one request may name."""

DERIVATIVES: Final = (".thumb", ".preview")
DESTINATION: Final = "Together"
TRASH: Final = f"{DESTINATION}/.trash/task"
SIDECAR: Final = b'<?xml version="1.0"?><x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


@dataclass
class Taken:
    """Seconds that each kind of task took in each round: in all, in the step that moves files, and bare."""

    end_to_end: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def figures(self, name: str) -> list[Figure]:
        """Return the medians."""
        ours, files, bare = (percentile(taken, 50) for taken in (self.end_to_end, self.files, self.bare))
        return [
            Figure(f"{name}, end to end", PHOTOS / ours, "photos/s"),
            Figure(f"{name}, the step that moves files alone", PHOTOS / files, "photos/s"),
            Figure(f"{name}, bare renames with the same syncs", PHOTOS / bare, "photos/s"),
            Figure(f"{name}, ratio, end to end", bare / ours, ""),
            Figure(f"{name}, ratio, that step alone", bare / files, ""),
        ]


async def main() -> None:
    """Measure and show."""
    taken = {name: Taken() for name in ("move", "commit", "undo of the commit", "undo of the move")}
    async with running_stack() as stack, stack.client() as client, _followed(client) as completions:
        library = stack.data / "library" / "user_0"
        sources = await _seed(client)
        for _ in range(ROUNDS):  # in turn, so that a machine whose speed drifts is fair to both
            _bare(library, sources, taken)
            await _tasks(client, completions, sources, taken)
        memory = peaks(stack)
    show("moves", [figure for name, one in taken.items() for figure in one.figures(name)] + memory)


@asynccontextmanager
async def _followed(client: PhotobusClient) -> AsyncIterator[Completions]:
    completions = Completions(client)
    following = asyncio.create_task(completions.follow())
    await completions.connected.wait()
    try:
        yield completions
    finally:
        following.cancel()


async def _seed(client: PhotobusClient) -> list[str]:
    """Upload photos with sidecars into all projects; return their folders."""
    small = [images.noise_jpeg(320, 240, seed=seed) for seed in range(20)]
    folders = []
    for project in range(PROJECTS):
        folders.append((await client.create_project(f"Source {project:02}")).folder)
        names = [f"M{number:06}" for number in range(project, PHOTOS, PROJECTS)]
        for first in range(0, len(names), PORTION):
            files: dict[str, bytes] = {}
            for name in names[first : first + PORTION]:
                files |= {f"{name}.jpg": small[len(files) % 20] + name.encode(), f"{name}.xmp": SIDECAR}
            await upload(client, folders[-1], files)
    await client.create_project(DESTINATION)
    await until_quiet(client)
    return folders


async def _tasks(
    client: PhotobusClient, completions: Completions, sources: Sequence[str], taken: dict[str, Taken]
) -> None:
    """Move, commit, and undo both."""
    sets = client.photo_sets
    move = await _timed(client, completions, lambda: sets.move(Selection(projects=sources), DESTINATION), taken["move"])
    photo_ids = [photo.id async for photo in client.photos(DESTINATION)]
    if len(photo_ids) != PHOTOS:
        raise RuntimeError(f"{len(photo_ids)} photos moved instead of {PHOTOS}")
    for first in range(0, PHOTOS, EXPLICIT):
        await sets.keep(dict.fromkeys(photo_ids[first : first + EXPLICIT], Keep(jpg=False)))
    commit = await _timed(client, completions, sets.commit_changes, taken["commit"])
    if left := await client.count_photos(DESTINATION, {}):
        raise RuntimeError(f"{left} photos were not committed")
    await _timed(client, completions, lambda: client.undo_task(commit.id), taken["undo of the commit"])
    await sets.revert_changes()
    await until_quiet(client)
    await _timed(client, completions, lambda: client.undo_task(move.id), taken["undo of the move"])
    if left := await client.count_photos(DESTINATION, {}):
        raise RuntimeError(f"{left} photos did not go back")


async def _timed(
    client: PhotobusClient, completions: Completions, ask: Callable[[], Awaitable[Task]], taken: Taken
) -> Task:
    """Run a task from its request to the word of its completion, and wait until all that it led to is done."""
    began = time.perf_counter()
    task = await ask()
    taken.end_to_end.append(await completions.of(str(task.id)) - began)
    ended = await client.task(task.id)
    if ended.status != "completed":
        raise RuntimeError(
            f"{ended.type} is {ended.status}: {[item async for item in client.failed_items(task.id)][:3]}"
        )
    jobs = [job async for job in client.all_jobs(filters={"task_id": str(task.id), "type": ended.steps[0].type})]
    ends = [job.ended_at for job in jobs if job.ended_at is not None]
    taken.files.append((max(ends) - min(job.created_at for job in jobs)).total_seconds())
    await until_quiet(client)
    return task


def _bare(library: Path, sources: Sequence[str], taken: dict[str, Taken]) -> None:
    """Do with a copy of the same files what the tasks do with them."""
    copy = library.parent / "bare"
    for source in sources:
        shutil.copytree(library / source, copy / source)
    for path in (*(f"{DESTINATION}/{path}" for path in DERIVATIVES), TRASH):
        (copy / path).mkdir(parents=True)
    names = {source: sorted(path.stem for path in (copy / source).glob("*.jpg")) for source in sources}
    with _timed_bare(taken["move"]):
        _rename_all(copy, names)
    with _timed_bare(taken["undo of the move"]):
        _rename_all(copy, names, back=True)
    _rename_all(copy, names)
    every = [name for of_one in names.values() for name in of_one]
    with _timed_bare(taken["commit"]):
        _rename_portions(copy, DESTINATION, TRASH, every, ("",), gone=DERIVATIVES)
    with _timed_bare(taken["undo of the commit"]):
        _rename_portions(copy, TRASH, DESTINATION, every, ("",))
    shutil.rmtree(copy)


@contextmanager
def _timed_bare(taken: Taken) -> Iterator[None]:
    began = time.perf_counter()
    yield
    taken.bare.append(time.perf_counter() - began)


def _rename_all(copy: Path, names: Mapping[str, Sequence[str]], *, back: bool = False) -> None:
    for source, of_one in names.items():
        here, there = (DESTINATION, source) if back else (source, DESTINATION)
        _rename_portions(copy, here, there, of_one, ("", *DERIVATIVES))


def _rename_portions(
    root: Path, source: str, target: str, names: Sequence[str], within: Sequence[str], gone: Sequence[str] = ()
) -> None:
    """Rename the files of photos in the folders ``within`` both, unlink those in ``gone``, and sync after a portion."""
    sides = [(_opened(root / source / path), _opened(root / target / path)) for path in within]
    emptied = [_opened(root / source / path) for path in gone]
    for first in range(0, len(names), PORTION):
        for name in names[first : first + PORTION]:
            for path, (here, there) in zip(within, sides, strict=True):
                for ending in ("jpg",) if path else ("jpg", "xmp"):
                    rename_no_replace(here, f"{name}.{ending}", there, f"{name}.{ending}")
            for folder in emptied:
                os.unlink(f"{name}.jpg", dir_fd=folder)
        for folder in (*emptied, *(folder for pair in reversed(sides) for folder in pair)):
            os.fsync(folder)
    for folder in (*emptied, *(folder for pair in sides for folder in pair)):
        os.close(folder)


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
