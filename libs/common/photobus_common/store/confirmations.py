"""Confirmations: what maintenance would remove, put on record photo by photo, and what persons said to it.

An answer is about what was shown: the files on record here, and no others.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from photobus_common.events import Origin
from photobus_common.events.confirmations import ConfirmationAnswered, ConfirmationExpired
from photobus_common.reconciliation import Loss
from photobus_common.store.database import Connection
from photobus_common.store.unit_of_work import UnitOfWork

ConfirmationStatus = Literal["open", "confirmed", "refused", "expired"]
"""``open``: nobody has answered. ``expired``: nobody needs to any more, for its task or its project is over."""

STATUS: Final = "CASE WHEN c.status = 'open' AND t.ended_at IS NOT NULL THEN 'expired' ELSE c.status END"

COLUMNS: Final = f"""
    c.id, c.tenant, c.task_id, c.task_type, c.job_id, c.job_type, c.project_id, c.project_folder, c.reason, c.lacking,
    c.photos, {STATUS} AS status, c.requested_at, c.answered_at, c.answered_by, c.applied_at
"""

SOURCE: Final = "confirmations c LEFT JOIN tasks t ON t.id = c.task_id"

INSERT_CONFIRMATION: Final = """
INSERT INTO confirmations (id, tenant, task_id, task_type, job_id, job_type, project_id, project_folder, reason,
    lacking, photos)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

INSERT_LACKING: Final = """
INSERT INTO confirmation_photos (confirmation_id, photo_id, project_id, filename, files)
SELECT $1, p.id, p.project_id, p.filename, array_agg(f.name ORDER BY f.name)
FROM photo_files f JOIN photos p ON p.id = f.photo_id LEFT JOIN unnest($3::text[]) AS d (name) USING (name)
WHERE f.project_id = $2 AND d.name IS NULL GROUP BY p.id
"""

INSERT_OF_PROJECT: Final = """
INSERT INTO confirmation_photos (confirmation_id, photo_id, project_id, filename, files)
SELECT $1, p.id, p.project_id, p.filename,
    ARRAY (SELECT f.name FROM photo_files f WHERE f.photo_id = p.id ORDER BY f.name)
FROM photos p WHERE p.project_id = $2
"""

# What another task asked and has not seen through yet, what this one asked, and the newest refusal.
OF_PROJECT: Final = f"""
SELECT {COLUMNS} FROM {SOURCE}
WHERE c.tenant = $1 AND c.project_id IS NOT DISTINCT FROM $2
    AND (c.task_id = $3 OR t.ended_at IS NULL AND (c.status = 'open' OR c.status = 'confirmed' AND c.applied_at IS NULL)
        OR c.id = (
            SELECT r.id FROM confirmations r
            WHERE r.tenant = $1 AND r.project_id IS NOT DISTINCT FROM $2 AND r.status = 'refused'
            ORDER BY r.requested_at DESC LIMIT 1
        ))
ORDER BY c.requested_at DESC
"""  # noqa: S608  all constants

LOSS_BEYOND: Final = """
SELECT count(DISTINCT f.photo_id) FILTER (
        WHERE d.name IS NULL AND NOT coalesce(f.name = ANY(c.files), false)
    ) AS lacking, count(DISTINCT f.photo_id) AS photos
FROM photo_files f LEFT JOIN unnest($2::text[]) AS d (name) USING (name)
LEFT JOIN confirmation_photos c ON c.confirmation_id = $3 AND c.photo_id = f.photo_id
WHERE f.project_id = $1
"""

SHOWN_FILES: Final = """
SELECT photo_id, files FROM confirmation_photos WHERE confirmation_id = $1 AND photo_id = ANY($2::bigint[])
"""

PROJECTS_BEYOND: Final = """
SELECT p.project_id, count(*) AS photos FROM photos p
WHERE p.project_id = ANY($1::bigint[]) AND NOT EXISTS (
    SELECT FROM confirmation_photos c WHERE c.confirmation_id = $2 AND c.photo_id = p.id
)
GROUP BY p.project_id
"""

UNAPPLIED_OF_JOB: Final = f"""
SELECT {COLUMNS} FROM {SOURCE}
WHERE c.task_id = $1 AND c.job_id = $2 AND c.status IN ('confirmed', 'refused') AND c.applied_at IS NULL
ORDER BY c.project_id, c.requested_at LIMIT $3
"""  # noqa: S608  all constants

OPEN_OF_JOB: Final = """
SELECT id FROM confirmations WHERE task_id = $1 AND job_id = $2 AND status = 'open' ORDER BY requested_at, id LIMIT $3
"""

CONFIRMATION_BY_ID: Final = f"SELECT {COLUMNS} FROM {SOURCE} WHERE c.tenant = $1 AND c.id = $2"  # noqa: S608  the same

LOCK_CONFIRMATION: Final = f"{CONFIRMATION_BY_ID} FOR UPDATE OF c"

OPEN_OF_TASK: Final = f"""
SELECT {COLUMNS} FROM {SOURCE}
WHERE c.tenant = $1 AND c.task_id = $2 AND {STATUS} = 'open' ORDER BY c.requested_at, c.id LIMIT $3
"""  # noqa: S608  the same

ANSWER: Final = """
UPDATE confirmations SET status = $2, answered_at = now(), answered_by = $3 WHERE id = $1 RETURNING answered_at
"""

APPLY: Final = "UPDATE confirmations SET applied_at = now() WHERE id = $1"

EXPIRE_OF_PROJECTS: Final = """
UPDATE confirmations SET status = 'expired', answered_at = now()
WHERE tenant = $1 AND project_id = ANY($2::bigint[]) AND status = 'open'
RETURNING id, task_id, task_type, project_id, project_folder
"""


@dataclass(frozen=True)
class Question:
    """What is asked: may what is gone of ``lacking`` of ``photos`` photos be removed? Without a project: of several."""

    id: UUID
    tenant: str
    task_id: UUID
    task_type: str
    job_id: UUID
    job_type: str
    project_id: int | None
    project_folder: str | None
    reason: str
    lacking: int
    photos: int


@dataclass(frozen=True)
class Confirmation(Question):
    """A question with what became of it; ``applied_at`` is when its job had acted upon the answer."""

    status: ConfirmationStatus
    requested_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    applied_at: datetime | None


async def ask_about_files(connection: Connection, question: Question, names: Collection[str]) -> None:
    """Put on record that files of a project are missed, where ``names`` is all that its folder holds."""
    await connection.execute(INSERT_CONFIRMATION, *astuple(question))
    await connection.execute(INSERT_LACKING, question.id, question.project_id, list(names))


async def ask_about_projects(connection: Connection, question: Question, project_ids: Sequence[int]) -> None:
    """Put on record that whole projects are missed, with all of their photos; a statement each, as they are large."""
    await connection.execute(INSERT_CONFIRMATION, *astuple(question))
    for project_id in project_ids:
        await connection.execute(INSERT_OF_PROJECT, question.id, project_id)


async def confirmations_about(
    connection: Connection, tenant: str, project_id: int | None, task_id: UUID
) -> list[Confirmation]:
    """Return what counts for a task that comes to the project, or to projects that are gone for None; newest first.

    That is all that the task asked itself, what other tasks wait for or have not acted upon yet, and the last refusal.
    """
    return _all(await connection.fetch(OF_PROJECT, tenant, project_id, task_id))


async def loss_beyond(
    connection: Connection, project_id: int, names: Collection[str], confirmation_id: UUID | None
) -> Loss:
    """Return what the project lost beside what a confirmation shows, if ``names`` is all that its folder holds."""
    [row] = await connection.fetch(LOSS_BEYOND, project_id, list(names), confirmation_id)
    return Loss(**row)


async def shown_files(
    connection: Connection, confirmation_id: UUID, photo_ids: Sequence[int]
) -> Mapping[int, frozenset[str]]:
    """Return the files that a confirmation shows as missing, of those of the photos that it shows."""
    rows = await connection.fetch(SHOWN_FILES, confirmation_id, photo_ids)
    return {row["photo_id"]: frozenset(row["files"]) for row in rows}


async def projects_beyond(
    connection: Connection, project_ids: Sequence[int], confirmation_id: UUID | None
) -> Mapping[int, int]:
    """Return how many photos that a confirmation does not show each project has, of those that have any."""
    rows = await connection.fetch(PROJECTS_BEYOND, project_ids, confirmation_id)
    return {row["project_id"]: row["photos"] for row in rows}


async def unapplied_answers(connection: Connection, task_id: UUID, job_id: UUID, limit: int) -> list[Confirmation]:
    """Return answers that the job asked for and has not acted upon yet."""
    return _all(await connection.fetch(UNAPPLIED_OF_JOB, task_id, job_id, limit))


async def open_of_job(connection: Connection, task_id: UUID, job_id: UUID, limit: int) -> list[UUID]:
    """Return the confirmations of the job that nobody has answered."""
    return [row["id"] for row in await connection.fetch(OPEN_OF_JOB, task_id, job_id, limit)]


async def apply(connection: Connection, confirmation_id: UUID) -> None:
    """Note that the job has acted upon the answer."""
    await connection.execute(APPLY, confirmation_id)


async def confirmation_by_id(
    connection: Connection, tenant: str, confirmation_id: UUID, *, lock: bool = False
) -> Confirmation | None:
    """Return one confirmation; ``lock`` keeps it unanswered until the transaction ends."""
    row = await connection.fetchrow(LOCK_CONFIRMATION if lock else CONFIRMATION_BY_ID, tenant, confirmation_id)
    return None if row is None else Confirmation(**row)


async def open_of_task(connection: Connection, tenant: str, task_id: UUID, limit: int) -> list[Confirmation]:
    """Return what the task waits to be told, oldest first."""
    return _all(await connection.fetch(OPEN_OF_TASK, tenant, task_id, limit))


async def answer(work: UnitOfWork, origin: Origin, asked: Confirmation, *, confirmed: bool) -> Confirmation:
    """Write the answer of ``origin.actor`` to a confirmation that is open and locked; its task then goes on."""
    status: ConfirmationStatus = "confirmed" if confirmed else "refused"
    answered_at = await work.connection.fetchval(ANSWER, asked.id, status, origin.actor)
    about = {name: getattr(asked, name) for name in ("task_id", "task_type", "project_id", "project_folder")}
    data = ConfirmationAnswered(**about, confirmation_id=asked.id, confirmed=confirmed)
    work.emit(replace(origin, correlation_id=asked.task_id).event(data))
    return replace(asked, status=status, answered_at=answered_at, answered_by=origin.actor)


async def expire_of_projects(work: UnitOfWork, origin: Origin, project_ids: Sequence[int]) -> None:
    """End what is asked about projects that are gone by the end of the transaction; their tasks then go on."""
    for row in await work.connection.fetch(EXPIRE_OF_PROJECTS, origin.tenant, project_ids):
        about = {name: row[name] for name in ("task_id", "task_type", "project_id", "project_folder")}
        data = ConfirmationExpired(**about, confirmation_id=row["id"], why="project_gone")
        work.emit(replace(origin, correlation_id=row["task_id"]).event(data))


def _all(rows: Sequence[Any]) -> list[Confirmation]:
    return [Confirmation(**row) for row in rows]
