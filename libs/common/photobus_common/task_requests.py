"""Asking for a task: the one place where ``TaskRequested`` is made, for the API and for tasks that uploads cause."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from photobus_common.definitions import TaskDefinition
from photobus_common.errors import NotProvidedError
from photobus_common.events import Event, Origin
from photobus_common.events.parts import TaskSource
from photobus_common.events.tasks import Targets, TaskRequested
from photobus_common.store.unit_of_work import UnitOfWork


def request_task(
    work: UnitOfWork,
    origin: Origin,
    definition: TaskDefinition,
    targets: Targets,
    params: Mapping[str, Any],
    source: TaskSource,
    label: str,
    retry_of: UUID | None = None,
) -> Event:
    """Emit ``TaskRequested`` in ``work``; the event's id is the task's, so that the outbox answers for a new task.

    Raises ``NotProvidedError`` when no service of this version runs one of the definition's job types.
    """
    refuse_unprovided(definition)
    task_id = origin.new_id()
    event = origin.event(
        TaskRequested(
            task_id=task_id,
            task_type=definition.type,
            scope=definition.scope,
            source=source,
            label=label,
            targets=targets,
            params=dict(params),
            retry_of=retry_of,
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
