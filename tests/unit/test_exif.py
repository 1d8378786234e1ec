"""EXIF of real and of broken files."""

import os
import struct
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images import Shot, animated, as_stored, dng, heic, jpeg, noise, png, quarters, tiff, webp
from PIL import Image

from photobus_common.photos.exif import Exif, read
from photobus_common.photos.reading import MAX_READS, BudgetExceededError, Window

SHOT = Shot(
    taken_at=datetime(2021, 7, 3, 9, 15, 30, tzinfo=UTC),
    offset="-03:30",
    orientation=1,
    make="Maker",
    model="Model",
    lens="50mm",
    exposure_seconds=0.004,
    f_number=2.8,
    iso=400,
    focal_length_mm=50.0,
    gps=(48.25, -122.5, 310.5),
)
TAKEN = datetime(2021, 7, 3, 12, 45, 30, tzinfo=UTC)


def exif_of(content: bytes, folder: Path) -> Exif:
    path = folder / "photo"
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        return read(fd)
    finally:
        os.close(fd)


def plain_tiff(tags: dict[int, tuple[int, bytes]], exif_tags: dict[int, tuple[int, bytes]], magic: bytes) -> bytes:
    """A TIFF header with two directories; values are ASCII (type 2) or shorts (type 3)."""

    def directory(entries: dict[int, tuple[int, bytes]], at: int) -> bytes:
        rows, heap, heap_at = b"", b"", at + 2 + 12 * len(entries) + 4
        for tag, (kind, value) in sorted(entries.items()):
            number = len(value) if kind == 2 else len(value) // (2 if kind == 3 else 4)
            field = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", heap_at + len(heap))
            heap += value if len(value) > 4 else b""
            rows += struct.pack("<HHI", tag, kind, number) + field
        return struct.pack("<H", len(entries)) + rows + bytes(4) + heap

    second_at = 8 + len(directory({**tags, 0x8769: (4, bytes(4))}, 8))
    first = directory({**tags, 0x8769: (4, struct.pack("<I", second_at))}, 8)
    return magic + struct.pack("<I", 8) + first + directory(exif_tags, second_at)


ASCII_TAGS = {0x010F: (2, b"Maker\0"), 0x0110: (2, b"Model\0"), 0x0112: (3, struct.pack("<H", 8))}
EXIF_TAGS = {0x9003: (2, b"2021:07:03 09:15:30\0"), 0x9011: (2, b"-03:30\0"), 0x9291: (2, b"25\0")}


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def cr3() -> bytes:
    camera = plain_tiff(ASCII_TAGS, {}, b"II*\0")
    taken = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x9003, 2, 20, 26) + bytes(4) + b"2021:07:03 09:15:30\0"
    position = b"II*\0" + struct.pack("<IHHHI4sHHII", 8, 2, 1, 2, 2, b"S\0\0\0", 2, 5, 3, 38) + bytes(4)
    position += struct.pack("<6I", 33, 1, 30, 1, 0, 1)
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    inner = canon + box(b"CMT1", camera) + box(b"CMT2", taken) + box(b"CMT4", position)
    return box(b"ftyp", b"crx \0\0\0\x01crx isom") + box(b"moov", box(b"uuid", inner))


def raf() -> bytes:
    preview = jpeg(32, 24, shot=SHOT)
    return b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0") + struct.pack(">II", 148, len(preview)) + bytes(56) + preview


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "source.jpg"
    path.write_bytes(content)
    return path


def test_everything_a_camera_says(tmp_path: Path) -> None:
    assert exif_of(jpeg(640, 480, shot=SHOT), tmp_path) == Exif(
        taken_at=TAKEN,
        taken_offset_minutes=-210,
        orientation=1,
        width=640,
        height=480,
        camera_make="Maker",
        camera_model="Model",
        lens="50mm",
        exposure_seconds=0.004,
        f_number=2.8,
        iso=400,
        focal_length_mm=50.0,
        gps_latitude=48.25,
        gps_longitude=-122.5,
        gps_altitude_m=310.5,
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_of_the_upright_picture(orientation: int, tmp_path: Path) -> None:
    found = exif_of(jpeg(64, 48, shot=Shot(orientation=orientation)), tmp_path)
    assert (found.orientation, found.width, found.height) == (orientation, 64, 48)


@pytest.mark.parametrize("extension", ["png", "webp", "avif", "tif"])
def test_each_container_is_looked_into(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"made.{extension}"
    quarters(64, 48).save(path, exif=Image.open(_file(tmp_path, jpeg(shot=SHOT))).getexif().tobytes())
    found = exif_of(path.read_bytes(), tmp_path)
    assert (found.taken_at, found.camera_make, found.width, found.height) == (TAKEN, "Maker", 64, 48)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (png(), (640, 480)),
        (webp(), (640, 480)),
        (animated("GIF"), (320, 240)),
        (heic(), (640, 480)),
        (tiff(), (640, 480)),
    ],
)
def test_the_size_is_known_without_exif(content: bytes, size: tuple[int, int], tmp_path: Path) -> None:
    found = exif_of(content, tmp_path)
    assert (found.width, found.height) == size


def test_raw_containers(tmp_path: Path) -> None:
    assert exif_of(raf(), tmp_path).taken_at == TAKEN
    assert exif_of(raf(), tmp_path).width is None  # its preview's is not the RAW's
    canon = exif_of(cr3(), tmp_path)
    assert (canon.camera_make, canon.orientation, canon.gps_latitude) == ("Maker", 8, -33.5)
    assert canon.taken_at == datetime(2021, 7, 3, 9, 15, 30, tzinfo=UTC)
    for magic in (b"IIRO", b"IIU\0", b"II*\0"):
        found = exif_of(plain_tiff(ASCII_TAGS, EXIF_TAGS, magic), tmp_path)
        assert (found.camera_model, found.taken_at) == ("Model", TAKEN + timedelta(milliseconds=250))
    assert exif_of(dng(), tmp_path).camera_make == "Test"


@pytest.mark.parametrize(
    ("tags", "exif_tags", "taken_at", "offset"),
    [
        ({0x0132: (2, b"2001:01:01 00:00:00\0")}, {}, datetime(2001, 1, 1, tzinfo=UTC), None),
        (
            {0x0132: (2, b"2001:01:01 00:00:00\0")},
            {0x9004: (2, b"2000:01:01 00:00:00\0"), 0x9010: (2, b"+01:00\0")},
            datetime(2000, 1, 1, tzinfo=UTC),  # the offset is that of another time
            None,
        ),
        ({}, {0x9003: (2, b"0000:00:00 00:00:00\0"), 0x9004: (2, b"2000:02:30 00:00:00\0")}, None, None),
        ({}, {0x9003: (2, b"2000-01-01 10:00:00\0"), 0x9011: (2, b"Z\0")}, datetime(2000, 1, 1, 10, tzinfo=UTC), 0),
        (
            {},
            {0x9003: (2, b"2000:01:01 10:00:00\0"), 0x9011: (2, b"+99:00\0")},
            datetime(2000, 1, 1, 10, tzinfo=UTC),
            None,
        ),
        ({}, {0x9003: (2, b"0001:01:01 00:00:00\0"), 0x9011: (2, b"+09:00\0")}, None, None),
    ],
)
def test_times(
    tags: dict[int, tuple[int, bytes]],
    exif_tags: dict[int, tuple[int, bytes]],
    taken_at: datetime | None,
    offset: int | None,
    tmp_path: Path,
) -> None:
    found = exif_of(plain_tiff(tags, exif_tags, b"II*\0"), tmp_path)
    assert (found.taken_at, found.taken_offset_minutes) == (taken_at, offset)


WHOLE = {
    "jpeg": jpeg(64, 48, shot=SHOT),
    "png": png(),
    "webp": webp(),
    "heic": heic(),
    "dng": dng(),
    "cr3": cr3(),
    "raf": raf(),
    "tiff": plain_tiff(ASCII_TAGS, EXIF_TAGS, b"II*\0"),
}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(WHOLE)),
    kept=st.floats(0, 1),
    damage=st.lists(st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=4)), max_size=8),
)
def test_damage_of_any_kind_raises_nothing(
    name: str, kept: float, damage: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    content = bytearray(WHOLE[name][: int(len(WHOLE[name]) * kept)])
    for at, replacement in damage:
        content[at : at + len(replacement)] = replacement
    found = exif_of(bytes(content), tmp_path)
    assert found.taken_at is None or found.taken_at.tzinfo is not None
    assert found.width is None or 0 < found.width < 1 << 31
    assert found.gps_latitude is None or -90 <= found.gps_latitude <= 90


def test_a_directory_that_refers_to_itself_without_end_is_given_up(tmp_path: Path) -> None:
    entries = b"".join(struct.pack("<HHII", 0x0100 + number % 200, 4, 900, 8) for number in range(60_000))
    assert exif_of(b"II*\0" + struct.pack("<IH", 8, 60_000) + entries, tmp_path).taken_at is None


class TooMuchWorkError(BaseException):
    """No ``Exception``: reading takes each of those for a sign of a broken file."""


def calls_of_reading(content: bytes, folder: Path, most: int) -> int:
    """Return how many functions reading the EXIF calls; raises ``TooMuchWorkError`` past ``most``."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")
        if calls > most:
            raise TooMuchWorkError

    sys.setprofile(count)
    try:
        exif_of(content, folder)
    finally:
        sys.setprofile(None)
    return calls


def heic_of_empty_extents(items: int) -> bytes:
    """A HEIC whose index says that each of so many items has as many extents as can be, none with any size."""
    exif_entry = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", items, 0) + b"Exif\0")
    entries = b"".join(struct.pack(">HHH", number, 0, 0xFFFF) for number in range(1, items + 1))
    index = box(b"iloc", bytes(4) + b"\0\0" + struct.pack(">H", items) + entries)
    meta = box(b"meta", bytes(4) + box(b"iinf", bytes(4) + b"\0\1" + exif_entry) + index)
    return box(b"ftyp", b"heic\0\0\0\0heic") + meta


def heic_in_jpeg(items: int) -> bytes:
    """A JPEG whose EXIF is such a HEIC."""
    inner = b"Exif\0\0" + heic_of_empty_extents(items)
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(inner)) + inner + b"\xff\xd9"


@pytest.mark.parametrize("made", [heic_of_empty_extents, heic_in_jpeg])
def test_what_has_no_size_makes_no_work(made: Callable[[int], bytes], tmp_path: Path) -> None:
    assert calls_of_reading(made(200), tmp_path, 50_000) > 0


def test_a_text_as_long_as_the_file_is_cut(tmp_path: Path) -> None:
    length = 4 * 1024 * 1024
    tags = (0x0103, 0x0106, 0x0112)  # exifread looks up each letter of these
    rows = b"".join(struct.pack("<HHII", tag, 2, length, 50) for tag in tags)
    content = b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4) + b"A" * length
    assert calls_of_reading(content, tmp_path, 1_000_000) > 0


def test_the_first_of_several_extents_is_where_the_exif_lies(tmp_path: Path) -> None:
    block = bytes(4) + plain_tiff(ASCII_TAGS, EXIF_TAGS, b"II*\0")
    exif_entry = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 2, 0) + b"Exif\0")
    first = struct.pack(">HHHIIII", 1, 0, 2, 1, 1, 2, 2)
    head = box(b"ftyp", b"heic\0\0\0\0heic")
    start = len(head) + 8 + 4 + (8 + 6 + len(exif_entry)) + (8 + 8 + len(first) + 22)
    index = b"\x44\0" + struct.pack(">H", 2) + first + struct.pack(">HHHIIII", 2, 0, 2, start, 9, 7, 7)
    meta = box(b"meta", bytes(4) + box(b"iinf", bytes(4) + b"\0\1" + exif_entry) + box(b"iloc", bytes(4) + index))
    assert len(head + meta) == start
    assert exif_of(head + meta + block, tmp_path).taken_at == TAKEN + timedelta(milliseconds=250)


def test_a_window_gives_up_after_its_budget(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(b"x")
    fd = os.open(path, os.O_RDONLY)
    window = Window(fd)
    for _ in range(MAX_READS):
        window.at(0, 1)
    with pytest.raises(BudgetExceededError):
        window.at(0, 1)
    os.close(fd)


def test_an_empty_and_a_grainy_file(tmp_path: Path) -> None:
    assert exif_of(b"", tmp_path) == Exif()
    assert exif_of(jpeg(picture=as_stored(noise(30, 20), 1)), tmp_path) == Exif(width=30, height=20)
