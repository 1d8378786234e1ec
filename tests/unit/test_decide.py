"""What the orchestrator decides, given a history: tasks become steps, steps jobs, jobs commands, and all of it ends."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid5

import pytest
from orchestration import START, TASK, Narrator, rules, told

from photobus_common.config import Jobs
from photobus_common.definitions import Definitions, load_definitions
from photobus_common.events.parts import TaskSource
from photobus_common.events.tasks import JobFailed, JobQueued, Targets, TaskCompleted, TaskFailed, TaskStarted
from photobus_common.job_types import JOB_TYPES
from photobus_orchestrator.domain.plan import command_of
from photobus_orchestrator.domain.state import job_id


@pytest.fixture
def task() -> Narrator:
    return Narrator()


def test_a_task_over_one_photo_is_one_job_and_then_done(task: Narrator) -> None:
    story = told(task.requested(1), task.started(), task.completed())
    assert story.words == ["TaskStarted", "JobQueued", "TaskCompleted"]
    assert (story.task.status, story.task.done, story.task.open) == ("completed", 1, {})


def test_a_photo_set_task_without_project_is_commanded(task: Narrator) -> None:
    """Milestone 1; that it is persisted, claimed and run is shown in ``integration/test_orchestrator_service.py``."""
    (command,) = told(task.requested(1)).commands
    assert (command.scope, command.over, command.first, command.count) == ("photo_set", "items", 0, 1)
    assert (command.service, command.job_type, command.attempt, command.dispatch) == (
        "derivatives",
        "generate_derivatives",
        1,
        1,
    )


@pytest.mark.parametrize("scope_task", ["upload_postprocess", "generate_derivatives", "manifest_only"])
def test_every_scope_is_orchestrated_alike(scope_task: str, narrow_definitions: Definitions) -> None:
    task = Narrator(task_type=scope_task, definitions=narrow_definitions)
    story = told(task.requested(1), task.completed(), by=rules(definitions=narrow_definitions))
    assert [command.scope for command in story.commands] == [narrow_definitions[scope_task].scope]
    assert story.task.status == "completed"


@pytest.mark.parametrize("projects", [1, 7, 5000])
def test_the_number_of_jobs_follows_the_size_only(task: Narrator, projects: int) -> None:
    """Milestone 3: jobs are cut from the whole list of photos."""
    targets = Targets(
        kind="photos",
        photo_ids=tuple(range(5000)),
        project_ids=tuple(photo % projects for photo in range(5000)),
    )
    story = told(task.requested(targets), by=rules(jobs=Jobs(size={"generate_derivatives": 200})))
    started = story.decided[0].data
    assert isinstance(started, TaskStarted)
    assert [step.jobs for step in started.steps] == [25]


def test_one_chain_of_steps_whatever_the_number_of_projects() -> None:
    """Milestone 3: one chain of jobs, not one a project."""
    task = Narrator(task_type="upload_postprocess", source="upload")
    targets = Targets(kind="photos", photo_ids=(1, 2, 3), project_ids=(7, 8, 9))
    story = told(
        task.requested(targets),
        task.completed(step=0, done=3),
        task.completed(step=1, done=3),
        task.completed(step=2, done=3),
    )
    assert [command.job_type for command in story.commands] == ["upload_postprocess", "manifest_check", "folder_check"]
    assert story.task.status == "completed"


def test_jobs_cover_the_snapshot_without_gap_or_overlap(task: Narrator) -> None:
    by = rules(jobs=Jobs(size={"generate_derivatives": 3}), max_jobs_in_flight=100)
    story = told(task.requested(10), by=by)
    assert [(command.first, command.count) for command in story.commands] == [(0, 3), (3, 3), (6, 3), (9, 1)]


def test_a_task_keeps_a_bounded_number_of_jobs_in_flight(task: Narrator) -> None:
    by = rules(jobs=Jobs(size={"generate_derivatives": 1}), max_jobs_in_flight=2)
    story = told(task.requested(5), by=by)
    assert [command.first for command in story.commands] == [0, 1]
    story.tell(task.completed(index=1))
    assert [command.first for command in story.commands] == [0, 1, 2]
    assert len(story.task.open) == 2


def test_moves_go_one_job_after_the_other_so_that_numbers_of_names_are_given_in_order() -> None:
    task = Narrator(task_type="image_move")
    sizes = Jobs(size={"image_move_files": 2, "manifest_check": 2})
    story = told(task.requested(5), by=rules(jobs=sizes, max_jobs_in_flight=8))
    for index in range(3):
        assert [command.first for command in story.commands] == list(range(0, 2 * index + 1, 2))
        story.tell(task.completed(index=index))
    assert [(command.job_type, command.first) for command in story.commands[3:]] == [
        ("manifest_check", 0),
        ("manifest_check", 2),
        ("manifest_check", 4),
    ]


def test_the_next_step_waits_for_every_job_of_the_last(task: Narrator) -> None:
    task.task_type = "upload_postprocess"
    by = rules(jobs=Jobs(size={"upload_postprocess": 1}))
    story = told(task.requested(2), task.completed(index=0), by=by)
    assert {command.job_type for command in story.commands} == {"upload_postprocess"}
    story.tell(task.completed(index=1))
    assert story.commands[-1].job_type == "manifest_check"


def test_steps_that_share_a_job_type_are_told_apart_by_their_place(twice: Definitions) -> None:
    task = Narrator(task_type="twice", definitions=twice)
    first, second = job_id(TASK, 0, 0), job_id(TASK, 1, 0)
    story = told(task.requested(1), by=rules(definitions=twice))
    assert [command.job_id for command in story.commands] == [first]
    story.tell(task.completed(step=0), task.completed(step=0))
    assert [command.job_id for command in story.commands] == [first, second]
    story.tell(task.completed(step=0), task.completed(step=1))
    assert (story.task.status, story.task.done) == ("completed", 2)


def test_nothing_to_work_on_is_done_at_once(task: Narrator) -> None:
    story = told(task.requested(0))
    assert story.words == ["TaskStarted", "TaskCompleted"]
    assert story.commands == []


def test_an_empty_filter_result_is_done_at_once(task: Narrator) -> None:
    story = told(task.requested(Targets(kind="filter", filter={})), task.resolved(total=0))
    assert story.words == ["TaskStarted", "TaskCompleted"]


@pytest.mark.parametrize(
    "targets",
    [
        Targets(kind="filter", filter={"text": "DSC"}),
        Targets(kind="all"),
        Targets(kind="projects", project_ids=(1,)),
        Targets(kind="failed_items", failed_of=UUID(int=9)),
        Targets(kind="items_of", items_of=UUID(int=9)),
    ],
)
def test_a_task_waits_until_its_snapshot_is_whole(task: Narrator, targets: Targets) -> None:
    story = told(task.requested(targets), task.resolved(part=1, parts=2, total=2001))
    assert (story.task.status, story.words) == ("requested", [])
    story.tell(task.resolved(part=0, parts=2, total=2001))
    assert (story.task.status, story.task.items) == ("running", 2001)


def test_a_part_of_the_snapshot_that_comes_twice_counts_once(task: Narrator) -> None:
    story = told(task.requested(Targets(kind="all")))
    story.tell(task.resolved(part=0, parts=2, total=2001), task.resolved(part=0, parts=2, total=2001))
    assert story.task.status == "requested"


def test_targets_that_cannot_be_resolved_fail_the_task_with_the_reason(task: Narrator) -> None:
    story = told(task.requested(Targets(kind="filter", filter={"colour": "red"})), task.unresolvable())
    assert (story.task.status, story.task.error) == ("failed", "no such filter")


def test_a_project_task_without_item_steps_needs_no_snapshot(narrow_definitions: Definitions) -> None:
    task = Narrator(task_type="manifest_only", definitions=narrow_definitions)
    targets = Targets(kind="projects", project_ids=(3, 4))
    story = told(task.requested(targets), by=rules(definitions=narrow_definitions))
    (command,) = story.commands
    assert (command.over, command.first, command.count) == ("projects", 0, 0)


def test_a_task_that_nobody_can_run_fails_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(JOB_TYPES, "regenerate_metadata", replace(JOB_TYPES["regenerate_metadata"], provided=False))
    story = told(Narrator(task_type="regenerate_metadata").requested(1))
    assert (story.task.status, story.task.error_code) == ("failed", "not_provided")
    assert "regenerate_metadata" in (story.task.error or "")


def test_a_task_that_no_definition_knows_fails(task: Narrator) -> None:
    story = told(Narrator(task_type="forgotten").requested(1))
    assert (story.task.status, story.task.error_code) == ("failed", "unknown_task_type")


# --- lanes ----------------------------------------------------------------------------------------------------------


def test_the_lane_follows_from_the_priority(task: Narrator) -> None:
    by = rules(priority_threshold=91)
    assert [command.lane for command in told(task.requested(1), by=by).commands] == ["normal"]
    assert [command.lane for command in told(task.requested(1)).commands] == ["priority"]


@pytest.mark.parametrize(
    ("number", "source", "priority", "lane"),
    [
        (200, "user", 90, "priority"),
        (201, "user", 70, "normal"),
        (201, "task", 70, "normal"),
        (201, "upload", 90, "priority"),
    ],
)
def test_bulk_regeneration_makes_room_for_uploads(number: int, source: TaskSource, priority: int, lane: str) -> None:
    command = told(Narrator(source=source).requested(number)).commands[0]
    assert (command.priority, command.lane) == (priority, lane)


@pytest.mark.parametrize(("source", "priority"), [("upload", 90), ("user", 70)])
def test_postprocessing_is_bulk_work_unless_an_upload_asks_for_it(source: TaskSource, priority: int) -> None:
    task = Narrator(task_type="upload_postprocess", source=source)
    assert told(task.requested(1000)).commands[0].priority == priority


def test_only_the_making_of_derivatives_is_bulk_work() -> None:
    upload = told(Narrator(task_type="upload_postprocess", source="user").requested(1000)).task
    assert [step.priority for step in upload.steps] == [70, 95, 95]


# --- failures -------------------------------------------------------------------------------------------------------


def test_a_failed_attempt_is_followed_by_a_later_one(task: Narrator) -> None:
    story = told(task.requested(1), task.started(), task.fault())
    queued = story.decided[-1].data
    assert isinstance(queued, JobQueued)
    assert (queued.attempt, queued.dispatch) == (2, 1)
    assert queued.due is not None
    assert queued.due > story.decided[-1].time
    assert story.task.jobs[0].phase == "retrying"


def test_a_job_fails_after_its_last_attempt_and_with_it_the_task(task: Narrator) -> None:
    by = rules(max_attempts_default=3)
    story = told(task.requested(1), task.fault(1), task.fault(2), by=by)
    assert not story.task.ended
    story.tell(task.fault(3))
    assert story.words[-2:] == ["JobFailed", "TaskFailed"]
    assert (story.task.error_code, story.task.error) == ("storage_unavailable", "the disk is away")


def test_an_error_that_no_retry_mends_is_not_retried(task: Narrator) -> None:
    story = told(task.requested(1), task.fault(retryable=False))
    assert story.words[-2:] == ["JobFailed", "TaskFailed"]


def test_the_other_jobs_of_a_step_run_to_their_end_but_no_later_step(task: Narrator) -> None:
    task.task_type = "upload_postprocess"
    by = rules(jobs=Jobs(size={"upload_postprocess": 1}), max_jobs_in_flight=1)
    story = told(task.requested(2), task.fault(retryable=False, index=0), by=by)
    assert not story.task.ended
    assert story.commands[-1].first == 1
    story.tell(task.completed(index=1))
    assert story.task.status == "failed"
    assert {command.job_type for command in story.commands} == {"upload_postprocess"}


def test_failed_items_end_the_task_with_errors_but_do_not_fail_it(task: Narrator) -> None:
    story = told(task.requested(3), task.completed(done=1, failed=1, skipped=1))
    assert story.task.status == "completed_with_errors"
    end = story.decided[-1].data
    assert isinstance(end, TaskCompleted)
    assert (end.done, end.failed, end.skipped) == (1, 1, 1)


def test_a_lost_job_is_commanded_again_under_an_id_never_used_before(task: Narrator) -> None:
    story = told(task.requested(1), task.lost(1, 1), task.lost(1, 1), task.lost(1, 2))
    assert [(command.attempt, command.dispatch) for command in story.commands] == [(1, 1), (1, 2), (1, 3)]
    assert len({command.message_id for command in story.commands}) == 3


def test_a_completion_counts_whichever_attempt_it_is_of(task: Narrator) -> None:
    story = told(task.requested(1), task.fault(1), task.completed(1))
    assert story.task.status == "completed"


# --- cancellation ---------------------------------------------------------------------------------------------------


def test_a_canceled_task_cancels_its_open_jobs(task: Narrator) -> None:
    by = rules(jobs=Jobs(size={"generate_derivatives": 1}))
    story = told(task.requested(3), task.completed(index=1), task.cancel(), by=by)
    assert story.words[-3:] == ["JobCanceled", "JobCanceled", "TaskCanceled"]
    assert (story.task.status, story.task.open) == ("canceled", {})


def test_a_task_that_no_person_canceled_says_why_it_ended(task: Narrator) -> None:
    late = {"code": "deadline_passed", "reason": "It took too long."}
    story = told(task.requested(1), task.cancel(**late), task.cancel())
    assert (story.task.status, story.task.error_code, story.task.error) == ("canceled", *late.values())
    by_person = told(task.requested(1), task.cancel(), task.cancel(**late))
    assert (by_person.task.status, by_person.task.error_code) == ("canceled", None)


def test_a_cancellation_that_overtakes_the_request_still_counts(task: Narrator) -> None:
    story = told(task.cancel(), task.requested(1))
    assert story.words == ["TaskCanceled"]
    assert story.commands == []


def test_what_comes_after_the_end_is_a_no_op(task: Narrator) -> None:
    story = told(task.requested(1), task.cancel())
    decided = len(story.decided)
    story.tell(task.completed(), task.fault(), task.cancel(), task.started())
    assert (story.task.status, len(story.decided)) == ("canceled", decided)
    late = told(task.requested(1), task.completed(), task.cancel())
    assert late.task.status == "completed"


# --- purity ---------------------------------------------------------------------------------------------------------


def test_deciding_again_gives_the_very_same_events(task: Narrator) -> None:
    history = [task.requested(450), task.started(), task.fault(), task.completed(2), task.completed(index=1)]
    assert told(*history).decided == told(*history).decided


def test_decisions_carry_the_time_and_an_id_made_from_their_cause(task: Narrator) -> None:
    request = task.requested(1)
    story = told(request)
    assert [event.id for event in story.decided] == [uuid5(request.id, "0"), uuid5(request.id, "1")]
    assert {event.time for event in story.decided} == {START}
    assert {event.causation_id for event in story.decided} == {request.id}
    assert {event.correlation_id for event in story.decided} == {TASK}
    assert {event.actor for event in story.decided} == {"ada"}


def test_a_command_follows_from_the_recorded_events_alone(task: Narrator) -> None:
    story = told(task.requested(1, params={"force": True}))
    queued = next(event.data for event in story.decided if isinstance(event.data, JobQueued))
    assert command_of(story.task, queued) == story.commands[0]
    assert story.commands[0].params == {"force": True}


def test_the_state_stays_small_however_many_jobs_there_are(task: Narrator) -> None:
    by = rules(jobs=Jobs(size={"generate_derivatives": 1}), max_jobs_in_flight=4)
    story = told(task.requested(300), by=by)
    early = len(story.task.model_dump_json())
    story.tell(*(task.completed(index=index) for index in range(290)))
    assert len(story.task.open) == 4
    assert len(story.task.model_dump_json()) < early + 50


def test_a_job_of_an_ended_step_says_why_it_failed_in_its_event(task: Narrator) -> None:
    story = told(task.requested(1), task.fault(retryable=False))
    failed, ended = (event.data for event in story.decided[-2:])
    assert isinstance(failed, JobFailed)
    assert isinstance(ended, TaskFailed)
    assert failed.reason == ended.reason == "the disk is away"
    assert story.decided[-1].time - START == timedelta(seconds=1)


# --- definitions of these tests -------------------------------------------------------------------------------------


@pytest.fixture
def twice(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    return _load(
        tmp_path_factory,
        """
twice:
  label: The same type twice
  user_relevant: true
  scope: photo_set
  steps:
    - {type: generate_derivatives, priority: 90, over: items}
    - {type: generate_derivatives, priority: 80, over: items}
""",
    )


@pytest.fixture
def narrow_definitions(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    return _load(
        tmp_path_factory,
        """
upload_postprocess:
  label: A project's photos
  user_relevant: true
  scope: project
  steps: [{type: upload_postprocess, priority: 90, over: items}]
generate_derivatives:
  label: Any photos
  user_relevant: true
  scope: photo_set
  steps: [{type: generate_derivatives, priority: 90, over: items}]
manifest_only:
  label: Whole projects
  user_relevant: true
  scope: global
  steps: [{type: manifest_check, priority: 95, over: projects}]
""",
    )


def _load(folders: pytest.TempPathFactory, text: str) -> Definitions:
    path = folders.mktemp("definitions") / "tasks.yaml"
    path.write_text(text)
    return load_definitions(path)
