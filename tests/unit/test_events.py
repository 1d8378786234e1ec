"""The catalogue: every event survives writing and reading, and no batch is over the limit."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photobus_common.events import (
    Event,
    EventData,
    Origin,
    UnreadableEventError,
    cut_by_bytes,
    decode,
    encode,
    upcasting,
)
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.envelope import MAX_EVENT_BYTES
from photobus_common.events.projects import FileFact, PhotoAdded, PhotosAdded
from photobus_common.events.tasks import TaskCompleted

TASK = UUID(int=1)
LINES = [
    line
    for history in (Path(__file__).parent.parent / "replay" / "histories").glob("*.jsonl")
    for line in history.read_bytes().splitlines()
]
"""Events of every type, as they were recorded."""

ORIGIN = Origin("/gateway", "user_0", "token:test", clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))


def completed() -> Event:
    return ORIGIN.event(TaskCompleted(task_id=TASK, task_type="generate_derivatives", done=2, failed=0, skipped=1))


def test_an_event_is_a_cloudevents_document() -> None:
    document = json.loads(encode(completed()))

    assert document["specversion"] == "1.0"
    assert document["type"] == "TaskCompleted"
    assert document["schemaversion"] == 1
    assert document["subject"] == "evt.user_0.task.generate_derivatives"
    assert document["correlationid"] == str(TASK)
    assert {"id", "source", "time", "tenant", "actor", "data", "datacontenttype"} <= document.keys()


def test_an_event_reads_as_it_was_written() -> None:
    event = completed()

    assert decode(encode(event)) == event


@pytest.mark.parametrize("word", sorted(CATALOGUE))
def test_every_event_has_a_bounded_subject_and_a_json_schema(word: str) -> None:
    model = CATALOGUE[word]

    assert word == model.TYPE
    assert model.model_json_schema()["type"] == "object"
    assert model.subject is not EventData.subject


def test_an_unknown_type_is_refused_not_skipped() -> None:
    document = json.loads(encode(completed())) | {"type": "NeverHeardOf"}

    with pytest.raises(UnreadableEventError, match="NeverHeardOf"):
        decode(json.dumps(document))


def test_a_newer_version_is_refused() -> None:
    document = json.loads(encode(completed())) | {"schemaversion": 99}

    with pytest.raises(UnreadableEventError, match="newer"):
        decode(json.dumps(document))


def test_an_old_version_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_1(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "failed": data["errors"]}

    def from_2(data: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in data.items() if key != "errors"}

    monkeypatch.setattr(TaskCompleted, "VERSION", 3)
    monkeypatch.setitem(upcasting.UPCASTERS, ("TaskCompleted", 1), from_1)
    monkeypatch.setitem(upcasting.UPCASTERS, ("TaskCompleted", 2), from_2)

    assert upcasting.upcast("TaskCompleted", 1, {"done": 1, "errors": 4}) == {"done": 1, "failed": 4}


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=255)
photos = st.builds(
    PhotoAdded,
    photo_id=st.integers(1, 2**53),
    filename=names,
    version=st.integers(1, 9),
    files=st.lists(
        st.builds(FileFact, name=names, kind=st.just("jpg"), size=st.integers(0, 2**40), md5=st.just("0" * 32)),
        max_size=4,
    ).map(tuple),
)


@given(st.lists(photos, max_size=40), st.integers(1, 80))
@settings(max_examples=40)
def test_cut_batches_hold_everything_in_order_and_fit(some: list[PhotoAdded], times: int) -> None:
    parts = some * times

    batches = list(cut_by_bytes(parts))

    assert [part for batch in batches for part in batch] == parts
    for batch in batches:
        event = ORIGIN.event(PhotosAdded(project_id=1, project_folder="f" * 255, photos=batch))
        assert len(encode(event)) < MAX_EVENT_BYTES


def test_an_event_that_no_projection_could_store_is_refused_where_it_is_made() -> None:
    def named(filename: str) -> Event:
        photo = PhotoAdded(photo_id=1, filename=filename, version=1, files=())
        return ORIGIN.event(PhotosAdded(project_id=1, project_folder="f", photos=(photo,)))

    with pytest.raises(ValueError, match="U\\+0000"):
        encode(named("a\x00b"))
    assert decode(encode(named(r"a\u0000b"))).data == named(r"a\u0000b").data


def test_an_event_over_the_limit_is_refused_where_it_is_made() -> None:
    photo = PhotoAdded(photo_id=1, filename="x" * 255, version=1, files=())
    event = ORIGIN.event(PhotosAdded(project_id=1, project_folder="f", photos=(photo,) * 1500))

    with pytest.raises(ValueError, match="PhotosAdded"):
        encode(event)


def test_an_event_that_is_read_in_one_go_is_the_one_that_is_read_step_by_step() -> None:
    for line in LINES:
        written = encode(decode(line))
        in_one_go = upcasting._as_it_is_said_now(written)
        assert in_one_go is not None
        assert in_one_go == upcasting._lifted(written, upcasting._whole) == decode(written.decode())


def test_a_document_in_another_order_is_read_as_well() -> None:
    document = json.loads(encode(completed()))
    turned = json.dumps(dict(reversed(document.items())))
    assert upcasting._as_it_is_said_now(turned) is None
    assert decode(turned) == completed().model_copy(update={"id": UUID(document["id"])})
