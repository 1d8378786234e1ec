"""A library in states that maintenance meets, maintained as it is by schedule, and seen before and after."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bus_traffic import TENANT
from running_orchestrator import Running, running
from shelf import Photo, Shelf, put
from working import hired

from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.events import Origin
from photobus_common.events.tasks import Targets
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.task_requests import Ask, request_task
from photobus_maintenance.app import handlers_of
from photobus_maintenance.context import Context

LONG: Final = 120.0
"""Seconds after which a test gives up; never what a test shows."""

RUN: Final = ("folder_discovery", "maintenance_global")
"""What schedules begin, one after the other."""

STATUS: Final = "SELECT status, error FROM tasks WHERE id = $1"
PROJECTS: Final = "SELECT id, name, folder, status, cancel_cause FROM projects ORDER BY id"
PHOTOS: Final = """
SELECT p.id, p.project_id, p.filename, p.thumbnail_status, p.jpg_available, p.raw_available,
    ARRAY(SELECT f.name FROM photo_files f WHERE f.photo_id = p.id ORDER BY f.name) AS files,
    ARRAY(SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id ORDER BY t.tag) AS tags
FROM photos p ORDER BY p.id
"""
FINDINGS: Final = "SELECT project_folder, kind, code, subject FROM maintenance_findings ORDER BY id"
EVENTS: Final = "SELECT type, payload FROM event_log WHERE seq > $1 ORDER BY seq"
LAST: Final = "SELECT coalesce(max(seq), 0) FROM event_log"
TALK: Final = frozenset({"FindingsReported"})
"""Events of projects and photos, but for these, tell that something changed."""


@dataclass(frozen=True)
class Seen:
    """The library at one time: every file and folder by path, rows by id, and what was said since the last time."""

    files: Mapping[str, bytes]
    projects: Mapping[int, Mapping[str, Any]]
    photos: Mapping[int, Mapping[str, Any]]
    events: Sequence[tuple[str, Mapping[str, Any]]]
    findings: Sequence[Mapping[str, Any]]

    def in_folder(self, folder: str) -> set[str]:
        """Return the files that lie in the project's folder itself, hidden ones included."""
        paths = (Path(path) for path in self.files)
        return {path.name for path in paths if path.parent == Path(folder)}

    def in_trash(self, folder: str) -> set[str]:
        """Return the names in the trash of the project."""
        paths = (Path(path) for path in self.files)
        return {path.name for path in paths if path.parts[:2] == (folder, TRASH)}

    def rows_of(self, project_id: int) -> dict[str, tuple[str, ...]]:
        """Return the files on record of each photo of the project."""
        return {
            photo["filename"]: tuple(photo["files"])
            for photo in self.photos.values()
            if photo["project_id"] == project_id
        }

    def said_of(self, project_id: int) -> list[str]:
        """Return the types of the events about the project, in order."""
        return [word for word, data in self.events if data.get("project_id") == project_id]

    def codes_of(self, folder: str) -> set[str]:
        """Return what was found in the folder and left as it is."""
        return {
            found["code"]
            for found in self.findings
            if found["project_folder"] == folder and found["kind"] in {"refused", "reported"}
        }


@dataclass
class Scene:
    """A library that is being arranged and maintained."""

    shelf: Shelf
    orchestrator: Running
    settings: Settings
    ids: dict[str, int] = field(default_factory=dict)
    _seq: int = 0

    @property
    def root(self) -> Path:
        """The tenant's folder."""
        return self.shelf.root

    async def project(self, name: str) -> int:
        """Make a project of that name, once."""
        if name not in self.ids:
            self.ids[name] = await self.shelf.project(name)
        return self.ids[name]

    async def photo(
        self, project: str, basename: str, rows: Iterable[str] = (".jpg",), disk: Iterable[str] | None = None
    ) -> Photo:
        """Make a photo of the project whose files on record and on disk have these endings."""
        recorded = [f"{basename}{ending}" for ending in rows]
        there = None if disk is None else [f"{basename}{ending}" for ending in disk]
        photo = await self.shelf.photo((project, await self.project(project)), basename, recorded, there)
        for kind in (".thumb", ".preview"):
            (photo.folder / kind).mkdir(exist_ok=True)
            (photo.folder / kind / f"{basename}.jpg").write_bytes(b"derivative")
        return photo

    async def file(self, project: str, name: str, content: bytes | None = None) -> Path:
        """Put a file that is not on record into the project's folder."""
        await self.project(project)
        path = self.root / project / name
        put(path, content)
        return path

    async def execute(self, statement: str, *parameters: object) -> None:
        """Change the rows."""
        async with self.shelf.database.transaction() as connection:
            await connection.execute(statement, *parameters)

    async def ask(self, task_type: str) -> UUID:
        """Ask for a task over everything, as a schedule does."""
        ask = Ask(load_definitions()[task_type], Targets(kind="all"), source="system")
        async with unit_of_work(self.orchestrator.database, self.orchestrator.publisher) as work:
            return request_task(work, Origin("/test", TENANT, "schedule"), ask).id

    async def until(self, task_id: UUID, *statuses: str) -> str:
        """Wait until the task is in one of ``statuses``."""
        async with asyncio.timeout(LONG):
            while True:
                found = await self.orchestrator.fetch(STATUS, task_id)
                if found and found[0][0] in statuses:
                    return str(found[0][0])
                if found and found[0][0] in {"completed", "completed_with_errors", "failed", "canceled"}:
                    raise AssertionError(f"The task is {found[0][0]}: {found[0][1]}")
                await asyncio.sleep(0.02)

    async def maintain(self, *task_types: str) -> Seen:
        """Run each of the tasks to its end; by default all that schedules begin."""
        for task_type in task_types or RUN:
            await self.until(await self.ask(task_type), "completed")
        return await self.look()

    async def look(self) -> Seen:
        """See everything, and what was said since it was seen last."""
        async with self.orchestrator.database.connection() as connection:
            projects, photos, findings = [
                [dict(row) for row in await connection.fetch(query)] for query in (PROJECTS, PHOTOS, FINDINGS)
            ]
            events = [
                (row["type"], json.loads(row["payload"])["data"]) for row in await connection.fetch(EVENTS, self._seq)
            ]
            self._seq = await connection.fetchval(LAST)
        await self.execute("DELETE FROM maintenance_findings")
        return Seen(
            files=_files(self.root),
            projects={row["id"]: row for row in projects},
            photos={row["id"]: row for row in photos},
            events=events,
            findings=findings,
        )


@asynccontextmanager
async def scene_of(settings: Settings, shelf: Shelf) -> AsyncIterator[Scene]:
    """Run an orchestrator and the maintenance service on a library that is to be arranged."""
    context = Context(Library(settings.library.root), settings, load_definitions())
    async with running(settings) as orchestrator, hired(settings, handlers_of(context)):
        yield Scene(shelf, orchestrator, settings)


def _files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def changes(seen: Seen) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the events that tell of a change of a project or a photo."""
    return [(word, data) for word, data in seen.events if "project_id" in data and word not in TALK]
