"""A gateway killed at each step of an upload: the next one finishes or forgets it, and nothing half is ever visible.

Each point has a gateway and a project of its own; they die one after the other, and then one gateway starts.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from crashing_gateway import crashing_gateways
from gateway_server import Gateway, running_gateway
from images import dng, jpeg
from uploading import (
    begin,
    count,
    folder_of,
    make_project,
    offset_of,
    photos,
    portion,
    received,
    said,
    service,
    statuses,
    until,
    upload,
    visible,
)

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings, Uploader
from photobus_common.events.projects import FilesTrashed, PhotoFilesChanged, PhotosAdded
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library
from photobus_common.store.database import Database

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
RAW = dng(64, 48)

Start = Callable[[], AbstractAsyncContextManager[Gateway]]

NOT_BEGUN = ["receiving", "bytes received"]
BEGUN = ["intent on record", "file in place", "files in place and synced", "rows written but not committed"]
DONE = ["rows committed", "answered"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """What a dead gateway left to be asked for is due soon."""
    return settings.model_copy(update={"uploader": Uploader(batch_seconds=2.0)})


@pytest.fixture
def start(settings: Settings, database: Database, broker: Broker, library: Library, tenant: str) -> Start:
    """Starts a gateway in this process."""
    return partial(running_gateway, settings, database, broker, library, tenant)


async def finished(gateway: Gateway) -> None:
    """Wait until no intent is open any more: the gateway looks for them when it starts."""

    async def check() -> bool:
        async with gateway.database.connection() as connection:
            return not await connection.fetchval("SELECT count(*) FROM uploads WHERE state = 'placing'")

    await until(check)


async def projects_of(start: Start, points: Sequence[str]) -> dict[str, str]:
    """Make a project for each point, by a gateway that has ended."""
    async with start() as gateway:
        return {point: await make_project(gateway, point) for point in points}


async def crash(settings: Settings, folders: dict[str, str], query: str = "") -> None:
    """Upload a photo or a pair into each project by the gateway that dies at its point; all names are different."""
    async with crashing_gateways(settings, "user_0", list(folders)) as gateways:
        for number, (point, gateway) in enumerate(gateways.by_point.items()):
            with suppress(aiohttp.ClientError):
                names = (f"{point}.JPG", f"{point}.dng")
                await gateway.upload(
                    folders[point], list(zip(names, (OTHER, RAW), strict=True))[: 1 + number % 2], query
                )
        await gateways.all_died()


def age(path: Path, hours: float) -> None:
    """Let the file look a little older than so many hours."""
    then = time.time() - hours * 3600 - 60
    os.utime(path, (then, then))


async def test_before_the_intent_nothing_is_there_and_the_bytes_go_with_time(start: Start, settings: Settings) -> None:
    folders = await projects_of(start, NOT_BEGUN)
    await crash(settings, folders)
    async with start() as gateway:
        for point, folder in folders.items():
            assert visible(gateway, folder) == []
            assert await photos(gateway, folder) == {}
            assert statuses(await upload(gateway, folder, [(f"{point}.JPG", OTHER)]))[0][1] == "created"
        left = received(gateway)
        assert len(left) >= len(NOT_BEGUN)
        await service(gateway).sweeper.sweep()
        assert received(gateway) == left
        for name in left:
            age(folder_of(gateway, ".uploads") / name, settings.uploader.expire_hours)
        await service(gateway).sweeper.sweep()
        assert received(gateway) == []


async def test_from_the_intent_on_an_upload_is_finished_once(start: Start, settings: Settings) -> None:
    folders = await projects_of(start, [*BEGUN, *DONE])
    await crash(settings, folders)
    async with start() as gateway:
        await finished(gateway)
        for point, folder in folders.items():
            (photo,) = (await photos(gateway, folder)).values()
            assert (photo["filename"], photo["jpg_available"]) == (point, True)
            assert (folder_of(gateway, folder) / f"{point}.JPG").read_bytes() == OTHER
            added = [new for event in await said(gateway, PhotosAdded) for new in event.photos if new.filename == point]
            changed = [old for event in await said(gateway, PhotoFilesChanged) for old in event.photos]
            later = [old.version for old in changed if old.filename == point]
            assert [added[0].version, *later] == list(range(1, photo["version"] + 1))
            assert len(added) == 1
            again = await upload(gateway, folder, [(f"{point}.JPG", OTHER)])
            assert statuses(again) == [(f"{point}.JPG", "skipped", "same_bytes")]

        async def all_asked_for() -> bool:
            return await count(gateway, "upload_batches") == 0

        await until(all_asked_for)
        asked = {photo_id for task in await said(gateway, TaskRequested) for photo_id in task.targets.photo_ids}
        assert len(asked) == len(folders)


async def test_an_overwrite_loses_neither_file(start: Start, settings: Settings) -> None:
    folders = await projects_of(start, ["old file in the trash", *BEGUN, *DONE])
    async with start() as gateway:
        for point, folder in folders.items():
            await upload(gateway, folder, [(f"{point}.JPG", PHOTO)])
    await crash(settings, folders, "?on_conflict=overwrite")
    async with start() as gateway:
        await finished(gateway)
        trashed = {file.name: file for event in await said(gateway, FilesTrashed) for file in event.files}
        assert len(trashed) == len(folders)
        for point, folder in folders.items():
            here = folder_of(gateway, folder)
            assert (here / f"{point}.JPG").read_bytes() == OTHER
            assert (here / trashed[f"{point}.JPG"].trash_path).read_bytes() == PHOTO
            photo = (await photos(gateway, folder))[point]
            assert trashed[f"{point}.JPG"].photo_id == photo["id"]
            assert [file["name"] for file in photo["files"] if file["kind"] == "jpg"] == [f"{point}.JPG"]


async def test_the_next_upload_finishes_what_a_dead_gateway_left(start: Start, settings: Settings) -> None:
    folders = await projects_of(start, ["intent on record"])
    (folder,) = folders.values()
    async with start() as gateway:
        await service(gateway).sweeper.sweep()  # Its next sweep is some seconds away.
        await crash(settings, folders)
        answer = await upload(gateway, folder, [("intent on record.JPG", PHOTO)])
        assert [(status, code) for _, status, code in statuses(answer)] == [("conflict", "other_bytes")]
        assert visible(gateway, folder) == ["intent on record.JPG"]


async def test_a_name_taken_by_hand_meanwhile_is_respected(start: Start, settings: Settings) -> None:
    folders = await projects_of(start, ["intent on record"])
    (folder,) = folders.values()
    await crash(settings, folders)
    path = settings.library.root / "user_0" / folder / "intent on record.JPG"
    path.write_bytes(b"put there by hand")
    async with start() as gateway:
        await finished(gateway)
        assert path.read_bytes() == b"put there by hand"
        assert await photos(gateway, folder) == {}

        async def bytes_gone() -> bool:
            return received(gateway) == []

        await until(bytes_gone)  # they are removed after the commit


async def test_a_resumable_upload_survives_its_gateways(start: Start, settings: Settings) -> None:
    points = ["portion written", "bytes received", *BEGUN, *DONE]
    folders = await projects_of(start, points)
    photo = jpeg(900, 700)
    middle = len(photo) // 2
    async with start() as gateway:
        addresses = {
            point: await begin(gateway, folder, len(photo), filename=f"{point}.JPG")
            for point, folder in folders.items()
        }
    async with crashing_gateways(settings, "user_0", points) as gateways:
        for point, dying in gateways.by_point.items():
            with suppress(aiohttp.ClientError):
                await dying.portion(addresses[point], 0, photo[:middle])
                await dying.portion(addresses[point], middle, photo[middle:])
        await gateways.all_died()
    async with start() as gateway:
        assert await offset_of(gateway, addresses["portion written"]) == middle
        assert (await portion(gateway, addresses["portion written"], middle, photo[middle:])).status == 204
        for point, folder in folders.items():
            assert await offset_of(gateway, addresses[point]) == len(photo)
            state = (await gateway.get(addresses[point])).body
            assert (state["result"]["status"], state["result"]["filename"]) == ("created", f"{point}.JPG")
            assert visible(gateway, folder) == [f"{point}.JPG"]
            assert (await portion(gateway, addresses[point], len(photo), b"")).status == 204
        assert len([photo for event in await said(gateway, PhotosAdded) for photo in event.photos]) == len(points)
