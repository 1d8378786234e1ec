"""Pending deletions: kinds of file that a photo has and its owner no longer wants to keep."""

from dataclasses import dataclass
from typing import Final

from photobus_common.store.database import Connection


@dataclass(frozen=True)
class PendingOfProject:
    """How many files of each kind a commit would remove from one project; ``total`` is their sum."""

    project_id: int
    project_folder: str
    jpg: int
    raw: int
    other: int

    @property
    def total(self) -> int:
        """Files of all kinds."""
        return self.jpg + self.raw + self.other


COUNT_PENDING_BY_PROJECT: Final = """
SELECT p.project_id, pr.folder AS project_folder,
       count(*) FILTER (WHERE p.jpg_available AND NOT p.keep_jpg) AS jpg,
       count(*) FILTER (WHERE p.raw_available AND NOT p.keep_raw) AS raw,
       count(*) FILTER (WHERE p.other_available AND NOT p.keep_other) AS other
FROM photos p JOIN projects pr ON pr.id = p.project_id
WHERE p.tenant = $1 AND pr.status = 'active'
  AND ((p.jpg_available AND NOT p.keep_jpg) OR (p.raw_available AND NOT p.keep_raw)
       OR (p.other_available AND NOT p.keep_other))
GROUP BY p.project_id, pr.folder
ORDER BY p.project_id
"""


async def count_pending_by_project(connection: Connection, tenant: str) -> tuple[PendingOfProject, ...]:
    """Count what is pending in each active project of ``tenant`` that has any; a partial index answers."""
    rows = await connection.fetch(COUNT_PENDING_BY_PROJECT, tenant)
    return tuple(PendingOfProject(**row) for row in rows)
