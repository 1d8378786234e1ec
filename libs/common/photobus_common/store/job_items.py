"""The items of a job: which are still to do, and what became of the others.

An item without a row in ``job_items`` is pending, so a retry, or another worker, goes on where the last one stood.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from photobus_common.commands import RunJob
from photobus_common.storable import storable
from photobus_common.store.database import Connection

ItemStatus = Literal["done", "failed", "skipped"]

REASON_LENGTH = 500
"""Most characters that are kept of a reason; a decoder's complaint may be long."""


@dataclass(frozen=True)
class JobItem:
    """One photo that a job has yet to work on.

    ``project_id`` is where the photo lies now, or lay when the task started if the photo is ``gone``.
    """

    position: int
    photo_id: int
    project_id: int
    gone: bool = False


@dataclass(frozen=True)
class ItemOutcome:
    """What became of one item; ``reason`` says why, for ``failed`` and ``skipped``."""

    position: int
    photo_id: int
    status: ItemStatus
    reason: str | None = None


@dataclass(frozen=True)
class ItemCounts:
    """Outcomes of a job's items, over all its attempts."""

    done: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        """Items that have an outcome."""
        return self.done + self.failed + self.skipped


PENDING_ITEMS = """
SELECT j.id, i.position, i.photo_id, coalesce(p.project_id, i.project_id) AS project_id, p.id IS NULL AS gone
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS j(id, task_id, first, until)
JOIN task_items i ON i.task_id = j.task_id AND i.position >= j.first AND i.position < j.until
LEFT JOIN photos p ON p.id = i.photo_id
WHERE NOT EXISTS (SELECT FROM job_items o WHERE o.job_id = j.id AND o.position = i.position)
ORDER BY j.id, i.position
"""

INSERT_OUTCOMES = """
INSERT INTO job_items (job_id, position, photo_id, status, reason, attempt)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::int[])
ON CONFLICT (job_id, position) DO NOTHING
"""

COUNT_OUTCOMES = """
SELECT job_id,
    count(*) FILTER (WHERE status = 'done') AS done,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'skipped') AS skipped
FROM job_items WHERE job_id = ANY($1) GROUP BY job_id
"""


@dataclass(frozen=True)
class JobOutcomes:
    """Outcomes of items of one job, found by one attempt."""

    job_id: UUID
    attempt: int
    outcomes: Sequence[ItemOutcome]


async def pending_items(connection: Connection, commands: Sequence[RunJob]) -> dict[UUID, list[JobItem]]:
    """Return, by job, the items that have no outcome yet, in the order of the snapshot."""
    rows = await connection.fetch(
        PENDING_ITEMS,
        [command.job_id for command in commands],
        [command.task_id for command in commands],
        [command.first for command in commands],
        [command.first + command.count for command in commands],
    )
    items: dict[UUID, list[JobItem]] = {command.job_id: [] for command in commands}
    for job_id, position, photo_id, project_id, gone in rows:
        items[job_id].append(JobItem(position, photo_id, project_id, gone))
    return items


async def insert_outcomes(connection: Connection, jobs: Sequence[JobOutcomes]) -> None:
    """Record outcomes of any number of jobs; the first outcome of an item stands."""
    rows = [
        (job.job_id, outcome.position, outcome.photo_id, outcome.status, _bounded(outcome.reason), job.attempt)
        for job in jobs
        for outcome in job.outcomes
    ]
    if rows:
        await connection.execute(INSERT_OUTCOMES, *(list(column) for column in zip(*rows, strict=True)))


async def count_outcomes(connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, ItemCounts]:
    """Count the outcomes of each job; a job without any is absent."""
    rows = await connection.fetch(COUNT_OUTCOMES, job_ids)
    return {row["job_id"]: ItemCounts(row["done"], row["failed"], row["skipped"]) for row in rows}


def _bounded(reason: str | None) -> str | None:
    return None if reason is None else storable(reason[:REASON_LENGTH])
