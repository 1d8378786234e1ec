"""Marks of whole projects: by what folder and rows looked like when a check last left nothing to do there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from photobus_common.store.database import Connection

MARKS_OF_PROJECTS: Final = """
SELECT project_id, mark FROM folder_marks
WHERE job_type = $1 AND project_id = ANY($2::bigint[]) AND full_at > now() - $3::interval
"""

# The clock of a worker may be ahead: a mark of the future would hold for ever.
SET_MARK: Final = """
INSERT INTO folder_marks (project_id, job_type, mark, full_at) VALUES ($1, $2, $3, least($4, now()))
ON CONFLICT (project_id, job_type) DO UPDATE SET mark = excluded.mark, full_at = excluded.full_at
"""

ROWS_OF_PROJECTS: Final = """
SELECT n.id, coalesce(t.photos, 0) AS photos, r.versions, r.newest
FROM unnest($1::bigint[]) AS n (id)
LEFT JOIN project_totals t ON t.project_id = n.id
LEFT JOIN (
    SELECT project_id, sum(version)::bigint AS versions, max(id) AS newest FROM photos
    WHERE project_id = ANY($1::bigint[]) GROUP BY project_id
) r ON r.project_id = n.id
"""


@dataclass(frozen=True)
class RowsMark:
    """What stands for the rows of a project: as long as it is the same, no photo came, went or changed."""

    photos: int
    versions: int | None
    newest: int | None

    def __str__(self) -> str:
        return f"{self.photos}:{self.versions}:{self.newest}"


async def marks_of_projects(
    connection: Connection, job_type: str, project_ids: Sequence[int], valid: timedelta
) -> Mapping[int, str]:
    """Return the marks that full passes within ``valid`` left."""
    rows = await connection.fetch(MARKS_OF_PROJECTS, job_type, project_ids, valid)
    return {row["project_id"]: row["mark"] for row in rows}


async def rows_of_projects(connection: Connection, project_ids: Sequence[int]) -> Mapping[int, RowsMark]:
    """Return what stands for the rows of each project."""
    rows = await connection.fetch(ROWS_OF_PROJECTS, project_ids)
    return {row["id"]: RowsMark(row["photos"], row["versions"], row["newest"]) for row in rows}


async def set_mark(connection: Connection, project_id: int, job_type: str, mark: str, full_at: datetime) -> None:
    """Remember that a pass which began at ``full_at`` left nothing to do."""
    await connection.execute(SET_MARK, project_id, job_type, mark, full_at)
