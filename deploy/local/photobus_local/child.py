"""Processes that end with the one that started them, and that are stopped by a signal and a bounded wait."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_LAUNCH: Final = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Owner:
    """The system user that a program runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """What is run and how: ``death_signal`` is what the kernel sends when the starter dies without a word.

    ``owner`` None means the present user; ``environment`` is the whole of the program's environment.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    owner: Owner | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_seconds: float = 20.0


class Child:
    """One running program."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self.program = program
        self._process = process

    @classmethod
    async def start(cls, program: Program, log: Path) -> Self:
        """Start ``program`` in a session of its own, its output appended to ``log``.

        Must be called from the thread that lives as long as the program shall: the kernel watches the thread.
        """
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *_launching("run", str(os.getpid()), str(int(program.death_signal)), _owner_word(program.owner)),
                *program.command,
                stdin=subprocess.DEVNULL,
                stdout=output.fileno(),
                stderr=subprocess.STDOUT,
                env=dict(program.environment),
                start_new_session=True,
            )
        return cls(program, process)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program has not ended yet."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait for the end; returns the exit status, negative for a signal."""
        return await self._process.wait()

    async def stop(self) -> int:
        """Ask the program to end, and kill it when it has not within ``stop_seconds``."""
        self.signal(self.program.stop_signal)
        with suppress(TimeoutError):
            return await asyncio.wait_for(self.wait(), self.program.stop_seconds)
        return await self.kill()

    async def kill(self) -> int:
        """End the program as a power cut would."""
        self.signal(signal.SIGKILL)
        return await self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send ``number`` if the program still runs."""
        if self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


async def run_to_end(program: Program, log: Path) -> int:
    """Run ``program`` and return its exit status."""
    child = await Child.start(program, log)
    try:
        return await child.wait()
    finally:
        if child.running:
            await child.kill()


async def barred_folder(owner: Owner, *paths: Path) -> Path | None:
    """Return the first folder on the way to ``paths`` that ``owner`` may not enter; None when all can be reached."""
    process = await asyncio.create_subprocess_exec(
        *_launching("reach", _owner_word(owner), *(str(path.absolute()) for path in paths)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return Path(output.decode()) if output else None


def _owner_word(owner: Owner | None) -> str:
    """Return ``owner`` as the launcher wants it; only root becomes anybody else."""
    return "-" if owner is None or owner.uid == os.geteuid() else f"{owner.uid}:{owner.gid}"


def _launching(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(_LAUNCH), *arguments)
