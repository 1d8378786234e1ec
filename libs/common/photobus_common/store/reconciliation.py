"""The rows that a reconciliation compares with the disk, and the changes it makes to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from photobus_common.events.parts import DerivativeStatus
from photobus_common.events.projects import KeptKinds
from photobus_common.reconciliation import (
    SHOWN_FIRST,
    CatalogueFile,
    CataloguePhoto,
    CatalogueProject,
    FileCheck,
    PhotoKind,
)
from photobus_common.store.database import Connection
from photobus_common.store.file_operations import names_being_moved
from photobus_common.store.lost_files import forget_found
from photobus_common.store.photos import MEET_METADATA, Weight

PROJECTS_OF_TENANT: Final = """
SELECT pr.id, pr.tenant, pr.name, pr.folder, pr.status = 'active' AS active, pr.created_at, t.library_id
FROM projects pr JOIN tenants t USING (tenant)
WHERE pr.tenant = $1 AND pr.id = ANY($2)
"""

PHOTOS_IN_PROJECT: Final = """
SELECT id, filename, jpg_available, raw_available, other_available
FROM photos WHERE id = ANY($1) AND project_id = $2 ORDER BY id
"""

LOCK_PHOTOS_IN_PROJECT: Final = PHOTOS_IN_PROJECT + "FOR UPDATE"

ACTIVE_PROJECTS_FROM: Final = """
SELECT pr.id, pr.tenant, pr.name, pr.folder, true AS active, pr.created_at, t.library_id
FROM projects pr JOIN tenants t USING (tenant)
WHERE pr.tenant = $1 AND pr.status = 'active' AND pr.id >= $2 ORDER BY pr.id LIMIT $3
"""

PHOTOS_OF_TENANT: Final = """
SELECT coalesce(sum(t.photos), 0) FROM project_totals t JOIN projects pr ON pr.id = t.project_id
WHERE pr.tenant = $1 AND pr.status = 'active'
"""

PROJECTS_OF_TASK: Final = "SELECT project_id FROM task_projects WHERE task_id = $1 ORDER BY project_id"

PHOTOS_IN_PROJECTS: Final = "SELECT coalesce(sum(photos), 0) FROM project_totals WHERE project_id = ANY($1::bigint[])"

PHOTO_IDS_AFTER: Final = "SELECT id FROM photos WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT $3"

FILES_OF_PHOTOS: Final = (
    "SELECT photo_id, name, kind, size, md5, modified_at FROM photo_files WHERE photo_id = ANY($1) ORDER BY name"
)

CORRECT_TIMES: Final = """
UPDATE photo_files f SET modified_at = c.modified_at FROM unnest($2::text[], $3::timestamptz[]) AS c (name, modified_at)
WHERE f.project_id = $1 AND f.name = c.name
"""

NAMES_BEING_PLACED: Final = """
SELECT target_name AS name FROM uploads WHERE project_id = $1 AND state = 'placing' AND target_name IS NOT NULL
"""

NAMES_BEING_RENAMED: Final = """
SELECT unnest(CASE WHEN source_folder IS NULL THEN names || targets ELSE targets END) AS name
FROM file_renames WHERE project_id = $1 AND state = 'open'
"""

REMOVE_FILES: Final = """
DELETE FROM photo_files f USING unnest($2::bigint[], $3::text[]) AS g(photo_id, name)
WHERE f.project_id = $1 AND f.photo_id = g.photo_id AND f.name = g.name
"""

CHANGED_PHOTO: Final = (
    "p.id, p.filename, p.version, p.thumbnail_status, p.preview_status, p.keep_jpg, p.keep_raw, p.keep_other"
)
"""What is read of the row of a photo that was changed."""

_SIZE: Final = """(
    SELECT coalesce(sum(f.size), 0) FROM photo_files f WHERE f.photo_id = p.id AND f.kind <> 'sidecar'
)"""

CORRECT_AVAILABILITY: Final = f"""
UPDATE photos p SET jpg_available = c.jpg, raw_available = c.raw, other_available = c.other, size = {_SIZE},
    version = p.version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::boolean[], $3::boolean[], $4::boolean[]) AS c(id, jpg, raw, other)
WHERE p.id = c.id
RETURNING {CHANGED_PHOTO}
"""  # noqa: S608 - put together from constants

INSERT_FILES: Final = """
INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at)
SELECT $1, g.photo_id, $2, g.name, g.kind, g.size, g.md5, g.modified_at
FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::timestamptz[])
    AS g(photo_id, name, kind, size, md5, modified_at)
"""

# What comes newly available is kept until its owner says otherwise; what had been lost is what he said.
EXTEND_AVAILABILITY: Final = f"""
UPDATE photos p SET size = {_SIZE},
    jpg_available = c.jpg, raw_available = c.raw, other_available = c.other,
    keep_jpg = p.keep_jpg OR (c.jpg AND NOT p.jpg_available AND NOT 'jpg' = ANY(l.kinds)),
    keep_raw = p.keep_raw OR (c.raw AND NOT p.raw_available AND NOT 'raw' = ANY(l.kinds)),
    keep_other = p.keep_other OR (c.other AND NOT p.other_available AND NOT 'other' = ANY(l.kinds)),
    version = p.version + 1, updated_at = now()
FROM unnest($1::bigint[], $2::boolean[], $3::boolean[], $4::boolean[]) AS c(id, jpg, raw, other)
CROSS JOIN LATERAL (SELECT ARRAY (SELECT kind FROM lost_files WHERE photo_id = c.id) AS kinds) AS l
WHERE p.id = c.id
RETURNING {CHANGED_PHOTO}
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class ChangedPhoto:
    """A photo's row after a change, by the columns ``CHANGED_PHOTO``."""

    id: int
    filename: str
    version: int
    thumbnail_status: DerivativeStatus
    preview_status: DerivativeStatus
    keep_jpg: bool
    keep_raw: bool
    keep_other: bool

    @property
    def keep(self) -> KeptKinds:
        """What is kept of it, as events tell it."""
        return KeptKinds(jpg=self.keep_jpg, raw=self.keep_raw, other=self.keep_other)


@dataclass(frozen=True)
class NewFile:
    """A file to be added to a photo."""

    photo_id: int
    file: CatalogueFile
    modified_at: datetime


@dataclass(frozen=True)
class Extension:
    """What a photo has once files were added: its kinds.

    ``metadata`` is the row (``metadata_row``) of the added file that would be shown first, if it is a photo's;
    ``weight`` is how it meets what the photo has.
    """

    photo_id: int
    available: frozenset[PhotoKind]
    weight: Weight
    metadata: Mapping[str, Any] | None = None


async def projects_of_tenant(
    connection: Connection,
    tenant: str,
    project_ids: Sequence[int],
) -> dict[int, CatalogueProject]:
    """Return the projects of ``tenant`` among ``project_ids``, archived ones too, by id."""
    rows = await connection.fetch(PROJECTS_OF_TENANT, tenant, project_ids)
    return {row["id"]: CatalogueProject(**row) for row in rows}


async def active_projects_from(
    connection: Connection, tenant: str, first_id: int, limit: int
) -> list[CatalogueProject]:
    """Return active projects of ``tenant`` with ids from ``first_id`` on, in the order in which folders are locked."""
    return [CatalogueProject(**row) for row in await connection.fetch(ACTIVE_PROJECTS_FROM, tenant, first_id, limit)]


async def photos_of_tenant(connection: Connection, tenant: str) -> int:
    """Return how many photos the tenant's active projects have together."""
    return int(await connection.fetchval(PHOTOS_OF_TENANT, tenant))


async def projects_of_task(connection: Connection, task_id: UUID) -> list[int]:
    """Return the projects that the task works on as a whole, in the order in which folders are locked."""
    return [row["project_id"] for row in await connection.fetch(PROJECTS_OF_TASK, task_id)]


async def photos_in_projects(connection: Connection, project_ids: Sequence[int]) -> int:
    """Return how many photos the projects have together."""
    return int(await connection.fetchval(PHOTOS_IN_PROJECTS, project_ids))


async def photo_ids_after(connection: Connection, project_id: int, after: int, limit: int) -> tuple[int, ...]:
    """Return the next photos of a project in the order of their ids."""
    return tuple(row["id"] for row in await connection.fetch(PHOTO_IDS_AFTER, project_id, after, limit))


async def photos_in_project(
    connection: Connection,
    project_id: int,
    photo_ids: Sequence[int],
    *,
    lock: bool = False,
) -> list[CataloguePhoto]:
    """Return those of ``photo_ids`` that lie in the project, with their files.

    ``lock`` keeps them as they are until the transaction ends; whoever adds, replaces or removes files of a photo
    changes its row.
    """
    rows = await connection.fetch(LOCK_PHOTOS_IN_PROJECT if lock else PHOTOS_IN_PROJECT, photo_ids, project_id)
    files: dict[int, list[CatalogueFile]] = {row["id"]: [] for row in rows}
    for file in await connection.fetch(FILES_OF_PHOTOS, list(files)):
        _, *columns = file.values()
        files[file["photo_id"]].append(CatalogueFile(*columns))
    return [CataloguePhoto(row["id"], row["filename"], _available(row), tuple(files[row["id"]])) for row in rows]


async def names_in_motion(connection: Connection, project_id: int) -> frozenset[str]:
    """Return the names of the project's folder that open uploads, file operations or renames are about."""
    placed = frozenset(row["name"] for row in await connection.fetch(NAMES_BEING_PLACED, project_id))
    renamed = frozenset(row["name"] for row in await connection.fetch(NAMES_BEING_RENAMED, project_id))
    return placed | renamed | await names_being_moved(connection, project_id)


async def remove_missing_files(
    connection: Connection,
    project_id: int,
    checks: Sequence[FileCheck],
) -> list[ChangedPhoto]:
    """Make the rows of ``checks`` say what is on disk; the photos' intents (keep flags) stay."""
    gone = [(check.photo.id, file.name) for check in checks for file in check.missing]
    await connection.execute(REMOVE_FILES, project_id, [photo for photo, _ in gone], [name for _, name in gone])
    rows = await connection.fetch(
        CORRECT_AVAILABILITY,
        [check.photo.id for check in checks],
        *_flags([check.available for check in checks]),
    )
    return [ChangedPhoto(**row) for row in rows]


async def add_found_files(
    connection: Connection,
    project: CatalogueProject,
    files: Sequence[NewFile],
    extensions: Sequence[Extension],
) -> list[ChangedPhoto]:
    """Add ``files`` to their photos, whose rows then say what ``extensions`` say, one for each of those photos.

    EXIF counts as that of uploads does: that of the shown file before all other, the rest where there is none.
    """
    await connection.execute(
        INSERT_FILES,
        project.tenant,
        project.id,
        [new.photo_id for new in files],
        [new.file.name for new in files],
        [new.file.kind for new in files],
        [new.file.size for new in files],
        [new.file.md5 for new in files],
        [new.modified_at for new in files],
    )
    metadata = [
        {"photo_id": extension.photo_id, "weight": extension.weight, **extension.metadata}
        for extension in extensions
        if extension.metadata is not None
    ]
    if metadata:
        await connection.execute(MEET_METADATA, metadata)
    rows = await connection.fetch(
        EXTEND_AVAILABILITY,
        [extension.photo_id for extension in extensions],
        *_flags([extension.available for extension in extensions]),
    )
    await forget_found(connection, [(new.photo_id, new.file.name, new.file.md5) for new in files])
    return [ChangedPhoto(**row) for row in rows]


async def correct_times(connection: Connection, project_id: int, times: Sequence[tuple[str, datetime]]) -> None:
    """Let files of the project, given by name, have other times. No photo is another one by that."""
    if times:
        await connection.execute(CORRECT_TIMES, project_id, *map(list, zip(*times, strict=True)))


def _available(row: Any) -> frozenset[PhotoKind]:
    return frozenset(kind for kind in SHOWN_FIRST if row[f"{kind}_available"])


def _flags(availabilities: Sequence[frozenset[PhotoKind]]) -> tuple[list[bool], list[bool], list[bool]]:
    """Return one column a kind: jpg, raw, other."""
    kinds: tuple[PhotoKind, ...] = ("jpg", "raw", "other")
    jpg, raw, other = ([kind in available for available in availabilities] for kind in kinds)
    return jpg, raw, other
