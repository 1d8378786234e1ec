"""Files without rows that get other names, on record before the first of them is touched.

All files of one basename together. Whoever holds the lock of the project's folder and finds one open knows that its
owner is dead or gave up, and finishes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self
from uuid import UUID, uuid4

from photobus_common.store.database import Connection

RenameCause = Literal["duplicate_resolution", "folder_discovery"]

_COLUMNS: Final = "id, tenant, project_id, task_id, cause, source_folder, names, targets, basename"

RECORD_RENAMES: Final = f"""
INSERT INTO file_renames ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_to_recordset($1) AS n (
    id uuid, tenant text, project_id bigint, task_id uuid, cause text, source_folder text, names text[],
    targets text[], basename text
)
"""  # noqa: S608 - put together from constants

OPEN_RENAMES: Final = f"""
SELECT {_COLUMNS} FROM file_renames WHERE project_id = $1 AND state = 'open' ORDER BY created_at, id
"""  # noqa: S608 - put together from constants

END_RENAMES: Final = """
UPDATE file_renames SET state = 'done', ended_at = now() WHERE id = ANY($1::uuid[]) AND state = 'open'
"""

# Renamed files have no row until they are indexed; if that has not come within a day, their number is free again.
TAKEN_BASENAMES: Final = """
SELECT n.basename FROM unnest($2::text[]) AS n (basename)
WHERE EXISTS (
    SELECT FROM photos p JOIN projects pr ON pr.id = p.project_id
    WHERE p.tenant = $1 AND p.filename = n.basename AND pr.status = 'active'
) OR EXISTS (
    SELECT FROM uploads u WHERE u.tenant = $1 AND u.basename = n.basename AND u.state = 'placing'
) OR EXISTS (
    SELECT FROM file_operations o WHERE o.tenant = $1 AND o.target_filename = n.basename AND o.state = 'open'
) OR EXISTS (
    SELECT FROM file_renames r WHERE r.tenant = $1 AND r.basename = n.basename
        AND (r.state = 'open' OR r.ended_at > now() - interval '1 day')
)
"""

NAMES_WITH_ROWS: Final = "SELECT name FROM photo_files WHERE project_id = $1 AND name = ANY($2::text[])"


@dataclass(frozen=True)
class FileRename:
    """The files ``names`` get the names ``targets``, in their order; all of these are of the one ``basename``.

    They lie in the project's own folder, or in the folder ``source_folder`` of the library.
    """

    tenant: str
    project_id: int
    task_id: UUID
    cause: RenameCause
    names: tuple[str, ...]
    targets: tuple[str, ...]
    basename: str
    source_folder: str | None = None
    id: UUID = field(default_factory=uuid4)

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Read it back."""
        return cls(**{**dict(row), "names": tuple(row["names"]), "targets": tuple(row["targets"])})

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Each file's name and its target."""
        return tuple(zip(self.names, self.targets, strict=True))


async def record_renames(connection: Connection, renames: Sequence[FileRename]) -> None:
    """Put renames on record; they count once the transaction has committed."""
    if renames:
        rows = [
            {name: str(value) if isinstance(value, UUID) else value for name, value in vars(one).items()}
            for one in renames
        ]
        await connection.execute(RECORD_RENAMES, rows)


async def open_renames(connection: Connection, project_id: int) -> list[FileRename]:
    """Return what is to be renamed in or into the project and has not ended, oldest first."""
    return [FileRename.from_row(row) for row in await connection.fetch(OPEN_RENAMES, project_id)]


async def end_renames(connection: Connection, rename_ids: Sequence[UUID]) -> None:
    """Say that renames have ended, in the transaction with the events that tell of them."""
    if rename_ids:
        await connection.execute(END_RENAMES, list(rename_ids))


async def taken_basenames(connection: Connection, tenant: str, basenames: Sequence[str]) -> set[str]:
    """Return those of ``basenames`` that a photo of any active project has, or a file is about to get or just got."""
    return {row["basename"] for row in await connection.fetch(TAKEN_BASENAMES, tenant, list(basenames))}


async def names_with_rows(connection: Connection, project_id: int, names: Sequence[str]) -> set[str]:
    """Return those of ``names`` that are names of files on record in the project."""
    return {row["name"] for row in await connection.fetch(NAMES_WITH_ROWS, project_id, list(names))}
