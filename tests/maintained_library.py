"""Libraries that are maintained while their disk goes away, seen whole: every row that tells of photos, every file.

The calm one gives maintenance nothing to do, and much to take for lost if the disk lies. The busy one has something to
do for each step.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from bus_traffic import TENANT
from maintaining import LONG, Scene
from maintenance_states import picture, tagged
from shelf import put

from photobus_common.config import Maintenance, Pipeline, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events import Origin
from photobus_common.events.confirmations import ConfirmationAnswered
from photobus_common.events.parts import TaskSource
from photobus_common.events.tasks import Targets
from photobus_common.storage.manifest import MANIFEST
from photobus_common.storage.project_folder import TRASH, trash_folder
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.task_requests import Ask, request_task

TABLES: Final = (
    *("projects", "photos", "photo_files", "photo_tags", "uploads", "lost_files", "stray_files", "file_renames"),
    *("trash_removals", "file_operations", "project_operations"),
)
"""All that is known of photos and their files, but for ``missing_folders``."""

OLD: Final = timedelta(hours=25)
YOUNG: Final = timedelta(hours=23)

TASK: Final = "SELECT status, error FROM tasks WHERE id = $1"
FAILED: Final = "SELECT payload FROM event_log WHERE task_id = $1 AND type = 'JobAttemptFailed' ORDER BY seq"
LINES: Final = """
SELECT kind, code, reason, project_folder, subject, job_type FROM maintenance_findings WHERE task_id = $1 ORDER BY id
"""
ANSWER: Final = """
UPDATE confirmations SET status = $1, answered_at = now(), answered_by = 'ada' WHERE status = 'open'
RETURNING id AS confirmation_id, task_id, task_type, project_id, project_folder
"""
MISSED: Final = """
INSERT INTO missing_folders (project_id, since, seen_at, task_id)
VALUES ($1, now() - interval '2 hours', now() - interval '2 hours', $2) ON CONFLICT DO NOTHING
"""
RENAME: Final = "UPDATE projects SET name = $2 WHERE id = $1"
NAMES: Final = "SELECT f.id, f.name, p.folder FROM photo_files f JOIN projects p ON p.id = f.project_id"
SET_TIME: Final = "UPDATE photo_files SET modified_at = $2 WHERE id = $1"

ENDED: Final = frozenset({"completed", "completed_with_errors", "failed", "canceled", "waiting"})


@dataclass(frozen=True)
class Whole:
    """All rows by table, and every path of the tree below the tenant's folder with what lies there."""

    rows: Mapping[str, Sequence[str]]
    tree: Mapping[str, object]

    def of(self, project_id: int) -> list[str]:
        """Return the rows that are of one project."""
        return [row for rows in self.rows.values() for row in rows if _project_of(json.loads(row)) == project_id]

    def under(self, folder: str) -> dict[str, object]:
        """Return what lies in one project's folder."""
        return {path: what for path, what in self.tree.items() if path.split("/")[0] == folder}

    def photos(self) -> dict[str, str]:
        """Return each photo with its files and tags, by its name."""
        files: dict[int, list[str]] = {}
        for row in sorted([*self.rows["photo_files"], *self.rows["photo_tags"]]):
            files.setdefault(json.loads(row)["photo_id"], []).append(row)
        photos = {row: json.loads(row) for row in self.rows["photos"]}
        return {photo["filename"]: f"{row} {files.get(photo['id'])}" for row, photo in photos.items()}

    def files(self) -> dict[tuple[int, bytes], str]:
        """Return where each file lies, by its inode, which another may get once it is gone, and its content."""
        return {(known[0], known[2]): path for path, known in self.tree.items() if isinstance(known, tuple)}


@dataclass(frozen=True)
class Line:
    """A line of a report."""

    kind: str
    code: str
    reason: str | None
    folder: str | None
    subject: str | None
    job_type: str


@dataclass(frozen=True)
class Ran:
    """How a task ended and why, the codes of its attempts that failed, and its report."""

    task_id: UUID
    status: str
    error: str | None
    codes: Sequence[str]
    lines: Sequence[Line]

    def refused(self, folder: str | None = None) -> set[str]:
        """Return the codes of what was left as it is, in one folder if that is named."""
        return self._codes("refused", folder)

    def changed(self, folder: str | None = None) -> set[str]:
        """Return those of what was changed."""
        return self._codes("changed", folder)

    def _codes(self, kind: str, folder: str | None) -> set[str]:
        return {line.code for line in self.lines if line.kind == kind and folder in {None, line.folder}}


def quick(settings: Settings) -> Settings:
    """Return settings with which files settle at once, and what fails has failed."""
    once = Pipeline(max_attempts_default=1, retry_base_seconds=0.01)
    return settings.model_copy(update={"maintenance": Maintenance(settle_seconds=0.5), "pipeline": once})


async def see(scene: Scene) -> Whole:
    """See all of it."""
    rows: dict[str, list[str]] = {}
    async with scene.orchestrator.database.connection() as connection:
        for table in TABLES:
            found = await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} t")  # noqa: S608 - names of ours
            rows[table] = sorted(row[0] for row in found)
    return Whole(rows, tree_of(scene.root))


def tree_of(root: Path) -> dict[str, object]:
    """Return every path below ``root``: of files inode, time and content."""
    found: dict[str, object] = {}
    for path in root.rglob("*"):
        known = path.lstat()
        what = "folder" if path.is_dir() else (known.st_ino, known.st_mtime_ns, path.read_bytes())
        found[str(path.relative_to(root))] = what
    return found


async def maintain(scene: Scene, source: TaskSource = "user") -> Ran:
    """Maintain all of it to the end, or to where the task waits for a person."""
    ask = Ask(load_definitions()["maintenance_global"], Targets(kind="all"), source=source)
    async with unit_of_work(scene.orchestrator.database, scene.orchestrator.publisher) as work:
        task_id = request_task(work, Origin("/test", TENANT, "ada"), ask).id
    return await ended(scene, task_id)


async def ended(scene: Scene, task_id: UUID, *but: str) -> Ran:
    """Wait until the task has ended, or waits, and is in none of the states ``but``."""
    fetch = scene.orchestrator.fetch
    async with asyncio.timeout(LONG):
        while not (found := await fetch(TASK, task_id)) or found[0][0] not in ENDED - {*but}:
            await asyncio.sleep(0.01)
    [(status, error)] = found
    codes = [json.loads(payload)["data"]["code"] for (payload,) in await fetch(FAILED, task_id)]
    return Ran(task_id, status, error, codes, [Line(*row) for row in await fetch(LINES, task_id)])


async def answered(scene: Scene, ran: Ran, *, confirmed: bool) -> Ran:
    """Answer all that the task waits for, until it has ended."""
    while ran.status == "waiting":
        async with unit_of_work(scene.orchestrator.database, scene.orchestrator.publisher) as work:
            for row in await work.connection.fetch(ANSWER, "confirmed" if confirmed else "refused"):
                data = ConfirmationAnswered(**dict(row), confirmed=confirmed)
                work.emit(Origin("/test", TENANT, "ada", row["task_id"]).event(data))
        ran = await ended(scene, ran.task_id, "waiting")
    return ran


# --- libraries ------------------------------------------------------------------------------------------------------


async def calm(scene: Scene) -> None:
    """Arrange large and small projects, pairs, sidecars, tags, trash that is kept, and an upload that is placing."""
    for number in range(24):
        await scene.photo("large", f"large{number}")
    for number in range(5):
        photo = await scene.photo("five", f"five{number}", (".jpg", ".dng", ".xmp"))
        await tagged(scene, photo.id, "kept")
    photo = await scene.photo("one", "one")
    await tagged(scene, photo.id, "kept")
    trashed(scene, "one", "young.jpg", YOUNG)
    trashed(scene, "five", "coming.jpg", -YOUNG)
    photo = await scene.photo("placing", "placing", disk=[])
    await scene.photo("placing", "placed")
    await scene.shelf.intend(photo, "placing.jpg")
    await scene.photo("again", "again")
    await settled(scene)


async def missed(scene: Scene, project: str) -> None:
    """Let the folder of the project have been missed two hours ago, wherever it is now."""
    await scene.execute(MISSED, scene.ids[project], uuid4())


async def busy(scene: Scene) -> None:
    """Arrange something to do for every step, beside all that is in the calm library."""
    await calm(scene)
    await changing(scene, "changing")
    await scene.file("again", "five0.jpg", picture(60))
    await missed(scene, "again")
    await scene.photo("gone", "gone")
    shutil.rmtree(scene.root / "gone")
    await missed(scene, "gone")
    await scene.photo("renamed", "renamed")
    await scene.execute(RENAME, scene.ids["renamed"], "Renamed by its owner")
    await scene.photo("without", "without")
    (scene.root / "without" / MANIFEST).unlink()
    await settled(scene)


async def changing(scene: Scene, name: str) -> None:
    """Arrange a project with something to do for most steps, beside photos of which nothing is to be done."""
    for number in range(3):
        await scene.photo(name, f"{name} {number}", (".jpg", ".dng"))
    photo = await scene.photo(name, f"{name} lost", (".jpg", ".dng"), [])
    await tagged(scene, photo.id, "lost")
    await scene.photo(name, f"{name} half", (".jpg", ".dng"), [".jpg"])
    await scene.photo(name, f"{name} bare")
    (scene.root / name / ".thumb" / f"{name} bare.jpg").unlink()
    await scene.file(name, f"{name} new.jpg", picture(1000 + scene.ids[name]))
    await scene.file(name, "notes.txt", b"notes")
    trashed(scene, name, "old.jpg", OLD)
    trashed(scene, name, "young.jpg", YOUNG)
    put(scene.root / name / TRASH / "thrown here.jpg")


def trashed(scene: Scene, project: str, name: str, ago: timedelta) -> None:
    """Put a file into the trash of a project, as if that had been some time ago."""
    folder = scene.root / project / TRASH / trash_folder(datetime.now(UTC) - ago, uuid4())
    folder.mkdir(parents=True)
    put(folder / name)


async def settled(scene: Scene) -> None:
    """Let rows have the times of their files, so that no file looks as if it had been changed."""
    async with scene.shelf.database.transaction() as connection:
        for row in await connection.fetch(NAMES):
            path = scene.root / row["folder"] / row["name"]
            if path.exists():
                at = datetime.fromtimestamp(path.stat().st_mtime_ns / 1e9, UTC)
                await connection.execute(SET_TIME, row["id"], at)


def shape_of(whole: Whole, project_id: int, folder: str) -> dict[str, object]:
    """Return what is to be the same of two projects that were arranged alike and maintained."""
    rows = {name: [json.loads(row) for row in whole.rows[name]] for name in ("photos", "photo_files", "photo_tags")}
    shape: dict[str, object] = {
        photo["filename"].removeprefix(folder): (
            sorted(
                file["name"].removeprefix(folder) for file in rows["photo_files"] if file["photo_id"] == photo["id"]
            ),
            [photo[key] for key in ("jpg_available", "raw_available", "keep_jpg", "keep_raw", "thumbnail_status")],
            sorted(tag["tag"] for tag in rows["photo_tags"] if tag["photo_id"] == photo["id"]),
        )
        for photo in rows["photos"]
        if photo["project_id"] == project_id
    }
    paths = [Path(path).relative_to(folder) for path in whole.tree if path.startswith(f"{folder}/")]
    names = [(path.parts[0] if len(path.parts) > 1 else "", path.name.removeprefix(folder)) for path in paths]
    return {**shape, "tree": sorted(name for name in names if not re.match("[0-9]{8}T", name[1]))}


def _project_of(row: Mapping[str, Any]) -> Any:
    return row["id"] if "folder" in row and "archived_at" in row else row.get("project_id")
