"""Which files belong to one photo, and in which order they are sent: its JPEG first, for where that goes others follow.

Pure. What belongs together is guessed by the names until photobus says it; the guess decides what is asked together.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from photobus_client.models import FileAnalysis
from photobus_client.uploads import LocalFile

Asked = tuple[LocalFile, FileAnalysis]
"""A file, and what photobus said of it."""

_KINDS: Final = ("jpg", "other", "raw", "sidecar")
_SIDECAR: Final = "xmp"
_LONGEST_ENDING: Final = 4


def groups_of(paths: Iterable[Path], most: int) -> list[list[Path]]:
    """Cut ``paths`` into groups of at most ``most``; files of one photo are in one, as far as it holds them."""
    families: dict[tuple[Path, str], list[Path]] = {}
    for path in paths:
        families.setdefault((path.parent, _stem(path.name)), []).append(path)
    groups: list[list[Path]] = []
    for family in families.values():
        if not groups or len(groups[-1]) + len(family) > most:
            groups.append([])
        for path in family:
            if len(groups[-1]) == most:
                groups.append([])
            groups[-1].append(path)
    return groups


def photos_of(asked: Iterable[Asked]) -> list[list[Asked]]:
    """Put together the files of each photo, in the order in which they are to be sent; folders count apart."""
    photos: dict[tuple[Path, str], list[Asked]] = {}
    for file, analysis in asked:
        photos.setdefault((file.path.parent, analysis.basename or file.path.name), []).append((file, analysis))
    return [sorted(files, key=_place) for files in photos.values()]


def _place(asked: Asked) -> tuple[int, str]:
    kind = asked[1].kind
    return (_KINDS.index(kind) if kind in _KINDS else len(_KINDS), asked[0].path.name)


def _stem(name: str) -> str:
    """Return the name without its ending, or both endings of such as ``A.NEF.xmp``."""
    stem, _, ending = name.rpartition(".")
    if ending.lower() == _SIDECAR:
        inner, _, ending = stem.rpartition(".")
        stem = inner if inner and len(ending) <= _LONGEST_ENDING else stem
    return stem or name
