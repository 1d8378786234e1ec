"""A worker that makes derivatives dies between any two of its steps: another makes them, and nothing is left behind."""

import asyncio
import signal
from collections.abc import AsyncIterator

import images
import psutil
import pytest
from bus_traffic import until
from crashing_worker import DERIVATIVES_NAMED, run_until_killed
from derived import KEY, PROCESSING, Held, add, each_once, held, held_unnamed, left_behind, made, size_of, statuses
from shelf import Shelf, md5
from working import Hired, Site, ends_leases, hired

from photobus_common.config import Pipeline, Settings
from photobus_common.events.projects import DerivativesUpdated
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_derivatives.files import OpenFiles
from photobus_derivatives.making import DerivativesMaker
from photobus_derivatives.sandbox import DecoderPool


@pytest.fixture
def settings(settings: Settings, leases: Pipeline) -> Settings:
    return settings.model_copy(update={"pipeline": leases, "processing": PROCESSING})


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[DecoderPool]:
    """Two decoders."""
    started = DecoderPool(PROCESSING)
    await started.start()
    yield started
    await started.close()


@pytest.fixture
def handlers(library: Library, pool: DecoderPool) -> dict[str, Handler]:
    maker = DerivativesMaker(library, pool, PROCESSING)
    return {"upload_postprocess": maker, "generate_derivatives": maker}


@ends_leases
async def test_another_worker_finishes_what_a_killed_one_had_named_but_not_written(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await add(shelf, "a", "one.jpg", "two.jpg", "three.dng")
    command = await site.post([photo.target for photo in photos])
    assert await run_until_killed(settings, DERIVATIVES_NAMED) == signal.SIGKILL
    assert list(shelf.root.glob("a/.thumb/[!.]*"))
    assert await site.said(DerivativesUpdated) == []

    async with hired(settings, handlers):
        await site.until_idle()
    await each_once(site, command, photos)


@ends_leases
async def test_a_photo_replaced_after_a_crash_gets_derivatives_of_its_new_bytes(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    [photo] = await add(shelf, "a", "one.jpg")
    newer = images.jpeg(64, 96)
    command = await site.post([photo.target])
    assert await run_until_killed(settings, DERIVATIVES_NAMED) == signal.SIGKILL
    assert size_of(made(photo, "one.jpg")[1]) == (64, 43)
    await shelf.replace(photo, "one.jpg", newer)

    async with hired(settings, handlers):
        await site.until_idle()
    assert await site.outcomes(command) == [(photo.id, "done", None)]
    assert (await statuses(shelf))["one"] == ("generated", KEY(md5(newer)), None)
    assert size_of(made(photo, "one.jpg")[1]) == (43, 64)


@ends_leases
async def test_a_worker_that_is_cut_off_before_it_names_files_leaves_none(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = await add(shelf, "a", "one.jpg", "two.jpg", "three.dng")
    with held_unnamed(monkeypatch) as hold:
        async with hired(settings, handlers) as worker:
            command = await site.post([photo.target for photo in photos])
            await until(hold.reached.is_set)
            await die(worker, hold)
    assert left_behind(shelf) == []

    async with hired(settings, handlers):
        await site.until_idle()
    await each_once(site, command, photos)


async def test_a_worker_that_is_cut_off_while_it_opens_files_closes_them(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    [photo] = await add(shelf, "a", "one.jpg")
    disk, descriptors = shelf.disk(), psutil.Process().num_fds()
    with held(monkeypatch, OpenFiles, "open") as hold:
        async with hired(settings, handlers) as worker:
            await site.post([photo.target])
            await until(hold.reached.is_set)
            assert left_behind(shelf)
            await die(worker, hold)
    assert shelf.disk() == disk
    assert psutil.Process().num_fds() <= descriptors


async def die(worker: Hired, hold: Held) -> None:
    """End the worker where it stands; the thread that it is in cannot be ended, and goes on."""
    dying = asyncio.create_task(worker.kill())
    await until(lambda: worker.task.cancelling() > 0)
    hold.go_on.set()
    await dying
