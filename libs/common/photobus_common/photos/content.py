"""What a file is by its first bytes, whatever its name says."""

from typing import Final, Literal

Format = Literal[
    "jpeg", "png", "gif", "webp", "tiff", "heif", "avif",
    "cr3", "crw", "raf", "orf", "rw2", "x3f", "xmp",
]  # fmt: skip

HEAD_BYTES: Final = 4096
"""As many first bytes as ``sniff`` wants; fewer only when the file is shorter."""

_MAGIC: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"FUJIFILMCCD-RAW", "raf"),
    (b"IIRO", "orf"),
    (b"IIRS", "orf"),
    (b"MMOR", "orf"),
    (b"IIU\0", "rw2"),
    (b"II\x1a\0\0\0HEAPCCDR", "crw"),
    (b"FOVb", "x3f"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
)

_HEIF_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})

_BY_EXTENSION: Final[dict[str, frozenset[Format]]] = {
    "jpg": frozenset({"jpeg"}),
    "jpeg": frozenset({"jpeg"}),
    "png": frozenset({"png"}),
    "gif": frozenset({"gif"}),
    "webp": frozenset({"webp"}),
    "tif": frozenset({"tiff"}),
    "tiff": frozenset({"tiff"}),
    "heic": frozenset({"heif"}),
    "heif": frozenset({"heif"}),
    "avif": frozenset({"avif"}),
    "xmp": frozenset({"xmp"}),
    "cr3": frozenset({"cr3"}),
    "crw": frozenset({"crw"}),
    "raf": frozenset({"raf"}),
    "orf": frozenset({"orf", "tiff"}),
    "x3f": frozenset({"x3f"}),
}
_OTHER_RAW: Final[frozenset[Format]] = frozenset({"tiff", "rw2", "raf", "orf", "crw", "cr3", "x3f"})
"""Makers reuse extensions (``.raw``) and change containers (``.rwl``): any RAW container serves for the rest."""


def sniff(head: bytes) -> Format | None:
    """Return the format of a file that begins with ``head`` (``HEAD_BYTES`` of it), or None when it is none of ours."""
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    return "xmp" if _is_markup(head) else None


def matches(extension: str, found: Format | None) -> bool:
    """Whether content of the format ``found`` may have ``extension`` (lower case, no dot)."""
    return found is not None and found in _BY_EXTENSION.get(extension, _OTHER_RAW)


def _by_brands(head: bytes) -> Format | None:
    """Tell ISO media files apart: by the major brand, and where that is a general one by the compatible ones."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    if brands[0] == b"crx ":
        return "cr3"
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "avif"
        if brand in _HEIF_BRANDS - {b"mif1", b"msf1"}:
            return "heif"
    return "heif" if brands[0] in _HEIF_BRANDS else None


def _is_markup(head: bytes) -> bool:
    """Whether ``head`` begins as the XML of a sidecar does, in any of the encodings that XMP allows."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, errors="replace").lstrip().startswith("<")
    return head.lstrip().startswith((b"<?xpacket", b"<x:xmpmeta", b"<?xml", b"<rdf:RDF"))
