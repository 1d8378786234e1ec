"""The whole system, run as its owner runs it, for tests of what it promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from running_stack import RunningStack

from photobus_client import PhotobusClient

QUICK_LEASES = {"PHOTOBUS_PIPELINE__HEARTBEAT_MS": "500", "PHOTOBUS_PIPELINE__STALE_SECONDS": "3"}
"""A dead worker's job is taken over after the lease; short ones keep tests short."""


@pytest.fixture
async def stack(folder_of_servers: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningStack]:
    """Start a stack of this test's own, with the settings of its ``stack_settings`` mark; leave no process."""
    mark = request.node.get_closest_marker("stack_settings")
    started = RunningStack(folder_of_servers / "data", **QUICK_LEASES, **(mark.kwargs if mark else {}))
    await started.start()
    yield started
    if started.process.returncode is None:
        await started.interrupt()


@pytest.fixture
async def photobus(stack: RunningStack) -> AsyncIterator[PhotobusClient]:
    """A client of the stack that waits for what is being restarted."""
    async with PhotobusClient(stack.address, stack.token, patience_seconds=60) as client:
        yield client
