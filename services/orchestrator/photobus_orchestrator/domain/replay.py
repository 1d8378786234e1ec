"""Folding again what was folded: the facts in stream order, and after each what was decided then, from the record."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from photobus_common.events import Event
from photobus_orchestrator.domain.decide import decision_id
from photobus_orchestrator.domain.evolve import evolve
from photobus_orchestrator.domain.state import State


def recorded(decisions: Mapping[UUID, Event], state: State, cause: Event) -> Iterator[tuple[Event, State]]:
    """Yield what was decided because of ``cause``, in the order in which it was, with the state after each.

    ``decisions`` are the recorded ones, by id. It is a decider (``reaction.Decider``) once they are given.
    """
    number = 0
    while (event := decisions.get(decision_id(cause.id, number))) is not None:
        state = evolve(state, event)
        yield event, state
        number += 1
