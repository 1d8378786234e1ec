"""A file mover is killed or stopped between effects of a move: another one finishes, and no original is lost."""

import signal
from itertools import count

import pytest
from bus_traffic import until
from crashing_mover import Mount, run_until_killed, stopped
from moving import SAID_OF, accounted, contents, move, whereabouts
from removing import OPEN, derivatives, lying, mover, originals, removal, show
from shelf import Photo, Shelf, put
from working import Site, hired

from photobus_common.config import Filemover, Pipeline, Settings
from photobus_common.events.projects import PhotosMoved
from photobus_common.events.tasks import JobCompleted, JobHandedBack
from photobus_common.storage.library import Library
from photobus_filemover.finishing import Finisher

LEASES = Pipeline(stale_seconds=0.6, heartbeat_ms=200, drain_seconds=5.0)
LEAST_POINTS = 14
"""Effects that the move has at least: fewer would show that the points are no longer where they were."""

LEAST_POINTS_OF_A_COPY = 10

LEFT = ["A.jpg", "A.xmp", "B.dng"]
ARRIVED = ["A (2).jpg", "A (2).xmp", "A.jpg", "B.dng"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    own_names = settings.library.model_copy(update={"unique_names": "project"})
    return settings.model_copy(
        update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0), "library": own_names}
    )


async def _arrange(shelf: Shelf, number: int) -> tuple[list[Photo], int]:
    """Make two photos, with the derivatives of one, and a destination in which one of their names is taken."""
    source = (f"S{number}", await shelf.project(f"S{number}"))
    target = (f"T{number}", await shelf.project(f"T{number}"))
    photos = [await shelf.photo(source, "A", LEFT[:2]), await shelf.photo(source, "B", LEFT[2:])]
    show(photos[0], "A")
    await shelf.photo(target, "A", ["A.jpg"])
    return photos, target[1]


async def test_killed_between_any_two_effects_a_move_is_finished_by_another(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        photos, target = await _arrange(shelf, effects)
        before, told = originals(shelf), contents(shelf)
        command = await move(site, photos, target)
        died = await run_until_killed(settings, effects)
        async with hired(settings, removal(settings, library)):
            await site.until_idle()

        assert await site.outcomes(command) == [
            (photos[0].id, "done", "A is called A (2) there."),
            (photos[1].id, "done", None),
        ], effects
        assert contents(shelf) == told
        assert await accounted(shelf, site, before)
        assert (lying(shelf, f"S{effects}"), lying(shelf, f"T{effects}")) == ([], ARRIVED)
        assert derivatives(shelf, f"S{effects}") == []
        assert derivatives(shelf, f"T{effects}") == [".preview/A (2).jpg", ".thumb/A (2).jpg"]
        assert await site.fetch(OPEN) == [(0,)]
        if not died:
            break
    assert effects > LEAST_POINTS
    assert sum(len(data.photos) for data in await site.said(PhotosMoved)) == 2 * effects
    assert len(await site.said(JobCompleted)) == effects


async def test_nor_is_anything_lost_where_files_must_be_copied(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        source, target = f"S{effects}", f"T{effects}"
        photo = await shelf.photo((source, await shelf.project(source)), "A", ["A.jpg"])
        project_id = await shelf.project(target)
        told = contents(shelf)
        command = await move(site, [photo], project_id)
        died = await run_until_killed(settings, effects, Mount(shelf.root / target, shelf.root / target))
        async with hired(settings, removal(settings, library)):
            await site.until_idle()

        assert await site.outcomes(command) == [(photo.id, "done", None)], effects
        assert contents(shelf) == told
        assert (lying(shelf, source), lying(shelf, target)) == ([], ["A.jpg"])
        if not died:
            break
    assert effects > LEAST_POINTS_OF_A_COPY


@pytest.mark.parametrize("effects", [4, 8, 12])
async def test_a_batch_from_two_projects_is_finished_though_the_finishers_die_too(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int
) -> None:
    target = ("Lake", await shelf.project("Lake"))
    sources = [(name, await shelf.project(name)) for name in ("Alps", "Sea")]
    photos = [await shelf.photo(source, f"P{n}", [f"P{n}.jpg", f"P{n}.xmp"]) for n in range(10) for source in sources]
    before, said = originals(shelf), await site.fetch(SAID_OF)
    command = await move(site, photos, target[1])
    deaths = [await run_until_killed(settings, one) for one in (effects, 6, 3)]
    async with hired(settings, removal(settings, library)):
        await site.until_state(command, "completed")

    assert deaths[:2] == [True, True]
    assert [status for _, status, _ in await site.outcomes(command)] == ["done"] * len(photos)
    assert await accounted(shelf, site, before)
    assert len(lying(shelf, "Lake")) == 2 * len(photos)
    assert await site.fetch(SAID_OF) == said
    assert sum(len(data.photos) for data in await site.said(PhotosMoved)) == len(photos)


@pytest.mark.parametrize("effects", [5, 7])
@pytest.mark.parametrize("changed", ["deleted", "grown", "replaced"])
async def test_a_move_whose_reason_is_gone_is_taken_back(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int, changed: str
) -> None:
    photos, target = await _arrange(shelf, 1)
    command = await move(site, photos, target)
    assert await run_until_killed(settings, effects)
    await site.end(command)
    before = originals(shelf)
    if changed == "deleted":
        await site.execute("UPDATE projects SET status = 'canceled', archived_at = now() WHERE id = $1", target)
    elif changed == "grown":
        put(shelf.root / "S1" / "A.dng")
        before = originals(shelf)
        await site.execute(
            "INSERT INTO photo_files (tenant, photo_id, project_id, name, kind, size, md5, modified_at) "
            "SELECT tenant, id, project_id, 'A.dng', 'raw', 1, 'x', now() FROM photos WHERE id = $1",
            photos[0].id,
        )
    else:
        (shelf.root / "S1" / "B.dng").unlink(missing_ok=True)
        (shelf.root / "T1" / "B.dng").unlink(missing_ok=True)
        put(shelf.root / "S1" / "B.dng", b"other bytes")
        before = originals(shelf)

    await Finisher(mover(settings, library)).finish(shelf.database, _Nobody())

    assert originals(shelf).keys() == before.keys()
    assert await site.fetch(OPEN) == [(0,)]
    places = [place[1] for place in await whereabouts(site)]
    stays = {"deleted": ["S1", "S1", "T1"], "grown": ["S1", "T1", "T1"], "replaced": ["T1", "S1", "T1"]}
    assert places == stays[changed]
    assert (
        sorted(lying(shelf, "S1")) == {"deleted": LEFT, "grown": ["A.dng", *LEFT[:2]], "replaced": ["B.dng"]}[changed]
    )


class _Nobody:
    """A publisher that leaves everything in the outbox."""

    def offer(self, messages: object) -> None:
        pass


@pytest.mark.parametrize(
    ("effects", "second_mount"),
    [*((effects, False) for effects in range(2, 15)), *((effects, True) for effects in (3, 5, 7, 9, 11))],
)
async def test_one_that_is_stopped_past_its_lease_does_no_harm_when_it_wakes(
    shelf: Shelf, site: Site, settings: Settings, library: Library, effects: int, second_mount: bool
) -> None:
    photos, target = await _arrange(shelf, 1)
    before, told = originals(shelf), contents(shelf)
    command = await move(site, photos, target)
    mount, elsewhere = None, settings
    if second_mount:
        mount = Mount(library.root, library.root.with_name("second"))
        mount.target.mkdir()
        elsewhere = settings.model_copy(update={"library": settings.library.model_copy(update={"root": mount.target})})
    async with stopped(elsewhere, effects, mount) as first, hired(settings, removal(settings, library)):

        async def handed_back_or_done() -> bool:
            return bool(await site.said(JobHandedBack)) or await site.state(command) == "completed"

        await until(handed_back_or_done)
        if await site.state(command) == "completed":  # it was stopped outside of the lock
            back = await move(site, [Photo(photo.id, target, photo.folder) for photo in photos], photos[0].project_id)
            await site.until_state(back, "completed")
        first.send_signal(signal.SIGCONT)
        await site.until_idle()
        await until(lambda: _nothing_open(site))

    assert originals(shelf).keys() == before.keys()
    assert contents(shelf) == told
    assert await accounted(shelf, site, before)
    assert len({place[1] for place in (await whereabouts(site))[:2]}) == 1
    assert await site.fetch(OPEN) == [(0,)]


async def _nothing_open(site: Site) -> bool:
    return await site.fetch(OPEN) == [(0,)]
