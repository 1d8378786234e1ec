"""Reading events of any age: each stored version is lifted step by step to the newest one.

``UPCASTERS[(type, n)]`` turns the data of version n into that of n + 1. Each has a stored old payload as its test.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from photobus_common.errors import PhotobusError
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.envelope import Event, EventData

DataT = TypeVar("DataT", bound=EventData)
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
Narrowing = Callable[[dict[str, Any]], dict[str, Any]]

_BEGIN: Final = re.compile(rb'\{"specversion":"1\.0","id":"[^"]*","source":"[^"]*","type":"(\w+)"')
"""How photobus begins every event, up to its type."""

UPCASTERS: Final[dict[tuple[str, int], Upcaster]] = {}


class UnreadableEventError(PhotobusError):
    """A stored event that this version cannot read: unknown type, or newer than this code."""

    code = "unreadable_event"


@dataclass(slots=True)
class _Document(Generic[DataT]):
    """What is read of a document; it has more that its event does not need."""

    id: UUID
    time: datetime
    source: str
    tenant: str
    actor: str
    schemaversion: int
    data: DataT
    correlationid: UUID | None = None
    causationid: UUID | None = None
    traceparent: str | None = None


def _whole(data: dict[str, Any]) -> dict[str, Any]:
    return data


def decode(payload: bytes | str, narrow: Narrowing = _whole) -> Event:
    """Read one stored CloudEvents document, upcasting its data to the newest version.

    ``narrow`` may leave parts of the data out, for who needs few of very many.
    """
    event = _as_it_is_said_now(payload) if narrow is _whole else None
    return event or _lifted(payload, narrow)


def _as_it_is_said_now(payload: bytes | str) -> Event | None:
    """Read an event of the newest version as photobus writes it, in one go; None for any other, which takes longer."""
    text = payload.encode() if isinstance(payload, str) else payload
    begin = _BEGIN.match(text)
    reader = None if begin is None else _readers().get(begin[1])
    if reader is None:
        return None
    try:
        said = reader.validate_json(text)
    except ValidationError:
        return None
    if said.schemaversion != said.data.VERSION:
        return None
    return Event.model_construct(
        id=said.id,
        time=said.time,
        source=said.source,
        tenant=said.tenant,
        actor=said.actor,
        correlation_id=said.correlationid,
        causation_id=said.causationid,
        traceparent=said.traceparent,
        data=said.data,
    )


@cache
def _readers() -> dict[bytes, TypeAdapter[_Document[Any]]]:
    return {word.encode(): TypeAdapter(_Document[model]) for word, model in CATALOGUE.items()}  # type: ignore[valid-type]


def _lifted(payload: bytes | str, narrow: Narrowing) -> Event:
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
