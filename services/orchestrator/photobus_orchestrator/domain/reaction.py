"""What one event brings about: the change of its task's state, and the decisions that follow from it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from photobus_common.events import Event
from photobus_common.events.confirmations import ConfirmationRequested
from photobus_common.events.maintenance import FindingsReported, LibraryTrashEmptied
from photobus_common.events.tasks import TaskEvent, TaskRequested
from photobus_orchestrator.domain.evolve import FACTS, evolve
from photobus_orchestrator.domain.state import State

INPUTS: Final[frozenset[type[TaskEvent]]] = frozenset({TaskRequested, *FACTS})
"""Events that the fold reacts to. All others it archives only: its own decisions, which it took when it made them,
and what happens to projects, photos and tokens."""

ARCHIVED_ONLY: Final[frozenset[type[TaskEvent]]] = frozenset(
    {ConfirmationRequested, FindingsReported, LibraryTrashEmptied}
)
"""Events of tasks, made by others, that change no task."""

Decider = Callable[[State, Event], Iterable[tuple[Event, State]]]
"""Gives what follows from a state and the event that led to it, each with the state after it: ``decide`` with its
rules, or, in a replay, what was decided then."""


class Transition(NamedTuple):
    """One event and what it made of the state; ``after is before`` when it meant nothing."""

    before: State
    event: Event
    after: State


def react(state: State, event: Event, decider: Decider) -> Iterator[Transition]:
    """Yield the transition by ``event``, then, if it changed anything, one by each decision."""
    after = evolve(state, event)
    yield Transition(state, event, after)
    if after is state:
        return
    for decided, result in decider(after, event):
        yield Transition(after, decided, result)
        after = result
