"""``integrity_check``: what is wrong with originals is told once it is certain, and nothing else is, nor changed."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from bus_traffic import until
from shelf import DNG, JPEG, Photo, Shelf, forbid, put
from upkeep import Line, agree, counts, everything, over_library, over_projects, report, rot, upkeep
from working import Site, hired

from photobus_common.config import Maintenance, Settings
from photobus_common.events.maintenance import FindingsReported
from photobus_common.events.tasks import JobAttemptFailed, JobHandedBack
from photobus_common.storage.library import Library
from photobus_common.store.database import Database
from photobus_common.worker.job import Handler, Job
from photobus_maintenance import marking, original_reading
from photobus_maintenance.jobs import integrity_check
from photobus_maintenance.original_reading import Pace

NFC: Final = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
NFD: Final = "cafe\N{COMBINING ACUTE ACCENT}"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"maintenance": guard})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return upkeep(settings, library)


def write(photo: Photo, name: str, content: bytes = DNG + b"more") -> None:
    """Write something else, an hour ago."""
    put(photo.folder / name, content)


def write_ahead(photo: Photo) -> None:
    """Write something else, with a time that is far from here."""
    write(photo, "A.jpg")
    os.utime(photo.folder / "A.jpg", (4_000_000_000, 4_000_000_000))


def move(name: str, to: str) -> Callable[[Photo], None]:
    """Rename a file."""

    def renaming(photo: Photo) -> None:
        (photo.folder / name).rename(photo.folder / to)

    return renaming


def rot_and_move(photo: Photo) -> None:
    """Change a byte of a file, and the case of its name."""
    rot(photo, "A.jpg")
    move("A.jpg", "a.JPG")(photo)


def move_and_copy(photo: Photo) -> None:
    """Leave two files that either may be the one on record."""
    move("A.jpg", "a.jpg")(photo)
    put(photo.folder / "A.JPG", JPEG)


def fill(photo: Photo) -> None:
    """Put beside a photo what belongs to nobody and what never does."""
    for name in ("other.jpg", "notes.txt", "alone.xmp", ".hidden.jpg"):
        put(photo.folder / name, b"x")
    (photo.folder / "young.jpg").write_bytes(b"x")
    (photo.folder / "folder.jpg").mkdir()
    (photo.folder / "link.jpg").symlink_to("A.jpg")
    (photo.folder / ".trash").mkdir()
    put(photo.folder / ".trash" / "trashed.jpg", b"x")
    put(photo.folder / os.fsdecode(b"not \xff.jpg"), b"x")


@dataclass(frozen=True)
class Case:
    """Files of a photo, what happens to them, and what is told: code and file."""

    happens: Callable[[Photo], object]
    told: tuple[tuple[str, str], ...] = ()
    rows: tuple[str, ...] = ("A.jpg",)


CASES: Final[dict[str, Case]] = {
    "all well": Case(lambda _: None, rows=("A.dng", "A.jpg", "A.xmp")),
    "a bit rotted": Case(lambda photo: rot(photo, "A.jpg"), (("bit_rot", "A.jpg"),)),
    "of a RAW too": Case(lambda photo: rot(photo, "A.dng"), (("bit_rot", "A.dng"),), ("A.dng", "A.jpg")),
    "written to": Case(lambda photo: write(photo, "A.jpg"), (("changed_outside", "A.jpg"),)),
    "written to by a camera whose clock is years ahead": Case(write_ahead, (("changed_outside", "A.jpg"),)),
    "touched only": Case(lambda photo: os.utime(photo.folder / "A.jpg", (0, 0))),
    "being written": Case(lambda photo: (photo.folder / "A.jpg").write_bytes(b"new")),
    "a sidecar written to": Case(lambda photo: write(photo, "A.xmp"), rows=("A.jpg", "A.xmp")),
    "a sidecar that rotted": Case(lambda photo: rot(photo, "A.xmp"), (("bit_rot", "A.xmp"),), ("A.jpg", "A.xmp")),
    "gone": Case(lambda photo: (photo.folder / "A.jpg").unlink(), (("missing", "A.jpg"),)),
    "case": Case(move("A.jpg", "a.JPG")),
    "case and rotted": Case(rot_and_move, (("bit_rot", "a.JPG"),)),
    "form": Case(move(f"{NFC}.jpg", f"{NFD}.jpg"), rows=(f"{NFC}.jpg",)),
    "two may be it": Case(
        move_and_copy,
        (("missing", "A.jpg"), ("untracked", "A.JPG"), ("untracked", "a.jpg")),
    ),
    "strangers": Case(
        fill,
        (
            ("untracked", "alone.xmp"),
            ("untracked", "not \N{REPLACEMENT CHARACTER}.jpg"),
            ("untracked", "notes.txt"),
            ("untracked", "other.jpg"),
        ),
    ),
}


async def arrange(shelf: Shelf, site: Site) -> dict[str, Photo]:
    """Make a project with one photo a case, whose rows have its files' times."""
    photos = {}
    for name, case in CASES.items():
        basename = case.rows[0].partition(".")[0]
        photo = await shelf.photo((name, await shelf.project(name)), basename, case.rows)
        await agree(site, photo, *case.rows)
        case.happens(photo)
        photos[name] = photo
    return photos


def told(lines: list[Line]) -> dict[str | None, set[tuple[str, str | None]]]:
    """Code and file of each line, by project."""
    found: dict[str | None, set[tuple[str, str | None]]] = {}
    for line in lines:
        assert (line.kind, line.things, line.told_by) == ("reported", 1, "FindingsReported")
        found.setdefault(line.folder, set()).add((line.code, line.subject))
    return found


async def test_what_is_wrong_is_told_and_nothing_is_changed(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], database: Database
) -> None:
    photos = await arrange(shelf, site)
    before = await everything(shelf, database)

    async with hired(settings, handlers):
        command = await over_library(site, "integrity_check", "system")
        await site.until_idle()
        again = await over_library(site, "integrity_check", "system")
        await site.until_idle()

    expected = {name: set(case.told) for name, case in CASES.items() if case.told}
    lines = await report(site, command)
    assert told(lines) == expected
    assert len(lines) == sum(map(len, expected.values()))
    assert {line.photo_id for line in lines if line.code != "untracked"} == {
        photos[name].id for name, case in CASES.items() if any(code != "untracked" for code, _ in case.told)
    }
    assert await report(site, again) == lines
    assert await counts(site, command) == (len(CASES), 0, 0, len(lines))
    assert await everything(shelf, database) == before


async def test_one_project_is_looked_at_by_small_portions(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity_check, "_MANNER", integrity_check._MANNER.__class__(2, False, False))
    project = ("a", await shelf.project("a"))
    photos = [await shelf.photo(project, str(number), [f"{number}.jpg"]) for number in range(5)]
    other = await shelf.photo(("b", await shelf.project("b")), "B", ["B.jpg"], [])
    (photos[1].folder / "1.jpg").unlink()
    (photos[4].folder / "4.jpg").unlink()
    put(other.folder.parent / "a" / "5.jpg")

    async with hired(settings, handlers):
        command = await over_projects(site, "integrity_check", project[1])
        await site.until_idle()

    assert [(line.code, line.subject) for line in await report(site, command)] == [
        ("missing", "1.jpg"),
        ("missing", "4.jpg"),
        ("untracked", "5.jpg"),
    ]


async def test_one_that_is_asked_back_goes_on_where_it_was(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ("a", await shelf.project("a"))
    photos = [await shelf.photo(project, str(number), [f"{number}.jpg"]) for number in range(4)]
    (photos[0].folder / "0.jpg").unlink()
    (photos[3].folder / "3.jpg").unlink()
    read: list[str] = []
    really = original_reading.read_original

    async def reading(folder: Any, name: str, pace: Pace) -> Any:
        read.append(name)
        if read.count(name) == 1 and len(read) in {3, 4}:
            jobs[-1].ask_back("portion")
        return await really(folder, name, pace)

    jobs: list[Job] = []

    async def handler(job: Job) -> None:
        jobs.append(job)
        await handlers["integrity_check"](job)

    monkeypatch.setattr(integrity_check, "read_original", reading)
    async with hired(settings, {"integrity_check": handler}):
        command = await over_projects(site, "integrity_check", project[1])
        await site.until_idle()

    assert read == ["0.jpg", "0.jpg", "1.jpg", "2.jpg", "3.jpg", "3.jpg"]
    assert len(await site.said(JobHandedBack)) == 2
    assert [line.subject for line in await report(site, command)] == ["0.jpg", "3.jpg"]
    assert (await counts(site, command))[0] == 4


async def test_a_bit_that_rots_in_a_folder_that_looks_unchanged_is_found(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "_YOUNG_NS", -marking._YOUNG_NS)
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"])
    await agree(site, photo, "A.jpg")
    async with hired(settings, handlers):
        well = await over_library(site, "integrity_check", "system")
        await site.until_idle()
        rot(photo, "A.jpg")
        rotten = await over_library(site, "integrity_check", "system")
        await site.until_idle()
    assert [[line.code for line in await report(site, command)] for command in (well, rotten)] == [[], ["bit_rot"]]


async def test_of_a_folder_that_does_not_say_whose_it_is_nothing_is_told(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = [await shelf.photo((name, await shelf.project(name)), "A", ["A.jpg"]) for name in ("away", "there")]
    for path in photos[0].folder.iterdir():  # as the empty place of a project's own disk
        path.unlink()
    put(photos[0].folder / "stray.jpg")
    (photos[1].folder / "A.jpg").unlink()
    async with hired(settings, handlers):
        command = await over_library(site, "integrity_check")
        await site.until_idle()
    assert [(line.kind, line.code, line.folder) for line in await report(site, command)] == [
        ("refused", "folder_not_its_own", "away"),
        ("reported", "missing", "there"),
    ]


@pytest.mark.parametrize("meanwhile", ["replaced", "removed", "intended"])
async def test_what_changes_before_the_second_look_is_no_finding(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
) -> None:
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"], [])
    really = integrity_check._Check._report

    async def first(*arguments: Any) -> None:
        match meanwhile:
            case "replaced":
                await shelf.replace(photo, "A.jpg", JPEG)
            case "removed":
                await site.execute("DELETE FROM photos")
            case "intended":
                await shelf.intend(photo, "A.jpg")
        await really(*arguments)

    monkeypatch.setattr(integrity_check._Check, "_report", first)
    async with hired(settings, handlers):
        command = await over_library(site, "integrity_check")
        await site.until_idle()
    assert await report(site, command) == []


async def test_the_second_look_waits_for_whoever_works_in_the_folder(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photo = await shelf.photo(("a", await shelf.project("a")), "A", ["A.jpg"], [])
    with shelf.library.open_project("a") as folder:
        assert folder.try_lock()
        async with hired(settings, handlers):
            command = await over_library(site, "integrity_check")

            async def handed_back() -> bool:
                return bool(await site.said(JobHandedBack))

            await until(handed_back)
            put(photo.folder / "A.jpg")  # whoever has the lock places it
            folder.unlock()
            await site.until_idle()
    assert await report(site, command) == []


async def test_files_that_may_not_or_cannot_be_read_are_told_and_the_others_checked(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ("a", await shelf.project("a"))
    photos = [await shelf.photo(project, name, [f"{name}.jpg"]) for name in ("bad", "forbidden", "gone")]
    (photos[2].folder / "gone.jpg").unlink()
    forbid(monkeypatch, "forbidden.jpg")
    forbid(monkeypatch, "bad.jpg", errno.EIO)

    async with hired(settings, handlers):
        command = await over_library(site, "integrity_check")
        await site.until_idle()
    assert [(line.code, line.subject) for line in await report(site, command)] == [
        ("unreadable", "bad.jpg"),
        ("unreadable", "forbidden.jpg"),
        ("missing", "gone.jpg"),
    ]


async def test_a_disk_that_reads_nothing_any_more_fails_the_attempt_and_tells_nothing_of_files(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ("a", await shelf.project("a"))
    for number in range(20):
        await shelf.photo(project, str(number), [f"{number}.jpg"])
        forbid(monkeypatch, f"{number}.jpg", errno.EIO)

    async with hired(settings, handlers):
        command = await over_projects(site, "integrity_check", project[1])
        await site.until_idle()
        assert [failed.code for failed in await site.said(JobAttemptFailed)] == ["storage_unavailable"]
        assert await report(site, command) == []
        assert await site.said(FindingsReported) == []

        shelf.away()
        await site.again(command, attempt=2, dispatch=2)
        await site.until_idle()
    assert [failed.code for failed in await site.said(JobAttemptFailed)] == ["storage_unavailable"] * 2
    assert await report(site, command) == []
