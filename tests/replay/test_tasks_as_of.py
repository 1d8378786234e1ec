"""Tasks of recorded histories as of each place in them: what the orchestrator's rows said there, and at their end."""

import json
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from then import assert_was, logged

from photobus_common.events import Event, decode
from photobus_common.task_history import DECISIONS, LEADING, TYPES, task_as_of
from photobus_orchestrator.domain import evolve
from photobus_orchestrator.domain.reaction import INPUTS, Transition
from photobus_orchestrator.domain.replay import recorded
from photobus_orchestrator.domain.state import NotRequested, State
from photobus_orchestrator.fold import Received, react_to_all

HISTORIES = Path(__file__).parent / "histories"
NAMES = sorted(path.name.removesuffix(".end.json") for path in HISTORIES.glob("*.end.json"))


def tasks_of(name: str) -> dict[str, list[Event]]:
    """Return the events of each task of a history, in its order."""
    tasks: dict[str, list[Event]] = {}
    for line in (HISTORIES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        event = decode(line)
        if event.type in TYPES:
            tasks.setdefault(str(event.data.task()), []).append(event)
    return tasks


def folded(events: list[Event], until: int) -> list[Transition]:
    """Fold the first ``until`` events as the orchestrator does, with what was decided because of them."""
    decisions = {event.id: event for event in events if type(event.data) in DECISIONS}
    received = [Received(number, event, b"") for number, event in enumerate(events[:until])]
    states: dict[UUID, State] = {task: NotRequested() for event in events if (task := event.data.task())}
    return list(react_to_all(states, received, partial(recorded, decisions)))


def times(row: dict[str, Any]) -> dict[str, Any]:
    """Read times as times."""
    return {name: datetime.fromisoformat(value) if name.endswith("_at") else value for name, value in row.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_task_as_of_any_place_is_what_its_rows_said_there(name: str) -> None:
    for events in tasks_of(name).values():
        for until in range(len(events) + 1):
            assert_was(logged(events), until, folded(events, until))


@pytest.mark.parametrize("name", NAMES)
def test_at_its_end_it_is_the_recorded_row(name: str) -> None:
    recorded_end = json.loads((HISTORIES / f"{name}.end.json").read_text(encoding="utf-8"))
    tasks = tasks_of(name)
    for row in recorded_end["tasks"]:
        events = tasks[row["id"]]
        then = task_as_of(logged(events), len(events))
        assert then is not None
        told = {key: value for key, value in times(row).items() if hasattr(then, key) and key not in ("steps", "jobs")}
        found = {key: str(value) if isinstance(value := getattr(then, key), UUID) else value for key in told}
        assert found == told


def test_every_event_that_the_fold_reads_or_decides_is_known_here() -> None:
    assert {model.TYPE for model in (*INPUTS, *evolve.DECISIONS)} == set(TYPES)
    assert set(DECISIONS) == set(evolve.DECISIONS)
    assert not LEADING & set(DECISIONS)
