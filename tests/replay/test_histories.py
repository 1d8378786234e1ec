"""Recorded histories fold to their recorded end, for ever: whatever the code becomes, the past stays what it was.

Each ``histories/<name>.jsonl`` is the log of a true run, an event a line; ``<name>.end.json`` holds the rows of its
tasks and jobs. They are added to, never changed.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from photobus_common.events import Event, decode, encode
from photobus_orchestrator.domain.evolve import DECISIONS
from photobus_orchestrator.domain.reaction import Transition
from photobus_orchestrator.domain.replay import recorded
from photobus_orchestrator.domain.state import NotRequested, State, TaskState
from photobus_orchestrator.fold import Received, react_to_all
from photobus_orchestrator.projection import Projection, document

HISTORIES = Path(__file__).parent / "histories"
NAMES = sorted(path.stem for path in HISTORIES.glob("*.jsonl"))


def lines(name: str) -> list[str]:
    return (HISTORIES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def folded(name: str) -> tuple[list[Event], list[Transition]]:
    """Fold the history; return its events and what each made of its task."""
    events = [decode(line) for line in lines(name)]
    decisions = {event.id: event for event in events if type(event.data) in DECISIONS}
    states: dict[UUID, State] = {task: NotRequested() for event in events if (task := event.data.task())}
    received = [Received(number, event, b"") for number, event in enumerate(events)]
    return events, list(react_to_all(states, received, partial(recorded, decisions)))


def rows(transitions: list[Transition]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that the transitions lead to."""
    projection = Projection()
    for transition in transitions:
        projection.note(transition)
    return {
        "tasks": [json.loads(document(task)) for task in projection.tasks.values()],
        "jobs": [json.loads(job.model_dump_json(exclude_none=True)) for job in projection.job_rows()],
    }


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Read times as times: their spelling is no part of the history."""
    return {key: datetime.fromisoformat(value) if key.endswith("_at") else value for key, value in row.items()}


def pairs(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each recorded row with the row that is found now."""
    end = json.loads((HISTORIES / f"{name}.end.json").read_text(encoding="utf-8"))
    found = rows(folded(name)[1])
    for table in ("tasks", "jobs"):
        now = {row["id"]: row for row in found[table]}
        assert now.keys() == {row["id"] for row in end[table]}
        yield from ((comparable(row), comparable(now[row["id"]])) for row in end[table])


@pytest.mark.parametrize("name", NAMES)
def test_a_history_folds_to_its_recorded_end(name: str) -> None:
    for expected, found in pairs(name):
        assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_state_that_was_stored_then_is_read_now(name: str) -> None:
    end = json.loads((HISTORIES / f"{name}.end.json").read_text(encoding="utf-8"))
    for row in end["tasks"]:
        stored = {"params": {}} | row  # what was empty was not recorded
        assert TaskState.model_validate_json(json.dumps(stored)).status == stored["status"]


@pytest.mark.parametrize("name", NAMES)
def test_every_decision_of_a_history_follows_from_a_fact_of_it(name: str) -> None:
    events, transitions = folded(name)
    taken = {transition.event.id for transition in transitions if type(transition.event.data) in DECISIONS}
    assert taken == {event.id for event in events if type(event.data) in DECISIONS}
    assert all(
        transition.after is not transition.before
        for transition in transitions
        if type(transition.event.data) in DECISIONS
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_event_of_the_present_version_still_says_all_that_it_said(name: str) -> None:
    for line in lines(name):
        then, event = json.loads(line), decode(line)
        now = json.loads(encode(event))
        assert {key: value for key, value in now.items() if key != "data"}.items() >= {
            (key, value) for key, value in then.items() if key not in ("data", "schemaversion")
        }
        if then["schemaversion"] == event.data.VERSION:
            assert {key: now["data"].get(key) for key in then["data"]} == then["data"]


def test_there_are_histories() -> None:
    assert len(NAMES) >= 2
