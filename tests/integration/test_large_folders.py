"""Folders that hold very much: a check gets on however often it is asked back, and looks at nothing again and again."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from by_hand import Owner, bytes_of, recognised
from shelf import XMP
from upkeep import report

from photobus_common.commands import RunJob
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.folder import Folder
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.worker import Job
from photobus_common.worker.results import Completed
from photobus_maintenance import changed_files, marking, new_photos, rounds
from photobus_maintenance.jobs import duplicate_resolution

RUNS = 8
"""More than any of these checks may take."""


@pytest.fixture
def _asked_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait all the time: each job is asked back as soon as it is in its first folder."""
    really_glance = marking.Glance.__init__

    def then_asked(self: Any, *args: Any) -> None:
        really_glance(self, *args)
        for job in _running:
            job.ask_back("portion")

    monkeypatch.setattr(marking.Glance, "__init__", then_asked)
    really_init = Job.__init__

    def noted(self: Job, *args: Any, **options: Any) -> None:
        really_init(self, *args, **options)
        _running[:] = [self]

    monkeypatch.setattr(Job, "__init__", noted)


_running: list[Job] = []


async def to_the_end(owner: Owner, command: RunJob) -> int:
    """Run the job until it is done; return how many runs it took."""
    for number in range(1, RUNS + 1):
        if await owner.runner.run(command) == Completed():
            return number
    raise AssertionError("it never comes to an end")


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[str]:
    """Note the calls of a method of folders."""
    calls: list[str] = []
    really: Callable[..., Any] = getattr(owner, name)

    def noted(self: Folder, *args: Any, **options: Any) -> Any:
        calls.append(self.name)
        return really(self, *args, **options)

    monkeypatch.setattr(owner, name, noted)
    return calls


@pytest.mark.usefixtures("_asked_back")
async def test_other_halves_are_added_however_often_the_check_is_asked_back(owner: Owner) -> None:
    here = await owner.project("a")
    for name in "ABC":
        await owner.photo(here, name, f"{name}.jpg")
        owner.put(f"a/{name}.dng")
    assert await to_the_end(owner, await owner.runner.job("folder_check")) > 1
    assert [photo.available for photo in (await owner.seen()).values()] == ["jpg raw"] * 3


@pytest.mark.usefixtures("_asked_back")
async def test_changed_files_are_followed_however_often_the_check_is_asked_back(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed_files, "PORTION", 1)
    here = await owner.project("a")
    for name in "ABC":
        await owner.photo(here, name, f"{name}.jpg")
        owner.put(f"a/{name}.jpg", bytes_of(f"{name}.jpg") + b"more")
    assert await to_the_end(owner, await owner.runner.job("folder_check")) > 1
    assert {photo.status for photo in (await owner.seen()).values()} == {"pending"}


@pytest.mark.usefixtures("_asked_back")
async def test_new_photos_get_rows_and_derivatives_however_often_the_check_is_asked_back(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_photos, "PORTION", 1)
    await owner.project("a")
    for name in "AB":
        owner.put(f"a/{name}.jpg")
    owner.put("a/C.jpg", b"not a photo")
    assert await to_the_end(owner, await owner.runner.job("folder_check")) > 1
    assert [photo.filename for photo in (await owner.seen()).values()] == ["A", "B"]
    [asked] = [data for data in await owner.said() if isinstance(data, TaskRequested)]
    assert asked.targets.filter == {"project_folder": "a", "status": "pending"}


@pytest.mark.usefixtures("_asked_back")
async def test_derivatives_are_asked_for_also_when_nothing_is_left_to_add(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_photos, "PORTION", 1)
    await owner.project("a")
    for name in "AB":
        owner.put(f"a/{name}.jpg")
    command = await owner.runner.job("folder_check")
    await owner.runner.run(command)
    (owner.shelf.root / "a/B.jpg").unlink()
    await to_the_end(owner, command)
    assert len([data for data in await owner.said() if isinstance(data, TaskRequested)]) == 1


@pytest.mark.usefixtures("_asked_back")
async def test_names_are_resolved_however_often_the_job_is_asked_back(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_resolution, "PORTION", 1)
    there, here = await owner.project("a"), await owner.project("b")
    for name in "ABCD":
        await owner.photo(there, name, f"{name}.jpg")
    for name in "ABC":
        owner.rename(f"a/{name}.jpg", f"b/{name}.jpg")
    owner.put("b/D.jpg")
    assert await to_the_end(owner, await owner.runner.job("duplicate_resolution", here[1])) > 1
    assert sorted(path.name for path in (owner.shelf.root / "b").glob("*.jpg")) == [
        *("A.jpg", "B.jpg", "C.jpg", "D_duplicate1.jpg")
    ]


async def test_a_folder_of_many_changed_files_is_listed_once(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed_files, "PORTION", 1)
    here = await owner.project("a")
    for name in "ABC":
        await owner.photo(here, name, f"{name}.jpg")
        owner.put(f"a/{name}.jpg", bytes_of(f"{name}.jpg") + b"more")
    lists = counted(monkeypatch, Folder, "list")
    await owner.runner.do("folder_check")
    assert {photo.status for photo in (await owner.seen()).values()} == {"pending"}
    assert lists == ["a"]


async def test_leftovers_are_looked_for_once_in_a_folder_of_many_photos(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PORTION", 1)
    here = await owner.project("a")
    for name in "ABC":
        await owner.photo(here, name, f"{name}.jpg")
    looks = counted(monkeypatch, ProjectFolder, "remove_leftovers")
    await owner.runner.do("folder_check")
    assert looks == ["a"]


async def test_a_sidecar_stays_with_its_photo_when_its_name_could_be_of_another(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is where files of more kinds are accepted than when it came."""
    monkeypatch.setattr(rounds, "PORTION", 1)
    here = await owner.project("a")
    exported = await owner.photo(here, "A.png", "A.png.jpg", "A.png.xmp")
    await owner.photo(here, "A", "A.jpg")
    await owner.runner.do("folder_check")
    assert (await owner.seen())[exported.id].files == ("A.png.jpg", "A.png.xmp")


async def test_a_photo_of_which_no_event_can_tell_costs_no_other_project(owner: Owner) -> None:
    """All spellings of the endings of one long name are files of one photo: more than fit into an event."""
    await owner.project("a")
    await owner.project("b")
    name = "A" * 240
    owner.put(f"a/{name}.jpg", bytes_of("A.jpg"))
    spelt = [ending for word in ("jpeg", "heic", "tiff", "webp", "avif", "heif", "jpg") for ending in spellings(word)]
    for sidecar in (f"{name}.{ending}.{xmp}" for ending in spelt for xmp in spellings("xmp")):
        owner.put(f"a/{sidecar}", XMP)
    owner.put("b/B.jpg")
    command = await owner.runner.do("folder_check")
    assert [photo.filename for photo in (await owner.seen()).values()] == ["B"]
    assert {(line.folder, line.kind, line.code) for line in await report(owner.runner.site, command)} == {
        ("a", "refused", "internal_error"),
        ("b", "changed", "photos_added"),
    }


def spellings(word: str) -> list[str]:
    """Return the word in every mixture of large and small letters."""
    return ["".join(letters) for letters in product(*((letter.lower(), letter.upper()) for letter in word))]


@pytest.mark.usefixtures("marks_at_once")
async def test_three_thousand_files_may_move_at_once(owner: Owner) -> None:
    here, there = await owner.project("a"), await owner.project("b")
    names = [f"IMG_{number:04}" for number in range(3000)]
    photos = await owner.many(here, names)
    for name in names:
        owner.rename(f"a/{name}.jpg", f"b/{name}.jpg")
    await owner.check("folder_check")

    seen = await owner.seen()
    assert sorted(seen) == sorted(photos.values())
    assert {(photo.folder, photo.files) for photo in seen.values()} == {("b", (f"{name}.jpg",)) for name in names}
    assert all(seen[photos[name]].tags == (f"of {name}",) for name in names)
    assert {source for _, source in await recognised(owner)} == {here[1]}
    asked = [data.targets.photo_ids for data in await owner.said() if isinstance(data, TaskRequested)]
    assert sorted(photo for ids in asked for photo in ids or ()) == sorted(photos.values())
    await owner.check("folder_check")
    assert await owner.marked() == [here[1], there[1]]
    await owner.nothing_more()
