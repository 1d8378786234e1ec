"""Conditional and partial requests (RFC 9110, sections 13 and 14). Pure: headers in, what to send out."""

import re
from dataclasses import dataclass
from typing import Final

_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RANGE: Final = re.compile(r"^\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*$", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """Bytes ``start`` to ``stop`` - 1 of a representation of ``size`` bytes."""

    start: int
    stop: int
    size: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.stop - self.start

    @property
    def content_range(self) -> str:
        """Value of ``Content-Range``."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


class UnsatisfiableRangeError(ValueError):
    """The range asked for lies beyond the representation."""


def is_current(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has the representation with the strong ``etag`` already (so that 304 is the answer)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in {tag.removeprefix("W/") for tag in _TAG.findall(if_none_match)}


def wanted_part(range_header: str | None, if_range: str | None, etag: str, size: int) -> Part | None:
    """Return the part that is asked for, or None when the whole is to be sent.

    Several ranges, other units and what cannot be read count as not asked; so does a range of another version.
    Raises ``UnsatisfiableRangeError``.
    """
    if range_header is None or (if_range is not None and if_range.strip() != etag):
        return None
    match = _RANGE.match(range_header)
    if match is None or not (match[1] or match[2]):
        return None
    start, stop = _bounds(match[1], match[2], size)
    if match[1] and match[2] and int(match[2]) < int(match[1]):
        return None
    if start >= stop:
        raise UnsatisfiableRangeError
    return Part(start, stop, size)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size
