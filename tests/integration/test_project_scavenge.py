"""What deletions left: folders that could not be moved, and what has lain in the library's trash for long enough."""

import errno
import os
from datetime import UTC, datetime, timedelta

import pytest
from bus_traffic import ORIGIN, TENANT
from deleting import Deletions, arrange, at_work, deletion, said_of, trashed, tree
from dying import Runner
from library_bin import OPERATION, Bin, named
from shelf import JPEG, MADE_AT, Shelf, forbid, put
from upkeep import report
from working import Site, hired

from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.maintenance import LibraryTrashEmptied, TrashEmptied
from photobus_common.events.projects import PhotosRemoved, ProjectTrashed
from photobus_common.events.tasks import Targets
from photobus_common.storage import whole_folders
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST, Manifest
from photobus_common.storage.project_folder import TRASH, ProjectFolder, trashed_at
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.task_requests import Ask, request_task
from photobus_common.worker.results import AttemptFailed, Completed, HandedBack
from photobus_maintenance import scavenging
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.project_scavenge import ProjectScavenge

COMING = """
INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path,
    target_project_id, target_path)
VALUES (gen_random_uuid(), $1, 'ada', gen_random_uuid(), gen_random_uuid(), 1, 0, 1, 'move', $2, 'A.jpg', $3, 'A.jpg')
"""
REMOVALS = "SELECT project_id, whole, files, ended_at IS NOT NULL FROM trash_removals"
OLDER = "UPDATE project_operations SET target_path = replace(target_path, $1, $2)"

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"maintenance": Maintenance(lock_wait_seconds=0.0)})


@pytest.fixture
def runner(site: Site, settings: Settings, library: Library) -> Runner:
    return Runner(site, {"project_scavenge": ProjectScavenge(Context(library, settings, load_definitions()))})


@pytest.fixture
def trash(shelf: Shelf, site: Site) -> Bin:
    return Bin(shelf, site)


async def test_a_deleted_project_goes_for_good_by_the_time_in_its_path(trash: Bin, site: Site, runner: Runner) -> None:
    old, old_folder = await trash.deleted("old", 24.1)
    _, young = await trash.deleted("young", 23.9)
    _, coming = await trash.deleted("coming", -30)
    os.utime(young, (0, 0))

    command = await runner.do("project_scavenge")

    assert trash.names == ["coming", "young"]
    assert not old_folder.parent.exists()
    assert tree(young) == tree(coming) | {MANIFEST: tree(young)[MANIFEST]}
    [told] = await site.said(TrashEmptied)
    assert (told.project_id, told.folders, told.files, told.whole) == (old, (old_folder.parent.name,), 3, True)
    assert [line.code for line in await report(site, command)] == ["trash_emptied"]
    assert await site.fetch(REMOVALS) == [(old, True, 3, True)]

    disk, said = trash.shelf.disk(), len(await site.events())
    await runner.do("project_scavenge")
    assert trash.shelf.disk() == disk
    assert len(await site.events()) == said + 2


async def test_what_is_no_project_of_ours_goes_by_the_same_time(trash: Bin, site: Site, runner: Runner) -> None:
    root = trash.shelf.root
    old, young = named(25), named(1)
    trash.folder(root / TRASH / old / "merged", 4711)
    put(root / TRASH / old / "file.jpg", JPEG)
    outside = root.parent / "outside"
    outside.mkdir()
    put(outside / "mine.jpg", JPEG)
    (root / TRASH / old / "link").symlink_to(outside)
    trash.folder(root / TRASH / young / "young")
    (root / TRASH / named(30)).mkdir()

    await runner.do("project_scavenge")

    assert trash.names == ["young"]
    assert [path.name for path in (root / TRASH).iterdir()] == [young]
    assert (outside / "mine.jpg").exists()
    told = await site.said(LibraryTrashEmptied)
    assert sorted(path for one in told for path in one.paths) == [
        f"{TRASH}/{old}/{name}" for name in ("file.jpg", "link", "merged")
    ]
    assert sum(one.files for one in told) == 5


async def test_what_lies_there_under_other_names_has_its_time_from_now_on(
    trash: Bin, site: Site, runner: Runner
) -> None:
    root = trash.shelf.root
    trash.folder(root / TRASH / "holiday")
    put(root / TRASH / "stray.jpg", JPEG)
    os.utime(root / TRASH / "holiday", (0, 0))
    command = await runner.do("project_scavenge")
    assert trash.names == ["holiday", "stray.jpg"]
    [ours] = (root / TRASH).iterdir()
    assert trashed_at(ours.name) is not None
    assert [(line.kind, line.code, line.subject) for line in await report(site, command)] == [
        ("reported", "trash_stray_put_by", f"{TRASH}/holiday"),
        ("reported", "trash_stray_put_by", f"{TRASH}/stray.jpg"),
    ]
    again = await runner.do("project_scavenge")
    assert await report(site, again) == []


async def test_the_only_folder_of_an_active_project_stays_wherever_it_lies(
    trash: Bin, site: Site, runner: Runner
) -> None:
    """As where an older state of the database was brought back."""
    shelf, old = trash.shelf, named(40)
    lacking, there = await shelf.project("lacking"), await shelf.project("there")
    orphan = await trash.row("orphan")
    await site.execute("UPDATE projects SET cancel_cause = 'folder_gone', deleted_by = NULL WHERE id = $1", orphan)
    (shelf.root / TRASH / old).mkdir(parents=True)
    (shelf.root / "lacking").rename(shelf.root / TRASH / old / "lacking")
    trash.folder(shelf.root / TRASH / old / "copy", there)
    trash.folder(shelf.root / TRASH / old / "orphan", orphan)
    command = await runner.do("project_scavenge")
    assert trash.names == ["lacking", "orphan"]
    refused = [(line.code, line.folder) for line in await report(site, command) if line.kind == "refused"]
    assert refused == [("folder_in_trash", "lacking"), ("folder_in_trash", "orphan")]
    (shelf.root / TRASH / old / "lacking").rename(shelf.root / "lacking")
    assert (shelf.root / "lacking" / MANIFEST).exists()
    assert lacking != there


async def test_the_trash_of_a_project_that_was_back_and_is_missed_since_is_kept(
    trash: Bin, site: Site, runner: Runner
) -> None:
    """Its owner copied it out of the trash, and has lost the copy: what lies in the trash is all there is."""
    orphan, folder = await trash.deleted("orphan", 30)
    await site.execute("UPDATE projects SET cancel_cause = 'folder_gone', deleted_by = NULL WHERE id = $1", orphan)
    command = await runner.do("project_scavenge")
    assert trash.names == ["orphan"]
    assert (folder / "A.jpg").exists()
    assert [(line.code, line.folder) for line in await report(site, command)] == [("folder_in_trash", "orphan")]


async def test_a_project_that_comes_back_or_is_being_deleted_is_left_alone(
    trash: Bin, site: Site, runner: Runner
) -> None:
    restoring, folder = await trash.deleted("restoring", 30)
    deleting, _ = await trash.deleted("deleting", 30)
    died, _ = await trash.deleted("died", 30)
    for project_id, name, ended in ((restoring, "restoring", False), (died, "died", True)):
        task = await trash.task("project_restore", project_id, ended=ended)
        [path] = [str(one.relative_to(trash.shelf.root)) for one in trashed(trash.shelf) if one.name == name]
        await site.execute(OPERATION, TENANT, project_id, task, "restore", path, None, 1, 1, "open", None)
    await trash.task("project_delete", deleting, ended=False)

    command = await runner.do("project_scavenge")

    assert trash.names == ["deleting", "restoring"]
    assert folder.exists()
    assert {(line.kind, line.code, line.folder) for line in await report(site, command)} == {
        ("refused", "locked", "deleting"),
        ("refused", "locked", "restoring"),
        ("changed", "trash_emptied", "died"),
    }


@pytest.mark.parametrize(("state", "outcome"), [("open", None), ("done", "kept")])
async def test_a_folder_that_a_deletion_could_not_move_is_moved(
    trash: Bin, site: Site, runner: Runner, state: str, outcome: str | None
) -> None:
    project_id, folder = await trash.unmoved("left", state, outcome)
    before = tree(folder)
    command = await runner.do("project_scavenge")
    [there] = trashed(trash.shelf)
    assert (there.name, tree(there)) == ("left", before)
    assert not folder.exists()
    at = trashed_at(there.parent.name)
    assert at is not None
    assert datetime.now(UTC) - at < timedelta(hours=1)
    [told] = await site.said(ProjectTrashed)
    assert (told.project_id, told.trash_path) == (project_id, str(there.relative_to(trash.shelf.root)))
    assert [line.code for line in await report(site, command)] == ["project_trashed"]
    assert await site.fetch("SELECT count(*) FROM project_operations WHERE state = 'open'") == [(0,)]
    disk = trash.shelf.disk()
    again = await runner.do("project_scavenge")
    assert trash.shelf.disk() == disk
    assert await report(site, again) == []


async def test_only_the_very_folder_is_moved(trash: Bin, site: Site, runner: Runner) -> None:
    """Another one under its name, one that does not say whose it is, one with files on record, one being deleted."""
    other, _ = await trash.unmoved("other", "open", None)
    copied, _ = await trash.unmoved("copied", "done", "kept")
    for name, project_id in (("other", other), ("copied", copied)):
        (trash.shelf.root / name).rename(trash.shelf.root.parent / name)
        trash.folder(trash.shelf.root / name, project_id)
    _, silent = await trash.unmoved("silent", "done", "kept")
    (silent / MANIFEST).unlink()
    _, foreign = await trash.unmoved("foreign", "done", "kept")
    (foreign / MANIFEST).write_bytes(Manifest(id=other, name="x", created_at=MADE_AT).encode())
    moving, _ = await trash.unmoved("moving", "done", "kept")
    await trash.unmoved("uploading", "done", "kept")
    deleting, _ = await trash.unmoved("deleting", "open", None)
    await trash.task("project_delete", deleting, ended=False)
    given_away, _ = await trash.unmoved("given away", "done", "kept")
    await site.execute("INSERT INTO projects (tenant, name, folder) VALUES ($1, 'given away', 'given away')", TENANT)
    await site.execute(
        """INSERT INTO uploads (id, tenant, project_id, actor, filename, state, target_name, expires_at)
        SELECT gen_random_uuid(), tenant, id, 'ada', 'B.jpg', 'placing', 'B.jpg', now() + interval '1 day'
        FROM projects WHERE name = 'uploading'"""
    )
    await site.execute(COMING, TENANT, given_away, moving)
    disk = trash.shelf.disk()

    command = await runner.do("project_scavenge")

    assert trash.shelf.disk() == disk
    assert await site.said(ProjectTrashed) == []
    assert {(line.kind, line.folder) for line in await report(site, command)} == {
        ("refused", "silent"),
        ("refused", "foreign"),
        ("refused", "moving"),
        ("refused", "uploading"),
    }


async def test_what_cannot_be_read_or_is_held_costs_nothing_but_itself(
    trash: Bin, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, _ = await trash.deleted("closed", 30)
    _, held = await trash.deleted("held", 29)
    await trash.deleted("free", 28)
    with monkeypatch.context() as patch:
        forbid(patch, "closed")
        folder = ProjectFolder(os.open(held, os.O_RDONLY), "held")
        with folder:
            assert folder.try_lock()
            command = await runner.do("project_scavenge")
    assert trash.names == ["closed", "held"]
    assert {(line.kind, line.code, line.folder) for line in await report(site, command)} == {
        ("refused", "storage_unavailable", "closed"),
        ("refused", "locked", "held"),
        ("changed", "trash_emptied", "free"),
    }
    await runner.do("project_scavenge")
    assert trash.names == []
    assert closed


async def test_a_library_that_is_away_or_fails_loses_nothing(
    trash: Bin, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trash.deleted("old", 30)
    trash.shelf.away()
    result = await runner.run(await runner.job("project_scavenge"))
    assert isinstance(result, AttemptFailed)
    assert result.code == "storage_unavailable"
    assert list(trash.shelf.root.iterdir()) == []
    trash.shelf.back()
    with monkeypatch.context() as patch:
        forbid(patch, "old", errno.EIO)
        command = await runner.do("project_scavenge")
        assert [(line.kind, line.code) for line in await report(site, command)] == [("refused", "storage_unavailable")]
        forbid(patch, trash.shelf.root, errno.EIO)
        result = await runner.run(await runner.job("project_scavenge"))
    assert isinstance(result, AttemptFailed)
    assert trash.names == ["old"]
    assert await site.said(TrashEmptied) == []
    await runner.do("project_scavenge")
    assert trash.names == []


async def test_one_project_is_cleaned_up_after_if_asked(trash: Bin, site: Site, runner: Runner) -> None:
    old, _ = await trash.deleted("old", 30)
    await trash.deleted("other", 30)
    left, _ = await trash.unmoved("left", "open", None)
    active = await trash.shelf.project("active")
    command = await runner.do("project_scavenge", old, left, active)
    assert trash.names == ["left", "other"]
    assert {(line.kind, line.code) for line in await report(site, command)} == {
        ("changed", "trash_emptied"),
        ("changed", "project_trashed"),
        ("refused", "project_active"),
    }
    deleting, _ = await trash.deleted("deleting", 30)
    await trash.task("project_delete", deleting, ended=False)
    assert await runner.run(await runner.job("project_scavenge", deleting)) == HandedBack("locked")


async def test_killed_between_any_two_effects_another_finishes_and_tells_once(
    trash: Bin, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scavenging, "FILES", 2)
    deaths = 0
    for effects in range(100):
        old, folder = await trash.deleted(f"old{effects}", 30)
        left, unmoved = await trash.unmoved(f"left{effects}", "done", "kept")
        await trash.deleted(f"young{effects}", 1)
        await trash.photo(old)
        before = tree(unmoved)
        command = await runner.job("project_scavenge")
        died = await runner.dies(command, effects)
        if died:
            deaths += 1
            assert await runner.run(command) == Completed()
        assert trash.names == sorted([f"left{effects}", f"young{effects}"])
        assert not folder.parent.exists()
        [moved] = [path for path in trashed(trash.shelf) if path.name == f"left{effects}"]
        assert tree(moved) == before
        told = [one for one in await site.said(TrashEmptied) if one.project_id == old]
        assert [(one.files, one.whole) for one in told] == [(3, True)], effects
        assert len([one for one in await site.said(ProjectTrashed) if one.project_id == left]) == 1
        assert len([one for one in await site.said(PhotosRemoved) if one.project_id == old]) == 1
        for path in trashed(trash.shelf):
            path.rename(trash.shelf.root.parent / f"{path.name} seen")
        await site.execute("UPDATE projects SET cancel_cause = NULL, status = 'active' WHERE id = ANY($1)", [old, left])
        if not died:
            break
    assert deaths > 20


async def _scavenge(deletions: Deletions, settings: Settings, library: Library, *projects: int) -> None:
    """Ask for the task over the library, as a schedule does, or over projects; wait for its end."""
    context = Context(library, settings, load_definitions())
    definition = load_definitions()["project_scavenge" if projects else "project_scavenge_global"]
    targets = Targets(kind="projects", project_ids=projects) if projects else Targets(kind="all")
    async with hired(settings, {"project_scavenge": ProjectScavenge(context)}):
        async with unit_of_work(deletions.process.database, deletions.process.publisher) as work:
            task = request_task(work, ORIGIN, Ask(definition, targets, source="system")).id
        assert await deletions.end_of(task) == ("completed", None)


@pytest.mark.parametrize("one", [False, True], ids=["library", "one project"])
async def test_a_deletion_is_undone_until_its_trash_expires_and_then_says_so(
    shelf: Shelf, settings: Settings, library: Library, *, one: bool
) -> None:
    async with at_work(settings, library) as deletions:
        project_id, _ = await arrange(shelf, "Sea")
        task = await deletions.deleted(project_id)
        scope = (project_id,) if one else ()
        await _scavenge(deletions, settings, library, *scope)
        assert len(trashed(shelf)) == 1

        [folder] = trashed(shelf)
        older = named(25, task)
        folder.parent.rename(folder.parent.with_name(older))
        async with shelf.database.transaction() as connection:
            await connection.execute(OLDER, folder.parent.name, older)
        await _scavenge(deletions, settings, library, *scope)
        assert trashed(shelf) == []
        [told] = await said_of(deletions, project_id, TrashEmptied)
        assert told.whole
        assert await deletions.end_of(await deletions.restore(project_id, task)) == ("failed", "trash_expired")
        assert (await deletions.project(project_id))[2] == "canceled"


async def test_half_of_a_project_never_comes_back(
    trash: Bin, site: Site, runner: Runner, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restoration between two portions of the removal finds that it is too late."""
    monkeypatch.setattr(scavenging, "FILES", 1)
    project_id, folder = await trash.deleted("old", 30)
    really_remove = whole_folders.remove_some_at
    portions = list[str]()

    def remove_once(*args: object) -> bool:
        if portions:
            raise OSError(errno.EIO, "killed")
        portions.append("one")
        return really_remove(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(scavenging, "remove_some_at", remove_once)
        await runner.run(await runner.job("project_scavenge"))
    assert folder.exists()
    [(task,)] = await site.fetch("SELECT deleted_by FROM projects WHERE id = $1", project_id)
    restoring = Runner(site, deletion(settings, library))
    command = await restoring.job("project_restore", project_id)
    result = await restoring.run(command.model_copy(update={"params": {"undo_of": str(task)}}))
    assert isinstance(result, AttemptFailed)
    assert result.code == "trash_expired"
    await runner.do("project_scavenge")
    assert trash.names == []
    assert len(await site.said(TrashEmptied)) == 1
