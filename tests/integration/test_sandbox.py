"""The decoders: whatever is hostile costs one photo and nothing else."""

import asyncio
import errno
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from functools import cache

import images
import psutil
import pytest
from bus_traffic import until
from decoding import SETTINGS, Picture, decode, decoders
from PIL import Image

from photobus_common.config import Processing
from photobus_common.derivation import SourceKind
from photobus_derivatives.child import Decoder, DecoderGoneError, Descriptors
from photobus_derivatives.pipeline import _reading_fails
from photobus_derivatives.protocol import Made, Refused, Reply, Request, StorageFailed
from photobus_derivatives.sandbox import DecoderPool

SERVICE_BYTES = 1024**3


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[DecoderPool]:
    """Two decoders."""
    async with decoders() as running:
        yield running


@cache
def large() -> bytes:
    return images.noise_jpeg(6000, 4000)


def noise() -> Image.Image:
    return images.noise(640, 480)


TEXT = b"Dear photographer, this is no picture." * 200

HOSTILE: dict[str, tuple[SourceKind, Picture, str]] = {
    "jpeg cut off": ("jpg", lambda: images.truncated(images.noise_jpeg(900, 600)), "truncated"),
    "jpeg cut off near its end": ("jpg", lambda: images.truncated(images.noise_jpeg(900, 600), 0.99), "truncated"),
    "large jpeg cut off": ("jpg", lambda: images.truncated(images.noise_jpeg(4500, 3000)), "truncated"),
    "progressive jpeg cut off": (
        "jpg",
        lambda: images.truncated(images.jpeg(picture=noise(), progressive=True)),
        "truncated",
    ),
    "png cut off": ("other", lambda: images.truncated(images.png(noise())), "truncated"),
    "tiff cut off": ("other", lambda: images.truncated(images.tiff(noise(), compression=None)), "truncated"),
    "webp cut off": ("other", lambda: images.truncated(images.webp(noise())), "truncated"),
    "gif cut off": ("other", lambda: images.truncated(images.animated("GIF"), 0.05), "truncated"),
    "heic cut off": ("other", lambda: images.truncated(images.heic(noise())), "truncated"),
    "avif cut off": ("other", lambda: images.truncated(images.avif(noise())), "truncated"),
    "raw cut off": ("raw", lambda: images.truncated(images.dng()), "truncated"),
    "nothing": ("jpg", lambda: b"", "empty_file"),
    "text": ("jpg", lambda: TEXT, "not_an_image"),
    "text as raw": ("raw", lambda: TEXT, "not_an_image"),
    "a drawing": ("other", lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "not_an_image"),
    "tiff as raw": ("raw", images.tiff, "unsupported_format"),
    "a bomb": ("other", images.huge_png, "too_many_pixels"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_is_no_photo_is_refused_with_its_reason(pool: DecoderPool, name: str) -> None:
    kind, original, reason = HOSTILE[name]
    decoders = set(pool.pids)

    reply, _ = await decode(pool, original(), kind)

    assert isinstance(reply, Refused)
    assert reply.reason == reason
    assert pool.whole
    assert set(pool.pids) == decoders  # none of these costs a decoder


async def test_a_full_disk_is_no_fault_of_the_photo(pool: DecoderPool) -> None:
    request = Request("jpg", 400, 2048, "jpeg", 80, True, SETTINGS.pixel_limit, 30.0)
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as thumbnail:
            source.write(images.jpeg())
            source.flush()
            reply = await pool.make(request, (source.fileno(), full, thumbnail.fileno()), urgent=False)
    finally:
        os.close(full)

    assert reply == StorageFailed(errno.ENOSPC)


async def test_an_original_that_cannot_be_read_is_no_fault_of_the_photo() -> None:
    """A directory answers reads with an error, as a file on a broken disk does."""
    folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert _reading_fails(folder) == errno.EISDIR
    finally:
        os.close(folder)


@pytest.mark.parametrize(("blow", "reason"), [(signal.SIGKILL, "decoder_died"), (signal.SIGSTOP, "time_limit")])
async def test_a_decoder_that_dies_or_hangs_costs_one_photo_and_is_replaced(
    pool: DecoderPool, blow: signal.Signals, reason: str
) -> None:
    victims = set(pool.pids)
    for pid in victims:
        os.kill(pid, signal.SIGSTOP)
    hit = asyncio.create_task(decode(pool, images.jpeg(), seconds=0.5))
    also = asyncio.create_task(decode(pool, images.jpeg(), seconds=0.5))
    waiting = asyncio.create_task(decode(pool, images.jpeg()))
    await asyncio.sleep(0)  # all three have asked for a decoder; two have one
    if blow is signal.SIGKILL:
        for pid in victims:
            os.kill(pid, signal.SIGKILL)

    for task in (hit, also):
        reply, _ = await task
        assert isinstance(reply, Refused)
        assert reply.reason == reason
    reply, _ = await waiting
    assert isinstance(reply, Made)

    async def whole() -> bool:
        return pool.whole

    await until(whole)
    assert not victims & set(pool.pids)
    assert not any(psutil.pid_exists(pid) for pid in victims)


async def test_a_photo_that_nobody_wants_any_more_frees_its_decoder(pool: DecoderPool) -> None:
    asked = [asyncio.create_task(decode(pool, large())) for _ in range(4)]
    await until(lambda: pool.idle == 0)
    for task in asked:
        task.cancel()
    await asyncio.wait(asked)

    reply, _ = await decode(pool, images.jpeg())

    assert isinstance(reply, Made)


async def test_urgent_photos_are_served_before_those_that_wait(
    pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    ask = Decoder.ask

    async def noting(decoder: Decoder, request: Request, descriptors: Descriptors) -> Reply:
        asked.append(request.seconds)
        return await ask(decoder, request, descriptors)

    monkeypatch.setattr(Decoder, "ask", noting)
    held = [await pool._take(urgent=True) for _ in range(SETTINGS.children)]
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(decode(pool, images.jpeg(), seconds=30.0 + number, urgent=number == 7))
        await until(lambda: len(pool._waiting) == 8)
        for decoder in held:
            pool._hand_on(decoder)

    assert asked == [37.0, *(30.0 + number for number in range(7))]


async def test_decoders_and_service_stay_below_a_gigabyte_by_their_limits(pool: DecoderPool) -> None:
    await asyncio.gather(*(decode(pool, large()) for _ in range(4)))

    for pid in pool.pids:
        soft, _hard = psutil.Process(pid).rlimit(psutil.RLIMIT_DATA)
        assert soft == SETTINGS.memory_limit_mb * 1024**2
        assert psutil.Process(pid).memory_info().rss < soft
    assert SETTINGS.children * SETTINGS.memory_limit_mb * 1024**2 < SERVICE_BYTES - 100 * 1024**2


HUNGRY: dict[str, tuple[SourceKind, Picture]] = {
    "progressive jpeg": ("jpg", lambda: images.jpeg(5000, 4000, progressive=True)),
    "raw": ("raw", lambda: images.dng(4000, 3000)),
    "heic": ("other", lambda: images.heic(images.quarters(5000, 4000))),
    "avif": ("other", lambda: images.avif(images.quarters(5000, 4000))),
}


@pytest.mark.parametrize("name", HUNGRY)
async def test_too_little_memory_refuses_the_photo_and_not_the_service(name: str) -> None:
    kind, original = HUNGRY[name]
    poor = DecoderPool(Processing(worker_count=1, memory_limit_mb=128))
    await poor.start()
    try:
        reply, _ = await decode(poor, original(), kind)
        again, _ = await decode(poor, images.jpeg())
    finally:
        await poor.close()

    # Where a library says nothing of it and writes to memory that it did not get, only its death can be told.
    assert isinstance(reply, Refused)
    assert reply.reason in {"memory_limit", "decoder_died"}
    assert isinstance(again, Made)


async def test_a_decoder_that_dies_while_idle_is_replaced_before_it_is_needed(pool: DecoderPool) -> None:
    async def whole() -> bool:
        return pool.whole and pool.idle == SETTINGS.children

    await until(whole)
    victim, replaced = pool.pids[0], pool.replaced
    os.kill(victim, signal.SIGKILL)

    async def replaced_and_whole() -> bool:
        return pool.replaced == replaced + 1 and await whole()

    await until(replaced_and_whole)
    assert victim not in pool.pids


async def test_a_photo_that_no_decoder_took_goes_to_another(pool: DecoderPool) -> None:
    async def idle() -> bool:
        return pool.whole and pool.idle == SETTINGS.children

    await until(idle)
    victims = pool.pids
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
        psutil.Process(pid).wait()  # gone, and the pool has had no turn to notice

    replies = await asyncio.gather(*(decode(pool, images.jpeg()) for _ in victims))

    assert all(isinstance(reply, Made) for reply, _ in replies)


async def test_decoders_are_told_no_secrets(pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOBUS_POSTGRES__DSN", "postgresql://user:secret@nowhere/photos")
    fresh = DecoderPool(Processing(worker_count=1))
    await fresh.start()
    try:
        environment = psutil.Process(fresh.pids[0]).environ()
    finally:
        await fresh.close()

    assert not [name for name in environment if name.startswith("PHOTOBUS")]
    assert "VIPS_CONCURRENCY" in environment


SCARCE: dict[str, tuple[object, str]] = {
    "sockets": (socket, "socketpair"),
    "descriptors": (os, "pipe"),
    "processes": (subprocess, "Popen"),
}


def refused_once(monkeypatch: pytest.MonkeyPatch, what: str, call: int = 1) -> list[int]:
    """Let the system refuse, at one call, what a decoder needs to start; returns how often it was asked for."""
    owner, name = SCARCE[what]
    really, asked = getattr(owner, name), [0]

    def refusing(*args: object, **options: object) -> object:
        asked[0] += 1
        if asked[0] == call:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return really(*args, **options)

    monkeypatch.setattr(owner, name, refusing)
    return asked


@pytest.mark.parametrize("what", SCARCE)
async def test_a_decoder_that_the_system_refuses_once_is_started_later(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    small = DecoderPool(Processing(worker_count=1))
    await small.start()
    try:
        asked = refused_once(monkeypatch, what)
        os.kill(small.pids[0], signal.SIGKILL)
        await until(lambda: asked[0] > 1)
        reply, _ = await decode(small, images.jpeg())
        assert isinstance(reply, Made)
    finally:
        await small.close()


@pytest.mark.parametrize("what", SCARCE)
async def test_a_pool_that_cannot_start_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    process = psutil.Process()
    before = process.num_fds(), len(process.children())
    refused_once(monkeypatch, what, call=2)
    with pytest.raises(DecoderGoneError):
        await DecoderPool(Processing(worker_count=2)).start()
    assert (process.num_fds(), len(process.children())) == before
