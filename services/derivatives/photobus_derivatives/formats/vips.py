"""JPEG, PNG, TIFF, WebP, GIF and AVIF by libvips, each scaled while it is read where its format allows that."""

from collections.abc import Callable
from typing import Any, Final

import pyvips

from photobus_common.photos.content import Format
from photobus_derivatives.formats.opened import Opened

_LOADERS: Final[dict[Format, str]] = {
    "jpeg": "jpegload_source",
    "png": "pngload_source",
    "tiff": "tiffload_source",
    "webp": "webpload_source",
    "gif": "gifload_source",
    "avif": "heifload_source",
}
_UNBLOCKED: Final = ("Jpeg", "Png", "Tiff", "Webp", "Nsgif", "Heif")

_JPEG_SHRINKS: Final = (8, 4, 2)
_LEAST_REST: Final = 1.4
"""What shrinking by whole blocks leaves for the fine resize, so that no blockiness or false sharpness stays."""

SWAPPING: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""


def restrict() -> None:
    """Let libvips read the six formats above and nothing else, and keep nothing between photos."""
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in _UNBLOCKED:
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)


def open_source(fd: int, found: Format) -> Opened:
    """Read the header of the file behind ``fd``."""
    loader: Callable[..., pyvips.Image] = getattr(pyvips.Image, _LOADERS[found])
    return _opened(found, lambda **options: loader(pyvips.Source.new_from_descriptor(fd), **options))


def open_jpeg(content: bytes) -> Opened:
    """Read the header of a JPEG in memory."""
    return _opened("jpeg", lambda **options: pyvips.Image.jpegload_buffer(content, **options))


def orientation_of(image: pyvips.Image) -> int:
    """Return the EXIF orientation of the image, 1 where it has none."""
    return int(image.get("orientation")) if image.get_typeof("orientation") else 1


def _opened(found: Format, read: Callable[..., pyvips.Image]) -> Opened:
    header = read(**_options())
    width, height = header.width, header.height

    def load(wanted: int) -> pyvips.Image:
        # A strip one pixel high stays one pixel high, however long it is.
        options = _scaling(found, min(max(width, height) / wanted, width, height))
        return read(**_options(), **options) if options else header

    if orientation_of(header) in SWAPPING:
        return Opened(height, width, width * height, load)
    return Opened(width, height, width * height, load)


def _options() -> dict[str, Any]:
    # Half a photo is no photo: what ends early is refused, not filled up with grey.
    return {"access": "sequential", "fail_on": "error"}


def _scaling(found: Format, factor: float) -> dict[str, Any]:
    """Return the options by which a loader makes an image smaller while reading it, to be shrunk by ``factor``."""
    rest = factor / _LEAST_REST
    if found == "jpeg":
        shrink = next((shrink for shrink in _JPEG_SHRINKS if shrink <= rest), 1)
        return {"shrink": shrink} if shrink > 1 else {}
    if found == "webp" and rest > 1:
        return {"scale": 1 / rest}
    return {}
