"""What waits to be published: bounded, in order, each message once, whatever is answered, lost or recalled."""

from collections.abc import Iterable
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.bus import window
from photobus_common.bus.window import Entry, PublishWindow
from photobus_common.store.unit_of_work import OutboxMessage


def _entry(size: int = 10) -> Entry:
    message_id = uuid4()
    return Entry(
        OutboxMessage(message_id, "event", str(message_id), "user_0", "evt.user_0.access", b"x" * size),
        relayed=False,
    )


def _filled(entries: Iterable[Entry]) -> PublishWindow:
    filled = PublishWindow()
    for entry in entries:
        assert filled.offer(entry)
    return filled


def test_messages_leave_in_the_order_of_their_offering() -> None:
    entries = [_entry() for _ in range(5)]
    filled = _filled(entries)
    sent = [filled.send(1.0)[1] for _ in entries]
    assert sent == [entry.message for entry in entries]
    assert not filled.may_send


def test_a_message_on_its_way_is_not_taken_twice_and_may_come_again_once_settled() -> None:
    entry = _entry()
    filled = _filled([entry, entry])
    assert filled.queued == 1
    number, _ = filled.send(1.0)
    assert filled.offer(entry)
    assert filled.queued == 0
    assert filled.settle(number) == entry
    assert filled.offer(entry)
    assert filled.queued == 1


def test_a_late_answer_to_a_recalled_message_settles_nothing() -> None:
    entry = _entry()
    filled = _filled([entry])
    number, _ = filled.send(1.0)
    filled.recall()
    assert filled.settle(number) is None
    again, message = filled.send(1.0)
    assert message == entry.message
    assert filled.settle(again) == entry
    assert filled.empty


def test_recalled_messages_go_before_those_that_were_never_sent() -> None:
    entries = [_entry() for _ in range(4)]
    filled = _filled(entries)
    filled.send(1.0)
    filled.send(1.0)
    filled.recall()
    assert [filled.send(2.0)[1] for _ in entries] == [entry.message for entry in entries]


def test_only_what_is_overdue_counts_as_unanswered() -> None:
    entries = [_entry() for _ in range(3)]
    filled = _filled(entries)
    for deadline in (1.0, 2.0, 3.0):
        filled.send(deadline)
    assert filled.next_deadline == 1.0
    assert list(filled.unanswered(2.0)) == entries[:2]
    assert filled.next_deadline == 3.0
    assert filled.in_flight == 1


def test_a_full_queue_refuses_by_number_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MAX_QUEUED", 2)
    by_number = _filled([_entry(), _entry()])
    assert by_number.room == 0
    assert not by_number.offer(_entry())

    monkeypatch.setattr(window, "MAX_QUEUED", 100)
    monkeypatch.setattr(window, "MAX_QUEUED_BYTES", 50)
    by_bytes = _filled([_entry(60)])
    assert not by_bytes.offer(_entry())
    by_bytes.send(1.0)
    assert by_bytes.offer(_entry())


def test_the_window_of_messages_in_flight_is_bounded_by_number_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MAX_IN_FLIGHT", 2)
    by_number = _filled([_entry() for _ in range(3)])
    first, _ = by_number.send(1.0)
    by_number.send(1.0)
    assert not by_number.may_send
    by_number.settle(first)
    assert by_number.may_send

    monkeypatch.setattr(window, "MAX_IN_FLIGHT", 100)
    monkeypatch.setattr(window, "MAX_IN_FLIGHT_BYTES", 50)
    by_bytes = _filled([_entry(60), _entry()])
    by_bytes.send(1.0)
    assert not by_bytes.may_send


@given(st.lists(st.sampled_from(["offer", "send", "answer", "lose", "recall"]), max_size=80))
def test_no_message_is_lost_or_doubled_by_any_course_of_events(steps: list[str]) -> None:
    filled = PublishWindow()
    offered: list[Entry] = []
    settled: list[Entry] = []
    numbers: list[int] = []
    for step in steps:
        if step == "offer":
            offered.append(_entry())
            assert filled.offer(offered[-1])
        elif step == "send" and filled.may_send:
            numbers.append(filled.send(1.0)[0])
        elif step == "answer" and numbers:
            entry = filled.settle(numbers.pop(0))
            settled += [entry] if entry is not None else []
        elif step == "lose":
            settled += filled.unanswered(1.0)
        elif step == "recall":
            filled.recall()
        assert filled.queued + filled.in_flight == len(offered) - len(settled)
    filled.recall()
    while filled.may_send:
        entry = filled.settle(filled.send(1.0)[0])
        assert entry is not None
        settled.append(entry)
    assert sorted(settled, key=lambda entry: entry.message.id) == sorted(offered, key=lambda entry: entry.message.id)
    assert filled.empty
    assert filled.room == window.MAX_QUEUED
