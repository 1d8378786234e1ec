"""Writes claims and results of all runs of one process, those that wait at the same time in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never
from uuid import UUID

from photobus_common.commands import RunJob
from photobus_common.events import EventData
from photobus_common.events.confirmations import JobWaiting
from photobus_common.events.tasks import JobAttemptFailed, JobCompleted, JobHandedBack, JobStarted
from photobus_common.store.claims import (
    ClaimAnswer,
    ClaimRequest,
    SettledState,
    Settlement,
    settle_claims,
    states_of_own_claims,
    take_claims,
)
from photobus_common.store.database import Connection, Database
from photobus_common.store.group_commit import GroupCommit
from photobus_common.store.job_items import ItemCounts, JobOutcomes, count_outcomes, insert_outcomes, pending_items
from photobus_common.store.unit_of_work import Publisher, UnitOfWork, unit_of_work
from photobus_common.worker.results import AttemptFailed, Completed, HandedBack, Result, Waiting

_STATES: Final[dict[type[Result], SettledState]] = {
    Completed: "completed",
    AttemptFailed: "failed",
    HandedBack: "released",
    Waiting: "released",
}

_SMALL_JOB: Final = 20
"""Items of a job whose claim brings them along; more would hold up the claims and results written with it."""


@dataclass(frozen=True)
class _Ask:
    command: RunJob
    holder: UUID


@dataclass(frozen=True)
class _Tell:
    command: RunJob
    holder: UUID
    result: Result
    outcomes: JobOutcomes

    @property
    def settlement(self) -> Settlement:
        return Settlement(self.command.job_id, self.holder, _STATES[type(self.result)])


class Ledger:
    """Claims and results, each with its event, in shared transactions."""

    def __init__(
        self, database: Database, publisher: Publisher, source: str, worker: str, stale_seconds: float
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._source = source
        self._worker = worker
        self._stale_seconds = stale_seconds
        self._commits: GroupCommit[_Ask | _Tell, ClaimAnswer | ItemCounts | None] = GroupCommit(self._write)

    async def claim(self, command: RunJob, holder: UUID) -> ClaimAnswer:
        """Ask for the right to work on ``command`` as ``holder``; if granted, the log says that the job started."""
        answer = await self._commits.submit(_Ask(command, holder))
        if not isinstance(answer, ClaimAnswer):  # pragma: no cover - ``_write`` answers each in kind
            raise TypeError("a claim was answered with a result")
        return answer

    async def settle(self, command: RunJob, holder: UUID, result: Result, outcomes: JobOutcomes) -> ItemCounts | None:
        """Write how the run ended, with the outcomes it had not written yet, and end its claim.

        Returns the counts of the job's items, or None when the claim is lost and nothing was written. Asking again
        after an error is safe: a result that was committed counts once.
        """
        answer = await self._commits.submit(_Tell(command, holder, result, outcomes))
        return answer if isinstance(answer, ItemCounts) else None

    async def _write(self, batch: Sequence[_Ask | _Tell]) -> list[ClaimAnswer | ItemCounts | None]:
        tells = [entry for entry in batch if isinstance(entry, _Tell)]
        asks = {entry.command.job_id: entry for entry in reversed(batch) if isinstance(entry, _Ask)}
        async with unit_of_work(self._database, self._publisher) as work:
            counts = await self._settle(work, tells) if tells else {}
            answers = await self._grant(work, list(asks.values())) if asks else {}
        # Of two deliveries of one job at once, the first is asked for; the other comes again.
        busy = ClaimAnswer("busy", free_in_seconds=self._stale_seconds)
        return [
            counts.get(entry.holder)
            if isinstance(entry, _Tell)
            else answers[entry.command.job_id]
            if asks[entry.command.job_id] is entry
            else busy
            for entry in batch
        ]

    async def _grant(self, work: UnitOfWork, asks: Sequence[_Ask]) -> dict[UUID, ClaimAnswer]:
        requests = [
            ClaimRequest(ask.command.job_id, ask.command.attempt, ask.command.dispatch, ask.holder, self._worker)
            for ask in asks
        ]
        answers = await take_claims(work.connection, requests, self._stale_seconds)
        granted = [ask.command for ask in asks if answers[ask.command.job_id].verdict == "granted"]
        for command in granted:
            done = answers[command.job_id].done
            started = JobStarted(**command.about, holder=self._worker, done=done, total=command.count)
            self._emit(work, command, started)
        return answers | await _with_items(work.connection, granted, answers)

    async def _settle(self, work: UnitOfWork, tells: Sequence[_Tell]) -> dict[UUID, ItemCounts]:
        """Return the counts by holder of those whose result stands."""
        held = await settle_claims(work.connection, [tell.settlement for tell in tells])
        ours = [tell for tell in tells if tell.holder in held]
        await insert_outcomes(work.connection, [tell.outcomes for tell in ours])
        standing = ours + await _committed_before(work.connection, [tell for tell in tells if tell not in ours])
        counts = await count_outcomes(work.connection, [tell.command.job_id for tell in standing])
        for tell in ours:
            self._emit(work, tell.command, _event(tell, counts.get(tell.command.job_id, ItemCounts())))
        return {tell.holder: counts.get(tell.command.job_id, ItemCounts()) for tell in standing}

    def _emit(self, work: UnitOfWork, command: RunJob, data: EventData) -> None:
        work.emit(command.origin(self._source).event(data))


async def _with_items(
    connection: Connection, granted: Sequence[RunJob], answers: Mapping[UUID, ClaimAnswer]
) -> dict[UUID, ClaimAnswer]:
    """Read the items of small jobs along: one query for all of them instead of one for each when it begins."""
    small = [command for command in granted if 0 < command.count <= _SMALL_JOB]
    if not small:
        return {}
    items = await pending_items(connection, small)
    return {job_id: replace(answers[job_id], items=found) for job_id, found in items.items()}


async def _committed_before(connection: Connection, tells: Sequence[_Tell]) -> list[_Tell]:
    """Return those whose result was committed although the answer to it got lost."""
    if not tells:
        return []
    states = await states_of_own_claims(connection, [tell.settlement for tell in tells])
    return [tell for tell in tells if states.get(tell.holder) == tell.settlement.state]


def _event(tell: _Tell, counts: ItemCounts) -> EventData:
    about = tell.command.about
    match tell.result:
        case Completed():
            passed_over = counts.skipped + counts.canceled
            return JobCompleted(**about, done=counts.done, failed=counts.failed, skipped=passed_over)
        case AttemptFailed(code, reason, retryable):
            return JobAttemptFailed(**about, code=code, reason=reason, retryable=retryable)
        case HandedBack(reason):
            return JobHandedBack(**about, reason=reason)
        case Waiting(confirmation_ids):
            return JobWaiting(**about, dispatch=tell.command.dispatch, confirmation_ids=confirmation_ids)
        case _:
            assert_never(tell.result)
