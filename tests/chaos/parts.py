"""The processes of the system under test, each of which can be killed, paused and restarted."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import Final

import psutil

from photobus_common.errors import ConfigurationError
from photobus_local.supervisor import Part

_PROBE_SECONDS: Final = 0.1

_THAW: Final = """
import contextlib, os, signal, sys
sys.stdin.read()
for pid in map(int, sys.argv[1:]):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGCONT)
"""
"""Lets processes go on when the campaign dies that paused them: what is stopped hears no other signal but one."""


class KeptPart:
    """One supervised process, whatever process id it has at the moment."""

    def __init__(self, part: Part) -> None:
        self.name = part.name
        self._part = part
        self._paused: list[psutil.Process] = []
        self._thaws: list[asyncio.subprocess.Process] = []

    @property
    def pid(self) -> int:
        """Id of the process that runs, or ran last."""
        return self._part.pid

    async def kill(self) -> None:
        """End it by SIGKILL; the supervisor starts it again."""
        self.kill_now()

    def kill_now(self) -> None:
        """Do that without letting anything else happen before."""
        self._signal(signal.SIGKILL)

    async def pause(self) -> None:
        """Stop it and all of its children by SIGSTOP, as a machine is that is out of memory or moved elsewhere."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if not _ours(process):
                return
            process.suspend()  # first, so that it starts no more of them
            self._paused.append(process)
            for child in process.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.suspend()
                    self._paused.append(child)
            await self._thaw_when_alone()

    async def resume(self) -> None:
        """Let what was paused go on, where it has not been killed."""
        while self._paused:
            with suppress(psutil.NoSuchProcess):
                self._paused.pop().resume()
        while self._thaws:
            await self._thaws.pop().communicate(b"")  # without input, Python 3.11 leaves its standard input open

    async def _thaw_when_alone(self) -> None:
        paused = [str(process.pid) for process in self._paused]
        command = (sys.executable, "-I", "-S", "-c", _THAW, *paused)
        self._thaws.append(
            await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, start_new_session=True)
        )

    async def restart(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end in order; the supervisor starts it again."""
        self._signal(number)

    async def ready(self) -> None:
        """Return once it runs and does its work, however often it ends before."""
        while True:
            with suppress(psutil.NoSuchProcess, ConfigurationError):
                if _ours(psutil.Process(self.pid)):
                    await self._part.ready()
                    return
            await asyncio.sleep(_PROBE_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if _ours(psutil.Process(self.pid)):
                os.kill(self.pid, number)


def _ours(process: psutil.Process) -> bool:
    """Whether the process is a child of this one: the id of one that has ended may be another's by now."""
    return process.ppid() == os.getpid() and process.status() != psutil.STATUS_ZOMBIE
