"""Reports of runs of maintenance as callers read them: tasks, what their steps counted, and the lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from photobus_common.store import keyset
from photobus_common.store.conditions import Conditions
from photobus_common.store.database import Connection
from photobus_common.store.findings import FindingKind
from photobus_common.store.keyset import Cursor, Selection, Sort
from photobus_common.store.task_views import COUNTED, CountedPage

STEPS_OF_RUNS: Final = """
SELECT j.task_id, j.step, j.job_type, array_agg(DISTINCT j.status) AS statuses, min(j.started_at) AS started_at,
    CASE WHEN bool_and(j.ended_at IS NOT NULL) THEN max(j.ended_at) END AS ended_at,
    sum(greatest(j.progress_done, j.done + j.failed + j.skipped))::bigint AS progress_done,
    sum(CASE j.over WHEN 'items' THEN j.count ELSE j.progress_total END)::bigint AS progress_total,
    coalesce(sum(c.looked_at), 0)::bigint AS looked_at, coalesce(sum(c.changed), 0)::bigint AS changed,
    coalesce(sum(c.refused), 0)::bigint AS refused, coalesce(sum(c.reported), 0)::bigint AS reported
FROM jobs j LEFT JOIN maintenance_counts c ON c.job_id = j.id
WHERE j.task_id = ANY($1::uuid[]) GROUP BY j.task_id, j.step, j.job_type ORDER BY j.task_id, j.step
"""

LINE_COLUMNS: Final = """
    f.id, f.kind, f.code, f.reason, f.job_id, f.job_type, f.project_id, f.project_folder, f.subject, f.photo_id,
    f.count, f.event_id, f.found_at, f.id AS sort_key, f.id AS sort_tie
"""

# The oldest first, however many there are; each statement takes its part of a second.
CLEAR_LINES: Final = """
DELETE FROM maintenance_findings WHERE id IN (
    SELECT id FROM maintenance_findings WHERE found_at < now() - $1::interval ORDER BY found_at LIMIT $2
)
"""

BY_AGE: Final = Sort("found", "f.id", "f.id", keyset.number, keyset.number, descending=False)


@dataclass(frozen=True)
class LineFilter:
    """Which lines of a report are listed; empty means any."""

    kinds: Sequence[FindingKind] = ()
    codes: Sequence[str] = ()
    job_types: Sequence[str] = ()


async def steps_of_runs(connection: Connection, task_ids: Sequence[UUID]) -> Sequence[asyncpg.Record]:
    """Return what the begun steps of each task did, in their order."""
    return list(await connection.fetch(STEPS_OF_RUNS, task_ids))


async def page_of_lines(
    connection: Connection, tenant: str, task_id: UUID, wanted: LineFilter, cursor: Cursor | None, limit: int
) -> CountedPage:
    """Return a page of the lines of a task's report, in the order in which they were written."""
    where = Conditions()
    where.add("f.tenant = {}", tenant)
    where.add("f.task_id = {}", task_id)
    where.add_any("f.kind", wanted.kinds)
    where.add_any("f.code", wanted.codes)
    where.add_any("f.job_type", wanted.job_types)
    selection = Selection(LINE_COLUMNS, "maintenance_findings f", where.sql, where.params)
    page = await keyset.read_page(connection, selection, BY_AGE, cursor, limit)
    total, exact = await keyset.bounded_count(connection, selection, COUNTED)
    return CountedPage(page, total, exact)


async def clear_lines(connection: Connection, older_than: timedelta, most: int) -> int:
    """Delete up to ``most`` lines that are so old; returns how many there were."""
    status = await connection.execute(CLEAR_LINES, older_than, most)
    return int(status.rpartition(" ")[2])
