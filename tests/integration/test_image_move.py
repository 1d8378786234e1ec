"""``image_move_files``: photos of any projects come to lie in one with all that belongs to them."""

import unicodedata

import pytest
from bus_traffic import until
from moving import SAID_OF, accounted, contents, move, whereabouts
from removing import OPEN, derivatives, lying, originals, removal, rows_agree, show
from shelf import DNG, JPEG, Photo, Shelf, md5, put
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Filemover, Settings
from photobus_common.events.projects import KeptKinds, MovedFile, PhotoMoved, PhotosMoved
from photobus_common.events.tasks import JobAttemptFailed, JobHandedBack
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler

TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT id, tenant, $2 FROM photos WHERE id = $1"
ARCHIVE = "UPDATE projects SET status = 'canceled', archived_at = now() WHERE id = $1"
KEEP_NOTHING = "UPDATE photos SET keep_jpg = false WHERE id = $1"
STATUSES = "SELECT id, thumbnail_status, preview_status FROM photos ORDER BY id"
INTENT = """
INSERT INTO uploads (id, tenant, project_id, actor, filename, state, target_name, basename, expires_at)
SELECT gen_random_uuid(), tenant, id, 'ada', $2, 'placing', $2, $3, now() + interval '1 day' FROM projects WHERE id = $1
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"filemover": Filemover(lock_wait_seconds=0.0)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return removal(settings, library)


async def moved(
    site: Site, settings: Settings, handlers: dict[str, Handler], photos: list[Photo], project_id: int
) -> RunJob:
    """Move and wait for the end."""
    command = await move(site, photos, project_id)
    async with hired(settings, handlers):
        await site.until_idle()
    return command


async def test_photos_of_any_projects_lie_in_one_with_all_that_belongs_to_them(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    alps, sea = ("Alps", await shelf.project("Alps")), ("Sea", await shelf.project("Sea"))
    best = await shelf.project("Best")
    pair = await shelf.photo(alps, "A", ["A.dng", "A.dng.xmp", "A.jpg", "A.xmp"])
    other = await shelf.photo(sea, "B", ["B.jpeg", "B.jpg"])
    staying = await shelf.photo(sea, "C", ["C.jpg"])
    for photo, name in ((pair, "A"), (other, "B"), (staying, "C")):
        show(photo, name)
    await site.execute(TAG, pair.id, "wedding")
    await site.execute(KEEP_NOTHING, other.id)
    before, said, told = originals(shelf), await site.fetch(SAID_OF), contents(shelf)

    command = await moved(site, settings, handlers, [pair, other], best)

    assert await site.outcomes(command) == [(pair.id, "done", None), (other.id, "done", None)]
    assert await whereabouts(site) == [
        (pair.id, "Best", "A", ["A.dng", "A.dng.xmp", "A.jpg", "A.xmp"]),
        (other.id, "Best", "B", ["B.jpeg", "B.jpg"]),
        (staying.id, "Sea", "C", ["C.jpg"]),
    ]
    assert lying(shelf, "Best") == ["A.dng", "A.dng.xmp", "A.jpg", "A.xmp", "B.jpeg", "B.jpg"]
    assert derivatives(shelf, "Best") == [".preview/A.jpg", ".preview/B.jpg", ".thumb/A.jpg", ".thumb/B.jpg"]
    assert (derivatives(shelf, "Alps"), derivatives(shelf, "Sea")) == ([], [".preview/C.jpg", ".thumb/C.jpg"])
    assert await site.fetch(SAID_OF) == said
    assert contents(shelf) == told
    assert await accounted(shelf, site, before)
    assert await site.fetch(OPEN) == [(0,)]
    first, second = await site.said(PhotosMoved)
    assert (first.project_id, first.project_folder, first.task_id) == (best, "Best", command.task_id)
    assert (first.source_project_id, first.source_project_folder) == (alps[1], "Alps")
    assert (second.source_project_id, second.source_project_folder) == (sea[1], "Sea")
    assert second.photos == (
        PhotoMoved(
            photo_id=other.id,
            filename="B",
            source_filename="B",
            version=2,
            files=tuple(
                MovedFile(name=name, source_name=name, kind="jpg", size=len(JPEG), md5=md5(JPEG))
                for name in ("B.jpeg", "B.jpg")
            ),
            thumbnail_status="generated",
            preview_status="generated",
            keep=KeptKinds(jpg=False, raw=False, other=False),
        ),
    )


async def test_a_taken_name_gets_a_number_for_all_files_alike_which_is_told_and_recorded(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    alps, sea, lake = [(name, await shelf.project(name)) for name in ("Alps", "Sea", "Lake")]
    first = await shelf.photo(alps, "A", ["A.dng", "A.dng.xmp", "A.jpg"])
    second = await shelf.photo(sea, "A", ["A.jpg", "A.xmp"])
    there = await shelf.photo(lake, "A", ["A.jpg"])
    for photo in (first, second, there):
        show(photo, "A")
    before = originals(shelf)

    command = await moved(site, settings, handlers, [second, first], lake[1])

    assert await site.outcomes(command) == [
        (second.id, "done", "A is called A (3) there."),
        (first.id, "done", "A is called A (2) there."),
    ]
    assert await whereabouts(site) == [
        (first.id, "Lake", "A (2)", ["A (2).dng", "A (2).dng.xmp", "A (2).jpg"]),
        (second.id, "Lake", "A (3)", ["A (3).jpg", "A (3).xmp"]),
        (there.id, "Lake", "A", ["A.jpg"]),
    ]
    assert derivatives(shelf, "Lake") == sorted(
        f"{kind}/{name}.jpg" for kind in (".preview", ".thumb") for name in ("A", "A (2)", "A (3)")
    )
    assert await accounted(shelf, site, before)
    told = [(photo.source_filename, photo.filename) for data in await site.said(PhotosMoved) for photo in data.photos]
    assert told == [("A", "A (2)"), ("A", "A (3)")]


@pytest.mark.parametrize("lying_there", ["A.jpg", "A.dng", "A.jpg/", "A.jpg@"])
async def test_what_lies_at_the_destination_without_a_row_is_not_replaced_nor_taken_for_a_pair(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], lying_there: str
) -> None:
    sea, lake = ("Sea", await shelf.project("Sea")), await shelf.project("Lake")
    photo = await shelf.photo(sea, "A", ["A.jpg"])
    path = shelf.root / "Lake" / lying_there.rstrip("/@")
    if lying_there.endswith("/"):
        path.mkdir()
    elif lying_there.endswith("@"):
        path.symlink_to(shelf.root / "Sea" / "A.jpg")
    else:
        put(path)
    inode = path.lstat().st_ino

    command = await moved(site, settings, handlers, [photo], lake)

    assert await site.outcomes(command) == [(photo.id, "done", "A is called A (2) there.")]
    assert path.lstat().st_ino == inode
    assert await whereabouts(site) == [(photo.id, "Lake", "A (2)", ["A (2).jpg"])]
    assert (shelf.root / "Lake" / "A (2).jpg").read_bytes() == JPEG


async def test_files_that_are_gone_hold_up_nothing_unless_all_are(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    sea, lake = ("Sea", await shelf.project("Sea")), await shelf.project("Lake")
    half = await shelf.photo(sea, "A", ["A.dng", "A.jpg"], on_disk=["A.jpg"])
    gone = await shelf.photo(sea, "B", ["B.jpg"], on_disk=[])
    empty = await shelf.photo(sea, "C", [])

    command = await moved(site, settings, handlers, [half, gone, empty], lake)

    assert await site.outcomes(command) == [
        (half.id, "done", None),
        (gone.id, "failed", "Its files are not there."),
        (empty.id, "failed", "Its files are not there."),
    ]
    assert [place[:3] for place in await whereabouts(site)] == [
        (half.id, "Lake", "A"),
        (gone.id, "Sea", "B"),
        (empty.id, "Sea", "C"),
    ]
    assert await site.fetch(OPEN) == [(0,)]


async def test_derivatives_that_do_not_come_along_are_to_be_made_anew(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    sea, lake = ("Sea", await shelf.project("Sea")), await shelf.project("Lake")
    shown = await shelf.photo(sea, "A", ["A.jpg"])
    half = await shelf.photo(sea, "B", ["B.jpg"])
    failed = await shelf.photo(sea, "C", ["C.jpg"])
    await site.execute(
        "UPDATE photos SET thumbnail_status = 'failed', preview_status = 'failed' WHERE id = $1", failed.id
    )
    show(shown, "A")
    show(half, "B")
    (shelf.root / "Sea" / ".preview" / "B.jpg").unlink()
    (shelf.root / "Lake" / ".thumb").mkdir()
    put(shelf.root / "Lake" / ".thumb" / "A.jpg", b"of nobody")

    await moved(site, settings, handlers, [shown, half, failed], lake)

    assert await site.fetch(STATUSES) == [
        (shown.id, "generated", "generated"),
        (half.id, "generated", "pending"),
        (failed.id, "failed", "failed"),
    ]
    assert (shelf.root / "Lake" / ".thumb" / "A.jpg").read_bytes() == b"derivative"
    assert derivatives(shelf, "Sea") == []


async def test_what_cannot_move_stays_and_says_why(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    sea, lake = ("Sea", await shelf.project("Sea")), ("Lake", await shelf.project("Lake"))
    there = await shelf.photo(lake, "T", ["T.jpg"])
    placed, joined, free = [await shelf.photo(sea, name, [f"{name}.jpg"]) for name in "ABC"]
    await site.execute(INTENT, sea[1], "A.jpg", "A")
    await site.execute(INTENT, sea[1], "B.dng", "B")
    unknown = Photo(999, sea[1], shelf.root)

    command = await moved(site, settings, handlers, [there, placed, joined, free, unknown], lake[1])

    on_its_way = "One of its files is still on its way, here or elsewhere."
    assert await site.outcomes(command) == [
        (there.id, "skipped", "It is there already."),
        (placed.id, "failed", on_its_way),
        (joined.id, "failed", on_its_way),
        (free.id, "done", None),
        (999, "skipped", "The photo is no longer there."),
    ]
    assert [place[1] for place in await whereabouts(site)] == ["Lake", "Sea", "Sea", "Lake"]
    assert await rows_agree(shelf, site)


@pytest.mark.parametrize("how", ["deleted", "folder gone"])
async def test_without_a_destination_nothing_moves(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], how: str
) -> None:
    sea, lake = ("Sea", await shelf.project("Sea")), await shelf.project("Lake")
    photo = await shelf.photo(sea, "A", ["A.jpg"])
    if how == "deleted":
        await site.execute(ARCHIVE, lake)
    else:
        (shelf.root / "Lake").rename(shelf.root / "Elsewhere")
    before = shelf.disk()

    command = await moved(site, settings, handlers, [photo], lake)

    reasons = {
        "deleted": "The project it was to go to was deleted.",
        "folder gone": "The folder Lake is not in the library.",
    }
    assert await site.outcomes(command) == [(photo.id, "failed", reasons[how])]
    assert shelf.disk() == before
    assert [place[1] for place in await whereabouts(site)] == ["Sea"]


@pytest.mark.parametrize("held", ["Alps", "Lake"])
async def test_a_folder_that_someone_works_in_holds_up_its_own_photos_only(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], held: str
) -> None:
    photos = [await shelf.photo((name, await shelf.project(name)), name, [f"{name}.jpg"]) for name in ("Alps", "Sea")]
    lake = await shelf.project("Lake")
    with shelf.library.open_project(held) as folder:
        assert folder.try_lock()
        command = await move(site, photos, lake)
        async with hired(settings, handlers):

            async def handed_back() -> bool:
                return bool(await site.said(JobHandedBack))

            await until(handed_back)
            assert lying(shelf, "Alps") == ["Alps.jpg"]
            assert lying(shelf, "Lake") == (["Sea.jpg"] if held == "Alps" else [])
            folder.unlock()
            await site.until_idle()

    assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos]
    assert await site.said(JobAttemptFailed) == []


async def test_an_absent_library_fails_the_attempt_and_changes_nothing(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photo = await shelf.photo(("Sea", await shelf.project("Sea")), "A", ["A.jpg"])
    lake = await shelf.project("Lake")
    before = await shelf.rows()
    shelf.away()
    command = await move(site, [photo], lake)
    async with hired(settings, handlers):

        async def failed() -> bool:
            return bool(await site.said(JobAttemptFailed))

        await until(failed)
    shelf.back()

    assert [data.code for data in await site.said(JobAttemptFailed)] == ["storage_unavailable"]
    assert (await site.outcomes(command), await shelf.rows()) == ([], before)


LONGEST = "é" * 125  # 250 bytes: with ".webp" it is as long as a name may be
NAMES = [
    "with space",
    "quo'te\"s",
    "🏔️ summit",
    LONGEST,
    unicodedata.normalize("NFC", "Zoë"),
    unicodedata.normalize("NFD", "Zoë"),
    "case",
    "CASE",
    "-rf",
    "--",
    "a..b",
    "%2e%2e%2f",
    "trailing.",
    "$(touch x)",
    "*?[a]",
]


async def test_no_name_leads_out_of_the_library_or_loses_a_file(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    sea, alps = ("Sea", await shelf.project("Sea")), ("Alps", await shelf.project("Alps"))
    lake = ("Lake", await shelf.project("Lake"))
    photos = [await shelf.photo(sea, name, [f"{name}.jpg", f"{name}.xmp"]) for name in NAMES]
    twins = [await shelf.photo(alps, name, [f"{name}.dng"]) for name in NAMES]
    for photo, name in zip(photos, NAMES, strict=True):
        show(photo, name)
    before, told = originals(shelf), contents(shelf)

    command = await moved(site, settings, handlers, [*photos, *twins], lake[1])

    assert [status for _, status, _ in await site.outcomes(command)] == ["done"] * 2 * len(NAMES)
    places = await whereabouts(site)
    assert [place[2] for place in places[: len(NAMES)]] == [*NAMES]
    assert all(place[2].endswith(" (2)") for place in places[len(NAMES) :])
    assert all(len(f"{place[2]}.webp".encode()) <= 255 for place in places)
    assert contents(shelf) == told
    assert await accounted(shelf, site, before)
    assert sorted(path.name for path in shelf.root.parent.iterdir()) == [shelf.root.name]


async def test_planted_links_are_no_way_out(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    outside = shelf.root.parent / "outside"
    outside.mkdir()
    put(outside / "secret.jpg")
    sea, lake = ("Sea", await shelf.project("Sea")), await shelf.project("Lake")
    linked = await shelf.photo(sea, "A", ["A.jpg"], on_disk=[])
    (shelf.root / "Sea" / "A.jpg").symlink_to(outside / "secret.jpg")
    photo = await shelf.photo(sea, "B", ["B.jpg"])
    show(photo, "B")
    (shelf.root / "Lake" / ".thumb").symlink_to(outside)

    command = await moved(site, settings, handlers, [linked, photo], lake)

    assert await site.outcomes(command) == [
        (linked.id, "failed", "Its files are not there."),
        (photo.id, "done", None),
    ]
    assert sorted(path.name for path in outside.iterdir()) == ["secret.jpg"]
    assert (shelf.root / "Sea" / "A.jpg").is_symlink()
    assert await site.fetch(STATUSES) == [(linked.id, "generated", "generated"), (photo.id, "pending", "generated")]


async def test_many_numbers_are_passed_over_until_one_is_free(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    lake = ("Lake", await shelf.project("Lake"))
    for number in range(1, 41):
        await shelf.photo(
            lake, "A" if number == 1 else f"A ({number})", ["A.jpg" if number == 1 else f"A ({number}).jpg"]
        )
    photo = await shelf.photo(("Sea", await shelf.project("Sea")), "A", ["A.dng"])

    command = await moved(site, settings, handlers, [photo], lake[1])

    assert await site.outcomes(command) == [(photo.id, "done", "A is called A (41) there.")]
    assert (shelf.root / "Lake" / "A (41).dng").read_bytes() == DNG
