"""Keeps the parts of the stack running: starts them in order, starts again what dies, stops them in reverse order."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from photobus_common.errors import ConfigurationError
from photobus_common.logging import get_logger

_FIRST_DELAY_SECONDS: Final = 0.2
LONGEST_DELAY_SECONDS: Final = 10.0
_STABLE_SECONDS: Final = 30.0
_READY_SECONDS: Final = 120.0

log = get_logger()


class Part(Protocol):
    """A process that the supervisor keeps running."""

    name: str

    @property
    def pid(self) -> int:
        """Its process id."""

    async def start(self) -> None:
        """Start it; raises ``ConfigurationError`` when that makes no sense or fails."""

    async def ready(self) -> None:
        """Return once it does its work; raises ``ConfigurationError`` when it ended instead."""

    async def stop(self) -> None:
        """Stop it in order, within a bounded time."""

    async def kill(self) -> None:
        """End it at once."""

    async def wait(self) -> int:
        """Wait for its end; returns the exit status, negative for a signal."""


class Supervisor:
    """``say`` gets one line for a person; ``publish`` the process ids by name, whenever they change.

    What dies again and again is started again after ever more seconds, but at most ``longest_delay``.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        publish: Callable[[Mapping[str, int]], None],
        longest_delay: float = LONGEST_DELAY_SECONDS,
    ) -> None:
        self._say = say
        self._publish = publish
        self._longest_delay = longest_delay
        self._layers: list[tuple[Part, ...]] = []
        self._pids: dict[str, int] = {}
        self._watches: list[asyncio.Task[None]] = []

    async def start(self, *layers: tuple[Part, ...]) -> None:
        """Start ``layers`` one after the other and return when all of them are ready.

        Raises ``ConfigurationError`` when a part ends instead. What was started stays for ``stop``.
        """
        parts = [part for layer in layers for part in layer]
        for layer in layers:
            self._layers.append(layer)
            for part in layer:
                await part.start()
                self._record(part)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await _all_ready(parts)
        except TimeoutError as error:
            names = ", ".join(part.name for part in parts)
            raise ConfigurationError(f"Not ready within {_READY_SECONDS:g} seconds: one of {names}.") from error
        self._watches += [asyncio.create_task(self._keep(part), name=f"keep {part.name}") for part in parts]

    async def stop(self) -> None:
        """Stop everything, the last layer first; the parts of one layer side by side."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        while self._layers:
            await asyncio.gather(*(part.stop() for part in self._layers[-1]))
            self._layers.pop()

    async def kill(self) -> None:
        """End everything at once."""
        await asyncio.gather(*(part.kill() for layer in self._layers for part in layer))

    async def _keep(self, part: Part) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            status = await part.wait()
            failures = 1 if loop.time() - started > _STABLE_SECONDS else failures + 1
            delay = restart_delay(failures, self._longest_delay)
            log.warning("part_ended", part=part.name, status=status, restart_in_seconds=delay)
            self._tell(f"{part.name} {ending(status)}; starting it again in {delay:g} s.")
            await asyncio.sleep(delay)
            try:
                await part.start()
                self._record(part)
            except Exception as error:
                log.exception("part_not_started", part=part.name)
                self._tell(f"{part.name} did not start in order: {error or type(error).__name__}")

    def _tell(self, line: str) -> None:
        """Say ``line`` if anybody hears it: a terminal that is gone is no reason to leave a part alone."""
        try:
            self._say(line)
        except Exception:
            log.exception("nobody_told", line=line)

    def _record(self, part: Part) -> None:
        log.info("part_started", part=part.name, pid=part.pid)
        self._pids[part.name] = part.pid
        self._publish(self._pids)


async def _all_ready(parts: list[Part]) -> None:
    """Wait for all; the first that fails ends the waiting for the others."""
    waits = [asyncio.create_task(part.ready()) for part in parts]
    try:
        await asyncio.gather(*waits)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def restart_delay(failures: int, longest: float = LONGEST_DELAY_SECONDS) -> float:
    """Seconds to wait before a restart, after the ``failures``-th end in a row (1 is the first)."""
    return min(_FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 16), longest)


def ending(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
