"""Which sequence the archive goes on from, when the stream is the old one, shorter, or another."""

from datetime import UTC, datetime, timedelta

import pytest

from photobus_common.bus.jetstream import StreamState
from photobus_common.errors import ConfigurationError
from photobus_common.store.event_log import CHAIN_START, Cursor
from photobus_orchestrator.stream import next_cursor

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = THEN + timedelta(days=1)


def cursor(seq: int, created: datetime | None = THEN) -> Cursor:
    return Cursor(seq, CHAIN_START, created)


@pytest.mark.parametrize(
    ("at", "stream", "seq"),
    [
        pytest.param(cursor(0, None), StreamState(1, 0, THEN), 0, id="a new system"),
        pytest.param(cursor(0, None), StreamState(1, 70, THEN), 0, id="events before the first orchestrator"),
        pytest.param(cursor(40), StreamState(1, 70, THEN), 40, id="the same stream"),
        pytest.param(cursor(70), StreamState(1, 70, THEN), 70, id="the same stream, read to its end"),
        pytest.param(cursor(70), StreamState(71, 70, THEN), 70, id="the same stream, expired but read"),
        pytest.param(cursor(40), StreamState(51, 70, THEN), 50, id="expired before it was read"),
        pytest.param(cursor(40), StreamState(1_000_040, 1_000_039, NOW), 1_000_039, id="made anew above the archive"),
        pytest.param(cursor(40), StreamState(1_000_040, 1_000_090, NOW), 1_000_039, id="made anew and in use"),
        pytest.param(cursor(0), StreamState(1, 3, NOW), 0, id="made anew before anything was archived"),
    ],
)
def test_where_reading_goes_on(at: Cursor, stream: StreamState, seq: int) -> None:
    following = next_cursor(at, stream)
    assert (following.seq, following.stream_created, following.hash) == (seq, stream.created, at.hash)


@pytest.mark.parametrize(
    ("at", "stream"),
    [
        pytest.param(cursor(40), StreamState(1, 0, NOW), id="made anew from one"),
        pytest.param(cursor(40), StreamState(1, 70, NOW), id="made anew and already beyond the archive"),
        pytest.param(cursor(40, None), StreamState(1, 7, NOW), id="an archive without a known stream"),
        pytest.param(cursor(40), StreamState(1, 39, THEN), id="the same stream without its end"),
    ],
)
def test_sequences_that_would_name_two_events_are_refused(at: Cursor, stream: StreamState) -> None:
    with pytest.raises(ConfigurationError, match=r"Delete the stream"):
        next_cursor(at, stream)
