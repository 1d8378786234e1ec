"""What basenames of a client's batch became by renaming, so that the second file of a pair follows the first.

On record rather than in memory: the two may come by different gateways, and the rename counts only if its transaction
does.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from photobus_common.store.database import Connection

RENAMES_OF: Final = """
SELECT r.batch, r.basename, r.renamed
FROM upload_renames r JOIN unnest($2::text[], $3::text[]) AS n (batch, basename)
    ON r.batch = n.batch AND r.basename = n.basename
WHERE r.project_id = $1
"""

NOTE_RENAMES: Final = """
INSERT INTO upload_renames (project_id, batch, basename, renamed)
SELECT $1, n.batch, n.basename, n.renamed
FROM unnest($2::text[], $3::text[], $4::text[]) AS n (batch, basename, renamed)
ON CONFLICT (project_id, batch, basename) DO UPDATE SET renamed = excluded.renamed, renamed_at = now()
"""

FORGET_OLD_RENAMES: Final = "DELETE FROM upload_renames WHERE renamed_at < now() - $1::interval"

BatchName = tuple[str, str]
"""A batch, and a basename that the client sent in it."""


async def renames_of(connection: Connection, project_id: int, names: Sequence[BatchName]) -> dict[BatchName, str]:
    """Return what ``names`` became, where they were renamed."""
    rows = await connection.fetch(RENAMES_OF, project_id, [name[0] for name in names], [name[1] for name in names])
    return {(row["batch"], row["basename"]): row["renamed"] for row in rows}


async def note_renames(connection: Connection, project_id: int, renamed: Mapping[BatchName, str]) -> None:
    """Note what basenames became; the latest counts."""
    batches, basenames = [batch for batch, _ in renamed], [basename for _, basename in renamed]
    await connection.execute(NOTE_RENAMES, project_id, batches, basenames, list(renamed.values()))


async def forget_old_renames(connection: Connection, after: timedelta) -> None:
    """Forget renames older than ``after``; pairs that come apart by more count as separate photos."""
    await connection.execute(FORGET_OLD_RENAMES, after)
