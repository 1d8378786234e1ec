"""The state of pending deletions, by tenant, for clients of the channel ``pending-changes``.

It is a state, not an event: who connects gets the present one, who is connected gets the newest, and nobody needs those
in between. So it has no id, is counted once for all clients of a tenant, and is counted again only after an event that
may have changed it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from photobus_common.logging import get_logger
from photobus_common.store.database import Database
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.pending_changes import PendingOfProject, count_pending_by_project
from photobus_gateway.sse_messages import SseEvent

SETTLE_SECONDS: Final = 0.25
"""At most four counts a second: an upload of thousands changes photos far more often than anyone can read."""

RETRY_SECONDS: Final = 1.0

log = get_logger()


class PendingState(NamedTuple):
    """The rendered counts, and a number that grows with each change."""

    version: int
    rendered: bytes


class PendingChanges:
    """Keeps the state of those tenants that have clients, which ``wanted`` tells; ``changed`` hears of news."""

    def __init__(self, database: Database, wanted: Callable[[str], bool], changed: Callable[[str], None]) -> None:
        self._database = database
        self._wanted = wanted
        self._changed = changed
        self._states: dict[str, PendingState] = {}
        self._stale: set[str] = set()
        self._any_stale = asyncio.Event()
        self._versions = 0

    async def first(self, tenant: str) -> PendingState:
        """Return the present state of ``tenant``; counts it unless it is known and nothing happened since."""
        known = self._states.get(tenant)
        if known is None or tenant in self._stale:
            known = await self._count(tenant)
        return known

    def current(self, tenant: str) -> PendingState | None:
        """Return the newest state that was counted."""
        return self._states.get(tenant)

    def touch(self, tenant: str) -> None:
        """Note that the state of ``tenant`` may have changed."""
        if tenant in self._states:
            self._stale.add(tenant)
            self._any_stale.set()

    def forget(self, tenant: str) -> None:
        """Drop the state of a tenant whose last client has gone."""
        self._states.pop(tenant, None)
        self._stale.discard(tenant)

    async def run(self) -> None:
        """Count again what was touched, for ever."""
        while True:
            await self._any_stale.wait()
            self._any_stale.clear()
            try:
                for tenant in tuple(self._stale):
                    await self._recount(tenant)
            except DATABASE_OUTAGES:
                log.warning("pending_changes_not_counted", exc_info=True)
                self._any_stale.set()
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(SETTLE_SECONDS)

    async def _recount(self, tenant: str) -> None:
        """Count again, unless the last client has gone; one that goes meanwhile leaves nothing to be counted for."""
        if tenant not in self._states:
            self._stale.discard(tenant)
            return
        try:
            await self._count(tenant)
        finally:
            if not self._wanted(tenant):
                self.forget(tenant)

    async def _count(self, tenant: str) -> PendingState:
        self._stale.discard(tenant)  # before the query: what is committed during it makes the state stale again
        try:
            async with self._database.connection() as connection:
                projects = await count_pending_by_project(connection, tenant)
        except BaseException:
            self._stale.add(tenant)
            raise
        rendered = SseEvent("pending-changes", "pending_changes_state", _body(projects)).frame(None)
        known = self._states.get(tenant)
        if known is not None and known.rendered == rendered:
            return known
        self._versions += 1
        state = self._states[tenant] = PendingState(self._versions, rendered)
        if known is not None:
            self._changed(tenant)
        return state


def _body(projects: tuple[PendingOfProject, ...]) -> dict[str, Any]:
    return {
        "jpg": sum(project.jpg for project in projects),
        "raw": sum(project.raw for project in projects),
        "other": sum(project.other for project in projects),
        "total": sum(project.total for project in projects),
        "by_project": [asdict(project) | {"total": project.total} for project in projects],
    }
