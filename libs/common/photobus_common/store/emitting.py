"""Events that no row goes with: what is said at the same time is committed by one statement."""

from collections.abc import Sequence

from photobus_common.store.database import Database
from photobus_common.store.group_commit import GroupCommit
from photobus_common.store.unit_of_work import OutboxMessage, Publisher, insert_outbox_once


class Emitter:
    """Commits messages of any number of callers together, and publishes them."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._commits: GroupCommit[Sequence[OutboxMessage], None] = GroupCommit(self._write)

    async def emit(self, messages: Sequence[OutboxMessage]) -> None:
        """Return once ``messages`` are committed, all or none of them."""
        if messages:
            await self._commits.submit(messages)

    async def _write(self, batch: Sequence[Sequence[OutboxMessage]]) -> list[None]:
        messages = [message for said in batch for message in said]
        async with self._database.connection() as connection:
            await insert_outbox_once(connection, messages)
        self._publisher.offer(messages)
        return [None] * len(batch)
