"""Photos that may leave the catalogue because nothing of them is there, as checks have found."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from photobus_common.store.database import Connection

# When the task began to hold whole projects against the disk; what changed since has not been checked.
CHECK_BEGAN: Final = """
SELECT min(created_at) FROM jobs
WHERE task_id = $1 AND job_type = 'manifest_check' AND over <> 'items' AND status = 'completed'
"""

# Either this task has found the last of its files gone, or nothing there where it looked, or they are gone for long.
_CONFIRMED: Final = """
    NOT (p.jpg_available OR p.raw_available OR p.other_available)
    AND NOT EXISTS (SELECT FROM photo_files f WHERE f.photo_id = p.id)
    AND (
        EXISTS (SELECT FROM lost_files l WHERE l.photo_id = p.id AND l.task_id = $1)
        OR (p.updated_at < $2 AND NOT EXISTS (
            SELECT FROM maintenance_findings m
            WHERE m.task_id = $1 AND m.job_type = 'manifest_check' AND m.kind = 'refused'
                AND m.project_id = p.project_id
        ))
        OR (SELECT max(l.lost_at) FROM lost_files l WHERE l.photo_id = p.id) < now() - $3::interval
    )
"""

PROJECTS_TO_CLEAN: Final = f"""
SELECT DISTINCT p.project_id FROM photos p WHERE p.project_id = ANY($4::bigint[]) AND {_CONFIRMED}
"""  # noqa: S608 - put together from constants

PHOTOS_TO_CLEAN: Final = f"""
SELECT p.id FROM photos p WHERE p.project_id = $4 AND p.id = ANY($5::bigint[]) AND {_CONFIRMED} ORDER BY p.id
"""  # noqa: S608 - put together from constants


async def projects_to_clean(
    connection: Connection, task_id: UUID, project_ids: Sequence[int], missing: timedelta
) -> frozenset[int]:
    """Return the projects with photos none of whose files is there, found by the task or gone for ``missing``."""
    about = await _about(connection, task_id, missing)
    return frozenset(row["project_id"] for row in await connection.fetch(PROJECTS_TO_CLEAN, *about, project_ids))


async def photos_to_clean(
    connection: Connection, task_id: UUID, project_id: int, photo_ids: Sequence[int], missing: timedelta
) -> tuple[int, ...]:
    """Return those photos among ``photo_ids`` of the project."""
    about = await _about(connection, task_id, missing)
    rows = await connection.fetch(PHOTOS_TO_CLEAN, *about, project_id, photo_ids)
    return tuple(row["id"] for row in rows)


async def _about(connection: Connection, task_id: UUID, missing: timedelta) -> tuple[Any, ...]:
    return task_id, await connection.fetchval(CHECK_BEGAN, task_id), missing
