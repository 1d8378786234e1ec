"""Projects on disk and in the catalogue, file by file, for tests of the jobs that work on both."""

import errno
import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import images
import pytest
from bus_traffic import TENANT

from photobus_common.config import Uploader
from photobus_common.photos.filenames import ParsedName, parse
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import Manifest
from photobus_common.store.database import Database

INSERT_PROJECT = """
INSERT INTO projects (tenant, name, folder, created_at) VALUES ($1, $2, $2, $3) RETURNING id
"""
INSERT_PHOTO = """
INSERT INTO photos (tenant, project_id, filename, taken_at, jpg_available, raw_available, other_available,
    keep_jpg, keep_raw, keep_other, thumbnail_status, preview_status)
VALUES ($1, $2, $3, $4, $5, $6, $7, $5, $6, $7, 'generated', 'generated') RETURNING id
"""
INSERT_FILE = """
INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
INSERT_INTENT = """
INSERT INTO uploads (id, tenant, project_id, actor, filename, state, target_name, expires_at)
VALUES (gen_random_uuid(), $1, $2, 'ada', $3, 'placing', $3, now() + interval '1 day')
"""
REPLACE_FILE = "UPDATE photo_files SET md5 = $3, size = $4 WHERE photo_id = $1 AND name = $2"
ROWS = """
SELECT p.id, p.filename, p.version, p.jpg_available, p.raw_available, p.other_available, p.keep_jpg, p.keep_raw,
    p.keep_other, p.thumbnail_status, p.preview_status, p.derivative_key, p.derivative_reason, p.width, p.height,
    p.updated_at,
    ARRAY(SELECT f.name || ' ' || f.md5 FROM photo_files f WHERE f.photo_id = p.id ORDER BY f.name) AS files
FROM photos p ORDER BY p.id
"""

MADE_AT: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
JPEG: Final = images.jpeg(96, 64)
DNG: Final = images.dng(64, 48)
XMP: Final = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
PNG: Final = images.png(images.quarters(96, 64))
CONTENTS: Final[Mapping[str, bytes]] = {"jpg": JPEG, "jpeg": JPEG, "dng": DNG, "raf": DNG, "png": PNG, "xmp": XMP}


@dataclass(frozen=True)
class Photo:
    """A photo's id and that of its project, as a job's target; ``folder`` is where its files lie."""

    id: int
    project_id: int
    folder: Path

    @property
    def target(self) -> tuple[int, int]:
        """Photo and project."""
        return self.id, self.project_id


class Shelf:
    """Puts projects, photos and files where they belong, and sees all of it at once."""

    def __init__(self, database: Database, library: Library, library_id: UUID) -> None:
        self.database = database
        self.library = library.tenant(TENANT, library_id)
        self.root = library.root / TENANT

    async def project(self, name: str) -> int:
        """Make a project: its row, its folder, its manifest."""
        project_id = int(await self._value(INSERT_PROJECT, TENANT, name, MADE_AT))
        with self.library.create_project(name) as folder:
            folder.write_manifest(Manifest(id=project_id, name=name, created_at=MADE_AT))
        return project_id

    async def photo(
        self, project: tuple[str, int], basename: str, rows: Iterable[str], on_disk: Iterable[str] | None = None
    ) -> Photo:
        """Make a photo whose files are ``rows`` in the catalogue and the same, or others, ``on_disk``."""
        name, project_id = project
        folder = self.root / name
        recorded = list(rows)
        kinds = {_parsed(file).kind for file in recorded}
        flags = [kind in kinds for kind in ("jpg", "raw", "other")]
        photo_id = int(await self._value(INSERT_PHOTO, TENANT, project_id, basename, MADE_AT, *flags))
        for file in recorded:
            described = (_parsed(file).kind, len(content_of(file)), md5(content_of(file)))
            await self._value(INSERT_FILE, TENANT, photo_id, project_id, file, *described, MADE_AT)
        for file in recorded if on_disk is None else on_disk:
            put(folder / file)
        return Photo(photo_id, project_id, folder)

    async def intend(self, photo: Photo, name: str) -> None:
        """Let an open upload intend to place ``name``."""
        await self._value(INSERT_INTENT, TENANT, photo.project_id, name)

    async def replace(self, photo: Photo, name: str, content: bytes) -> None:
        """Give a file of the photo other bytes, on disk and in its row."""
        put(photo.folder / name, content)
        await self._value(REPLACE_FILE, photo.id, name, md5(content), len(content))

    async def rows(self) -> list[dict[str, Any]]:
        """Every photo with its files."""
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(ROWS)]

    def disk(self) -> dict[str, tuple[int, int]]:
        """Inode and time of change of every file of the library."""
        paths = sorted(path for path in self.root.rglob("*") if not path.is_dir())
        return {str(path.relative_to(self.root)): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in paths}

    def away(self) -> None:
        """Put an empty folder in the library's place, as when its disk is not mounted."""
        self.root.rename(self.root.with_name("away"))
        self.root.mkdir()

    def back(self) -> None:
        """Mount it again."""
        self.root.rmdir()
        self.root.with_name("away").rename(self.root)

    async def _value(self, statement: str, *parameters: object) -> Any:
        async with self.database.transaction() as connection:
            return await connection.fetchval(statement, *parameters)


def put(path: Path, content: bytes | None = None) -> None:
    """Write a file and let it be an hour old; by default its content is what its name says."""
    path.write_bytes(content_of(path.name) if content is None else content)
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))


def forbid(monkeypatch: pytest.MonkeyPatch, name: str | Path, error: int = errno.EACCES) -> None:
    """Let the system refuse to open files of that name or path: tests may run as root, whom it refuses nothing."""
    really_open = os.open

    def refusing(path: Any, *args: Any, **options: Any) -> int:
        if path == name:
            raise OSError(error, os.strerror(error), name)
        return really_open(path, *args, **options)

    monkeypatch.setattr(os, "open", refusing)


def content_of(name: str) -> bytes:
    """Content of a file of that name."""
    return CONTENTS[name.rpartition(".")[2].lower()]


def md5(content: bytes) -> str:
    """Digest as the catalogue has it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _parsed(name: str) -> ParsedName:
    parsed = parse(name, Uploader())
    assert isinstance(parsed, ParsedName)
    return parsed
