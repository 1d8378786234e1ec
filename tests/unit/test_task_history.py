"""Stories in which what comes late means nothing any more: as of each place a task is what the fold has there."""

from collections.abc import Callable, Iterable
from uuid import UUID

import pytest
from orchestration import Narrator, Told, rules
from then import assert_was, logged

from photobus_common.config import Jobs
from photobus_common.events import Event
from photobus_common.events.tasks import Targets
from photobus_common.task_history import open_confirmations

ONE_EACH = rules(jobs=Jobs(size={"generate_derivatives": 1}), max_attempts_default=2)


def completed_twice(task: Narrator) -> Iterable[Event]:
    yield task.requested(2)
    yield task.started()
    yield task.completed()
    yield task.completed(done=5)
    yield task.completed(index=1)


def waiting_in_an_earlier_dispatch(task: Narrator) -> Iterable[Event]:
    yield task.requested(1)
    yield task.lost(1, 1)
    yield task.waiting(1, 1)
    yield task.waiting(1, 2)
    yield task.handed_back()
    yield task.answered()


def stopped_by_its_deadline(task: Narrator) -> Iterable[Event]:
    yield task.requested(2)
    yield task.cancel(code="deadline_passed", reason="it took too long")


def stopped_before_it_is_asked_for(task: Narrator) -> Iterable[Event]:
    yield task.cancel(code="deadline_passed", reason="too early")
    yield task.requested(2)


def stopped_without_a_reason_and_with_one(task: Narrator) -> Iterable[Event]:
    yield task.cancel()
    yield task.unresolvable()
    yield task.requested(1)
    yield task.cancel(code="deadline_passed", reason="too late")


def failing_in_its_second_attempt(task: Narrator) -> Iterable[Event]:
    yield task.requested(2)
    yield task.started()
    yield task.progress(done=1)
    yield task.fault()
    yield task.progress(done=7)
    yield task.started(2)
    yield task.fault(2)
    yield task.completed(2)
    yield task.completed(index=1)


def over_the_library(task: Narrator) -> Iterable[Event]:
    task.task_type = "integrity_check"
    yield task.requested(Targets(kind="all"))
    yield task.started()
    yield task.progress(done=4)
    yield task.progress(done=3)
    yield task.handed_back()
    yield task.started()
    yield task.completed(done=0)


STORIES = (
    completed_twice,
    waiting_in_an_earlier_dispatch,
    stopped_by_its_deadline,
    stopped_before_it_is_asked_for,
    stopped_without_a_reason_and_with_one,
    failing_in_its_second_attempt,
    over_the_library,
)


@pytest.mark.parametrize("story", STORIES)
def test_as_of_each_place_a_task_is_what_the_fold_has_there(story: Callable[[Narrator], Iterable[Event]]) -> None:
    facts = list(story(Narrator()))
    log = logged([*facts, *Told(ONE_EACH).tell(*facts).decided])
    for seq in range(len(facts) + 1):
        assert_was(log, seq, Told(ONE_EACH).tell(*facts[:seq]).transitions)


def test_what_a_task_waited_for_is_what_was_asked_and_not_answered_yet() -> None:
    first, second = UUID(int=1), UUID(int=2)
    task = Narrator(task_type="maintenance")
    log = logged([task.asked(first), task.asked(second), task.answered(first), task.expired(second)])
    found = [[data.confirmation_id for _, data in open_confirmations(log, seq)] for seq in range(5)]
    assert found == [[], [first], [first, second], [second], []]
