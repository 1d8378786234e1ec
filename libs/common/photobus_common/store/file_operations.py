"""File operations on record: what a job is about to do to files, before it touches the first of them.

Whoever holds the lock of a project's folder and finds operations open knows that their owner is dead or gave up, and
completes them. Each is ended in the transaction that writes the rows and events that follow from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self
from uuid import UUID

from photobus_common.storage.folder import Entry
from photobus_common.store.database import Connection

OperationKind = Literal["trash", "remove_derivative", "move", "move_derivative", "restore"]
OperationOutcome = Literal["moved", "removed", "missing", "kept", "changed", "refused", "taken"]
"""``moved`` to the target or ``removed``; ``missing``: it was gone already; ``kept``: no longer wanted, and left or
brought back; ``changed``: another file has the name now; ``refused``: the storage does not let this file go; ``taken``:
another file has the name that it was to get."""

_COLUMNS: Final = """
    id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path, filename,
    target_project_id, target_path, target_filename, device, inode, size, md5
"""

RECORD_OPERATIONS: Final = f"""
INSERT INTO file_operations ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_to_recordset($1) AS n (
    id uuid, tenant text, actor text, task_id uuid, job_id uuid, attempt int, position bigint, photo_id bigint,
    kind text, project_id bigint, path text, filename text, target_project_id bigint, target_path text,
    target_filename text, device numeric, inode numeric, size bigint, md5 text
)
"""  # noqa: S608 - put together from constants

OPEN_OPERATIONS: Final = f"""
SELECT {_COLUMNS} FROM file_operations
WHERE state = 'open' AND (project_id = ANY($1::bigint[]) OR target_project_id = ANY($1::bigint[]))
ORDER BY photo_id, path
"""  # noqa: S608 - put together from constants

LOCK_OPEN_OPERATIONS: Final = OPEN_OPERATIONS + "FOR UPDATE"

RETARGET_OPERATIONS: Final = """
UPDATE file_operations o SET target_path = n.path FROM unnest($1::uuid[], $2::text[]) AS n (id, path)
WHERE o.id = n.id AND o.state = 'open'
"""

END_OPERATIONS: Final = """
UPDATE file_operations o SET state = 'done', outcome = n.outcome, ended_at = now()
FROM unnest($1::uuid[], $2::text[]) AS n (id, outcome) WHERE o.id = n.id AND o.state = 'open'
"""

PROJECTS_WITH_OPEN_OPERATIONS: Final = """
SELECT tenant, project_id FROM file_operations WHERE state = 'open' GROUP BY 1, 2 ORDER BY 2
"""

REACHED_PROJECTS: Final = """
WITH RECURSIVE reached (id) AS (
    SELECT unnest($1::bigint[])
    UNION
    SELECT CASE r.id WHEN o.project_id THEN o.target_project_id ELSE o.project_id END
    FROM reached r JOIN file_operations o ON o.project_id = r.id OR o.target_project_id = r.id
    WHERE o.state = 'open' AND o.target_project_id IS NOT NULL
)
SELECT id FROM reached ORDER BY id
"""

AWAITS_MOVES: Final = """
SELECT EXISTS (
    SELECT FROM file_operations WHERE state = 'open' AND target_project_id = $1 AND project_id <> $1
)
"""

# The names in the project's own folder: what a trash or a restoring is about there is its `path` or its `target_path`.
NAMES_BEING_MOVED: Final = """
SELECT path AS name FROM file_operations
WHERE project_id = $1 AND state = 'open' AND kind IN ('trash', 'move')
UNION ALL
SELECT target_path FROM file_operations
WHERE target_project_id = $1 AND state = 'open' AND kind IN ('move', 'restore')
"""

BASENAMES_BEING_MOVED: Final = """
SELECT filename AS name FROM file_operations
WHERE project_id = $1 AND state = 'open' AND kind = 'move' AND filename IS NOT NULL
UNION
SELECT target_filename FROM file_operations
WHERE target_project_id = $1 AND state = 'open' AND kind IN ('move', 'restore') AND target_filename IS NOT NULL
"""


@dataclass(frozen=True)
class FileOperation:
    """What is to be done with the file ``path`` of a project, for one item of a job.

    ``path`` is relative to the folder of ``project_id``, ``target_path`` to that of ``target_project_id``, or of the
    same project where there is none. ``device``, ``inode`` and ``size`` say which file it is; they are None where there
    was none when the operation was recorded. ``filename`` and ``target_filename`` are the basenames of a photo that
    moves or comes back; nobody else may use them before the operation has ended.
    """

    id: UUID
    tenant: str
    actor: str
    task_id: UUID
    job_id: UUID
    attempt: int
    position: int
    photo_id: int
    kind: OperationKind
    project_id: int
    path: str
    filename: str | None = None
    target_project_id: int | None = None
    target_path: str | None = None
    target_filename: str | None = None
    device: int | None = None
    inode: int | None = None
    size: int | None = None
    md5: str | None = None

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Read it back; the numbers of a file may be larger than Postgres' integers, so they are numerics there."""
        device, inode = row["device"], row["inode"]
        numbers = {"device": None if device is None else int(device), "inode": None if inode is None else int(inode)}
        return cls(**{**dict(row), **numbers})

    def is_about(self, entry: Entry | None) -> bool:
        """Whether ``entry`` is the file that was recorded, as large as it was."""
        return entry is not None and (entry.device, entry.inode, entry.size) == (self.device, self.inode, self.size)


async def record_operations(connection: Connection, operations: Sequence[FileOperation]) -> None:
    """Put ``operations`` on record; they count once the transaction has committed."""
    if operations:
        await connection.execute(RECORD_OPERATIONS, [_row(operation) for operation in operations])


async def open_operations(
    connection: Connection, project_ids: Sequence[int], *, lock: bool = False
) -> list[FileOperation]:
    """Return the open operations from or to the projects; ``lock`` keeps others from ending them meanwhile."""
    rows = await connection.fetch(LOCK_OPEN_OPERATIONS if lock else OPEN_OPERATIONS, project_ids)
    return [FileOperation.from_row(row) for row in rows]


async def retarget_operations(connection: Connection, targets: Sequence[tuple[UUID, str]]) -> None:
    """Give open operations other targets, before they are carried out."""
    ids, paths = zip(*targets, strict=True)
    await connection.execute(RETARGET_OPERATIONS, list(ids), list(paths))


async def end_operations(connection: Connection, outcomes: Sequence[tuple[UUID, OperationOutcome]]) -> None:
    """Say how operations ended."""
    if outcomes:
        ids, words = zip(*outcomes, strict=True)
        await connection.execute(END_OPERATIONS, list(ids), list(words))


async def projects_with_open_operations(connection: Connection) -> list[tuple[str, int]]:
    """Return tenant and id of each project with open operations, in the order in which folders are locked."""
    return [(row["tenant"], row["project_id"]) for row in await connection.fetch(PROJECTS_WITH_OPEN_OPERATIONS)]


async def reached_projects(connection: Connection, project_ids: Sequence[int]) -> list[int]:
    """Return the projects and all that open operations lead to from them: who completes one holds them all."""
    return [row["id"] for row in await connection.fetch(REACHED_PROJECTS, project_ids)]


async def awaits_moves(connection: Connection, project_id: int) -> bool:
    """Whether open operations bring files of other projects here."""
    return bool(await connection.fetchval(AWAITS_MOVES, project_id))


async def names_being_moved(connection: Connection, project_id: int) -> frozenset[str]:
    """Return the names of the project's folder that open operations are about to free or take, or just did."""
    return frozenset(row["name"] for row in await connection.fetch(NAMES_BEING_MOVED, project_id))


async def basenames_in_motion(connection: Connection, project_id: int) -> frozenset[str]:
    """Return the basenames in the project of photos that open operations move away or bring here."""
    return frozenset(row["name"] for row in await connection.fetch(BASENAMES_BEING_MOVED, project_id))


def _row(operation: FileOperation) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in vars(operation).items()}
