"""Telling files that somebody may still be writing from those that lie there."""

import time
from collections.abc import Callable
from typing import Final

from photobus_common.config import Maintenance
from photobus_common.storage.folder import Entry

_NANOSECONDS: Final = 1_000_000_000
_AHEAD_NS: Final = 24 * 3600 * _NANOSECONDS
"""A time so far ahead was set by a camera or a copy: writing a file gives it that of the moment."""


def settling(settings: Maintenance) -> Callable[[Entry], bool]:
    """Return what says whether a file may still be being written, by the time of its last change, as of now."""
    now = time.time_ns()
    young = now - int(settings.settle_seconds * _NANOSECONDS)
    ahead = now + _AHEAD_NS

    def settles(entry: Entry) -> bool:
        return young <= entry.mtime_ns <= ahead

    return settles
