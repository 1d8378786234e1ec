"""Photos that their owner renamed or moved outside photobus: they follow with their ids, tags, flags and history."""

import pytest
from by_hand import Owner, Seen, believing, bytes_of, digest
from dying import Runner
from removing import derivatives, keep, show
from reconciling import checks
from shelf import Shelf
from working import Site

from photobus_common.config import Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.maintenance import FindingsReported, PhotosRecognized
from photobus_common.events.projects import PhotosAdded, PhotosRestored
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.manifest_cleaning import ManifestCleaning


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return believing(settings)


@pytest.fixture
def owner(shelf: Shelf, site: Site, settings: Settings, library: Library) -> Owner:
    cleaning = ManifestCleaning(Context(library, settings, load_definitions()))
    return Owner(shelf, Runner(site, {**checks(settings, library), "manifest_cleaning": cleaning}))


async def project(owner: Owner, name: str) -> tuple[str, int]:
    return name, await owner.shelf.project(name)


@pytest.mark.parametrize("checked", [("folder_check",), ("manifest_check", "folder_check")], ids=["at once", "lost"])
async def test_a_pair_that_was_renamed_is_the_photo_it_was(owner: Owner, checked: tuple[str, ...]) -> None:
    here = await project(owner, "a")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg", "A.jpg.xmp")
    other = await owner.photo(here, "OTHER", "OTHER.jpg")
    await keep(owner.runner.site, photo, "raw")
    show(photo, "A")
    for ending in (".dng", ".jpg", ".jpg.xmp"):
        owner.rename(f"a/A{ending}", f"a/Sunset{ending}")

    await owner.check(*checked)

    seen = await owner.seen()
    files = ("Sunset.dng", "Sunset.jpg", "Sunset.jpg.xmp")
    assert seen[photo.id] == Seen(photo.id, "a", "Sunset", files, "jpg raw", "raw", ("of A",), "pending")
    assert sorted(seen) == [photo.id, other.id]
    [told] = [data for data in await owner.said() if isinstance(data, PhotosRecognized)]
    assert (told.project_id, told.source_project_id) == (here[1], here[1])
    [moved] = told.photos
    assert (moved.source_filename, moved.filename) == ("A", "Sunset")
    assert {(file.source_name, file.name) for file in moved.files} == {(f"A{n[6:]}", n) for n in files}
    [asked] = [data for data in await owner.said() if isinstance(data, TaskRequested)]
    assert asked.targets.photo_ids == (photo.id,)
    assert derivatives(owner.shelf, "a") == []
    assert await owner.lost() == []
    await owner.nothing_more()
