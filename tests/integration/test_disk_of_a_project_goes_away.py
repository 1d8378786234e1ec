"""The disk of one project lies, or is gone: its photos stay as they are and the run says why; others are maintained."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from lying_disk import CHANGING, GROWING, Disk, Fault, emptied, failing, missing, swapped
from maintained_library import answered, changing, maintain, missed, quick, see, settled, shape_of
from maintaining import Scene
from maintenance_states import picture, tagged
from reconciling import checks
from shelf import Shelf, put
from working import Site, hired

from photobus_common.config import Settings
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST

Faulty = Callable[[Path], Fault]

CLOSED: Final[dict[str, Faulty]] = {
    "EIO": lambda folder: failing(folder, errno.EIO),
    "EIO listing": lambda folder: failing(folder, errno.EIO, {"scandir"}),
    "EIO looking": lambda folder: failing(folder, errno.EIO, {"lstat"}),
    "EIO of the trash": lambda folder: failing(folder / ".trash", errno.EIO),
    "ESTALE": lambda folder: failing(folder, errno.ESTALE),
    "EACCES": lambda folder: failing(folder, errno.EACCES, {"open", "scandir", "lstat"}),
    "not mounted": emptied,
}
"""Folders of which nothing can be told: not a row of theirs changes."""

FAULTS: Final[dict[str, Faulty]] = {
    **CLOSED,
    "gone": missing,
    "EIO locking": lambda folder: failing(folder, errno.EIO, {"flock"}),
    "EIO reading": lambda folder: failing(folder, errno.EIO, {"read"}),
    "EIO syncing": lambda folder: failing(folder, errno.EIO, {"fsync"}),
    "EIO renaming": lambda folder: failing(folder, errno.EIO, {"rename"}),
    "EIO removing": lambda folder: failing(folder, errno.EIO, {"unlink", "rmdir"}),
    "EIO of a file": lambda folder: failing(folder / f"{folder.name} new.jpg", errno.EIO, {"read"}),
    "EIO of the manifest": lambda folder: failing(folder / MANIFEST, errno.EIO, {"open"}),
    "EACCES of a file": lambda folder: failing(folder / f"{folder.name} new.jpg", errno.EACCES, {"open"}),
    "EROFS": lambda folder: failing(folder, errno.EROFS, CHANGING),
    "ENOSPC": lambda folder: failing(folder, errno.ENOSPC, GROWING),
}

HEALTHY: Final = "healthy"
DONE: Final = {
    *("trash_stray_put_by", "trash_emptied", "files_missing", "photos_added", "stray_files_trashed"),
    *("derivatives_missing", "photos_removed"),
}
"""What a run changes in a project that it can read and write."""

DONE_ALL_THE_SAME: Final = {
    "ENOSPC": {"trash_emptied", "files_missing", "photos_removed"},
    "EIO of a file": DONE - {"photos_added"},
    "EACCES of a file": DONE - {"photos_added"},
}
"""What it does of that where some of it can be done."""

SAYS: Final = {
    "storage_unavailable",
    "storage_full",
    "file_unreadable",
    "folder_unreadable",
    "folder_missing",
    "needs_confirmation",
}

POINTS: Final = 12

ARCHIVED: Final = "SELECT name FROM projects WHERE status <> 'active'"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return quick(settings)


async def test_projects_that_cannot_be_read_or_written_cost_nothing_but_themselves(scene: Scene, disk: Disk) -> None:
    for name in (*FAULTS, HEALTHY):
        await changing(scene, name)
    await settled(scene)
    for name in FAULTS.keys() - {"gone"}:
        await missed(scene, name)
    before = await see(scene)

    disk.arm(*(fault(scene.root / name) for name, fault in FAULTS.items()))
    ran = await answered(scene, await maintain(scene), confirmed=False)
    with disk.unwatched():
        meanwhile = await see(scene)
    disk.heal()
    now = await see(scene)
    assert await scene.orchestrator.fetch(ARCHIVED) == []
    assert (ran.status, ran.codes) == ("completed", [])
    assert (ran.changed(HEALTHY), ran.refused(HEALTHY)) == (DONE, set())
    for name in FAULTS:
        assert ran.refused(name) & SAYS, (name, ran.lines)
        kept = {f"{name} {number}" for number in range(3)}
        assert {one: now.photos()[one] for one in kept} == {one: before.photos()[one] for one in kept}
        assert ran.changed(name) >= DONE_ALL_THE_SAME.get(name, set()), name
        if name in CLOSED:
            assert meanwhile.of(scene.ids[name]) == before.of(scene.ids[name]), name
            assert ran.changed(name) == set(), name
            assert now.under(name) == before.under(name), name

    ran = await maintain(scene, "system")
    assert (ran.status, ran.refused(), ran.changed(HEALTHY)) == ("completed", set(), set())
    after = await see(scene)
    as_it_is = shape_of(after, scene.ids[HEALTHY], HEALTHY)
    for name in FAULTS:
        assert shape_of(after, scene.ids[name], name) == as_it_is, name
    assert (await maintain(scene)).lines == []
    assert await see(scene) == after


async def mounted(scene: Scene) -> list[str]:
    """Arrange projects that lie on disks of their own, large and small; return their names."""
    for project, photos in {"one": 1, "three": 3, "large": 24}.items():
        for number in range(photos):
            photo = await scene.photo(project, f"{project}{number}", (".jpg", ".dng"))
        await tagged(scene, photo.id, "kept")
    for number in range(2):
        photo = await scene.photo("placing", f"placing{number}")
    await scene.shelf.intend(photo, "placing1.jpg")  # by an upload that replaces it
    names = [*scene.ids]
    await scene.photo("elsewhere", "elsewhere")
    await settled(scene)
    return names


@pytest.mark.parametrize("back", [False, True])
async def test_the_empty_place_of_a_disk_is_not_taken_for_its_photos_being_gone(
    scene: Scene, disk: Disk, *, back: bool
) -> None:
    projects = await mounted(scene)
    before = await see(scene)
    disk.arm(*(emptied(scene.root / name) for name in projects))
    ran = await maintain(scene)
    assert (ran.status, ran.changed()) == ("waiting", set())
    assert all("needs_confirmation" in ran.refused(name) for name in projects)
    if back:  # whoever answers may think that all of it is gone for good
        disk.heal()
    ran = await answered(scene, ran, confirmed=back)
    assert (ran.status, ran.changed()) == ("completed", set())
    assert (await see(scene)).rows == before.rows
    disk.heal()
    for source in ("system", "user"):
        ran = await maintain(scene, source)
        assert (ran.status, ran.lines) == ("completed", [])
        assert await see(scene) == before


async def test_disks_in_each_others_places_are_not_believed(scene: Scene, disk: Disk) -> None:
    for name in ("one", "other"):
        for number in range(3):
            photo = await scene.photo(name, f"{name}{number}", (".jpg",), [])
            await scene.shelf.replace(photo, f"{name}{number}.jpg", picture(number + 10 * (name == "one")))
            await tagged(scene, photo.id, "kept")
    await settled(scene)
    before = await see(scene)
    disk.arm(swapped(scene.root / "one", scene.root / "other"))
    ran = await maintain(scene)
    assert (ran.status, ran.changed()) == ("completed", set())
    assert {"folder_of_another_project"} == ran.refused("one") == ran.refused("other")
    assert (await see(scene)).rows == before.rows
    disk.heal()
    ran = await maintain(scene)
    assert (ran.status, ran.lines) == ("completed", [])
    assert await see(scene) == before


async def test_disks_of_projects_go_away_in_the_middle_of_a_run(scene: Scene, disk: Disk) -> None:
    projects = await mounted(scene)
    before = await see(scene)
    disk.arm()
    await maintain(scene)
    calls = len(disk.calls)
    disk.heal()
    for at in range(calls // POINTS, calls, calls // POINTS):
        disk.arm(*(emptied(scene.root / name) for name in projects), at=at)
        ran = await answered(scene, await maintain(scene), confirmed=False)
        disk.heal()
        assert (ran.status, ran.changed()) == ("completed", set()), (at, ran)
        assert await see(scene) == before, at
    assert (await maintain(scene)).lines == []


async def test_a_check_of_what_was_uploaded_writes_no_manifest_into_the_empty_place_of_a_disk(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    project = ("a", await shelf.project("a"))
    for number in range(3):
        photo = await shelf.photo(project, f"IMG_{number}", [f"IMG_{number}.jpg"])
    away = emptied(photo.folder)
    away.begins()
    uploaded = await shelf.photo(project, "IMG_3", ["IMG_3.jpg"])
    rows = await shelf.rows()

    async with hired(settings, checks(settings, library)):
        command = await site.post([uploaded.target], "manifest_check")
        await site.until_idle()
    assert await site.outcomes(command) == [(uploaded.id, "done", None)]
    assert await shelf.rows() == rows
    assert [path.name for path in photo.folder.iterdir()] == ["IMG_3.jpg"]
    assert await site.fetch("SELECT code FROM maintenance_findings") == [("manifest_withheld",)]


async def test_uploads_into_the_empty_place_of_a_disk_do_not_make_it_the_project(scene: Scene, disk: Disk) -> None:
    await mounted(scene)
    before = await see(scene)
    arrived = await scene.photo("three", "arrived", disk=[])

    def begins() -> None:
        away.begins()
        put(arrived.folder / "arrived.jpg")

    def ends() -> None:
        (arrived.folder / "arrived.jpg").unlink()
        assert list(arrived.folder.iterdir()) == []
        away.ends()

    away = emptied(arrived.folder)
    disk.arm(Fault("uploaded to", begins=begins, ends=ends))
    for _ in range(2):
        ran = await answered(scene, await maintain(scene), confirmed=False)
        assert "needs_confirmation" in ran.refused("three")
        with disk.unwatched():
            now = await see(scene)
        assert {name: now.photos()[name] for name in before.photos()} == before.photos()
    disk.heal()


async def test_a_copy_of_what_lies_on_an_absent_disk_is_not_taken_for_it(scene: Scene, disk: Disk) -> None:
    unseen = {**CLOSED, "EIO of the manifest": FAULTS["EIO of the manifest"], "gone": missing}
    for number, name in enumerate(unseen):
        for which in ("same", "other"):
            photo = await scene.photo(name, f"{name} {which}", (".jpg",), [])
            await scene.shelf.replace(photo, f"{name} {which}.jpg", picture(2 * number + (which == "same")))
            await tagged(scene, photo.id, "kept")
        await scene.file(f"copies of {name}", f"{name} same.jpg", picture(2 * number + 1))
        await scene.file(f"copies of {name}", f"{name} another.jpg", picture(2 * number))
        await scene.file(f"copies of {name}", f"{name} new.jpg", picture(100 + number))
        await scene.file(f"copies of {name}", "notes.txt", b"notes")
    await settled(scene)
    before = await see(scene)
    disk.arm(*(fault(scene.root / name) for name, fault in unseen.items()))
    ran = await answered(scene, await maintain(scene), confirmed=False)
    assert ran.status == "completed"
    disk.heal()
    now = await see(scene)
    for name in unseen:
        assert now.of(scene.ids[name]) == before.of(scene.ids[name]), name
        assert ran.changed(f"copies of {name}") >= {"photos_added", "stray_files_trashed"}, (name, ran.lines)
        assert f"{name} new" in now.photos()

    ran = await maintain(scene)
    assert ran.status == "completed"
    now = await see(scene)
    for name in unseen:
        assert now.of(scene.ids[name]) == before.of(scene.ids[name]), name
        assert {f"{name} new", f"{name} another", f"{name} same_duplicate1"} <= now.photos().keys()
