"""What is about to be deleted from a trash for good, on record before its first file goes, and who still needs it.

A folder of a project's own trash has a row until the event that tells of it is written, so that it is told once,
wherever a worker dies. That of a whole project in the library's trash keeps its row: with it the project can no longer
come back.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from photobus_common.storage.project_folder import trash_cause
from photobus_common.storage.trees import Size
from photobus_common.store.database import Connection

BEGUN_REMOVALS: Final = """
SELECT folder, files, bytes FROM trash_removals WHERE project_id = $1 AND NOT whole ORDER BY folder
"""

BEGIN_REMOVALS: Final = """
INSERT INTO trash_removals (project_id, folder, files, bytes)
SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING
"""

END_REMOVALS: Final = """
DELETE FROM trash_removals WHERE project_id = $1 AND folder = ANY($2::text[]) AND NOT whole
"""

BEGIN_WHOLE: Final = """
INSERT INTO trash_removals (project_id, folder, whole, files, bytes) VALUES ($1, $2, true, $3, $4)
ON CONFLICT DO NOTHING
"""

END_WHOLE: Final = """
UPDATE trash_removals SET ended_at = now() WHERE project_id = $1 AND folder = $2 AND whole AND ended_at IS NULL
RETURNING files, bytes
"""

IS_EXPIRED: Final = """
SELECT EXISTS (
    SELECT FROM trash_removals r WHERE r.project_id = $1 AND r.whole AND r.folder = split_part((
        SELECT o.target_path FROM project_operations o
        WHERE o.project_id = $1 AND o.state = 'done' AND o.outcome = 'moved' ORDER BY o.id DESC LIMIT 1
    ), '/', 2)
)
"""

FORGET_WHOLE: Final = "DELETE FROM trash_removals WHERE project_id = $1 AND whole AND ended_at IS NULL"

OPEN_WHOLE_REMOVALS: Final = """
SELECT r.project_id FROM trash_removals r JOIN projects pr ON pr.id = r.project_id
WHERE pr.tenant = $1 AND r.whole AND r.ended_at IS NULL ORDER BY 1
"""

# What an undo is bringing back, what a removal is putting there, and what an upload replaces and may put back.
HELD_FOLDERS: Final = """
SELECT split_part(path, '/', 2) AS folder FROM file_operations
WHERE project_id = $1 AND state = 'open' AND kind = 'restore'
UNION
SELECT split_part(target_path, '/', 2) FROM file_operations
WHERE project_id = $1 AND state = 'open' AND kind = 'trash' AND target_path IS NOT NULL
UNION
SELECT plan #>> '{replaces,trash_folder}' FROM uploads
WHERE project_id = $1 AND state = 'placing' AND plan #>> '{replaces,trash_folder}' IS NOT NULL
"""

# Undone is by the log; what these rows said of where the files lie is no longer true.
FORGET_TRASHED: Final = """
DELETE FROM file_operations f USING unnest($2::uuid[], $3::text[]) AS g (task_id, folder)
WHERE f.task_id = g.task_id AND f.project_id = $1 AND f.kind = 'trash' AND f.state = 'done'
    AND starts_with(f.target_path, '.trash/' || g.folder || '/')
"""


async def begun_removals(connection: Connection, project_id: int) -> dict[str, Size]:
    """Return the folders of the project's trash that were begun to be deleted, each with what it held then."""
    rows = await connection.fetch(BEGUN_REMOVALS, project_id)
    return {row["folder"]: Size(row["files"], row["bytes"]) for row in rows}


async def begin_removals(connection: Connection, project_id: int, folders: Mapping[str, Size]) -> None:
    """Put on record that these folders of the project's trash go; what was on record of them before stands."""
    sizes = folders.values()
    counts = [size.files for size in sizes], [size.bytes for size in sizes]
    await connection.execute(BEGIN_REMOVALS, project_id, list(folders), *counts)


async def end_removals(connection: Connection, project_id: int, folders: Sequence[str]) -> None:
    """Take folders of the trash, which the caller tells of, from the record, and what was known of files in them."""
    await connection.execute(END_REMOVALS, project_id, folders)
    causes = [(cause, folder) for folder in folders if (cause := trash_cause(folder)) is not None]
    await connection.execute(FORGET_TRASHED, project_id, [cause for cause, _ in causes], [name for _, name in causes])


async def held_folders(connection: Connection, project_id: int) -> frozenset[str]:
    """Return the folders of the project's trash that open operations and uploads are about.

    They are put on record under the lock of the project's folder: to whoever holds it, no more can come.
    """
    return frozenset(row["folder"] for row in await connection.fetch(HELD_FOLDERS, project_id))


async def begin_whole(connection: Connection, project_id: int, folder: str, size: Size) -> None:
    """Put on record that the deleted project goes for good, from that folder of the library's trash."""
    await connection.execute(BEGIN_WHOLE, project_id, folder, *size)


async def end_whole(connection: Connection, project_id: int, folder: str) -> Size | None:
    """Note that it is gone; return how much that was, None where that was told already."""
    row: Any = await connection.fetchrow(END_WHOLE, project_id, folder)
    return None if row is None else Size(row["files"], row["bytes"])


async def is_expired(connection: Connection, project_id: int) -> bool:
    """Whether the folder of the deleted project is gone from the library's trash for good, or on its way."""
    return bool(await connection.fetchval(IS_EXPIRED, project_id))


async def open_whole_removals(connection: Connection, tenant: str) -> list[int]:
    """Return the projects that are going for good."""
    return [row["project_id"] for row in await connection.fetch(OPEN_WHOLE_REMOVALS, tenant)]


async def forget_whole(connection: Connection, project_id: int) -> None:
    """Note that the project does not go after all: its owner took what was left of it out of the trash."""
    await connection.execute(FORGET_WHOLE, project_id)
