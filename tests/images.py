"""Images that tests and benchmarks need, made on the spot so that they pass on any machine.

Everything is returned as bytes. Pictures are four coloured quarters, so that a wrong turn or mirror shows at once.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from io import BytesIO
from typing import Any, Final

import numpy as np
import pillow_heif
import tifffile
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

Colour = tuple[int, int, int]

TOP_LEFT: Final[Colour] = (200, 30, 40)
TOP_RIGHT: Final[Colour] = (40, 170, 60)
BOTTOM_LEFT: Final[Colour] = (30, 60, 190)
BOTTOM_RIGHT: Final[Colour] = (220, 210, 60)
QUARTERS: Final[tuple[Colour, ...]] = (TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT)
"""Colours of the upright picture, row by row."""

_STORED_FOR_ORIENTATION: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture is stored by a camera that writes this EXIF orientation."""


@dataclass(frozen=True)
class Shot:
    """What a camera writes into EXIF; ``gps`` is latitude, longitude (degrees, north and east positive), metres."""

    taken_at: datetime | None = None
    offset: str | None = None
    orientation: int | None = None
    make: str | None = None
    model: str | None = None
    lens: str | None = None
    exposure_seconds: float | None = None
    f_number: float | None = None
    iso: int | None = None
    focal_length_mm: float | None = None
    gps: tuple[float, float, float] | None = None


def quarters(width: int = 640, height: int = 480, colours: tuple[Colour, ...] = QUARTERS) -> Image.Image:
    """Paint the upright picture."""
    pixels = np.empty((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left], pixels[:top, left:] = colours[0], colours[1]
    pixels[top:, :left], pixels[top:, left:] = colours[2], colours[3]
    return Image.fromarray(pixels)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Paint a soft picture with grain, about as hard to compress as a photo."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (max(2, height // 64), max(2, width // 64), 3), np.uint8)
    soft = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = random.integers(0, 24, (height, width, 1), np.uint8)
    return Image.fromarray(np.clip(np.asarray(soft, np.int16) + grain - 12, 0, 255).astype(np.uint8))


def as_stored(upright: Image.Image, orientation: int) -> Image.Image:
    """Turn ``upright`` the way a camera stores it under this EXIF orientation."""
    turn = _STORED_FOR_ORIENTATION.get(orientation)
    return upright if turn is None else upright.transpose(turn)


def jpeg(
    width: int = 640,
    height: int = 480,
    *,
    shot: Shot | None = None,
    picture: Image.Image | None = None,
    icc: bytes | None = None,
    quality: int = 92,
    progressive: bool = False,
) -> bytes:
    """Make a JPEG whose upright form is ``width`` x ``height`` or ``picture``, stored as ``shot`` says."""
    upright = picture or quarters(width, height)
    stored = as_stored(upright, (shot.orientation if shot else None) or 1)
    return _encoded(
        stored,
        "JPEG",
        quality=quality,
        progressive=progressive,
        exif=_exif(shot).tobytes() if shot else b"",
        icc_profile=icc,
    )


def noise_jpeg(width: int, height: int, *, quality: int = 90, seed: int = 0) -> bytes:
    """Make a JPEG of a grainy picture; 6000 x 4000 at quality 90 is of the size that cameras write."""
    return jpeg(picture=noise(width, height, seed), quality=quality)


def png(picture: Image.Image | None = None, icc: bytes | None = None) -> bytes:
    """Make a PNG of any mode that Pillow holds, alpha included."""
    return _encoded(picture or quarters(), "PNG", icc_profile=icc)


def png_16_bit(width: int = 640, height: int = 480) -> bytes:
    """Make an RGB PNG of 16 bits a channel; Pillow writes none, so the chunks are put together here."""
    pixels = np.asarray(quarters(width, height)).astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return _png_file(width, height, depth=16, colour_type=2, data=zlib.compress(rows))


def huge_png(side: int = 40_000) -> bytes:
    """Make a black one-bit PNG of ``side`` x ``side`` pixels: 40,000 a side are 200 MB of rows in about 200 KB."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (side + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return _png_file(side, side, depth=1, colour_type=0, data=data)


def tiff(picture: Image.Image | None = None, shot: Shot | None = None, compression: str | None = "tiff_lzw") -> bytes:
    """Make a TIFF, by default LZW-compressed; CMYK and 16-bit grey pictures stay what they are."""
    upright = picture or quarters()
    stored = as_stored(upright, (shot.orientation if shot else None) or 1)
    return _encoded(stored, "TIFF", compression=compression, exif=_exif(shot) if shot else None)


def webp(picture: Image.Image | None = None) -> bytes:
    """Make a WebP."""
    return _encoded(picture or quarters(), "WEBP", quality=90)


def animated(file_format: str, colours: tuple[Colour, ...] = QUARTERS) -> bytes:
    """Make an animated ``GIF`` or ``WEBP`` whose frames are each of one colour."""
    first, *others = (Image.new("RGB", (320, 240), colour) for colour in colours)
    return _encoded(first, file_format, save_all=True, append_images=others, duration=100, loop=0)


def avif(picture: Image.Image | None = None) -> bytes:
    """Make an AVIF."""
    return _encoded(picture or quarters(), "AVIF", quality=90)


def heic(picture: Image.Image | None = None, orientation: int = 1) -> bytes:
    """Make a HEIC (HEVC) that a phone held as ``orientation`` says writes: turned in the container, not in EXIF."""
    upright = picture or quarters()
    pillow_heif.register_heif_opener()
    exif = _exif(Shot(orientation=orientation))
    return _encoded(as_stored(upright, orientation), "HEIF", quality=90, exif=exif.tobytes())


def dng(
    width: int = 640,
    height: int = 480,
    *,
    orientation: int = 1,
    preview: bytes | None = None,
) -> bytes:
    """Make a Bayer DNG that LibRaw opens, its sensor showing the quarters; ``preview`` is an embedded JPEG.

    ``width`` and ``height`` are those of the upright picture. A preview lies there as it is stored.
    """
    stored = np.asarray(as_stored(quarters(width, height), orientation))
    buffer = BytesIO()
    with tifffile.TiffWriter(buffer, byteorder="<") as file:
        if preview is not None:
            bytes_as_row = np.frombuffer(preview, np.uint8)[None, :]
            about = _dng_tags(orientation)
            file.write(bytes_as_row, subfiletype=1, subifds=1, metadata=None, extratags=about)
        about = _raw_tags() + (_dng_tags(orientation) if preview is None else [])
        file.write(_bayer(stored), photometric=32803, subfiletype=0, metadata=None, extratags=about)
    if preview is not None:
        _declare_jpeg(buffer, preview)
    return buffer.getvalue()


def truncated(image: bytes, share: float = 0.6) -> bytes:
    """Keep the first ``share`` of a file, as an interrupted copy does."""
    return image[: int(len(image) * share)]


def wide_gamut_profile() -> bytes:
    """Make an ICC matrix profile with the primaries of Adobe RGB (1998) and its gamma of 563/256."""
    gamma = b"curv" + bytes(4) + struct.pack(">IH", 1, 563) + bytes(2)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"wide\0" + bytes(78 + 1),
        b"cprt": b"text" + bytes(4) + b"none" + bytes(4),
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": _xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": _xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": _xyz(0.14919, 0.06322, 0.74457),
        b"rTRC": gamma,
        b"gTRC": gamma,
        b"bTRC": gamma,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += padded
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x", start + len(body), b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp"
    )
    illuminant = struct.pack(">3i", *(round(part * 65536) for part in (0.9642, 1.0, 0.8249)))
    return header + illuminant + bytes(128 - len(header) - len(illuminant)) + table + body


def _encoded(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, file_format, **{name: value for name, value in options.items() if value is not None})
    return buffer.getvalue()


def _exif(shot: Shot) -> Image.Exif:
    exif = Image.Exif()
    _put(exif, {Base.Orientation: shot.orientation, Base.Make: shot.make, Base.Model: shot.model})
    _put(
        exif.get_ifd(IFD.Exif),
        {
            Base.DateTimeOriginal: shot.taken_at.strftime("%Y:%m:%d %H:%M:%S") if shot.taken_at else None,
            Base.OffsetTimeOriginal: shot.offset,
            Base.LensModel: shot.lens,
            Base.ExposureTime: _rational(shot.exposure_seconds),
            Base.FNumber: _rational(shot.f_number),
            Base.ISOSpeedRatings: shot.iso,
            Base.FocalLength: _rational(shot.focal_length_mm),
        },
    )
    if shot.gps is not None:
        latitude, longitude, metres = shot.gps
        _put(
            exif.get_ifd(IFD.GPSInfo),
            {
                GPS.GPSLatitudeRef: "N" if latitude >= 0 else "S",
                GPS.GPSLatitude: _sexagesimal(latitude),
                GPS.GPSLongitudeRef: "E" if longitude >= 0 else "W",
                GPS.GPSLongitude: _sexagesimal(longitude),
                GPS.GPSAltitudeRef: b"\1" if metres < 0 else b"\0",
                GPS.GPSAltitude: _rational(abs(metres)),
            },
        )
    return exif


def _put(target: Any, values: dict[int, Any]) -> None:
    for tag, value in values.items():
        if value is not None:
            target[int(tag)] = value


def _rational(value: float | None) -> IFDRational | None:
    """Cameras write fractions; Pillow alone would write a double."""
    return None if value is None else IFDRational(Fraction(value).limit_denominator(10_000))


def _sexagesimal(degrees: float) -> tuple[IFDRational | None, ...]:
    minutes, seconds = divmod(abs(degrees) * 3600, 60)
    whole, minutes = divmod(minutes, 60)
    return _rational(whole), _rational(minutes), _rational(round(seconds, 4))


def _png_file(width: int, height: int, *, depth: int, colour_type: int, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _xyz(*parts: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(part * 65536) for part in parts))


def _bayer(rgb: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Sample ``rgb`` through an RGGB colour filter, as linear 14-bit values."""
    linear = (np.power(rgb / 255.0, 2.2) * 16000).astype(np.uint16)
    mosaic = np.empty(rgb.shape[:2], np.uint16)
    for (row, column), channel in zip(((0, 0), (0, 1), (1, 0), (1, 1)), (0, 1, 1, 2), strict=True):
        mosaic[row::2, column::2] = linear[row::2, column::2, channel]
    return mosaic


def _declare_jpeg(tiff_file: BytesIO, preview: bytes) -> None:
    """Say that the first page's strip is ``preview``; tifffile alone encodes no JPEG."""
    width, height = Image.open(BytesIO(preview)).size
    tiff_file.seek(0)
    with tifffile.TiffFile(tiff_file, mode="r+") as file:
        tags = file.pages.first.tags
        for code, value in ((256, width), (257, height), (259, 7), (262, 6), (278, height)):
            tags[code].overwrite(value)


def _dng_tags(orientation: int) -> list[tuple[Any, ...]]:
    # XYZ (D65) to linear sRGB: a camera that sees as a screen shows.
    matrix = (3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572)
    return [
        (274, "H", 1, orientation, False),
        (271, "s", 0, "Test", False),
        (272, "s", 0, "Bayer", False),
        (50706, "B", 4, (1, 4, 0, 0), False),
        (50708, "s", 0, "Test Bayer", False),
        (50721, "2i", 9, tuple(_rationals(matrix)), False),
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), False),
        (50778, "H", 1, 21, False),
    ]


def _raw_tags() -> list[tuple[Any, ...]]:
    return [
        (33421, "H", 2, (2, 2), False),
        (33422, "B", 4, (0, 1, 1, 2), False),
        (50714, "H", 1, 0, False),
        (50717, "I", 1, 16000, False),
    ]


def _rationals(values: tuple[float, ...]) -> Iterator[int]:
    for value in values:
        yield round(value * 10_000)
        yield 10_000
