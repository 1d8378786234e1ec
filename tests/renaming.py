"""Jobs of maintenance that rename files and folders, and what a project looks like from all its sides."""

from dataclasses import dataclass
from pathlib import Path

from shelf import Shelf
from working import Site

from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST, decode
from photobus_common.worker.job import Handler
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.duplicate_resolution import DuplicateResolution
from photobus_maintenance.jobs.folder_alignment import FolderAlignment
from photobus_maintenance.jobs.folder_check import FolderCheck
from photobus_maintenance.jobs.manifest_check import ManifestCheck

PROJECTS = "SELECT id, name, folder FROM projects WHERE status = 'active' ORDER BY id"
OPEN_RENAMES = "SELECT count(*) FROM file_renames WHERE state = 'open'"


@dataclass(frozen=True)
class Sides:
    """A project by its row, and the name in the manifest of its folder; None where there is no such folder."""

    name: str
    folder: str
    manifest: str | None


def renamers(settings: Settings, library: Library) -> dict[str, Handler]:
    """Return the handlers."""
    context = Context(library, settings, load_definitions())
    return {
        "duplicate_resolution": DuplicateResolution(context),
        "folder_alignment": FolderAlignment(context),
        "folder_check": FolderCheck(context),
        "manifest_check": ManifestCheck(context),
    }


async def sides(shelf: Shelf, site: Site) -> dict[int, Sides]:
    """Return all sides of each active project; a manifest of another project counts as none."""
    return {
        project_id: Sides(name, folder, _name_in(shelf.root / folder, project_id))
        for project_id, name, folder in await site.fetch(PROJECTS)
    }


async def call(site: Site, project_id: int, name: str) -> None:
    """Rename a project as the API does, which leaves folder and manifest behind when it is killed."""
    await site.execute("UPDATE projects SET name = $2, version = version + 1 WHERE id = $1", project_id, name)


def files(shelf: Shelf, folder: str) -> list[str]:
    """Return what lies in a folder, hidden things left out."""
    return sorted(path.name for path in (shelf.root / folder).iterdir() if not path.name.startswith("."))


def contents(shelf: Shelf) -> list[bytes]:
    """Return the bytes of every file of the library that is no manifest and nothing hidden."""
    found = [path for path in shelf.root.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return sorted(path.read_bytes() for path in found)


def folders(shelf: Shelf) -> list[str]:
    """Return the folders of the library that are not hidden."""
    return sorted(path.name for path in shelf.root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _name_in(folder: Path, project_id: int) -> str | None:
    try:
        manifest = decode((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    return manifest.name if manifest.id == project_id else None
