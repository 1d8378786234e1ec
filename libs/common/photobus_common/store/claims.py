"""Claims: who may work on a job. Written by workers, many at a time in one transaction.

A claim is a row of ``job_claims``. ``holder`` is a value of one run of the job that is never used again, so every later
write of that run can be made conditional on it: a run that was taken for dead finds that it lost the claim instead of
writing over the work of the one that took its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from photobus_common.errors import PhotobusError
from photobus_common.store.database import Connection
from photobus_common.store.job_items import JobItem

ClaimVerdict = Literal["granted", "busy", "settled", "ended", "superseded", "unknown"]
"""``granted``: the run may work. ``busy``: another run is alive. ``settled``: this attempt has its result already.
``ended``: the job is over. ``superseded``: a later attempt exists. ``unknown``: there is no such job."""

SettledState = Literal["released", "completed", "failed"]


class ClaimLostError(PhotobusError):
    """Another run holds the claim now; this one must stop without a trace."""

    code = "claim_lost"


class JobCanceledError(PhotobusError):
    """The job ended while the run worked on it, as a rule because its task was canceled."""

    code = "job_canceled"


@dataclass(frozen=True)
class ClaimRequest:
    """A run that asks for the right to work on one dispatch of a job."""

    job_id: UUID
    attempt: int
    dispatch: int
    holder: UUID
    worker: str


@dataclass(frozen=True)
class ClaimAnswer:
    """The answer to a ``ClaimRequest``.

    ``cursor`` is what an earlier run of the job saved, ``done`` the number of items that have an outcome from one.
    ``takeovers`` counts how often this attempt was taken over from a run that went silent. ``free_in_seconds`` is, for
    ``busy``, when the claim can be taken over if its holder is dead. ``items`` are those of the job without an outcome,
    if they were read along.
    """

    verdict: ClaimVerdict
    cursor: dict[str, Any] | None = None
    done: int = 0
    takeovers: int = 0
    free_in_seconds: float = 0.0
    items: Sequence[JobItem] | None = None


@dataclass(frozen=True)
class Settlement:
    """The end of a run: the state that its claim is to have from now on."""

    job_id: UUID
    holder: UUID
    state: SettledState


# A run that asks again, because the answer to its first request was lost, is granted what it holds already. A heartbeat
# from the future was before the clock was set back; a holder that is alive has its next one soon, by the new time.
TAKE_CLAIMS = """
WITH wanted AS (
    SELECT w.*, j.status, j.attempt AS current,
        j.attempt = w.attempt AND j.status NOT IN ('completed', 'failed', 'canceled') AS open
    FROM unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::text[])
        AS w(job_id, attempt, dispatch, holder, worker)
    LEFT JOIN jobs j ON j.id = w.job_id
), granted AS (
    INSERT INTO job_claims AS c (job_id, attempt, dispatch, holder, worker, state)
    SELECT job_id, attempt, dispatch, holder, worker, 'held' FROM wanted WHERE open ORDER BY job_id
    ON CONFLICT (job_id) DO UPDATE SET
        attempt = excluded.attempt, dispatch = excluded.dispatch, holder = excluded.holder, worker = excluded.worker,
        takeovers = CASE
            WHEN c.attempt < excluded.attempt THEN 0
            WHEN c.state = 'held' AND c.holder <> excluded.holder THEN c.takeovers + 1
            ELSE c.takeovers END,
        state = 'held', claimed_at = now(), heartbeat_at = now()
    WHERE c.attempt < excluded.attempt
        OR c.attempt = excluded.attempt
            AND (c.state = 'released' OR c.state = 'held'
                AND (c.heartbeat_at NOT BETWEEN clock_timestamp() - $6::interval AND clock_timestamp() + $6::interval
                    OR c.holder = excluded.holder))
    RETURNING c.job_id, c.cursor, c.takeovers
)
SELECT w.job_id, g.cursor, coalesce(g.takeovers, 0) AS takeovers,
    (SELECT count(*) FROM job_items i WHERE i.job_id = w.job_id) AS done,
    CASE
        WHEN g.job_id IS NOT NULL THEN 'granted'
        WHEN w.status IS NULL THEN 'unknown'
        WHEN w.status IN ('completed', 'failed', 'canceled') THEN 'ended'
        WHEN w.attempt < greatest(w.current, c.attempt) THEN 'superseded'
        WHEN c.attempt = w.attempt AND c.state IN ('completed', 'failed') THEN 'settled'
        ELSE 'busy' END AS verdict,
    extract(epoch FROM coalesce(c.heartbeat_at, now()) + $6::interval - clock_timestamp())::float8 AS free_in_seconds
FROM wanted w LEFT JOIN granted g USING (job_id) LEFT JOIN job_claims c USING (job_id)
"""

# The rows are locked in the order of their ids, as above, so that two batches cannot wait for each other.
SETTLE_CLAIMS = """
WITH mine AS (
    SELECT c.job_id, s.state FROM job_claims c
    JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) AS s(job_id, holder, state) USING (job_id, holder)
    WHERE c.state = 'held' ORDER BY c.job_id FOR UPDATE OF c
)
UPDATE job_claims c SET state = mine.state, heartbeat_at = now()
FROM mine WHERE c.job_id = mine.job_id
RETURNING c.holder
"""

STATE_OF_OWN_CLAIMS = """
SELECT holder, state FROM job_claims
JOIN unnest($1::uuid[], $2::uuid[]) AS s(job_id, holder) USING (job_id, holder)
"""

LOCK_OWN_CLAIM = """
SELECT j.status FROM job_claims c JOIN jobs j ON j.id = c.job_id
WHERE c.job_id = $1 AND c.holder = $2 AND c.state = 'held' FOR UPDATE OF c
"""

# The run's own checkpoint may hold the row for long: then only the broker needs to be told that the run is alive.
BEAT_CLAIM = """
WITH free AS (
    SELECT job_id FROM job_claims WHERE job_id = $1 AND holder = $2 AND state = 'held' FOR UPDATE SKIP LOCKED
), beaten AS (
    UPDATE job_claims c SET heartbeat_at = now() FROM free WHERE c.job_id = free.job_id
)
SELECT j.status FROM job_claims c JOIN jobs j ON j.id = c.job_id
WHERE c.job_id = $1 AND c.holder = $2 AND c.state = 'held'
"""

# For who waits for the end of the transaction to take the claim over, and then must find its holder alive.
BEAT_HELD_CLAIM = "UPDATE job_claims SET heartbeat_at = clock_timestamp() WHERE job_id = $1 AND holder = $2"

SAVE_CURSOR = "UPDATE job_claims SET cursor = $3 WHERE job_id = $1 AND holder = $2 AND state = 'held'"

_ENDED = frozenset({"completed", "failed", "canceled"})


async def take_claims(
    connection: Connection,
    requests: Sequence[ClaimRequest],
    stale_seconds: float,
) -> dict[UUID, ClaimAnswer]:
    """Decide on ``requests``, at most one a job, and take what is granted; the answers are by job."""
    rows = await connection.fetch(
        TAKE_CLAIMS,
        [request.job_id for request in requests],
        [request.attempt for request in requests],
        [request.dispatch for request in requests],
        [request.holder for request in requests],
        [request.worker for request in requests],
        timedelta(seconds=stale_seconds),
    )
    return {
        row["job_id"]: ClaimAnswer(
            row["verdict"],
            row["cursor"],
            row["done"],
            row["takeovers"],
            row["free_in_seconds"],
        )
        for row in rows
    }


async def settle_claims(connection: Connection, settlements: Sequence[Settlement]) -> frozenset[UUID]:
    """End the claims that are still held by the runs named, and return the holders of those."""
    rows = await connection.fetch(
        SETTLE_CLAIMS,
        [settlement.job_id for settlement in settlements],
        [settlement.holder for settlement in settlements],
        [settlement.state for settlement in settlements],
    )
    return frozenset(row["holder"] for row in rows)


async def states_of_own_claims(
    connection: Connection,
    settlements: Sequence[Settlement],
) -> dict[UUID, str]:
    """Return, by holder, the state of the claims that still bear it: what an unanswered commit has left."""
    rows = await connection.fetch(
        STATE_OF_OWN_CLAIMS,
        [settlement.job_id for settlement in settlements],
        [settlement.holder for settlement in settlements],
    )
    return {row["holder"]: row["state"] for row in rows}


async def lock_own_claim(connection: Connection, job_id: UUID, holder: UUID) -> None:
    """Keep the claim from being taken over until the transaction ends.

    Raises ``ClaimLostError`` when it was taken already, ``JobCanceledError`` when the job is over.
    """
    _check(await connection.fetchval(LOCK_OWN_CLAIM, job_id, holder))


async def beat_claim(connection: Connection, job_id: UUID, holder: UUID) -> None:
    """Say that the run is alive; raises ``ClaimLostError`` or ``JobCanceledError`` when it must stop."""
    _check(await connection.fetchval(BEAT_CLAIM, job_id, holder))


async def beat_held_claim(connection: Connection, job_id: UUID, holder: UUID) -> None:
    """Do so at the end of a long transaction, which holds the claim."""
    await connection.execute(BEAT_HELD_CLAIM, job_id, holder)


async def save_cursor(connection: Connection, job_id: UUID, holder: UUID, cursor: dict[str, Any]) -> None:
    """Keep ``cursor`` for whoever goes on with the job; raises ``ClaimLostError``."""
    if await connection.execute(SAVE_CURSOR, job_id, holder, cursor) != "UPDATE 1":
        raise ClaimLostError("The claim of the job was taken over.")


def _check(status: str | None) -> None:
    if status is None:
        raise ClaimLostError("The claim of the job was taken over.")
    if status in _ENDED:
        raise JobCanceledError(f"The job is {status}.")
