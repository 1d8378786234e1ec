"""What tasks do to the folders of deleted projects, on record before a folder is touched.

Who works on the folder holds its lock, so whoever gets the lock and finds an operation open that is not its own knows
that its owner is dead, or gave up. The last operation that moved the folder says where it lies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self
from uuid import UUID

from photobus_common.store.database import Connection

FolderMove = Literal["trash", "restore"]
FolderOutcome = Literal["moved", "missing", "kept"]
"""``moved`` to its target; ``missing``: there is no such folder; ``kept``: it stays where it was."""

_COLUMNS: Final = "id, task_id, kind, path, target_path, target_name, device, inode"

RECORD: Final = f"""
INSERT INTO project_operations (tenant, project_id, task_id, kind, path, target_path, device, inode)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}
"""  # noqa: S608 - put together from constants

OPEN_OPERATION: Final = f"""
SELECT {_COLUMNS} FROM project_operations WHERE project_id = $1 AND state = 'open'
"""  # noqa: S608 - put together from constants

LAST_MOVE: Final = f"""
SELECT {_COLUMNS} FROM project_operations WHERE project_id = $1 AND state = 'done' AND outcome = 'moved'
ORDER BY id DESC LIMIT 1
"""  # noqa: S608 - put together from constants

RETARGET: Final = f"""
UPDATE project_operations SET target_path = $2, target_name = $3 WHERE id = $1 AND state = 'open' RETURNING {_COLUMNS}
"""  # noqa: S608 - put together from constants

END_OPERATION: Final = """
UPDATE project_operations SET state = 'done', outcome = $2, ended_at = now() WHERE id = $1 AND state = 'open'
"""


@dataclass(frozen=True)
class ProjectOperation:
    """The folder ``path`` goes to ``target_path``, both relative to the library, on behalf of a task.

    ``target_name`` is what a project that comes back will be called.
    """

    id: int
    task_id: UUID
    kind: FolderMove
    path: str
    target_path: str | None
    target_name: str | None
    device: int | None
    inode: int | None

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Read it back; the numbers of a folder may be larger than Postgres' integers, so they are numerics there."""
        numbers = {name: None if row[name] is None else int(row[name]) for name in ("device", "inode")}
        return cls(**{**dict(row), **numbers})

    @property
    def places(self) -> Sequence[str]:
        """Where the folder may lie: the target first, for it was at the other before."""
        return (self.path,) if self.target_path is None else (self.target_path, self.path)


@dataclass(frozen=True)
class NewOperation:
    """An operation to be put on record; ``identity`` is the folder's device and inode."""

    tenant: str
    project_id: int
    task_id: UUID
    kind: FolderMove
    path: str
    target_path: str | None = None
    identity: tuple[int, int] | None = None


async def record_operation(connection: Connection, new: NewOperation) -> ProjectOperation:
    """Put it on record; it counts once the transaction has committed. A project has one at a time."""
    about = (new.tenant, new.project_id, new.task_id, new.kind, new.path, new.target_path)
    (row,) = await connection.fetch(RECORD, *about, *(new.identity or (None, None)))
    return ProjectOperation.from_row(row)


async def open_operation(connection: Connection, project_id: int) -> ProjectOperation | None:
    """Return the operation on the project's folder that has not ended."""
    row = await connection.fetchrow(OPEN_OPERATION, project_id)
    return None if row is None else ProjectOperation.from_row(row)


async def last_move(connection: Connection, project_id: int) -> ProjectOperation | None:
    """Return the last operation that moved the project's folder."""
    row = await connection.fetchrow(LAST_MOVE, project_id)
    return None if row is None else ProjectOperation.from_row(row)


async def retarget_operation(
    connection: Connection, operation_id: int, target_path: str, target_name: str
) -> ProjectOperation:
    """Say where the folder is to go, before it does, and what the project will be called."""
    (row,) = await connection.fetch(RETARGET, operation_id, target_path, target_name)
    return ProjectOperation.from_row(row)


async def end_operation(connection: Connection, operation_id: int, outcome: FolderOutcome) -> None:
    """Say how the operation ended."""
    await connection.execute(END_OPERATION, operation_id, outcome)
