"""What a file is by its first bytes."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from images import animated, avif, dng, heic, jpeg, png, png_16_bit, tiff, webp

from photobus_common.config import Uploader
from photobus_common.photos.content import HEAD_BYTES, Format, matches, sniff

MADE: dict[str, tuple[Callable[[], bytes], Format]] = {
    "jpg": (jpeg, "jpeg"),
    "png": (png, "png"),
    "png16": (png_16_bit, "png"),
    "gif": (lambda: animated("GIF"), "gif"),
    "webp": (webp, "webp"),
    "tif": (tiff, "tiff"),
    "avif": (avif, "avif"),
    "heic": (heic, "heif"),
    "dng": (dng, "tiff"),
}


def iso(major: bytes, *compatible: bytes) -> bytes:
    brands = major + bytes(4) + b"".join(compatible)
    return (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + b"mdat"


HEADS: dict[str, tuple[bytes, Format | None]] = {
    "Canon CR2": (b"II*\0\x10\0\0\0CR\x02\0", "tiff"),
    "Nikon NEF": (b"MM\0*\0\0\0\x08", "tiff"),
    "BigTIFF": (b"II+\0\x08\0\0\0", "tiff"),
    "Canon CR3": (iso(b"crx ", b"crx ", b"isom"), "cr3"),
    "Canon CRW": (b"II\x1a\0\0\0HEAPCCDR", "crw"),
    "Fujifilm RAF": (b"FUJIFILMCCD-RAW 0201", "raf"),
    "Olympus ORF": (b"IIRO\x08\0\0\0", "orf"),
    "Olympus ORF, older": (b"IIRS\x08\0\0\0", "orf"),
    "Panasonic RW2": (b"IIU\0\x18\0\0\0", "rw2"),
    "Sigma X3F": (b"FOVb\0\0\x02\0", "x3f"),
    "HEIC of a phone": (iso(b"heic", b"mif1", b"heic"), "heif"),
    "HEIF with a general major brand": (iso(b"mif1", b"mif1", b"heic"), "heif"),
    "AVIF with a general major brand": (iso(b"mif1", b"mif1", b"avif"), "avif"),
    "AVIF sequence": (iso(b"avis", b"avif"), "avif"),
    "film": (iso(b"isom", b"mp42"), None),
    "XMP": (b"<?xpacket begin=", "xmp"),
    "XMP with a byte order mark": (b"\xef\xbb\xbf<x:xmpmeta", "xmp"),
    "XMP in UTF-16": ("\ufeff<x:xmpmeta".encode("utf-16-le"), "xmp"),
    "text": (b"Hello", None),
    "script": (b"<script>", None),
    "WAV": (b"RIFF\0\0\0\0WAVEfmt ", None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize("made", MADE)
def test_formats_that_we_can_make(made: str) -> None:
    make, expected = MADE[made]
    assert sniff(make()[:HEAD_BYTES]) == expected


@pytest.mark.parametrize("name", HEADS)
def test_heads(name: str) -> None:
    head, expected = HEADS[name]
    assert sniff(head) == expected


def test_each_accepted_extension_has_content_that_it_may_have() -> None:
    formats = [found for _, found in MADE.values()] + [found for _, found in HEADS.values()]
    for kind, extensions in Uploader().accepted_files.items():
        for extension in extensions:
            assert any(matches(extension, found) for found in formats), (kind, extension)


@pytest.mark.parametrize(
    ("extension", "found"),
    [
        ("jpg", "png"),
        ("png", "jpeg"),
        ("heic", "jpeg"),
        ("cr2", "jpeg"),
        ("dng", "xmp"),
        ("xmp", "tiff"),
        ("jpg", None),
    ],
)
def test_content_of_another_type_does_not_match(extension: str, found: Format | None) -> None:
    assert not matches(extension, found)


@given(st.binary(max_size=64))
def test_any_bytes_may_be_looked_at(head: bytes) -> None:
    sniff(head)
    sniff(b"\0\0\0\x20ftyp" + head)
