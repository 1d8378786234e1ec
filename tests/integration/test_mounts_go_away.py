"""What maintenance makes of mounts that go away or let nothing be written any more, where the tests may mount."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import mounting
import pytest
from lying_disk import EFFECTS, Disk, nth, read_only, unmounted
from maintained_library import answered, calm, changing, maintain, missed, quick, see, settled, shape_of
from maintaining import Scene, scene_of
from shelf import Shelf

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings

UNAVAILABLE: Final = "storage_unavailable"

LIBRARY: Final = "library of the tenant"
"""What is mounted where the tenant's folder is to be."""

POINTS: Final = 6


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return quick(settings)


@pytest.fixture
def disks(tmp_path: Path, shelf: Shelf) -> Iterator[Path]:
    """Where what is mounted lies."""
    trial = tmp_path / "trial"
    trial.mkdir()
    if not mounting.can_mount(trial):
        pytest.skip("The test may not mount.")
    shelf.root.rename(tmp_path / LIBRARY)
    shelf.root.mkdir()
    mounting.bind(tmp_path / LIBRARY, shelf.root)
    yield tmp_path
    mounting.detach_all(shelf.root)


@pytest.fixture
async def scene(settings: Settings, shelf: Shelf, broker: Broker, disks: Path) -> AsyncIterator[Scene]:
    """The library of the test, with what maintains it."""
    del broker, disks
    async with scene_of(settings, shelf) as arranged:
        yield arranged


async def test_the_librarys_mount_goes_away_before_and_in_a_run(scene: Scene, disk: Disk, disks: Path) -> None:
    await calm(scene)
    before = await see(scene)
    disk.arm()
    await maintain(scene)
    calls = len(disk.calls)
    disk.heal()
    for at in (0, *range(calls // POINTS, calls, calls // POINTS)):
        await missed(scene, "again")
        disk.arm(unmounted(disks / LIBRARY, scene.root), at=at)
        ran = await maintain(scene)
        assert list(scene.root.iterdir()) == []
        disk.heal()
        assert (ran.status == "failed", {*ran.codes}) == (True, {UNAVAILABLE}) or at > calls * 0.9, (at, ran)
        assert ran.changed() == set()
        assert await see(scene) == before, at
    ran = await maintain(scene)
    assert (ran.status, ran.lines) == ("completed", [])


async def test_the_mount_of_a_project_goes_away_before_and_in_a_run(scene: Scene, disk: Disk, disks: Path) -> None:
    await calm(scene)
    for name in ("one", "five"):
        (disks / LIBRARY / name).rename(disks / name)
        (scene.root / name).mkdir()
        mounting.bind(disks / name, scene.root / name)
    before = await see(scene)
    for at in (0, 100, 200, 300):
        disk.arm(*(unmounted(disks / name, scene.root / name) for name in ("one", "five")), at=at)
        ran = await answered(scene, await maintain(scene), confirmed=False)
        disk.heal()
        assert (ran.status, ran.changed()) == ("completed", set())
        assert await see(scene) == before, at
    ran = await maintain(scene)
    assert (ran.status, ran.lines) == ("completed", [])


async def test_nothing_can_be_written_any_more_before_and_in_a_run(scene: Scene, disk: Disk) -> None:
    await changing(scene, "read")
    await changing(scene, "only")
    await settled(scene)
    before = await see(scene)
    for number in (0, 4, 8, 12):
        disk.arm(read_only(scene.root), at=nth(number, EFFECTS) if number else 0)
        ran = await maintain(scene, "system")
        disk.heal()
        assert ran.status == "completed"
        assert UNAVAILABLE in ran.refused()
        now = await see(scene)
        kept = [name for name in before.photos() if name[-1] in "012"]
        assert [now.photos()[name] for name in kept] == [before.photos()[name] for name in kept]
        if not number:
            assert now.tree == before.tree
    ran = await maintain(scene, "system")
    assert (ran.status, ran.refused()) == ("completed", set())
    after = await see(scene)
    assert shape_of(after, scene.ids["read"], "read") == shape_of(after, scene.ids["only"], "only")
    assert "read lost" not in after.photos()
    assert not any(path.endswith("old.jpg") for path in after.tree)
    assert (await maintain(scene)).lines == []
