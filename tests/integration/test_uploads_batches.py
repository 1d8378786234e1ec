"""Uploaded photos become tasks: by number, by time, by announced total, at the end of a request, by any gateway."""

import asyncio

import pytest
from gateway_server import Gateway, running_gateway
from images import dng, jpeg
from uploading import begin, count, make_project, portion, said, service, until, upload

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings, Uploader
from photobus_common.definitions import load_definitions
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.store.upload_batches import BatchKey
from photobus_gateway.uploads.batches import Batches

PHOTO = jpeg(64, 48)
LATE = 3600.0


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Batches of three, which never become due by their age."""
    return settings.model_copy(update={"uploader": Uploader(batch_files=3, batch_seconds=LATE)})


@pytest.fixture
async def trip(gateway: Gateway) -> str:
    """A project."""
    return await make_project(gateway, "Trip")


async def sizes(gateway: Gateway) -> list[int]:
    return [len(task.targets.photo_ids) for task in await said(gateway, TaskRequested)]


def numbered(start: int, stop: int) -> list[tuple[str, bytes]]:
    return [(f"{number}.JPG", PHOTO) for number in range(start, stop)]


async def test_a_request_of_its_own_becomes_tasks_of_at_most_the_batch_size(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, numbered(0, 7))
    assert sorted(await sizes(gateway)) == [1, 3, 3]
    (first, *_) = await said(gateway, TaskRequested)
    assert (first.source, first.scope, first.label) == ("upload", first.scope, "Upload of 3 photos to Trip")
    assert len(first.targets.project_ids) == 3


async def test_a_named_batch_waits_until_it_is_full(gateway: Gateway, trip: str) -> None:
    await upload(gateway, trip, numbered(0, 2), "?batch=b")
    await upload(gateway, trip, [("2.xmp", b"<x:xmpmeta/>"), ("0.JPG", PHOTO)], "?batch=b")
    assert await count(gateway, "upload_batches") == 2
    assert await sizes(gateway) == []
    await upload(gateway, trip, numbered(2, 4), "?batch=b")

    async def full_one_is_taken() -> bool:
        return await sizes(gateway) == [3]

    await until(full_one_is_taken)
    assert await count(gateway, "upload_batches") == 1


async def test_a_batch_whose_announced_files_have_come_does_not_wait(gateway: Gateway, trip: str) -> None:
    query = "?batch=b&batch_total=5"
    await upload(gateway, trip, [("0.JPG", PHOTO), ("0.txt", b"refused")], query)
    await upload(gateway, trip, [("0.JPG", PHOTO), ("0.dng", dng())], query)
    assert await sizes(gateway) == []
    address = await begin(gateway, trip, len(PHOTO), filename="1.JPG", batch="b", batch_total="5")
    assert (await portion(gateway, address, 0, PHOTO)).status == 204

    assert await sizes(gateway) == [2]
    assert await count(gateway, "upload_batches") == await count(gateway, "upload_batch_counts") == 0


async def test_batches_are_of_one_client_and_one_project(gateway: Gateway, trip: str) -> None:
    other = await make_project(gateway, "Other")
    await upload(gateway, trip, numbered(0, 1), "?batch=a")
    await upload(gateway, trip, numbered(1, 2), "?batch=b")
    await upload(gateway, other, numbered(2, 3), "?batch=a")
    await service(gateway).batches.flush_due()
    assert await count(gateway, "upload_batches") == 3
    assert await sizes(gateway) == []


class TestQuick:
    """A gateway whose batches are due after a moment."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"uploader": Uploader(batch_seconds=0.2)})

    async def test_a_batch_that_waited_long_enough_is_taken(self, gateway: Gateway, trip: str) -> None:
        await upload(gateway, trip, numbered(0, 2), "?batch=b")

        async def taken() -> bool:
            return sum(await sizes(gateway)) == 2

        await until(taken)
        assert await count(gateway, "upload_batches") == 0

    async def test_any_gateway_takes_what_a_dead_one_left(
        self, settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
    ) -> None:
        slow = settings.model_copy(update={"uploader": Uploader(batch_seconds=LATE)})
        async with running_gateway(slow, database, broker, library, tenant) as first:
            trip = await make_project(first, "Trip")
            await upload(first, trip, numbered(0, 2), "?batch=b")
            assert await count(first, "upload_batches") == 2
        async with running_gateway(settings, database, broker, library, tenant) as second:

            async def taken() -> bool:
                return sum(await sizes(second)) == 2

            await until(taken)


async def test_two_gateways_take_each_photo_once(
    gateway: Gateway, trip: str, settings: Settings, database: Database, broker: Broker, library: Library, tenant: str
) -> None:
    async with running_gateway(settings, database, broker, library, tenant) as other:
        for first in range(0, 8, 2):
            await upload(gateway, trip, numbered(first, first + 2), "?batch=b")
        key = BatchKey(tenant, 1, "b")
        await asyncio.gather(*(service(each).batches.flush(key) for each in (gateway, other) * 3))

        async def all_taken() -> bool:  # what their own rounds hold meanwhile is passed over
            return await count(gateway, "upload_batches") == 0

        await until(all_taken)
    asked = [photo_id for task in await said(gateway, TaskRequested) for photo_id in task.targets.photo_ids]
    assert len(asked) == len(set(asked)) == 8


async def test_who_is_stopped_just_when_photos_come_stops(
    gateway: Gateway, database: Database, settings: Settings
) -> None:
    batches = Batches(database, service(gateway).batches._publisher, load_definitions(), settings)
    running = asyncio.create_task(batches.run())

    async def waits() -> bool:
        return bool(batches._added._waiters)

    await until(waits)
    batches.added()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)
