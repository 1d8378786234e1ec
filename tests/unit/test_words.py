"""Every event has words: a sentence that holds what a person asks for. A new event must get one, and a line here."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from photobus_common.events.catalogue import CATALOGUE
from photobus_gateway.words import SENTENCES, SENTENCES_OF_PHOTO, sentence, sentence_of_photo

ID = UUID(int=1)
TASK = {"task_id": ID, "task_type": "image_move"}
JOB = {**TASK, "job_id": ID, "attempt": 1, "job_type": "file_removal", "scope": "photo_set", "source": "user"}
TRIP = {"project_id": 1, "project_folder": "Trip"}
ASKED = {**TASK, "confirmation_id": ID, **TRIP}
BOTH = {"thumbnail_status": "generated", "preview_status": "generated"}
KEEP = {"jpg": True, "raw": True, "other": False}
FILE = {"name": "a.jpg", "kind": "jpg", "size": 2_100_000}


def photo(**more: Any) -> dict[str, Any]:
    """What an event tells of the photo 1."""
    return {"photo_id": 1, "filename": "a", "version": 2, **more}


def two(part: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """That of it and of another one."""
    return part, part | {"photo_id": 2, "filename": "b"}


TRASHED = {"photo_id": 1, "name": "a.jpg", "trash_path": ".trash/t/a.jpg", "size": 1}
MOVED = photo(source_filename="a", files=(), **BOTH)
STEP = {"job_type": "x", "service": "x", "priority": 1, "lane": "normal", "over": "items", "size": 1, "jobs": 1}
TOLD = [
    (
        "TaskRequested",
        {
            **TASK,
            "scope": "photo_set",
            "source": "user",
            "label": "Move",
            "targets": {"kind": "photos", "photo_ids": (1, 2), "project_ids": (1, 1)},
        },
        "Task “Move” requested, on 2 photos",
    ),
    (
        "TaskRequested",
        {
            **TASK,
            "scope": "global",
            "source": "user",
            "label": "Move",
            "targets": {"kind": "items_of", "items_of": ID},
            "undo_of": ID,
        },
        "Task “Move” requested, on the photos of it, to undo an earlier task",
    ),
    (
        "TargetsResolved",
        {**TASK, "part": 1, "parts": 2, "first": 2, "total": 4, "photo_ids": (3, 4), "project_ids": (1, 1)},
        "Photos 3 to 4 of 4 found for the task to work on",
    ),
    (
        "TargetsUnresolvable",
        {**TASK, "code": "x", "reason": "no such filter"},
        "The photos to work on cannot be found: no such filter",
    ),
    ("TaskStarted", {**TASK, "items": 1, "steps": (STEP, STEP)}, "Task started, with 1 photo in 2 steps"),
    ("TaskCancelRequested", TASK, "Task asked to stop"),
    ("TaskCanceled", TASK, "Task canceled"),
    (
        "TaskCompleted",
        {**TASK, "done": 3, "failed": 1, "skipped": 0},
        "Task completed with errors: 3 items done, 1 failed",
    ),
    ("TaskFailed", {**TASK, "code": "x", "reason": "the disk is away"}, "Task failed: the disk is away"),
    (
        "JobQueued",
        {**JOB, "step": 0, "index": 0, "dispatch": 2, "first": 0, "count": 3},
        "Job “file removal” queued again, for 3 photos",
    ),
    (
        "JobStarted",
        {**JOB, "holder": "w", "done": 2, "total": 3},
        "Job “file removal” started, with 2 of 3 done before",
    ),
    ("JobProgress", {**JOB, "done": 2, "total": 3}, "Job “file removal”: 2 of 3 done"),
    (
        "JobHandedBack",
        {**JOB, "reason": "locked"},
        "Job “file removal” handed back: somebody else works in the folder",
    ),
    (
        "JobWaiting",
        {**JOB, "dispatch": 1, "confirmation_ids": (ID,)},
        "Job “file removal” waits for 1 confirmation",
    ),
    (
        "JobAttemptFailed",
        {**JOB, "code": "x", "reason": "it broke"},
        "Job “file removal”, attempt 1, failed: it broke",
    ),
    ("JobLost", {**JOB, "dispatch": 1}, "Job “file removal” had nobody working on it"),
    (
        "JobCompleted",
        {**JOB, "done": 1, "failed": 0, "skipped": 2},
        "Job “file removal” completed: 1 item done, 2 skipped",
    ),
    ("JobFailed", {**JOB, "code": "x", "reason": "it broke"}, "Job “file removal” failed for good: it broke"),
    ("JobCanceled", JOB, "Job “file removal” canceled"),
    (
        "ConfirmationRequested",
        {**ASKED, "job_id": ID, "job_type": "folder_check", "reason": "many are gone", "lacking": 30, "photos": 40},
        "Confirmation asked for, for 30 of 40 photos of project “Trip” would be removed: many are gone",
    ),
    (
        "ConfirmationAnswered",
        {**ASKED, "confirmed": True},
        "Confirmed that what is missing of project “Trip” is gone for good",
    ),
    (
        "ConfirmationAnswered",
        {**TASK, "confirmation_id": ID, "confirmed": False},
        "Refused to have anything of the library removed",
    ),
    (
        "ConfirmationExpired",
        {**ASKED, "why": "project_gone"},
        "Confirmation of project “Trip” needs no answer any more, for the project is gone",
    ),
    ("ProjectCreated", {**TRIP, "name": "Trip!"}, "Project “Trip!” made, in the folder “Trip”"),
    ("ProjectRenamed", {**TRIP, "old_name": "A", "name": "B", "version": 2}, "Project “A” renamed to “B”"),
    ("ProjectCanceled", {**TRIP, "cause": "deleted", "name": "A", "version": 2}, "Project “A” deleted"),
    ("ProjectTrashed", {**TRIP, "trash_path": ".trash/1"}, "Folder “Trip” went to the library's trash, to “.trash/1”"),
    (
        "ProjectRestored",
        {**TRIP, "name": "A", "trash_path": ".trash/1", "version": 3},
        "Project “A” came back from the library's trash, in the folder “Trip”, from “.trash/1”",
    ),
    ("PhotosAdded", {**TRIP, "photos": two(photo(files=(FILE,)))}, "2 photos (a and b) added"),
    (
        "PhotoFilesChanged",
        {**TRIP, "cause": "upload", "photos": two(photo())},
        "Files of 2 photos (a and b) changed, by an upload",
    ),
    (
        "DerivativesUpdated",
        {**TRIP, "photos": (photo(**BOTH), photo(**BOTH, reason="it is no image") | {"filename": "b"})},
        "Derivatives of 1 photo made; Derivatives of photo b could not be made: it is no image",
    ),
    (
        "FilesTrashed",
        {**TRIP, "reason": "overwritten", "files": (TRASHED,)},
        "a.jpg went to the trash, for an upload replaced it",
    ),
    ("FilesRestored", {**TRIP, "files": (TRASHED,)}, "a.jpg came back from the trash"),
    (
        "PhotosRemoved",
        {**TRIP, "cause": "file_removal", "photos": (photo(keep=KEEP),)},
        "Photo a removed, by a commit",
    ),
    (
        "PhotosRestored",
        {**TRIP, "cause": "undo", "photos": (photo(keep=KEEP, **BOTH),)},
        "Photo a came back, by an undo",
    ),
    (
        "PhotosMoved",
        {**TRIP, "source_project_id": 2, "source_project_folder": "Sea", "photos": two(MOVED)},
        "2 photos (a and b) moved from project “Sea” to “Trip”",
    ),
    (
        "KeepChanged",
        {**TRIP, "photos": two(photo(before=KEEP, after=KEEP))},
        "Decided anew what is kept of 2 photos (a and b)",
    ),
    (
        "TagsChanged",
        {**TRIP, "photos": two(photo(added=("X",), removed=("y", "z")))},
        "Tags of 2 photos (a and b) changed: “X” added; “y” and “z” removed",
    ),
    (
        "ManifestChanged",
        {**TRIP, "created": 2, "manifest_written": True},
        "Folder and catalogue compared: 2 photos came, manifest written",
    ),
    (
        "FindingsReported",
        {
            **TASK,
            "job_id": ID,
            "job_type": "folder_check",
            "findings": ({"kind": "refused", "code": "x", "reason": "too much is gone", "count": 4},),
        },
        "Check “folder check” left 4 things as found: too much is gone",
    ),
    ("ProjectDiscovered", {**TRIP, "name": "Trip", "version": 1}, "Project “Trip” found, in the folder “Trip”"),
    (
        "ProjectReturned",
        {**TRIP, "name": "Trip", "version": 1},
        "Project “Trip” is active again, for its folder “Trip” is back",
    ),
    ("ProjectRemoved", {**TRIP, "name": "Trip"}, "Project “Trip” removed from the catalogue, for its folder is gone"),
    (
        "FolderRenamed",
        {**TRIP, "cause": "folder_alignment", "old_folder": "a", "new_folder": "b", "project_name": "b", "version": 2},
        "Folder “a” renamed to “b”, as its project is called",
    ),
    (
        "FilesRenamed",
        {**TRIP, "cause": "duplicate_resolution", "files": ({"name": "a (2).jpg", "source_name": "a.jpg"},)},
        "1 new file renamed, for the names were taken: a.jpg to a (2).jpg",
    ),
    (
        "StrayFilesTrashed",
        {**TRIP, "cause": "folder_check", "files": ({"name": "x.txt", "trash_path": "t", "size": 1, "reason": "r"},)},
        "Files that belong to no photo went to the trash: x.txt",
    ),
    (
        "PhotosRecognized",
        {**TRIP, "source_project_id": 2, "source_project_folder": "Sea", "photos": (MOVED,)},
        "Photo a moved outside photobus from project “Sea” to “Trip”, and recognised",
    ),
    (
        "PhotosRecognized",
        {**TRIP, "source_project_id": 1, "source_project_folder": "Trip", "photos": two(MOVED)},
        "2 photos (a and b) renamed outside photobus, and recognised",
    ),
    ("MetadataUpdated", {**TRIP, "photos": (photo(),)}, "Metadata of photo a read again, and changed"),
    (
        "TrashEmptied",
        {**TRIP, "folders": ("1",), "files": 2, "bytes": 3_200_000},
        "What had lain long enough in the trash deleted for good: 2 files, 3.2 MB",
    ),
    (
        "LibraryTrashEmptied",
        {**TASK, "job_id": ID, "paths": ("1",), "files": 1, "bytes": 12},
        "What had lain long enough in the library's trash deleted for good: 1 file, 12 bytes",
    ),
    (
        "ScheduleChanged",
        {
            "name": "folder_discovery",
            "task_type": "folder_discovery",
            "every_seconds": 300,
            "enabled": False,
            "deadline_seconds": 60,
            "version": 2,
        },
        "Schedule “folder discovery” changed: every 300 seconds, off",
    ),
    (
        "TickSkipped",
        {
            "name": "folder_discovery",
            "task_type": "folder_discovery",
            "due": datetime(2026, 3, 1, tzinfo=UTC),
            "reason": "active",
        },
        "Schedule “folder discovery” was due and started nothing: its last run had not ended",
    ),
    ("TenantCreated", {"name": "Owner", "library_id": ID}, f"Tenant “Owner” made, with the library {ID}"),
    ("TokenCreated", {"token_id": ID, "name": "phone", "role": "editor"}, "Token “phone” made, with the role editor"),
    ("TokenRevoked", {"token_id": ID}, f"Token {ID} revoked"),
]

OF_PHOTO = [
    ("PhotosAdded", {"photos": (photo(files=(FILE,)),)}, "Added to project “Trip” as a: a.jpg (2.1 MB)"),
    (
        "PhotoFilesChanged",
        {
            "cause": "undo",
            "photos": (photo(added=(FILE, FILE | {"name": "a.nef"}), removed=(FILE, FILE | {"name": "a.xmp"})),),
        },
        "a.jpg replaced; a.nef added; a.xmp gone, by an undo",
    ),
    ("DerivativesUpdated", {"photos": (photo(**BOTH),)}, "Thumbnail and preview made"),
    (
        "DerivativesUpdated",
        {"photos": (photo(**BOTH, reason="it is no image"),)},
        "Derivatives could not be made: it is no image",
    ),
    (
        "DerivativesUpdated",
        {"photos": (photo(thumbnail_status="generated", preview_status="missing"),)},
        "Thumbnail made, preview missing",
    ),
    (
        "FilesTrashed",
        {"reason": "undone", "files": (TRASHED,)},
        "a.jpg went to the trash, by an undo: .trash/t/a.jpg",
    ),
    ("FilesRestored", {"files": (TRASHED,)}, "a.jpg came back from the trash, from .trash/t/a.jpg"),
    (
        "PhotosRemoved",
        {"cause": "manifest_cleaning", "photos": (photo(keep=KEEP),)},
        "Removed from project “Trip”, for none of its files is there",
    ),
    (
        "PhotosRestored",
        {"cause": "project_restore", "photos": (photo(keep=KEEP, **BOTH),)},
        "Back in project “Trip” as a, with its project",
    ),
    (
        "PhotosMoved",
        {"source_project_id": 2, "source_project_folder": "Sea", "photos": (MOVED | {"filename": "a (2)"},)},
        "Moved from project “Sea” to “Trip” as a (2)",
    ),
    (
        "PhotosRecognized",
        {"source_project_id": 1, "source_project_folder": "Trip", "photos": (MOVED | {"filename": "z"},)},
        "Renamed outside photobus from a to z, and recognised",
    ),
    (
        "PhotosRecognized",
        {"source_project_id": 2, "source_project_folder": "Sea", "photos": (MOVED | {"filename": "z"},)},
        "Moved outside photobus from project “Sea” to “Trip” and renamed from a to z, and recognised",
    ),
    (
        "KeepChanged",
        {"photos": (photo(before=KEEP, after={"jpg": False, "raw": False, "other": True}),)},
        "To keep: other files; Not to keep: JPEG and RAW",
    ),
    ("TagsChanged", {"photos": (photo(added=("x",)),)}, "Tag “x” added"),
    (
        "MetadataUpdated",
        {"photos": (photo(before={"width": 1, "taken_at": "x"}, after={"width": 2, "taken_at": "x"}),)},
        "Metadata read again: width changed",
    ),
    (
        "FindingsReported",
        {
            **TASK,
            "job_id": ID,
            "job_type": "folder_check",
            "findings": ({"kind": "reported", "code": "x", "reason": "it is odd", "photo_id": 1},),
        },
        "Check “folder check” left it as found: it is odd",
    ),
]


@pytest.mark.parametrize(("word", "fields", "expected"), TOLD)
def test_an_event_is_said_in_words(word: str, fields: dict[str, Any], expected: str) -> None:
    assert sentence(CATALOGUE[word].model_validate(fields)) == expected


@pytest.mark.parametrize(("word", "fields", "expected"), OF_PHOTO)
def test_of_one_photo_it_is_said_what_happened_to_it(word: str, fields: dict[str, Any], expected: str) -> None:
    model = CATALOGUE[word]
    about = TRIP if "project_folder" in model.model_fields else {}
    assert sentence_of_photo(model.model_validate({**about, **fields})) == expected


def test_every_event_has_words_and_a_test_of_them() -> None:
    assert set(SENTENCES) == set(CATALOGUE.values())
    assert {word for word, _, _ in TOLD} == set(CATALOGUE)
    assert {model.TYPE for model in SENTENCES_OF_PHOTO} == {word for word, _, _ in OF_PHOTO}


def test_every_event_that_tells_of_photos_has_words_for_one_of_them() -> None:
    telling = {
        model
        for model in CATALOGUE.values()
        if model.changed_photo_ids is not CATALOGUE["TaskStarted"].changed_photo_ids
    }
    assert telling == set(SENTENCES_OF_PHOTO)


def test_no_sentence_is_the_name_of_a_type_or_ends_in_a_stop() -> None:
    for _, _, said in (*TOLD, *OF_PHOTO):
        assert not CATALOGUE.keys() & set(re.findall(r"\w+", said)), said
        assert not said.endswith("."), said
