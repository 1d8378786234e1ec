"""The whole system, run as its owner runs it, for tests of what it promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rows_and_log import disagreements_of
from running_stack import RunningStack
from shoot import Visit

SETTINGS = {
    "PHOTOBUS_PIPELINE__HEARTBEAT_MS": "500",
    "PHOTOBUS_PIPELINE__STALE_SECONDS": "3",
    "PHOTOBUS_UPLOADER__BATCH_SECONDS": "60",
    "PHOTOBUS_PROCESSING__WORKER_COUNT": "2",
    **{
        f"PHOTOBUS_SCHEDULES__{task.upper()}_SECONDS": "604800"
        for task in ("maintenance_global", "project_scavenge_global", "folder_discovery", "integrity_check")
    },
}
"""A dead worker's job is taken over after the lease: short ones keep tests short. What one request brings is one task
however slow the machine, and figures of memory do not grow with its cores. Tests see only tasks that they ask for."""


SHARED = SETTINGS | {
    "PHOTOBUS_JOBS__SIZE": '{"generate_derivatives": 50}',
    "PHOTOBUS_PIPELINE__BULK_ITEMS": "50",
    "PHOTOBUS_PROCESSING__TIME_LIMIT_SECONDS": "10",
}
"""Jobs are small, so that tasks of tests have several; who waits for a decoder that hangs need not wait long."""


@pytest.fixture(scope="session")
async def shared_stack(servers_folder: Path) -> AsyncIterator[RunningStack]:
    """One stack for all tests that neither need settings of their own nor kill a service."""
    started = RunningStack(servers_folder / "acceptance", **SHARED)
    await started.start()
    yield started
    await _end(started)


@pytest.fixture
async def own_stack(folder_of_servers: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningStack]:
    """A stack of this test's own, with the settings of its ``stack_settings`` mark; it may be killed."""
    started = RunningStack(folder_of_servers / "data", **_settings(request))
    await started.start()
    yield started
    if started.process.returncode is None:
        await _end(started)


@pytest.fixture(scope="module")
async def module_stack(servers_folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningStack]:
    """A stack of this file's own, with the settings of its ``stack_settings`` mark."""
    started = RunningStack(servers_folder / request.module.__name__, **_settings(request))
    await started.start()
    yield started
    await _end(started)


async def _end(stack: RunningStack) -> None:
    """Whatever tests did, and whoever was killed: all rows of the catalogue are as the log says."""
    try:
        assert await disagreements_of(stack) == []
    finally:
        await stack.interrupt()


def _settings(request: pytest.FixtureRequest) -> dict[str, str]:
    mark = request.node.get_closest_marker("stack_settings")
    return SETTINGS | (mark.kwargs if mark else {})


@pytest.fixture
async def photobus(shared_stack: RunningStack) -> AsyncIterator[Visit]:
    """A client of the shared stack, which sees only the tasks of this test."""
    async with Visit(shared_stack) as visit:
        yield visit


@pytest.fixture
async def own_photobus(own_stack: RunningStack) -> AsyncIterator[Visit]:
    """A client of the test's own stack."""
    async with Visit(own_stack) as visit:
        yield visit


@pytest.fixture
async def module_photobus(module_stack: RunningStack) -> AsyncIterator[Visit]:
    """A client of the file's own stack, which sees only the tasks of this test."""
    async with Visit(module_stack) as visit:
        yield visit
