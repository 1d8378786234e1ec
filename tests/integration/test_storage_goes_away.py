"""The storage goes away before and in the middle of ``maintenance_global``: nothing is taken for lost, nothing goes.

The run says why. When the storage is back, the next run does what the first would have done, and nothing else.
"""

import asyncio
import errno
from collections.abc import Callable
from itertools import count, cycle
from pathlib import Path
from typing import Final

import pytest
from lying_disk import EFFECTS, Disk, Fault, emptied, failing, foreign, missing, nth, watch
from maintained_library import Ran, Whole, busy, calm, maintain, missed, quick, see
from maintaining import LONG, Scene, scene_of
from shelf import Shelf

from photobus_common.bus.connection import Broker
from photobus_common.config import Pipeline, Settings
from photobus_common.storage.library import SENTINEL
from photobus_common.storage.manifest import MANIFEST

UNAVAILABLE: Final = "storage_unavailable"

FAULTS: Final[dict[str, Callable[[Path], Fault]]] = {
    "an empty folder in its place": emptied,
    "EIO": lambda root: failing(root, errno.EIO),
    "another library's sentinel": lambda root: foreign(root / SENTINEL, b"00000000-0000-4000-8000-000000000000\n"),
    "ESTALE": lambda root: failing(root, errno.ESTALE),
    "nothing in its place": missing,
    "EACCES": lambda root: failing(root, errno.EACCES, {"open", "create", "scandir", "lstat"}),
    "no sentinel": lambda root: missing(root / SENTINEL),
    "EACCES of the root alone": lambda root: failing(root, errno.EACCES, {"open"}, itself=True),
}

POINTS: Final = 32
"""At how many calls of a run that does nothing the storage goes away."""

STRIDE: Final = 3
"""Of how many effects of a run that does much one is where it goes away."""

TO_BE_CHANGED: Final = frozenset({"changing lost", "changing half", "changing bare"})
"""The photos of the busy library that are not what their rows say."""

PROJECTS_MISSED: Final = "SELECT project_id FROM missing_folders"
ATTEMPTS_FAILED: Final = "SELECT FROM event_log WHERE type = 'JobAttemptFailed'"
ARCHIVED: Final = "SELECT id FROM projects WHERE status <> 'active'"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return quick(settings)


def says_why(ran: Ran, disk: Disk) -> bool:
    """Whether the run tells of the storage; one that opened nothing any more has nothing to tell."""
    if ran.status == "failed":
        return ran.error is not None and set(ran.codes) == {UNAVAILABLE}
    return UNAVAILABLE in ran.refused() or "open" not in {call for call, _ in disk.since}


async def test_nothing_is_taken_for_lost_wherever_in_a_run_the_library_goes_away(scene: Scene, disk: Disk) -> None:
    await calm(scene)
    before = await see(scene)
    disk.arm()
    assert (await maintain(scene)).status == "completed"
    calls = len(disk.calls)
    disk.heal()
    assert await see(scene) == before

    failed = []
    points = [0] * len(FAULTS) + list(range(1, calls, calls // POINTS))
    for at, (name, fault) in zip(points, cycle(FAULTS.items()), strict=False):
        await missed(scene, "again")  # its folder is there: whoever cannot see that must not archive it
        disk.arm(fault(scene.root), at=at)
        ran = await maintain(scene)
        disk.heal()
        assert await see(scene) == before, (name, at)
        assert says_why(ran, disk), (name, at, ran)
        assert not ran.changed(), (name, at)
        assert await scene.orchestrator.fetch(PROJECTS_MISSED) in ([], [(scene.ids["again"],)])
        failed.append(ran.status == "failed")
    assert sum(failed) > len(failed) * 0.8

    for source in ("system", "user"):
        ran = await maintain(scene, source)
        assert (ran.status, ran.lines) == ("completed", [])
        assert await see(scene) == before


async def test_what_a_run_has_begun_is_done_by_the_next_and_no_more(scene: Scene, disk: Disk) -> None:
    await busy(scene)
    before = await see(scene)
    began = 0
    for number, (name, fault) in zip(count(1, STRIDE), cycle(FAULTS.items()), strict=False):
        disk.arm(fault(scene.root), at=nth(number, EFFECTS))
        ran = await maintain(scene)
        if not disk.broken:
            break
        began += 1
        disk.heal()
        assert says_why(ran, disk), (name, number, ran)
        await _assert_harmless(scene, before, (name, number))
    disk.heal()
    assert began > 10
    assert ran.status == "completed"

    after = await see(scene)
    await _assert_harmless(scene, before, "healed")
    assert (await maintain(scene)).changed() == set()
    assert await see(scene) == after
    assert await scene.orchestrator.fetch(ARCHIVED) == [(scene.ids["gone"],)]
    now, were = after.photos().keys(), before.photos().keys()
    assert (were - now, {name.rstrip("0123456789") for name in now - were}) == (
        {"changing lost"},
        {"changing new", "five0_duplicate"},  # its number depends on what had been begun
    )
    gone = {path for file, path in before.files().items() if file not in after.files()}
    assert {path.rpartition("/")[2] for path in gone} == {"old.jpg", "changing lost.jpg", MANIFEST}


async def test_a_run_goes_on_when_the_library_is_back_before_its_attempts_are_used_up(
    settings: Settings, shelf: Shelf, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    del broker
    patient = Pipeline(max_attempts_default=100, retry_base_seconds=0.01, retry_cap_seconds=0.05)
    async with scene_of(settings.model_copy(update={"pipeline": patient}), shelf) as scene:
        disk = watch(monkeypatch, scene.root)
        await busy(scene)
        before = await see(scene)
        disk.arm(emptied(scene.root), at=nth(20, EFFECTS))
        running = asyncio.create_task(maintain(scene))
        async with asyncio.timeout(LONG):
            while not await scene.orchestrator.fetch(ATTEMPTS_FAILED):
                await asyncio.sleep(0.01)
        disk.heal()
        ran = await running
        assert (ran.status, set(ran.codes)) == ("completed", {UNAVAILABLE})
        await _assert_harmless(scene, before, "healed")
        assert (await maintain(scene)).changed() == set()


async def _assert_harmless(scene: Scene, before: Whole, when: object) -> None:
    """Hold what is there against what was: only what was out of place may be otherwise."""
    now = await see(scene)
    photos, were = now.photos(), before.photos()
    assert {name: photos.get(name) for name in were.keys() - TO_BE_CHANGED} == {
        name: were[name] for name in were.keys() - TO_BE_CHANGED
    }, when
    there = now.files()
    lost = {path for file, path in before.files().items() if file not in there}
    # What had expired, derivatives of a photo that is gone, the manifest of a project that was renamed.
    assert all(path.endswith(("/old.jpg", "/changing lost.jpg", f"renamed/{MANIFEST}")) for path in lost), (when, lost)
    may_miss = {(scene.ids["gone"],), (scene.ids["again"],)}
    assert may_miss.issuperset(await scene.orchestrator.fetch(PROJECTS_MISSED)), when
    assert await scene.orchestrator.fetch(ARCHIVED) in ([], [(scene.ids["gone"],)]), when
