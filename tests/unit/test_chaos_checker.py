"""The campaign's judge finds what must not be, each kind of it, and finds nothing where all is well."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from chaos import rules_of_files, rules_of_the_log
from chaos.evidence import DiskFile, Evidence, LogEvent, Outcome
from chaos.expectation import Expectation, operations
from chaos.journal import Entry
from chaos.rules_of_live_updates import heard, heard_all_once

TASK, JOB, COMMIT, ASKED_LATER = "task-1", "job-1", "task-2", 100.0
ONE, TWO, GONE = "1" * 32, "2" * 32, "9" * 32


Asked = tuple[str, Mapping[str, Any], int, Mapping[str, Any]]


def _asked(kind: str, facts: Mapping[str, Any], status: int, answer: Mapping[str, Any]) -> Asked:
    return kind, facts, status, answer


def _entries(*asked: Asked, start: int = 0) -> Iterator[Entry]:
    for number, (kind, facts, status, answer) in enumerate(asked, start):
        op = f"op-{start}-{number}"
        yield Entry(number, float(number), "asked", {"op": op, "kind": kind, "owner": "somebody", **facts})
        yield Entry(number, float(number), "answered", {"op": op, "status": status, "answer": answer})


def _sent(name: str, md5: str) -> dict[str, Any]:
    return {"name": name, "md5": md5, "size": 10}


def _stored(name: str, photo_id: int) -> dict[str, Any]:
    return {"filename": name, "status": "created", "photo_id": photo_id, "stored_as": None, "code": None}


def _refused(name: str) -> dict[str, Any]:
    return {"filename": name, "status": "conflict", "photo_id": 1, "stored_as": None, "code": "other_bytes"}


def _event(seq: int, event_type: str, task: str | None, **data: Any) -> LogEvent:
    return LogEvent(seq, f"e{seq}", event_type, task, None, data)


def journal() -> list[Entry]:
    """Two projects; two photos come into the first, one moves to the second and has a tag, the other is thrown away."""
    return list(
        _entries(
            _asked("make project", {"name": "A"}, 201, {"id": 1, "name": "A"}),
            _asked("make project", {"name": "B"}, 201, {"id": 2, "name": "B"}),
            _asked(
                "upload",
                {"project": 1, "query": {}, "files": [_sent("one.jpg", ONE), _sent("two.jpg", TWO)]},
                200,
                {"results": [_stored("one.jpg", 1), _stored("two.jpg", 2)]},
            ),
            _asked(
                "upload",
                {"project": 1, "query": {}, "files": [_sent("no.jpg", GONE)]},
                200,
                {"results": [_refused("no.jpg")]},
            ),
            _asked("tag", {"tag": "sea", "photos": [1]}, 200, {"items": [{"photo_id": 1, "status": "changed"}]}),
            _asked(
                "keep",
                {"photos": [2], "items": [{"photo_id": 2, "keep_jpg": False}]},
                200,
                {"items": [{"photo_id": 2, "status": "changed"}]},
            ),
            _asked("move", {"photos": [1], "about": 2}, 202, {"task": {"id": TASK}}),
            _asked("commit", {"photos": [2], "about": None}, 202, {"task": {"id": COMMIT}}),
        )
    )


def well() -> Evidence:
    """What follows from it."""
    photo = {
        "id": 1,
        "project_id": 2,
        "filename": "one",
        "version": 2,
        "tags": ["sea"],
        "jpg_available": True,
        "raw_available": False,
        "other_available": False,
        "keep_jpg": True,
        "keep_raw": False,
        "keep_other": False,
        "thumbnail_status": "generated",
        "preview_status": "pending",
    }
    ended = datetime.fromtimestamp(50, UTC)
    return Evidence(
        disk=[
            DiskFile("B/one.jpg", 2, "place", "one.jpg", 10, ONE),
            DiskFile("A/.trash/now/two.jpg", 1, "trash", "two.jpg", 10, TWO),
        ],
        derivatives=frozenset({"B/.thumb/one.jpg"}),
        projects={
            1: {"id": 1, "name": "A", "folder": "A", "status": "active"},
            2: {"id": 2, "name": "B", "folder": "B", "status": "active"},
        },
        photos={1: photo},
        files=[{"photo_id": 1, "project_id": 2, "name": "one.jpg", "kind": "jpg", "size": 10, "md5": ONE}],
        tasks={task: {"id": task, "type": "any", "status": "completed", "ended_at": ended} for task in (TASK, COMMIT)},
        jobs={JOB: {"id": JOB, "task_id": TASK, "job_type": "any", "over": "items", "count": 1, "status": "completed"}},
        outcomes=[Outcome(TASK, JOB, 0, 1, "done", None), Outcome(COMMIT, "job-2", 0, 2, "done", None)],
        snapshots={TASK: [1], COMMIT: [2]},
        events=[
            _event(1, "PhotosAdded", None, photos=[{"photo_id": 1, "version": 1, "files": [{"md5": ONE}]}]),
            _event(2, "PhotosMoved", TASK, photos=[{"photo_id": 1, "version": 2}]),
            _event(3, "JobCompleted", TASK, job_id=JOB),
            _event(4, "TagsChanged", None, photos=[{"photo_id": 9, "added": ["sea"]}]),
        ],
    )


def broken(found: Evidence, entries: list[Entry]) -> list[str]:
    """Return what all rules say."""
    expected = Expectation(found).fold(operations(entries))
    return [
        *rules_of_files.every_file_once(expected, found),
        *rules_of_files.rows_are_the_disk(expected, found),
        *rules_of_files.rows_agree_with_each_other(found),
        *rules_of_files.photos_are_as_said(expected, found),
        *rules_of_files.projects_are_as_said(expected, found),
        *rules_of_files.derivatives_are_there(found, all_made=False),
        *rules_of_the_log.accepted_tasks_end(expected, found, entries),
        *rules_of_the_log.items_have_one_outcome(found),
        *rules_of_the_log.nothing_is_told_twice(found),
        *rules_of_the_log.versions_have_no_gap(found),
        *rules_of_the_log.words_count_once(expected, found),
        *rules_of_the_log.answers_were_no_accidents(entries),
    ]


def test_where_all_is_well_nothing_is_found() -> None:
    assert broken(well(), journal()) == []


def _disk(*files: DiskFile) -> Callable[[Evidence], Evidence]:
    return lambda found: replace(found, disk=list(files))


def _photo(**columns: Any) -> Callable[[Evidence], Evidence]:
    return lambda found: replace(found, photos={1: {**found.photos[1], **columns}})


def _project(number: int, **columns: Any) -> Callable[[Evidence], Evidence]:
    return lambda found: replace(found, projects={**found.projects, number: {**found.projects[2], **columns}})


def _task(task: str, **columns: Any) -> Callable[[Evidence], Evidence]:
    return lambda found: replace(found, tasks={**found.tasks, task: {**found.tasks[task], **columns}})


def _told(*events: LogEvent) -> Callable[[Evidence], Evidence]:
    return lambda found: replace(found, events=[*found.events, *events])


THERE, THROWN_AWAY = well().disk

WRONG: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "lost": (_disk(THERE), "two.jpg of photo 2 .* is lost"),
    "doubled": (
        _disk(THERE, THROWN_AWAY, THROWN_AWAY._replace(path="B/.trash/x/two.jpg", project=2)),
        "lies there 2 times",
    ),
    "elsewhere": (
        _disk(THERE, THROWN_AWAY._replace(path="B/.trash/two.jpg", project=2)),
        r"in project 2, not in \[1\]",
    ),
    "not thrown away": (
        _disk(THERE, THROWN_AWAY._replace(path="A/two.jpg", area="place")),
        "in the place, not in the trash",
    ),
    "nobody's folder": (_disk(THERE._replace(project=None), THROWN_AWAY), "a folder that is no project's"),
    "another name": (_disk(THERE._replace(name="else.jpg"), THROWN_AWAY), "is called else.jpg"),
    "other bytes": (_disk(THERE._replace(md5="7" * 32), THROWN_AWAY), "bytes that nobody sent"),
    "refused and there": (
        _disk(THERE, THROWN_AWAY, THROWN_AWAY._replace(md5=GONE)),
        "no.jpg .* was refused and lies at",
    ),
    "row without a file": (_disk(THROWN_AWAY), "has a row for one.jpg in project 2, and no file"),
    "file without a row": (lambda found: replace(found, files=[]), "B/one.jpg has no row"),
    "row of other bytes": (
        lambda found: replace(found, files=[{**found.files[0], "size": 11}]),
        "its row says",
    ),
    "row in another project": (_photo(project_id=1), r"photo 1 is in project 1, not in \[2\]"),
    "tag lost": (_photo(tags=[]), "must have .'sea'."),
    "tag that nobody gave": (_photo(tags=["sea", "sky"]), "has the tags"),
    "no longer kept": (_photo(keep_jpg=False), "says keep_jpg False"),
    "derivative gone": (_photo(preview_status="generated"), "B/.preview/one.jpg"),
    "project gone": (_project(2, status="canceled"), r"project 2 \(B\) is canceled"),
    "project renamed": (_project(2, name="C"), "is called C"),
    "project of nobody": (_project(3, name="C"), "project 3 .* was made by nobody"),
    "task stuck": (_task(TASK, status="running", ended_at=None), "was accepted and is running"),
    "task lost": (lambda found: replace(found, tasks={COMMIT: found.tasks[COMMIT]}), "was accepted and is unknown"),
    "item without outcome": (
        lambda found: replace(found, outcomes=found.outcomes[1:]),
        "completed with 0 outcomes of 1",
    ),
    "item twice": (lambda found: replace(found, outcomes=[*found.outcomes, found.outcomes[0]]), "has 2 outcomes"),
    "moved twice": (
        _told(LogEvent(5, "e5", "PhotosMoved", TASK, 2, {"photos": [{"photo_id": 1, "version": 3}]})),
        "PhotosMoved by task task-1 of photo 1 is told 2 times",
    ),
    "completed twice": (_told(LogEvent(5, "e5", "JobCompleted", TASK, None, {"job_id": JOB})), "the completion of job"),
    "uploaded twice": (
        _told(
            LogEvent(
                5, "e5", "PhotosAdded", None, 1, {"photos": [{"photo_id": 8, "version": 1, "files": [{"md5": ONE}]}]}
            )
        ),
        "upload of md5 1+ is told 2 times",
    ),
    "tagged twice": (
        _told(LogEvent(5, "e5", "TagsChanged", None, 1, {"photos": [{"photo_id": 9, "added": ["sea"]}]})),
        "was given the tag sea 2 times",
    ),
    "version untold": (_photo(version=3), "has version 3, the log tells of 2"),
    "version missing": (
        _told(LogEvent(5, "e5", "KeepChanged", None, 2, {"photos": [{"photo_id": 1, "version": 4}]})),
        r"has the versions \[1, 2, 4\]",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_must_not_be_is_found(case: str) -> None:
    change, words = WRONG[case]
    found = broken(change(well()), journal())
    assert any(re.search(words, line) for line in found), found


def test_an_accident_and_a_task_that_ended_and_goes_on_are_found() -> None:
    entries = journal()
    op = next(entry.facts["op"] for entry in entries if entry.what == "asked")
    entries.append(Entry(90, 90.0, "unanswered", {"op": op, "why": "500 internal_error: Something is wrong."}))
    entries.append(Entry(91, 91.0, "ended", {"task": TASK, "status": "failed"}))
    found = broken(well(), entries)
    assert len(found) == 2, found


def test_two_tasks_at_once_on_a_photo_leave_open_which_was_first() -> None:
    """The second move began before the first had ended, so the photo may lie where either left it."""
    entries = [
        *journal(),
        *_entries(_asked("move", {"photos": [1], "about": 1}, 202, {"task": {"id": "task-3"}}), start=20),
    ]
    ended = {"id": "task-3", "type": "any", "status": "completed", "ended_at": datetime.fromtimestamp(60, UTC)}
    found = well()
    found = replace(
        found,
        tasks={**found.tasks, "task-3": ended},
        snapshots={**found.snapshots, "task-3": [1]},
        outcomes=[*found.outcomes, Outcome("task-3", "job-3", 0, 1, "done", None)],
    )
    assert broken(found, entries) == []
    one_after_the_other = [entry._replace(at=ASKED_LATER + entry.n) if entry.n >= 20 else entry for entry in entries]
    assert any("not in [1]" in line for line in broken(found, one_after_the_other))


def test_a_photo_whose_upload_got_no_answer_is_known_by_what_was_said_of_it() -> None:
    lost = {"op": "op-lost", "kind": "upload", "owner": "somebody", "project": 1, "query": {}}
    entries = [Entry(0, 0.0, "asked", {**lost, "files": [_sent("three.jpg", "3" * 32)]})]
    rejected = {"photos": [3], "items": [{"photo_id": 3, "keep_jpg": False}]}
    there = _stored("three.jpg", 3) | {"status": "skipped", "code": "same_bytes"}
    entries += _entries(
        _asked("tag", {"tag": "sea", "photos": [3]}, 200, {"items": [{"photo_id": 3, "status": "changed"}]}),
        _asked("keep", rejected, 200, {"items": [{"photo_id": 3, "status": "changed"}]}),
        _asked(
            "upload", {"project": 1, "query": {}, "files": [_sent("three.jpg", "3" * 32)]}, 200, {"results": [there]}
        ),
        start=1,
    )
    photo = Expectation(well()).fold(operations(entries)).photos[3]
    assert photo.tags == {"sea": {True}}
    assert False in photo.keep["jpg"]


def test_a_kind_that_may_have_gone_may_be_kept_again_as_it_comes() -> None:
    entries = [
        *journal()[:-2],
        *_entries(
            _asked("commit", {"photos": [2], "about": None}, 202, {"task": {"id": "canceled"}}),
            _asked(
                "upload",
                {"project": 1, "query": {}, "files": [_sent("two.jpg", "5" * 32)]},
                200,
                {"results": [_stored("two.jpg", 2) | {"status": "paired"}]},
            ),
            start=9,
        ),
    ]
    found = well()
    found = replace(found, tasks={**found.tasks, "canceled": {**found.tasks[COMMIT], "id": "canceled"}})
    found = replace(found, snapshots={**found.snapshots, "canceled": found.snapshots[COMMIT]})
    assert Expectation(found).fold(operations(entries)).photos[2].keep["jpg"] == {True, False}


def test_a_commit_beside_a_move_may_have_come_before_it() -> None:
    moved = list(_entries(_asked("move", {"photos": [2], "about": 2}, 202, {"task": {"id": TASK}}), start=9))
    entries = [*journal()[:-4], *moved, *journal()[-2:]]
    found = replace(well(), snapshots={TASK: [2], COMMIT: [2]})
    file = Expectation(found).fold(operations(entries)).files[TWO]
    assert (set(file.areas), set(file.places)) == ({"place", "trash"}, {1, 2})


def test_a_commit_beside_the_undo_of_a_revert_may_have_come_after_it() -> None:
    entries = [
        *journal()[:-4],
        *_entries(_asked("revert", {"photos": [2], "about": None}, 202, {"task": {"id": TASK}}), start=9),
        *_entries(_asked("commit", {"photos": [2], "about": None}, 202, {"task": {"id": COMMIT}}), start=20),
        *_entries(_asked("undo", {"photos": [2], "about": None, "of": TASK}, 202, {"task": {"id": "undo"}}), start=30),
    ]
    entries = [entry._replace(at=float(number)) for number, entry in enumerate(entries)]
    reverted = next(entry.at for entry in entries if entry.facts.get("kind") == "commit") - 0.5
    found = well()
    ended = {TASK: datetime.fromtimestamp(reverted, UTC), COMMIT: datetime.fromtimestamp(50, UTC)}
    tasks = {task: {**found.tasks[TASK], "id": task, "ended_at": at} for task, at in ended.items()}
    found = replace(
        found,
        tasks={**tasks, "undo": tasks[COMMIT]},
        snapshots={task: [2] for task in (TASK, COMMIT, "undo")},
        outcomes=[Outcome(task, "job", 0, 2, "done", None) for task in (TASK, COMMIT, "undo")],
    )
    assert set(Expectation(found).fold(operations(entries)).files[TWO].areas) == {"place", "trash"}


def test_an_undo_brings_back_what_the_task_took() -> None:
    undo = _asked("undo", {"photos": [2], "about": None, "of": COMMIT}, 202, {"task": {"id": "task-3"}})
    entries = [*journal(), *(entry._replace(at=ASKED_LATER) for entry in _entries(undo, start=20))]
    found = well()
    found = replace(
        found,
        tasks={**found.tasks, "task-3": {**found.tasks[TASK], "ended_at": datetime.fromtimestamp(150, UTC)}},
        snapshots={**found.snapshots, "task-3": [2]},
        outcomes=[*found.outcomes, Outcome("task-3", "job-3", 0, 2, "done", None)],
    )
    lines = broken(found, entries)
    assert any("two.jpg" in line and "in the trash, not in the place" in line for line in lines), lines


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (["5-1", "5-2", "7-1"], ""),
        (["5-1", "7-1"], "missed 1 messages"),
        (["5-1", "5-2", "5-2", "7-1"], "heard 5-2 after 5-2"),
        (["5-1", "5-2", "6-1", "7-1"], "which the log does not tell"),
        (["5-1", "5-2"], "missed 1 messages"),
        (["3-1", "5-1", "5-2", "7-1"], "which the log does not tell"),
    ],
)
def test_live_updates_that_were_missed_or_repeated_are_found(told: list[str], words: str) -> None:
    everything = [(one, "item", one) for one in ("5-1", "5-2", "7-1")]
    entries = [Entry(1, 0.0, "listening", {"follower": "f", "seq": "4", "reset": False})]
    entries += [Entry(2, 0.0, "told", {"follower": "f", "messages": [[one, "item", one] for one in told]})]
    found = list(heard_all_once(heard(entries), everything, 7))
    assert (found == []) if not words else any(words in line for line in found), found


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([("5-1", "a"), ("6-1", "b"), ("1007-1", "c")], ""),
        ([("5-1", "a"), ("6-1", "b"), ("1006-1", "b"), ("1007-1", "c")], "and again under another place"),
        ([("5-1", "a"), ("6-1", "x"), ("1007-1", "c")], "missed 1 messages"),
        ([("5-1", "a"), ("6-1", "x"), ("1006-1", "b"), ("1007-1", "c")], "which the log does not tell"),
    ],
)
def test_what_was_told_from_a_stream_that_was_lost_may_have_another_place(
    told: list[tuple[str, str]], words: str
) -> None:
    everything = [("5-1", "item", "a"), ("1006-1", "item", "b"), ("1007-1", "item", "c")]
    entries = [Entry(1, 0.0, "listening", {"follower": "f", "seq": "4", "reset": False})]
    entries += [Entry(2, 0.0, "told", {"follower": "f", "messages": [[one, "item", what] for one, what in told]})]
    found = list(heard_all_once(heard(entries), everything, 1007))
    assert (found == []) if not words else any(words in line for line in found), found


def test_what_was_told_before_a_reset_from_a_stream_that_was_lost_need_not_be_told_after_it() -> None:
    everything = [("5-1", "item", "a"), ("1006-1", "item", "b"), ("1007-1", "item", "c")]
    entries = [
        Entry(1, 0.0, "listening", {"follower": "f", "seq": "4", "reset": False}),
        Entry(2, 0.0, "told", {"follower": "f", "messages": [["5-1", "item", "a"], ["6-1", "item", "b"]]}),
        Entry(3, 0.0, "listening", {"follower": "f", "seq": "1005", "reset": True}),
        Entry(4, 0.0, "told", {"follower": "f", "messages": [["1007-1", "item", "c"]]}),
    ]
    assert list(heard_all_once(heard(entries), everything, 1007)) == []
    del entries[1]
    assert any("missed 1 messages" in line for line in heard_all_once(heard(entries), everything, 1007))
