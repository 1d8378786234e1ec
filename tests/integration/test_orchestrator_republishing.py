"""Following the broker's stream when it is another one than before."""

from bus_traffic import commit, make_event
from folding import LeftInOutbox

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import request
from photobus_common.config import Settings
from photobus_common.store.database import Database
from photobus_orchestrator.stream import follow_stream

REST = "UPDATE outbox SET relays = 1, relay_at = now() + interval '1 hour'"
DUE = "SELECT count(*) FROM outbox WHERE coalesce(relay_at, created_at) <= now()"


async def test_a_stream_lost_before_anything_was_archived_gets_its_events_again(
    broker: Broker, database: Database, settings: Settings
) -> None:
    before = await follow_stream(database, broker, settings)
    await commit(database, LeftInOutbox(), make_event())
    async with database.transaction() as connection:
        await connection.execute(REST)
    await request(broker, "STREAM.DELETE.EVENTS")
    after = await follow_stream(database, broker, settings)

    assert (before.seq, after.seq) == (0, settings.events.first_seq_gap - 1)
    assert before.stream_created != after.stream_created
    async with database.connection() as connection:
        assert await connection.fetchval(DUE) == 1
