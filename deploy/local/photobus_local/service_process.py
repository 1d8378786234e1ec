"""One photobus service as a process of its own, configured by its environment alone."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp

from photobus_common.errors import ConfigurationError
from photobus_local.child import Child, Program

_PROBE_SECONDS: Final = 0.1
_ANSWER_SECONDS: Final = 5.0


class ServiceProcess:
    """Runs ``python -m <module>``; ``ready_url`` answers 200 once it can work. ``log`` gives the path at each start."""

    def __init__(
        self,
        name: str,
        module: str,
        environment: Mapping[str, str],
        log: Callable[[], Path],
        ready_url: str,
    ) -> None:
        self.name = name
        self._program = Program(name, (sys.executable, "-m", module), environment)
        self._log = log
        self._ready_url = ready_url
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Process id of the service."""
        return self._running_child().pid

    async def start(self) -> None:
        """Start the process, without waiting until it can work."""
        self._child = await Child.start(self._program, self._log())

    async def ready(self) -> None:
        """Return once the service can work; raises ``ConfigurationError`` with its last words when it ends before."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_ANSWER_SECONDS)) as session:
            while self._running_child().running:
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(self._ready_url) as answer:
                        if answer.ok:
                            return
                await asyncio.sleep(_PROBE_SECONDS)
        raise ConfigurationError(f"{self.name} ended while it started: {last_line(self._log())}")

    async def stop(self) -> None:
        """Ask the service to finish or hand back its work, and end it when it takes too long."""
        if self._child is not None:
            await self._child.stop()
            self._end_leftovers()

    async def kill(self) -> None:
        """End the service as a power cut would."""
        if self._child is not None:
            await self._child.kill()
            self._end_leftovers()

    async def wait(self) -> int:
        """Wait until the service ends; returns its exit status. Its own children end with it."""
        status = await self._running_child().wait()
        self._end_leftovers()
        return status

    def _end_leftovers(self) -> None:
        """End what the service started: a child that hangs in a decoder does not notice that it is alone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _running_child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self.name} was never started.")
        return self._child


def last_line(log: Path) -> str:
    """Return the last line of ``log`` that says something, and where the rest stands."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return f"{lines[-1]} (its log is {log})" if lines else f"its log is {log}"
