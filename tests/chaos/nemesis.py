"""The nemesis: faults of every kind, by a seed, one after the other and on top of each other."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from chaos.faults import KINDS, Drawn, Kind, NotNowError
from chaos.system import System

BETWEEN: Final[Mapping[int, tuple[float, float]]] = {1: (1.5, 3.0), 3: (3.0, 6.0)}
"""Seconds from the beginning of one fault to the next, by the number of the broker's servers: three of them elect."""

_DRAWS: Final = 20
_HEAL_SECONDS: Final = 120.0


@dataclass
class Fault:
    """One thing done to the system. Times are those of ``time.time()``; ``end`` None while it lasts."""

    kind: str
    victim: str
    begin: float
    end: float | None = None


class FaultLog(Protocol):
    """Where the nemesis writes down what it does: the campaign's journal."""

    def fault(self, kind: str, victim: str, begin: float, end: float) -> None:
        """Keep one fault that is over."""


class Nemesis:
    """Breaks ``system`` as ``random`` says. ``kinds`` restricts it to some kinds of faults, named as in ``KINDS``."""

    def __init__(
        self,
        system: System,
        random: Random,
        journal: FaultLog,
        kinds: Collection[str] | None = None,
    ) -> None:
        unknown = set(kinds or ()) - {kind.name for kind in KINDS}
        if unknown:
            raise ValueError(f"There are no faults {sorted(unknown)}; there are {[kind.name for kind in KINDS]}.")
        self.system = system
        self.faults: list[Fault] = []
        self._random = random
        self._journal = journal
        self._kinds = [kind for kind in KINDS if kind.possible(system) and (kinds is None or kind.name in kinds)]
        if not self._kinds:
            raise ValueError("None of the chosen faults can be done to this system.")
        self._held: set[str] = set()
        self._lasting: dict[asyncio.Task[None], asyncio.Event] = {}

    async def run(self, seconds: float) -> None:
        """Do one fault after the other for ``seconds``; what lasts longer goes on."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        due = loop.time() + self._random.uniform(*BETWEEN[self.system.nodes])
        while due < until:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due += self._random.uniform(*BETWEEN[self.system.nodes])
            await self._strike()
            self._raise_failures()
        await asyncio.sleep(max(0.0, until - loop.time()))

    async def heal(self) -> None:
        """End every fault and return when all processes run and are ready."""
        for over in self._lasting.values():
            over.set()
        await asyncio.gather(*self._lasting)
        async with asyncio.timeout(_HEAL_SECONDS):
            for part in self.system.parts.values():
                await part.ready()

    def counts(self) -> dict[str, int]:
        """Number of faults by kind."""
        return dict(Counter(fault.kind for fault in self.faults).most_common())

    async def _strike(self) -> None:
        """Do the next fault that no lasting one stands in the way of."""
        for _ in range(_DRAWS):
            (kind,) = self._random.choices(self._kinds, [kind.weight for kind in self._kinds])
            drawn = kind.draw(self.system, self._random)
            if not drawn.needs & self._held:
                with suppress(NotNowError):
                    await self._do(kind, drawn)
                    return

    async def _do(self, kind: Kind, drawn: Drawn) -> None:
        fault = Fault(kind.name, drawn.victim, time.time())
        await drawn.begin()
        self.faults.append(fault)
        if drawn.end is None:
            self._over(fault)
            return
        self._held |= drawn.places
        over = asyncio.Event()
        self._lasting[asyncio.create_task(self._last(fault, drawn, over))] = over

    async def _last(self, fault: Fault, drawn: Drawn, over: asyncio.Event) -> None:
        """Undo ``drawn`` when its time has come, or when all is healed."""
        assert drawn.end is not None
        try:
            async with asyncio.timeout(drawn.seconds):
                await over.wait()
        except TimeoutError:
            pass
        await drawn.end()
        self._held -= drawn.places
        self._over(fault)

    def _over(self, fault: Fault) -> None:
        fault.end = time.time()
        self._journal.fault(fault.kind, fault.victim, fault.begin, fault.end)

    def _raise_failures(self) -> None:
        """Forget what is over; raises what went wrong with it."""
        for task in [task for task in self._lasting if task.done()]:
            del self._lasting[task]
            task.result()
