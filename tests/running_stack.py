"""A whole photobus as the owner starts it, for tests and the smoke run: started, found, stopped, seen to be gone."""

import asyncio
import json
import os
import signal
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from photobus_client import PhotobusClient

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 60.0
PHOTOBUS: Final = (sys.executable, str(Path(sysconfig.get_path("scripts")) / "photobus"))


class RunningStack:
    """The stack on the folder ``data``, with ``environment`` on top of this process's."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.output = data.parent / f"{data.name}.out"
        self.environment = {**os.environ, **environment, "PHOTOBUS_DATA": str(data)}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        """What was started."""
        if self._process is None:
            raise RuntimeError("The stack was not started.")
        return self._process

    @property
    def address(self) -> str:
        """Where it listens."""
        return self._run("address")

    @property
    def token(self) -> str:
        """What opens it."""
        return self._run("token")

    @property
    def pids(self) -> dict[str, int]:
        """Its processes by name, the supervisor among them."""
        pids: dict[str, int] = json.loads(self._run("pids"))
        return pids

    def client(self) -> PhotobusClient:
        """Make a client of it."""
        return PhotobusClient(self.address, self.token)

    def said(self) -> str:
        """What it has written to the terminal."""
        return self.output.read_text() if self.output.exists() else ""

    async def start(self, command: Sequence[str] = (*PHOTOBUS, "up"), within: float = START_SECONDS) -> None:
        """Start it and return when it is ready; raises ``RuntimeError`` with what it said when it ends instead."""
        # A stack that was killed has left it behind, and it would be taken for the new one's.
        (self.data / "run" / "address").unlink(missing_ok=True)
        with self.output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
                start_new_session=True,
            )
        async with asyncio.timeout(within):
            while not (self.data / "run" / "address").exists():
                if self.process.returncode is not None:
                    raise RuntimeError(f"photobus up ended with {self.process.returncode}: {self.said()}")
                await asyncio.sleep(0.05)

    async def has_started(self, name: str) -> None:
        """Wait until the process ``name`` has been started, which is well before the whole is ready."""
        pids = self.data / "run" / "pids"
        async with asyncio.timeout(START_SECONDS):
            while not pids.exists() or name not in self.pids:  # another process writes the file
                await asyncio.sleep(0.05)

    async def restarted(self, name: str, before: int) -> int:
        """Wait until the supervisor has started ``name`` again; returns the new process id."""
        async with asyncio.timeout(START_SECONDS):
            while self.pids[name] == before:  # another process writes the file
                await asyncio.sleep(0.05)
        return self.pids[name]

    def processes(self) -> list[psutil.Process]:
        """All processes of the stack that live, those that its services started included."""
        supervisor = psutil.Process(self.pids["supervisor"])
        return [supervisor, *supervisor.children(recursive=True)]

    async def interrupt(self) -> int:
        """Press Ctrl-C; returns the exit status."""
        return await self._end(signal.SIGINT)

    async def kill(self) -> int:
        """End the supervisor as a power cut would."""
        return await self._end(signal.SIGKILL)

    async def kill_all(self) -> None:
        """End every process of the stack at once."""
        for process in self.processes():
            # Whoever is not reached yet may have ended by itself, of the others' death.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        await self.process.wait()

    async def abandon(self) -> None:
        """End it if it still runs, whatever state it is in."""
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            await self._process.wait()

    async def _end(self, number: signal.Signals) -> int:
        """Send ``number`` as the terminal would, and wait until every process is gone."""
        processes = self.processes()
        if number is signal.SIGKILL:
            processes[0].kill()
        else:
            os.killpg(self.process.pid, number)
        async with asyncio.timeout(STOP_SECONDS):
            status = await self.process.wait()
        _, alive = await asyncio.to_thread(psutil.wait_procs, processes, STOP_SECONDS)
        if alive:
            raise RuntimeError(f"Left behind: {[process.name() for process in alive]}")
        return status

    def _run(self, name: str) -> str:
        return (self.data / "run" / name).read_text().strip()
