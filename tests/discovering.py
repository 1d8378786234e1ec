"""A library with folders that no project has, and what their discovery makes of them."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from dying import Runner
from shelf import JPEG, MADE_AT, Shelf, put
from working import Site

from photobus_common.config import Library as LibrarySettings
from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST, Manifest, decode
from photobus_common.storage.project_folder import TRASH
from photobus_common.worker.job import Handler
from photobus_common.worker.results import Completed
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.folder_alignment import FolderAlignment
from photobus_maintenance.jobs.folder_check import FolderCheck
from photobus_maintenance.jobs.folder_discovery import FolderDiscovery

JOB: Final = "folder_discovery"
PROJECTS: Final = "SELECT id, name, folder, status FROM projects ORDER BY id"
PHOTOS: Final = """
SELECT p.project_id, p.filename, ARRAY(SELECT f.name FROM photo_files f WHERE f.photo_id = p.id ORDER BY f.name)
FROM photos p ORDER BY p.project_id, p.filename
"""
FINDINGS: Final = "SELECT kind, code, subject FROM maintenance_findings ORDER BY id"
UNKNOWN: Final = 4_000_000
"""An id that no project has."""


def guard(settings: Settings, **changes: Any) -> Settings:
    """Settings under which nothing is too young, names may be there twice, and nobody waits for locks."""
    maintenance = Maintenance(**{"settle_seconds": 0.0, "lock_wait_seconds": 0.0, **changes})
    names = LibrarySettings(root=settings.library.root, unique_names="project")
    return settings.model_copy(update={"maintenance": maintenance, "library": names})


def runner_of(site: Site, settings: Settings, library: Library) -> Runner:
    """Return what runs the job."""
    context = Context(library, settings, load_definitions())
    jobs: dict[str, Handler] = {
        JOB: FolderDiscovery(context),
        "folder_check": FolderCheck(context),
        "folder_alignment": FolderAlignment(context),
    }
    return Runner(site, jobs)


def picture(number: int) -> bytes:
    """Return a photo that is no other number's: bytes behind its end are nothing that shows."""
    return JPEG + number.to_bytes(4, "big")


def folder_of(shelf: Shelf, name: str, files: Mapping[str, bytes | None] | Sequence[str] = ()) -> Path:
    """Put a folder into the library that no project has, an hour old."""
    path = shelf.root / name
    path.mkdir()
    content: Mapping[str, bytes | None] = files if isinstance(files, Mapping) else dict.fromkeys(files)
    for file, data in content.items():
        put(path / file, data)
    aged(path)
    return path


def aged(path: Path, hours: float = 1.0) -> None:
    """Let a folder have changed last so many hours ago."""
    then = time.time() - hours * 3600 - 60
    os.utime(path, (then, then))


def write_manifest(folder: Path, project_id: int, name: str, created_at: datetime = MADE_AT) -> None:
    """Write a manifest as photobus does."""
    (folder / MANIFEST).write_bytes(Manifest(id=project_id, name=name, created_at=created_at).encode())
    aged(folder)


def manifest_of(folder: Path) -> tuple[int, str]:
    """Return id and name that the manifest says."""
    found = decode((folder / MANIFEST).read_bytes())
    return found.id, found.name


def files_in(folder: Path) -> list[str]:
    """Return the files in the folder that are not hidden."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def trashed_in(folder: Path) -> list[str]:
    """Return what lies in the trash of the project, or of the library."""
    return sorted(path.name for path in (folder / TRASH).glob("*/*"))


@dataclass(frozen=True)
class Explorer:
    """Discovers, and sees what came of it."""

    shelf: Shelf
    site: Site
    runner: Runner

    async def discover(self) -> None:
        """Run the job to its good end."""
        result = await self.runner.run(await self.runner.job(JOB))
        assert result == Completed(), result

    async def projects(self) -> list[tuple[str, str, str]]:
        """Return name, folder and status of every project, in the order in which they were made."""
        return [(name, folder, status) for _, name, folder, status in await self.site.fetch(PROJECTS)]

    async def id_of(self, folder: str) -> int:
        """Return the id of the active project in a folder."""
        [found] = [row[0] for row in await self.site.fetch(PROJECTS) if row[2:] == (folder, "active")]
        return int(found)

    async def photos(self, folder: str) -> dict[str, list[str]]:
        """Return the files on record of each photo in a folder."""
        project_id = await self.id_of(folder)
        return {name: files for owner, name, files in await self.site.fetch(PHOTOS) if owner == project_id}

    async def findings(self) -> list[tuple[str, str, str | None]]:
        """Return kind, code and subject of every line of all reports."""
        return [(kind, code, subject) for kind, code, subject in await self.site.fetch(FINDINGS)]

    async def agreed(self) -> None:
        """See that each active project has its folder, with its manifest, and each file on record is there."""
        photos = await self.site.fetch(PHOTOS)
        for project_id, name, folder, status in await self.site.fetch(PROJECTS):
            if status == "active":
                assert manifest_of(self.shelf.root / folder) == (project_id, name)
                files = {file for owner, _, files in photos if owner == project_id for file in files}
                assert files <= set(files_in(self.shelf.root / folder))

    async def settled(self) -> None:
        """See that another run changes nothing at all."""
        before = await self._all()
        await self.discover()
        after = await self._all()
        assert after == before, [(old, new) for old, new in zip(before, after, strict=True) if old != new]

    async def _all(self) -> list[Any]:
        words = [
            word for word in await self.site.words() if word not in {"FindingsReported", "JobStarted", "JobCompleted"}
        ]
        rows = [await self.site.fetch(PROJECTS), await self.site.fetch(PHOTOS)]
        return [*rows, sorted(words), sorted(self.shelf.disk().items())]
