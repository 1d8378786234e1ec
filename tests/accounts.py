"""Accounts of a library that has come to rest: which files there are, which rows, and whether they agree."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from crowd import World
from crowd_staff import derivative
from rows_and_log import disagreements
from shelf import md5

from photobus_common.events import decode
from photobus_common.events.projects import PhotoFilesChanged, PhotosAdded, PhotosMoved
from photobus_common.events.tasks import JobAttemptFailed
from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.reconciliation import shown_name
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS

WATCH: Final = """
CREATE TABLE photo_versions (id bigint PRIMARY KEY, version bigint NOT NULL);
CREATE TABLE version_faults (fault text);
CREATE FUNCTION watch_versions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE now_is bigint; known bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO photo_versions VALUES (OLD.id, OLD.version)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version;
        RETURN NULL;
    END IF;
    SELECT version INTO now_is FROM photos WHERE id = NEW.id;
    SELECT version INTO known FROM photo_versions WHERE id = NEW.id;
    IF TG_OP = 'INSERT' AND now_is <= known THEN
        INSERT INTO version_faults VALUES (format('photo %s came back as version %s after %s', NEW.id, now_is, known));
    ELSIF TG_OP = 'UPDATE' AND now_is <= OLD.version THEN
        INSERT INTO version_faults VALUES (format('photo %s changed and stayed at version %s', NEW.id, now_is));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER watch_versions AFTER INSERT OR UPDATE OR DELETE ON photos
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION watch_versions();
CREATE FUNCTION watch_files() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE photo bigint := coalesce(NEW.photo_id, OLD.photo_id);
BEGIN
    IF EXISTS (SELECT FROM photos WHERE id = photo AND xmin <> pg_current_xact_id()::xid) THEN
        INSERT INTO version_faults VALUES (format('files of photo %s changed without it', photo));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER watch_files AFTER INSERT OR UPDATE OR DELETE ON photo_files
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION watch_files();
"""
"""Notes each transaction after which a photo's version is not higher than before, though it or its files changed."""

ROWS: Final = """
SELECT p.id, pr.folder, p.filename, p.thumbnail_status, p.preview_status,
    p.jpg_available, p.raw_available, p.other_available, coalesce(
        (SELECT json_agg(json_build_array(f.name, f.kind, f.size, f.md5) ORDER BY f.name)
         FROM photo_files f WHERE f.photo_id = p.id),
        '[]'
    ) AS files, pr.status = 'active' AS active
FROM photos p JOIN projects pr ON pr.id = p.project_id ORDER BY p.id
"""
FAULTS: Final = "SELECT fault FROM version_faults"
LEFT: Final = """
SELECT 'operation ' || kind || ' ' || path FROM file_operations WHERE state = 'open'
UNION ALL SELECT 'project operation ' || kind || ' ' || path FROM project_operations WHERE state = 'open'
UNION ALL SELECT 'intent ' || target_name FROM uploads WHERE state = 'placing'
UNION ALL SELECT 'job ' || job_type FROM jobs WHERE ended_at IS NULL
UNION ALL SELECT 'task ' || type FROM tasks WHERE ended_at IS NULL
UNION ALL SELECT 'row of files elsewhere than its photo' FROM photo_files f JOIN photos p ON p.id = f.photo_id
    WHERE f.project_id <> p.project_id
UNION ALL SELECT 'job without all outcomes ' || job_type FROM jobs j
    WHERE status = 'completed' AND over = 'items' AND count <> (SELECT count(*) FROM job_items i WHERE i.job_id = j.id)
"""
DONE_MOVES: Final = """
SELECT j.task_id, i.photo_id FROM job_items i JOIN jobs j ON j.id = i.job_id
WHERE j.job_type = 'image_move_files' AND i.status = 'done'
"""
FOLDERS: Final = "SELECT folder FROM projects WHERE status = 'active'"
MOVE_TASKS: Final = "SELECT id FROM tasks WHERE type = 'image_move'"
CANCELED: Final = "SELECT i.photo_id FROM task_items i JOIN tasks t ON t.id = i.task_id WHERE t.status = 'canceled'"
EVENTS: Final = "SELECT payload FROM event_log ORDER BY seq"


@dataclass(frozen=True)
class Row:
    """A photo as the catalogue has it; files as name, kind, size and MD5."""

    id: int
    folder: str
    filename: str
    thumbnail_status: str
    preview_status: str
    available: tuple[bool, bool, bool]
    files: tuple[tuple[str, Any, int, str], ...]
    active: bool

    @property
    def shown(self) -> str | None:
        """MD5 of the file that it is shown by."""
        name = shown_name([(kind, name) for name, kind, _, _ in self.files])
        return next((digest for other, _, _, digest in self.files if other == name), None)


async def faults(world: World) -> list[str]:
    """Return all that is wrong with a library at rest, in words."""
    rows = [
        Row(photo, folder, filename, thumbnail, preview, (jpg, raw, other), tuple(map(tuple, files)), active)
        for photo, folder, filename, thumbnail, preview, jpg, raw, other, files, active in await world.fetch(ROWS)
    ]
    told = [decode(payload).data for (payload,) in await world.fetch(EVENTS)]
    folders = [folder for (folder,) in await world.fetch(FOLDERS)]
    return [
        *world.errors,
        *_miscounted(world),
        *_rows_and_files(world, rows, folders),
        *_derivatives(world, rows, folders, await _excused(world)),
        *(word for (word,) in await world.fetch(LEFT)),
        *(word for (word,) in await world.fetch(FAULTS)),
        *_corrections(world, told),
        *await _untold_moves(world, told),
        *await disagreements(world.database),
    ]


def _miscounted(world: World) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for path in _originals(world.root):
        found.setdefault(md5(path.read_bytes()), []).append(str(path.relative_to(world.root)))
    for digest in found.keys() | world.most.keys():
        places = found.get(digest, [])
        if not world.least[digest] <= len(places) <= world.most[digest]:
            yield f"{digest} is there {len(places)} times, not {world.least[digest]} to {world.most[digest]}: {places}"


def _originals(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = path.name.startswith(".") or parts[0] == ".uploads" or {THUMBNAILS, PREVIEWS} & {*parts}
        if path.is_file() and not hidden:
            yield path


def _rows_and_files(world: World, rows: list[Row], folders: list[str]) -> Iterator[str]:
    known: dict[str, dict[str, Row]] = {folder: {} for folder in folders}
    for row in rows:
        if not row.active:
            yield f"the photo {row.filename} of the deleted project {row.folder} is still there"
            continue
        known[row.folder][row.filename] = row
        kinds = {kind for _, kind, _, _ in row.files}
        if row.available != ("jpg" in kinds, "raw" in kinds, "other" in kinds):
            yield f"{row.folder}/{row.filename} says that it has {row.available} and has {sorted(kinds)}"
        for name, _, size, digest in row.files:
            path = world.root / row.folder / name
            if not path.is_file():
                yield f"the row {row.folder}/{name} has no file"
            elif (path.stat().st_size, md5(path.read_bytes())) != (size, digest):
                yield f"the row {row.folder}/{name} is of another file"
    for folder, photos in known.items():
        yield from _without_rows(world, folder, photos)


def _without_rows(world: World, folder: str, photos: dict[str, Row]) -> Iterator[str]:
    names = {name for row in photos.values() for name, _, _, _ in row.files}
    for path in (world.root / folder).glob("[!.]*"):
        parsed = parse(path.name, world.settings.uploader)
        assert isinstance(parsed, ParsedName)
        waits = parsed.kind == "sidecar" and parsed.basename not in photos
        if path.name not in names and not waits and md5(path.read_bytes()) not in world.by_hand:
            yield f"the file {folder}/{path.name} has no row"


def _derivatives(world: World, rows: list[Row], folders: list[str], excused: frozenset[int]) -> Iterator[str]:
    """Find derivatives of no photo, and photos without the right ones; those ``excused`` may still lack them."""
    wanted: dict[tuple[str, str], Row] = {(row.folder, row.filename): row for row in rows if row.active}
    for folder in folders:
        for kind in (THUMBNAILS, PREVIEWS):
            for path in (world.root / folder / kind).glob("[!.]*"):
                if (folder, path.stem) not in wanted:
                    yield f"the derivative {folder}/{kind}/{path.name} is of no photo"
    for row in wanted.values():
        for kind, status in ((THUMBNAILS, row.thumbnail_status), (PREVIEWS, row.preview_status)):
            path = world.root / row.folder / kind / f"{row.filename}.jpg"
            if status == "generated" and not path.is_file():
                yield f"{row.folder}/{kind}/{row.filename} is not there"
            elif status == "generated" and path.read_bytes() != derivative(row.shown or ""):
                yield f"{row.folder}/{kind}/{row.filename} does not show {row.shown}"
            elif status != "generated" and row.shown is not None and row.id not in excused:
                yield f"{row.folder}/{kind}/{row.filename} is {status}"


async def _excused(world: World) -> frozenset[int]:
    """Return photos whose derivatives somebody gave up: by canceling a task, or by taking their folder away."""
    everywhere = [photo for (photo,) in await world.fetch("SELECT id FROM photos")] if world.was_away else []
    return frozenset([*everywhere, *(photo for (photo,) in await world.fetch(CANCELED))])


def _corrections(world: World, told: list[Any]) -> Iterator[str]:
    """Find what only a check of the folder set right, though nobody interfered there."""
    for data in told:
        if isinstance(data, JobAttemptFailed) and data.code == "internal_error":
            yield f"{data.job_type} failed: {data.reason}"
        if isinstance(data, PhotoFilesChanged) and data.cause == "manifest_check":
            lost = [file.name for photo in data.photos for file in photo.removed]
            if lost and not world.was_away:
                yield f"manifest_check found {lost} of {data.project_folder} gone"
        if isinstance(data, PhotoFilesChanged) and data.cause == "folder_check":
            files = [file for photo in data.photos for file in photo.added]
        elif isinstance(data, PhotosAdded) and data.task_id is not None:
            files = [file for photo in data.photos for file in photo.files]
        else:
            continue
        found = [one.name for one in files if one.kind != "sidecar" and one.md5 not in world.by_hand]
        if found and not world.was_away:
            yield f"folder_check found {found} in {data.project_folder}"


async def _untold_moves(world: World, told: list[Any]) -> Iterator[str]:
    tasks = {task for (task,) in await world.fetch(MOVE_TASKS)}
    moved = Counter(
        (data.task_id, photo.photo_id)
        for data in told
        if isinstance(data, PhotosMoved) and data.task_id in tasks
        for photo in data.photos
    )
    done = Counter((task, photo) for task, photo in await world.fetch(DONE_MOVES))
    found = [f"photo {photo} is said to have moved {done[(task, photo)]} times" for task, photo in done - moved]
    found += [f"photo {photo} moved and nobody says so" for task, photo in moved - done if not world.was_away]
    return iter(found)
