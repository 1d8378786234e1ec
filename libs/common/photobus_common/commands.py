"""A command: the request to one service to run one dispatch of one job. It carries the job's id, never its items."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from photobus_common import subjects
from photobus_common.events.catalogue import Scope, TaskSource
from photobus_common.job_types import Unit


class RunJob(BaseModel):
    """Run the job ``job_id``.

    ``first`` and ``count`` delimit its items in the task's snapshot. ``params`` are the task's.
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

    def encode(self) -> bytes:
        """UTF-8 JSON."""
        return self.model_dump_json(exclude_defaults=True).encode()
