"""The fold: each event of the log counts exactly once, in the order of the stream.

A batch is one transaction: the cursor moves only from where it is known to stand (so a second orchestrator fails
instead of counting anything again), the events go to the archive, the tasks they belong to change, and what is decided
goes to the outbox. An event that comes again under another sequence is dropped by its id, but the cursor passes it.

What is decided changes the state in the transaction of the event that led to it, since waiting for its way through the
stream would delay every command by a round trip; when it comes back in the stream it is archived and changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from photobus_common.bus.reader import StoredEvent
from photobus_common.errors import PhotobusError
from photobus_common.events import Event, UnreadableEventError, decode
from photobus_common.events.origin import now
from photobus_common.events.schedules import ScheduleChanged
from photobus_common.events.tasks import JobQueued, TaskRequested
from photobus_common.logging import get_logger
from photobus_common.store import event_log
from photobus_common.store.database import Connection, Database
from photobus_common.store.event_log import Cursor, Entry
from photobus_common.store.unit_of_work import Publisher, UnitOfWork, unit_of_work
from photobus_common.telemetry import TASKS_ENDED
from photobus_orchestrator.domain.decide import decide
from photobus_orchestrator.domain.plan import Rules, command_of
from photobus_orchestrator.domain.reaction import INPUTS, Decider, Transition, react
from photobus_orchestrator.domain.state import NotRequested, State, TaskState
from photobus_orchestrator.projection import Projection

log = get_logger()


class FencedError(PhotobusError):
    """Another orchestrator moved the cursor; this one must stop."""

    code = "fenced"


class Received(NamedTuple):
    """An event with its place in the stream and its exact bytes."""

    seq: int
    event: Event
    payload: bytes


@dataclass(frozen=True)
class Recalled:
    """What was before a batch: those of its events that are archived already, and the states of its tasks."""

    archived: frozenset[UUID]
    states: dict[UUID, State]


@dataclass(frozen=True)
class Folded:
    """What a batch came to: the events that are archived now.

    And whether a task waits for its targets, and whether a schedule was changed.
    """

    archived: tuple[UUID, ...]
    unresolved: bool
    rescheduled: bool


class Fold:
    """Folds batches from ``cursor`` on, which is where the archive ends."""

    def __init__(self, database: Database, publisher: Publisher, rules: Rules, cursor: Cursor) -> None:
        self._database = database
        self._publisher = publisher
        self._decider: Decider = partial(decide, rules=rules)
        self._longest_wait = timedelta(seconds=rules.pipeline.retry_cap_seconds)
        self.cursor = cursor

    async def fold(self, batch: Sequence[StoredEvent]) -> Folded:
        """Fold events that follow the cursor without a gap.

        Raises ``UnreadableEventError`` (nothing of the batch is folded: what comes after an event that cannot be read
        must wait for a photobus that can) and ``FencedError``.
        """
        received = [read_event(stored.seq, stored.payload) for stored in batch]
        async with unit_of_work(self._database, self._publisher) as work:
            known = await recall(work.connection, received)
            fresh = _without_repeats(received, known.archived)
            cursor = await self._archive(work.connection, received[-1].seq, fresh)
            states = known.states
            transitions = list(react_to_all(states, fresh, self._decider))
            await _project(work.connection, transitions)
            _announce(work, transitions, {item.event.id for item in fresh}, now() + self._longest_wait)
        self.cursor = cursor
        _count_ends(transitions)
        return Folded(
            archived=tuple(item.event.id for item in received),
            unresolved=any(_waits_for_targets(state) for state in states.values()),
            rescheduled=any(isinstance(item.event.data, ScheduleChanged) for item in fresh),
        )

    async def _archive(self, connection: Connection, last: int, fresh: Sequence[Received]) -> Cursor:
        entries = _chained(self.cursor.hash, fresh)
        chain = entries[-1].hash if entries else self.cursor.hash
        if not await event_log.move_cursor_and_append(connection, self.cursor.seq, last, chain, entries):
            raise FencedError(f"The cursor is no longer at {self.cursor.seq}: another orchestrator leads.")
        return Cursor(last, chain, self.cursor.stream_created)


def read_event(seq: int, payload: bytes) -> Received:
    """Decode the event ``seq``; raises ``UnreadableEventError``, whatever is wrong with it."""
    try:
        return Received(seq, decode(payload), payload)
    except (UnreadableEventError, ValueError, LookupError, TypeError) as error:
        raise UnreadableEventError(f"Event {seq} of the log cannot be read: {error}") from error


def _without_repeats(received: Sequence[Received], archived: frozenset[UUID]) -> list[Received]:
    """Leave out what the archive holds, and what stands in ``received`` a second time."""
    seen = set(archived)
    fresh = []
    for item in received:
        if item.event.id in seen:
            log.info("event_repeated", seq=item.seq, event_id=str(item.event.id), type=item.event.type)
            continue
        seen.add(item.event.id)
        fresh.append(item)
    return fresh


def _chained(chain: bytes, fresh: Sequence[Received]) -> list[Entry]:
    entries = []
    for item in fresh:
        chain = event_log.link(chain, item.seq, item.payload)
        entries.append(archived(item, chain))
    return entries


def archived(received: Received, chain: bytes) -> Entry:
    """Return what the archive keeps of an event; ``chain`` is its hash."""
    seq, event, payload = received
    return Entry(
        seq=seq,
        event_id=event.id,
        time=event.time,
        type=event.type,
        tenant=event.tenant,
        subject=event.subject,
        actor=event.actor,
        task_id=event.data.task() or event.correlation_id,
        project_id=event.data.project(),
        photo_ids=event.data.changed_photo_ids(),
        payload=payload.decode(),
        hash=chain,
    )


async def recall(connection: Connection, received: Sequence[Received], *, archived_too: bool = True) -> Recalled:
    """Return the states of the tasks that the events may change, and which of the events came before.

    That is not asked where it is known: ``archived_too`` false.
    """
    inputs = [item.event.data for item in received if type(item.event.data) in INPUTS]
    states: dict[UUID, State] = {task: NotRequested() for data in inputs if (task := data.task()) is not None}
    known = await event_log.what_is_known(
        connection,
        event_ids=[item.event.id for item in received] if archived_too else [],
        tasks=list(states),
        requested=[data.task_id for data in inputs if isinstance(data, TaskRequested)],
        before=received[0].seq,
    )
    for task in known.canceled:
        states[task] = NotRequested(cancel_requested=True)
    for document in known.states:
        state = TaskState.model_validate_json(document)
        states[state.id] = state
    return Recalled(known.archived, states)


def react_to_all(states: dict[UUID, State], fresh: Iterable[Received], decider: Decider) -> Iterable[Transition]:
    """Yield the transitions by ``fresh`` in order; ``states`` holds their outcome."""
    for _seq, event, _payload in fresh:
        task = event.data.task()
        if task is None or type(event.data) not in INPUTS:
            continue
        for transition in react(states[task], event, decider):
            states[task] = transition.after
            yield transition


async def _project(connection: Connection, transitions: Iterable[Transition]) -> None:
    projection = Projection()
    for transition in transitions:
        projection.note(transition)
    await projection.write(connection)


def _announce(work: UnitOfWork, transitions: Iterable[Transition], facts: set[UUID], latest: datetime) -> None:
    """Emit what was decided, and command what was queued, when it is due or, if that is earlier, at ``latest``.

    What is due is so by the clock of the worker that failed, which may be far ahead.
    """
    for _before, event, after in transitions:
        if event.id in facts:
            continue
        work.emit(event)
        if isinstance(event.data, JobQueued) and isinstance(after, TaskState):
            due = None if event.data.due is None else min(event.data.due, latest)
            work.command(command_of(after, event.data).caused_by(event), due)


def _waits_for_targets(state: State) -> bool:
    return isinstance(state, TaskState) and state.status == "requested"


def _count_ends(transitions: Iterable[Transition]) -> None:
    for before, _event, after in transitions:
        if isinstance(after, TaskState) and after.ended and not (isinstance(before, TaskState) and before.ended):
            TASKS_ENDED.labels(task_type=after.type, status=after.status).inc()
