"""The trash of projects: what has expired by its name goes for good, and nothing else does."""

import errno
import os
from uuid import UUID

import pytest
from bus_traffic import TENANT
from dying import Runner
from library_bin import named
from project_trash import fill, lying, project
from shelf import JPEG, Shelf, forbid, put
from upkeep import Line, report
from working import Site

from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.maintenance import StrayFilesTrashed, TrashEmptied
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH, trashed_at
from photobus_common.worker.results import AttemptFailed, HandedBack
from photobus_maintenance import marking, trash
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.trash_maintenance import TrashMaintenance

CAUSE = UUID(int=7)
MARKS = "SELECT count(*) FROM folder_marks"
LOST = "SELECT count(*) FROM trash_removals"
OPEN_OPERATION = """
INSERT INTO file_operations (id, tenant, actor, task_id, job_id, attempt, position, photo_id, kind, project_id, path,
    target_project_id, target_path, device, inode, size)
VALUES (gen_random_uuid(), $1, 'ada', gen_random_uuid(), gen_random_uuid(), 1, 0, 1, $2, $3, $4, $3, $5, 1, 1, 1)
"""
REPLACING = """
INSERT INTO uploads (id, tenant, project_id, actor, filename, state, target_name, plan, expires_at)
VALUES (gen_random_uuid(), $1, $2, 'ada', 'A.jpg', 'placing', 'A.jpg', $3, now() + interval '1 day')
"""

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"maintenance": Maintenance(lock_wait_seconds=0.0)})


@pytest.fixture
def runner(site: Site, settings: Settings, library: Library) -> Runner:
    context = Context(library, settings, load_definitions())
    return Runner(site, {"trash_maintenance": TrashMaintenance(context)})


async def test_trash_goes_by_the_time_in_its_name_alone(shelf: Shelf, site: Site, runner: Runner) -> None:
    project_id, folder = await project(shelf)
    old, young, coming = named(24.1), named(23.9), named(-48)
    fill(folder, old, "A.jpg", "B.jpg")  # new files in an old folder
    for name in (young, coming):
        path = fill(folder, name)
        os.utime(path / "A.jpg", (0, 0))
        os.utime(path, (0, 0))
    empty = fill(folder, named(30)).name
    (folder / TRASH / empty / "A.jpg").unlink()

    command = await runner.do("trash_maintenance")

    assert lying(folder) == sorted([young, coming])
    [told] = await site.said(TrashEmptied)
    assert (told.project_id, told.files, told.bytes, told.whole) == (project_id, 2, 10, False)
    assert sorted(told.folders) == sorted([old, empty])
    assert await report(site, command) == [Line("changed", "trash_emptied", "a", None, None, 2, "TrashEmptied")]
    assert await site.fetch(LOST) == [(0,)]

    disk, said = shelf.disk(), len(await site.events())
    await runner.do("trash_maintenance", source="user")
    assert shelf.disk() == disk
    assert [data.TYPE for data in (await site.events())[said:]] == ["JobStarted", "JobCompleted"]


async def test_a_passed_over_project_is_looked_at_again_as_long_as_anything_lies_in_its_trash(
    shelf: Shelf, site: Site, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in the folder changes while its trash ages."""
    monkeypatch.setattr(marking, "_YOUNG_NS", -3_600_000_000_000)  # all times count as old
    _, folder = await project(shelf)
    fill(folder, named(2))
    for hours, left in ((3.0, 1), (3.0, 1), (1.0, 0)):
        shorter = settings.model_copy(update={"maintenance": Maintenance(trash_hours=hours)})
        context = Context(library, shorter, load_definitions())
        await Runner(site, {"trash_maintenance": TrashMaintenance(context)}).do("trash_maintenance")
        assert len(lying(folder)) == left
        assert await site.fetch(MARKS) == [(0 if left else 1,)]


async def test_what_photobus_never_named_has_its_time_from_now_on(shelf: Shelf, site: Site, runner: Runner) -> None:
    project_id, folder = await project(shelf)
    outside = shelf.root.parent / "outside"
    outside.mkdir()
    put(outside / "mine.jpg", JPEG)
    bin_of_other = fill(folder, "files", "X.jpg")
    ours_in_name = named(100)
    put(folder / TRASH / ours_in_name, b"a file")
    put(folder / TRASH / "stray.jpg", b"123")
    put(folder / TRASH / ".hidden", b"123")
    put(folder / TRASH / os.fsdecode(b"no\xff text"), b"123")
    fill(folder, "20200101T000000Z-holiday")
    linked = named(200)
    (folder / TRASH / linked).symlink_to(outside)
    for path in (bin_of_other / "X.jpg", bin_of_other):
        os.utime(path, (0, 0))
    names = {path.name for path in (folder / TRASH).iterdir()}

    command = await runner.do("trash_maintenance")

    [ours] = lying(folder)
    assert trashed_at(ours) is not None
    assert {path.name for path in (folder / TRASH / ours).iterdir()} == names
    assert (folder / TRASH / ours / linked).is_symlink()
    assert (outside / "mine.jpg").read_bytes() == JPEG
    [told] = await site.said(StrayFilesTrashed)
    assert (told.project_id, told.cause, len(told.files)) == (project_id, "trash_maintenance", 7)
    assert f".trash/{ours}/stray.jpg" in {file.trash_path for file in told.files}
    assert [line.code for line in await report(site, command)] == ["trash_stray_put_by"]
    disk = shelf.disk()
    again = await runner.do("trash_maintenance")
    assert shelf.disk() == disk
    assert await report(site, again) == []


async def test_links_and_depths_of_the_trash_lead_nowhere(shelf: Shelf, site: Site, runner: Runner) -> None:
    _, folder = await project(shelf)
    outside = shelf.root.parent / "outside"
    (outside / "within").mkdir(parents=True)
    for path in (outside / "mine.jpg", outside / "within" / "mine.jpg"):
        put(path, JPEG)
    old = fill(folder, named(25))
    (old / "link").symlink_to(outside)
    (old / "file link").symlink_to(outside / "mine.jpg")
    (old / "dangling").symlink_to("nowhere")
    (old / "inside").mkdir()
    (old / "inside" / "link").symlink_to(outside / "within")
    os.mkfifo(old / "pipe")
    deep = old / "deep"
    deep.mkdir()
    fd = os.open(deep, os.O_RDONLY)
    for number in range(300):
        os.mkdir("d", dir_fd=fd)
        if number in {0, 100, 299}:
            os.symlink(outside, "link", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)

    await runner.do("trash_maintenance")

    assert lying(folder) == []
    assert sorted(path.name for path in outside.rglob("*")) == ["mine.jpg", "mine.jpg", "within"]
    [told] = await site.said(TrashEmptied)
    assert told.bytes == 5


async def test_a_trash_that_is_a_link_is_nobodys(shelf: Shelf, runner: Runner) -> None:
    _, folder = await project(shelf)
    outside = shelf.root.parent / "outside"
    fill(outside, named(25))
    (folder / TRASH).symlink_to(outside / TRASH)
    await runner.do("trash_maintenance")
    assert len(lying(outside)) == 1


async def test_what_is_on_record_to_come_or_go_is_left_alone(shelf: Shelf, site: Site, runner: Runner) -> None:
    project_id, folder = await project(shelf)
    coming, going, replacing, free = (named(25 + number) for number in range(4))
    for name in (coming, going, replacing, free):
        fill(folder, name)
    await site.execute(OPEN_OPERATION, TENANT, "restore", project_id, f".trash/{coming}/A.jpg", "A.jpg")
    await site.execute(OPEN_OPERATION, TENANT, "trash", project_id, "B.jpg", f".trash/{going}/B.jpg")
    await site.execute(REPLACING, TENANT, project_id, {"replaces": {"trash_folder": replacing}})

    await runner.do("trash_maintenance")
    assert lying(folder) == sorted([coming, going, replacing])

    await site.execute("UPDATE file_operations SET state = 'done'")
    await site.execute("UPDATE uploads SET state = 'done'")
    await runner.do("trash_maintenance")
    assert lying(folder) == []


async def test_a_folder_that_cannot_be_read_costs_nothing_but_itself(
    shelf: Shelf, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = await project(shelf)
    _, other = await project(shelf, "b")
    closed, nested, free = named(30), named(28), named(26)
    fill(folder, closed)
    fill(folder, nested, "A.jpg", "B.jpg")
    (folder / TRASH / nested / "closed too").mkdir()
    put(folder / TRASH / nested / "closed too" / "C.jpg", b"12345")
    fill(folder, free)
    fill(other, free)
    with monkeypatch.context() as patch:
        forbid(patch, closed)
        forbid(patch, "closed too")
        command = await runner.do("trash_maintenance")
        assert lying(folder) == sorted([closed, nested])
        assert lying(other) == []
        refused = {line.subject for line in await report(site, command) if line.kind == "refused"}
        assert refused == {f"{TRASH}/{closed}", f"{TRASH}/{nested}"}
    await runner.do("trash_maintenance")
    assert lying(folder) == []
    assert sum(told.files for told in await site.said(TrashEmptied)) == 6


async def test_of_a_folder_that_cannot_go_whole_what_went_is_told(
    shelf: Shelf, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = await project(shelf)
    old = named(30)
    fill(folder, old, "A.jpg", "immutable.jpg", "Z.jpg")
    really_unlink = os.unlink

    def unlink(path: str, **options: int) -> None:
        if path == "immutable.jpg":
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
        really_unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        for _ in range(2):
            await runner.do("trash_maintenance")
        left = sorted(path.name for path in (folder / TRASH / old).iterdir())
        assert "immutable.jpg" in left
        told = sum(told.files for told in await site.said(TrashEmptied))
        assert told == 3 - len(left)
    await runner.do("trash_maintenance")
    assert sum(told.files for told in await site.said(TrashEmptied)) == 3
    assert await site.fetch(LOST) == [(0,)]


async def test_a_library_that_is_away_loses_nothing(shelf: Shelf, site: Site, runner: Runner) -> None:
    _, folder = await project(shelf)
    fill(folder, named(25))
    shelf.away()
    command = await runner.job("trash_maintenance")
    result = await runner.run(command)
    assert isinstance(result, AttemptFailed)
    assert (result.code, result.retryable) == ("storage_unavailable", True)
    assert list(shelf.root.iterdir()) == []
    shelf.back()
    assert len(lying(folder)) == 1
    assert await site.said(TrashEmptied) == []


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS])
async def test_a_disk_that_fails_meanwhile_costs_one_project_as_long_as_the_library_answers(
    shelf: Shelf, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    _, folder = await project(shelf)
    _, other = await project(shelf, "b")
    for path in (folder, other):
        fill(path, named(25))
    really_unlink, failing = os.unlink, [True]

    def unlink(path: str, **options: int) -> None:
        if failing:
            failing.clear()
            raise OSError(error, os.strerror(error), path)
        really_unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        command = await runner.do("trash_maintenance")
    assert (len(lying(folder)), len(lying(other))) == (1, 0)
    assert [line.kind for line in await report(site, command)] == ["refused", "changed"]
    await runner.do("trash_maintenance")
    assert lying(folder) == []
    assert [told.files for told in await site.said(TrashEmptied)] == [1, 1]


async def test_the_mount_goes_away_in_the_middle(
    shelf: Shelf, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is open by then the rest may go, for it is still the same; nothing else does."""
    ids = [(await project(shelf, name)) for name in ("a", "b", "c")]
    for _, path in ids:
        fill(path, named(25))
    really_empty = trash.emptied

    def emptied(*args: object) -> object:
        result = really_empty(*args)  # type: ignore[arg-type]
        shelf.away()
        return result

    command = await runner.job("trash_maintenance")
    with monkeypatch.context() as patch:
        patch.setattr("photobus_maintenance.jobs.trash_maintenance.emptied", emptied)
        result = await runner.run(command)
    assert isinstance(result, AttemptFailed)
    assert result.code == "storage_unavailable"
    shelf.back()
    assert [len(lying(path)) for _, path in ids] == [0, 1, 1]
    await runner.site.execute("UPDATE jobs SET attempt = 2 WHERE id = $1", command.job_id)
    await runner.run(command.model_copy(update={"attempt": 2}))
    assert [len(lying(path)) for _, path in ids] == [0, 0, 0]
    assert [told.files for told in await site.said(TrashEmptied)] == [1, 1, 1]


async def test_a_folder_somebody_works_in_waits_for_the_next_run(shelf: Shelf, site: Site, runner: Runner) -> None:
    first, folder = await project(shelf)
    _, other = await project(shelf, "b")
    for path in (folder, other):
        fill(path, named(25))
    with shelf.library.open_project("a") as held:
        assert held.try_lock()
        command = await runner.do("trash_maintenance")
        assert (len(lying(folder)), len(lying(other))) == (1, 0)
        assert [(line.kind, line.code) for line in await report(site, command)] == [
            ("refused", "locked"),
            ("changed", "trash_emptied"),
        ]
        asked = await runner.job("trash_maintenance", first)
        assert await runner.run(asked) == HandedBack("locked")
    await runner.do("trash_maintenance")
    assert lying(folder) == []


async def test_large_folders_go_in_portions_and_are_told_once(
    shelf: Shelf, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "FILES", 7)
    monkeypatch.setattr(trash, "FOLDERS", 3)
    _, folder = await project(shelf)
    for number in range(5):
        fill(folder, named(30 + number))
    large = fill(folder, named(50), *(f"{number}.jpg" for number in range(40)))
    assert len(list(large.iterdir())) == 40
    await runner.do("trash_maintenance")
    assert lying(folder) == []
    told = await site.said(TrashEmptied)
    assert sum(one.files for one in told) == 45
    names = [name for one in told for name in one.folders]
    assert len(names) == len({*names}) == 6


async def test_killed_between_any_two_effects_the_rest_goes_and_all_is_told_once(
    shelf: Shelf, site: Site, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "FILES", 3)
    deaths = 0
    for effects in range(200):
        name = f"P{effects}"
        _, folder = await project(shelf, name)
        put(folder / "Z.jpg", JPEG)
        young = named(1)
        for trashed in (named(25), named(26), young):
            fill(folder, trashed, "A.jpg", "B.jpg", "C.jpg")
        put(folder / TRASH / "stray.jpg", b"1")
        command = await runner.job("trash_maintenance")
        died = await runner.dies(command, effects)
        assert len(list((folder / TRASH / young).iterdir())) == 3
        if died:
            deaths += 1
            await runner.run(command)
        left = lying(folder)
        assert young in left
        assert len(left) == 2
        [ours] = [one for one in left if one != young]
        assert [path.name for path in (folder / TRASH / ours).iterdir()] == ["stray.jpg"]
        assert (folder / "Z.jpg").read_bytes() == JPEG
        assert await site.fetch(LOST) == [(0,)]
        told = [one for one in await site.said(TrashEmptied) if one.project_folder == name]
        assert sum(one.files for one in told) == 6, effects
        assert len([one for data in told for one in data.folders]) == 2
        await site.execute("DELETE FROM projects WHERE folder = $1", name)
        if not died:
            break
    assert deaths > 20
