"""Folders of the library that no project has: what each becomes, and that a second run changes nothing."""

import os
import shutil
from collections.abc import Awaitable, Callable
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
    trashed_in,
    write_manifest,
)
from shelf import MADE_AT, Shelf, forbid, put
from working import Site

from photobus_common.config import Settings
from photobus_common.events.maintenance import (
    FilesRenamed,
    FolderRenamed,
    ProjectDiscovered,
    ProjectReturned,
    StrayFilesTrashed,
)
from photobus_common.events.projects import PhotosAdded, ProjectRenamed
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST

pytestmark = pytest.mark.usefixtures("broker", "tenant")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return guard(settings)


@pytest.fixture
def explorer(shelf: Shelf, site: Site, settings: Settings, library: Library) -> Explorer:
    return Explorer(shelf, site, runner_of(site, settings, library))


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
    assert (asked.task_type, asked.targets.filter) == (
        "generate_derivatives",
        {"project_folder": "Trip", "status": "pending"},
    )
    assert ("changed", "project_discovered", "Trip") in await explorer.findings()
    await explorer.settled()
