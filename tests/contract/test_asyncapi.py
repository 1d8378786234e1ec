"""The committed AsyncAPI document is that of the code, and says what the code stores and sends."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from photobus_common.commands import RunJob
from photobus_common.events import Origin
from photobus_common.events.asyncapi import build, render
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.envelope import to_document
from photobus_common.events.tasks import TaskCompleted

COMMITTED = Path(__file__).parents[2] / "docs" / "asyncapi.json"
ID = UUID(int=1)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document as it is made now."""
    return build()


def pattern_of(address: str) -> str:
    """Turn an address with parameters into the pattern of its subjects."""
    return re.sub(r"\\{\w+\\}", r"[^.]+", re.escape(address))


def channels_with(document: dict[str, Any], message: str) -> list[dict[str, Any]]:
    """Return the channels that carry ``message``."""
    return [channel for channel in document["channels"].values() if message in channel["messages"]]


def references(part: Any) -> list[str]:
    """Return what ``part`` refers to, at any depth."""
    if isinstance(part, list):
        return [found for one in part for found in references(one)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return own + [found for value in part.values() for found in references(value)]


def test_the_committed_document_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == render(), "run: python -m photobus_common.events.asyncapi"


def test_what_it_refers_to_is_there(document: dict[str, Any]) -> None:
    for reference in set(references(document)):
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
        assert part, reference


@pytest.mark.parametrize("word", sorted(CATALOGUE))
def test_each_event_stands_in_the_channel_of_its_subject(document: dict[str, Any], word: str) -> None:
    fields: dict[str, Any] = {"task_id": ID, "task_type": "image_move", "project_id": 7}
    data = CATALOGUE[word].model_construct(**fields)

    [channel] = channels_with(document, word)

    assert re.fullmatch(pattern_of(channel["address"]), data.subject("user_0"))
    assert set(re.findall(r"{(\w+)}", channel["address"])) == channel["parameters"].keys()
    assert document["components"]["messages"][word]["summary"]


def test_the_envelope_has_the_fields_of_what_is_stored(document: dict[str, Any]) -> None:
    data = TaskCompleted(task_id=ID, task_type="image_move", done=1, failed=0, skipped=0)
    origin = Origin("/gateway", "user_0", "token:1", causation_id=ID, traceparent="00", clock=lambda: datetime.now(UTC))
    full = to_document(origin.event(data))
    optional = {"correlationid", "causationid", "traceparent"}

    envelope = document["components"]["schemas"]["CloudEvent"]

    assert envelope["properties"].keys() == full.keys()
    assert set(envelope["required"]) == full.keys() - optional


def test_the_data_of_a_stored_event_is_that_of_its_schema(document: dict[str, Any]) -> None:
    data = TaskCompleted(task_id=ID, task_type="image_move", done=1, failed=0, skipped=0)
    stored = json.loads(json.dumps(to_document(Origin("/gateway", "user_0", "token:1").event(data))))["data"]

    schema = document["components"]["schemas"]["TaskCompleted"]

    assert schema["properties"].keys() == stored.keys()
    assert set(schema["required"]) == stored.keys()
    assert schema["additionalProperties"] is False


def test_commands_go_to_the_channel_of_their_subject(document: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"lane": "normal", "service": "maintenance", "job_type": "folder_check"}
    command = RunJob.model_construct(**fields)

    [channel] = channels_with(document, "RunJob")

    assert re.fullmatch(pattern_of(channel["address"]), command.subject)
    assert "folder_check" in channel["parameters"]["job_type"]["enum"]
