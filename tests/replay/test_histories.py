"""Recorded histories fold to their recorded end, for ever: whatever the code becomes, the past stays what it was."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from recorded import NAMES, end, folded, lines, rows

from photobus_common.events import decode, encode
from photobus_common.events.catalogue import CATALOGUE
from photobus_orchestrator.domain.evolve import DECISIONS
from photobus_orchestrator.domain.state import TaskState


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Read times as times: their spelling is no part of the history."""
    return {key: datetime.fromisoformat(value) if key.endswith("_at") else value for key, value in row.items()}


def pairs(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each recorded row with the row that is found now."""
    then, found = end(name), rows(folded(name)[1])
    for table in ("tasks", "jobs"):
        now = {row["id"]: row for row in found[table]}
        assert now.keys() == {row["id"] for row in then[table]}
        yield from ((comparable(row), comparable(now[row["id"]])) for row in then[table])


@pytest.mark.parametrize("name", NAMES)
def test_a_history_folds_to_its_recorded_end(name: str) -> None:
    for expected, found in pairs(name):
        assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_state_that_was_stored_then_is_read_now(name: str) -> None:
    for row in end(name)["tasks"]:
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


def test_every_event_stands_in_a_history_as_it_is_said_now() -> None:
    told = {(one["type"], one["schemaversion"]) for name in NAMES for one in map(json.loads, lines(name))}
    assert {(word, model.VERSION) for word, model in CATALOGUE.items()} <= told
