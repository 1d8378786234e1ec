"""Names that are one to some file systems and people, and two to others: by Unicode's forms, and by case. Pure."""

import unicodedata
from collections.abc import Iterable


def spelt_alike(name: str) -> str:
    """Return what all spellings of a name have in common."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def respelt(lost: Iterable[str], found: Iterable[str]) -> dict[str, str]:
    """Return which of the names that are ``lost`` was ``found`` under another spelling, where that is certain.

    Each must be the only one that the other can be.
    """
    by_lost, by_found = _grouped(lost), _grouped(found)
    return {
        names[0]: by_found[alike][0]
        for alike, names in by_lost.items()
        if len(names) == 1 and len(by_found.get(alike, ())) == 1
    }


def _grouped(names: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(spelt_alike(name), []).append(name)
    return groups
