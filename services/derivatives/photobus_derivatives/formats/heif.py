"""HEIC by libheif with libde265, which libvips' own build lacks. Turns in the container are applied by libheif."""

import os
from typing import Any

import pillow_heif
import pyvips

from photobus_derivatives.formats.opened import Opened
from photobus_derivatives.refusal import RefusalError, reason_of

pillow_heif.options.DECODE_THREADS = 1


def open_heif(fd: int) -> Opened:
    """Read the header of the file behind ``fd``; the pixels are decoded by ``load``."""
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        content = file.read()
    try:
        opened = pillow_heif.open_heif(content, convert_hdr_to_8bit=True)
        image = opened[opened.primary_index]
    except (ValueError, EOFError, SyntaxError) as error:
        raise RefusalError(reason_of(str(error)), str(error)) from error
    width, height = image.size
    return Opened(width, height, width * height, lambda _wanted: _load(image))


def _load(image: Any) -> pyvips.Image:
    try:
        data, stride = image.data, image.stride
    except (ValueError, EOFError, RuntimeError) as error:
        raise RefusalError(reason_of(str(error)), str(error)) from error
    width, height = image.size
    bands = len(image.mode)
    # A row may be longer than its pixels; the rest of it is cut off.
    rows = pyvips.Image.new_from_memory(data, stride // bands, height, bands, "uchar").crop(0, 0, width, height)
    picture = rows.copy(interpretation="b-w" if bands <= 2 else "srgb")  # noqa: PLR2004 - grey, with alpha or without
    profile = image.info.get("icc_profile")
    if profile:
        picture.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return picture
