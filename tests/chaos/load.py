"""The load: several owners at work at once, and clients that watch them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

from chaos import hand_deeds, task_deeds, upload_deeds
from chaos.followers import Follower
from chaos.holdings import Folders, Holdings
from chaos.journal import Journal
from chaos.line import Line
from chaos.owner import Owner
from photobus_client.transport import Transport

Deed = Callable[[Owner], Awaitable[None]]

DEEDS: Final[Mapping[str, tuple[Deed, float]]] = {
    "send": (upload_deeds.send, 24),
    "send many": (upload_deeds.send_many, 2),
    "send in portions": (upload_deeds.send_in_portions, 5),
    "send companion": (upload_deeds.send_companion, 5),
    "send better": (upload_deeds.send_better, 4),
    "send taken": (upload_deeds.send_taken, 5),
    "send again after commit": (upload_deeds.send_again_after_commit, 2),
    "tag": (task_deeds.tag, 8),
    "untag": (task_deeds.untag, 3),
    "tag by task": (task_deeds.tag_by_task, 3),
    "keep": (task_deeds.keep, 8),
    "commit": (task_deeds.commit, 7),
    "revert": (task_deeds.revert, 3),
    "move": (task_deeds.move, 12),
    "undo": (task_deeds.undo, 7),
    "cancel": (task_deeds.cancel, 2),
    "retry": (task_deeds.retry, 3),
    "regenerate": (task_deeds.regenerate, 2),
    "read metadata": (task_deeds.read_metadata, 1.5),
    "make project": (task_deeds.make_project, 2),
    "rename project": (task_deeds.rename_project, 2.5),
    "delete project": (task_deeds.delete_project, 1.2),
    "maintain project": (task_deeds.maintain_project, 2),
    "maintain library": (task_deeds.maintain_library, 0.6),
    "lay where an undo leads": (hand_deeds.lay_where_an_undo_leads, 0),
}
"""What owners do, and how often of so many."""

OWNERS: Final = 6
FOLLOWERS: Final = 3
COMMON_PROJECTS: Final = 3
OPEN_TASKS: Final = 12
"""Tasks of an owner that are open at a time; then nothing is asked for that makes more of them."""

PAUSE_SECONDS: Final = 0.25
QUESTIONS_EVERY: Final = 3.0


class Load:
    """Owners and followers on the photobus at ``address``. ``weights`` says how often what is done, beside ``DEEDS``.

    Within ``async with`` there are the owners' first projects and the followers; ``work`` has them do things.
    """

    def __init__(
        self,
        address: str,
        token: str,
        journal: Journal,
        seed: int,
        *,
        owners: int = OWNERS,
        weights: Mapping[str, float] | None = None,
        library: Path | None = None,
    ) -> None:
        self.transport = Transport(address, token, patience_seconds=0.0)
        self._journal = journal
        self._seed = seed
        self._owners_wanted = owners
        self._library = library
        self._weights = {name: weight for name, (_, weight) in DEEDS.items()} | dict(weights or {})
        self._stop, self._over = asyncio.Event(), asyncio.Event()
        self._stack = AsyncExitStack()
        self._watching: list[asyncio.Task[None]] = []
        self.owners: list[Owner] = []
        self.followers: list[Follower] = []

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.transport)
        for number in range(FOLLOWERS):
            random = Random(f"{self._seed} follower {number}")
            self.followers.append(Follower(f"follower {number}", self.transport, self._journal, random))
        self._watching = [asyncio.create_task(follower.run()) for follower in self.followers]
        await self._set_up()
        self._answering = asyncio.create_task(self._answer_questions())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _canceled([*self._watching, self._answering])
        await self._stack.aclose()

    async def work(self) -> None:
        """Work until ``stop``, and then until everything that was asked has been answered, or ``give_up``."""
        watching = [asyncio.create_task(owner.watch_tasks()) for owner in self.owners]
        try:
            await asyncio.gather(*(self._work(owner) for owner in self.owners))
        finally:
            await _canceled(watching)

    def stop(self) -> None:
        """Begin nothing new."""
        self._stop.set()

    def give_up(self) -> None:
        """Ask nothing again any more: what is not known now stays so."""
        self._over.set()

    async def catch_up(self, until: int, seconds: float) -> None:
        """Have every follower hear all up to the sequence ``until``; one that cannot in time has missed it."""
        await _canceled(self._watching)
        waiting = [asyncio.create_task(follower.catch_up(until)) for follower in self.followers]
        await asyncio.wait(waiting, timeout=seconds)
        await _canceled(waiting)

    async def _set_up(self) -> None:
        folders, common = Folders(), []
        first = Owner(0, self.line("all"), self._journal, Holdings(Random(f"{self._seed} all"), folders, ()))
        for number in range(COMMON_PROJECTS):
            project = await task_deeds.new_project(first, f"Common {number}")
            common += [project] if project is not None else []
        for number in range(1, self._owners_wanted + 1):
            random = Random(f"{self._seed} owner {number}")
            holdings = Holdings(random, folders, tuple(common))
            line = Line(self.transport, self._journal, f"owner {number}", self._over)
            owner = Owner(number, line, self._journal, holdings, self._library)
            await task_deeds.new_project(owner, f"Owner {number}")
            self.owners.append(owner)

    def line(self, owner: str) -> Line:
        """Return a line that never gives up."""
        return Line(self.transport, self._journal, owner, asyncio.Event())

    async def _work(self, owner: Owner) -> None:
        names, weights = list(self._weights), list(self._weights.values())
        while not self._stop.is_set():
            (name,) = owner.random.choices(names, weights)
            if len(owner.has.open) < OPEN_TASKS:
                deed, _ = DEEDS[name]
                await deed(owner)
            await asyncio.sleep(owner.random.expovariate(1 / PAUSE_SECONDS))

    async def _answer_questions(self) -> None:
        caretaker = Owner(0, self.line("caretaker"), self._journal, self.owners[0].has)
        while True:
            await task_deeds.answer_questions(caretaker)
            await asyncio.sleep(QUESTIONS_EVERY)


async def _canceled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
