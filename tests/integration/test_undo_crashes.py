"""A file mover is killed or stopped between effects of an undo: another one finishes, and no original is lost."""

import signal
from itertools import count

import pytest
from bus_traffic import until
from crashing_mover import run_until_killed, stopped
from folding import LeftInOutbox
from moving import move
from removing import OPEN, commit, derivatives, keep, lying, mover, originals, removal, rows_agree, show, trashed
from shelf import Photo, Shelf
from taking_back import ask_undo, let_rows_be_true, rows, undo
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Filemover, Pipeline, Settings
from photobus_common.events.projects import FilesRestored, FilesTrashed, PhotosMoved, PhotosRestored
from photobus_common.events.tasks import JobCompleted, JobHandedBack, TaskRequested
from photobus_common.storage.library import Library
from photobus_filemover.finishing import Finisher

LEASES = Pipeline(stale_seconds=0.6, heartbeat_ms=200, drain_seconds=5.0)
LEAST_POINTS = 9
"""Effects that an undo has at least: fewer would show that the points are no longer where they were."""

GONE = ["A.jpg", "A.xmp", "B.jpg"]
STATUSES = "SELECT filename, thumbnail_status FROM photos WHERE project_id = $1 ORDER BY filename"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    own_names = settings.library.model_copy(update={"unique_names": "project"})
    return settings.model_copy(
        update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0), "library": own_names}
    )


async def _arrange(shelf: Shelf, site: Site, name: str) -> list[Photo]:
    """Make a photo that a commit removes, and one whose JPEG it removes."""
    project = (name, await shelf.project(name))
    photos = [await shelf.photo(project, "A", ["A.jpg", "A.xmp"]), await shelf.photo(project, "B", ["B.dng", "B.jpg"])]
    await keep(site, photos[0])
    await keep(site, photos[1], "raw")
    await let_rows_be_true(shelf, site, name)
    return photos


async def _committed(site: Site, settings: Settings, library: Library, photos: list[Photo]) -> RunJob:
    command = await commit(site, photos)
    async with hired(settings, removal(settings, library)):
        await site.until_idle()
    return command


async def test_killed_between_any_two_effects_an_undo_is_finished_by_another(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        name = f"P{effects}"
        photos = await _arrange(shelf, site, name)
        before, were = originals(shelf), await rows(site, shown=False)
        command = await ask_undo(site, await _committed(site, settings, library, photos))
        died = await run_until_killed(settings, effects)
        assert originals(shelf).keys() == before.keys()
        async with hired(settings, removal(settings, library)):
            await site.until_idle()

        assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos], effects
        assert originals(shelf) == before
        assert await rows(site, shown=False) == were
        assert await site.fetch(STATUSES, photos[0].project_id) == [("A", "pending"), ("B", "pending")]
        assert await rows_agree(shelf, site)
        assert await site.fetch(OPEN) == [(0,)]
        if not died:
            break
    assert effects > LEAST_POINTS
    assert len(await site.said(PhotosRestored)) == effects
    assert len(await site.said(FilesRestored)) == effects
    assert len(await site.said(JobCompleted)) == 2 * effects


async def test_killed_between_any_two_effects_an_undo_of_an_undo_is_finished_by_another(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        name = f"P{effects}"
        photos = await _arrange(shelf, site, name)
        before = originals(shelf)
        first = await _committed(site, settings, library, photos)
        second = await undo(site, settings, removal(settings, library), first)
        show(photos[0], "A")
        show(photos[1], "B")
        third = await ask_undo(site, second)
        died = await run_until_killed(settings, effects)
        assert originals(shelf).keys() == before.keys()
        async with hired(settings, removal(settings, library)):
            await site.until_idle()

        assert await site.outcomes(third) == [(photo.id, "done", None) for photo in photos], effects
        assert originals(shelf).keys() == before.keys()
        assert (lying(shelf, name), trashed(shelf, name)) == (["B.dng"], GONE)
        assert derivatives(shelf, name) == [".preview/B.jpg", ".thumb/B.jpg"]
        assert await site.fetch(STATUSES, photos[0].project_id) == [("B", "pending")]
        assert await rows_agree(shelf, site)
        assert await site.fetch(OPEN) == [(0,)]
        if not died:
            break
    assert effects > LEAST_POINTS
    assert len([one for one in await site.said(FilesTrashed) if one.reason == "undone"]) == effects


async def test_killed_between_any_two_effects_a_move_goes_back_by_another(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        photos = await _arrange(shelf, site, f"S{effects}")
        target = await shelf.project(f"T{effects}")
        show(photos[0], "A")
        show(photos[1], "B")
        before, were = originals(shelf), await rows(site)
        first = await move(site, photos, target)
        async with hired(settings, removal(settings, library)):
            await site.until_idle()
        command = await ask_undo(site, first)
        died = await run_until_killed(settings, effects)
        async with hired(settings, removal(settings, library)):
            await site.until_idle()

        assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos], effects
        assert (originals(shelf), await rows(site)) == (before, were)
        assert await site.fetch(OPEN) == [(0,)]
        if not died:
            break
    assert effects > LEAST_POINTS
    assert len(await site.said(PhotosMoved)) == 2 * effects


@pytest.mark.parametrize("effects", [4, 8, 12])
async def test_a_batch_of_two_projects_is_taken_back_though_the_finishers_die_too(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int
) -> None:
    photos = []
    for name in ("Alps", "Sea"):
        project = (name, await shelf.project(name))
        photos += [await shelf.photo(project, f"{name} {n}", [f"{name} {n}.dng", f"{name} {n}.jpg"]) for n in range(8)]
    for number, photo in enumerate(photos):
        await keep(site, photo, "raw" if number % 2 else "")
    await let_rows_be_true(shelf, site, "Alps", "Sea")
    before, were = originals(shelf), await rows(site, shown=False)
    command = await ask_undo(site, await _committed(site, settings, library, photos))
    deaths = [await run_until_killed(settings, one) for one in (effects, 6, 3)]
    async with hired(settings, removal(settings, library)):
        await site.until_state(command, "completed")

    assert deaths[:2] == [True, True]
    assert [status for _, status, _ in await site.outcomes(command)] == ["done"] * len(photos)
    assert originals(shelf) == before
    assert await rows(site, shown=False) == were
    assert sum(len(data.photos) for data in await site.said(PhotosRestored)) == len(photos) / 2


@pytest.mark.parametrize("effects", [3, 5, 7])
async def test_one_that_is_stopped_past_its_lease_does_no_harm_when_it_wakes(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int
) -> None:
    photos = await _arrange(shelf, site, "P")
    before = originals(shelf)
    command = await ask_undo(site, await _committed(site, settings, library, photos))
    async with stopped(settings, effects) as first, hired(settings, removal(settings, library)):

        async def handed_back() -> bool:
            return bool(await site.said(JobHandedBack))

        await until(handed_back)  # the stopped one has the folder's lock
        assert len(await shelf.rows()) == 1
        first.send_signal(signal.SIGCONT)
        await site.until_state(command, "completed")

    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos]
    assert originals(shelf) == before
    assert await rows_agree(shelf, site)
    assert await site.fetch(OPEN) == [(0,)]
    assert len(await site.said(PhotosRestored)) == 1


@pytest.mark.parametrize("effects", [4, 6])
async def test_what_a_canceled_undo_had_on_record_is_finished_and_its_derivatives_are_asked_for(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int
) -> None:
    photos = await _arrange(shelf, site, "P")
    before = originals(shelf)
    command = await ask_undo(site, await _committed(site, settings, library, photos))
    assert await run_until_killed(settings, effects)
    await site.end(command)
    await _finish(site, settings, library)
    assert originals(shelf) == before
    assert await rows_agree(shelf, site)
    assert await site.fetch(OPEN) == [(0,)]
    by_commit, by_finisher = await site.said(TaskRequested)
    assert (by_commit.task_type, by_finisher.task_type) == ("generate_derivatives", "generate_derivatives")
    assert sorted(by_finisher.targets.photo_ids) == [photo.id for photo in photos]


@pytest.mark.parametrize("effects", [4, 6])
@pytest.mark.parametrize("changed", ["deleted", "taken"])
async def test_an_undo_whose_place_is_gone_leaves_its_files_in_the_trash(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int, changed: str
) -> None:
    photos = await _arrange(shelf, site, "P")
    command = await ask_undo(site, await _committed(site, settings, library, photos[:1]))
    assert await run_until_killed(settings, effects)
    await site.end(command)
    if changed == "deleted":
        archived = "UPDATE projects SET status = 'canceled', archived_at = now() WHERE id = $1"
        await site.execute(archived, photos[0].project_id)
    else:
        await shelf.photo(("P", photos[0].project_id), "A", ["A.dng"])
    await _finish(site, settings, library)
    assert trashed(shelf, "P") == ["A.jpg", "A.xmp"]
    assert await site.fetch(OPEN) == [(0,)]
    assert await site.said(PhotosRestored) == []
    assert await rows_agree(shelf, site)


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_file_that_a_cut_left_under_both_names_keeps_the_right_one(
    shelf: Shelf, site: Site, settings: Settings, library: Library, wanted: bool
) -> None:
    (photo, _) = await _arrange(shelf, site, "P")
    command = await ask_undo(site, await _committed(site, settings, library, [photo]))
    assert await run_until_killed(settings, 3)
    (trash,) = (shelf.root / "P" / ".trash").iterdir()
    (trash / "A.jpg").hardlink_to(photo.folder / "A.jpg")  # as where a rename is a link and an unlink
    if not wanted:
        await site.end(command)
        await site.execute("UPDATE projects SET status = 'canceled', archived_at = now()")
    await _finish(site, settings, library)
    there, gone = ["A.jpg", "A.xmp"] if wanted else [], [] if wanted else ["A.jpg", "A.xmp"]
    assert (lying(shelf, "P"), trashed(shelf, "P")) == ([*there, "B.dng", "B.jpg"], gone)
    assert await site.fetch(OPEN) == [(0,)]


async def _finish(site: Site, settings: Settings, library: Library) -> None:
    await Finisher(mover(settings, library)).finish(site.database, LeftInOutbox())
