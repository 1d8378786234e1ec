"""What photos' rows say that their files tell, and its correction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from photobus_common.events.parts import FileKind
from photobus_common.store.database import Connection
from photobus_common.store.photos import LOCK_PHOTOS, METADATA, METADATA_RECORD, SHOWN_FIRST

DESCRIBED_PHOTOS: Final = f"""
SELECT p.id, p.filename, pr.folder, p.derivative_key, {", ".join(f"p.{name}" for name in METADATA)},
    coalesce(
        (SELECT json_agg(json_build_array(f.name, f.kind, f.md5, f.modified_at) ORDER BY f.name)
         FROM photo_files f WHERE f.photo_id = p.id AND f.kind <> 'sidecar'),
        '[]'
    ) AS files
FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.id = ANY($2::bigint[]) AND pr.status = 'active' AND ($3::bigint IS NULL OR pr.id = $3)
ORDER BY p.id
"""  # noqa: S608 - put together from constants

CORRECT_METADATA: Final = f"""
UPDATE photos p SET {", ".join(f"{name} = n.{name}" for name in METADATA)}, version = p.version + 1, updated_at = now()
FROM jsonb_to_recordset($1) AS n (photo_id bigint, {METADATA_RECORD})
WHERE p.id = n.photo_id
RETURNING p.id, p.version
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class OriginalFile:
    """A file that tells metadata: ``md5`` in lower-case hex, ``modified_at`` its own time."""

    name: str
    kind: FileKind
    md5: str
    modified_at: datetime


@dataclass(frozen=True)
class DescribedPhoto:
    """A photo, its originals with the one it is shown by first, and the columns of its row that these tell."""

    id: int
    filename: str
    folder: str
    derivative_key: str | None
    files: tuple[OriginalFile, ...]
    metadata: Mapping[str, Any]


async def described_photos(
    connection: Connection,
    tenant: str,
    photo_ids: Sequence[int],
    project_id: int | None = None,
    *,
    lock: bool = False,
) -> dict[int, DescribedPhoto]:
    """Return those of ``photo_ids`` that lie in the project, or in any active one, by id.

    ``lock`` keeps them so until the transaction ends; they are locked by a statement before, as one that waits would
    not see what it waited for.
    """
    if lock:
        await connection.execute(LOCK_PHOTOS, photo_ids)
    rows = await connection.fetch(DESCRIBED_PHOTOS, tenant, photo_ids, project_id)
    return {row["id"]: _described(row) for row in rows}


async def correct_metadata(connection: Connection, columns: Mapping[int, Mapping[str, Any]]) -> dict[int, int]:
    """Write all metadata ``columns`` of photos, by id, as ``metadata_row`` has them; returns their new versions."""
    rows = [{"photo_id": photo_id, **told} for photo_id, told in columns.items()]
    return {row["id"]: row["version"] for row in await connection.fetch(CORRECT_METADATA, rows)}


def _described(row: asyncpg.Record) -> DescribedPhoto:
    files = [OriginalFile(name, kind, md5, datetime.fromisoformat(at)) for name, kind, md5, at in row["files"]]
    files.sort(key=lambda file: (SHOWN_FIRST.index(file.kind), file.name))
    metadata = {name: row[name] for name in METADATA}
    metadata["taken_at"] = row["taken_at"].astimezone(UTC).isoformat()
    return DescribedPhoto(row["id"], row["filename"], row["folder"], row["derivative_key"], tuple(files), metadata)
