"""Which stream the archive goes on from, when the broker's is not the one it was, or has forgotten its beginning.

Nothing is lost in either case: every event but progress stays in the outbox until it is archived, so what the broker
lost is published once more, and the archive goes on with what the broker has.
"""

from dataclasses import replace

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import StreamState
from photobus_common.bus.provisioning import provision
from photobus_common.bus.reader import stream_state
from photobus_common.config import Settings
from photobus_common.errors import ConfigurationError
from photobus_common.logging import get_logger
from photobus_common.store import event_log, outbox
from photobus_common.store.database import Database
from photobus_common.store.event_log import Cursor
from photobus_orchestrator.fold import FencedError

log = get_logger()


def next_cursor(cursor: Cursor, stream: StreamState) -> Cursor:
    """Return where to go on reading ``stream``.

    Raises ``ConfigurationError`` for a stream whose sequences began anew: they would name two events each.
    """
    anew = cursor.stream_created is not None and cursor.stream_created != stream.created
    follows = stream.first_seq > cursor.seq
    if cursor.seq > 0 and not follows and (anew or stream.last_seq < cursor.seq):
        raise ConfigurationError(
            f"The stream EVENTS, created {stream.created.isoformat()}, holds the sequences {stream.first_seq} to "
            f"{stream.last_seq}, but the archive has {cursor.seq} from another stream. Delete the stream, so that it "
            "is made again above the archive; what the archive lacks is still in the outbox.",
        )
    seq = stream.first_seq - 1 if follows else cursor.seq
    return replace(cursor, seq=seq, stream_created=stream.created)


async def follow_stream(database: Database, broker: Broker, settings: Settings) -> Cursor:
    """Make sure that there is a stream, and return the cursor from which to read it."""
    async with database.transaction() as connection:
        cursor = await event_log.ensure_cursor(connection)
    await provision(broker, settings, cursor.seq, again=cursor.stream_created is not None)
    stream = await stream_state(broker)
    following = next_cursor(cursor, stream)
    if following == cursor:
        return cursor
    async with database.transaction() as connection:
        if not await event_log.follow_stream(connection, cursor.seq, following.seq, stream.created):
            raise FencedError(f"The cursor is no longer at {cursor.seq}: another orchestrator leads.")
        if following.seq != cursor.seq or cursor.stream_created is not None:
            await outbox.make_all_events_due(connection)
    if following.seq != cursor.seq and cursor.seq > 0:
        log.error("events_skipped", archived=cursor.seq, stream_begins=stream.first_seq)
    return following


async def provision_again(database: Database, broker: Broker, settings: Settings) -> None:
    """Make the streams that are missing."""
    async with database.connection() as connection:
        cursor = await event_log.read_cursor(connection)
    await provision(broker, settings, cursor.seq, again=cursor.stream_created is not None)
