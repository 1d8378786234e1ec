"""Live updates as they come over the wire: cut anywhere, whole messages all the same."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from photobus_client.live import LiveEvent, StreamParser, resume_behind

STREAM = (
    b'retry: 1500\nevent: connected\ndata: {"seq": 7}\n\n'
    b": keep-alive\n\n"
    b'id: 8-1\nevent: item\ndata: {"filename": "Zo\xc3\xab.jpg",\ndata: "version": 2}\n\n'
    b"event: nothing\n\n"
    b'id: 8-2\r\nevent: item\r\ndata: {"version": 3}\r\n\r\n'
)

MESSAGES = [
    LiveEvent("connected", {"seq": 7}, None),
    LiveEvent("item", {"filename": "Zoë.jpg", "version": 2}, "8-1"),
    LiveEvent("item", {"version": 3}, "8-2"),
]


@given(st.sets(st.integers(1, len(STREAM) - 1)))
def test_a_stream_cut_anywhere_gives_the_same_messages(cuts: set[int]) -> None:
    parser = StreamParser()
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in itertools.pairwise(edges)]
    assert [event for chunk in chunks for event in parser.feed(chunk)] == MESSAGES
    assert parser.retry_seconds == 1.5


def test_a_message_that_is_not_ended_is_not_told() -> None:
    assert list(StreamParser().feed(b'id: 9-1\nevent: item\ndata: {"version": 3}\n')) == []


def test_the_place_to_resume_follows_ids_the_first_connection_and_resets() -> None:
    place = resume_behind(LiveEvent("connected", {"seq": 7}), None)
    assert place == "7"
    place = resume_behind(LiveEvent("item", {}, "8-2"), place)
    assert place == "8-2"
    assert resume_behind(LiveEvent("connected", {"seq": 12}), place) == "8-2"
    assert resume_behind(LiveEvent("pending_changes_state", {}), place) == "8-2"
    assert resume_behind(LiveEvent("reset", {"seq": 20}), place) == "20"
