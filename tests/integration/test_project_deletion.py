"""A project is deleted: what works on it stops, its folder goes to the library's trash, its rows go; others stay."""

import pytest
from deleting import OPEN, TOTALS, arrange, at_work, trashed, tree
from shelf import Shelf
from working import LEASES

from photobus_common.config import Filemover, Settings
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import trashed_at


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0)})


async def test_its_folder_goes_to_the_trash_and_its_photos_leave_the_catalogue(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    sea, photos = await arrange(shelf, "Sea")
    land, _ = await arrange(shelf, "Land")
    before = tree(shelf.root / "Sea")
    async with at_work(settings, library) as deletions:
        others = await deletions.rows(land)
        task = await deletions.delete(sea)
        assert await deletions.end_of(task) == ("completed", None)

        [folder] = trashed(shelf)
        assert (folder.name, tree(folder)) == ("Sea", before)
        assert not (shelf.root / "Sea").exists()
        assert trashed_at(folder.parent.name) is not None
        assert await deletions.rows(sea) == []
        assert await deletions.rows(land) == others
        assert await deletions.project(sea) == ("Sea", "Sea", "canceled", False, task)
        assert await deletions.process.fetch(TOTALS, sea) == [(0,)]
        assert await deletions.process.fetch(OPEN) == [(0,)]
