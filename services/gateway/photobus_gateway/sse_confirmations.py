"""What a live-update client is told of confirmations. Pure, as all of ``sse_events``."""

from typing import Any, Final

from photobus_common.events import Event
from photobus_common.events.confirmations import (
    ConfirmationAnswered,
    ConfirmationEvent,
    ConfirmationExpired,
    ConfirmationRequested,
)
from photobus_common.store.confirmations import ConfirmationStatus
from photobus_gateway.sse_messages import Expansion, SseEvent, expansion_of


def _confirmation(name: str, status: ConfirmationStatus, data: ConfirmationEvent, **more: Any) -> list[SseEvent]:
    body = {
        "id": str(data.confirmation_id),
        "task_id": str(data.task_id),
        "task_type": data.task_type,
        "project_id": data.project_id,
        "project_folder": data.project_folder,
        "status": status,
        **more,
    }
    return [SseEvent("jobs", name, body)]


def _requested(data: ConfirmationRequested, _event: Event) -> list[SseEvent]:
    told = {"job_type": data.job_type, "reason": data.reason, "lacking": data.lacking, "photos": data.photos}
    return _confirmation("confirmation_requested", "open", data, job_id=str(data.job_id), **told)


def _answered(data: ConfirmationAnswered, event: Event) -> list[SseEvent]:
    status: ConfirmationStatus = "confirmed" if data.confirmed else "refused"
    return _confirmation("confirmation_answered", status, data, answered_by=event.actor)


def _expired(data: ConfirmationExpired, _event: Event) -> list[SseEvent]:
    return _confirmation("confirmation_expired", "expired", data, why=data.why)


HANDLERS: Final[dict[str, Expansion]] = dict(
    (
        expansion_of(ConfirmationRequested, _requested),
        expansion_of(ConfirmationAnswered, _answered),
        expansion_of(ConfirmationExpired, _expired),
    ),
)
