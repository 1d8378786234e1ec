"""A folder that is a project a second time under an unknown id: its files become the project's, its copies go."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from discovering import (
    UNKNOWN,
    Explorer,
    aged,
    files_in,
    folder_of,
    guard,
    picture,
    runner_of,
    trashed_in,
    write_manifest,
)
from shelf import DNG, XMP, Shelf, put
from working import Site

from photobus_common.config import Settings
from photobus_common.events.maintenance import FilesRenamed, ProjectDiscovered, StrayFilesTrashed
from photobus_common.events.projects import PhotosAdded
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH

pytestmark = pytest.mark.usefixtures("broker", "tenant")


async def project(explorer: Explorer, files: Mapping[str, bytes]) -> Path:
    """Make the project ``Trip`` of these files, and have them indexed."""
    await explorer.shelf.project("Trip")
    for name, content in files.items():
        put(explorer.shelf.root / "Trip" / name, content)
    await explorer.runner.do("folder_check")
    await explorer.site.execute("DELETE FROM outbox")
    await explorer.site.execute("DELETE FROM maintenance_findings")
    return explorer.shelf.root / "Trip"


def second(explorer: Explorer, files: Mapping[str, bytes]) -> Path:
    """Put a folder beside it that says it is ``Trip``, under an id of another database."""
    folder = folder_of(explorer.shelf, "From the old disk", files)
    write_manifest(folder, UNKNOWN, "Trip")
    return folder


async def test_copies_go_and_the_rest_comes(explorer: Explorer, site: Site) -> None:
    trip = await project(explorer, {"A.jpg": picture(1), "B.jpg": picture(2)})
    folder = second(explorer, {"A.jpg": picture(1), "A.dng": DNG, "C.jpg": picture(3), "C.jpg.xmp": b"<x:xmpmeta/>"})
    for hidden in (".thumb", ".preview", ".trash/20260101T000000Z-x"):
        (folder / hidden).mkdir(parents=True)
        put(folder / hidden / "A.jpg")
    aged(folder)
    await explorer.discover()
    assert await explorer.projects() == [("Trip", "Trip", "active")]
    assert await explorer.photos("Trip") == {
        "A": ["A.dng", "A.jpg"],
        "B": ["B.jpg"],
        "C": ["C.jpg", "C.jpg.xmp"],
    }
    assert trashed_in(trip) == ["A.jpg"]
    [trashed] = await site.said(StrayFilesTrashed)
    assert [(file.name, (trip / file.trash_path).read_bytes()) for file in trashed.files] == [("A.jpg", picture(1))]
    [renamed] = await site.said(FilesRenamed)
    assert (renamed.cause, renamed.source_folder) == ("folder_discovery", "From the old disk")
    assert {(file.source_name, file.name) for file in renamed.files} == {
        (name, name) for name in ("A.dng", "C.jpg", "C.jpg.xmp")
    }
    [rest] = (explorer.shelf.root / TRASH).glob("*/*")
    assert rest.name == "From the old disk"
    assert sorted(path.name for path in rest.iterdir()) == [".preview", ".project.yaml", ".thumb", ".trash"]
    assert len(list(rest.rglob("A.jpg"))) == 3
    lines = await explorer.findings()
    assert ("reported", "folder_merged", "From the old disk") in lines
    assert ("changed", "copies_trashed", "A.jpg") in lines
    await explorer.agreed()
    await explorer.settled()


async def test_what_has_a_name_of_the_project_gets_another_all_of_a_photo_alike(explorer: Explorer) -> None:
    trip = await project(explorer, {"S.jpg": picture(0), "A.jpg": picture(1), "A_duplicate1.jpg": picture(2)})
    second(
        explorer,
        {
            "S.jpg": picture(0),
            "A.jpg": picture(3),
            "A.dng": DNG,
            "A.xmp": b"<x:xmpmeta/>",
            "clip.mov": b"x",
            "A.mov": b"y",
        },
    )
    put(trip / "clip.mov", b"another")
    await explorer.discover()
    assert await explorer.photos("Trip") == {
        "S": ["S.jpg"],
        "A": ["A.jpg"],
        "A_duplicate1": ["A_duplicate1.jpg"],
        "A_duplicate2": ["A_duplicate2.dng", "A_duplicate2.jpg", "A_duplicate2.xmp"],
    }
    assert (trip / "A.jpg").read_bytes() == picture(1)
    assert (trip / "A_duplicate2.jpg").read_bytes() == picture(3)
    everywhere = {path.name: path.read_bytes() for path in trip.rglob("*.mov")}
    assert everywhere == {"clip.mov": b"another", "clip_duplicate1.mov": b"x", "A_duplicate2.mov": b"y"}
    await explorer.settled()


async def test_without_a_photo_in_common_it_is_a_project_of_its_own(explorer: Explorer, site: Site) -> None:
    await project(explorer, {"A.jpg": picture(1)})
    second(explorer, {"A.jpg": picture(2), "B.jpg": picture(1)})
    await explorer.discover()
    assert await explorer.projects() == [
        ("Trip", "Trip", "active"),
        ("From the old disk", "From the old disk", "active"),
    ]
    assert await site.said(FilesRenamed) == []
    await explorer.agreed()


async def test_a_sidecar_is_no_photo_in_common(explorer: Explorer) -> None:
    alike = {"A.jpg.xmp": XMP}
    trip = await project(explorer, {"A.jpg": picture(1), **alike})
    folder = second(explorer, {"A.jpg": picture(2), **alike})
    await explorer.discover()
    assert files_in(folder) == files_in(trip) == ["A.jpg", "A.jpg.xmp"]
    assert [row[:2] for row in await explorer.projects()] == [("Trip", "Trip"), ("From the old disk", folder.name)]


async def test_so_is_one_that_holds_more_than_files(explorer: Explorer, site: Site) -> None:
    await project(explorer, {"A.jpg": picture(1)})
    folder = second(explorer, {"A.jpg": picture(1)})
    (folder / "more").mkdir()
    put(folder / "more" / "B.jpg")
    aged(folder)
    await explorer.discover()
    assert len(await site.said(ProjectDiscovered)) == 1
    assert files_in(folder) == ["A.jpg", "more"]


async def test_a_copy_is_believed_by_the_bytes_of_both(explorer: Explorer) -> None:
    trip = await project(explorer, {"A.jpg": picture(1)})
    put(trip / "A.jpg", picture(1)[:-1] + b"?")  # what is on record rots, and this folder has the last good copy
    folder = second(explorer, {"A.jpg": picture(1)})
    await explorer.discover()
    assert (folder / "A.jpg").read_bytes() == picture(1)
    assert trashed_in(trip) == []


async def test_of_a_folder_without_any_file_nothing_is_lost(explorer: Explorer) -> None:
    await project(explorer, {"A.jpg": picture(1)})
    folder = second(explorer, {})
    aged(folder, hours=2.0)
    await explorer.discover()
    assert await explorer.projects() == [("Trip", "Trip", "active")]
    assert [path.name for path in (explorer.shelf.root / TRASH).glob("*/*")] == ["From the old disk"]
    await explorer.settled()


async def test_a_young_file_lets_the_folder_wait(
    explorer: Explorer, shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    patient = Explorer(shelf, site, runner_of(site, guard(settings, settle_seconds=600.0), library))
    await project(explorer, {"A.jpg": picture(1)})
    folder = second(explorer, {"A.jpg": picture(1)})
    (folder / "B.jpg").write_bytes(picture(2))
    aged(folder)
    before = shelf.disk()
    await patient.discover()
    assert shelf.disk() == before
    assert await explorer.projects() == [("Trip", "Trip", "active")]


async def test_a_file_of_a_camera_whose_clock_is_years_ahead_is_not_waited_for(
    explorer: Explorer, shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    patient = Explorer(shelf, site, runner_of(site, guard(settings, settle_seconds=600.0), library))
    await project(explorer, {"A.jpg": picture(1)})
    folder = second(explorer, {"A.jpg": picture(1)})
    os.utime(folder / "A.jpg", (4_000_000_000, 4_000_000_000))
    aged(folder)
    await patient.discover()
    assert not folder.exists()


async def test_hundreds_of_files_come_in_portions(explorer: Explorer, site: Site) -> None:
    both = {f"{number:03}.jpg": picture(number) for number in range(450)}
    trip = await project(explorer, dict(list(both.items())[:210]))
    folder = second(explorer, both)
    await explorer.discover()
    assert not folder.exists()
    assert len(await explorer.photos("Trip")) == 450
    assert len(trashed_in(trip)) == 210
    assert sum(len(told.files) for told in await site.said(StrayFilesTrashed)) == 210
    assert sum(len(told.files) for told in await site.said(FilesRenamed)) == 240
    assert sum(len(told.photos) for told in await site.said(PhotosAdded)) == 240
    await explorer.settled()


RENAME = """
INSERT INTO file_renames (id, tenant, project_id, task_id, cause, source_folder, names, targets, basename)
SELECT gen_random_uuid(), tenant, id, gen_random_uuid(), 'folder_discovery', 'From the old disk', $1, $1, $2
FROM projects WHERE folder = 'Trip'
"""
OPEN = "SELECT count(*) FROM file_renames WHERE state = 'open'"


@pytest.mark.parametrize("name", ["note.txt", "A.jpg"])
async def test_what_came_to_lie_in_the_way_of_a_merge_that_was_cut_off_stops_no_check(
    explorer: Explorer, site: Site, name: str
) -> None:
    trip = await project(explorer, {"B.jpg": picture(2)})
    old = second(explorer, {"B.jpg": picture(2), name: picture(1)})
    await site.execute(RENAME, [name], name.partition(".")[0])
    put(trip / name, picture(3))

    await explorer.runner.do("folder_check")

    assert await site.fetch(OPEN) == [(0,)]
    found = {(folder / one).read_bytes() for folder in (trip, old) for one in files_in(folder)}
    trashed = {path.read_bytes() for path in (trip / TRASH).glob("*/*")}
    assert {picture(1), picture(2), picture(3)} <= found | trashed


async def test_a_merge_that_was_cut_off_takes_nothing_from_a_project_that_has_the_folder_by_now(
    explorer: Explorer, site: Site
) -> None:
    trip = await project(explorer, {"B.jpg": picture(2)})
    other = await explorer.shelf.project("From the old disk")
    await explorer.shelf.photo(("From the old disk", other), "A", ["A.jpg"])
    await site.execute(RENAME, ["A.jpg"], "A")

    await explorer.runner.do("folder_check")

    assert await site.fetch(OPEN) == [(0,)]
    assert files_in(trip) == ["B.jpg"]
    assert await explorer.photos("From the old disk") == {"A": ["A.jpg"]}
