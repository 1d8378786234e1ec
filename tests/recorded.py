"""Recorded histories: logs of true runs, and the rows that they led to.

Each ``replay/histories/<name>.jsonl`` is such a log, an event a line; ``<name>.end.json`` holds the rows of its tasks
and jobs, and ``<name>.catalogue.json``, where the whole run was recorded, those of its projects and photos. They are
added to, never changed.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from photobus_common.events import Event, decode
from photobus_orchestrator.domain.evolve import DECISIONS
from photobus_orchestrator.domain.reaction import Transition
from photobus_orchestrator.domain.replay import recorded
from photobus_orchestrator.domain.state import NotRequested, State
from photobus_orchestrator.fold import Received, react_to_all
from photobus_orchestrator.projection import Projection, document

HISTORIES: Final = Path(__file__).parent / "replay" / "histories"
NAMES: Final = sorted(path.stem for path in HISTORIES.glob("*.jsonl"))


def lines(name: str) -> list[str]:
    """Return the log, an event a line."""
    return (HISTORIES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def end(name: str, of: str = "end") -> Any:
    """Return the rows of tasks and jobs, or those of the ``catalogue``."""
    return json.loads((HISTORIES / f"{name}.{of}.json").read_text(encoding="utf-8"))


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
