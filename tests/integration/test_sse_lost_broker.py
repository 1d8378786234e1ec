"""Live updates when the broker has lost its disk: clients go on, and the archive has what the stream has no more."""

import shutil
from contextlib import AbstractAsyncContextManager, suppress

import pytest
from bus_traffic import PATIENCE, until
from folding import Log
from gateway_server import Gateway, running_gateway
from listening import Listener, listening, say
from running_orchestrator import running

from photobus_common.bus.connection import Broker
from photobus_common.bus.provisioning import provision
from photobus_common.bus.reader import stream_state
from photobus_common.config import Settings
from photobus_common.errors import BrokerUnavailableError
from photobus_common.events import Origin
from photobus_common.events.projects import ProjectCreated
from photobus_common.storage.library import Library
from photobus_common.store import event_log
from photobus_common.store.database import Database
from photobus_gateway import sse_resume
from photobus_local.nats import EmbeddedNats

ARCHIVED = "SELECT count(*) FROM event_log WHERE type = 'ProjectCreated'"


async def archived(database: Database, number: int) -> None:
    """Wait until so many projects are in the archive."""

    async def holds() -> bool:
        async with database.connection() as connection:
            return bool(await connection.fetchval(ARCHIVED) == number)

    await until(holds)


async def archive_alone(database: Database, number: int, after: int) -> None:
    """Have an event archived that no gateway read in the stream, which had come to ``after``."""
    log = Log(database)
    log.last = after
    told = ProjectCreated(project_id=number, project_folder=f"F{number}", name=f"{number}")
    await log.fold(Origin("/test", "user_0", "test").event(told))


async def lose_disk(server: EmbeddedNats, broker: Broker) -> int:
    """Kill the broker and take away all that it has stored; returns where its stream ended."""
    last = (await stream_state(broker)).last_seq
    await server.kill()
    shutil.rmtree(server.directory / "store")
    return last


async def make_streams(broker: Broker, settings: Settings, database: Database) -> None:
    """Make them as a start of the stack does, before any orchestrator has found out what became of the old ones."""
    async with database.connection() as connection:
        cursor = await event_log.read_cursor(connection)

    async def made() -> bool:
        with suppress(BrokerUnavailableError):
            await provision(broker, settings, cursor.seq, again=True)
            return True
        return False

    await until(made)


def heard(*listeners: Listener) -> list[int]:
    """Return the projects that were told of, by connections that made no other beginning."""
    events = [event for listener in listeners for event in listener.events]
    assert [event for event in events if event.name == "reset"] == []
    ids = [found for listener in listeners for found in listener.ids()]
    assert ids == sorted(set(ids))
    return [number for listener in listeners for number in listener.numbers()]


@pytest.fixture
def lost(own_nats: EmbeddedNats, own_broker: Broker) -> EmbeddedNats:
    """The broker that will lose its disk."""
    del own_broker
    return own_nats


async def test_a_client_goes_on_with_what_only_the_archive_has_and_then_with_the_new_stream(
    own_settings: Settings, database: Database, own_broker: Broker, lost: EmbeddedNats, library: Library, tenant: str
) -> None:
    async with (
        running_gateway(own_settings, database, own_broker, library, tenant) as gateway,
        listening(gateway) as listener,
    ):
        async with running(own_settings):
            await say(gateway, range(1, 6))
            await listener.until(5)
            await archived(database, 5)
        last = await lose_disk(lost, own_broker)
        await archive_alone(database, 6, last)
        await lost.start()
        async with running(own_settings):
            await say(gateway, range(7, 8))
            await listener.until_number(7)
    assert heard(listener) == [1, 2, 3, 4, 5, 6, 7]


async def test_a_client_that_comes_back_to_a_gateway_started_since_misses_nothing(
    own_settings: Settings,
    database: Database,
    own_broker: Broker,
    lost: EmbeddedNats,
    library: Library,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse_resume, "STREAM_SECONDS", PATIENCE)

    def a_gateway() -> AbstractAsyncContextManager[Gateway]:
        return running_gateway(own_settings, database, own_broker, library, tenant)

    async with a_gateway() as gateway, listening(gateway) as listener, running(own_settings):
        await say(gateway, range(1, 3))
        await listener.until(2)
        await archived(database, 2)
        after = listener.last_id
    last = await lose_disk(lost, own_broker)
    await archive_alone(database, 3, last)
    await lost.start()
    await make_streams(own_broker, own_settings, database)
    async with a_gateway() as gateway, listening(gateway, after) as again, running(own_settings):
        await say(gateway, range(4, 5))
        await again.until_number(4)
    assert heard(listener, again) == [1, 2, 3, 4]


async def test_who_heard_what_was_lost_unarchived_fetches_everything_anew_and_hears_it_not_twice(
    own_settings: Settings,
    database: Database,
    own_broker: Broker,
    lost: EmbeddedNats,
    library: Library,
    tenant: str,
) -> None:
    def a_gateway() -> AbstractAsyncContextManager[Gateway]:
        return running_gateway(own_settings, database, own_broker, library, tenant)

    async with a_gateway() as gateway, listening(gateway) as listener:
        async with running(own_settings):
            await say(gateway, range(1, 3))
            await archived(database, 2)
        await say(gateway, range(3, 4))  # nobody archives it
        await listener.until(3)
        after = listener.last_id
    await lose_disk(lost, own_broker)
    await lost.start()
    await make_streams(own_broker, own_settings, database)
    async with running(own_settings):
        await archived(database, 3)
        async with a_gateway() as gateway, listening(gateway, after) as again:
            await again.until_named("reset")
            assert again.numbers() == []
            await say(gateway, range(4, 5))
            await again.until_number(4)
    assert again.numbers() == [4]
