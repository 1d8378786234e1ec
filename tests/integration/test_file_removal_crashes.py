"""A file mover is killed or stopped between effects of a removal: another one finishes, and no original is lost."""

import signal
from itertools import count

import pytest
from bus_traffic import until
from crashing_mover import run_until_killed, stopped
from removing import OPEN, commit, derivatives, keep, lying, originals, removal, rows_agree, show, trashed
from shelf import Photo, Shelf
from working import Site, hired

from photobus_common.config import Filemover, Pipeline, Settings
from photobus_common.events.projects import FilesTrashed, PhotosRemoved
from photobus_common.events.tasks import JobCompleted, JobHandedBack
from photobus_common.storage.library import Library

LEASES = Pipeline(stale_seconds=0.6, heartbeat_ms=200, drain_seconds=5.0)
LEAST_POINTS = 12
"""Effects that the removal has at least: fewer would show that the points are no longer where they were."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0)})


async def _arrange(shelf: Shelf, site: Site, name: str) -> list[Photo]:
    """Make a photo that goes, with its derivatives, and one whose JPEG goes."""
    project = (name, await shelf.project(name))
    gone = await shelf.photo(project, "A", ["A.jpg", "A.xmp"])
    shown_anew = await shelf.photo(project, "B", ["B.dng", "B.jpg"])
    await keep(site, gone)
    await keep(site, shown_anew, "raw")
    show(gone, "A")
    show(shown_anew, "B")
    return [gone, shown_anew]


async def test_killed_between_any_two_effects_a_removal_is_finished_by_another(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        name = f"P{effects}"
        photos = await _arrange(shelf, site, name)
        before = originals(shelf)
        command = await site.post([photo.target for photo in photos], "file_removal", task_type="change_commit")
        died = await run_until_killed(settings, effects)
        assert originals(shelf).keys() == before.keys()
        async with hired(settings, removal(settings, library)):
            await site.until_idle()

        assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos], effects
        assert originals(shelf).keys() == before.keys()
        assert trashed(shelf, name) == ["A.jpg", "A.xmp", "B.jpg"]
        assert derivatives(shelf, name) == [".preview/B.jpg", ".thumb/B.jpg"]
        assert await rows_agree(shelf, site)
        assert await site.fetch(OPEN) == [(0,)]
        if not died:
            break
    assert effects > LEAST_POINTS
    assert len(await site.said(PhotosRemoved)) == effects
    assert len(await site.said(FilesTrashed)) == effects
    assert len(await site.said(JobCompleted)) == effects


@pytest.mark.parametrize("effects", [4, 7, 12])
async def test_who_finishes_may_die_too(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int
) -> None:
    photos = await _arrange(shelf, site, "P")
    before = originals(shelf)
    command = await commit(site, photos)
    deaths = [await run_until_killed(settings, one) for one in (effects, 3, 5)]
    async with hired(settings, removal(settings, library)):
        await site.until_state(command, "completed")

    assert deaths[:2] == [True, True]
    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos]
    assert originals(shelf).keys() == before.keys()
    assert trashed(shelf, "P") == ["A.jpg", "A.xmp", "B.jpg"]
    assert derivatives(shelf, "P") == [".preview/B.jpg", ".thumb/B.jpg"]
    assert await rows_agree(shelf, site)
    assert len(await site.said(PhotosRemoved)) == 1


@pytest.mark.parametrize("effects", [3, 5, 10])
async def test_one_that_is_stopped_past_its_lease_does_no_harm_when_it_wakes(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int
) -> None:
    photos = await _arrange(shelf, site, "P")
    before = originals(shelf)
    command = await commit(site, photos)
    async with stopped(settings, effects) as first, hired(settings, removal(settings, library)):

        async def handed_back() -> bool:
            return bool(await site.said(JobHandedBack))

        await until(handed_back)  # the stopped one has the folder's lock
        assert len(await shelf.rows()) == 2
        await keep(site, photos[0], "jpg")
        first.send_signal(signal.SIGCONT)
        await site.until_state(command, "completed")

    assert [photo for photo, _, _ in await site.outcomes(command)] == [photo.id for photo in photos]
    assert originals(shelf).keys() == before.keys()
    assert lying(shelf, "P") == ["A.jpg", "A.xmp", "B.dng"]
    assert trashed(shelf, "P") == ["B.jpg"]
    assert await rows_agree(shelf, site)
    assert await site.fetch(OPEN) == [(0,)]
