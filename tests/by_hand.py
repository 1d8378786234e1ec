"""What an owner does to a library outside photobus, and what is seen of his photos afterwards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dying import Runner
from removing import removal
from shelf import Photo, Shelf, content_of, md5, put
from taking_back import archive
from working import Site

from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events import EventData, decode
from photobus_common.events.maintenance import FindingsReported, PhotosRecognized
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.worker.results import Completed
from photobus_maintenance.app import handlers_of
from photobus_maintenance.context import Context

CHECKS: Final = ("manifest_check", "folder_check")
MARKS: Final = "SELECT project_id FROM folder_marks WHERE job_type = $1 ORDER BY project_id"
TAG: Final = "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT id, tenant, $2 FROM photos WHERE id = $1"
LOST: Final = "SELECT photo_id, name, project_id, removed_by IS NOT NULL FROM lost_files ORDER BY photo_id, name"
SIZE: Final = """
UPDATE photos p SET size = (SELECT coalesce(sum(f.size), 0) FROM photo_files f
    WHERE f.photo_id = p.id AND f.kind <> 'sidecar') WHERE p.id = $1
"""
MANY: Final = """
WITH made AS (
    INSERT INTO photos (tenant, project_id, filename, taken_at, jpg_available, keep_jpg, size)
    SELECT 'user_0', $1, n.name, now(), true, true, n.size
    FROM unnest($2::text[], $3::text[], $4::bigint[]) AS n (name, md5, size) RETURNING id, filename
), files AS (
    INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at)
    SELECT 'user_0', m.id, $1, n.name || '.jpg', 'jpg', n.size, n.md5, now()
    FROM made m JOIN unnest($2::text[], $3::text[], $4::bigint[]) AS n (name, md5, size) ON n.name = m.filename
)
INSERT INTO photo_tags (photo_id, tenant, tag) SELECT id, 'user_0', 'of ' || filename FROM made
"""
IDS: Final = "SELECT id, filename FROM photos WHERE project_id = $1"
SEEN: Final = """
SELECT p.id, pr.folder, p.filename, p.version, p.taken_at, p.thumbnail_status, p.derivative_key,
    concat_ws(' ', CASE WHEN p.jpg_available THEN 'jpg' END, CASE WHEN p.raw_available THEN 'raw' END,
        CASE WHEN p.other_available THEN 'other' END) AS available,
    concat_ws(' ', CASE WHEN p.keep_jpg THEN 'jpg' END, CASE WHEN p.keep_raw THEN 'raw' END,
        CASE WHEN p.keep_other THEN 'other' END) AS keep,
    ARRAY (SELECT t.tag FROM photo_tags t WHERE t.photo_id = p.id ORDER BY t.tag) AS tags,
    ARRAY (SELECT f.name FROM photo_files f WHERE f.photo_id = p.id ORDER BY f.name) AS files,
    (SELECT coalesce(sum(f.size), 0) FROM photo_files f WHERE f.photo_id = p.id AND f.kind <> 'sidecar') = p.size
        AS sized
FROM photos p JOIN projects pr ON pr.id = p.project_id ORDER BY p.id
"""
SAID: Final = "SELECT payload FROM outbox WHERE kind = 'event' ORDER BY created_at, id"


@dataclass(frozen=True)
class Seen:
    """A photo as its rows say."""

    id: int
    folder: str
    filename: str
    files: tuple[str, ...]
    available: str
    keep: str
    tags: tuple[str, ...]
    status: str

    @classmethod
    def of(cls, row: Any) -> "Seen":
        """Read it from its row, whose size must be that of its originals."""
        assert row["sized"]
        return cls(
            id=row["id"],
            folder=row["folder"],
            filename=row["filename"],
            files=tuple(row["files"]),
            available=row["available"],
            keep=row["keep"],
            tags=tuple(row["tags"]),
            status=row["thumbnail_status"],
        )


class Owner:
    """Moves files about by hand, and lets maintenance find out."""

    def __init__(self, shelf: Shelf, runner: Runner) -> None:
        self.shelf = shelf
        self.runner = runner
        self.database: Database = shelf.database

    async def project(self, name: str) -> tuple[str, int]:
        """Make a project; return its folder and id."""
        return name, await self.shelf.project(name)

    async def photo(self, project: tuple[str, int], basename: str, *files: str, tags: Sequence[str] = ()) -> Photo:
        """Make a photo whose files have bytes that no others have."""
        photo = await self.shelf.photo(project, basename, files)
        for name in files:
            await self.shelf.replace(photo, name, bytes_of(name))
        await self.runner.site.execute(SIZE, photo.id)
        for tag in (f"of {basename}", *tags):
            await self.runner.site.execute(TAG, photo.id, tag)
        return photo

    async def many(self, project: tuple[str, int], basenames: Sequence[str]) -> dict[str, int]:
        """Make photos of one JPEG each, all at once; return their ids by basename."""
        name, project_id = project
        files = [bytes_of(f"{basename}.jpg") for basename in basenames]
        async with self.database.transaction() as connection:
            await connection.execute(
                MANY, project_id, basenames, [md5(one) for one in files], [len(one) for one in files]
            )
            rows = await connection.fetch(IDS, project_id)
        for basename, content in zip(basenames, files, strict=True):
            put(self.shelf.root / name / f"{basename}.jpg", content)
        return {row["filename"]: row["id"] for row in rows}

    def rename(self, source: str, target: str) -> None:
        """Give a file of the library another name, or another folder; its times stay."""
        path = self.shelf.root / target
        assert not path.exists()
        (self.shelf.root / source).rename(path)

    def put(self, path: str, content: bytes | None = None) -> None:
        """Put a file somewhere, an hour ago."""
        put(self.shelf.root / path, bytes_of(Path(path).name) if content is None else content)

    async def check(self, *job_types: str, source: Any = "system") -> None:
        """Let the checks of the library run, one after the other, and the log take what they said."""
        for job_type in job_types or CHECKS:
            await self.runner.do(job_type, source=source)
        await self.archive()

    async def check_and_clean(self, *, archived: bool = True) -> None:
        """Let one task check the library and clean it, as the scheduled one does."""
        command = await self.runner.do("manifest_check")
        await self.runner.site.end(command, "completed")
        cleaning = await self.runner.job("manifest_cleaning")
        of_task = cleaning.model_copy(update={"task_id": command.task_id})
        assert await self.runner.run(of_task) == Completed()
        if archived:
            await self.archive()

    async def taken_at(self) -> dict[int, Any]:
        """When each photo was taken."""
        return dict(await self.runner.site.fetch("SELECT id, taken_at FROM photos"))

    async def archive(self) -> None:
        """Let the log take what was said."""
        await archive(self.runner.site)

    async def seen(self) -> dict[int, Seen]:
        """Every photo, by id."""
        async with self.database.connection() as connection:
            return {row["id"]: Seen.of(row) for row in await connection.fetch(SEEN)}

    async def lost(self) -> list[tuple[Any, ...]]:
        """Photo, name, project of each file that is known to be gone, and whether the photo is too."""
        return await self.runner.site.fetch(LOST)

    async def said(self) -> list[EventData]:
        """Everything that was said, in order."""
        return [decode(payload).data for (payload,) in await self.runner.site.fetch(SAID)]

    async def words(self) -> list[str]:
        """Types of what was said of photos, projects and findings, in order."""
        return [data.TYPE for data in await self.said() if not data.TYPE.startswith("Job")]

    async def marked(self) -> list[int]:
        """Projects that a check of folders left with nothing to do."""
        return [project for (project,) in await self.runner.site.fetch(MARKS, "folder_check")]

    async def nothing_more(self) -> None:
        """Run again, also where all looks unchanged: nothing is said, and no row and no file changes."""
        before = (await self.seen(), await self.lost(), await self.words(), self.shelf.disk())
        await self.check(source="user")
        assert (await self.seen(), await self.lost(), await self.words(), self.shelf.disk()) == before


def seen_as(
    photos: Mapping[int, Seen], among: Collection[int] | None = None
) -> dict[int, tuple[str, str, tuple[str, ...]]]:
    """Folder, basename and files of photos, of all or of those ``among``."""
    chosen = [photo for photo in photos.values() if among is None or photo.id in among]
    return {photo.id: (photo.folder, photo.filename, photo.files) for photo in chosen}


def bytes_of(name: str) -> bytes:
    """Content of a file of that name, unlike that of any other."""
    return content_of(name) + name.encode()


def digest(name: str) -> str:
    """MD5 of that content."""
    return md5(bytes_of(name))


def owner_of(shelf: Shelf, site: Site, settings: Settings, library: Library) -> Owner:
    """Return the owner of the library, whose jobs of maintenance and removals run under ``settings``."""
    handlers = handlers_of(Context(library, settings, load_definitions()))
    return Owner(shelf, Runner(site, {**handlers, **removal(settings, library)}))


def believing(settings: Settings) -> Settings:
    """Settings under which a check believes that all of a few photos are gone."""
    guard = Maintenance(removal_photos=50, lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"maintenance": guard})


async def recognised(owner: Owner) -> list[tuple[int, int]]:
    """Photo and source project of each that was known again, in order."""
    told = [data for data in await owner.said() if isinstance(data, PhotosRecognized)]
    return [(photo.photo_id, data.source_project_id) for data in told for photo in data.photos]


async def findings(owner: Owner) -> list[tuple[str, str | None, int]]:
    """Code, subject and count of each finding."""
    told = [data for data in await owner.said() if isinstance(data, FindingsReported)]
    return [(found.code, found.subject, found.count) for data in told for found in data.findings]
