"""Where what a client missed comes from: the ring, the archive, the stream, another gateway; and when it is gone."""

import asyncio
import re
from contextlib import suppress

import pytest
from bus_traffic import until
from gateway_server import Gateway, running_gateway
from listening import listening, say, say_and_hear
from running_orchestrator import running
from shelf import Shelf

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import NANOSECONDS, request
from photobus_common.bus.provisioning import events_stream, provision
from photobus_common.bus.reader import stream_state
from photobus_common.config import Events, Settings, Sse
from photobus_common.events import Origin
from photobus_common.events.projects import PhotoFiles, PhotoFilesChanged
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.subjects import EVENTS_STREAM
from photobus_gateway import sse, sse_resume, sse_tail
from photobus_gateway.sse_ring import WHOLE, FrameId, Ring

ARCHIVED = "SELECT subject, payload FROM event_log WHERE type = 'ProjectCreated' ORDER BY seq"
PLACES = "SELECT seq FROM event_log WHERE type = 'ProjectCreated' ORDER BY seq"
ONLY_THE_FIRST = "UPDATE fold_cursor SET seq = (SELECT min(seq) FROM event_log WHERE type = 'ProjectCreated')"
NO_LONGER_WANTED = "UPDATE photos SET keep_jpg = false WHERE id = $1"


@pytest.fixture
def small_ring(settings: Settings) -> Settings:
    """Settings under which a gateway keeps few events, so that the rest comes from elsewhere."""
    return settings.model_copy(update={"sse": Sse(ring_events=100, archive_bound=5000)})


async def test_who_comes_back_again_and_again_through_the_archive_has_every_event_once(
    small_ring: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    total, seen, ids, after = 1500, list[int](), list[FrameId](), "0"
    async with running(small_ring), running_gateway(small_ring, database, broker, library, tenant) as gateway:

        async def talk() -> None:
            for start in range(1, total + 1, 50):
                await say(gateway, range(start, start + 50))

        talking = asyncio.create_task(talk())
        while len(seen) < total:
            async with listening(gateway, after) as listener:
                with suppress(ConnectionError):  # cut off: the small ring moved on
                    await listener.until(min(75, total - len(seen)))
                listener.lose_all_but(75)
            assert [event for event in listener.events if event.name == "reset"] == []
            after = str(listener.ids()[-1]) if listener.ids() else after
            seen += listener.numbers()
            ids += listener.ids()
        await talking

    assert sorted(seen) == list(range(1, total + 1))
    assert ids == sorted(set(ids))


async def test_what_neither_ring_nor_archive_hold_comes_from_the_stream(
    small_ring: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    async with running_gateway(small_ring, database, broker, library, tenant) as gateway:  # nobody archives
        async with listening(gateway) as listener:
            await say_and_hear(gateway, listener, range(1, 701))
            first = next(event.id for event in listener.events if event.id)
        async with listening(gateway, first) as again:
            await again.until(699)
            await say(gateway, range(701, 711))
            await again.until(709)

    assert sorted(again.numbers()) == sorted({*range(1, 711)} - {listener.numbers()[0]})
    assert again.ids() == sorted(set(again.ids()))


async def test_a_gateway_that_starts_late_serves_what_came_before_it(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    async with running_gateway(settings, database, broker, library, tenant) as gateway, listening(gateway) as listener:
        await say(gateway, range(1, 41))
        await listener.until(40)
    middle = str(listener.ids()[19])

    async with running_gateway(settings, database, broker, library, tenant) as other, listening(other, middle) as again:
        await again.until(20)

    assert again.ids() == listener.ids()[20:]


async def test_what_is_archived_while_a_gateway_starts_is_news(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    """The gateway has read how far the archive is, and finds more in it when it looks which events those are."""

    async def all_archived() -> bool:
        async with database.connection() as connection:
            return len(await connection.fetch(ARCHIVED)) == 5

    async with running(settings), running_gateway(settings, database, broker, library, tenant) as gateway:
        await say(gateway, range(1, 6))
        await until(all_archived)
    async with database.connection() as connection:
        await connection.execute(ONLY_THE_FIRST)
    async with running_gateway(settings, database, broker, library, tenant) as other, listening(other, "0") as again:
        await say(other, range(6, 7))
        await again.until_number(6)

    assert sorted(again.numbers()) == [1, 2, 3, 4, 5, 6]


async def test_of_an_archive_ahead_of_the_gateway_is_told_only_what_comes_before_the_ring(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    """As where the gateway's line to the broker is cut: what the ring is still to get would be told twice."""

    async def archived() -> list[int]:
        async with database.connection() as connection:
            return [row["seq"] for row in await connection.fetch(PLACES)]

    async def all_archived() -> bool:
        return len(await archived()) == 5

    async with running(settings), running_gateway(settings, database, broker, library, tenant) as gateway:
        await say(gateway, range(1, 6))
        await until(all_archived)
    places = await archived()
    ring = Ring(100, 1 << 20, places[2])
    history = sse_resume.History(broker, database, settings)
    portion = await history.older(ring, tenant, frozenset({"jobs"}), FrameId(0, WHOLE))

    assert portion.at == FrameId(places[2], WHOLE)
    assert re.findall(rb"^id: (\d+)", portion.rendered, re.MULTILINE) == [b"%d" % place for place in places[:3]]
    assert ring.resume(tenant, frozenset({"jobs"}), portion.at) is not None


async def test_an_event_published_once_more_is_no_news_at_a_gateway_that_started_since(
    settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    async def archived() -> list[tuple[str, str]]:
        async with database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(ARCHIVED)]

    async def all_archived() -> bool:
        return len(await archived()) == 5

    async with running(settings), running_gateway(settings, database, broker, library, tenant) as gateway:
        await say(gateway, range(1, 6))
        await until(all_archived)
    async with running_gateway(settings, database, broker, library, tenant) as other, listening(other, "0") as again:
        await again.until(5)
        for subject, payload in await archived():  # as a relay does for which the broker's memory of ids is too short
            await broker.client.jetstream().publish(subject, payload.encode())
        await say(other, range(6, 7))
        await again.until_number(6)

    assert sorted(again.numbers()) == [1, 2, 3, 4, 5, 6]


async def test_clients_of_a_log_that_began_anew_without_an_archive_fetch_everything_anew(
    own_settings: Settings,
    database: Database,
    own_broker: Broker,
    library: Library,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse_tail, "ARCHIVE_SECONDS", 0.5)  # nobody archives
    async with (
        running_gateway(own_settings, database, own_broker, library, tenant) as gateway,
        listening(gateway) as listener,
    ):
        await say(gateway, range(1, 11))
        await listener.until(10)
        await own_broker.client.jetstream().delete_stream(EVENTS_STREAM)
        await provision(own_broker, own_settings, archived_seq=50)
        reset = await listener.until_named("reset")
        position = len(listener.events)
        await say(gateway, range(11, 12))
        await listener.until_number(11)

    later = [event.id for event in listener.events[position:] if event.id]
    assert all(FrameId.parse(each).seq > reset.data["seq"] > 50 for each in later)


async def test_an_id_that_was_never_given_is_answered_with_reset(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "PATIENCE_SECONDS", 0.5)
    async with listening(gateway, "999999999-1") as listener:
        reset = await listener.until_named("reset")
        await say(gateway, range(1, 2))
        await listener.until(1)

    assert reset.id is not None
    assert listener.numbers() == [1]


async def test_who_asks_for_what_was_pruned_from_the_archive_is_told_to_reset(
    small_ring: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    async with (
        running(small_ring) as archiving,
        running_gateway(small_ring, database, broker, library, tenant) as gateway,
    ):
        async with listening(gateway) as listener:
            await say_and_hear(gateway, listener, range(1, 301))
        await archiving.until_rows([(listener.ids()[-1].seq,)], "SELECT max(seq) FROM event_log")
        async with database.transaction() as connection:
            await connection.execute("DELETE FROM event_log WHERE seq <= $1", listener.ids()[9].seq)
        await resumes_with_reset(gateway, str(listener.ids()[8]))
        async with listening(gateway, str(listener.ids()[9])) as again:  # what follows it is all there
            await again.until_number(1001)
            assert again.ids()[:-1] == listener.ids()[10:]


async def test_who_asks_for_what_has_expired_and_was_never_archived_is_told_to_reset(
    small_ring: Settings,
    database: Database,
    broker: Broker,
    library: Library,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse_resume, "STREAM_SECONDS", 0.5)
    small_ring = small_ring.model_copy(update={"events": Events(relay_after_seconds=600)})  # nobody says it again
    async with running_gateway(small_ring, database, broker, library, tenant) as gateway:  # nobody archives
        async with listening(gateway) as listener:
            await say_and_hear(gateway, listener, range(1, 301))
        second = {"max_age": NANOSECONDS, "duplicate_window": NANOSECONDS}
        await request(broker, "STREAM.UPDATE.EVENTS", {**events_stream(small_ring), **second})

        async def expired() -> bool:
            return (await stream_state(broker)).first_seq > listener.ids()[-1].seq

        await until(expired)
        await resumes_with_reset(gateway, str(listener.ids()[0]))


async def resumes_with_reset(gateway: Gateway, after: str) -> None:
    """Come back with an id that nothing reaches any more, and follow what is said from then on."""
    async with listening(gateway, after) as again:
        reset = await again.until_named("reset")
        await say(gateway, range(1001, 1002))
        await again.until_number(1001)

    assert reset.id is not None
    assert FrameId.parse(reset.id) < again.ids()[-1]
    assert again.numbers() == [1001]


async def test_pending_deletions_are_told_on_connecting_and_when_they_change(gateway: Gateway, shelf: Shelf) -> None:
    project_id = await shelf.project("Trip")
    photos = [await shelf.photo(("Trip", project_id), f"P{number}", [f"P{number}.jpg"]) for number in range(2)]
    async with gateway.database.transaction() as connection:
        await connection.execute(NO_LONGER_WANTED, photos[0].id)

    async with listening(gateway) as listener, listening(gateway, channels="jobs") as uninterested:
        first = await listener.until_named("pending_changes_state")
        async with unit_of_work(gateway.database, gateway.publisher) as work:
            await work.connection.execute(NO_LONGER_WANTED, photos[1].id)
            changed = PhotoFiles(photo_id=photos[1].id, filename="P1", version=2)
            work.emit(
                Origin("/test", gateway.tenant, "test").event(
                    PhotoFilesChanged(
                        project_id=project_id, project_folder="Trip", cause="folder_check", photos=(changed,)
                    )
                )
            )
        second = await listener.until_named("pending_changes_state", nth=2)
        await uninterested.until_named("item")

    place = {"project_id": project_id, "project_folder": "Trip"}
    assert first.id is None
    one, two = {"jpg": 1, "raw": 0, "other": 0, "total": 1}, {"jpg": 2, "raw": 0, "other": 0, "total": 2}
    assert first.data == one | {"by_project": [place | one]}
    assert second.data == two | {"by_project": [place | two]}
    assert not [event for event in uninterested.events if event.name == "pending_changes_state"]
