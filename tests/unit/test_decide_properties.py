"""Any order, repetition and loss of messages: a task ends once, in one state, and no dispatch is commanded twice."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from orchestration import Narrator, Told, rules
from then import assert_was, logged

from photobus_common.commands import RunJob
from photobus_common.config import Jobs, Pipeline
from photobus_common.events import Event
from photobus_common.events.tasks import JobCompleted, Targets, TaskRequested
from photobus_orchestrator.domain.reaction import react
from photobus_orchestrator.domain.replay import recorded
from photobus_orchestrator.domain.retry import retry_delay
from photobus_orchestrator.domain.state import ENDS, NotRequested, State, TaskState

MAX_ATTEMPTS = 3
LONG = 2_000
"""Things that happen to a task in a thousand lives at most."""
PLACES = 3
"""At how many places of a life it is looked back at."""


@dataclass(frozen=True)
class Luck:
    """How often, of a hundred, things go wrong."""

    fault: int
    fatal: int
    loss: int
    hand_back: int
    repeat: int
    false_alarm: int
    failed_items: int
    wait: int
    hasty_answer: int


@dataclass
class World:
    """Workers, a broker, a rescuer and a person around one task, as unreliable as they may be in truth.

    The log delivers in any order and again and again; commands are delivered again, or vanish, and then the rescuer
    reports them. What holds is what the claims hold: an attempt of a job has one result, and runs only while it is the
    present one.
    """

    random: Random
    task: Narrator
    luck: Luck
    story: Told
    log: list[Event] = field(default_factory=list)
    delivered: list[Event] = field(default_factory=list)
    commands: list[RunJob] = field(default_factory=list)
    taken: int = 0
    settled: set[tuple[UUID, int]] = field(default_factory=set)
    asked: dict[UUID, list[UUID]] = field(default_factory=dict)

    def live(self) -> None:
        """Let things happen, one at a time, until nothing is left to happen."""
        patience = LONG
        while self.log or self.commands or not self.ended:
            patience -= 1
            assert patience, "nothing ends the task any more"
            if self.log and (not self.commands or self.random.random() < 0.5):
                self.deliver()
            elif self.commands:
                self.work()
            elif any(self.asked.values()):
                self.answer()
            else:
                self.rescue()
            if self.happens(self.luck.false_alarm):
                self.rescue()
            if self.happens(self.luck.hasty_answer):
                self.answer()
            if self.delivered and self.happens(self.luck.repeat):
                self.story.tell(self.random.choice(self.delivered))
                self.take_commands()

    @property
    def ended(self) -> bool:
        """Whether the task is over."""
        return isinstance(self.story.state, TaskState) and self.story.state.ended

    def happens(self, percentage: int) -> bool:
        """Draw."""
        return self.random.randrange(100) < percentage

    def deliver(self) -> None:
        """Let the fold read any of the messages that are under way."""
        event = self.log.pop(self.random.randrange(len(self.log)))
        self.delivered.append(event)
        self.story.tell(event)
        self.take_commands()

    def take_commands(self) -> None:
        """Put what was commanded into the broker, which may lose it."""
        for command in self.story.commands[self.taken :]:
            if not self.happens(self.luck.loss):
                self.commands.append(command)
        self.taken = len(self.story.commands)

    def work(self) -> None:
        """Let a worker take any command; it may give it back, or get it again although it is done."""
        command = self.random.choice(self.commands)
        job = self.story.task.open.get(command.job_id)
        if job is None or job.attempt != command.attempt or (command.job_id, command.attempt) in self.settled:
            self.commands.remove(command)
            return
        place = {"step": job.step, "index": job.index}
        self.log.append(self.task.started(command.attempt, **place))
        self.log.append(self.task.progress(command.attempt, done=self.random.randint(1, 10), **place))
        if self.happens(self.luck.hand_back):
            self.log.append(self.task.handed_back(command.attempt, **place))
            return
        asked = self.asked.setdefault(command.job_id, [])
        if self.happens(self.luck.wait):
            asked.append(UUID(int=self.random.getrandbits(128)))
        if asked:
            if not self.happens(self.luck.repeat):
                self.commands.remove(command)
            self.log.append(self.task.waiting(command.attempt, command.dispatch, *asked, **place))
            return
        self.settled.add((command.job_id, command.attempt))
        if self.happens(self.luck.fault):
            fatal = self.happens(self.luck.fatal)
            self.log.append(self.task.fault(command.attempt, retryable=not fatal, **place))
        else:
            failed = self.random.randint(1, command.count) if self.happens(self.luck.failed_items) else 0
            done = command.count - failed
            self.log.append(self.task.completed(command.attempt, done=done, failed=failed, **place))

    def answer(self) -> None:
        """Let a person answer one of the questions that were asked."""
        for asked in self.asked.values():
            if asked:
                confirmation = asked.pop(self.random.randrange(len(asked)))
                told = self.task.answered if self.happens(50) else self.task.expired
                self.log.append(told(confirmation))
                return

    def rescue(self) -> None:
        """Report the open jobs as lost, rightly or not."""
        for job in self.story.task.jobs if isinstance(self.story.state, TaskState) else ():
            lost = self.task.lost(job.attempt, job.dispatch, step=job.step, index=job.index)
            self.log.append(lost)


def percentages(at_most: int) -> st.SearchStrategy[int]:
    """Of a hundred, up to ``at_most``; often none at all, for what happens again may hide what was forgotten."""
    return st.just(0) | st.integers(0, at_most)


LUCK = st.builds(
    Luck,
    fault=percentages(60),
    fatal=percentages(30),
    loss=percentages(60),
    hand_back=percentages(60),
    repeat=percentages(60),
    false_alarm=percentages(10),
    failed_items=percentages(50),
    wait=percentages(50),
    hasty_answer=percentages(80),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a task with its surroundings, at its beginning."""
    task = Narrator(task_type=draw(st.sampled_from(["generate_derivatives", "upload_postprocess"])))
    items = draw(st.integers(0, 12))
    sizes = {name: draw(st.integers(1, 5)) for name in ("generate_derivatives", "upload_postprocess")}
    by = rules(
        jobs=Jobs(size=sizes, default_size=draw(st.integers(1, 5))),
        max_jobs_in_flight=draw(st.integers(1, 4)),
        max_attempts_default=MAX_ATTEMPTS,
    )
    seed = draw(st.integers(0, 2**32))  # what hypothesis draws one by one is small too often for much to happen
    world = World(Random(seed), task, draw(LUCK), Told(by))
    if draw(st.booleans()):
        world.log.append(task.requested(items))
    else:
        world.story.tell(task.requested(Targets(kind="filter", filter={})))
        parts = max(1, -(-items // 3))
        world.log += [task.resolved(part, parts, items, size=3) for part in range(parts)]
    if draw(st.integers(0, 3)) == 3:
        world.log.append(task.cancel())
    return world


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_task_ends_once_and_in_one_state(world: World) -> None:
    world.live()
    ends = [transition for transition in world.story.transitions if _is_end(transition.before, transition.after)]
    assert len(ends) == 1
    assert world.story.task.status in ENDS
    assert world.story.task.open == {}
    final = world.story.state
    world.story.tell(*world.delivered)
    assert world.story.state is final


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_each_job_is_commanded_once_an_attempt_and_dispatch(world: World) -> None:
    world.live()
    ids = Counter(command.message_id for command in world.story.commands)
    assert set(ids.values()) <= {1}
    assert all(command.attempt <= MAX_ATTEMPTS for command in world.story.commands)
    decided = Counter(event.id for event in world.story.decided)
    assert set(decided.values()) <= {1}


@given(worlds())
@settings(max_examples=100, deadline=None)
def test_what_workers_did_is_counted_once_and_completely(world: World) -> None:
    world.live()
    task = world.story.task
    finished = {event.data.job_id: event.data for event in world.delivered if isinstance(event.data, JobCompleted)}
    if task.status in ("completed", "completed_with_errors"):
        assert len(finished) == sum(step.jobs for step in task.steps)
        assert task.done == sum(data.done for data in finished.values())
        assert task.failed == sum(data.failed for data in finished.values())
        assert (task.status == "completed_with_errors") == (task.failed > 0)
    if task.status == "failed":
        assert world.luck.fault > 0
    if task.status == "canceled":
        assert task.cancel_requested


@given(worlds())
@settings(max_examples=100, deadline=None)
def test_a_replay_of_the_record_finds_every_state_again(world: World) -> None:
    world.live()
    decisions = {event.id: event for event in world.story.decided}
    state: State = NotRequested()
    states = []
    facts = [transition.event for transition in world.story.transitions if transition.event.id not in decisions]
    for fact in facts:
        for transition in react(state, fact, partial(recorded, decisions)):
            state = transition.after
            states.append(state)
    assert states == [transition.after for transition in world.story.transitions]


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_task_as_of_any_place_is_what_was_folded_up_to_it(world: World, random: Random) -> None:
    """Wherever after their facts the decisions come to lie in the log, which keeps no event twice."""
    world.live()
    decisions = {event.id for event in world.story.decided}
    facts = {one.event.id: one.event for one in world.story.transitions if one.event.id not in decisions}
    story, log, late = Told(world.story.rules), [], []
    for fact in facts.values():
        known = len(story.decided)
        log.append(fact)
        late += story.tell(fact).decided[known:]
        random.shuffle(late)
        while late and random.random() < 0.5:
            log.append(late.pop())
    order = logged([*log, *late])
    for seq in (len(order), *random.sample(range(len(order)), min(PLACES, len(order)))):
        again = Told(story.rules).tell(*(facts[entry.id] for entry in order[:seq] if entry.id in facts))
        assert_was(order, seq, again.transitions)


@given(worlds())
@settings(max_examples=100, deadline=None)
def test_a_crash_at_any_point_changes_nothing(world: World) -> None:
    """Fold again from a stored state, as after a restart: the same facts give the same decisions."""
    world.live()
    decisions = {event.id for event in world.story.decided}
    facts = [transition.event for transition in world.story.transitions if transition.event.id not in decisions]
    again = Told(world.story.rules)
    for fact in facts:
        if isinstance(again.state, TaskState):
            again.state = TaskState.model_validate_json(again.state.model_dump_json(exclude_none=True))
        again.tell(fact)
    assert again.decided == world.story.decided
    assert again.commands == world.story.commands


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_any_order_of_the_same_facts_ends_in_some_one_end_or_waits(world: World, random: Random) -> None:
    """Facts shuffled beyond what causes allow: still no error, no second end, nothing commanded twice."""
    world.live()
    facts = list(world.delivered)
    random.shuffle(facts)
    shuffled = Told(world.story.rules)
    shuffled.tell(*facts, *facts)
    ends = [one for one in shuffled.transitions if _is_end(one.before, one.after)]
    assert len(ends) <= 1
    assert set(Counter(command.message_id for command in shuffled.commands).values()) <= {1}
    requested = any(isinstance(fact.data, TaskRequested) for fact in facts)
    assert isinstance(shuffled.state, TaskState) == requested


@given(attempt=st.integers(1, 10_000), cause=st.uuids(), base=st.floats(0.01, 100), cap=st.floats(0.01, 10_000))
def test_a_retry_waits_between_half_of_the_doubled_base_and_all_of_it_up_to_the_cap(
    attempt: int, cause: UUID, base: float, cap: float
) -> None:
    delay = retry_delay(attempt, cause, Pipeline(retry_base_seconds=base, retry_cap_seconds=cap))
    longest = min(base * 2.0 ** min(attempt - 1, 60), cap)
    assert timedelta(seconds=longest / 2) - timedelta(microseconds=1) <= delay
    assert delay <= timedelta(seconds=longest) + timedelta(microseconds=1)


def _is_end(before: State, after: State) -> bool:
    return _ended(after) and not _ended(before)


def _ended(state: State) -> bool:
    return isinstance(state, TaskState) and state.ended
