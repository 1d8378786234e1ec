"""What the originals of a project should be, by their rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from photobus_common.events.parts import FileKind
from photobus_common.store.database import Connection

FILES_OF_PHOTOS: Final = """
SELECT photo_id, name, kind, size, md5, modified_at FROM photo_files
WHERE project_id = $1 AND photo_id = ANY($2::bigint[]) ORDER BY photo_id, name
"""

LOCK_FILE: Final = """
SELECT f.photo_id, f.name, f.kind, f.size, f.md5, f.modified_at
FROM photos p JOIN photo_files f ON f.photo_id = p.id
WHERE p.id = $1 AND f.project_id = $2 AND f.name = $3 FOR UPDATE OF p
"""

NAMES_WITHOUT_ROW: Final = """
SELECT d.name FROM unnest($2::text[]) AS d (name)
WHERE NOT EXISTS (SELECT FROM photo_files f WHERE f.project_id = $1 AND f.name = d.name)
"""

NAMES_WITHOUT_FILE: Final = """
SELECT f.name FROM photo_files f LEFT JOIN unnest($2::text[]) AS d (name) USING (name)
WHERE f.project_id = $1 AND d.name IS NULL
"""


@dataclass(frozen=True)
class RecordedFile:
    """A file as its row has it: ``size`` in bytes, ``md5`` in lower-case hex, ``modified_at`` the file's own time."""

    photo_id: int
    name: str
    kind: FileKind
    size: int
    md5: str
    modified_at: datetime


async def recorded_files(connection: Connection, project_id: int, photo_ids: Sequence[int]) -> list[RecordedFile]:
    """Return the files of photos in the project, photo by photo in the order of their ids."""
    return [RecordedFile(**row) for row in await connection.fetch(FILES_OF_PHOTOS, project_id, photo_ids)]


async def lock_recorded_file(connection: Connection, project_id: int, file: RecordedFile) -> RecordedFile | None:
    """Return the file as its row has it now, its photo kept so until the transaction ends; None if that is gone."""
    row = await connection.fetchrow(LOCK_FILE, file.photo_id, project_id, file.name)
    return None if row is None else RecordedFile(**row)


async def names_without_row(connection: Connection, project_id: int, names: Collection[str]) -> list[str]:
    """Return those of ``names`` under which the project has no file on record."""
    return [row["name"] for row in await connection.fetch(NAMES_WITHOUT_ROW, project_id, list(names))]


async def names_without_file(connection: Connection, project_id: int, names: Collection[str]) -> list[str]:
    """Return the names on record in the project that are not among ``names``."""
    return [row["name"] for row in await connection.fetch(NAMES_WITHOUT_FILE, project_id, list(names))]
