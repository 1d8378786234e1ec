"""Tasks told event by event, for tests of the orchestrator: a request, what workers say, and a fold in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from photobus_common.commands import RunJob
from photobus_common.config import Jobs, Pipeline
from photobus_common.definitions import Definitions, load_definitions
from photobus_common.events import Event, Origin
from photobus_common.events.confirmations import (
    ConfirmationAnswered,
    ConfirmationExpired,
    ConfirmationRequested,
    JobWaiting,
)
from photobus_common.events.parts import TaskSource
from photobus_common.events.tasks import (
    JobAttemptFailed,
    JobCompleted,
    JobHandedBack,
    JobLost,
    JobProgress,
    JobQueued,
    JobStarted,
    Targets,
    TargetsResolved,
    TargetsUnresolvable,
    TaskCancelRequested,
    TaskEvent,
    TaskRequested,
)
from photobus_orchestrator.domain.decide import decide
from photobus_orchestrator.domain.plan import Rules, command_of
from photobus_orchestrator.domain.reaction import Transition, react
from photobus_orchestrator.domain.state import NotRequested, State, TaskState, job_id

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TASK = UUID("00000000-0000-4000-8000-000000000001")
CONFIRMATION = UUID("00000000-0000-4000-8000-00000000000c")
TENANT = "user_0"
DEFINITIONS: Definitions = load_definitions()


def rules(*, definitions: Definitions = DEFINITIONS, jobs: Jobs | None = None, **pipeline: Any) -> Rules:
    """Rules with the defaults of the settings, but for ``pipeline`` and ``jobs``."""
    return Rules(definitions, Pipeline(**pipeline), jobs or Jobs())


@dataclass
class Narrator:
    """Makes the events of one task, a second apart, with ids that repeat from run to run."""

    task_type: str = "generate_derivatives"
    task: UUID = TASK
    source: TaskSource = "user"
    start: datetime = START
    definitions: Definitions = field(default_factory=lambda: DEFINITIONS)
    numbers: Iterator[int] = field(default_factory=count)

    def event(self, data: TaskEvent) -> Event:
        """Say ``data`` as the next event."""
        number = next(self.numbers)
        origin = Origin("/test", TENANT, "ada", clock=lambda: self.start + timedelta(seconds=number))
        return origin.event(data, event_id=uuid5(self.task, f"told {number}"))

    def requested(self, targets: Targets | int, **fields: Any) -> Event:
        """Ask for the task, over ``targets`` or that many photos of one project."""
        if isinstance(targets, int):
            targets = photos(targets)
        scope = self.definitions[self.task_type].scope if self.task_type in self.definitions else "photo_set"
        data = TaskRequested(
            task_id=self.task,
            task_type=self.task_type,
            scope=scope,
            source=self.source,
            label="A task",
            targets=targets,
            **fields,
        )
        return self.event(data)

    def cancel(self, **why: str) -> Event:
        """Ask for the task's cancellation."""
        return self.event(TaskCancelRequested(**self._task, **why))

    def resolved(self, part: int = 0, parts: int = 1, total: int = 1, size: int = 2000) -> Event:
        """Give one part of the snapshot."""
        first = part * size
        ids = tuple(range(first, min(first + size, total)))
        data = TargetsResolved(
            **self._task,
            part=part,
            parts=parts,
            first=first,
            total=total,
            photo_ids=ids,
            project_ids=tuple(1 for _ in ids),
        )
        return self.event(data)

    def unresolvable(self) -> Event:
        """Say that there is no snapshot."""
        return self.event(TargetsUnresolvable(**self._task, code="targets_unresolvable", reason="no such filter"))

    def started(self, attempt: int = 1, *, step: int = 0, index: int = 0) -> Event:
        """Let a worker take a job."""
        return self.event(JobStarted(**self._job(attempt, step, index), holder="worker-1"))

    def progress(self, attempt: int = 1, *, done: int = 1, step: int = 0, index: int = 0) -> Event:
        """Let a worker say how far it is."""
        return self.event(JobProgress(**self._job(attempt, step, index), done=done, total=10))

    def handed_back(self, attempt: int = 1, *, step: int = 0, index: int = 0) -> Event:
        """Let a worker give a job back."""
        return self.event(JobHandedBack(**self._job(attempt, step, index), reason="drain"))

    def fault(self, attempt: int = 1, *, retryable: bool = True, step: int = 0, index: int = 0) -> Event:
        """Let an attempt fail."""
        data = JobAttemptFailed(
            **self._job(attempt, step, index),
            code="storage_unavailable",
            reason="the disk is away",
            retryable=retryable,
        )
        return self.event(data)

    def lost(self, attempt: int = 1, dispatch: int = 1, *, step: int = 0, index: int = 0) -> Event:
        """Let the rescuer find a job without claim and message."""
        return self.event(JobLost(**self._job(attempt, step, index), dispatch=dispatch))

    def waiting(self, attempt: int = 1, dispatch: int = 1, *ids: UUID, step: int = 0, index: int = 0) -> Event:
        """Let a job wait for confirmations, for ``CONFIRMATION`` if none is named."""
        told = ids or (CONFIRMATION,)
        return self.event(JobWaiting(**self._job(attempt, step, index), dispatch=dispatch, confirmation_ids=told))

    def asked(self, confirmation: UUID) -> Event:
        """Let a job ask a person."""
        about = {"confirmation_id": confirmation, "job_id": job_id(self.task, 0, 0), "job_type": "folder_check"}
        return self.event(ConfirmationRequested(**self._task, **about, reason="much is gone", lacking=30, photos=40))

    def answered(self, confirmation: UUID | None = None, *, confirmed: bool = True) -> Event:
        """Let a person answer."""
        named = confirmation or CONFIRMATION
        return self.event(ConfirmationAnswered(**self._task, confirmation_id=named, confirmed=confirmed))

    def expired(self, confirmation: UUID | None = None) -> Event:
        """Let a confirmation be of no use any more."""
        named = confirmation or CONFIRMATION
        return self.event(ConfirmationExpired(**self._task, confirmation_id=named, why="project_gone"))

    def completed(self, attempt: int = 1, *, step: int = 0, index: int = 0, **counts: int) -> Event:
        """Let a worker finish a job."""
        outcome = {"done": 1, "failed": 0, "skipped": 0} | counts
        return self.event(JobCompleted(**self._job(attempt, step, index), **outcome))

    @property
    def _task(self) -> dict[str, Any]:
        return {"task_id": self.task, "task_type": self.task_type}

    def _job(self, attempt: int, step: int, index: int) -> dict[str, Any]:
        definition = self.definitions[self.task_type]
        return {
            **self._task,
            "job_id": job_id(self.task, step, index),
            "attempt": attempt,
            "job_type": definition.steps[step].type,
            "scope": definition.scope,
            "source": self.source,
        }


def photos(number: int) -> Targets:
    """Name ``number`` photos of one project."""
    return Targets(kind="photos", photo_ids=tuple(range(number)), project_ids=(1,) * number)


@dataclass
class Told:
    """A task folded in memory: its state, what was decided, and what was commanded."""

    rules: Rules
    state: State = field(default_factory=NotRequested)
    decided: list[Event] = field(default_factory=list)
    commands: list[RunJob] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)

    def tell(self, *events: Event) -> "Told":
        """Fold ``events``, each with what follows from it."""
        for event in events:
            for transition in react(self.state, event, partial(decide, rules=self.rules)):
                self._take(transition, event)
        return self

    def _take(self, transition: Transition, cause: Event) -> None:
        self.transitions.append(transition)
        self.state = transition.after
        if transition.event is cause:
            return
        self.decided.append(transition.event)
        if isinstance(transition.event.data, JobQueued) and isinstance(self.state, TaskState):
            self.commands.append(command_of(self.state, transition.event.data))

    @property
    def task(self) -> TaskState:
        """The state, which must be that of a task."""
        assert isinstance(self.state, TaskState)
        return self.state

    @property
    def words(self) -> list[str]:
        """Types of what was decided, in order."""
        return [event.type for event in self.decided]


def told(*events: Event, by: Rules | None = None) -> Told:
    """Fold ``events`` from nothing."""
    return Told(by or rules()).tell(*events)
