"""Names on disk: folder names made from project names, and numbered variants of a taken name."""

import unicodedata
from collections.abc import Iterator
from itertools import count
from typing import Final

MAX_NAME_BYTES: Final = 255
"""Longest name of one file or folder, in bytes of UTF-8, on every file system in use."""

_REPLACED: Final = frozenset('/\\:*?"<>|')
_NAMELESS: Final = "Project"


def folder_name(project_name: str) -> str:
    """Make the folder name of a project: as its name, with what some file system cannot hold replaced by ``_``.

    Never empty, never hidden, never over 255 bytes, and the same for the same name.
    """
    normal = unicodedata.normalize("NFC", project_name)
    name = "".join("_" if _unholdable(letter) else letter for letter in normal).strip().rstrip(". ")
    if not name:
        return _NAMELESS
    if name.startswith("."):
        name = "_" + name[1:]
    return shortened(name, MAX_NAME_BYTES).rstrip(". ")


def numbered(name: str, number: int, max_bytes: int = MAX_NAME_BYTES) -> str:
    """``name`` itself for 1, then ``name (2)``, ``name (3)``, …, shortened so that it stays within ``max_bytes``."""
    if number == 1:
        return name
    suffix = f" ({number})"
    return shortened(name, max_bytes - len(suffix)).rstrip() + suffix


def numbered_names(name: str) -> Iterator[str]:
    """``name``, ``name (2)``, ``name (3)``, … without end."""
    return (numbered(name, number) for number in count(1))


def shortened(name: str, max_bytes: int) -> str:
    """Return the longest start of ``name`` that is at most ``max_bytes`` of UTF-8, cut between letters."""
    encoded = name.encode()
    if len(encoded) <= max_bytes:
        return name
    kept = encoded[:max_bytes].decode(errors="ignore")
    while kept and unicodedata.combining(name[len(kept)]):
        kept = kept[:-1]
    return kept


def is_single_name(name: str) -> bool:
    """Whether ``name`` names an entry of one folder: not empty, no separator, no NUL, neither ``.`` nor ``..``."""
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name


def _unholdable(letter: str) -> bool:
    return letter in _REPLACED or unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}
