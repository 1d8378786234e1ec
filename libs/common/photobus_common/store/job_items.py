"""The items of a job: which are still to do, and what became of the others.

An item without a row in ``job_items`` is pending, so a retry, or another worker, goes on where the last one stood. One
whose project was deleted is canceled, whenever that happened and whatever its handler made of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, Literal
from uuid import UUID

from photobus_common.commands import RunJob
from photobus_common.storable import storable
from photobus_common.store.database import Connection

ItemStatus = Literal["done", "failed", "skipped", "canceled"]

PROJECT_DELETED: Final = "The project was deleted."
"""Why an item was canceled."""

REASON_LENGTH = 500
"""Most characters that are kept of a reason; a decoder's complaint may be long."""


@dataclass(frozen=True)
class JobItem:
    """One photo that a job has yet to work on.

    ``project_id`` is where the photo lies now, or lay when the task started if the photo is ``gone``. ``deleted`` says
    that this project was, and that nothing is on record to be done with the photo's files.
    """

    position: int
    photo_id: int
    project_id: int
    gone: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class ItemOutcome:
    """What became of one item; ``reason`` says why, for ``failed``, ``skipped`` and ``canceled``."""

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
    canceled: int = 0

    @property
    def total(self) -> int:
        """Items that have an outcome."""
        return self.done + self.failed + self.skipped + self.canceled


# What is on record to be done with a photo's files is done, whatever becomes of its project: that is its outcome.
PENDING_ITEMS = """
SELECT j.id, i.position, i.photo_id, coalesce(p.project_id, i.project_id) AS project_id, p.id IS NULL AS gone,
    coalesce(pr.status = 'canceled', false) AND NOT EXISTS (
        SELECT FROM file_operations f
        WHERE f.state = 'open' AND f.project_id = pr.id AND f.job_id = j.id AND f.position = i.position
    ) AS deleted
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS j(id, task_id, first, until)
JOIN task_items i ON i.task_id = j.task_id AND i.position >= j.first AND i.position < j.until
LEFT JOIN photos p ON p.id = i.photo_id
LEFT JOIN projects pr ON pr.id = coalesce(p.project_id, i.project_id)
WHERE NOT EXISTS (SELECT FROM job_items o WHERE o.job_id = j.id AND o.position = i.position)
ORDER BY j.id, i.position
"""

INSERT_OUTCOMES = """
INSERT INTO job_items (job_id, position, photo_id, status, reason, attempt)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::int[])
ON CONFLICT (job_id, position) DO NOTHING
"""

# What cannot be done for a photo of a deleted project is neither its fault nor a mystery.
INSERT_OUTCOMES_BESIDE_DELETIONS = """
INSERT INTO job_items (job_id, position, photo_id, status, reason, attempt)
SELECT o.job_id, o.position, o.photo_id, CASE WHEN d.deleted THEN 'canceled' ELSE o.status END,
    CASE WHEN d.deleted THEN $7 ELSE o.reason END, o.attempt
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::int[])
    WITH ORDINALITY AS o(job_id, position, photo_id, status, reason, attempt, place)
LEFT JOIN LATERAL (
    SELECT pr.status = 'canceled' AS deleted
    FROM jobs j JOIN task_items i ON i.task_id = j.task_id AND i.position = o.position
    LEFT JOIN photos p ON p.id = i.photo_id
    JOIN projects pr ON pr.id = coalesce(p.project_id, i.project_id)
    WHERE j.id = o.job_id AND o.status <> 'done'
) d ON true
ORDER BY o.place
ON CONFLICT (job_id, position) DO NOTHING
"""

CANCEL_ITEMS_OF_PROJECT = """
INSERT INTO job_items (job_id, position, photo_id, status, reason, attempt)
SELECT j.id, i.position, i.photo_id, 'canceled', $3, j.attempt
FROM jobs j
JOIN task_items i ON i.task_id = j.task_id AND i.position >= j.first AND i.position < j.first + j.count
LEFT JOIN photos p ON p.id = i.photo_id
WHERE j.id = $1 AND j.ended_at IS NULL AND coalesce(p.project_id, i.project_id) = $2
    AND NOT EXISTS (
        SELECT FROM file_operations f
        WHERE f.state = 'open' AND f.project_id = $2 AND f.job_id = j.id AND f.position = i.position
    )
ORDER BY i.position
ON CONFLICT (job_id, position) DO NOTHING
"""

ENDED_JOBS = "SELECT id FROM jobs WHERE id = ANY($1::uuid[]) AND ended_at IS NOT NULL"

COUNT_OUTCOMES = """
SELECT job_id,
    count(*) FILTER (WHERE status = 'done') AS done,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'skipped') AS skipped,
    count(*) FILTER (WHERE status = 'canceled') AS canceled
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
    for job_id, *item in rows:
        items[job_id].append(JobItem(*item))
    return items


async def insert_outcomes(connection: Connection, jobs: Sequence[JobOutcomes]) -> None:
    """Record outcomes of any number of jobs; the first outcome of an item stands.

    They go in one order, so that two who write outcomes of the same items cannot wait for each other.
    """
    rows = [
        (job.job_id, outcome.position, outcome.photo_id, outcome.status, _bounded(outcome.reason), job.attempt)
        for job in jobs
        for outcome in job.outcomes
    ]
    rows.sort(key=itemgetter(0, 1))
    if not rows:
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    if all(outcome.status == "done" for job in jobs for outcome in job.outcomes):
        await connection.execute(INSERT_OUTCOMES, *columns)
    else:
        await connection.execute(INSERT_OUTCOMES_BESIDE_DELETIONS, *columns, PROJECT_DELETED)


async def cancel_items_of_project(connection: Connection, job_id: UUID, project_id: int) -> None:
    """Cancel the items of an open job that lie in the project and have no outcome.

    Those whose files are on record to be moved or removed get theirs from whoever completes that.
    """
    await connection.execute(CANCEL_ITEMS_OF_PROJECT, job_id, project_id, PROJECT_DELETED)


async def jobs_that_ended(connection: Connection, job_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return which of the jobs no worker will come to any more."""
    return frozenset(row["id"] for row in await connection.fetch(ENDED_JOBS, job_ids))


async def count_outcomes(connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, ItemCounts]:
    """Count the outcomes of each job; a job without any is absent."""
    rows = await connection.fetch(COUNT_OUTCOMES, job_ids)
    return {row["job_id"]: ItemCounts(row["done"], row["failed"], row["skipped"], row["canceled"]) for row in rows}


def _bounded(reason: str | None) -> str | None:
    return None if reason is None else storable(reason[:REASON_LENGTH])
