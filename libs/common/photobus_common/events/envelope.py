"""The form of every event: a CloudEvents 1.0 JSON document (https://github.com/cloudevents/spec).

``type`` is a stable word, ``schemaversion`` counts the changes of its data; extensions carry who, for which task and
because of what. Old versions are upcast at read (``upcasting``), so that the rest of the code knows only the newest.
"""

import json
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SerializeAsAny

from photobus_common.storable import holds_nul

MAX_EVENT_BYTES: Final = 256 * 1024
"""Largest event, headers counted."""

HEADER_ALLOWANCE: Final = 1024
"""Room kept for the message's headers (id and trace context) below ``MAX_EVENT_BYTES``."""


class EventData(BaseModel):
    """Base of what an event says. ``TYPE`` and ``VERSION`` are stored and never change their meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1

    def subject(self, tenant: str) -> str:
        """Where in the log this event goes."""
        raise NotImplementedError

    def changed_photo_ids(self) -> tuple[int, ...]:
        """Photos that this event tells a change of; the archive indexes them for their history."""
        return ()

    def task(self) -> UUID | None:
        """Return the task whose fold reads this event, if any."""
        return None

    def project(self) -> int | None:
        """Return the project that this event tells of, if any."""
        return None


class Event(BaseModel):
    """One fact of the log, with everything that is known of its origin."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    time: datetime
    source: str
    tenant: str
    actor: str
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    traceparent: str | None = None
    data: SerializeAsAny[EventData]

    @property
    def type(self) -> str:
        """The stable word for what happened."""
        return self.data.TYPE

    @property
    def subject(self) -> str:
        """Where in the log this event goes."""
        return self.data.subject(self.tenant)


def to_document(event: Event) -> dict[str, Any]:
    """``event`` as a CloudEvents JSON object."""
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(event.id),
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "datacontenttype": "application/json",
        "schemaversion": event.data.VERSION,
        "tenant": event.tenant,
        "actor": event.actor,
        "data": event.data.model_dump(mode="json", exclude_none=True),
    }
    if event.correlation_id is not None:
        document["correlationid"] = str(event.correlation_id)
    if event.causation_id is not None:
        document["causationid"] = str(event.causation_id)
    if event.traceparent is not None:
        document["traceparent"] = event.traceparent
    return document


def encode(event: Event) -> bytes:
    """Return the UTF-8 JSON of ``event``.

    Raises ``ValueError`` when it is over the limit (a bug of the batching), or holds what no projection could store: in
    the log it would stop the fold for ever.
    """
    document = to_document(event)
    payload = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    if b"\\u0000" in payload and holds_nul(document):
        raise ValueError(f"{event.type} holds the character U+0000")
    if len(payload) > MAX_EVENT_BYTES - HEADER_ALLOWANCE:
        raise ValueError(f"{event.type} of {len(payload)} bytes is over {MAX_EVENT_BYTES - HEADER_ALLOWANCE}")
    return payload
