"""A worker ends its claim and acks the command at once; the result is written behind, with others of its time."""

import asyncio
from typing import Final
from uuid import UUID

from photobus_common.commands import RunJob
from photobus_common.store.claims import Settlement, settle_claims
from photobus_common.store.database import Connection
from photobus_common.store.job_items import ItemCounts, JobOutcomes, count_outcomes, insert_outcomes
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.worker import ledger
from photobus_common.worker.ledger import Ledger
from photobus_common.worker.results import Result

GATHER_SECONDS: Final = 0.3

_writing: set[asyncio.Task[None]] = set()


async def settle(
    self: Ledger, command: RunJob, holder: UUID, result: Result, outcomes: JobOutcomes
) -> ItemCounts | None:
    """Return, whereupon the command is acked, before outcomes and event are committed."""
    told = ledger._Tell(command, holder, result, outcomes)
    async with self._database.transaction() as connection:
        if not await _end_claim(connection, told.settlement):
            return None
    writing = asyncio.create_task(_write(self, told))
    _writing.add(writing)
    writing.add_done_callback(_writing.discard)
    return ItemCounts(done=len(outcomes.outcomes))


async def _end_claim(connection: Connection, settlement: Settlement) -> bool:
    return bool(await settle_claims(connection, [settlement]))


async def _write(self: Ledger, told: ledger._Tell) -> None:
    await asyncio.sleep(GATHER_SECONDS)
    async with unit_of_work(self._database, self._publisher) as work:
        await insert_outcomes(work.connection, [told.outcomes])
        counts = await count_outcomes(work.connection, [told.command.job_id])
        self._emit(work, told.command, ledger._event(told, counts.get(told.command.job_id, ItemCounts())))
