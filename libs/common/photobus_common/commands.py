"""A command: the request to one service to run one dispatch of one job. It carries the job's id, never its items."""

from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from photobus_common import subjects
from photobus_common.events import Event, Origin
from photobus_common.events.parts import Scope, TaskSource
from photobus_common.job_types import Unit


class RunJob(BaseModel):
    """Run the job ``job_id``.

    ``first`` and ``count`` delimit its items in the task's snapshot. ``params`` are the task's. ``causation_id`` is the
    event that announced the command.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: UUID
    task_id: UUID
    task_type: str
    tenant: str
    actor: str
    job_type: str
    service: str
    lane: subjects.Lane
    priority: int
    over: Unit
    attempt: int
    dispatch: int
    first: int
    count: int
    scope: Scope
    source: TaskSource
    params: dict[str, Any] = Field(default_factory=dict)
    causation_id: UUID | None = None
    traceparent: str | None = None

    @property
    def subject(self) -> str:
        """Subject of the lane and job type."""
        return subjects.command_subject(self.lane, self.service, self.job_type)

    @property
    def message_id(self) -> str:
        """Never the same for two dispatches, so that the broker's de-duplication drops only true repeats."""
        return f"{self.job_id}:{self.attempt}:{self.dispatch}"

    @property
    def about(self) -> dict[str, Any]:
        """The fields that every event about this run of the job has: ``JobStarted(**command.about, holder=…)``."""
        names = ("task_id", "task_type", "job_id", "attempt", "job_type", "scope", "source")
        return {name: getattr(self, name) for name in names}

    def caused_by(self, event: Event) -> Self:
        """Return the command with ``event`` as its cause, which is then that of every event of the run."""
        return self.model_copy(update={"causation_id": event.id, "traceparent": event.traceparent})

    def origin(self, source: str) -> Origin:
        """Return the origin of the events that ``source`` says of this run."""
        return Origin(source, self.tenant, self.actor, self.task_id, self.causation_id, self.traceparent)

    def encode(self) -> bytes:
        """UTF-8 JSON."""
        return self.model_dump_json(exclude_defaults=True).encode()
