"""The nemesis: faults of every kind, by a seed, one after the other and on top of each other."""

from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import Protocol

from chaos.system import System


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
    """Breaks ``system`` as ``random`` says. ``kinds`` restricts it to some kinds of faults."""

    def __init__(
        self,
        system: System,
        random: Random,
        journal: FaultLog,
        kinds: Collection[str] | None = None,
    ) -> None:
        self.system = system
        self.random = random
        self.journal = journal
        self.kinds = kinds
        self.faults: list[Fault] = []

    async def run(self, seconds: float) -> None:
        """Do one fault after the other for ``seconds``; what lasts longer goes on."""
        raise NotImplementedError

    async def heal(self) -> None:
        """End every fault and return when all processes run and are ready."""
        raise NotImplementedError

    def counts(self) -> dict[str, int]:
        """Number of faults by kind."""
        raise NotImplementedError
