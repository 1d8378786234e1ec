"""Publishing: right after the commit, through kills of the broker, in bounded memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from bus_traffic import PATIENCE, TENANT, commit, make_command, make_event, until

from photobus_common.bus import window
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import request
from photobus_common.bus.provisioning import provision
from photobus_common.bus.publisher import BusPublisher
from photobus_common.bus.reader import EventReader, stream_state
from photobus_common.bus.relay import OutboxRelay
from photobus_common.commands import RunJob
from photobus_common.config import Postgres, Settings
from photobus_common.errors import BrokerUnavailableError
from photobus_common.events import Event, decode
from photobus_common.store.database import Database
from photobus_common.store.migrate import migrate
from photobus_common.store.outages import DATABASE_OUTAGES
from photobus_common.store.unit_of_work import OutboxMessage
from photobus_local.nats import EmbeddedNats
from photobus_local.postgres import EmbeddedPostgres

OUTBOX_OF_KIND = "SELECT count(*) FROM outbox WHERE kind = $1"


@asynccontextmanager
async def _running(publisher: BusPublisher) -> AsyncIterator[BusPublisher]:
    task = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def publisher(broker: Broker, database: Database, settings: Settings) -> AsyncIterator[BusPublisher]:
    async with _running(BusPublisher(broker, database, settings)) as publisher:
        yield publisher


@pytest.fixture
async def own_publisher(own_broker: Broker, database: Database, own_settings: Settings) -> AsyncIterator[BusPublisher]:
    async with _running(BusPublisher(own_broker, database, own_settings)) as publisher:
        yield publisher


async def _rows(database: Database, kind: str) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval(OUTBOX_OF_KIND, kind))


async def _outbox(database: Database) -> list[OutboxMessage]:
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT id, kind, message_id, tenant, subject, payload FROM outbox")
    return [OutboxMessage(*row) for row in rows]


async def _log(broker: Broker, count: int) -> list[str]:
    """Return the ids of the first ``count`` events of the log, in its order."""
    ids: list[str] = []
    async with asyncio.timeout(60), aclosing(EventReader(broker, 1).batches()) as batches:
        async for batch in batches:
            ids += [str(decode(stored.payload).id) for stored in batch]
            if len(ids) >= count:
                return ids
    raise AssertionError("The log ended.")


async def test_events_are_published_in_order_and_their_rows_stay_for_the_archive(
    broker: Broker, database: Database, publisher: BusPublisher
) -> None:
    events = [make_event(number) for number in range(1500)]
    await commit(database, publisher, *events)
    assert await publisher.drain(PATIENCE)
    assert await _log(broker, len(events)) == [str(event.id) for event in events]
    assert await _rows(database, "event") == len(events)


async def test_commands_are_published_and_their_rows_deleted(
    broker: Broker, database: Database, publisher: BusPublisher
) -> None:
    commands = [make_command() for _ in range(300)]
    await commit(database, publisher, *commands)
    assert await publisher.drain(PATIENCE)
    assert await _rows(database, "command") == 0
    state = (await request(broker, "STREAM.INFO.COMMANDS_PRIORITY"))["state"]
    assert state["messages"] == len(commands)


async def test_a_command_offered_twice_is_one_message(
    broker: Broker, database: Database, publisher: BusPublisher
) -> None:
    command = make_command()
    await commit(database, publisher, command)
    assert await publisher.drain(PATIENCE)
    await commit(database, publisher, command)
    assert await publisher.drain(PATIENCE)
    state = (await request(broker, "STREAM.INFO.COMMANDS_PRIORITY"))["state"]
    assert state["messages"] == 1
    assert await _rows(database, "command") == 0


async def test_a_publisher_of_another_process_publishes_nothing_twice(
    broker: Broker, database: Database, settings: Settings, publisher: BusPublisher
) -> None:
    events = [make_event(number) for number in range(50)]
    await commit(database, publisher, *events)
    assert await publisher.drain(PATIENCE)
    async with _running(BusPublisher(broker, database, settings)) as other:
        other.offer(await _outbox(database))
        assert await other.drain(PATIENCE)
    assert (await stream_state(broker)).last_seq == len(events)


async def test_progress_is_published_without_a_row(broker: Broker, database: Database, publisher: BusPublisher) -> None:
    event = make_event()
    publisher.publish_lossy(event)
    assert await _log(broker, 1) == [str(event.id)]
    assert await _rows(database, "event") == 0


async def test_a_refused_message_is_left_in_the_outbox_and_holds_up_no_other(
    broker: Broker, publisher: BusPublisher
) -> None:
    over_the_stream = _raw(b"x" * 300_000)
    over_the_connection = _raw(b"x" * 2_000_000)
    without_a_stream = _raw(b"{}", subject="nowhere.at.all")
    fine = make_event()
    fine_message = OutboxMessage(fine.id, "event", str(fine.id), TENANT, fine.subject, b"{}")
    client = broker.client
    publisher.offer([over_the_stream, over_the_connection, without_a_stream, fine_message])
    assert await publisher.drain(PATIENCE)
    assert (await stream_state(broker)).last_seq == 1
    assert broker.client is client


def _raw(payload: bytes, subject: str = "evt.user_0.access") -> OutboxMessage:
    message_id = uuid4()
    return OutboxMessage(message_id, "event", str(message_id), TENANT, subject, payload)


async def test_what_is_committed_while_the_broker_is_down_goes_out_when_it_is_back(
    own_nats: EmbeddedNats, own_broker: Broker, own_publisher: BusPublisher, database: Database
) -> None:
    await own_nats.kill()
    events = [make_event(number) for number in range(200)]
    await commit(database, own_publisher, *events)
    assert own_publisher.waiting == len(events)
    await own_nats.start()
    assert await own_publisher.drain(PATIENCE)
    assert await _log(own_broker, len(events)) == [str(event.id) for event in events]


async def test_a_broker_killed_in_the_middle_of_publishing_loses_and_doubles_nothing(
    own_nats: EmbeddedNats, own_broker: Broker, own_publisher: BusPublisher, database: Database
) -> None:
    events = [make_event(number) for number in range(6000)]
    commands = [make_command() for _ in range(600)]
    committing = asyncio.create_task(_commit_in_portions(database, own_publisher, events, commands))
    for share in (0.1, 0.4, 0.7):
        await until(partial(_published, own_broker, own_publisher, share * len(events)))
        await own_nats.kill()
        await own_nats.start()
    await committing
    assert await own_publisher.drain(PATIENCE)

    assert Counter(await _log(own_broker, len(events))) == Counter(str(event.id) for event in events)
    assert (await stream_state(own_broker)).last_seq == len(events)
    assert (await request(own_broker, "STREAM.INFO.COMMANDS_PRIORITY"))["state"]["messages"] == len(commands)
    await until(partial(_no_rows, database, "command"))


async def _published(broker: Broker, publisher: BusPublisher, events: float) -> bool:
    with suppress(BrokerUnavailableError):
        return publisher.waiting > 0 and (await stream_state(broker)).last_seq >= events
    return False


async def _no_rows(database: Database, kind: str) -> bool:
    with suppress(*DATABASE_OUTAGES):
        return await _rows(database, kind) == 0
    return False


async def _commit_in_portions(
    database: Database, publisher: BusPublisher, events: list[Event], commands: list[RunJob]
) -> None:
    for start in range(0, len(commands), 10):
        portion = events[10 * start : 10 * start + 100]
        await commit(database, publisher, *portion, *commands[start : start + 10])


async def test_what_finds_no_room_is_published_by_the_relay(
    own_nats: EmbeddedNats,
    own_broker: Broker,
    own_publisher: BusPublisher,
    database: Database,
    own_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(window, "MAX_QUEUED", 40)
    await own_nats.kill()
    events = [make_event(number) for number in range(100)]
    await commit(database, own_publisher, *events)
    assert own_publisher.waiting == 40
    await own_nats.start()
    relaying = asyncio.create_task(OutboxRelay(database, own_publisher, own_settings).run())
    try:
        assert Counter(await _log(own_broker, len(events))) == Counter(str(event.id) for event in events)
    finally:
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)


async def test_a_lost_stream_is_filled_again_once_it_is_provisioned(
    own_broker: Broker, own_publisher: BusPublisher, database: Database, own_settings: Settings
) -> None:
    relaying = asyncio.create_task(OutboxRelay(database, own_publisher, own_settings).run())
    try:
        await request(own_broker, "STREAM.DELETE.EVENTS")
        events = [make_event(number) for number in range(20)]
        await commit(database, own_publisher, *events)
        assert await own_publisher.drain(PATIENCE)
        await provision(own_broker, own_settings, archived_seq=0)
        assert Counter(await _log(own_broker, len(events))) == Counter(str(event.id) for event in events)
    finally:
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)


async def test_a_database_that_goes_away_is_settled_with_when_it_is_back(
    own_nats: EmbeddedNats, own_broker: Broker, own_settings: Settings, folder_of_servers: Path
) -> None:
    postgres = EmbeddedPostgres(folder_of_servers / "postgres")
    await postgres.start()
    await migrate(postgres.dsn)
    database = await Database.open(Postgres(dsn=postgres.dsn), "test")
    publisher = BusPublisher(own_broker, database, own_settings)
    relay = OutboxRelay(database, publisher, own_settings)
    async with _running(publisher), asyncio.TaskGroup() as tasks:
        await own_nats.kill()
        commands = [make_command() for _ in range(30)]
        await commit(database, publisher, *commands)
        await postgres.kill()
        relaying = tasks.create_task(relay.run())
        await own_nats.start()
        await until(lambda: publisher.waiting == 0)
        assert not await publisher.drain()

        await postgres.start()
        await until(partial(_no_rows, database, "command"))
        relaying.cancel()
    assert (await request(own_broker, "STREAM.INFO.COMMANDS_PRIORITY"))["state"]["messages"] == len(commands)
    await database.close()
    await postgres.stop()


async def test_draining_says_when_it_could_not(
    own_nats: EmbeddedNats, own_publisher: BusPublisher, database: Database
) -> None:
    await own_nats.kill()
    await commit(database, own_publisher, make_event())
    assert not await own_publisher.drain(0.1)
