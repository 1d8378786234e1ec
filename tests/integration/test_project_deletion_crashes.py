"""A file mover is killed or stopped between effects of a deletion or a restoration: another one finishes it."""

import signal
from collections import Counter
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from bus_traffic import until
from crashing_mover import run_until_killed, stopped
from deleting import OPEN, Deletions, arrange, at_work, deletion, said_of, trashed, tree
from shelf import Shelf
from working import hired

from photobus_common.config import Filemover, Pipeline, Settings
from photobus_common.events.projects import PhotosRemoved, PhotosRestored, ProjectRestored, ProjectTrashed
from photobus_common.storage.library import Library

LEASES = Pipeline(stale_seconds=0.6, heartbeat_ms=200, drain_seconds=5.0)
LEAST_OF_DELETION = 15
LEAST_OF_RESTORATION = 12
"""Effects that there are at least: fewer would show that the points are no longer where they were."""

HANDED_BACK = "SELECT count(*) FROM event_log WHERE task_id = $1 AND type = 'JobHandedBack'"
ENDED = "SELECT count(*) FROM tasks WHERE id = $1 AND ended_at IS NOT NULL"

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0)})


def _inodes(root: Path) -> Counter[int]:
    return Counter(path.lstat().st_ino for path in root.rglob("*") if path.is_file())


async def _has_gone(shelf: Shelf, deletions: Deletions, project_id: int, name: str, before: dict[str, str]) -> None:
    """Check that of the project there is the folder in the trash and the archived row, each change told once."""
    [folder] = [path for path in trashed(shelf) if path.name == name]
    assert tree(folder) == before
    assert not (shelf.root / name).exists()
    assert await deletions.rows(project_id) == []
    assert (await deletions.project(project_id))[2:4] == ("canceled", False)
    assert await deletions.process.fetch(OPEN) == [(0,)]
    [moved] = await said_of(deletions, project_id, ProjectTrashed)
    assert shelf.root / moved.trash_path == folder
    told = [photo for one in await said_of(deletions, project_id, PhotosRemoved) for photo in one.photos]
    assert [photo.filename for photo in told] == [f"{name}0", f"{name}1"]


async def _until_judged(deletions: Deletions, task: UUID) -> None:
    """Wait until somebody handed a job of the task back, or all of it is done."""

    async def judged() -> bool:
        return any([(await deletions.process.fetch(query, task))[0][0] for query in (HANDED_BACK, ENDED)])

    await until(judged)


async def test_killed_between_any_two_effects_a_deletion_is_finished_by_another(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    async with at_work(settings, library, movers=False) as deletions:
        for effects in count(1):
            name = f"P{effects}"
            project_id, _ = await arrange(shelf, name, 2)
            before, inodes = tree(shelf.root / name), _inodes(shelf.root)
            task = await deletions.delete(project_id)
            died = await run_until_killed(settings, effects, last="project_cleanup_db")
            assert _inodes(shelf.root) == inodes, effects
            async with hired(settings, deletion(settings, library)):
                assert await deletions.end_of(task) == ("completed", None), effects
            assert _inodes(shelf.root) == inodes
            await _has_gone(shelf, deletions, project_id, name, before)
            if not died:
                break
    assert effects > LEAST_OF_DELETION


async def test_killed_between_any_two_effects_a_restoration_is_finished_by_another(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    async with at_work(settings, library, movers=False) as deletions:
        for effects in count(1):
            name = f"P{effects}"
            project_id, _ = await arrange(shelf, name, 2)
            before, files, inodes = await deletions.rows(project_id), tree(shelf.root / name), _inodes(shelf.root)
            async with hired(settings, deletion(settings, library)):
                task = await deletions.deleted(project_id)
            restoring = await deletions.restore(project_id, task)
            died = await run_until_killed(settings, effects, last="project_restore")
            assert _inodes(shelf.root) == inodes, effects
            async with hired(settings, deletion(settings, library)):
                assert await deletions.end_of(restoring) == ("completed", None), effects

            assert tree(shelf.root / name) == files
            assert trashed(shelf) == []
            assert await deletions.rows(project_id) == before
            assert await deletions.project(project_id) == (name, name, "active", True, None)
            assert await deletions.process.fetch(OPEN) == [(0,)]
            assert len(await said_of(deletions, project_id, ProjectRestored)) == 1
            told = [photo for one in await said_of(deletions, project_id, PhotosRestored) for photo in one.photos]
            assert [photo.filename for photo in told] == [f"{name}0", f"{name}1"]
            if not died:
                break
    assert effects > LEAST_OF_RESTORATION


@pytest.mark.parametrize("effects", [(8, 3, 2), (11, 4, 2), (14, 2, 3)])
async def test_who_finishes_may_die_too(
    shelf: Shelf, settings: Settings, library: Library, effects: tuple[int, ...]
) -> None:
    async with at_work(settings, library, movers=False) as deletions:
        project_id, _ = await arrange(shelf, "P", 2)
        before = tree(shelf.root / "P")
        task = await deletions.delete(project_id)
        deaths = [await run_until_killed(settings, one, last="project_cleanup_db") for one in effects]
        assert all(deaths)
        async with hired(settings, deletion(settings, library)):
            assert await deletions.end_of(task) == ("completed", None)
        await _has_gone(shelf, deletions, project_id, "P", before)


@pytest.mark.parametrize("effects", [2, 5, 6, 8, 9, 12, 15])
async def test_one_that_is_stopped_past_its_lease_does_no_harm_when_it_wakes(
    shelf: Shelf, settings: Settings, library: Library, effects: int
) -> None:
    """The other finishes, or hands back what the stopped one holds the folder of, until that wakes."""
    async with at_work(settings, library, movers=False) as deletions, AsyncExitStack() as stack:
        project_id, _ = await arrange(shelf, "P", 2)
        before = tree(shelf.root / "P")
        task = await deletions.delete(project_id)
        first = await stack.enter_async_context(stopped(settings, effects, last="project_cleanup_db"))
        await stack.enter_async_context(hired(settings, deletion(settings, library)))
        await _until_judged(deletions, task)
        first.send_signal(signal.SIGCONT)
        assert await deletions.end_of(task) == ("completed", None)
        await _has_gone(shelf, deletions, project_id, "P", before)


@pytest.mark.parametrize("effects", [2, 3, 6, 7, 10, 11])
async def test_a_restoration_that_is_stopped_past_its_lease_does_no_harm_either(
    shelf: Shelf, settings: Settings, library: Library, effects: int
) -> None:
    async with at_work(settings, library, movers=False) as deletions, AsyncExitStack() as stack:
        project_id, _ = await arrange(shelf, "P", 2)
        before, files = await deletions.rows(project_id), tree(shelf.root / "P")
        async with hired(settings, deletion(settings, library)):
            task = await deletions.deleted(project_id)
        restoring = await deletions.restore(project_id, task)
        first = await stack.enter_async_context(stopped(settings, effects, last="project_restore"))
        await stack.enter_async_context(hired(settings, deletion(settings, library)))
        await _until_judged(deletions, restoring)
        first.send_signal(signal.SIGCONT)
        assert await deletions.end_of(restoring) == ("completed", None)

        assert tree(shelf.root / "P") == files
        assert await deletions.rows(project_id) == before
        assert await deletions.project(project_id) == ("P", "P", "active", True, None)
        assert len(await said_of(deletions, project_id, ProjectRestored)) == 1
        assert await deletions.process.fetch(OPEN) == [(0,)]
