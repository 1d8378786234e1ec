"""A gateway, and what the services tell beside it: committed as they do, and archived by the orchestrator's fold."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from folding import Log
from gateway_server import Gateway

from photobus_client import PhotobusClient
from photobus_common.events import Event, EventData, Origin
from photobus_common.store.unit_of_work import unit_of_work


@dataclass
class Chronicle:
    """What happens to one tenant's library."""

    gateway: Gateway
    log: Log
    task: UUID | None = None

    async def say(
        self, *told: EventData, tenant: str | None = None, actor: str = "ada", at: datetime | None = None
    ) -> list[Event]:
        """Commit what a service tells, as part of the task if there is one, its clock at ``at``; and archive it."""
        origin = Origin("/test", tenant or self.gateway.tenant, actor, correlation_id=self.task)
        if at is not None:
            origin = replace(origin, clock=lambda: at)
        events = [origin.event(data) for data in told]
        for event in events:
            async with unit_of_work(self.gateway.database, self.gateway.publisher) as work:
                work.emit(event)
        await self.archive()
        return events

    async def archive(self) -> None:
        """Let everything that was committed, and what follows from it, come to the archive."""
        before = -1
        while before != (now := await self._archived()):
            before = now
            await self.log.come_back()

    async def seq(self) -> int:
        """Return the last sequence of the archive."""
        async with self.gateway.database.connection() as connection:
            return int(await connection.fetchval("SELECT max(seq) FROM event_log"))

    async def told(self, path: str, **options: Any) -> list[str]:
        """Return the sentences of a history."""
        answer = await self.gateway.get(path, **options)
        assert answer.status == 200, answer.body
        return [item["summary"] for item in answer.body["items"]]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[PhotobusClient]:
        """A client that does not ask again."""
        address = f"http://127.0.0.1:{self.gateway.port}"
        async with PhotobusClient(address, self.gateway.admin, patience_seconds=0) as opened:
            yield opened

    async def _archived(self) -> int:
        async with self.gateway.database.connection() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM event_log"))
