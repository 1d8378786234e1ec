"""Turns of phrase that the sentences of a history share. Pure."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

from photobus_common.events import EventData

DataT = TypeVar("DataT", bound=EventData)

NAMED: Final = 3
"""How many of a list are named; of the others it is said how many they are."""

Sentence = Callable[[EventData], str]
"""Says in one sentence, without the stop at its end, what an event tells."""


def sentence_of(model: type[DataT], sentence: Callable[[DataT], str]) -> tuple[type[EventData], Sentence]:
    """Pair a type of event with its sentence, which takes the data in its own type."""
    return model, lambda data: sentence(cast("DataT", data))


def quoted(name: str) -> str:
    """Return a name in quotation marks."""
    return f"“{name}”"


def counted(number: int, thing: str, things: str | None = None) -> str:
    """Say how many there are of a thing."""
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


def listed(names: Sequence[str]) -> str:
    """Name some things, and say how many more there are."""
    if len(names) <= NAMED:
        return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def size(number: int) -> str:
    """Say how much that many bytes are."""
    amount = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:  # noqa: PLR2004  from one unit to the next
            return f"{number} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def plain(word: str) -> str:
    """Return a stable word, such as a job type, as people write it."""
    return word.replace("_", " ")


def outcome(done: int, failed: int, skipped: int) -> str:
    """Say what became of items."""
    told = [f"{number} {what}" for number, what in ((failed, "failed"), (skipped, "skipped")) if number]
    return ", ".join([f"{counted(done, 'item')} done", *told])
