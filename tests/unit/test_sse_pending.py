"""The state of pending deletions is kept for those who are connected, and for nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from photobus_common.store.database import Database
from photobus_gateway import sse_pending
from photobus_gateway.sse_pending import PendingChanges

TENANT = "user_0"


class NoDatabase:
    """Lends a connection that nobody asks anything of."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield None


async def test_who_leaves_while_it_is_counted_leaves_no_state_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = {TENANT}
    pending = PendingChanges(cast("Database", NoDatabase()), clients.__contains__, lambda _: None)
    counted = asyncio.Event()

    async def count(*_: Any) -> tuple[()]:
        return ()

    async def count_while_all_leave(*_: Any) -> tuple[()]:
        clients.clear()
        pending.forget(TENANT)
        counted.set()
        return ()

    monkeypatch.setattr(sse_pending, "count_pending_by_project", count)
    await pending.first(TENANT)
    monkeypatch.setattr(sse_pending, "count_pending_by_project", count_while_all_leave)
    pending.touch(TENANT)
    running = asyncio.create_task(pending.run())
    await counted.wait()
    running.cancel()
    await asyncio.wait([running])

    assert pending.current(TENANT) is None
