"""Files on their way to a project's trash because they are nothing of a project's.

Each is on record before it is touched, and until the event that tells of it is: so whoever comes after a crash finds
which files in the trash nobody has told of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from photobus_common.storage.folder import Entry
from photobus_common.store.database import Connection

RECORD_STRAYS: Final = """
INSERT INTO stray_files (tenant, project_id, task_id, id, name, trash_folder, device, inode, size, reason)
SELECT $1, $2, $3, n.id, n.name, n.trash_folder, n.device, n.inode, n.size, n.reason
FROM jsonb_to_recordset($4)
    AS n (id uuid, name text, trash_folder text, device numeric, inode numeric, size bigint, reason text)
"""

OPEN_STRAYS: Final = """
SELECT id, name, trash_folder, device, inode, size, reason FROM stray_files WHERE project_id = $1 ORDER BY name
"""

FORGET_STRAYS: Final = "DELETE FROM stray_files WHERE id = ANY($1::uuid[])"


@dataclass(frozen=True)
class Stray:
    """A file that goes to ``.trash/<trash_folder>``; device, inode and size (in bytes) tell that it is still it."""

    id: UUID
    name: str
    trash_folder: str
    device: int
    inode: int
    size: int
    reason: str

    def is_it(self, entry: Entry | None) -> bool:
        """Whether ``entry`` is the file that was recorded."""
        return entry is not None and (entry.device, entry.inode, entry.size) == (self.device, self.inode, self.size)


async def record_strays(
    connection: Connection, project: tuple[str, int], task_id: UUID, strays: Sequence[Stray]
) -> None:
    """Put on record that files of the project, given as tenant and id, are about to go."""
    rows = [{**vars(stray), "id": str(stray.id)} for stray in strays]
    await connection.execute(RECORD_STRAYS, *project, task_id, rows)


async def open_strays(connection: Connection, project_id: int) -> list[Stray]:
    """Return what is on record of the project."""
    rows = await connection.fetch(OPEN_STRAYS, project_id)
    return [Stray(**{**dict(row), "device": int(row["device"]), "inode": int(row["inode"])}) for row in rows]


async def forget_strays(connection: Connection, strays: Sequence[Stray]) -> None:
    """Take off record what has been told, or did not go."""
    await connection.execute(FORGET_STRAYS, [stray.id for stray in strays])
