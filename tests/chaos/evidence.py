"""What the judge looks at beside the journal: the disk, the rows and the log, all while nothing happens."""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import asyncpg

Area = Literal["place", "trash"]

PROJECTS = "SELECT id, name, folder, status FROM projects"
PHOTOS = """
SELECT p.id, p.project_id, p.filename, p.version, p.jpg_available, p.raw_available, p.other_available, p.keep_jpg,
    p.keep_raw, p.keep_other, p.thumbnail_status, p.preview_status,
    ARRAY(SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id ORDER BY t.tag) AS tags
FROM photos p
"""
FILES = "SELECT photo_id, project_id, name, kind, size, md5 FROM photo_files"
TASKS = "SELECT id::text, type, status, ended_at, error_code, error FROM tasks"
JOBS = "SELECT id::text, task_id::text, step, job_type, over, count, status FROM jobs"
OUTCOMES = """
SELECT j.task_id::text, j.id::text AS job_id, j.step, i.photo_id, i.status, i.reason
FROM job_items i JOIN jobs j ON j.id = i.job_id
"""
SNAPSHOTS = "SELECT task_id::text, photo_id FROM task_items"
EVENTS = "SELECT seq, event_id::text AS id, type, task_id::text, project_id, payload FROM event_log ORDER BY seq"
OPEN_MOVES = """
SELECT project_id, unnest(ARRAY[path, target_path]) AS path FROM project_operations WHERE state = 'open'
"""
TRASHED_FOLDERS = """
SELECT DISTINCT ON (project_id) project_id, target_path FROM project_operations
WHERE kind = 'trash' AND state = 'done' AND outcome = 'moved' ORDER BY project_id, id DESC
"""

SIDECARS: Final = (".xmp",)


class DiskFile(NamedTuple):
    """A file of a user's in the library; ``project`` is whose folder it lies in, None where that is nobody's."""

    path: str
    project: int | None
    area: Area
    name: str
    size: int
    md5: str


class LogEvent(NamedTuple):
    """An event as archived; ``data`` is what it says."""

    seq: int
    id: str
    type: str
    task: str | None
    project: int | None
    data: Mapping[str, Any]


class Outcome(NamedTuple):
    """What became of one photo in one step of a task."""

    task: str
    job: str
    step: int
    photo: int
    status: str
    reason: str | None


Row = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """All of it. Rows are keyed by id."""

    disk: Sequence[DiskFile]
    derivatives: frozenset[str]
    projects: Mapping[int, Row]
    photos: Mapping[int, Row]
    files: Sequence[Row]
    tasks: Mapping[str, Row]
    jobs: Mapping[str, Row]
    outcomes: Sequence[Outcome]
    snapshots: Mapping[str, Sequence[int]]
    events: Sequence[LogEvent]

    @cached_property
    def first_steps(self) -> Mapping[tuple[str, int], Outcome]:
        """What became of each photo of each task in the step that does what the task is for."""
        return {(outcome.task, outcome.photo): outcome for outcome in self.outcomes if outcome.step == 0}

    def ended_at(self, task: str) -> float:
        """Return when the task ended; never, if it has not."""
        ended = self.tasks[task]["ended_at"] if task in self.tasks else None
        return float("inf") if ended is None else float(ended.timestamp())

    def status(self, task: str) -> str:
        """Return how the task ended."""
        return str(self.tasks[task]["status"]) if task in self.tasks else "unknown"

    def photos_of(self, task: str) -> Sequence[int]:
        """Return the photos that the task was over."""
        return self.snapshots.get(task, ())

    def item(self, task: str, photo: int) -> str | None:
        """Return what became of a photo; None where nothing is on record."""
        outcome = self.first_steps.get((task, photo))
        return None if outcome is None else outcome.status


async def gather(dsn: str, library: Path) -> Evidence:
    """Look at everything."""
    connection = await asyncpg.connect(dsn)
    try:
        projects = await _by_id(connection, PROJECTS)
        trashed = {row["project_id"]: row["target_path"] for row in await connection.fetch(TRASHED_FOLDERS)}
        snapshots: defaultdict[str, list[int]] = defaultdict(list)
        for row in await connection.fetch(SNAPSHOTS):
            snapshots[row["task_id"]].append(row["photo_id"])
        open_moves = {row["path"]: row["project_id"] for row in await connection.fetch(OPEN_MOVES) if row["path"]}
        disk, derivatives = look_at(library, open_moves | _places(projects, trashed))
        return Evidence(
            disk=disk,
            derivatives=derivatives,
            projects=projects,
            photos=await _by_id(connection, PHOTOS),
            files=[dict(row) for row in await connection.fetch(FILES)],
            tasks=await _by_id(connection, TASKS),
            jobs=await _by_id(connection, JOBS),
            outcomes=[Outcome(*row) for row in await connection.fetch(OUTCOMES)],
            snapshots=snapshots,
            events=[_event(row) for row in await connection.fetch(EVENTS)],
        )
    finally:
        await connection.close()


async def _by_id(connection: "asyncpg.Connection[Any]", query: str) -> dict[Any, Row]:
    return {row["id"]: dict(row) for row in await connection.fetch(query)}


def _event(row: asyncpg.Record) -> LogEvent:
    data = json.loads(row["payload"])["data"]
    return LogEvent(row["seq"], row["id"], row["type"], row["task_id"], row["project_id"], data)


def _places(projects: Mapping[int, Row], trashed: Mapping[int, str]) -> dict[str, int]:
    """Return whose folder each is, by its path in the library; that of a deleted project may lie in the trash."""
    places = {row["folder"]: project for project, row in projects.items() if row["status"] == "active"}
    for project, row in projects.items():
        if row["status"] != "active":
            places.setdefault(trashed.get(project, row["folder"]), project)
    return places


def look_at(library: Path, places: Mapping[str, int]) -> tuple[list[DiskFile], frozenset[str]]:
    """Return the users' files in the library, and the paths of derivatives."""
    found: list[DiskFile] = []
    derivatives: set[str] = set()
    for path in _walk(library):
        relative = path.relative_to(library).as_posix()
        parts = relative.split("/")
        if {".thumb", ".preview"} & {*parts[:-1]}:
            derivatives.add(relative)
        elif parts[0] != ".uploads" and not path.name.startswith("."):
            found.append(_file(path, relative, places))
    return found, frozenset(derivatives)


def _walk(folder: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(folder):
        yield from (Path(directory, name) for name in names)


def _file(path: Path, relative: str, places: Mapping[str, int]) -> DiskFile:
    content = path.read_bytes()
    folder = next((folder for folder in _parents(relative) if folder in places), None)
    inside = relative.removeprefix(f"{folder}/")
    return DiskFile(
        relative,
        None if folder is None else places[folder],
        "trash" if inside.startswith(".trash/") else "place",
        path.name,
        len(content),
        hashlib.md5(content, usedforsecurity=False).hexdigest(),
    )


def _parents(relative: str) -> Iterator[str]:
    """Yield the folders that the path lies in, the outermost first."""
    parts = relative.split("/")[:-1]
    yield from ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
