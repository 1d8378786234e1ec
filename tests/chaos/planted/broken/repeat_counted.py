"""An event that comes again under another sequence is folded again; only its row in the archive is left out."""

from collections.abc import Sequence
from typing import Final, TypeVar
from uuid import UUID

from photobus_common.store import event_log

ReceivedT = TypeVar("ReceivedT")

MOVE_CURSOR_AND_APPEND: Final = event_log.MOVE_CURSOR_AND_APPEND.replace(
    "\n)\nSELECT count(*)", "\n    ON CONFLICT DO NOTHING\n)\nSELECT count(*)"
)


def without_repeats(received: Sequence[ReceivedT], archived: frozenset[UUID]) -> list[ReceivedT]:
    """Leave out nothing."""
    return list(received)
