"""How the code inside a decoder says that a photo cannot be shown, and what the libraries' complaints mean."""

from typing import Final

from photobus_derivatives.protocol import Reason

_WORDS: Final[tuple[tuple[str, Reason], ...]] = (
    ("out of memory", "memory_limit"),
    ("memory allocation", "memory_limit"),
    ("insufficient memory", "memory_limit"),
    ("unsufficient memory", "memory_limit"),
    ("cannot allocate memory", "memory_limit"),
    ("mempool overflowed", "memory_limit"),
    ("failed to allocate", "memory_limit"),
    ("bad_alloc", "memory_limit"),
    ("memoryerror", "memory_limit"),
    ("security limit", "memory_limit"),
    ("premature end", "truncated"),
    ("unexpected end", "truncated"),
    ("read error", "truncated"),
    ("input/output error", "truncated"),
    ("end of stream", "truncated"),
    ("end of file", "truncated"),
    ("bad seek", "truncated"),
    ("unable to parse image", "truncated"),
    ("not in a known format", "not_an_image"),
    ("unsupported", "unsupported_format"),
)
"""Searched in this order in the complaint, in lower case; no match means ``corrupt``."""


class RefusalError(Exception):
    """The photo has no derivatives, for ``reason``."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


def reason_of(complaint: str) -> Reason:
    """Return what a library's ``complaint`` about an image stands for."""
    lowered = complaint.lower()
    return next((reason for words, reason in _WORDS if words in lowered), "corrupt")
