"""Cutting lists into events that stay under the byte limit."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from pydantic import BaseModel

from photobus_common.events.envelope import HEADER_ALLOWANCE, MAX_EVENT_BYTES

PartT = TypeVar("PartT", bound=BaseModel)

ENVELOPE_ALLOWANCE: Final = 8 * 1024
"""Room for the envelope's own fields; names of 255 bytes may be escaped several times."""

MAX_PARTS: Final = 2000
"""Most items of one event, as of one request."""


def cut_by_bytes(parts: Sequence[PartT]) -> Iterator[tuple[PartT, ...]]:
    """Cut ``parts`` into runs, in order, each of which fits into one event."""
    budget = MAX_EVENT_BYTES - HEADER_ALLOWANCE - ENVELOPE_ALLOWANCE
    batch: list[PartT] = []
    used = 0
    for part in parts:
        size = len(part.model_dump_json().encode()) + 1
        if batch and (used + size > budget or len(batch) == MAX_PARTS):
            yield tuple(batch)
            batch, used = [], 0
        batch.append(part)
        used += size
    if batch:
        yield tuple(batch)
