"""The relay: what a crash left, what its time has come for, and no flood while nobody archives."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from bus_traffic import PATIENCE, commit, make_command, make_event

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import request
from photobus_common.bus.provisioning import provision
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.relay import OutboxRelay
from photobus_common.config import Settings
from photobus_common.store import outbox
from photobus_common.store.database import Database
from photobus_common.store.outbox import Outcomes
from photobus_common.store.unit_of_work import OutboxMessage, unit_of_work
from photobus_common.subjects import EVENTS_STREAM

AGE = "UPDATE outbox SET created_at = created_at - $1::interval, relay_at = relay_at - $1::interval"
AT_NEXT_RELAY = "UPDATE outbox SET relay_at = now() - interval '1 hour'"
WAIT = "SELECT relay_at - now() FROM outbox"
RELAYS = "SELECT max(relays) FROM outbox"


class _Crashed:
    """The publisher of a process that died between its commit and its publishing."""

    def offer(self, messages: Sequence[OutboxMessage]) -> None:
        """Die."""


@pytest.fixture
def publisher(broker: Broker, database: Database, settings: Settings) -> BusPublisher:
    """A publisher that does not run, so that what it was offered can be seen."""
    return BusPublisher(broker, database, settings)


@pytest.fixture
def relay(database: Database, publisher: BusPublisher, settings: Settings) -> OutboxRelay:
    return OutboxRelay(database, publisher, settings)


def _offered(publisher: BusPublisher) -> list[OutboxMessage]:
    return [entry.message for entry in publisher._window._queue]


async def _execute(database: Database, statement: str, *arguments: object) -> None:
    async with database.transaction() as connection:
        await connection.execute(statement, *arguments)


async def _relays(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval(RELAYS))


async def _wait(database: Database) -> timedelta:
    async with database.connection() as connection:
        wait = await connection.fetchval(WAIT)
    assert isinstance(wait, timedelta)
    return wait


async def test_what_a_crash_left_is_published_with_its_own_id(
    database: Database, relay: OutboxRelay, publisher: BusPublisher
) -> None:
    event, command = make_event(), make_command()
    await commit(database, _Crashed(), event, command)
    assert await relay.relay_once() == 0

    await _execute(database, AGE, timedelta(seconds=5))
    assert await relay.relay_once() == 2
    assert {(m.kind, m.message_id, m.subject) for m in _offered(publisher)} == {
        ("event", str(event.id), event.subject),
        ("command", command.message_id, command.subject),
    }
    assert {m.payload for m in _offered(publisher)} >= {command.encode()}


async def test_the_oldest_goes_first(database: Database, relay: OutboxRelay, publisher: BusPublisher) -> None:
    events = [make_event(number) for number in range(5)]
    for event in events:
        await commit(database, _Crashed(), event)
    await _execute(database, AGE, timedelta(seconds=5))
    await relay.relay_once()
    assert [message.id for message in _offered(publisher)] == [event.id for event in events]


async def test_a_command_is_sent_when_its_time_has_come(
    database: Database, relay: OutboxRelay, publisher: BusPublisher
) -> None:
    due, later = make_command(), make_command()
    async with unit_of_work(database, _Crashed()) as work:
        work.command(due, not_before=datetime.now(UTC) - timedelta(milliseconds=1))
        work.command(later, not_before=datetime.now(UTC) + timedelta(hours=1))
    assert await relay.relay_once() == 1
    assert [message.message_id for message in _offered(publisher)] == [due.message_id]
    assert await relay.relay_once() == 0


async def test_each_relay_makes_the_wait_for_the_next_longer_up_to_a_limit(
    database: Database, relay: OutboxRelay
) -> None:
    await commit(database, _Crashed(), make_event())
    await _execute(database, AGE, timedelta(seconds=5))
    waits = []
    for _ in range(8):
        assert await relay.relay_once() == 1
        assert await relay.relay_once() == 0
        waits.append(await _wait(database))
        await _execute(database, AT_NEXT_RELAY)
    assert waits[0] <= timedelta(seconds=8)
    assert all(first < second for first, second in pairwise(waits[:5]))
    assert max(waits) <= outbox.LONGEST_WAIT


async def test_two_relays_share_the_rows(
    broker: Broker, database: Database, settings: Settings, relay: OutboxRelay, publisher: BusPublisher
) -> None:
    other = BusPublisher(broker, database, settings)
    await commit(database, _Crashed(), *(make_event(number) for number in range(40)))
    await _execute(database, AGE, timedelta(seconds=5))
    async with database.transaction() as connection:
        held = await outbox.take_due(connection, timedelta(seconds=2), 25)
        assert await OutboxRelay(database, other, settings).relay_once() == 15
    taken = [message.id for message in (*held.messages, *_offered(other))]
    assert len(taken) == len(set(taken)) == 40
    assert await relay.relay_once() == 0
    assert not _offered(publisher)


async def test_a_relayed_event_rests_once_the_broker_has_it_so_that_a_stopped_archive_makes_no_flood(
    database: Database, relay: OutboxRelay, publisher: BusPublisher
) -> None:
    running = asyncio.create_task(publisher.run())
    try:
        await commit(database, _Crashed(), make_event())
        await _execute(database, AGE, timedelta(seconds=5))
        assert await relay.relay_once() == 1
        assert await publisher.drain(PATIENCE)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    wait = await _wait(database)
    assert outbox.LONGEST_WAIT < wait <= outbox.REST


async def test_an_outage_of_the_stream_makes_no_wait_longer(
    broker: Broker, database: Database, settings: Settings, relay: OutboxRelay, publisher: BusPublisher
) -> None:
    """As when a cluster elects: the broker is there, and takes nothing. Each relay tries one message meanwhile."""
    await request(broker, f"STREAM.DELETE.{EVENTS_STREAM}")
    running = asyncio.create_task(publisher.run())
    try:
        await commit(database, _Crashed(), *(make_event(number) for number in range(4)))
        await _execute(database, AGE, timedelta(seconds=5))
        taken = []
        for _ in range(4):
            taken.append(await relay.relay_once())
            assert await publisher.drain(PATIENCE)
            await _execute(database, AGE, timedelta(seconds=5))
        assert taken == [4, 1, 1, 1]
        assert await _relays(database) == 0

        await provision(broker, settings, archived_seq=0)
        assert [await _relayed(relay, publisher) for _ in range(2)] == [1, 3]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _relayed(relay: OutboxRelay, publisher: BusPublisher) -> int:
    taken = await relay.relay_once()
    assert await publisher.drain(PATIENCE)
    return taken


async def test_nothing_is_taken_while_the_broker_is_away(
    own_broker: Broker, database: Database, own_settings: Settings
) -> None:
    publisher = BusPublisher(own_broker, database, own_settings)
    await commit(database, _Crashed(), make_event())
    await _execute(database, AGE, timedelta(seconds=5))
    await own_broker.close()
    assert await OutboxRelay(database, publisher, own_settings).relay_once() == 0
    assert await _relays(database) == 0


async def test_all_events_can_be_made_due_when_the_stream_was_lost(
    broker: Broker, database: Database, settings: Settings, relay: OutboxRelay
) -> None:
    event = make_event()
    await commit(database, _Crashed(), event, make_command())
    await _execute(database, AGE, timedelta(seconds=5))
    assert await relay.relay_once() == 2
    async with database.transaction() as connection:
        await outbox.make_all_events_due(connection)
    again = BusPublisher(broker, database, settings)
    assert await OutboxRelay(database, again, settings).relay_once() == 1
    assert [message.id for message in _offered(again)] == [event.id]


async def test_what_a_lost_stream_had_acknowledged_does_not_rest(database: Database, relay: OutboxRelay) -> None:
    """The acknowledgement may be noted late, as when the database was away for a while."""
    event = make_event()
    await commit(database, _Crashed(), event)
    await _execute(database, AGE, timedelta(seconds=5))
    assert await relay.relay_once() == 1
    async with database.transaction() as connection:
        await outbox.make_all_events_due(connection)
    await outbox.settle(database, Outcomes(events=(event.id,)))
    assert await _wait(database) < timedelta(0)
