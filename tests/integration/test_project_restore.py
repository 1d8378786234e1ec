"""A deleted project comes back whole as long as its folder is in the library's trash; else nothing changes."""

import shutil

import pytest
from deleting import OPEN, TOTALS, arrange, at_work, trashed, tree
from shelf import Shelf
from working import LEASES

from photobus_common.config import Filemover, Settings
from photobus_common.storage.library import Library


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0)})


async def test_folder_rows_tags_and_flags_come_back_as_they_were(
    shelf: Shelf, settings: Settings, library: Library
) -> None:
    sea, _ = await arrange(shelf, "Sea")
    files = tree(shelf.root / "Sea")
    async with at_work(settings, library) as deletions:
        before = await deletions.rows(sea)
        for _ in range(2):
            task = await deletions.deleted(sea)
            restoring = await deletions.restore(sea, task)
            assert await deletions.end_of(restoring) == ("completed", None)

            assert tree(shelf.root / "Sea") == files
            assert await deletions.rows(sea) == before
            assert await deletions.project(sea) == ("Sea", "Sea", "active", True, None)
            assert await deletions.process.fetch(TOTALS, sea) == [(len(before),)]
            assert trashed(shelf) == []
            assert await deletions.process.fetch(OPEN) == [(0,)]
