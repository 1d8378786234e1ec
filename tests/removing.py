"""Pending deletions on disk and in the catalogue, and accounts of where every original lies."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from shelf import Photo, Shelf, put
from working import Site

from photobus_common.commands import RunJob
from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS, TRASH
from photobus_common.worker.job import Handler
from photobus_filemover.context import Context
from photobus_filemover.jobs.file_removal import FileRemoval
from photobus_filemover.jobs.image_move_files import ImageMoveFiles
from photobus_filemover.jobs.undo_files import UndoFiles

SET_KEEP = "UPDATE photos SET keep_jpg = $2, keep_raw = $3, keep_other = $4, version = version + 1 WHERE id = $1"
ROWS_OF_FILES = "SELECT pr.folder, f.name FROM photo_files f JOIN projects pr ON pr.id = f.project_id"
PHOTOS = "SELECT id FROM photos ORDER BY id"
OPEN = "SELECT count(*) FROM file_operations WHERE state = 'open'"


def mover(settings: Settings, library: Library) -> Context:
    """Return what the file mover's parts share."""
    return Context(library, settings, load_definitions())


def removal(settings: Settings, library: Library) -> dict[str, Handler]:
    """Return the handlers of removals and moves, and of their undoing."""
    context = mover(settings, library)
    return {
        "file_removal": FileRemoval(context),
        "image_move_files": ImageMoveFiles(context),
        "undo_files": UndoFiles(context),
    }


async def commit(site: Site, photos: Sequence[Photo]) -> RunJob:
    """Command a job that removes what is pending of ``photos``."""
    return await site.post([photo.target for photo in photos], "file_removal", task_type="change_commit_all")


async def keep(site: Site, photo: Photo, kinds: str = "") -> None:
    """Let only the named kinds of the photo be kept."""
    await site.execute(SET_KEEP, photo.id, *(kind in kinds.split() for kind in ("jpg", "raw", "other")))


def show(photo: Photo, basename: str) -> None:
    """Give the photo derivatives."""
    for kind in (THUMBNAILS, PREVIEWS):
        (photo.folder / kind).mkdir(exist_ok=True)
        put(photo.folder / kind / f"{basename}.jpg", b"derivative")


def originals(shelf: Shelf) -> dict[int, str]:
    """Say for each file that is neither hidden nor a derivative, by its inode, in which project or trash it lies."""
    return {inode: where for inode, (where, _) in _files(shelf).items()}


def trashed(shelf: Shelf, project: str) -> list[str]:
    """Return the names of the files in a project's trash, sorted."""
    return sorted(name for where, name in _files(shelf).values() if where == f"{project}/{TRASH}")


def lying(shelf: Shelf, project: str) -> list[str]:
    """Return the names of the files that lie in a project, sorted."""
    return sorted(name for where, name in _files(shelf).values() if where == project)


def derivatives(shelf: Shelf, project: str) -> list[str]:
    """Return the names of the derivatives of a project, sorted."""
    paths = [path for kind in (THUMBNAILS, PREVIEWS) for path in (shelf.root / project / kind).glob("*")]
    return sorted(f"{path.parent.name}/{path.name}" for path in paths)


def _files(shelf: Shelf) -> dict[int, tuple[str, str]]:
    found = {}
    counted: Counter[int] = Counter()
    for path in _paths(shelf.root):
        parts = path.relative_to(shelf.root).parts
        inode = path.lstat().st_ino
        counted[inode] += 1
        found[inode] = ("/".join(parts[:2]) if parts[1] == TRASH else parts[0], parts[-1])
    assert all(times == 1 for times in counted.values())
    return found


def _paths(root: Path) -> Iterable[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = parts[-1].startswith(".") or len(parts) == 1 or parts[1] in {THUMBNAILS, PREVIEWS}
        if not hidden and not path.is_dir():
            yield path


async def rows_agree(shelf: Shelf, site: Site) -> bool:
    """Whether every file that lies in a project has a row, and every row a file."""
    rows = sorted((folder, name) for folder, name in await site.fetch(ROWS_OF_FILES))
    return rows == sorted((where, name) for where, name in _files(shelf).values() if not where.endswith(TRASH))
