"""The report of a run of maintenance: how much its jobs looked at, and what they changed, refused and report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from photobus_common.commands import RunJob
from photobus_common.store.database import Connection

FindingKind = Literal["changed", "refused", "reported"]

ADD_COUNTS: Final = """
INSERT INTO maintenance_counts AS c (job_id, tenant, task_id, job_type, looked_at, changed, refused, reported)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (job_id) DO UPDATE SET looked_at = c.looked_at + excluded.looked_at, changed = c.changed + excluded.changed,
    refused = c.refused + excluded.refused, reported = c.reported + excluded.reported
"""

INSERT_FINDINGS: Final = """
INSERT INTO maintenance_findings (tenant, task_id, job_id, job_type, kind, code, reason, project_id, project_folder,
    subject, photo_id, count, event_id)
SELECT $1, $2, $3, $4, n.kind, n.code, n.reason, n.project_id, n.project_folder, n.subject, n.photo_id, n.count,
    n.event_id
FROM jsonb_to_recordset($5) AS n (
    kind text, code text, reason text, project_id bigint, project_folder text, subject text, photo_id bigint,
    count bigint, event_id uuid
)
"""


@dataclass(frozen=True)
class FindingRow:
    """One line of a report; ``event_id`` is the event that tells of it, ``count`` how many things it stands for."""

    kind: FindingKind
    code: str
    event_id: UUID
    reason: str | None = None
    project_id: int | None = None
    project_folder: str | None = None
    subject: str | None = None
    photo_id: int | None = None
    count: int = 1

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of its row."""
        return {**vars(self), "event_id": str(self.event_id)}


async def add_to_report(
    connection: Connection, command: RunJob, looked_at: int, findings: Sequence[FindingRow]
) -> None:
    """Add to the report of the command's job."""
    about = (command.tenant, command.task_id, command.job_id, command.job_type)
    counts = {
        kind: sum(found.count for found in findings if found.kind == kind)
        for kind in ("changed", "refused", "reported")
    }
    await connection.execute(
        ADD_COUNTS,
        command.job_id,
        command.tenant,
        command.task_id,
        command.job_type,
        looked_at,
        counts["changed"],
        counts["refused"],
        counts["reported"],
    )
    if findings:
        await connection.execute(INSERT_FINDINGS, *about, [found.columns for found in findings])
