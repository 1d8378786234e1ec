"""Uploads on their way in, intents to place them, and uploaded photos waiting to become a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from photobus_common.store.database import Connection

OnConflict = Literal["overwrite", "skip", "rename"]
EndState = Literal["done", "refused"]
UploadState = Literal["receiving", "placing"] | EndState

_COLUMNS: Final = """
    u.id, u.tenant, u.project_id, u.actor, u.filename, u.size, u.md5, u.on_conflict, u.batch, u.batch_total,
    u.modified_at, u.metadata, u.state, u.unverified_from, u.basename, u.target_name, u.plan, u.result, u.expires_at
"""

INSERT_UPLOAD: Final = f"""
INSERT INTO uploads AS u (
    id, tenant, project_id, actor, filename, size, md5, on_conflict, batch, batch_total, modified_at, metadata,
    expires_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + $13)
RETURNING {_COLUMNS}
"""  # noqa: S608 - put together from constants

UPLOAD_OF_PROJECT: Final = f"""
SELECT {_COLUMNS} FROM uploads u WHERE u.id = $1 AND u.tenant = $2 AND u.project_id = $3
"""  # noqa: S608 - put together from constants

PROJECT_OF_UPLOAD: Final = """
SELECT pr.id, pr.folder FROM uploads u JOIN projects pr ON pr.id = u.project_id
WHERE u.id = $1 AND u.tenant = $2 AND pr.status = 'active'
"""

EXTEND_UPLOAD: Final = """
UPDATE uploads SET expires_at = now() + $2, unverified_from = NULL WHERE id = $1 RETURNING expires_at
"""

MARK_UNVERIFIED: Final = "UPDATE uploads SET unverified_from = $2 WHERE id = $1"

DELETE_UPLOAD: Final = "DELETE FROM uploads WHERE id = $1"

LOCK_BASENAMES: Final = """
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended($1 || '/' || basename, 0) AS key FROM unnest($2::text[]) AS basename ORDER BY key
) AS keys
"""

TRY_LOCK_BASENAME: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))"

# Those with a photo come last, so that a name is told with its photo where there is one.
PROJECTS_WITH_BASENAMES: Final = """
SELECT p.filename AS basename, pr.folder, p.id AS photo_id
FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND p.filename = ANY($3::text[]) AND p.project_id <> $2 AND pr.status = 'active'
UNION ALL
SELECT u.basename, pr.folder, NULL
FROM uploads u JOIN projects pr ON pr.id = u.project_id
WHERE u.state = 'placing' AND u.tenant = $1 AND u.basename = ANY($3::text[]) AND u.project_id <> $2
    AND pr.status = 'active'
UNION ALL
SELECT o.target_filename, pr.folder, NULL
FROM file_operations o JOIN projects pr ON pr.id = o.target_project_id
WHERE o.state = 'open' AND o.tenant = $1 AND o.target_filename = ANY($3::text[]) AND o.target_project_id <> $2
    AND pr.status = 'active'
ORDER BY photo_id NULLS FIRST
"""

RECORD_INTENTS: Final = """
INSERT INTO uploads (
    id, tenant, project_id, actor, filename, size, md5, batch, modified_at,
    state, basename, target_name, plan, expires_at
)
SELECT n.id, n.tenant, n.project_id, n.actor, n.filename, n.size, n.md5, n.batch, n.modified_at,
    'placing', n.basename, n.target_name, n.plan, now() + $2
FROM jsonb_to_recordset($1) AS n (
    id uuid, tenant text, project_id bigint, actor text, filename text, size bigint, md5 text, batch text,
    modified_at timestamptz, basename text, target_name text, plan jsonb
)
ON CONFLICT (id) DO UPDATE SET
    state = 'placing', basename = excluded.basename, target_name = excluded.target_name, plan = excluded.plan,
    size = excluded.size, md5 = excluded.md5, modified_at = excluded.modified_at
"""

OPEN_INTENTS: Final = f"""
SELECT {_COLUMNS} FROM uploads u WHERE u.project_id = $1 AND u.state = 'placing' ORDER BY u.created_at, u.id
"""  # noqa: S608 - put together from constants

# What is on record for a project that was deleted since still goes into its folder, but never into another project's.
PROJECTS_WITH_INTENTS: Final = """
SELECT pr.id, pr.tenant, pr.folder, t.library_id
FROM projects pr JOIN tenants t ON t.tenant = pr.tenant
WHERE pr.id IN (SELECT project_id FROM uploads WHERE state = 'placing') AND (
    pr.status = 'active' OR NOT EXISTS (
        SELECT FROM projects o WHERE o.tenant = pr.tenant AND o.folder = pr.folder AND o.status = 'active'
    )
)
ORDER BY pr.id
"""

SETTLE_UPLOADS: Final = """
UPDATE uploads u SET state = n.state, result = n.result, plan = NULL
FROM jsonb_to_recordset($1) AS n (id uuid, state text, result jsonb)
WHERE u.id = n.id
"""

FORGET_UPLOADS: Final = "DELETE FROM uploads WHERE id = ANY($1::uuid[])"

EXPIRED_UPLOADS: Final = """
SELECT u.id, u.tenant, u.state, t.library_id FROM uploads u JOIN tenants t ON t.tenant = u.tenant
WHERE u.expires_at < now() AND u.state <> 'placing' ORDER BY u.expires_at LIMIT $1 FOR UPDATE OF u SKIP LOCKED
"""

KNOWN_UPLOADS: Final = "SELECT id FROM uploads WHERE id = ANY($1::uuid[])"

TENANT_LIBRARIES: Final = "SELECT tenant, library_id FROM tenants ORDER BY tenant"

ACTIVE_PROJECT: Final = "SELECT folder FROM projects WHERE id = $1 AND status = 'active' FOR SHARE"


@dataclass(frozen=True)
class Upload:
    """One row of ``uploads``: a file on its way in. ``size`` is what was announced, in bytes; ``md5`` in hex."""

    id: UUID
    tenant: str
    project_id: int
    actor: str
    filename: str
    size: int | None
    md5: str | None
    on_conflict: OnConflict | None
    batch: str | None
    batch_total: int | None
    modified_at: datetime | None
    metadata: str | None
    state: UploadState
    unverified_from: int | None
    basename: str | None
    target_name: str | None
    plan: dict[str, Any] | None
    result: dict[str, Any] | None
    expires_at: datetime


@dataclass(frozen=True)
class NewUpload:
    """What a resumable upload is made with."""

    id: UUID
    tenant: str
    project_id: int
    actor: str
    filename: str
    size: int
    md5: str | None
    on_conflict: OnConflict | None
    batch: str | None
    batch_total: int | None
    modified_at: datetime | None
    metadata: str | None


@dataclass(frozen=True)
class IntentRow:
    """The intent to place one upload under ``target_name``; ``plan`` is what a finisher needs to know beside it."""

    id: UUID
    tenant: str
    project_id: int
    actor: str
    filename: str
    size: int
    md5: str
    batch: str | None
    modified_at: datetime
    basename: str
    target_name: str
    plan: dict[str, Any]


@dataclass(frozen=True)
class Ending:
    """How an upload ended, with the answer that its client gets."""

    id: UUID
    state: EndState
    result: dict[str, Any]


@dataclass(frozen=True)
class Elsewhere:
    """Another project that has a basename, and its photo of it; None while one is only on its way there."""

    project_folder: str
    photo_id: int | None


@dataclass(frozen=True)
class PlacingProject:
    """A project with intents that nobody may be working on any more."""

    project_id: int
    tenant: str
    folder: str
    library_id: UUID


async def insert_upload(connection: Connection, upload: NewUpload, lifetime: timedelta) -> Upload:
    """Write a new resumable upload; return its row."""
    values = (getattr(upload, name) for name in NewUpload.__dataclass_fields__)
    (row,) = await connection.fetch(INSERT_UPLOAD, *values, lifetime)
    return Upload(**dict(row))


async def upload_of_project(connection: Connection, upload_id: UUID, tenant: str, project_id: int) -> Upload | None:
    """Return the upload, if it is one of this tenant into this project."""
    row = await connection.fetchrow(UPLOAD_OF_PROJECT, upload_id, tenant, project_id)
    return None if row is None else Upload(**dict(row))


async def project_of_upload(connection: Connection, upload_id: UUID, tenant: str) -> tuple[int, str] | None:
    """Return id and folder of the active project that the tenant's upload goes into."""
    row = await connection.fetchrow(PROJECT_OF_UPLOAD, upload_id, tenant)
    return None if row is None else (row["id"], row["folder"])


async def extend_upload(connection: Connection, upload_id: UUID, lifetime: timedelta) -> datetime | None:
    """Note that all bytes so far are good and let the upload expire ``lifetime`` from now; None when it is gone."""
    expires_at: datetime | None = await connection.fetchval(EXTEND_UPLOAD, upload_id, lifetime)
    return expires_at


async def mark_unverified(connection: Connection, upload_id: UUID, offset: int | None) -> None:
    """Note that bytes from ``offset`` on await the comparison of their checksum; None when none do."""
    await connection.execute(MARK_UNVERIFIED, upload_id, offset)


async def delete_upload(connection: Connection, upload_id: UUID) -> None:
    """Remove the upload's row."""
    await connection.execute(DELETE_UPLOAD, upload_id)


async def lock_basenames(connection: Connection, tenant: str, basenames: Sequence[str]) -> None:
    """Keep other projects from placing these basenames until the transaction ends; always taken in one order."""
    await connection.execute(LOCK_BASENAMES, tenant, list(basenames))


async def try_lock_basename(connection: Connection, tenant: str, basename: str) -> bool:
    """Keep other projects from placing ``basename``, unless one is about to."""
    return bool(await connection.fetchval(TRY_LOCK_BASENAME, tenant, basename))


async def projects_with_basenames(
    connection: Connection, tenant: str, project_id: int, basenames: Sequence[str]
) -> dict[str, Elsewhere]:
    """Return, for basenames that other active projects have or are about to have, one of those."""
    rows = await connection.fetch(PROJECTS_WITH_BASENAMES, tenant, project_id, list(basenames))
    return {row["basename"]: Elsewhere(row["folder"], row["photo_id"]) for row in rows}


async def record_intents(connection: Connection, intents: Sequence[IntentRow], lifetime: timedelta) -> None:
    """Put on record what is about to be placed."""
    rows = [
        {
            name: str(value) if isinstance(value, UUID) else value.isoformat() if isinstance(value, datetime) else value
            for name, value in vars(intent).items()
        }
        for intent in intents
    ]
    await connection.execute(RECORD_INTENTS, rows, lifetime)


async def open_intents(connection: Connection, project_id: int) -> list[Upload]:
    """Return the project's intents; under the lock of its folder, all of them are of owners that died."""
    return [Upload(**dict(row)) for row in await connection.fetch(OPEN_INTENTS, project_id)]


async def projects_with_intents(connection: Connection) -> list[PlacingProject]:
    """Return every project with intents."""
    rows = await connection.fetch(PROJECTS_WITH_INTENTS)
    return [PlacingProject(row["id"], row["tenant"], row["folder"], row["library_id"]) for row in rows]


async def settle_uploads(connection: Connection, endings: Sequence[Ending]) -> None:
    """Write how resumable uploads ended, for clients that ask again."""
    rows = [{"id": str(ended.id), "state": ended.state, "result": ended.result} for ended in endings]
    await connection.execute(SETTLE_UPLOADS, rows)


async def forget_uploads(connection: Connection, upload_ids: Sequence[UUID]) -> None:
    """Remove the rows of uploads that nobody asks for again."""
    await connection.execute(FORGET_UPLOADS, list(upload_ids))


async def expired_uploads(connection: Connection, limit: int) -> list[tuple[UUID, str, UUID]]:
    """Return id, tenant and library id of uploads past their time, locked for this transaction."""
    rows = await connection.fetch(EXPIRED_UPLOADS, limit)
    return [(row["id"], row["tenant"], row["library_id"]) for row in rows]


async def known_uploads(connection: Connection, upload_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return which of these uploads have a row."""
    return frozenset(row["id"] for row in await connection.fetch(KNOWN_UPLOADS, list(upload_ids)))


async def tenant_libraries(connection: Connection) -> list[tuple[str, UUID]]:
    """Return every tenant with the id of its library."""
    return [(row["tenant"], row["library_id"]) for row in await connection.fetch(TENANT_LIBRARIES)]


async def folder_of_active_project(connection: Connection, project_id: int) -> str | None:
    """Return the project's folder and keep its row as it is until the transaction ends; None when not active."""
    folder: str | None = await connection.fetchval(ACTIVE_PROJECT, project_id)
    return folder
