"""EXIF of any accepted file: when it was taken, which way up, with what, where.

The bytes are not trusted: garbage yields nothing, never an error, and no header keeps the reader busy for long.
"""

import logging
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, BinaryIO, Final, cast

import exifread
from exifread.core.exif_header import ExifHeader
from exifread.tags.exif import GPS_TAGS

from photobus_common.errors import PhotobusError
from photobus_common.photos import containers
from photobus_common.photos.containers import Block
from photobus_common.photos.content import HEAD_BYTES, sniff
from photobus_common.photos.reading import Window
from photobus_common.storage.errors import storage_errors

_TIME: Final = re.compile(r"^\s*(\d{4})[:/-](\d{2})[:/-](\d{2})[ T](\d{2}):(\d{2}):(\d{2})")
_OFFSET: Final = re.compile(r"^\s*([+-])(\d{2}):?(\d{2})|^\s*(Z)")
_TIME_TAGS: Final = (
    ("EXIF DateTimeOriginal", "EXIF OffsetTimeOriginal", "EXIF SubSecTimeOriginal"),
    ("EXIF DateTimeDigitized", "EXIF OffsetTimeDigitized", "EXIF SubSecTimeDigitized"),
    ("Image DateTime", "EXIF OffsetTime", "EXIF SubSecTime"),
)
_BYTE_ORDERS: Final = (b"II", b"MM")
_LONGEST_TEXT: Final = 200
_MAX_OFFSET: Final = timedelta(hours=15)
_ORIENTATIONS: Final = 8
_TURNED: Final = frozenset({5, 6, 7, 8})

Tags = Mapping[str, Any]

logging.getLogger("exifread").setLevel(logging.CRITICAL)  # It warns about each damaged file; we say so with the photo.


@dataclass(frozen=True)
class Exif:
    """What the file says of itself; None where it says nothing sensible.

    ``taken_at`` is in UTC if ``taken_offset_minutes`` is known, else the camera's clock taken as UTC. ``width`` and
    ``height`` are pixels of the upright image. Exposure in seconds, focal length in millimetres, altitude in metres.
    """

    taken_at: datetime | None = None
    taken_offset_minutes: int | None = None
    orientation: int | None = None
    width: int | None = None
    height: int | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    exposure_seconds: float | None = None
    f_number: float | None = None
    iso: int | None = None
    focal_length_mm: float | None = None
    gps_latitude: float | None = None
    gps_longitude: float | None = None
    gps_altitude_m: float | None = None


def read(fd: int) -> Exif:
    """Read the EXIF of the file behind ``fd``, whose place stays. Raises only when the storage does not answer."""
    with storage_errors("reading a photo's header"):
        head = os.pread(fd, HEAD_BYTES, 0)
    found = sniff(head)
    if found is None:
        return Exif()
    try:
        located = containers.find(fd, found)
        tags = _tags(located.blocks)
        return _exif(tags, located.size)
    except PhotobusError:
        raise
    except Exception:  # noqa: BLE001 - any error that hostile bytes provoke in the parsers means: no EXIF
        return Exif()


def _tags(blocks: Iterable[Block]) -> Tags:
    """Return the tags of all blocks, named as exifread names them; one broken block does not spoil the others."""
    tags: dict[str, Any] = {}
    for block in blocks:
        try:
            tags |= _position(block.window) if block.directory == "GPS" else _directories(block)
        except PhotobusError:
            raise
        except Exception:  # noqa: BLE001, S112 - as in read
            continue
    return tags


def _directories(block: Block) -> Tags:
    """Return the tags of a block; those of its first directory count as of ``block.directory``.

    Only TIFF is given to exifread. What it takes for a container it looks into by itself, and it walks the extents of a
    HEIC without a bound: a block that begins like one, in a JPEG of a few hundred KB, would keep it busy for hours.
    """
    if block.window.at(0, 2) not in _BYTE_ORDERS:
        return {}
    tags = exifread.process_file(cast("BinaryIO", block.window), details=False, extract_thumbnail=False)
    return {name.replace("Image ", f"{block.directory} ", 1): tag for name, tag in tags.items()}


def _position(window: Window) -> Tags:
    """Return the GPS tags of a block that holds nothing else, as a CR3 has it."""
    order = window.read(1).decode("latin-1")
    header = ExifHeader(cast("BinaryIO", window), order, 0, 0, strict=False, detailed=False)
    for directory in header.list_ifd()[:1]:
        header.dump_ifd(directory, "GPS", tag_dict=GPS_TAGS)
    return header.tags


def _exif(tags: Tags, stored: tuple[int, int] | None) -> Exif:
    taken_at, offset = _taken(tags)
    orientation = _orientation(tags)
    width, height = _upright(stored or _tagged_size(tags), orientation)
    return Exif(
        taken_at=taken_at,
        taken_offset_minutes=offset,
        orientation=orientation,
        width=width,
        height=height,
        camera_make=_text(tags, "Image Make"),
        camera_model=_text(tags, "Image Model"),
        lens=_text(tags, "EXIF LensModel"),
        exposure_seconds=_number(tags, "EXIF ExposureTime"),
        f_number=_number(tags, "EXIF FNumber"),
        iso=_integer(tags, "EXIF ISOSpeedRatings"),
        focal_length_mm=_number(tags, "EXIF FocalLength"),
        gps_latitude=_degrees(tags, "GPS GPSLatitude", "S", 90),
        gps_longitude=_degrees(tags, "GPS GPSLongitude", "W", 180),
        gps_altitude_m=_altitude(tags),
    )


def _taken(tags: Tags) -> tuple[datetime | None, int | None]:
    for time_tag, offset_tag, fraction_tag in _TIME_TAGS:
        local = _local_time(_text(tags, time_tag), _text(tags, fraction_tag))
        if local is None:
            continue
        offset = _offset(_text(tags, offset_tag))
        if offset is None:
            return local.replace(tzinfo=UTC), None
        try:
            return local.replace(tzinfo=timezone(offset)).astimezone(UTC), int(offset.total_seconds() // 60)
        except OverflowError:
            continue
    return None, None


def _local_time(text: str | None, fraction: str | None) -> datetime | None:
    match = _TIME.match(text or "")
    if match is None:
        return None
    digits = re.match(r"\d{1,6}", fraction or "")
    microseconds = int(digits[0].ljust(6, "0")) if digits else 0
    year, month, day, hour, minute, second = map(int, match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, microseconds)  # noqa: DTZ001 - its zone follows
    except ValueError:
        return None


def _offset(text: str | None) -> timedelta | None:
    match = _OFFSET.match(text or "")
    if match is None:
        return None
    if match[4]:
        return timedelta(0)
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return None if offset > _MAX_OFFSET else -offset if match[1] == "-" else offset


def _orientation(tags: Tags) -> int | None:
    value = _integer(tags, "Image Orientation")
    return value if value is not None and 1 <= value <= _ORIENTATIONS else None


def _tagged_size(tags: Tags) -> tuple[int, int] | None:
    for width_tag, height_tag in (
        ("EXIF ExifImageWidth", "EXIF ExifImageLength"),
        ("Image ImageWidth", "Image ImageLength"),
    ):
        width, height = _integer(tags, width_tag), _integer(tags, height_tag)
        if width and height:
            return width, height
    return None


def _upright(size: tuple[int, int] | None, orientation: int | None) -> tuple[int | None, int | None]:
    if size is None or not all(0 < side < 1 << 31 for side in size):
        return None, None
    return (size[1], size[0]) if orientation in _TURNED else size


def _values(tags: Tags, name: str) -> list[Any]:
    tag = tags.get(name)
    values = getattr(tag, "values", None)
    return list(values) if isinstance(values, list) else []


def _text(tags: Tags, name: str) -> str | None:
    value = getattr(tags.get(name), "values", None)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return None
    return "".join(letter for letter in value if letter.isprintable()).strip()[:_LONGEST_TEXT] or None


def _number(tags: Tags, name: str) -> float | None:
    values = _values(tags, name)
    number = _as_float(values[0]) if values else None
    return number if number is not None and number > 0 else None


def _integer(tags: Tags, name: str) -> int | None:
    number = _number(tags, name)
    return int(number) if number is not None and number < 1 << 31 else None


def _as_float(value: Any) -> float | None:
    try:
        number = float(value[0] if isinstance(value, tuple) else value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError, IndexError):
        return None
    return number if math.isfinite(number) else None


def _degrees(tags: Tags, name: str, negative: str, limit: int) -> float | None:
    parts = [part for value in _values(tags, name)[:3] if (part := _as_float(value)) is not None]
    if not parts:
        return None
    degrees: float = sum(part / 60.0**power for power, part in enumerate(parts))
    if not 0 <= degrees <= limit:
        return None
    return -degrees if (_text(tags, f"{name}Ref") or "").upper().startswith(negative) else degrees


def _altitude(tags: Tags) -> float | None:
    values = _values(tags, "GPS GPSAltitude")
    altitude = _as_float(values[0]) if values else None
    if altitude is None:
        return None
    below = _values(tags, "GPS GPSAltitudeRef")
    return -altitude if below and below[0] == 1 else altitude
