"""The columns of an archived event: they are there to be searched by, and say what its payload says."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from photobus_common.store.event_log import Entry
from photobus_orchestrator.fold import Received, archived

_COMPARED: Final = tuple(field.name for field in fields(Entry))


def differences(entry: Entry, received: Received) -> Iterator[str]:
    """Yield each column of ``entry`` that is not what ``received``, its payload, says."""
    expected = archived(received, entry.hash)
    if expected == entry:
        return
    for name in _COMPARED:
        seen, said = getattr(entry, name), getattr(expected, name)
        if seen != said:
            yield f"event_log {entry.seq}: {name} is {_shown(seen)}, by its payload {_shown(said)}"


def _shown(value: object) -> str:
    return repr(value) if value is None or isinstance(value, int | str) else repr(str(value))
