"""The whole system as its owner starts it: ports taken, kills, restarts, a second start, and nothing left behind."""

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bus_traffic import until
from insight import stored
from running_stack import PHOTOBUS, RunningStack

pytestmark = pytest.mark.stack

PARTS = ("postgres", "nats", "orchestrator", "derivatives", "maintenance", "filemover", "gateway")


@pytest.fixture
async def stack(folder_of_servers: Path) -> AsyncIterator[RunningStack]:
    """A stack that a test starts; stopped afterwards if it still runs."""
    started = RunningStack(folder_of_servers / "data")
    yield started
    await started.abandon()


async def test_a_taken_port_a_second_start_and_nothing_left(stack: RunningStack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        stack.environment["PHOTOBUS_PORT"] = str(port)
        await stack.start()
        assert not stack.address.endswith(f":{port}")
        await until(lambda: f"Port {port} is taken" in stack.said())
    token = stack.token
    await until(lambda: token in stack.said())
    assert stat.S_IMODE((stack.data / "run" / "token").stat().st_mode) == 0o600
    async with stack.client() as photobus:
        project = await photobus.create_project("Kept")
    assert await second_start_on(stack.data) == (1, f"A photobus runs on {stack.data} already")
    assert await stack.interrupt() == 0
    assert list((stack.data / "run").iterdir()) == []
    await stack.start()
    assert stack.token == token
    async with stack.client() as photobus:
        assert [found.id async for found in photobus.projects()] == [project.id]
    made = "SELECT tenant, actor FROM event_log WHERE type = 'TenantCreated'"
    assert await stored(stack, made) == [{"tenant": "user_0", "actor": "local"}]


async def test_what_dies_comes_back_and_a_killed_supervisor_leaves_nothing(stack: RunningStack) -> None:
    stack.environment["PHOTOBUS_SCALE"] = "gateway=2,derivatives=2"
    await stack.start()
    assert stack.pids.keys() == {*PARTS, "gateway-2", "derivatives-2", "supervisor"}
    async with stack.client() as photobus:
        for name in ("gateway", "gateway-2"):
            before = stack.pids[name]
            os.kill(before, signal.SIGKILL)
            await photobus.create_project(name)
            await stack.restarted(name, before)
        for name in PARTS:
            before = stack.pids[name]
            os.kill(before, signal.SIGKILL)
            await stack.restarted(name, before)
        await photobus.create_project("after")
    assert await stack.kill() == -signal.SIGKILL
    await stack.start()
    async with stack.client() as photobus:
        assert [project.name async for project in photobus.projects()] == ["after", "gateway", "gateway-2"]


async def test_ctrl_c_while_it_starts_leaves_nothing(stack: RunningStack) -> None:
    starting = asyncio.create_task(stack.start())
    await stack.has_started("postgres")
    assert await stack.interrupt() == 0
    with pytest.raises(RuntimeError, match="ended with 0"):
        await starting
    assert list((stack.data / "run").iterdir()) == []
    assert "Ctrl-C" not in stack.said()


async def test_wrong_settings_are_told_in_one_line_before_anything_runs(folder_of_servers: Path) -> None:
    status, line = await run_up(folder_of_servers / "data", PHOTOBUS_PORT="eighty")
    assert status == 1
    assert line == "photobus: PHOTOBUS_PORT is 'eighty', which is not a port between 1 and 65535.\n"
    assert not (folder_of_servers / "data").exists()


async def second_start_on(data: Path) -> tuple[int, str]:
    """Start another stack on the same folder; returns its exit status and what it complains of."""
    status, line = await run_up(data)
    return status, line.removeprefix("photobus: ").partition(";")[0]


async def run_up(data: Path, **environment: str) -> tuple[int, str]:
    """Run ``photobus up`` to its end; returns its exit status and what it wrote to standard error."""
    process = await asyncio.create_subprocess_exec(
        *PHOTOBUS,
        "up",
        env={**os.environ, **environment, "PHOTOBUS_DATA": str(data)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    return process.returncode or 0, errors.decode()
