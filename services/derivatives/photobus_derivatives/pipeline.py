"""From an original to its two derivatives, in named steps, with one decode. Runs inside a decoder process."""

import errno
import os
import time
from collections.abc import Callable
from typing import Final

import pyvips

from photobus_derivatives.formats import open_original
from photobus_derivatives.protocol import Made, Refused, Reply, Request, StorageFailed
from photobus_derivatives.refusal import RefusalError, reason_of

Step = Callable[[pyvips.Image], pyvips.Image]

_WHITE: Final = {"uchar": 255, "ushort": 65535}
_STORAGE_ERRORS: Final = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ESTALE, errno.EROFS})
_MEGABYTE: Final = 1024 * 1024
_SRGB_NAME: Final = b"sRGB IEC61966-2.1"
_PROFILE_HEAD: Final = 1024


def reply_to(request: Request, original: int, preview: int, thumbnail: int) -> Reply:
    """Make both derivatives of the file behind ``original``; says what became of it and raises nothing foreseen."""
    try:
        return make(request, original, preview, thumbnail)
    except RefusalError as error:
        refused = Refused(error.reason, error.detail)
    except pyvips.Error as error:
        refused = Refused(reason_of(str(error)), str(error))
    except MemoryError as error:
        return Refused("memory_limit", str(error))
    except OSError as error:
        if error.errno in _STORAGE_ERRORS:
            return StorageFailed(error.errno)
        refused = Refused(reason_of(str(error)), str(error))
    if refused.reason in {"truncated", "corrupt"} and (failure := _reading_fails(original)) is not None:
        return StorageFailed(failure)
    return refused


def make(request: Request, original: int, preview: int, thumbnail: int) -> Made:
    """Decode once, write the preview, and scale the thumbnail from the preview's pixels in memory."""
    deadline = time.monotonic() + request.seconds
    opened = open_original(original, request.kind)
    if opened.pixels > request.pixel_limit:
        raise RefusalError("too_many_pixels", f"{opened.pixels} pixels are over {request.pixel_limit}")
    picture = opened.load(request.preview_px)
    steps: tuple[Step, ...] = (on_white, fitting(request.preview_px), in_srgb, in_memory, upright)
    for step in steps:
        if time.monotonic() > deadline:
            raise RefusalError("time_limit")
        picture = step(picture)
    write(picture, preview, request)
    write(fitting(request.thumbnail_px)(picture), thumbnail, request)
    return Made(opened.width, opened.height)


def on_white(picture: pyvips.Image) -> pyvips.Image:
    """Put what shows through onto white, as a browser's page does."""
    if not picture.hasalpha():
        return picture
    no_ink = picture.interpretation == "cmyk"
    return picture.flatten(background=[0 if no_ink else _WHITE.get(picture.format, 1)])


def fitting(longest_px: int) -> Step:
    """Return the step that scales the longest side down to ``longest_px``; a smaller picture stays as it is."""

    def fit(picture: pyvips.Image) -> pyvips.Image:
        longest = max(picture.width, picture.height)
        if longest <= longest_px:
            return picture
        # Each side to a whole number of pixels, and a strip's short side to one at least.
        wide, high = (max(1, round(side * longest_px / longest)) for side in (picture.width, picture.height))
        return picture.resize(wide / picture.width, vscale=high / picture.height)

    return fit


def in_srgb(picture: pyvips.Image) -> pyvips.Image:
    """Convert to eight-bit sRGB, by the embedded profile where there is one that fits the picture."""
    if picture.get_typeof("icc-profile-data") and not _says_srgb(picture):
        try:
            return picture.icc_transform("srgb", embedded=True, intent="relative", depth=8)
        except pyvips.Error:
            # A broken profile, or one of another colour space: the numbers alone still show the photo.
            pass
    return picture.colourspace("srgb").cast("uchar")


def in_memory(picture: pyvips.Image) -> pyvips.Image:
    """Run everything so far, once: what follows needs the pixels in another order and more than once."""
    return picture.copy_memory()


def upright(picture: pyvips.Image) -> pyvips.Image:
    """Turn as the orientation tag says."""
    return picture.autorot()


def write(picture: pyvips.Image, target: int, request: Request) -> None:
    """Write ``picture`` without metadata into the empty file behind ``target``; untagged, it counts as sRGB."""
    if request.format == "webp":
        encoded = picture.webpsave_buffer(Q=request.quality, keep="none")
    else:
        encoded = picture.jpegsave_buffer(Q=request.quality, interlace=request.progressive, keep="none")
    # Written here and not by libvips, whose words for a full disk might as well be those of an image.
    rest = memoryview(encoded)
    while rest:
        rest = rest[os.write(target, rest) :]


def _says_srgb(picture: pyvips.Image) -> bool:
    """Whether the profile is the one most cameras embed, whose conversion would cost a fifth and change nothing."""
    profile = picture.get("icc-profile-data")
    return picture.interpretation == "srgb" and _SRGB_NAME in profile[:_PROFILE_HEAD]


def _reading_fails(original: int) -> int | None:
    """Return the system's error if the file cannot be read: then the storage is broken, and the photo may be whole."""
    at = 0
    try:
        while chunk := os.pread(original, _MEGABYTE, at):
            at += len(chunk)
    except OSError as error:
        return error.errno or errno.EIO
    return None
