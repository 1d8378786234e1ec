"""Camera RAW by LibRaw: the embedded preview where it is large enough, else a demosaic."""

from typing import Final

import pyvips
import rawpy

from photobus_derivatives.formats import vips
from photobus_derivatives.formats.opened import Opened
from photobus_derivatives.refusal import RefusalError, reason_of

_TURNED: Final = frozenset({5, 6})
"""LibRaw's words for a quarter turn left and right."""

_ORIENTATION: Final = {3: 3, 5: 8, 6: 6}
"""EXIF orientation that says what LibRaw's word for a turn says."""


def open_raw(fd: int, *, known: bool) -> Opened:
    """Read the header of the file behind ``fd``; ``known``: its first bytes are those of a RAW container."""
    raw = rawpy.RawPy()
    try:
        # The descriptor by name, because LibRaw would otherwise want the whole file in memory.
        raw.open_file(f"/proc/self/fd/{fd}")
    except rawpy.LibRawFileUnsupportedError as error:
        raise RefusalError("unsupported_format" if known else "not_an_image", str(error)) from error
    except rawpy.LibRawError as error:
        raise _refusal(error) from error
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
    except rawpy.LibRawError as error:
        if preview is None:
            raise _refusal(error) from error
        return _turned(preview, raw, upright, wanted)


def _embedded(raw: rawpy.RawPy) -> Opened | None:
    """Return the JPEG that the camera put into the file, if there is one that opens."""
    try:
        found = raw.extract_thumb()
        return vips.open_jpeg(bytes(found.data)) if found.format == rawpy.ThumbFormat.JPEG else None
    except (rawpy.LibRawError, pyvips.Error):
        return None


def _turned(preview: Opened, raw: rawpy.RawPy, upright: tuple[int, int], wanted: int) -> pyvips.Image:
    """Load ``preview``; one that tells no orientation of its own lies as the sensor does and gets the RAW file's."""
    picture = preview.load(wanted)
    flip = raw.sizes.flip
    lies_otherwise = (preview.width > preview.height) != (upright[0] > upright[1])
    if vips.orientation_of(picture) != 1 or flip not in _ORIENTATION or (flip in _TURNED and not lies_otherwise):
        return picture
    tagged = picture.copy()
    tagged.set_type(pyvips.GValue.gint_type, "orientation", _ORIENTATION[flip])
    return tagged


def _demosaic(raw: rawpy.RawPy, wanted: int, upright: tuple[int, int]) -> pyvips.Image:
    """Develop with the camera's white balance to sRGB; at half size where that is enough, which is much cheaper."""
    pixels = raw.postprocess(use_camera_wb=True, half_size=max(upright) >= 2 * wanted, output_bps=8)
    return pyvips.Image.new_from_array(pixels, interpretation="srgb")


def _refusal(error: rawpy.LibRawError) -> RefusalError:
    return RefusalError(reason_of(str(error)), str(error))
