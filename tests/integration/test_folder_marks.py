"""Folders that a scheduled check passes over, and what makes it go through them again although they look the same."""

from datetime import UTC, datetime, timedelta

import pytest
from by_hand import Owner, believing, owner_of
from shelf import Shelf
from working import Site

from photobus_common.config import Settings, Uploader
from photobus_common.storage.library import Library
from photobus_common.store.folder_marks import marks_of_projects, set_mark

pytestmark = pytest.mark.usefixtures("marks_at_once")


async def test_what_is_accepted_now_is_looked_for_at_once(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    def owner(uploader: Uploader) -> Owner:
        now = believing(settings.model_copy(update={"uploader": uploader}))
        now = now.model_copy(update={"maintenance": now.maintenance.model_copy(update={"stray_files": "report"})})
        return owner_of(shelf, site, now, library)

    before = owner(Uploader(accepted_files={"jpg": ("jpg",)}))
    await before.photo(await before.project("a"), "A", "A.jpg")
    before.put("a/B.png")
    await before.check()
    assert len(await before.marked()) == 1
    await before.check("folder_check")
    assert len(await before.seen()) == 1

    await owner(Uploader()).check("folder_check")
    assert sorted(photo.filename for photo in (await before.seen()).values()) == ["A", "B"]


async def test_a_mark_by_a_clock_that_is_ahead_holds_no_longer_than_others(shelf: Shelf) -> None:
    project = await shelf.project("a")
    async with shelf.database.transaction() as connection:
        await set_mark(connection, project, "folder_check", "mark", datetime.now(UTC) + timedelta(days=365))
        assert await marks_of_projects(connection, "folder_check", [project], timedelta(hours=24)) == {project: "mark"}
        assert await marks_of_projects(connection, "folder_check", [project], timedelta(0)) == {}
