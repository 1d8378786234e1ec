"""Asking for a task: the one place where ``TaskRequested`` is made, whoever wants the task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from photobus_common.definitions import TaskDefinition
from photobus_common.errors import NotProvidedError
from photobus_common.events import Event, Origin
from photobus_common.events.parts import TaskSource
from photobus_common.events.tasks import Targets, TaskRequested
from photobus_common.store.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Ask:
    """A task as it will be requested; ``label`` is by default that of its definition."""

    definition: TaskDefinition
    targets: Targets
    params: Mapping[str, Any] = field(default_factory=dict)
    source: TaskSource = "user"
    label: str | None = None
    retry_of: UUID | None = None
    undo_of: UUID | None = None


def request_task(work: UnitOfWork, origin: Origin, ask: Ask) -> Event:
    """Emit ``TaskRequested`` in ``work``; the event's id is the task's, so that the outbox answers for a new task.

    Raises ``NotProvidedError`` when no service of this version runs one of the definition's job types.
    """
    refuse_unprovided(ask.definition)
    task_id = origin.new_id()
    event = origin.event(
        TaskRequested(
            task_id=task_id,
            task_type=ask.definition.type,
            scope=ask.definition.scope,
            source=ask.source,
            label=ask.label or ask.definition.label,
            targets=ask.targets,
            params=dict(ask.params),
            retry_of=ask.retry_of,
            undo_of=ask.undo_of,
        ),
        event_id=task_id,
    )
    work.emit(event)
    return event


def refuse_unprovided(definition: TaskDefinition) -> None:
    """Raise ``NotProvidedError``, naming the job types, for a definition that could never run to its end."""
    if definition.missing_job_types:
        names = ", ".join(definition.missing_job_types)
        raise NotProvidedError(f"{definition.type} needs job types that this version does not provide: {names}.")
