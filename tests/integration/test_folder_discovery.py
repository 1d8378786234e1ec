"""Folders of the library that no project has: what each becomes, and that a second run changes nothing."""

import os
import shutil
from datetime import timedelta

import pytest
from discovering import (
    UNKNOWN,
    Explorer,
    aged,
    files_in,
    folder_of,
    guard,
    manifest_of,
    picture,
    runner_of,
    write_manifest,
)
from shelf import MADE_AT, Shelf, forbid, put
from working import Site

from photobus_common.config import Settings
from photobus_common.events.maintenance import (
    FolderRenamed,
    ProjectDiscovered,
    StrayFilesTrashed,
)
from photobus_common.events.projects import PhotosAdded, ProjectRenamed
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST

pytestmark = pytest.mark.usefixtures("broker", "tenant")


async def test_a_folder_of_photos_becomes_a_project_and_is_indexed(explorer: Explorer, site: Site) -> None:
    folder_of(explorer.shelf, "Trip", {"A.jpg": picture(1), "B.jpg": picture(2), "A.jpg.xmp": None, "note.txt": b"x"})
    await explorer.discover()
    assert await explorer.projects() == [("Trip", "Trip", "active")]
    assert await explorer.photos("Trip") == {"A": ["A.jpg", "A.jpg.xmp"], "B": ["B.jpg"]}
    await explorer.agreed()
    [discovered] = await site.said(ProjectDiscovered)
    assert (discovered.name, discovered.project_folder, discovered.version) == ("Trip", "Trip", 1)
    [added] = await site.said(PhotosAdded)
    assert [photo.filename for photo in added.photos] == ["A", "B"]
    [asked] = await site.said(TaskRequested)
    added_ids = tuple(photo.photo_id for photo in added.photos)  # by id: the folder may be renamed before they are made
    assert (asked.task_type, asked.targets.photo_ids) == ("generate_derivatives", added_ids)
    assert ("changed", "project_discovered", "Trip") in await explorer.findings()
    await explorer.settled()


async def test_folders_of_others_are_no_projects(explorer: Explorer) -> None:
    root = explorer.shelf.root
    folder_of(explorer.shelf, ".hidden", {"A.jpg": picture(1)})
    folder_of(explorer.shelf, "lost+found", {"B.jpg": picture(2)})
    outside = root.parent / "outside"
    outside.mkdir()
    put(outside / "C.jpg")
    (root / "link").symlink_to(outside)
    put(root / "a file", b"")
    await explorer.discover()
    assert await explorer.projects() == []
    assert files_in(outside) == ["C.jpg"]


async def test_a_folder_that_is_being_filled_is_left_for_later(
    explorer: Explorer, shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    patient = Explorer(shelf, site, runner_of(site, guard(settings, settle_seconds=600.0), library))
    folder = folder_of(shelf, "Trip", {"A.jpg": picture(1)})
    os.utime(folder)
    await patient.discover()
    assert await explorer.projects() == []
    aged(folder)
    await patient.discover()
    assert await explorer.photos("Trip") == {"A": ["A.jpg"]}


TRAPS = (
    'it\'s "quoted"',
    "line\nbreak",
    "\U0001f4f7 \u202egnp",
    "e\u0301te\u0301",
    "\u00e9t\u00e9",
    "ends.",
    " spaces ",
    "-rf",
    "..more",
    "CASE",
    "case",
    "What? Really: \\*yes*",
    "\u00e4" * 127 + "a",
    "%2e%2e",
    "'; DROP TABLE projects; --",
    "\t",
)


async def test_a_project_is_called_as_its_folder_whatever_that_is(explorer: Explorer) -> None:
    for number, name in enumerate(TRAPS):
        folder_of(explorer.shelf, name, {f"{number}.jpg": picture(number)})
    hidden = [name for name in TRAPS if name.startswith(".")]
    await explorer.discover()
    assert sorted(await explorer.projects()) == sorted((name, name, "active") for name in TRAPS if name not in hidden)
    await explorer.agreed()
    await explorer.settled()


async def test_a_name_that_is_no_text_is_reported_and_kept(explorer: Explorer) -> None:
    name = os.fsdecode(b"caf\xe9")
    folder_of(explorer.shelf, name, {"A.jpg": picture(1)})
    folder_of(explorer.shelf, "zoo", {"B.jpg": picture(2)})
    await explorer.discover()
    assert await explorer.projects() == [("zoo", "zoo", "active")]
    assert ("refused", "folder_name_unusable", "caf\ufffd") in await explorer.findings()
    assert files_in(explorer.shelf.root / name) == ["A.jpg"]
    await explorer.settled()


async def test_a_taken_name_gets_a_number(explorer: Explorer, site: Site) -> None:
    await explorer.shelf.project("Other")
    await site.execute("UPDATE projects SET name = 'Trip'")
    folder_of(explorer.shelf, "Trip", {"A.jpg": picture(1)})
    await explorer.discover()
    assert await explorer.projects() == [("Trip", "Other", "active"), ("Trip (2)", "Trip", "active")]


LAUGHS = b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 120))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"id: [", id="no YAML"),
        pytest.param(LAUGHS, id="aliases"),
        pytest.param(b"!!python/object/apply:os.system ['exit 1']", id="tags"),
        pytest.param(b"[" * 60_000, id="depth"),
        pytest.param(b"id: 1\nname: x\n" + b"#" * 3_000_000, id="megabytes"),
        pytest.param(b"\0" * 1000, id="NUL"),
        pytest.param(b"id: 99999999999999999999\nname: x\ncreated_at: 2026-05-01\n", id="an id out of range"),
        pytest.param(b"- id: 1\n- name: x\n", id="a list"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_a_hostile_manifest_is_kept_and_told(explorer: Explorer, site: Site, content: bytes) -> None:
    folder = folder_of(explorer.shelf, "Trip", {"A.jpg": picture(1)})
    put(folder / MANIFEST, content)
    await explorer.discover()
    assert await explorer.photos("Trip") == {"A": ["A.jpg"]}
    await explorer.agreed()
    [told] = await site.said(StrayFilesTrashed)
    [kept] = told.files
    assert (folder / kept.trash_path).read_bytes() == content
    assert ("changed", "manifest_broken", MANIFEST) in await explorer.findings()
    await explorer.settled()


async def test_a_manifest_that_may_not_be_read_keeps_its_folder_as_it_is(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(explorer.shelf, "Trip", {"A.jpg": picture(1)})
    write_manifest(folder, UNKNOWN, "Trip")
    odd = folder_of(explorer.shelf, "Odd", {"B.jpg": picture(2)})
    (odd / MANIFEST).mkdir()
    with monkeypatch.context() as patch:
        forbid(patch, MANIFEST)
        await explorer.discover()
    assert await explorer.projects() == []
    assert ("refused", "manifest_unreadable", "Trip") in await explorer.findings()
    await explorer.discover()
    assert await explorer.projects() == [("Trip", "Trip", "active")]
    assert (odd / MANIFEST).is_dir()


class TestRenamed:
    async def test_the_project_follows_its_owner(self, explorer: Explorer, site: Site) -> None:
        project_id = await explorer.shelf.project("Trip")
        await explorer.shelf.photo(("Trip", project_id), "A", ["A.jpg"])
        (explorer.shelf.root / "Trip").rename(explorer.shelf.root / "Summer")
        await explorer.discover()
        assert await explorer.projects() == [("Summer", "Summer", "active")]
        assert await explorer.id_of("Summer") == project_id
        await explorer.agreed()
        [renamed] = await site.said(ProjectRenamed)
        [moved] = await site.said(FolderRenamed)
        assert (renamed.old_name, renamed.name) == ("Trip", "Summer")
        assert (moved.cause, moved.old_folder, moved.new_folder) == ("folder_discovery", "Trip", "Summer")
        await explorer.settled()

    async def test_under_a_number_where_the_name_is_taken(self, explorer: Explorer, site: Site) -> None:
        await explorer.shelf.project("Trip")
        await explorer.shelf.project("Other")
        await site.execute("UPDATE projects SET name = 'Summer' WHERE folder = 'Other'")
        (explorer.shelf.root / "Trip").rename(explorer.shelf.root / "Summer")
        await explorer.discover()
        assert await explorer.projects() == [("Summer (2)", "Summer", "active"), ("Summer", "Other", "active")]
        await explorer.settled()

    async def test_but_not_an_alignment_that_was_cut_short(self, explorer: Explorer, site: Site) -> None:
        project_id = await explorer.shelf.project("Trip")
        await site.execute("UPDATE projects SET name = 'Sea: side' WHERE id = $1", project_id)
        (explorer.shelf.root / "Trip").rename(explorer.shelf.root / "Sea_ side")
        await explorer.discover()
        assert await explorer.projects() == [("Sea: side", "Sea_ side", "active")]
        await explorer.agreed()
        await explorer.settled()

    async def test_two_that_swapped_their_names_are_left_as_they_are(self, explorer: Explorer) -> None:
        await explorer.shelf.project("A")
        await explorer.shelf.project("B")
        root = explorer.shelf.root
        (root / "A").rename(root / "C")
        (root / "B").rename(root / "A")
        (root / "C").rename(root / "B")
        before = explorer.shelf.disk()
        await explorer.discover()
        assert explorer.shelf.disk() == before

    async def test_one_that_gave_its_place_to_another_is_followed_and_so_is_that(self, explorer: Explorer) -> None:
        ids = [await explorer.shelf.project(name) for name in ("A", "B")]
        await explorer.shelf.photo(("A", ids[0]), "a", ["a.jpg"])
        await explorer.shelf.photo(("B", ids[1]), "b", ["b.jpg"])
        root = explorer.shelf.root
        (root / "A").rename(root / "C")
        (root / "B").rename(root / "A")
        await explorer.discover()
        await explorer.discover()  # that A is nobody's place any more shows to the next search
        assert await explorer.projects() == [("C", "C", "active"), ("A", "A", "active")]
        assert [await explorer.id_of(folder) for folder in ("C", "A")] == ids
        assert [await explorer.photos(folder) for folder in ("C", "A")] == [{"a": ["a.jpg"]}, {"b": ["b.jpg"]}]
        await explorer.agreed()


class TestCopies:
    async def test_a_copy_is_a_project_of_its_own(self, explorer: Explorer) -> None:
        project_id = await explorer.shelf.project("Trip")
        await explorer.shelf.photo(("Trip", project_id), "A", ["A.jpg"])
        shutil.copytree(explorer.shelf.root / "Trip", explorer.shelf.root / "Trip copy")
        await explorer.discover()
        assert await explorer.projects() == [("Trip", "Trip", "active"), ("Trip copy", "Trip copy", "active")]
        assert await explorer.photos("Trip") == await explorer.photos("Trip copy") == {"A": ["A.jpg"]}
        await explorer.agreed()
        await explorer.settled()

    async def test_of_two_folders_of_a_project_that_is_gone_one_is_it(self, explorer: Explorer) -> None:
        project_id = await explorer.shelf.project("Trip")
        root = explorer.shelf.root
        shutil.copytree(root / "Trip", root / "B")
        (root / "Trip").rename(root / "A")
        await explorer.discover()
        assert await explorer.id_of("A") == project_id
        assert sorted(await explorer.projects()) == [("A", "A", "active"), ("B", "B", "active")]
        await explorer.agreed()
        await explorer.settled()

    async def test_another_spelling_of_its_name_is_none(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The file system looks up names in any case, and the folder has lost its manifest."""
        project_id = await explorer.shelf.project("Trip")
        await explorer.shelf.photo(("Trip", project_id), "A", ["A.jpg"])
        (explorer.shelf.root / "Trip" / MANIFEST).unlink()
        (explorer.shelf.root / "Trip").rename(explorer.shelf.root / "TRIP")
        aged(explorer.shelf.root / "TRIP")
        really_open, really_look = os.open, os.lstat

        def lying(name: str, folder_fd: int | None) -> str:
            return "TRIP" if folder_fd is not None and name == "Trip" else name

        def opened(name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            return really_open(lying(name, dir_fd), flags, mode, dir_fd=dir_fd)

        def looked(name: str, *, dir_fd: int | None = None) -> os.stat_result:
            return really_look(lying(name, dir_fd), dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", opened)
        monkeypatch.setattr(os, "lstat", looked)
        await explorer.discover()
        assert await explorer.projects() == [("Trip", "Trip", "active")]
        assert await explorer.photos("Trip") == {"A": ["A.jpg"]}

    async def test_an_id_of_another_database_means_nothing(self, explorer: Explorer) -> None:
        project_id = await explorer.shelf.project("Trip")
        (explorer.shelf.root / "Trip").rename(explorer.shelf.root.parent / "away")
        folder = folder_of(explorer.shelf, "Old", {"A.jpg": picture(1)})
        write_manifest(folder, project_id, "Old", MADE_AT - timedelta(days=400))
        await explorer.discover()
        assert await explorer.projects() == [("Trip", "Trip", "active"), ("Old", "Old", "active")]
        assert manifest_of(folder) == (await explorer.id_of("Old"), "Old")
