"""Decoders of tests, what they make of pictures, and how near that comes to what it should be."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Final

import images
from PIL import Image

from photobus_common.config import Processing
from photobus_common.derivation import SourceKind
from photobus_derivatives.protocol import Made, Reply, Request
from photobus_derivatives.sandbox import DecoderPool

SETTINGS: Final = Processing(worker_count=2)

Picture = Callable[[], bytes]
"""A file that is made when a test wants it: some take a second."""


@asynccontextmanager
async def decoders() -> AsyncIterator[DecoderPool]:
    """Run two decoders."""
    pool = DecoderPool(SETTINGS)
    await pool.start()
    yield pool
    await pool.close()


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
