"""Trash that others change while it is looked through, and what is there under names as long as names get."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from dying import Runner
from shelf import Shelf, put
from upkeep import report
from working import Site

from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.maintenance import StrayFilesTrashed
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH, trash_folder
from photobus_common.worker.job import Handler
from photobus_maintenance import trash as trashes
from photobus_maintenance.context import Context
from photobus_maintenance.jobs import trash_maintenance
from photobus_maintenance.jobs.project_scavenge import ProjectScavenge
from photobus_maintenance.jobs.trash_maintenance import TrashMaintenance

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"maintenance": Maintenance(lock_wait_seconds=0.0)})


@pytest.fixture
def runner(site: Site, settings: Settings, library: Library) -> Runner:
    context = Context(library, settings, load_definitions())
    handlers: dict[str, Handler] = {
        "trash_maintenance": TrashMaintenance(context),
        "project_scavenge": ProjectScavenge(context),
    }
    return Runner(site, handlers)


def named(hours: float) -> str:
    return trash_folder(datetime.now(UTC) - timedelta(hours=hours), uuid4())


def file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, b"12345")


def once_listed(patch: pytest.MonkeyPatch, where: str, happens: list[Path], gone: list[Path]) -> None:
    """Let folders come, and others go, as soon as the folder called ``where`` has been listed for the first time."""
    for listing in ("names", "folders"):
        _then(patch, listing, where, happens, gone)


def _then(patch: pytest.MonkeyPatch, listing: str, where: str, happens: list[Path], gone: list[Path]) -> None:
    really = getattr(Folder, listing)

    def look(folder: Folder, **options: bool) -> object:
        found = really(folder, **options)
        if folder.name == where:
            while happens:
                file(happens.pop() / "A.jpg")
            while gone:
                shutil.rmtree(gone.pop())
        return found

    patch.setattr(Folder, listing, look)


@pytest.mark.parametrize("job_type", ["trash_maintenance", "project_scavenge"])
async def test_what_comes_or_goes_while_the_trash_is_listed_stays_what_it_is(
    shelf: Shelf, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch, job_type: str
) -> None:
    await shelf.project("a")
    trash = shelf.root / "a" / TRASH if job_type == "trash_maintenance" else shelf.root / TRASH
    coming, going, stray = trash / named(0), trash / named(1), trash / "stray.jpg"
    for path in (going / "B.jpg", stray):
        file(path)
    once_listed(monkeypatch, TRASH, [coming], [going])
    command = await runner.do(job_type)
    assert (coming / "A.jpg").read_bytes() == b"12345"
    assert [line.kind for line in await report(site, command)] in (["changed"], ["reported"])


async def test_a_trash_that_is_taken_away_whole_meanwhile_keeps_nobody_busy(
    shelf: Shelf, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.project("a")
    trash = shelf.root / "a" / TRASH
    file(trash / named(25) / "A.jpg")
    really, asked = trashes.measured, 0

    def measured(*arguments: object) -> object:
        nonlocal asked
        asked += 1
        assert asked < 10
        shutil.rmtree(trash, ignore_errors=True)
        return really(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(trash_maintenance, "measured", measured)
    await runner.do("trash_maintenance")
    assert asked == 1


async def test_strays_whose_names_fill_more_than_an_event_are_all_told(
    shelf: Shelf, site: Site, runner: Runner
) -> None:
    await shelf.project("a")
    trash = shelf.root / "a" / TRASH
    trash.mkdir()
    for number in range(200):
        put(trash / os.fsdecode(f"{number:03}".encode() + b"\xff" * 250), b"1")
    await runner.do("trash_maintenance")
    told = await site.said(StrayFilesTrashed)
    assert sum(len(one.files) for one in told) == 200


async def test_what_others_keep_under_that_name_stays_where_nothing_is_to_be_thrown_away(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    """As in folders that were there before photobus: another program may call its own so."""
    await shelf.project("a")
    kept = [shelf.root / "a" / TRASH / "files" / "A.jpg", shelf.root / TRASH / "files" / "B.jpg"]
    for path in kept:
        file(path)
    file(shelf.root / "a" / TRASH / named(25) / "C.jpg")
    lenient = Maintenance(lock_wait_seconds=0.0, stray_files="report")
    context = Context(library, settings.model_copy(update={"maintenance": lenient}), load_definitions())
    handlers: dict[str, Handler] = {
        "trash_maintenance": TrashMaintenance(context),
        "project_scavenge": ProjectScavenge(context),
    }
    for job_type, codes in (
        ("trash_maintenance", ["trash_stray", "trash_emptied"]),
        ("project_scavenge", ["trash_stray"]),
    ):
        command = await Runner(site, handlers).do(job_type)
        assert sorted(line.code for line in await report(site, command)) == sorted(codes)
    assert all(path.exists() for path in kept)
    assert [path.name for path in (shelf.root / "a" / TRASH).iterdir()] == ["files"]
