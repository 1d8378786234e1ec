"""Every event either becomes messages to clients or is listed as one that does not, and always the same ones."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from photobus_common.events import Event, EventData, Origin
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.confirmations import (
    ConfirmationAnswered,
    ConfirmationExpired,
    ConfirmationRequested,
    JobWaiting,
)
from photobus_common.events.projects import (
    DerivativesUpdated,
    FileFact,
    KeptKinds,
    ManifestChanged,
    PhotoAdded,
    PhotoDerivatives,
    PhotoFiles,
    PhotoFilesChanged,
    PhotoRemoved,
    PhotoRestored,
    PhotosAdded,
    PhotosRemoved,
    PhotosRestored,
)
from photobus_common.events.schedules import ScheduleChanged, TickSkipped
from photobus_common.events.tasks import (
    JobCompleted,
    JobProgress,
    Targets,
    TaskCancelRequested,
    TaskCompleted,
    TaskRequested,
)
from photobus_gateway.sse_events import CHANGES_PENDING_DELETIONS, HANDLERS, IGNORED, expand
from photobus_gateway.sse_messages import SseEvent

TASK, JOB = UUID(int=1), UUID(int=2)
ORIGIN = Origin("/test", "user_0", "test", clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
ABOUT_JOB = {
    "task_id": TASK,
    "task_type": "generate_derivatives",
    "job_id": JOB,
    "attempt": 1,
    "job_type": "generate_derivatives",
    "scope": "photo_set",
    "source": "user",
}


def told(data: EventData) -> list[SseEvent]:
    return expand(ORIGIN.event(data))


@pytest.mark.parametrize("word", sorted(CATALOGUE))
def test_every_event_is_told_or_listed_as_ignored(word: str) -> None:
    assert (word in HANDLERS) != (word in IGNORED)


def test_a_batch_of_photos_becomes_one_message_a_photo_with_its_version() -> None:
    photos = tuple(
        PhotoDerivatives(
            photo_id=number,
            filename=f"P{number}",
            version=number + 1,
            thumbnail_status="generated",
            preview_status="generated",
        )
        for number in (1, 2)
    )
    messages = told(DerivativesUpdated(project_id=7, project_folder="Trip", task_id=TASK, photos=photos))

    assert [message.name for message in messages] == ["item", "item"]
    assert [message.data["photo_id"] for message in messages] == [1, 2]
    assert [message.data["version"] for message in messages] == [2, 3]
    assert {message.data["project_folder"] for message in messages} == {"Trip"}
    assert {message.data["thumbnail_status"] for message in messages} == {"generated"}


def test_a_photo_that_was_added_is_an_item_that_is_pending() -> None:
    file = FileFact(name="P1.jpg", kind="jpg", size=3, md5="0" * 32)
    added = PhotoAdded(photo_id=1, filename="P1", version=1, files=(file,))

    [message] = told(PhotosAdded(project_id=7, project_folder="Trip", photos=(added,)))

    assert (message.name, message.data["thumbnail_status"], message.data["version"]) == ("item", "pending", 1)
    assert message.data["change"] == "added"


def test_a_change_that_no_field_tells_of_is_named() -> None:
    about = {"project_id": 7, "project_folder": "Trip"}
    photo = {"photo_id": 1, "filename": "P1", "version": 4, "thumbnail_status": "generated", "preview_status": "failed"}
    kept = KeptKinds(jpg=True, raw=True, other=False)

    [paired] = told(PhotoFilesChanged(**about, cause="upload", photos=(PhotoFiles(**photo),)))
    [restored] = told(PhotosRestored(**about, cause="undo", photos=(PhotoRestored(**photo, keep=kept),)))
    [made] = told(DerivativesUpdated(**about, task_id=TASK, photos=(PhotoDerivatives(**photo),)))

    assert (paired.data["change"], restored.data["change"], "change" in made.data) == ("files", "restored", False)


def test_a_removed_photo_is_told_with_the_version_that_its_removal_is() -> None:
    nothing = KeptKinds(jpg=False, raw=False, other=False)
    photos = tuple(PhotoRemoved(photo_id=n, filename=f"P{n}", version=n + 7, keep=nothing) for n in (1, 2))
    messages = told(PhotosRemoved(project_id=3, project_folder="Trip", cause="file_removal", photos=photos))
    assert [(message.channel, message.name, message.data) for message in messages] == [
        (
            "jobs",
            "item_removed",
            {
                "project_folder": "Trip",
                "filename": f"P{n}",
                "photo_id": n,
                "version": n + 7,
                "updated_at": "2026-01-02T00:00:00+00:00",
            },
        )
        for n in (1, 2)
    ]
    assert {"PhotosRemoved", "FolderRenamed"} <= CHANGES_PENDING_DELETIONS


def test_cleaning_tells_the_names_of_what_went() -> None:
    [message] = told(ManifestChanged(project_id=3, project_folder="Trip", removed=1, removed_filenames=("A",)))
    assert (message.name, message.data["removed"], message.data["removed_filenames"]) == ("manifest_changed", 1, ["A"])


def test_progress_and_completion_of_a_job_say_how_far_it_is() -> None:
    [progress] = told(JobProgress(**ABOUT_JOB, done=3, total=10))
    [completed] = told(JobCompleted(**ABOUT_JOB, done=8, failed=1, skipped=1))

    assert (progress.name, progress.data["progress_done"], progress.data["progress_total"]) == ("job_update", 3, 10)
    assert (completed.name, completed.data["status"], completed.data["progress_done"]) == (
        "job_completed",
        "completed",
        10,
    )
    assert completed.data["task_id"] == str(TASK)


def test_a_job_that_waits_for_a_person_is_told_with_its_task_and_what_is_asked() -> None:
    asked = UUID(int=3)
    about = {"task_id": TASK, "task_type": "maintenance", "confirmation_id": asked}
    place = {"project_id": 7, "project_folder": "Trip"}
    question = {"job_id": JOB, "job_type": "manifest_check", "reason": "60 of 100", "lacking": 60, "photos": 100}
    [requested] = told(ConfirmationRequested(**about, **place, **question))
    job, task = told(JobWaiting(**ABOUT_JOB, dispatch=1, confirmation_ids=(asked,)))
    [answered] = told(ConfirmationAnswered(**about, **place, confirmed=False))
    [expired] = told(ConfirmationExpired(**about, why="project_gone"))

    assert (requested.name, requested.data["id"], requested.data["lacking"]) == (
        "confirmation_requested",
        str(asked),
        60,
    )
    assert [(one.name, one.data["status"]) for one in (job, task)] == [
        ("job_update", "waiting"),
        ("task_waiting", "waiting"),
    ]
    assert job.data["confirmation_ids"] == task.data["confirmation_ids"] == [str(asked)]
    assert (answered.name, answered.data["status"], answered.data["answered_by"]) == (
        "confirmation_answered",
        "refused",
        "test",
    )
    assert (expired.name, expired.data["status"]) == ("confirmation_expired", "expired")


def test_schedules_are_told_as_they_stand_and_skipped_ticks_with_the_reason() -> None:
    about = {"name": "integrity_check", "task_type": "integrity_check"}
    [changed] = told(ScheduleChanged(**about, cron="0 0 3 * * 0", enabled=True, deadline_seconds=60, version=4))
    [skipped] = told(TickSkipped(**about, due=datetime(2026, 1, 2, tzinfo=UTC), reason="active", active_task=TASK))

    assert (changed.channel, changed.name, changed.data["cron"], changed.data["every_seconds"]) == (
        "jobs",
        "schedule_changed",
        "0 0 3 * * 0",
        None,
    )
    assert (skipped.name, skipped.data["reason"], skipped.data["active_task"]) == ("tick_skipped", "active", str(TASK))


def test_a_task_that_no_person_stops_says_why() -> None:
    about = {"task_id": TASK, "task_type": "integrity_check"}
    [asked] = told(TaskCancelRequested(**about, code="deadline_passed", reason="It took too long."))
    [by_person] = told(TaskCancelRequested(**about))

    assert (asked.data["code"], asked.data["error"]) == ("deadline_passed", "It took too long.")
    assert "code" not in by_person.data


@pytest.mark.parametrize(("failed", "status"), [(0, "completed"), (2, "completed_with_errors")])
def test_a_task_with_failed_items_says_so(failed: int, status: str) -> None:
    data = TaskCompleted(task_id=TASK, task_type="generate_derivatives", done=1, failed=failed, skipped=0)

    [message] = told(data)

    assert (message.name, message.data["status"]) == ("task_completed", status)


@pytest.mark.parametrize("field", ["retry_of", "undo_of"])
def test_a_task_over_another_one_says_which(field: str) -> None:
    fields = {"retry_of": None, "undo_of": None, field: JOB}
    asked = TaskRequested(
        task_id=TASK,
        task_type="undo",
        scope="photo_set",
        source="user",
        label="Undo",
        targets=Targets(kind="all"),
        **fields,
    )
    [message] = told(asked)
    assert message.name == "task_requested"
    assert {name: message.data[name] for name in fields} == {**dict.fromkeys(fields), field: str(JOB)}


def test_a_message_is_one_line_of_json_whatever_a_name_holds() -> None:
    rendered = SseEvent("jobs", "item", {"filename": "a\nb\rc\u2028"}).frame("12-1")

    lines = rendered.decode().split("\n")
    assert lines[:2] == ["id: 12-1", "event: item"]
    assert json.loads(lines[2].removeprefix("data: ")) == {"filename": "a\nb\rc\u2028"}
    assert lines[3:] == ["", ""]


def test_the_same_event_always_gives_the_same_messages() -> None:
    event: Event = ORIGIN.event(JobProgress(**ABOUT_JOB, done=3, total=10))

    assert expand(event) == expand(event)
