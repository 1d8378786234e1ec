"""The decoders: every format upright and in sRGB, and whatever is hostile costs one photo and nothing else."""

import asyncio
import errno
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from io import BytesIO

import images
import numpy as np
import psutil
import pytest
from bus_traffic import until
from images import Shot
from PIL import Image

from photobus_common.config import Processing
from photobus_common.derivation import SourceKind
from photobus_derivatives.child import Decoder, DecoderGoneError, Descriptors
from photobus_derivatives.pipeline import _reading_fails
from photobus_derivatives.protocol import Made, Refused, Reply, Request, StorageFailed
from photobus_derivatives.sandbox import DecoderPool

SETTINGS = Processing(worker_count=2)
SERVICE_BYTES = 1024**3


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[DecoderPool]:
    """Two decoders."""
    started = DecoderPool(SETTINGS)
    await started.start()
    yield started
    await started.close()


async def decode(
    pool: DecoderPool, original: bytes, kind: SourceKind = "jpg", seconds: float = 30.0, **changes: object
) -> tuple[Reply, list[Image.Image]]:
    """Decode ``original``; returns the reply, and preview and thumbnail if they were made."""
    request = Request(
        kind=kind,
        thumbnail_px=400,
        preview_px=2048,
        format=str(changes.get("format", "jpeg")),
        quality=80,
        progressive=True,
        pixel_limit=SETTINGS.pixel_limit,
        seconds=seconds,
    )
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as preview, tempfile.TemporaryFile() as thumbnail:
        source.write(original)
        source.flush()
        files = (source.fileno(), preview.fileno(), thumbnail.fileno())
        reply = await pool.make(request, files, urgent=bool(changes.get("urgent")))
        pictures: list[Image.Image] = []
        for target in (preview, thumbnail):
            target.seek(0)
            if isinstance(reply, Made):
                pictures.append(Image.open(BytesIO(target.read())))
    return reply, pictures


def corners(picture: Image.Image) -> list[tuple[int, ...]]:
    """Colours of the quarters, row by row."""
    rgb = picture.convert("RGB")
    at = [(x * rgb.width // 4, y * rgb.height // 4) for y in (1, 3) for x in (1, 3)]
    return [rgb.getpixel(point) for point in at]  # type: ignore[misc] # an RGB picture gives tuples


def distance(found: list[tuple[int, ...]], wanted: tuple[images.Colour, ...] = images.QUARTERS) -> int:
    """Largest difference of any channel."""
    return max(abs(a - b) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_every_orientation_comes_out_upright(pool: DecoderPool, orientation: int) -> None:
    reply, (preview, thumbnail) = await decode(pool, images.jpeg(1200, 800, shot=Shot(orientation=orientation)))

    assert reply == Made(1200, 800)
    assert (preview.size, thumbnail.size) == ((1200, 800), (400, 267))
    assert distance(corners(preview)) < 12
    assert distance(corners(thumbnail)) < 12


FORMATS: dict[str, tuple[SourceKind, bytes]] = {
    "png": ("other", images.png()),
    "png of 16 bits": ("other", images.png_16_bit()),
    "png with alpha": ("other", images.png(images.quarters().convert("RGBA"))),
    "tiff": ("other", images.tiff()),
    "webp": ("other", images.webp()),
    "heic": ("other", images.heic()),
    "heic turned": ("other", images.heic(orientation=6)),
    "avif": ("other", images.avif()),
    "raw with a preview": ("raw", images.dng(preview=images.jpeg(1200, 800))),
    "progressive": ("jpg", images.jpeg(progressive=True)),
}


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_read(pool: DecoderPool, name: str) -> None:
    kind, original = FORMATS[name]

    reply, pictures = await decode(pool, original, kind)

    assert isinstance(reply, Made)
    assert all(distance(corners(picture)) < 12 for picture in pictures)
    assert all(picture.mode == "RGB" for picture in pictures)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
async def test_raw_without_a_preview_is_developed(pool: DecoderPool, orientation: int) -> None:
    reply, (preview, _) = await decode(pool, images.dng(orientation=orientation), "raw")

    assert reply == Made(640, 480)
    assert preview.size == (640, 480)
    assert distance(corners(preview)) < 60  # a synthetic sensor has no true colours, but red is still red


PREVIEWS_IN_RAW: dict[str, Callable[[int], bytes]] = {
    "lies as the sensor, untagged": lambda turn: images.jpeg(picture=images.as_stored(images.quarters(600, 400), turn)),
    "lies as the sensor, tagged": lambda turn: images.jpeg(600, 400, shot=Shot(orientation=turn)),
    "turned by the camera, untagged": lambda _turn: images.jpeg(600, 400),
}


@pytest.mark.parametrize("orientation", [6, 8])
@pytest.mark.parametrize("how", PREVIEWS_IN_RAW)
async def test_previews_in_raw_files_stand_upright_however_the_camera_put_them_there(
    pool: DecoderPool, how: str, orientation: int
) -> None:
    original = images.dng(orientation=orientation, preview=PREVIEWS_IN_RAW[how](orientation))

    reply, (preview, _) = await decode(pool, original, "raw")

    assert reply == Made(640, 480)
    assert preview.size == (600, 400)
    assert distance(corners(preview)) < 12


async def test_a_preview_in_a_raw_file_that_shows_too_little_is_passed_over(pool: DecoderPool) -> None:
    grey = images.jpeg(picture=Image.new("RGB", (160, 120), (128, 128, 128)))

    _, (preview, _) = await decode(pool, images.dng(preview=grey), "raw")
    _, (cut_off, _) = await decode(pool, images.truncated(images.dng(preview=grey)), "raw")

    assert preview.size == (640, 480)
    assert cut_off.size == (160, 120)  # better than none


@pytest.mark.parametrize("size", [(20_000, 2), (3, 20_000)])
async def test_a_strip_keeps_a_pixel_of_its_short_side(pool: DecoderPool, size: tuple[int, int]) -> None:
    reply, (preview, thumbnail) = await decode(pool, images.jpeg(*size))

    assert reply == Made(*size)
    assert [(max(one.size), min(one.size)) for one in (preview, thumbnail)] == [(2048, 1), (400, 1)]


async def test_colours_of_a_wide_gamut_become_srgb(pool: DecoderPool) -> None:
    original = images.jpeg(icc=images.wide_gamut_profile())

    _, pictures = await decode(pool, original)

    wanted = tuple(adobe_to_srgb(colour) for colour in images.QUARTERS)
    for picture in pictures:
        assert distance(corners(picture), wanted) < 6
        assert "icc_profile" not in picture.info


def adobe_to_srgb(colour: images.Colour) -> images.Colour:
    """Convert by the definitions of both spaces; what sRGB cannot hold is cut off."""
    linear = np.power(np.array(colour) / 255, 563 / 256)
    xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]) @ linear
    rgb = np.array([[3.24045, -1.53714, -0.49853], [-0.96927, 1.87601, 0.04156], [0.05564, -0.20403, 1.05723]]) @ xyz
    rgb = np.clip(rgb, 0, 1)
    encoded = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * np.power(rgb, 1 / 2.4) - 0.055)
    red, green, blue = (round(float(part) * 255) for part in encoded)
    return red, green, blue


async def test_a_broken_profile_costs_the_colours_and_not_the_photo(pool: DecoderPool) -> None:
    reply, (preview, _) = await decode(pool, images.jpeg(icc=b"no profile" * 40))

    assert isinstance(reply, Made)
    assert distance(corners(preview)) < 12


async def test_printers_colours_and_grey_become_srgb(pool: DecoderPool) -> None:
    _, (printed, _) = await decode(pool, images.tiff(images.quarters().convert("CMYK")), "other")
    _, (grey, _) = await decode(pool, images.png(images.quarters().convert("L")), "other")

    assert printed.mode == grey.mode == "RGB"
    assert max(corners(printed)[0]) == corners(printed)[0][0]  # the red quarter is red
    assert all(len(set(colour)) == 1 for colour in corners(grey))


async def test_what_shows_through_becomes_white(pool: DecoderPool) -> None:
    _, (preview, _) = await decode(pool, images.png(Image.new("RGBA", (64, 64), (255, 0, 0, 0))), "other")

    assert preview.getpixel((32, 32)) == (255, 255, 255)


async def test_the_first_picture_of_an_animation_stands_for_it(pool: DecoderPool) -> None:
    for file_format in ("GIF", "WEBP"):
        _, (preview, _) = await decode(pool, images.animated(file_format), "other")
        assert distance(corners(preview), (images.TOP_LEFT,) * 4) < 12


async def test_small_pictures_are_not_enlarged_and_large_ones_fit(pool: DecoderPool) -> None:
    _, small = await decode(pool, images.jpeg(120, 80))
    _, large = await decode(pool, images.noise_jpeg(3000, 4500))

    assert [picture.size for picture in small] == [(120, 80), (120, 80)]
    assert [picture.size for picture in large] == [(1365, 2048), (267, 400)]


async def test_derivatives_carry_nothing_of_the_owner(pool: DecoderPool) -> None:
    shot = Shot(make="Maker", gps=(47.0, 8.0, 400.0))

    _, pictures = await decode(pool, images.jpeg(shot=shot))

    assert all(not picture.getexif() for picture in pictures)
    assert all(picture.info.get("progressive") for picture in pictures)


async def test_webp_by_request(pool: DecoderPool) -> None:
    _, pictures = await decode(pool, images.jpeg(), format="webp")

    assert {picture.format for picture in pictures} == {"WEBP"}


NOISE = images.noise(640, 480)
TEXT = b"Dear photographer, this is no picture." * 200

HOSTILE: dict[str, tuple[SourceKind, bytes, str]] = {
    "jpeg cut off": ("jpg", images.truncated(images.noise_jpeg(900, 600)), "truncated"),
    "jpeg cut off near its end": ("jpg", images.truncated(images.noise_jpeg(900, 600), 0.99), "truncated"),
    "large jpeg cut off": ("jpg", images.truncated(images.noise_jpeg(4500, 3000)), "truncated"),
    "progressive jpeg cut off": ("jpg", images.truncated(images.jpeg(picture=NOISE, progressive=True)), "truncated"),
    "png cut off": ("other", images.truncated(images.png(NOISE)), "truncated"),
    "tiff cut off": ("other", images.truncated(images.tiff(NOISE, compression=None)), "truncated"),
    "webp cut off": ("other", images.truncated(images.webp(NOISE)), "truncated"),
    "gif cut off": ("other", images.truncated(images.animated("GIF"), 0.05), "truncated"),
    "heic cut off": ("other", images.truncated(images.heic(NOISE)), "truncated"),
    "avif cut off": ("other", images.truncated(images.avif(NOISE)), "truncated"),
    "raw cut off": ("raw", images.truncated(images.dng()), "truncated"),
    "nothing": ("jpg", b"", "empty_file"),
    "text": ("jpg", TEXT, "not_an_image"),
    "text as raw": ("raw", TEXT, "not_an_image"),
    "a drawing": ("other", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "not_an_image"),
    "tiff as raw": ("raw", images.tiff(), "unsupported_format"),
    "a bomb": ("other", images.huge_png(), "too_many_pixels"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_is_no_photo_is_refused_with_its_reason(pool: DecoderPool, name: str) -> None:
    kind, original, reason = HOSTILE[name]
    decoders = set(pool.pids)

    reply, _ = await decode(pool, original, kind)

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
    large = images.noise_jpeg(6000, 4000)
    asked = [asyncio.create_task(decode(pool, large)) for _ in range(4)]
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
    await asyncio.gather(*(decode(pool, images.noise_jpeg(6000, 4000)) for _ in range(4)))

    for pid in pool.pids:
        soft, _hard = psutil.Process(pid).rlimit(psutil.RLIMIT_DATA)
        assert soft == SETTINGS.memory_limit_mb * 1024**2
        assert psutil.Process(pid).memory_info().rss < soft
    assert SETTINGS.children * SETTINGS.memory_limit_mb * 1024**2 < SERVICE_BYTES - 100 * 1024**2


HUNGRY: dict[str, tuple[SourceKind, bytes]] = {
    "progressive jpeg": ("jpg", images.jpeg(5000, 4000, progressive=True)),
    "raw": ("raw", images.dng(4000, 3000)),
    "heic": ("other", images.heic(images.quarters(5000, 4000))),
    "avif": ("other", images.avif(images.quarters(5000, 4000))),
}


@pytest.mark.parametrize("name", HUNGRY)
async def test_too_little_memory_refuses_the_photo_and_not_the_service(name: str) -> None:
    kind, original = HUNGRY[name]
    poor = DecoderPool(Processing(worker_count=1, memory_limit_mb=128))
    await poor.start()
    try:
        reply, _ = await decode(poor, original, kind)
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
