"""Where in a file of each format the EXIF block lies, which is a small TIFF in itself, and how large the image is.

All functions work on untrusted bytes: they return what they find, and nothing where the structure is broken.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from photobus_common.photos.content import Format
from photobus_common.photos.reading import Window

Directory = Literal["Image", "EXIF", "GPS"]

_MAX_SEGMENTS: Final = 1000
_NO_END: Final = 1 << 62
_MAX_BOX: Final = 4 * 1024 * 1024
_RAF_PREVIEW_AT: Final = 84
_CR3_CANON_BOX: Final = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_CR3_BLOCKS: Final[tuple[tuple[bytes, Directory], ...]] = ((b"CMT1", "Image"), (b"CMT2", "EXIF"), (b"CMT4", "GPS"))
_FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Box:
    """One box of an ISO media file: its content lies from ``start`` to ``end``."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Block:
    """A TIFF header with directories behind it, the first of which is ``directory``."""

    directory: Directory
    window: Window


@dataclass(frozen=True)
class Found:
    """The EXIF blocks, and the pixel size as stored, where the header tells it."""

    blocks: tuple[Block, ...] = ()
    size: tuple[int, int] | None = None


def find(fd: int, found: Format) -> Found:
    """Locate the EXIF blocks and the pixel size of the file behind ``fd``."""
    finder = _FINDERS.get(found)
    return finder(fd) if finder is not None else Found()


def boxes(window: Window, start: int, end: int) -> Iterator[Box]:
    """Walk the boxes between two places of an ISO media file."""
    at = start
    for _ in range(_MAX_SEGMENTS):
        header = window.at(at, 16)
        if at + 8 > end or len(header) < 8:
            return
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        content = at + 8
        if size == 1:
            size, content = int.from_bytes(header[8:16], "big"), at + 16
        after = end if size == 0 else at + size
        if after < content or after > end:
            return
        yield Box(kind, content, after)
        at = after


def _in_tiff(fd: int) -> Found:
    return Found((Block("Image", Window(fd)),))


def _in_tiff_of_another_name(fd: int) -> Found:
    """Return the whole file: ORF and RW2 are TIFF but for the word after the byte order."""
    order = Window(fd).at(0, 2)
    return Found((Block("Image", Window(fd, magic=b"MM\0*" if order == b"MM" else b"II*\0")),))


def _in_gif(fd: int) -> Found:
    return Found(size=_pair("<HH", Window(fd).at(6, 4)))


def _in_raf(fd: int) -> Found:
    """Return the EXIF of the preview; its pixel size is not that of the RAW."""
    preview = int.from_bytes(Window(fd).at(_RAF_PREVIEW_AT, 4), "big")
    return Found(_in_jpeg(fd, preview).blocks)


def _in_jpeg(fd: int, start: int = 0) -> Found:
    window = Window(fd, start)
    blocks: tuple[Block, ...] = ()
    at = 2
    for _ in range(_MAX_SEGMENTS):
        head = window.at(at, 10)
        if len(head) < 4 or head[0] != 0xFF:
            break
        marker, length = head[1], int.from_bytes(head[2:4], "big")
        if marker == 0xFF:  # Fill byte.
            at += 1
            continue
        if marker == 0xE1 and head[4:10] == b"Exif\0\0" and not blocks:
            blocks = (Block("Image", Window(fd, start + at + 10)),)
        if marker in _FRAME_HEADERS:
            height_and_width = _pair(">HH", window.at(at + 5, 4))
            return Found(blocks, height_and_width and (height_and_width[1], height_and_width[0]))
        if marker in {0xD9, 0xDA}:
            break
        at += 2 + length
    return Found(blocks)


def _in_png(fd: int) -> Found:
    window = Window(fd)
    size = _pair(">II", window.at(16, 8))
    at = 8
    for _ in range(_MAX_SEGMENTS):
        head = window.at(at, 8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        if head[4:] == b"eXIf":
            return Found((Block("Image", Window(fd, at + 8)),), size)
        at += 12 + int.from_bytes(head[:4], "big")
    return Found((), size)


def _in_webp(fd: int) -> Found:
    window = Window(fd)
    size: tuple[int, int] | None = None
    at = 12
    for _ in range(_MAX_SEGMENTS):
        head = window.at(at, 8)
        if len(head) < 8:
            break
        kind, length = head[:4], int.from_bytes(head[4:], "little")
        size = size or _webp_size(kind, window.at(at + 8, 10))
        if kind == b"EXIF":
            prefix = 6 if window.at(at + 8, 6) == b"Exif\0\0" else 0
            return Found((Block("Image", Window(fd, at + 8 + prefix)),), size)
        at += 8 + length + length % 2
    return Found((), size)


def _webp_size(kind: bytes, content: bytes) -> tuple[int, int] | None:
    if len(content) < 10:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", content[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _in_heif(fd: int) -> Found:
    window = Window(fd)
    meta = next((box for box in boxes(window, 0, _NO_END) if box.kind == b"meta"), None)
    if meta is None:
        return Found()
    inner = {box.kind: box for box in boxes(window, meta.start + 4, meta.end)}
    if not {b"iinf", b"iloc"} <= inner.keys():
        return Found((), _largest_image(window, inner))
    item = _exif_item(window, inner[b"iinf"])
    place = None if item is None else _item_place(window, inner, item)
    if place is None:
        return Found((), _largest_image(window, inner))
    skipped = int.from_bytes(window.at(place, 4), "big")
    return Found((Block("Image", Window(fd, place + 4 + skipped)),), _largest_image(window, inner))


def _exif_item(window: Window, iinf: Box) -> int | None:
    version = window.at(iinf.start, 1)
    first = iinf.start + (6 if version == b"\0" else 8)
    for entry in boxes(window, first, iinf.end):
        head = window.at(entry.start, 14)
        if len(head) < 12 or head[0] < 2:
            continue
        wide = 4 if head[0] == 3 else 2
        if head[4 + wide + 2 : 4 + wide + 6] == b"Exif":
            return int.from_bytes(head[4 : 4 + wide], "big")
    return None


def _item_place(window: Window, inner: dict[bytes, Box], item: int) -> int | None:
    """Return where the first extent of ``item`` begins in the file."""
    iloc = inner[b"iloc"]
    fields = _Fields(window.at(iloc.start, min(iloc.end - iloc.start, _MAX_BOX)))
    version = fields.number(4) >> 24
    sizes = fields.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version > 0 else 0
    wide = 4 if version == 2 else 2
    for _ in range(min(fields.number(wide), 1 << 16)):
        number = fields.number(wide)
        in_data_box = version > 0 and fields.number(2) & 15 == 1
        fields.number(2)
        place = fields.number(base_size)
        extents = fields.number(2)
        if extents:
            fields.skip(index_size)
            place += fields.number(offset_size)
            # Counted, not walked: extents of no size would be walked for hours without ever coming to the end.
            fields.skip(length_size + (extents - 1) * (index_size + offset_size + length_size))
        if fields.ended:
            return None
        if number == item:
            return place + (inner[b"idat"].start if in_data_box and b"idat" in inner else 0)
    return None


def _largest_image(window: Window, inner: dict[bytes, Box]) -> tuple[int, int] | None:
    """Return the largest of the stored image sizes: the whole picture, among its tiles and its thumbnail."""
    if b"iprp" not in inner:
        return None
    properties = [box for box in boxes(window, inner[b"iprp"].start, inner[b"iprp"].end) if box.kind == b"ipco"]
    sizes = [
        _pair(">II", window.at(box.start + 4, 8))
        for container in properties
        for box in boxes(window, container.start, container.end)
        if box.kind == b"ispe"
    ]
    return max((size for size in sizes if size), key=lambda size: size[0] * size[1], default=None)


def _in_cr3(fd: int) -> Found:
    """Return the blocks of a CR3: each directory is a TIFF of its own."""
    window = Window(fd)
    for moov in boxes(window, 0, _NO_END):
        if moov.kind != b"moov":
            continue
        for canon in boxes(window, moov.start, moov.end):
            if canon.kind == b"uuid" and window.at(canon.start, 16) == _CR3_CANON_BOX:
                parts = {box.kind: box for box in boxes(window, canon.start + 16, canon.end)}
                return Found(
                    tuple(Block(name, Window(fd, parts[kind].start)) for kind, name in _CR3_BLOCKS if kind in parts)
                )
    return Found()


def _pair(form: str, content: bytes) -> tuple[int, int] | None:
    if len(content) < struct.calcsize(form):
        return None
    first, second = struct.unpack(form, content)
    return (first, second) if first and second else None


class _Fields:
    """Numbers of varying width from a run of bytes; past the end they are 0 and ``ended`` is true."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at > len(self._content)

    def number(self, width: int) -> int:
        piece = self._content[self._at : self._at + width]
        self._at += width
        return int.from_bytes(piece, "big")

    def skip(self, width: int) -> None:
        self._at += width


_FINDERS: Final[dict[Format, Callable[[int], Found]]] = {
    "jpeg": _in_jpeg,
    "png": _in_png,
    "webp": _in_webp,
    "gif": _in_gif,
    "tiff": _in_tiff,
    "heif": _in_heif,
    "avif": _in_heif,
    "cr3": _in_cr3,
    "raf": _in_raf,
    "orf": _in_tiff_of_another_name,
    "rw2": _in_tiff_of_another_name,
}
