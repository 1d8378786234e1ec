"""The ring that all live-update clients share: each event once and in order, or word that it is gone."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_gateway.sse_messages import CHANNELS, Channel, SseEvent
from photobus_gateway.sse_ring import CHUNK_BYTES, WHOLE, Entry, FellBehindError, FrameId, Ring

ALL: frozenset[Channel] = frozenset(CHANNELS)
JOBS: frozenset[Channel] = frozenset(("jobs",))
TENANTS = ("user_0", "user_1", "user_2")


def entry(seq: int, tenant: str = "user_0", messages: int = 1, channel: Channel = "jobs", size: int = 0) -> Entry:
    return Entry.of(seq, tenant, [SseEvent(channel, "item", {"n": n, "x": "x" * size}) for n in range(messages)])


def ids(rendered: bytes) -> list[FrameId]:
    """Ids of the messages in ``rendered``, in order."""
    lines = rendered.decode().splitlines()
    return [FrameId.parse(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]


def rest(ring: Ring, cursor: int, tenant: str = "user_0", channels: frozenset[Channel] = ALL) -> bytes:
    """Read until there is no more."""
    rendered = b""
    while (chunk := ring.read(tenant, channels, cursor)).cursor > cursor:
        rendered, cursor = rendered + chunk.rendered, chunk.cursor
    return rendered


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", FrameId(7, WHOLE)), ("7-2", FrameId(7, 2)), ("0", FrameId(0, WHOLE)), ("0-0", FrameId(0, 0))],
)
def test_an_id_is_read_as_it_is_written(text: str, expected: FrameId) -> None:
    assert FrameId.parse(text) == expected
    if expected.n != WHOLE:
        assert str(expected) == text


def test_a_client_in_the_middle_of_an_event_gets_the_rest_of_it_and_what_follows() -> None:
    ring = Ring(100, 10**6, start=4)
    for seq in (5, 6):
        ring.append(entry(seq, messages=3))

    found = ring.resume("user_0", ALL, FrameId(5, 2))

    assert found is not None
    assert ids(found.rendered) == [FrameId(5, 3)]
    assert ids(rest(ring, found.cursor)) == [FrameId(6, 1), FrameId(6, 2), FrameId(6, 3)]


def test_what_went_is_said_to_be_gone_even_where_only_a_part_of_it_was_seen() -> None:
    ring = Ring(2, 10**6, start=0)
    for seq in (1, 2, 3):
        ring.append(entry(seq, messages=2))

    assert ring.resume("user_0", ALL, FrameId(0, WHOLE)) is None
    assert ring.resume("user_0", ALL, FrameId(1, 1)) is None
    found = ring.resume("user_0", ALL, FrameId(1, WHOLE))
    assert found is not None
    assert [each.seq for each in ids(rest(ring, found.cursor))] == [2, 2, 3, 3]
    with pytest.raises(FellBehindError):
        ring.read("user_0", ALL, 0)


def test_a_quiet_tenants_events_go_only_when_theirs_go() -> None:
    ring = Ring(3, 10**6, start=0)
    ring.append(entry(1, "user_1"))
    cursor = ring.end("user_0")
    for seq in range(2, 30):
        ring.append(entry(seq, "user_1"))

    assert ring.read("user_0", ALL, cursor).rendered == b""
    found = ring.resume("user_0", ALL, FrameId(0, WHOLE))
    assert found is not None
    assert found.cursor == cursor


def test_a_client_is_given_only_the_channels_it_asked_for() -> None:
    ring = Ring(100, 10**6, start=0)
    ring.append(entry(1, channel="pending-changes"))
    ring.append(entry(2))

    assert ids(rest(ring, 0, channels=JOBS)) == [FrameId(2, 1)]
    assert ids(rest(ring, 0)) == [FrameId(1, 1), FrameId(2, 1)]


def test_clients_at_one_place_share_one_object_of_bounded_size() -> None:
    ring = Ring(1000, 10**8, start=0)
    for seq in range(1, 201):
        ring.append(entry(seq, size=1000))

    first, second = ring.read("user_0", ALL, 0), ring.read("user_0", ALL, 0)

    assert first.rendered is second.rendered
    assert CHUNK_BYTES <= len(first.rendered) < CHUNK_BYTES + 2000


@dataclass
class Follower:
    """A client of one tenant and what it was given."""

    tenant: str
    cursor: int
    seen: list[FrameId] = field(default_factory=list)
    since: int = 0
    behind: bool = False

    def look(self, ring: Ring) -> None:
        """Take what there is at once."""
        try:
            chunk = ring.read(self.tenant, ALL, self.cursor)
        except FellBehindError:
            self.behind = True
        else:
            self.cursor = chunk.cursor
            self.seen += ids(chunk.rendered)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(TENANTS), st.integers(1, 4), st.integers(1, 400)),
        st.tuples(st.just("join"), st.sampled_from(TENANTS), st.just(0), st.just(0)),
        st.tuples(st.just("look"), st.just(""), st.integers(0, 30), st.just(0)),
    ),
    max_size=120,
)


@given(steps=STEPS, max_events=st.integers(1, 20), max_bytes=st.integers(2000, 20_000))
def test_whoever_follows_has_all_of_its_tenants_events_once_or_is_behind(
    steps: list[tuple[str, str, int, int]], max_events: int, max_bytes: int
) -> None:
    ring, said, followers = Ring(max_events, max_bytes, start=0), list[Entry](), list[Follower]()
    for verb, tenant, number, size in steps:
        if verb == "append":
            said.append(entry(len(said) + 1, tenant, messages=number, size=size))
            ring.append(said[-1])
        elif verb == "join":
            followers.append(Follower(tenant, ring.end(tenant), since=len(said)))
        elif followers:
            followers[number % len(followers)].look(ring)
        assert ring.bytes_held <= max_bytes
    for follower in followers:
        while not follower.behind and follower.cursor < ring.end(follower.tenant):
            follower.look(ring)
        theirs = [one for one in said[follower.since :] if one.tenant == follower.tenant]
        expected = [FrameId(one.seq, frame.n) for one in theirs for frame in one.frames]
        if follower.behind:
            assert follower.seen == expected[: len(follower.seen)]
            assert follower.seen != expected
        else:
            assert follower.seen == expected


@given(steps=STEPS, max_events=st.integers(1, 20), seq=st.integers(0, 40), n=st.integers(0, 5))
def test_who_comes_back_gets_exactly_what_follows_or_is_told_that_it_is_gone(
    steps: list[tuple[str, str, int, int]], max_events: int, seq: int, n: int
) -> None:
    ring, said = Ring(max_events, 10**6, start=0), list[Entry]()
    for verb, tenant, number, size in steps:
        if verb == "append":
            said.append(entry(len(said) + 1, tenant, messages=number, size=size))
            ring.append(said[-1])
    after = FrameId(min(seq, len(said)), n or WHOLE)
    kept = said[-max_events:]
    for tenant in TENANTS:
        frames = [FrameId(one.seq, frame.n) for one in said if one.tenant == tenant for frame in one.frames]
        expected = [each for each in frames if each > after]
        held = {one.seq for one in kept if one.tenant == tenant}
        found = ring.resume(tenant, ALL, after)
        if found is None:
            dropped = [one.seq for one in said if one.tenant == tenant and one.seq not in held]
            assert max(dropped, default=0) >= after.seq
        else:
            assert ids(found.rendered) + ids(rest(ring, found.cursor, tenant)) == expected
