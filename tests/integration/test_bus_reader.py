"""Reading the log: in order, without gap or repeat, over kills of the broker; and no silent skip of what is lost."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial

import pytest
from bus_traffic import until

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import request
from photobus_common.bus.provisioning import events_stream, provision
from photobus_common.bus.push import TAKEN_BYTES, PushConsumer
from photobus_common.bus.reader import (
    EventReader,
    EventsExpiredError,
    StoredEvent,
    StreamRecreatedError,
    stream_state,
)
from photobus_common.config import Settings
from photobus_local.nats import EmbeddedNats

SUBJECT = "evt.user_0.project.1"
SECOND = 10**9


async def _publish(broker: Broker, payloads: list[bytes], *, at_once: int = 200) -> None:
    jetstream = broker.client.jetstream()
    for start in range(0, len(payloads), at_once):
        portion = payloads[start : start + at_once]
        await asyncio.gather(*(jetstream.publish(SUBJECT, payload, timeout=20) for payload in portion))


async def _take(batches: AsyncGenerator[list[StoredEvent], None], count: int) -> list[StoredEvent]:
    """Return the next ``count`` or a few more."""
    events: list[StoredEvent] = []
    async with asyncio.timeout(60):
        while len(events) < count:
            events += await anext(batches)
    return events


async def test_what_is_there_and_what_comes_is_read_in_order_with_its_time(broker: Broker) -> None:
    await _publish(broker, [b"%d" % number for number in range(1200)], at_once=1200)
    reader = EventReader(broker, 1)
    async with aclosing(reader.batches(max_events=100)) as batches:
        events = await _take(batches, 1200)
        assert [event.seq for event in events] == list(range(1, 1201))
        assert {event.payload for event in events} == {b"%d" % number for number in range(1200)}
        assert [event.time for event in events] == sorted(event.time for event in events)
        assert reader.created == (await stream_state(broker)).created

        await _publish(broker, [b"new"])
        assert [(event.seq, event.payload) for event in await _take(batches, 1)] == [(1201, b"new")]
        assert reader.next_seq == 1202


async def test_batches_are_bounded(broker: Broker) -> None:
    await _publish(broker, [b"x"] * 50)
    async with aclosing(EventReader(broker, 1).batches(max_events=7)) as batches:
        sizes = [len(await anext(batches)) for _ in range(8)]
    assert max(sizes) <= 7


async def test_batches_are_bounded_in_bytes_too(broker: Broker) -> None:
    consumer = await PushConsumer.open(broker, 1)
    now = datetime.now(UTC)
    consumer._buffer.extend(StoredEvent(seq, now, bytes(200_000)) for seq in range(1, 21))
    batches = [await consumer.take(500) for _ in range(4)]
    await consumer.close()

    assert [event.seq for batch in batches for event in batch] == list(range(1, 21))
    assert all(sum(len(event.payload) for event in batch) < TAKEN_BYTES + 200_000 for batch in batches)


async def test_reading_begins_where_it_is_asked_to(broker: Broker) -> None:
    await _publish(broker, [b"x"] * 20)
    async with aclosing(EventReader(broker, 15).batches()) as batches:
        assert [event.seq for event in await _take(batches, 6)] == list(range(15, 21))


async def test_a_reader_at_the_end_gets_what_comes(broker: Broker) -> None:
    await _publish(broker, [b"x"] * 3)
    async with aclosing(EventReader(broker, 4).batches()) as batches:
        coming = asyncio.create_task(_take(batches, 1))
        await _publish(broker, [b"y"])
        assert [(event.seq, event.payload) for event in await coming] == [(4, b"y")]


async def test_a_broker_killed_again_and_again_while_reading_makes_no_gap_and_no_repeat(
    own_nats: EmbeddedNats, own_broker: Broker
) -> None:
    total = 4000
    await _publish(own_broker, [b"x" * 500] * (total // 2))
    read: list[int] = []

    async def read_all() -> None:
        async with aclosing(EventReader(own_broker, 1).batches(max_events=20)) as batches:
            async for batch in batches:
                read.extend(event.seq for event in batch)
                if read[-1] == total:
                    return
                await asyncio.sleep(0)

    reading = asyncio.create_task(read_all())
    for threshold in (100, 900, total // 2):
        await until(partial(_has_at_least, read, threshold))
        await own_nats.kill()
        await own_nats.start()
    await own_broker.wait_connected()
    await _publish(own_broker, [b"x" * 500] * (total // 2))
    await asyncio.wait_for(reading, 60)
    assert read == list(range(1, total + 1))


def _has_at_least(read: list[int], count: int) -> bool:
    return len(read) >= count


async def test_a_consumer_that_vanished_without_a_word_is_made_anew(broker: Broker) -> None:
    await _publish(broker, [b"x"] * 5)
    async with aclosing(EventReader(broker, 1).batches()) as batches:
        await _take(batches, 5)
        consumers = await request(broker, "CONSUMER.NAMES.EVENTS")
        for name in consumers["consumers"]:
            await request(broker, f"CONSUMER.DELETE.EVENTS.{name}")
        await _publish(broker, [b"y"] * 3)
        assert [event.seq for event in await _take(batches, 3)] == [6, 7, 8]


async def test_a_closed_reader_leaves_no_consumer_behind(broker: Broker) -> None:
    await _publish(broker, [b"x"])
    async with aclosing(EventReader(broker, 1).batches()) as batches:
        await _take(batches, 1)
        assert (await request(broker, "CONSUMER.NAMES.EVENTS"))["total"] == 1
    await until(partial(_has_no_consumer, broker))


async def _has_no_consumer(broker: Broker) -> bool:
    return bool((await request(broker, "CONSUMER.NAMES.EVENTS"))["total"] == 0)


async def test_a_busy_reader_is_not_flooded(broker: Broker) -> None:
    total = 400
    await _publish(broker, [b"x" * 200_000] * total, at_once=50)
    consumer = await PushConsumer.open(broker, 1)
    try:
        await until(lambda: consumer._flow_controls > 0)
        held = -1
        while held != len(consumer._buffer):  # until only heartbeats come, which are sent when the server waits
            held = len(consumer._buffer)
            await until(partial(_heard_since, consumer, consumer._heard_at))
        assert held < total

        taken: list[int] = []
        while len(taken) < total:
            taken += [event.seq for event in await consumer.take(50)]
        assert taken == list(range(1, total + 1))
    finally:
        await consumer.close()


def _heard_since(consumer: PushConsumer, at: float) -> bool:
    return consumer._heard_at > at


async def test_a_start_before_the_stream_is_refused_with_its_beginning(broker: Broker, settings: Settings) -> None:
    await request(broker, "STREAM.DELETE.EVENTS")
    await provision(broker, settings, archived_seq=10)
    first = 10 + settings.events.first_seq_gap
    with pytest.raises(EventsExpiredError) as refused:
        await anext(EventReader(broker, 11).batches())
    assert refused.value.first_seq == first


async def test_events_that_expired_before_they_were_read_are_not_skipped(broker: Broker, settings: Settings) -> None:
    await _publish(broker, [b"x"] * 10)
    short = {**events_stream(settings), "max_age": SECOND, "duplicate_window": SECOND}
    await request(broker, "STREAM.UPDATE.EVENTS", short)
    await until(partial(_begins_at, broker, 11))
    with pytest.raises(EventsExpiredError) as refused:
        await anext(EventReader(broker, 5).batches())
    assert refused.value.first_seq == 11


async def _begins_at(broker: Broker, seq: int) -> bool:
    return (await stream_state(broker)).first_seq == seq


async def test_a_stream_made_anew_behind_a_reader_is_noticed(broker: Broker, settings: Settings) -> None:
    await _publish(broker, [b"x"] * 5)
    async with aclosing(EventReader(broker, 1).batches()) as batches:
        await _take(batches, 5)
        await request(broker, "STREAM.DELETE.EVENTS")
        await provision(broker, settings, archived_seq=0)
        await _publish(broker, [b"other"] * 9)
        with pytest.raises(StreamRecreatedError) as noticed:
            await asyncio.wait_for(anext(batches), 30)
    assert noticed.value.state == await stream_state(broker)


async def test_a_stream_made_anew_while_nobody_read_is_noticed_by_its_creation(
    broker: Broker, settings: Settings
) -> None:
    await _publish(broker, [b"x"] * 5)
    created = (await stream_state(broker)).created
    await request(broker, "STREAM.DELETE.EVENTS")
    await provision(broker, settings, archived_seq=0)
    await _publish(broker, [b"other"] * 9)
    with pytest.raises(StreamRecreatedError):
        await anext(EventReader(broker, 6, created=created).batches())


async def test_a_stream_that_ends_before_the_place_to_read_from_is_refused(broker: Broker) -> None:
    await _publish(broker, [b"x"] * 5)
    with pytest.raises(StreamRecreatedError):
        await anext(EventReader(broker, 7).batches())


async def test_a_broker_that_lost_its_disk_is_provisioned_through_the_reader(
    own_nats: EmbeddedNats, own_broker: Broker, own_settings: Settings
) -> None:
    await _publish(own_broker, [b"x"] * 5)

    async def make_streams() -> None:
        await provision(own_broker, own_settings, archived_seq=5)

    reader = EventReader(own_broker, 1, on_missing=make_streams)
    async with aclosing(reader.batches()) as batches:
        await _take(batches, 5)
        await own_nats.kill()
        shutil.rmtree(own_nats.directory / "store")
        await own_nats.start()
        with pytest.raises(StreamRecreatedError) as noticed:
            await asyncio.wait_for(anext(batches), 60)
    assert noticed.value.state.first_seq == 5 + own_settings.events.first_seq_gap


async def test_without_a_stream_a_reader_waits_for_one(broker: Broker, settings: Settings) -> None:
    await request(broker, "STREAM.DELETE.EVENTS")
    async with aclosing(EventReader(broker, 1).batches()) as batches:
        coming = asyncio.create_task(_take(batches, 1))
        await asyncio.sleep(0)
        await provision(broker, settings, archived_seq=0)
        await _publish(broker, [b"x"])
        assert [event.seq for event in await coming] == [1]


async def test_a_hole_in_the_stream_is_passed_over_since_the_outbox_brings_the_event_back(
    broker: Broker, settings: Settings
) -> None:
    await request(broker, "STREAM.DELETE.EVENTS")
    open_to_deletion = {**events_stream(settings), "deny_delete": False, "deny_purge": False}
    await request(broker, "STREAM.CREATE.EVENTS", open_to_deletion)
    await _publish(broker, [b"x"] * 6)
    for seq in (2, 4, 5):
        await request(broker, "STREAM.MSG.DELETE.EVENTS", {"seq": seq})
    reader = EventReader(broker, 1)
    async with aclosing(reader.batches()) as batches:
        assert [event.seq for event in await _take(batches, 3)] == [1, 3, 6]
    assert reader.next_seq == 7
