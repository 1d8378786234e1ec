"""All states of a task against all messages, as a table: who moves a task, and that nothing else does."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from orchestration import CONFIRMATION, Narrator, Told, rules, told

from photobus_common.events import Event
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.tasks import Targets, TaskEvent
from photobus_orchestrator.domain.evolve import CHANGES, DECISIONS, FACTS, evolve
from photobus_orchestrator.domain.reaction import ARCHIVED_ONLY, INPUTS
from photobus_orchestrator.domain.state import NotRequested, TaskState

TWO_PARTS = Targets(kind="filter", filter={})
OTHER = UUID(int=13)

STATES: dict[str, Callable[[Narrator], Told]] = {
    "not requested": lambda _task: told(),
    "canceled early": lambda task: told(task.cancel()),
    "unresolved": lambda task: told(task.requested(TWO_PARTS)),
    "half resolved": lambda task: told(task.requested(TWO_PARTS), task.resolved(part=1, parts=2, total=2001)),
    "queued": lambda task: told(task.requested(1)),
    "queued again": lambda task: told(task.requested(1), task.lost()),
    "running": lambda task: told(task.requested(1), task.started()),
    "retrying": lambda task: told(task.requested(1), task.started(), task.fault()),
    "running again": lambda task: told(task.requested(1), task.fault(), task.started(2)),
    "waiting": lambda task: told(task.requested(1), task.started(), task.waiting()),
    "waiting for two": lambda task: told(task.requested(1), task.waiting(1, 1, CONFIRMATION, OTHER)),
    "waiting again": lambda task: told(
        task.requested(1), task.waiting(1, 1, OTHER), task.answered(OTHER), task.waiting(1, 2)
    ),
    "answered early": lambda task: told(task.requested(1), task.started(), task.answered()),
    "completed": lambda task: told(task.requested(1), task.completed()),
    "with errors": lambda task: told(task.requested(1), task.completed(done=0, failed=1)),
    "failed": lambda task: told(task.requested(1), task.fault(retryable=False)),
    "canceled": lambda task: told(task.requested(1), task.cancel()),
}

MESSAGES: dict[str, Callable[[Narrator], Event]] = {
    "TaskRequested": lambda task: task.requested(1),
    "TargetsResolved": lambda task: task.resolved(part=0, parts=2, total=2001),
    "TargetsUnresolvable": lambda task: task.unresolvable(),
    "TaskCancelRequested": lambda task: task.cancel(),
    "JobStarted 1": lambda task: task.started(1),
    "JobStarted 2": lambda task: task.started(2),
    "JobProgress 1": lambda task: task.progress(1),
    "JobProgress 2": lambda task: task.progress(2),
    "JobHandedBack 1": lambda task: task.handed_back(1),
    "JobHandedBack 2": lambda task: task.handed_back(2),
    "JobAttemptFailed 1": lambda task: task.fault(1),
    "JobAttemptFailed 1 for good": lambda task: task.fault(1, retryable=False),
    "JobAttemptFailed 2": lambda task: task.fault(2),
    "JobLost 1.1": lambda task: task.lost(1, 1),
    "JobLost 1.2": lambda task: task.lost(1, 2),
    "JobLost 2.1": lambda task: task.lost(2, 1),
    "JobWaiting 1.1": lambda task: task.waiting(1, 1),
    "JobWaiting 1.2": lambda task: task.waiting(1, 2),
    "JobWaiting 2.1": lambda task: task.waiting(2, 1),
    "ConfirmationAnswered": lambda task: task.answered(),
    "ConfirmationExpired": lambda task: task.expired(),
    "JobCompleted 1": lambda task: task.completed(1),
    "JobCompleted 2 with errors": lambda task: task.completed(2, done=0, failed=1),
}

RETRY = "running, job 2.1 retrying: JobQueued"
FAILED = "failed: JobFailed TaskFailed"
DONE = "completed: TaskCompleted"
WITH_ERRORS = "completed_with_errors: TaskCompleted"
CANCELED = "canceled: JobCanceled TaskCanceled"
REMEMBERED = ("ConfirmationAnswered", "ConfirmationExpired")
"""What comes before a job waits for it changes the state, so that it counts when one does."""
ENDS = {"JobCompleted 1": DONE, "JobCompleted 2 with errors": WITH_ERRORS, "TaskCancelRequested": CANCELED}

TABLE: dict[str, dict[str, str]] = {
    "not requested": {
        "TaskRequested": "running, job 1.1 queued: TaskStarted JobQueued",
        "TaskCancelRequested": "not requested",
    },
    "canceled early": {
        "TaskRequested": "canceled: TaskCanceled",
    },
    "unresolved": {
        "TargetsResolved": "requested",
        "TargetsUnresolvable": "failed: TaskFailed",
        "TaskCancelRequested": "canceled: TaskCanceled",
    },
    "half resolved": {
        "TargetsResolved": "running, 8 jobs: TaskStarted" + " JobQueued" * 8,
        "TargetsUnresolvable": "failed: TaskFailed",
        "TaskCancelRequested": "canceled: TaskCanceled",
    },
    "queued": {
        "JobStarted 1": "running, job 1.1 running",
        "JobProgress 1": "running, job 1.1 queued",
        "JobAttemptFailed 1": RETRY,
        "JobAttemptFailed 1 for good": FAILED,
        "JobLost 1.1": "running, job 1.2 queued: JobQueued",
        "JobWaiting 1.1": "waiting, job 1.1 waiting",
        **dict.fromkeys(REMEMBERED, "running, job 1.1 queued"),
        **ENDS,
    },
    "queued again": {
        "JobStarted 1": "running, job 1.2 running",
        "JobProgress 1": "running, job 1.2 queued",
        "JobAttemptFailed 1": RETRY,
        "JobAttemptFailed 1 for good": FAILED,
        "JobLost 1.2": "running, job 1.3 queued: JobQueued",
        "JobWaiting 1.2": "waiting, job 1.2 waiting",
        **dict.fromkeys(REMEMBERED, "running, job 1.2 queued"),
        **ENDS,
    },
    "running": {
        "JobProgress 1": "running, job 1.1 running",
        "JobHandedBack 1": "running, job 1.1 queued",
        "JobAttemptFailed 1": RETRY,
        "JobAttemptFailed 1 for good": FAILED,
        "JobLost 1.1": "running, job 1.2 queued: JobQueued",
        "JobWaiting 1.1": "waiting, job 1.1 waiting",
        **dict.fromkeys(REMEMBERED, "running, job 1.1 running"),
        **ENDS,
    },
    "retrying": {
        "JobStarted 2": "running, job 2.1 running",
        "JobProgress 2": "running, job 2.1 retrying",
        "JobAttemptFailed 2": "running, job 3.1 retrying: JobQueued",
        "JobLost 2.1": "running, job 2.2 retrying: JobQueued",
        "JobWaiting 2.1": "waiting, job 2.1 waiting",
        **dict.fromkeys(REMEMBERED, "running, job 2.1 retrying"),
        **ENDS,
    },
    "running again": {
        "JobProgress 2": "running, job 2.1 running",
        "JobHandedBack 2": "running, job 2.1 retrying",
        "JobAttemptFailed 2": "running, job 3.1 retrying: JobQueued",
        "JobLost 2.1": "running, job 2.2 retrying: JobQueued",
        "JobWaiting 2.1": "waiting, job 2.1 waiting",
        **dict.fromkeys(REMEMBERED, "running, job 2.1 running"),
        **ENDS,
    },
    "waiting": {
        "JobProgress 1": "waiting, job 1.1 waiting",
        "JobAttemptFailed 1": RETRY,
        "JobAttemptFailed 1 for good": FAILED,
        **dict.fromkeys(REMEMBERED, "running, job 1.2 queued: JobQueued"),
        **ENDS,
    },
    "waiting for two": {
        "JobProgress 1": "waiting, job 1.1 waiting",
        "JobAttemptFailed 1": RETRY,
        "JobAttemptFailed 1 for good": FAILED,
        **dict.fromkeys(REMEMBERED, "waiting, job 1.1 waiting"),
        **ENDS,
    },
    "waiting again": {
        "JobProgress 1": "waiting, job 1.2 waiting",
        "JobAttemptFailed 1": RETRY,
        "JobAttemptFailed 1 for good": FAILED,
        **dict.fromkeys(REMEMBERED, "running, job 1.3 queued: JobQueued"),
        **ENDS,
    },
    "answered early": {
        "JobProgress 1": "running, job 1.1 running",
        "JobHandedBack 1": "running, job 1.1 queued",
        "JobAttemptFailed 1": RETRY,
        "JobAttemptFailed 1 for good": FAILED,
        "JobLost 1.1": "running, job 1.2 queued: JobQueued",
        "JobWaiting 1.1": "running, job 1.2 queued: JobQueued",
        **ENDS,
    },
    "completed": {},
    "with errors": {},
    "failed": {},
    "canceled": {},
}
"""By state and message, what comes of it: the task's status and job, then what is decided. What is not listed changes
nothing and decides nothing."""


def outcome(story: Told, decided: int) -> str:
    """Put the state of ``story`` and what was decided after the first ``decided`` events in the table's words."""
    state = story.state
    words = " ".join(story.words[decided:])
    if not isinstance(state, TaskState):
        place = "not requested"
    elif len(state.open) > 1:
        place = f"{state.status}, {len(state.open)} jobs"
    else:
        place = state.status + "".join(f", job {job.attempt}.{job.dispatch} {job.phase}" for job in state.jobs)
    return f"{place}: {words}" if words else place


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("state", STATES)
def test_what_a_message_makes_of_a_state(state: str, message: str) -> None:
    task = Narrator()
    story = STATES[state](task)
    before, decided = story.state, len(story.decided)
    story.tell(MESSAGES[message](task))
    expected = TABLE[state].get(message)
    if expected is None:
        assert story.state is before
        assert len(story.decided) == decided
    else:
        assert story.state is not before
        assert outcome(story, decided) == expected


def test_the_table_lists_every_state_and_only_known_messages() -> None:
    assert TABLE.keys() == STATES.keys()
    assert {message for row in TABLE.values() for message in row} <= MESSAGES.keys()


def test_the_messages_of_the_table_are_all_that_the_fold_reacts_to() -> None:
    assert {message.split()[0] for message in MESSAGES} == {model.TYPE for model in INPUTS}


def test_every_event_of_a_task_is_an_input_or_a_decision() -> None:
    of_tasks = {model for model in CATALOGUE.values() if issubclass(model, TaskEvent)}
    assert of_tasks == INPUTS | DECISIONS.keys() | ARCHIVED_ONLY
    assert not INPUTS & DECISIONS.keys()
    assert CHANGES.keys() == FACTS.keys() | DECISIONS.keys()


@pytest.mark.parametrize("state", [name for name, row in TABLE.items() if not row])
def test_decisions_that_come_twice_change_nothing_in_an_ended_task(state: str) -> None:
    story = STATES[state](Narrator())
    for event in story.decided:
        assert evolve(story.state, event) is story.state


@pytest.mark.parametrize("state", STATES)
def test_decisions_that_come_back_from_the_log_change_nothing(state: str) -> None:
    story = STATES[state](Narrator())
    for event in story.decided:
        assert evolve(story.state, event) is story.state


def test_a_state_survives_being_stored() -> None:
    for make in STATES.values():
        state = make(Narrator()).state
        if isinstance(state, TaskState):
            assert TaskState.model_validate_json(state.model_dump_json(exclude_none=True)) == state
        else:
            assert isinstance(state, NotRequested)


def test_the_documentation_shows_every_state_and_who_leaves_it() -> None:
    text = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
    for word in ("requested", "running", "waiting", "completed", "completed_with_errors", "failed", "canceled"):
        assert f"`{word}`" in text
    for model in INPUTS | DECISIONS.keys():
        assert model.TYPE in text, f"docs/tasks.md does not name {model.TYPE}"


def test_rules_that_changed_do_not_make_old_facts_decide_again() -> None:
    task = Narrator()
    story = told(task.requested(1000), by=rules(max_jobs_in_flight=1))
    story.rules = rules(max_jobs_in_flight=100)
    decided = len(story.decided)
    story.tell(task.lost(9, 9))
    assert len(story.decided) == decided
