"""File names: which photo and which kind of file a name stands for, and which names are refused."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from photobus_common.config import Uploader

FileKind = Literal["jpg", "raw", "other", "sidecar"]
NameRefusal = Literal["not_text", "empty", "hidden", "separator", "control_character", "too_long", "not_accepted"]

MAX_NAME_BYTES: Final = 255
LONGEST_DERIVATIVE_SUFFIX: Final = ".webp"
"""Derivatives are called after the basename, so basename and this suffix must fit into one name too."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
"""Every character of the category Cc."""

_REASONS: Final[dict[NameRefusal, str]] = {
    "not_text": "The name is not UTF-8.",
    "empty": "The name is empty.",
    "hidden": "Names that begin with a dot are hidden and never photos.",
    "separator": "The name holds a path separator.",
    "control_character": "The name holds a control character.",
    "too_long": f"The name, or that of its derivatives, is over {MAX_NAME_BYTES} bytes.",
    "not_accepted": "Files of this type are not accepted.",
}


@dataclass(frozen=True)
class ParsedName:
    """``basename`` names the photo in its project; ``extension`` is in lower case and without its dot.

    For a sidecar (``DSC01.ARW.xmp``, ``DSC01.xmp``) the basename is that of the photo it belongs to.
    """

    name: str
    basename: str
    kind: FileKind
    extension: str


@dataclass(frozen=True)
class RefusedName:
    """Why a name is refused: a stable word, and a sentence for people."""

    name: str
    code: NameRefusal

    @property
    def reason(self) -> str:
        """The refusal in a sentence."""
        return _REASONS[self.code]


def parse(name: str, uploader: Uploader) -> ParsedName | RefusedName:
    """Say what ``name`` stands for under the accepted files of ``uploader``, or why it is refused."""
    if (refusal := _unfit(name)) is not None:
        return RefusedName(name, refusal)
    stem, extension = _split(name)
    if extension in uploader.sidecars:
        inner, inner_extension = _split(stem)
        basename = inner if kind_of(inner_extension, uploader) is not None else stem
        return _within_limits(ParsedName(name, basename, "sidecar", extension))
    kind = kind_of(extension, uploader)
    if kind is None:
        return RefusedName(name, "not_accepted")
    return _within_limits(ParsedName(name, stem, kind, extension))


def kind_of(extension: str, uploader: Uploader) -> FileKind | None:
    """Return the kind of photo files with ``extension`` (any case, no dot), or None where none is accepted."""
    wanted = extension.lower()
    for kind, extensions in uploader.accepted_files.items():
        if wanted in extensions:
            return kind
    return None


def renamed(parsed: ParsedName, basename: str) -> str:
    """Return the file's name for another photo's ``basename``, everything behind the basename kept."""
    return basename + parsed.name[len(parsed.basename) :]


def sidecar_names(parsed: ParsedName, uploader: Uploader) -> tuple[str, ...]:
    """Return the names that a sidecar of this file may have, the more particular first; none that no folder holds."""
    endings = [ending for word in uploader.sidecars for ending in (word, word.upper())]
    names = (f"{stem}.{ending}" for stem in (parsed.name, parsed.basename) for ending in endings)
    return tuple(name for name in names if len(name.encode()) <= MAX_NAME_BYTES)


def _unfit(name: str) -> NameRefusal | None:
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "not_text"
    rules: tuple[tuple[bool, NameRefusal], ...] = (
        (not name, "empty"),
        (name.startswith("."), "hidden"),
        ("/" in name or "\\" in name, "separator"),
        (_CONTROL.search(name) is not None, "control_character"),
        (length > MAX_NAME_BYTES, "too_long"),
    )
    return next((code for broken, code in rules if broken), None)


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, extension.lower()) if dot and stem else (name, "")


def _within_limits(parsed: ParsedName) -> ParsedName | RefusedName:
    if len((parsed.basename + LONGEST_DERIVATIVE_SUFFIX).encode()) > MAX_NAME_BYTES:
        return RefusedName(parsed.name, "too_long")
    return parsed
