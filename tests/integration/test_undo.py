"""Undos: files, rows, tags and flags are as before each kind of task, an undo of an undo is as after it."""

from typing import Any

import pytest
from moving import move
from removing import OPEN, commit, derivatives, keep, lying, originals, removal, rows_agree, show, trashed
from shelf import JPEG, Photo, Shelf, put
from taking_back import archive, ask_undo, contents, let_rows_be_true, rows, tree, undo
from working import LEASES, Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Filemover, Settings
from photobus_common.events.projects import (
    FilesRestored,
    FilesTrashed,
    PhotoFilesChanged,
    PhotosMoved,
    PhotosRemoved,
    PhotosRestored,
)
from photobus_common.events.tasks import JobAttemptFailed
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_maintenance.jobs.catalogue_update import catalogue_update

TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT id, tenant, $2 FROM photos WHERE id = $1"
DESCRIBE = """
UPDATE photos SET taken_from = 'exif', width = 96, height = 64, camera_make = 'Make', iso = 100, gps_latitude = 1e-7,
    taken_offset_minutes = 120, created_at = '2020-01-01 00:00:00.000001+00', version = 7
"""
ARCHIVE_PROJECT = "UPDATE projects SET status = 'canceled', archived_at = now() WHERE id = $1"
GENERATED = "UPDATE photos SET thumbnail_status = 'generated', preview_status = 'generated', derivative_key = 'key'"
STATUSES = "SELECT id, thumbnail_status, derivative_key FROM photos ORDER BY id"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return removal(settings, library)


@pytest.fixture
async def photos(shelf: Shelf, site: Site) -> list[Photo]:
    """A photo that a commit removes, one whose JPEG it removes, one whose RAW, and one that stays, in two projects."""
    alps, sea = ("Alps", await shelf.project("Alps")), ("Sea", await shelf.project("Sea"))
    made = [
        await shelf.photo(alps, "A", ["A.jpg", "A.xmp"]),
        await shelf.photo(sea, "B", ["B.dng", "B.dng.xmp", "B.jpg"]),
        await shelf.photo(alps, "C", ["C.dng", "C.jpg"]),
        await shelf.photo(sea, "D", ["D.jpg"]),
    ]
    for photo, kinds, name in zip(made, ("", "raw", "jpg", "jpg"), "ABCD", strict=True):
        await keep(site, photo, kinds)
        await site.execute(TAG, photo.id, f"tag of {name}")
        show(photo, name)
    await site.execute(DESCRIBE)
    await let_rows_be_true(shelf, site, "Alps", "Sea")
    return made


async def done(site: Site, settings: Settings, handlers: dict[str, Handler], command: RunJob) -> RunJob:
    async with hired(settings, handlers):
        await site.until_idle()
    return command


async def outcomes(site: Site, command: RunJob) -> dict[int, tuple[str, str | None]]:
    return {photo: (status, reason) for photo, status, reason in await site.outcomes(command)}


async def test_a_commit_is_undone_to_the_last_column_and_that_undone_again(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    before, files, originally = await rows(site, shown=False), originals(shelf), tree(shelf)
    first = await done(site, settings, handlers, await commit(site, photos))
    after, committed = await rows(site, shown=False), originals(shelf)
    assert after != before

    second = await undo(site, settings, handlers, first)
    assert await outcomes(site, second) == {
        **{photo.id: ("done", None) for photo in photos[:3]},
        photos[3].id: ("skipped", "unchanged"),
    }
    assert await rows(site, shown=False) == before
    assert originals(shelf) == files
    assert {path: md5 for path, md5 in originally.items() if "/." not in path} == {
        path: md5 for path, md5 in tree(shelf).items() if "/." not in path
    }
    assert await site.fetch(STATUSES) == [
        (photos[0].id, "pending", None),
        (photos[1].id, "pending", None),
        (photos[2].id, "generated", None),
        (photos[3].id, "generated", None),
    ]
    assert trashed(shelf, "Alps") == trashed(shelf, "Sea") == []

    third = await undo(site, settings, handlers, second)
    assert await rows(site, shown=False) == after
    assert originals(shelf) == committed
    assert derivatives(shelf, "Alps") == [".preview/C.jpg", ".thumb/C.jpg"]

    await undo(site, settings, handlers, third)
    assert await rows(site, shown=False) == before
    assert originals(shelf) == files
    assert await rows_agree(shelf, site)
    assert await site.fetch(OPEN) == [(0,)]


async def test_an_undone_commit_is_told_with_all_that_is_back(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    first = await done(site, settings, handlers, await commit(site, photos))
    second = await undo(site, settings, handlers, first)
    third = await undo(site, settings, handlers, second)

    restored = [one for one in await site.said(FilesRestored) if one.task_id == second.task_id]
    assert sorted(file.name for data in restored for file in data.files) == ["A.jpg", "A.xmp", "B.jpg", "C.dng"]
    assert all(file.trash_path.endswith(f"-{first.task_id}/{file.name}") for data in restored for file in data.files)
    (back,) = await site.said(PhotosRestored)
    assert (back.task_id, back.cause) == (second.task_id, "undo")
    assert [(one.photo_id, one.filename, one.tags) for one in back.photos] == [(photos[0].id, "A", ("tag of A",))]
    changed = [one for one in await site.said(PhotoFilesChanged) if one.cause == "undo"]
    assert [(one.task_id, [part.photo_id for part in one.photos]) for one in changed] == [
        (second.task_id, [photos[2].id]),
        (second.task_id, [photos[1].id]),
        (third.task_id, [photos[2].id]),
        (third.task_id, [photos[1].id]),
    ]
    assert {one.reason for one in await site.said(FilesTrashed) if one.task_id == third.task_id} == {"undone"}
    assert [one.cause for one in await site.said(PhotosRemoved)] == ["file_removal", "undo"]


async def test_a_move_is_undone_with_names_and_derivatives_and_that_undone_again(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    namesake = await shelf.photo(("Sea", photos[1].project_id), "A", ["A.jpg"])
    before, originally = await rows(site), tree(shelf)
    first = await done(site, settings, handlers, await move(site, [photos[0], photos[2]], photos[1].project_id))
    after, moved = await rows(site), tree(shelf)
    assert {path for path in moved if path.startswith("Sea/A (2)")} == {"Sea/A (2).jpg", "Sea/A (2).xmp"}

    second = await undo(site, settings, handlers, first)
    assert set((await outcomes(site, second)).values()) == {("done", "A (2) is called A there."), ("done", None)}
    assert (await rows(site), tree(shelf)) == (before, originally)

    third = await undo(site, settings, handlers, second)
    assert (await rows(site), tree(shelf)) == (after, moved)
    told = [one.task_id for one in await site.said(PhotosMoved)]
    assert told == [command.task_id for command in (first, second, third)]
    assert namesake.id in {row["id"] for row in (await rows(site))[0]}


@pytest.mark.parametrize(
    ("task_type", "params"),
    [
        ("change_revert", {}),
        ("keep_update", {"keep_jpg": False, "keep_raw": True}),
        ("tags_update", {"add": ["new", "tag of B"], "remove": ["tag of A"]}),
    ],
)
async def test_what_was_said_of_photos_is_undone_and_that_undone_again(
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    photos: list[Photo],
    task_type: str,
    params: dict[str, Any],
) -> None:
    before = await rows(site)
    items = [photo.target for photo in photos]
    first = await site.post(items, "catalogue_update", task_type=task_type, params=params)
    await done(site, settings, {"catalogue_update": catalogue_update}, first)
    after = await rows(site)
    assert after != before

    second = await undo(site, settings, handlers, first)
    assert await rows(site) == before
    assert ("done", None) in (await outcomes(site, second)).values()

    third = await undo(site, settings, handlers, second)
    assert await rows(site) == after
    await undo(site, settings, handlers, third)
    assert await rows(site) == before


async def test_what_cannot_be_taken_back_is_said_of_each_photo_and_the_others_are(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    first = await done(site, settings, handlers, await commit(site, photos))
    await shelf.photo(("Alps", photos[0].project_id), "A", ["A.jpg"])
    await done(site, settings, handlers, await move(site, [photos[2]], photos[1].project_id))

    second = await undo(site, settings, handlers, first)

    assert await outcomes(site, second) == {
        photos[0].id: ("failed", "Another photo is called A now, in Alps."),
        photos[1].id: ("done", None),
        photos[2].id: ("failed", "It lies in Sea now."),
        photos[3].id: ("skipped", "unchanged"),
    }
    assert (trashed(shelf, "Alps"), trashed(shelf, "Sea")) == (["A.jpg", "A.xmp", "C.dng"], [])
    assert await rows_agree(shelf, site)


async def test_a_photo_does_not_come_back_beside_one_that_is_on_its_way_into_another_project(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    first = await done(site, settings, handlers, await commit(site, photos[:2]))
    await shelf.intend(photos[3], "A.jpg")
    await site.execute("UPDATE uploads SET basename = 'A'")
    second = await undo(site, settings, handlers, first)
    assert await outcomes(site, second) == {
        photos[0].id: ("failed", "Another photo is called A now, in Sea."),
        photos[1].id: ("done", None),
    }


async def test_a_file_that_is_gone_from_the_trash_is_named_and_what_is_there_comes_back(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    first = await done(site, settings, handlers, await commit(site, photos))
    (sidecar,) = shelf.root.glob("Alps/.trash/*/A.xmp")
    sidecar.unlink()
    (replaced,) = shelf.root.glob("Sea/.trash/*/B.jpg")
    replaced.write_bytes(JPEG + b"another")
    put(shelf.root / "Alps" / "C.dng", b"somebody else's")

    second = await undo(site, settings, handlers, first)

    assert await outcomes(site, second) == {
        photos[0].id: ("failed", "A.xmp: It is no longer in the trash."),
        photos[1].id: ("failed", "B.jpg: Another file lies in its place in the trash."),
        photos[2].id: ("failed", "C.dng: Another file has its name now."),
        photos[3].id: ("skipped", "unchanged"),
    }
    assert lying(shelf, "Alps") == ["A.jpg", "C.dng", "C.jpg"]
    assert (shelf.root / "Alps" / "C.dng").read_bytes() == b"somebody else's"
    found = {row["id"]: row for row in await shelf.rows()}
    assert [file.split()[0] for file in found[photos[0].id]["files"]] == ["A.jpg"]
    assert [file.split()[0] for file in found[photos[2].id]["files"]] == ["C.jpg"]


async def test_a_photo_of_which_nothing_is_in_the_trash_any_more_does_not_come_back(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    first = await done(site, settings, handlers, await commit(site, photos[:1]))
    for path in shelf.root.glob("Alps/.trash/*/*"):
        path.unlink()
    second = await undo(site, settings, handlers, first)
    gone = "It is no longer in the trash."
    assert await outcomes(site, second) == {photos[0].id: ("failed", f"A.jpg: {gone} A.xmp: {gone}")}
    assert photos[0].id not in {row["id"] for row in await shelf.rows()}


async def test_what_is_to_be_kept_by_now_stays_when_an_undo_is_undone(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    pair = await shelf.photo(("Alps", photos[0].project_id), "E", ["E.dng", "E.jpg"])
    await keep(site, pair)
    first = await done(site, settings, handlers, await commit(site, [*photos, pair]))
    second = await undo(site, settings, handlers, first)
    await keep(site, photos[0], "jpg")
    await keep(site, pair, "jpg")
    third = await undo(site, settings, handlers, second)
    found = await outcomes(site, third)
    assert found[photos[0].id] == ("failed", "To be kept by now: A.jpg, A.xmp.")
    assert found[photos[1].id] == ("done", None)
    assert found[pair.id] == ("failed", "To be kept by now: E.jpg.")
    assert lying(shelf, "Alps") == ["A.jpg", "A.xmp", "C.jpg", "E.jpg"]
    assert await rows_agree(shelf, site)


async def test_pictures_of_another_file_are_made_anew_however_up_to_date_they_seem(
    site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    first = await done(site, settings, handlers, await commit(site, photos[1:3]))
    await site.execute(GENERATED)  # of the RAW of one, of the JPEG of the other
    await undo(site, settings, handlers, first)
    assert await site.fetch(STATUSES) == [
        (photos[0].id, "generated", "key"),
        (photos[1].id, "pending", None),
        (photos[2].id, "generated", "key"),
        (photos[3].id, "generated", "key"),
    ]


async def test_a_row_without_files_comes_back_and_goes_again(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photo = await shelf.photo(("Alps", await shelf.project("Alps")), "A", [])
    await keep(site, photo)
    before = await rows(site, shown=False)
    first = await done(site, settings, handlers, await commit(site, [photo]))
    assert await shelf.rows() == []
    second = await undo(site, settings, handlers, first)
    assert await outcomes(site, second) == {photo.id: ("done", None)}
    assert await rows(site, shown=False) == before
    await undo(site, settings, handlers, second)
    assert await shelf.rows() == []


async def test_a_deleted_project_gets_nothing_back(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    first = await done(site, settings, handlers, await commit(site, photos))
    await site.execute(ARCHIVE_PROJECT, photos[0].project_id)
    second = await undo(site, settings, handlers, first)
    assert {status for status, _ in [(await outcomes(site, second))[photos[n].id] for n in (0, 2)]} == {"canceled"}
    assert trashed(shelf, "Alps") == ["A.jpg", "A.xmp", "C.dng"]
    assert trashed(shelf, "Sea") == []


async def test_an_undo_by_half_of_the_log_fails_and_is_tried_again(
    site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    first = await done(site, settings, handlers, await commit(site, photos))
    command = await ask_undo(site, first)
    await site.execute("DELETE FROM event_log WHERE type = 'PhotosRemoved'")
    before = await rows(site)
    async with hired(settings, handlers):
        await site.until_state(command, "failed")
    (failed,) = await site.said(JobAttemptFailed)
    assert (failed.code, failed.retryable) == ("log_incomplete", True)
    assert await rows(site) == before
    await archive(site)
    await site.again(command, attempt=2, dispatch=2)
    async with hired(settings, handlers):
        await site.until_state(command, "completed")
    assert [status for _, status, _ in await site.outcomes(command)] == ["done", "done", "done", "skipped"]


async def test_no_byte_is_lost_whatever_is_undone(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    before = contents(shelf)
    command = await done(site, settings, handlers, await commit(site, photos))
    for _ in range(4):
        command = await undo(site, settings, handlers, command)
        assert contents(shelf) == before
