"""A run that was taken for dead and wakes up still writes, although another holds the claim: only the job counts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from photobus_common.store.claims import JobCanceledError, Settlement
from photobus_common.store.database import Connection

STATUS_OF_JOB = "SELECT status FROM jobs WHERE id = $1"

BEAT = "UPDATE job_claims SET heartbeat_at = now() WHERE job_id = $1"

SAVE = "UPDATE job_claims SET cursor = $2 WHERE job_id = $1"

SETTLE = """
UPDATE job_claims c SET state = s.state, heartbeat_at = now()
FROM unnest($1::uuid[], $2::text[]) AS s(job_id, state) WHERE c.job_id = s.job_id
"""


async def lock_own_claim(connection: Connection, job_id: UUID, holder: UUID) -> None:
    """Ask only whether the job is over."""
    status = await connection.fetchval(STATUS_OF_JOB, job_id)
    if status in {"completed", "failed", "canceled"}:
        raise JobCanceledError(f"The job is {status}.")


async def beat_claim(connection: Connection, job_id: UUID, holder: UUID) -> None:
    """Beat, whoever holds it."""
    await connection.execute(BEAT, job_id)


async def save_cursor(connection: Connection, job_id: UUID, holder: UUID, cursor: dict[str, Any]) -> None:
    """Save, whoever holds it."""
    await connection.execute(SAVE, job_id, cursor)


async def settle_claims(connection: Connection, settlements: Sequence[Settlement]) -> frozenset[UUID]:
    """Settle, whoever holds it."""
    await connection.execute(SETTLE, [one.job_id for one in settlements], [one.state for one in settlements])
    return frozenset(one.holder for one in settlements)
