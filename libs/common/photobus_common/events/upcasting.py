"""Reading events of any age: each stored version is lifted step by step to the newest one.

``UPCASTERS[(type, n)]`` turns the data of version n into that of n + 1. Each has a stored old payload as its test.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from photobus_common.errors import PhotobusError
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.envelope import Event

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
Narrowing = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: Final[dict[tuple[str, int], Upcaster]] = {}


class UnreadableEventError(PhotobusError):
    """A stored event that this version cannot read: unknown type, or newer than this code."""

    code = "unreadable_event"


def _whole(data: dict[str, Any]) -> dict[str, Any]:
    return data


def decode(payload: bytes | str, narrow: Narrowing = _whole) -> Event:
    """Read one stored CloudEvents document, upcasting its data to the newest version.

    ``narrow`` may leave parts of the data out, for who needs few of very many.
    """
    document: dict[str, Any] = json.loads(payload)
    word = document["type"]
    model = CATALOGUE.get(word)
    if model is None:
        raise UnreadableEventError(f"Unknown event type {word!r}.")
    data = narrow(upcast(word, int(document["schemaversion"]), document["data"]))
    return Event(
        id=document["id"],
        time=document["time"],
        source=document["source"],
        tenant=document["tenant"],
        actor=document["actor"],
        correlation_id=document.get("correlationid"),
        causation_id=document.get("causationid"),
        traceparent=document.get("traceparent"),
        data=model.model_validate(data),
    )


def upcast(word: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
    """Lift ``data`` of the event ``word`` from ``version`` to the newest version."""
    newest = CATALOGUE[word].VERSION
    if version > newest:
        raise UnreadableEventError(f"{word} version {version} is newer than this photobus, which knows {newest}.")
    for step in range(version, newest):
        data = UPCASTERS[(word, step)](data)
    return data
