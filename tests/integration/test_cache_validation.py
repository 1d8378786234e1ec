"""``cache_validation``: derivatives that are recorded and gone become missing, and are asked for once."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from bus_traffic import until
from removing import show
from shelf import Photo, Shelf, forbid
from upkeep import Line, counts, everything, over_library, over_projects, report, upkeep
from working import Site, hired

from photobus_common.config import Maintenance, Processing, Settings
from photobus_common.events.projects import DerivativesUpdated
from photobus_common.events.tasks import JobAttemptFailed, TaskRequested
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_common.store.database import Database
from photobus_common.worker.job import Handler
from photobus_maintenance import marking
from photobus_maintenance.jobs import cache_validation
from photobus_maintenance.rounds import Manner

STATUSES = "SELECT filename, thumbnail_status, preview_status, version FROM photos ORDER BY id"
SET_STATUSES = "UPDATE photos SET thumbnail_status = $2, preview_status = $2 WHERE id = $1"
OPEN_OPERATION = """
INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path)
VALUES (gen_random_uuid(), 'user_0', 'ada', gen_random_uuid(), gen_random_uuid(), 1, 0, $1, 'remove_derivative', $2, $3)
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
END_OPERATIONS = "UPDATE file_operations SET state = 'done', outcome = 'removed'"
CHANGED = "derivatives_missing"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"maintenance": Maintenance(lock_wait_seconds=0.0)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return upkeep(settings, library)


def thumbnail(photo: Photo, name: str) -> Path:
    """Where it lies."""
    return photo.folder / THUMBNAILS / f"{name}.jpg"


def preview(photo: Photo, name: str) -> Path:
    """Where it lies."""
    return photo.folder / PREVIEWS / f"{name}.jpg"


async def shown(shelf: Shelf, project: tuple[str, int], *names: str) -> list[Photo]:
    """Make photos with their derivatives."""
    photos = [await shelf.photo(project, name, [f"{name}.jpg"]) for name in names]
    for photo, name in zip(photos, names, strict=True):
        show(photo, name)
    return photos


@dataclass(frozen=True)
class Case:
    """What happens to a photo's derivatives, what its row says before, and what it says of each afterwards."""

    happens: Callable[[Photo, str], object]
    before: str
    after: tuple[str, str]


def both_gone(photo: Photo, name: str) -> None:
    thumbnail(photo, name).unlink()
    preview(photo, name).unlink()


def in_the_other_format(photo: Photo, name: str) -> None:
    for path in (thumbnail(photo, name), preview(photo, name)):
        path.rename(path.with_suffix(".webp"))


def spelt_larger(photo: Photo, name: str) -> None:
    thumbnail(photo, name).rename(thumbnail(photo, name.upper()))


def linked(photo: Photo, name: str) -> None:
    thumbnail(photo, name).unlink()
    thumbnail(photo, name).symlink_to("nowhere")


CASES: Final[dict[str, Case]] = {
    "all there": Case(lambda *_: None, "generated", ("generated", "generated")),
    "thumbnail gone": Case(lambda *of: thumbnail(*of).unlink(), "generated", ("missing", "generated")),
    "preview gone": Case(lambda *of: preview(*of).unlink(), "generated", ("generated", "missing")),
    "both gone": Case(both_gone, "generated", ("missing", "missing")),
    "pending and gone": Case(both_gone, "pending", ("pending", "pending")),
    "failed and gone": Case(both_gone, "failed", ("failed", "failed")),
    "missing before": Case(both_gone, "missing", ("missing", "missing")),
    "in another format": Case(in_the_other_format, "generated", ("missing", "missing")),
    "in another case": Case(spelt_larger, "generated", ("missing", "generated")),
    "a link in its place": Case(linked, "generated", ("generated", "generated")),
    'na"me \N{CAMERA}': Case(both_gone, "generated", ("missing", "missing")),
}
GONE: Final = [name for name, case in CASES.items() if case.before == "generated" and "missing" in case.after]


async def arrange(shelf: Shelf, site: Site, project: tuple[str, int]) -> list[Photo]:
    """Make a photo a case."""
    photos = await shown(shelf, project, *CASES)
    for photo, (name, case) in zip(photos, CASES.items(), strict=True):
        await site.execute(SET_STATUSES, photo.id, case.before)
        case.happens(photo, name)
    return photos


async def test_what_is_recorded_and_gone_is_missing_from_then_on_and_asked_for_once(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], database: Database
) -> None:
    photos = await arrange(shelf, site, ("a", await shelf.project("a")))

    async with hired(settings, handlers):
        command = await over_library(site, "cache_validation")
        await site.until_idle()
        after, lines = await everything(shelf, database), await report(site, command)
        again = await over_library(site, "cache_validation", "system")
        await site.until_idle()

    found = {name: ((thumb, large), version) for name, thumb, large, version in await site.fetch(STATUSES)}
    assert found == {name: (case.after, 2 if name in GONE else 1) for name, case in CASES.items()}
    [told] = await site.said(DerivativesUpdated)
    assert {(one.filename, (one.thumbnail_status, one.preview_status), one.version) for one in told.photos} == {
        (name, CASES[name].after, 2) for name in GONE
    }
    assert {one.reason for one in told.photos} == {"file_gone"}
    assert lines == [
        Line("changed", CHANGED, "a", None, None, len(GONE), "DerivativesUpdated"),
        Line("refused", "derivatives_blocked", "a", "a link in its place.jpg", None, 1, "FindingsReported"),
    ]
    assert await counts(site, command) == (len(photos), len(GONE), 1, 0)
    [asked] = await site.said(TaskRequested)
    assert (asked.task_type, asked.targets.kind, asked.targets.filter) == (
        "generate_derivatives",
        "filter",
        {"status": "missing"},
    )
    assert await everything(shelf, database) == after
    assert await counts(site, again) == (len(photos), 0, 1, 0)


async def test_all_that_is_gone_of_many_portions_of_many_projects_is_one_task(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache_validation, "_MANNER", Manner(portion=2, listed=False))
    projects = {name: await shelf.project(name) for name in ("a", "b", "c", "untouched", "not asked")}
    for name, project_id in projects.items():
        for photo, basename in zip(await shown(shelf, (name, project_id), *"12345"), "12345", strict=True):
            if name != "untouched":
                both_gone(photo, basename)

    async with hired(settings, handlers):
        await over_projects(site, "cache_validation", *(projects[name] for name in ("a", "b", "c", "untouched")))
        await site.until_idle()

    [asked] = await site.said(TaskRequested)
    assert asked.targets.filter == {"status": "missing", "project_folders": ["a", "b", "c", "untouched"]}
    rows = await site.fetch(
        "SELECT pr.name, array_agg(DISTINCT p.preview_status) FROM photos p JOIN projects pr ON pr.id = p.project_id "
        "GROUP BY 1"
    )
    assert dict(rows) == {name: ["missing" if name in {"a", "b", "c"} else "generated"] for name in projects}


async def test_a_folder_of_derivatives_that_is_gone_or_cannot_be_read_costs_its_project_only(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("fine", "gone", "a file", "a link", "last")
    photos = {name: (await shown(shelf, (name, await shelf.project(name)), "1"))[0] for name in names}
    monkeypatch.setattr(marking, "_YOUNG_NS", -marking._YOUNG_NS)
    shutil.rmtree(photos["gone"].folder / THUMBNAILS)
    for name in ("a file", "a link"):
        (photos[name].folder / PREVIEWS).rename(photos[name].folder / "elsewhere")
    (photos["a file"].folder / PREVIEWS).write_bytes(b"")
    (photos["a link"].folder / PREVIEWS).symlink_to("elsewhere")
    both_gone(photos["last"], "1")

    async with hired(settings, handlers):
        command = await over_library(site, "cache_validation", "system")
        await site.until_idle()
        marks = await site.fetch("SELECT p.name FROM folder_marks m JOIN projects p ON p.id = m.project_id ORDER BY 1")

        forbid(monkeypatch, PREVIEWS)
        refused = await over_library(site, "cache_validation")
        await site.until_idle()

    assert [(line.kind, line.code, line.folder) for line in await report(site, command)] == [
        ("changed", CHANGED, "gone"),
        ("refused", "derivatives_blocked", "a file"),
        ("refused", "derivatives_blocked", "a link"),
        ("changed", CHANGED, "last"),
    ]
    assert marks == [("fine",), ("gone",), ("last",)]
    assert [(line.kind, line.code, line.folder) for line in await report(site, refused)] == [
        ("refused", "storage_unavailable", name) for name in names
    ]
    assert await site.said(JobAttemptFailed) == []


async def blocked(site: Site) -> bool:
    """Whether somebody waits for a row."""
    return await site.fetch(WAITING) != [(0,)]


async def test_an_absent_library_loses_no_derivatives(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    await shown(shelf, ("a", await shelf.project("a")), "1")
    before = await shelf.rows()
    shelf.away()
    async with hired(settings, handlers):
        command = await over_library(site, "cache_validation")
        await site.until_idle()
        assert [failed.code for failed in await site.said(JobAttemptFailed)] == ["storage_unavailable"]
        shelf.back()
        await site.again(command, attempt=2, dispatch=2)
        await site.until_idle()
    assert await shelf.rows() == before
    assert await site.state(command) == "completed"
    assert await site.said(TaskRequested) == []


async def test_photos_that_somebody_moves_or_removes_are_left_to_whoever_does(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    [photo] = await shown(shelf, ("a", await shelf.project("a")), "1")
    both_gone(photo, "1")
    await site.execute(OPEN_OPERATION, photo.id, photo.project_id, f"{THUMBNAILS}/1.jpg")
    async with hired(settings, handlers):
        await over_library(site, "cache_validation", "system")
        await site.until_idle()
        assert [row["preview_status"] for row in await shelf.rows()] == ["generated"]

        await site.execute(END_OPERATIONS)
        await over_library(site, "cache_validation", "system")
        await site.until_idle()
    assert [row["preview_status"] for row in await shelf.rows()] == ["missing"]


async def test_derivatives_that_get_their_names_while_the_row_is_waited_for_are_not_gone(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], database: Database
) -> None:
    [photo] = await shown(shelf, ("a", await shelf.project("a")), "1")
    both_gone(photo, "1")

    async with hired(settings, handlers):
        async with database.transaction() as making:
            await making.execute("SELECT FROM photos WHERE id = $1 FOR UPDATE", photo.id)
            command = await over_library(site, "cache_validation")
            await until(partial(blocked, site))
            show(photo, "1")
            await making.execute("UPDATE photos SET version = version + 1 WHERE id = $1", photo.id)
        await site.until_idle()

    assert await site.fetch(STATUSES) == [("1", "generated", "generated", 2)]
    assert await counts(site, command) == (1, 0, 0, 0)


async def test_the_format_of_the_settings_is_what_is_looked_for(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    photos = await shown(shelf, ("a", await shelf.project("a")), "jpeg", "webp")
    in_the_other_format(photos[1], "webp")
    webp = settings.model_copy(update={"processing": Processing(format="webp")})
    async with hired(webp, upkeep(webp, library)):
        await over_library(site, "cache_validation")
        await site.until_idle()
    assert [row["preview_status"] for row in await shelf.rows()] == ["missing", "generated"]


async def test_what_an_earlier_task_left_missing_is_asked_for_again_unless_one_is_at_it(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    [photo] = await shown(shelf, ("a", await shelf.project("a")), "1")
    await site.execute(SET_STATUSES, photo.id, "missing")
    async with hired(settings, handlers):
        for _ in range(2):  # the request of the first is still in the outbox when the second runs
            await over_library(site, "cache_validation")
            await site.until_idle()
    assert len(await site.said(TaskRequested)) == 1
