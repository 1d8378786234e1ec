"""Files whose basename another photo of the library has: which get another name, which, and which are left."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import images
import pytest
from renaming import contents, files, renamers
from shelf import JPEG, Photo, Shelf, content_of, forbid, put
from upkeep import Line, counts, over_library, over_projects, report
from working import Site, hired

from photobus_common.config import Library as LibrarySettings
from photobus_common.config import Maintenance, Settings
from photobus_common.events.maintenance import FilesRenamed
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler

OTHER = images.jpeg(60, 60)
"""Bytes of another photo, which nothing else has."""

SAME_SIZE = JPEG[:-1] + bytes([JPEG[-1] ^ 1])


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"maintenance": Maintenance(lock_wait_seconds=0.0, settle_seconds=600)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return renamers(settings, library)


@dataclass(frozen=True)
class State:
    """What lies in the folder of ``Here`` beside nothing on record, while ``There`` has a photo ``A`` of ``A.jpg``.

    ``here`` are names with their content, by default what the name says. ``there`` is what lies in the other folder;
    ``own`` are files of a photo of ``Here`` itself, and ``third`` basenames of photos of yet another project.
    """

    here: Iterable[str] = ("A.jpg",)
    content: bytes | None = OTHER
    there: Iterable[str] = ("A.jpg",)
    own: Iterable[str] = ()
    third: Iterable[str] = ()
    fresh: str = ""
    moving: str = ""


RENAMED = ("A_duplicate1.jpg",)

STATES: dict[str, tuple[State, Iterable[str]]] = {
    "other bytes": (State(), RENAMED),
    "a copy": (State(content=JPEG), RENAMED),
    "moved by hand": (State(content=JPEG, there=()), ("A.jpg",)),
    "other bytes while the other is gone": (State(there=()), RENAMED),
    "as many other bytes while the other is gone": (State(content=SAME_SIZE, there=()), RENAMED),
    "a pair with its sidecars": (
        State(here=("A.jpg", "A.dng", "A.dng.xmp", "A.xmp"), content=None),
        ("A_duplicate1.dng", "A_duplicate1.dng.xmp", "A_duplicate1.jpg", "A_duplicate1.xmp"),
    ),
    "every way to write an extension": (
        State(here=("A.JPG", "A.Jpeg", "A.jpg.XMP")),
        ("A_duplicate1.JPG", "A_duplicate1.Jpeg", "A_duplicate1.jpg.XMP"),
    ),
    "a sidecar alone": (State(here=("A.xmp",), content=None), ("A.xmp",)),
    "a name that nobody has": (State(here=("B.jpg",)), ("B.jpg",)),
    "another case": (State(here=("a.jpg",)), ("a.jpg",)),
    "another format": (State(here=("A.png",)), ("A_duplicate1.png",)),
    "a kind that is not accepted": (State(here=("A.txt",), content=b"text"), ("A.txt",)),
    "hidden": (State(here=(".A.jpg",)), ()),
    "a photo of its own": (State(here=("A.dng",), content=None, own=("A.jpg",)), ("A.dng", "A.jpg")),
    "numbers that others have": (State(third=("A_duplicate1", "A_duplicate2")), ("A_duplicate3.jpg",)),
    "a number that lies here": (
        State(here=("A.jpg", "A_duplicate1.png")),
        ("A_duplicate1.png", "A_duplicate2.jpg"),
    ),
    "a numbered one that another has": (
        State(here=("A_duplicate1.jpg",), third=("A_duplicate1",)),
        ("A_duplicate1_duplicate1.jpg",),
    ),
    "half of it still being written": (State(here=("A.jpg",), fresh="A.dng"), ("A.dng", "A.jpg")),
    "half of it on its way": (State(here=("A.jpg", "A.dng"), moving="A.dng"), ("A.dng", "A.jpg")),
}


async def arrange(shelf: Shelf, state: State) -> Photo:
    there = ("There", await shelf.project("There"))
    photo = await shelf.photo(there, "A", ["A.jpg"], state.there)
    here = ("Here", await shelf.project("Here"))
    own = await shelf.photo(here, "A", state.own) if state.own else Photo(0, here[1], shelf.root / "Here")
    third = ("Third", await shelf.project("Third"))
    for basename in state.third:
        await shelf.photo(third, basename, [f"{basename}.jpg"])
    for name in state.here:
        put(shelf.root / "Here" / name, state.content if state.content is not None else content_of(name))
    if state.fresh:
        (shelf.root / "Here" / state.fresh).write_bytes(content_of(state.fresh))
    if state.moving:
        await shelf.intend(own, state.moving)
    return photo


@pytest.mark.parametrize("state", STATES)
async def test_every_state_comes_to_its_end_and_stays_there(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], state: str
) -> None:
    given, end = STATES[state]
    await arrange(shelf, given)
    before, rows = contents(shelf), await shelf.rows()
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
        assert files(shelf, "Here") == sorted(end)
        disk, said = shelf.disk(), await site.said(FilesRenamed)
        again = await over_library(site, "duplicate_resolution")
        await site.until_state(again, "completed")

    assert contents(shelf) == before
    assert await shelf.rows() == rows
    assert files(shelf, "There") == sorted(given.there)
    assert shelf.disk() == disk
    assert await site.said(FilesRenamed) == said
    assert await report(site, again) == []


async def test_the_report_leads_to_the_event_that_names_each_file(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    await arrange(shelf, State(here=("A.jpg", "A.dng"), content=None))
    async with hired(settings, handlers):
        command = await over_library(site, "duplicate_resolution", source="system")
        await site.until_state(command, "completed")

    [told] = await site.said(FilesRenamed)
    assert (told.project_folder, told.cause, told.source_folder) == ("Here", "duplicate_resolution", None)
    assert [(file.source_name, file.name) for file in told.files] == [
        ("A.dng", "A_duplicate1.dng"),
        ("A.jpg", "A_duplicate1.jpg"),
    ]
    assert await report(site, command) == [Line("changed", "files_renamed", "Here", "A.dng", None, 2, "FilesRenamed")]
    assert (await counts(site, command))[1:] == (2, 0, 0)


async def test_the_check_after_it_makes_them_photos_of_their_own(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photo = await arrange(shelf, State(here=("A.jpg",)))
    fourth_id = await shelf.project("Fourth")
    put(shelf.root / "Fourth" / "A.jpg", images.jpeg(50, 40))
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
        await site.until_state(await over_library(site, "folder_check"), "completed")

    assert fourth_id
    names = {row["filename"]: row["files"] for row in await shelf.rows()}
    assert names.keys() == {"A", "A_duplicate1", "A_duplicate2"}
    assert next(row["id"] for row in await shelf.rows() if row["filename"] == "A") == photo.id
    assert files(shelf, "Here") == ["A_duplicate1.jpg"]
    assert files(shelf, "Fourth") == ["A_duplicate2.jpg"]


async def test_a_project_can_be_asked_for_alone(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    await arrange(shelf, State())
    put(shelf.root / "Third" / "A.jpg", OTHER)
    [(here,)] = await site.fetch("SELECT id FROM projects WHERE name = 'Here'")
    async with hired(settings, handlers):
        await site.until_state(await over_projects(site, "duplicate_resolution", here), "completed")
    assert files(shelf, "Here") == ["A_duplicate1.jpg"]
    assert files(shelf, "Third") == ["A.jpg"]


async def test_where_names_may_repeat_nothing_is_renamed(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    lifted = LibrarySettings(root=settings.library.root, unique_names="project")
    settings = settings.model_copy(update={"library": lifted})
    await arrange(shelf, State())
    async with hired(settings, renamers(settings, library)):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
    assert files(shelf, "Here") == ["A.jpg"]


async def test_of_a_pair_half_of_which_was_moved_by_hand_the_half_is_a_duplicate(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    there = ("There", await shelf.project("There"))
    await shelf.photo(there, "A", ["A.dng", "A.jpg"], ["A.dng"])
    await shelf.project("Here")
    put(shelf.root / "Here" / "A.jpg")
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
    assert files(shelf, "Here") == ["A_duplicate1.jpg"]


async def test_what_a_check_found_gone_is_known_by_its_bytes(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photo = await arrange(shelf, State(content=JPEG, there=()))
    await site.execute(
        "INSERT INTO lost_files (tenant, photo_id, project_id, name, kind, size, md5, task_id)"
        " SELECT tenant, photo_id, project_id, name, kind, size, md5, gen_random_uuid() FROM photo_files"
        " WHERE photo_id = $1",
        photo.id,
    )
    await site.execute("DELETE FROM photo_files WHERE photo_id = $1", photo.id)
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
    assert files(shelf, "Here") == ["A.jpg"]


@pytest.mark.parametrize("case", ["the other folder is gone", "the file cannot be read"])
async def test_what_cannot_be_told_is_left(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    await arrange(shelf, State(content=SAME_SIZE, there=()) if case.endswith("read") else State(content=JPEG))
    if case.endswith("read"):
        forbid(monkeypatch, "A.jpg")
    else:
        (shelf.root / "There").rename(shelf.root.parent / "elsewhere")
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
    assert files(shelf, "Here") == ["A.jpg"]


LONG = "é" * 100 + "x" * 50
"""A basename of 250 bytes: no more fits, for the names of derivatives must as well."""


@pytest.mark.parametrize(
    "basename",
    ['it\'s "quoted" `$(x)`', "🏔️ שלום", "-rf", "..", "a.", "a ", "E\u0301te", "\u00c9te", LONG, "A.jpg", "%s\\"],
)
async def test_names_with_traps(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], basename: str
) -> None:
    there = ("There", await shelf.project("There"))
    await shelf.photo(there, basename, [])
    await shelf.project("Here")
    names = [f"{basename}.jpg", f"{basename}.dng"]
    for name in names:
        put(shelf.root / "Here" / name)
    before = contents(shelf)
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
        await site.until_state(await over_library(site, "folder_check"), "completed")

    found = files(shelf, "Here")
    refused = basename.startswith(".") or "\\" in basename
    assert contents(shelf) == before
    if refused:
        assert [name for name in names if not name.startswith(".")] in (found, sorted(found, reverse=True))
        return
    assert len(found) == 2
    assert all("_duplicate1." in name and len(name.encode()) <= 255 for name in found)
    if basename != LONG:
        assert found == [f"{basename}_duplicate1.dng", f"{basename}_duplicate1.jpg"]
    assert len(await shelf.rows()) == 2


async def test_long_names_that_become_equal_by_shortening_get_numbers(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    there = ("There", await shelf.project("There"))
    await shelf.project("Here")
    basenames = ["x" * 249 + letter for letter in "abc"]
    for basename in basenames:
        await shelf.photo(there, basename, [])
        put(shelf.root / "Here" / f"{basename}.jpg")
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
    assert files(shelf, "Here") == [f"{'x' * 239}_duplicate{number}.jpg" for number in (1, 2, 3)]


async def test_names_that_are_no_text_are_left(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    await arrange(shelf, State())
    odd = shelf.root / "Here" / os.fsdecode(b"A\xff.jpg")
    put(odd, OTHER)
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
    assert files(shelf, "Here") == ["A_duplicate1.jpg", odd.name]


async def test_very_many_are_renamed_portion_by_portion(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    there = ("There", await shelf.project("There"))
    await shelf.project("Here")
    for number in range(450):
        await shelf.photo(there, f"A{number}", [])
        put(shelf.root / "Here" / f"A{number}.jpg")
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "completed")
    assert files(shelf, "Here") == sorted(f"A{number}_duplicate1.jpg" for number in range(450))
    assert len(await site.said(FilesRenamed)) == 3


async def test_a_library_that_is_away_fails_the_attempt(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    await arrange(shelf, State())
    shelf.away()
    async with hired(settings, handlers):
        await site.until_state(await over_library(site, "duplicate_resolution"), "failed")
    shelf.back()
    assert files(shelf, "Here") == ["A.jpg"]
    assert await site.said(FilesRenamed) == []
