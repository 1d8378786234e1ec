"""Folders of two projects that their owner gave each other's names: no photo may become another by that."""

import pytest
from by_hand import SIZE, Owner, believing, bytes_of, owner_of
from shelf import Shelf
from upkeep import report
from working import Site

from photobus_common.config import Library as LibrarySettings
from photobus_common.config import Settings
from photobus_common.storage.library import Library

RENAME = "UPDATE projects SET name = $2 WHERE name = $1"
CHECKS = ("duplicate_resolution", "folder_alignment", "manifest_check", "folder_check", "cache_validation")


@pytest.fixture
def owner(shelf: Shelf, site: Site, settings: Settings, library: Library) -> Owner:
    by_project = settings.model_copy(update={"library": LibrarySettings(unique_names="project")})
    return owner_of(shelf, site, believing(by_project), library)


async def two_projects(owner: Owner) -> dict[str, int]:
    """Make two projects whose cameras counted from one again."""
    ids = {}
    for name in ("a", "b"):
        here = await owner.project(name)
        photo = await owner.photo(here, "IMG_0001", "IMG_0001.jpg", tags=[name])
        content = bytes_of(f"in {name}.jpg")
        await owner.shelf.replace(photo, "IMG_0001.jpg", content)
        await owner.runner.site.execute(SIZE, photo.id)
        ids[name] = photo.id
    return ids


async def test_folders_that_changed_names_change_no_photos(owner: Owner) -> None:
    await two_projects(owner)
    for source, target in (("a", "between"), ("b", "a"), ("between", "b")):
        owner.rename(source, target)
    before, manifests = await owner.seen(), owner.shelf.disk()
    commands = [await owner.runner.do(job_type) for job_type in CHECKS]
    assert await owner.seen() == before
    assert owner.shelf.disk() == manifests
    refused = {line.code for command in commands for line in await report(owner.runner.site, command)}
    assert refused == {"folder_of_another_project"}


async def test_a_folder_in_the_place_of_another_changes_no_photos(owner: Owner) -> None:
    await two_projects(owner)
    owner.rename("a", "elsewhere")
    owner.rename("b", "a")
    owner.put("a/new.jpg")
    before, files = await owner.seen(), owner.shelf.disk()
    for job_type in ("duplicate_resolution", "manifest_check", "folder_check"):
        await owner.runner.do(job_type)
    assert await owner.seen() == before
    assert owner.shelf.disk() == files


async def test_the_place_of_an_absent_disk_keeps_its_name(owner: Owner) -> None:
    photos = await two_projects(owner)
    for name in ("a", "b"):
        await owner.runner.site.execute(RENAME, name, f"{name} renamed")
    owner.rename("a", "../the disk of a")
    (owner.shelf.root / "a").mkdir()
    command = await owner.runner.do("folder_alignment")
    assert sorted(path.name for path in owner.shelf.root.iterdir() if path.is_dir()) == ["a", "b renamed"]
    assert ("a", "folder_not_its_own") in {
        (line.folder, line.code) for line in await report(owner.runner.site, command)
    }

    (owner.shelf.root / "a").rmdir()
    owner.rename("../the disk of a", "a")
    await owner.runner.do("folder_alignment")
    assert (await owner.seen())[photos["a"]].folder == "a renamed"
