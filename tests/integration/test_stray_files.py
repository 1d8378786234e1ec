"""Files in a project's folder that are nothing of a project's: what goes to the trash, what stays, and who is told."""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from by_hand import Owner, believing, bytes_of, owner_of
from dying import DeathError
from shelf import Shelf
from working import Site

from photobus_common.config import Settings, Uploader
from photobus_common.events.maintenance import FindingsReported, StrayFilesTrashed
from photobus_common.photos import filenames
from photobus_common.storage import renaming
from photobus_common.storage.folder import Entry, Folder
from photobus_common.storage.library import SENTINEL, Library
from photobus_common.storage.manifest import MANIFEST
from photobus_maintenance.strays import fate_of

pytestmark = pytest.mark.usefixtures("marks_at_once")

GOES = ["notes.txt", "film.MP4", "no extension", "two\nlines.txt", "a\\b.doc", "Thumbs.db", "x" * 251 + ".txt", "'\".é"]
STAYS = [
    MANIFEST, SENTINEL, ".hidden", ".hidden.txt", "ORPHAN.xmp", "ORPHAN.ARW.xmp", "A.jpg", "A.JPEG", "film.part",
    "~lock", "film.mp4.crdownload", "A.jpg~", "x.tmp",
]  # fmt: skip
UNFIT = ["a\\b.jpg", "two\nlines.JPG", "x" * 251 + ".jpg", "control\x7f.dng", "bell\x07.xmp"]


@pytest.mark.parametrize(
    ("names", "fate"), [(GOES, "goes"), (STAYS, "stays"), (UNFIT, "unfit"), ([os.fsdecode(b"\xff.txt")], "unfit")]
)
def test_a_name_has_its_fate(names: list[str], fate: str) -> None:
    for name in names:
        assert fate_of(Entry(name, 1, 0, 1, 1), Uploader())[0] == fate, name


async def trashed(owner: Owner) -> list[tuple[str, str, str]]:
    """Project, name and trash path of each file of which it was told, in order."""
    told = [data for data in await owner.said() if isinstance(data, StrayFilesTrashed)]
    return [(data.project_folder, file.name, file.trash_path) for data in told for file in data.files]


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_what_is_not_accepted_goes_to_the_trash_with_its_reason(owner: Owner) -> None:
    here = await owner.project("a")
    folder = owner.shelf.root / "a"
    for name in (*GOES, *UNFIT):
        owner.put(f"a/{name}", f"in {name}".encode())
    for name in STAYS:
        if not (folder / name).exists():
            owner.put(f"a/{name}", bytes_of(name) if name.endswith((".jpg", ".xmp")) else b"words")
    owner.put(os.fsdecode(b"a/\xff.txt"), b"words")
    (folder / "a folder.txt").mkdir()
    (folder / "link.txt").symlink_to("notes.txt")
    (folder / "to a folder").symlink_to("a folder.txt")
    with socket.socket(socket.AF_UNIX) as unix, opened(folder) as fd:
        unix.bind(f"/proc/self/fd/{fd}/socket.txt")  # the path itself may be longer than a socket's can be
    before = names_in(folder)
    await owner.check()

    assert names_in(folder) == sorted({*before, ".trash"} - set(GOES))
    told = await trashed(owner)
    assert sorted(name for _, name, _ in told) == sorted(GOES)
    for project, name, path in told:
        assert (owner.shelf.root / project / path).read_bytes() == f"in {name}".encode()
    [data] = [data for data in await owner.said() if isinstance(data, StrayFilesTrashed)]
    reasons = {file.name: file.reason for file in data.files}
    assert reasons["notes.txt"] == filenames.RefusedName("notes.txt", "not_accepted").reason
    told_of = [data for data in await owner.said() if isinstance(data, FindingsReported)]
    reported = [found.subject for data in told_of for found in data.findings if found.code == "unfit_name"]
    assert sorted(map(str, reported)) == sorted([*UNFIT, "\N{REPLACEMENT CHARACTER}.txt"])
    await owner.check("folder_check")  # it looks once more, for the folder has changed by what went
    assert await owner.marked() == [here[1]]
    words, disk = await owner.words(), owner.shelf.disk()
    await owner.check("folder_check")
    assert (await owner.words(), owner.shelf.disk()) == (words, disk)


async def test_where_its_owner_wants_that_it_stays_and_is_reported(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    usual = believing(settings)
    manner = usual.maintenance.model_copy(update={"stray_files": "report"})
    owner = owner_of(shelf, site, usual.model_copy(update={"maintenance": manner}), library)
    await owner.project("a")
    for name in ("film 1.MP4", "film 2.MP4", "notes.txt"):
        owner.put(f"a/{name}", b"words")
    before = owner.shelf.disk()
    await owner.check()

    assert owner.shelf.disk() == before
    told = [data for data in await owner.said() if isinstance(data, FindingsReported)]
    strays = [found for data in told for found in data.findings if found.code == "stray_file"]
    assert [(found.kind, found.subject, found.count) for found in strays] == [("reported", "film 1.MP4", 3)]


async def test_a_name_that_is_taken_in_the_trash_gets_a_number(owner: Owner) -> None:
    here = await owner.project("a")
    command = await owner.runner.job("folder_check", here[1])
    for content in (b"first", b"second"):
        owner.put("a/notes.txt", content)
        await owner.runner.run(command.model_copy(update={"job_id": (await owner.runner.job("folder_check")).job_id}))
    kept = sorted(path.read_bytes() for path in (owner.shelf.root / "a").glob(".trash/*/notes*"))
    assert kept == [b"first", b"second"]


async def test_what_is_being_written_or_moved_stays(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.jpg")
    (photo.folder / "fresh.txt").write_bytes(b"half")
    owner.put("a/placed.txt", b"words")
    await owner.shelf.intend(photo, "placed.txt")
    await owner.check("folder_check")
    assert {"fresh.txt", "placed.txt"} <= set(names_in(photo.folder))
    assert await owner.marked() == []


async def test_a_file_that_grows_under_the_check_stays(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    await owner.project("a")
    owner.put("a/notes.txt", b"words")
    listed = Folder.list

    def then_written(folder: Folder, *, hidden: bool = False) -> object:
        found = listed(folder, hidden=hidden)
        owner.put("a/notes.txt", b"more words")
        return found

    monkeypatch.setattr(Folder, "list", then_written)
    await owner.check("folder_check")
    assert await trashed(owner) == []
    assert (owner.shelf.root / "a" / "notes.txt").exists()
    assert await owner.marked() == []


async def test_checks_of_single_photos_let_everything_lie(owner: Owner, site: Site) -> None:
    photo = await owner.photo(await owner.project("a"), "A", "A.jpg")
    owner.put("a/notes.txt", b"words")
    command = await site.post([photo.target], "folder_check")
    await owner.runner.run(command)
    assert (photo.folder / "notes.txt").exists()


async def test_killed_between_any_two_effects_each_file_is_told_of_once(owner: Owner) -> None:
    names: list[str] = []
    for effects in range(40):
        here = await owner.project(f"p{effects}")
        for letter in "xyz":
            names.append(f"{letter}{effects}.txt")
            owner.put(f"p{effects}/{names[-1]}", names[-1].encode())
        command = await owner.runner.job("folder_check", here[1])
        died = await owner.runner.dies(command, effects)
        await owner.runner.do("folder_check", here[1])  # another task finds what was left
        assert names_in(owner.shelf.root / f"p{effects}") == [MANIFEST, ".trash"]
        if not died:
            break
    else:
        pytest.fail("it dies at every point")
    assert effects > 5
    await told_once(owner, names)


async def test_a_file_whose_way_to_the_trash_was_cut_in_two_has_one_name_again(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await owner.project("a")
    names = ["x.txt", "y.txt"]
    for name in names:
        owner.put(f"a/{name}", name.encode())

    def cut(source_fd: int, source: str, target_fd: int, target: str) -> None:
        """Give the file its second name, where a rename takes two steps, and die."""
        os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd, follow_symlinks=False)
        raise DeathError

    with monkeypatch.context() as patch:
        patch.setattr(renaming, "rename_no_replace", cut)
        assert await owner.runner.run(await owner.runner.job("folder_check", here[1])) is None
    assert sorted({MANIFEST, ".trash", *names}) == names_in(owner.shelf.root / "a")
    await owner.runner.do("folder_check", here[1])
    assert names_in(owner.shelf.root / "a") == [MANIFEST, ".trash"]
    await told_once(owner, names)


async def told_once(owner: Owner, names: Iterable[str]) -> None:
    """Hold what was told against what lies in the trash."""
    told = await trashed(owner)
    assert sorted(name for _, name, _ in told) == sorted(names)
    for project, name, path in told:
        assert (owner.shelf.root / project / path).read_bytes() == name.encode()
    assert await owner.runner.site.fetch("SELECT name FROM stray_files") == []
