"""Camera RAW by LibRaw: the embedded preview where it is large enough, else a demosaic."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pyvips
import rawpy

from photobus_derivatives.formats import vips
from photobus_derivatives.formats.opened import Opened
from photobus_derivatives.protocol import Reason
from photobus_derivatives.refusal import RefusalError, reason_of

_TURNED: Final = frozenset({5, 6})
"""LibRaw's words for a quarter turn left and right."""

_ORIENTATION: Final = {3: 3, 5: 8, 6: 6}
"""EXIF orientation that says what LibRaw's word for a turn says."""

_HALF_TURN: Final = 3

_LARGEST_PREVIEW: Final = 4
"""Times the sensor's pixels; a preview beyond that was put there by nobody who wants it shown."""


def open_raw(fd: int, *, known: bool) -> Opened:
    """Read the header of the file behind ``fd``; ``known``: its first bytes are those of a RAW container."""
    raw = rawpy.RawPy()
    with _refusals("unsupported_format" if known else "not_an_image"):
        # The descriptor by name, because LibRaw would otherwise want the whole file in memory.
        raw.open_file(f"/proc/self/fd/{fd}")
    sizes = raw.sizes
    width, height = sizes.width, sizes.height
    if sizes.flip in _TURNED:
        width, height = height, width
    pixels = sizes.raw_width * sizes.raw_height
    return Opened(width, height, pixels, lambda wanted: _load(raw, wanted, (width, height)))


def _load(raw: rawpy.RawPy, wanted: int, upright: tuple[int, int]) -> pyvips.Image:
    """Return the embedded preview if it shows enough, else develop; a preview that is too small is better than none."""
    preview = _embedded(raw)
    # Half of what is wanted is good enough to look at, and half of the sensor is what the demosaic would give.
    enough = min(wanted, max(upright)) / 2
    if preview is not None and max(preview.width, preview.height) >= enough:
        return _turned(preview, raw, upright, wanted)
    try:
        return _demosaic(raw, wanted, upright)
    except RefusalError:
        if preview is None:
            raise
        return _turned(preview, raw, upright, wanted)


def _embedded(raw: rawpy.RawPy) -> Opened | None:
    """Return the JPEG that the camera put into the file, if one opens and is in proportion to the sensor."""
    try:
        found = raw.extract_thumb()
        preview = vips.open_jpeg(bytes(found.data)) if found.format == rawpy.ThumbFormat.JPEG else None
    except (rawpy.LibRawError, pyvips.Error):
        return None
    sensor = raw.sizes.raw_width * raw.sizes.raw_height
    return preview if preview is not None and preview.pixels <= _LARGEST_PREVIEW * sensor else None


def _turned(preview: Opened, raw: rawpy.RawPy, upright: tuple[int, int], wanted: int) -> pyvips.Image:
    """Load ``preview`` with the orientation tag that makes it stand as the RAW file does.

    Some cameras turn the preview themselves, some tag it, some do neither; and where it has no EXIF of its own, LibRaw
    adds the RAW file's. So a quarter turn is believed only if the picture then has the shape of the upright one.
    """
    picture = preview.load(wanted)
    tag, turn = vips.orientation_of(picture), _ORIENTATION.get(raw.sizes.flip, 1)
    shaped = (preview.width > preview.height) == (upright[0] > upright[1])
    if not shaped:
        tag = 1 if tag in vips.SWAPPING else turn
    elif tag == 1 and turn == _HALF_TURN:
        tag = turn
    tagged = picture.copy()
    tagged.set_type(pyvips.GValue.gint_type, "orientation", tag)
    return tagged


def _demosaic(raw: rawpy.RawPy, wanted: int, upright: tuple[int, int]) -> pyvips.Image:
    """Develop with the camera's white balance to sRGB; at half size where that is enough, which is much cheaper."""
    with _refusals():
        pixels = raw.postprocess(use_camera_wb=True, half_size=max(upright) >= 2 * wanted, output_bps=8)
    return pyvips.Image.new_from_array(pixels, interpretation="srgb")


@contextmanager
def _refusals(unknown: Reason = "unsupported_format") -> Iterator[None]:
    """Turn LibRaw's complaints into refusals; ``unknown`` is what it means that LibRaw does not know the file."""
    try:
        yield
    except rawpy.LibRawFileUnsupportedError as error:
        raise RefusalError(unknown, str(error)) from error
    except rawpy.LibRawError as error:
        raise RefusalError(reason_of(str(error)), str(error)) from error
    except OSError as error:
        # LibRaw's wrapper passes number and words as one argument, which leaves ``errno`` empty.
        number, words = error.args[0] if isinstance(error.args[0], tuple) else (error.errno, str(error))
        if number == errno.ENOMEM:
            raise RefusalError("memory_limit", str(words)) from error
        raise OSError(number, words) from error
