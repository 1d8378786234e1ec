"""What lies in a project's trash can be taken back until it expires, and not while it goes."""

import pytest
from dying import Runner
from library_bin import named
from project_trash import DONE, lying
from removing import commit, keep, removal
from shelf import Photo, Shelf
from taking_back import ask_undo
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.storage import folder as folders
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import TRASH
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.trash_maintenance import TrashMaintenance


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"maintenance": Maintenance(lock_wait_seconds=0.0)})


@pytest.fixture
def runner(site: Site, settings: Settings, library: Library) -> Runner:
    context = Context(library, settings, load_definitions())
    return Runner(site, {"trash_maintenance": TrashMaintenance(context)})


async def _committed(shelf: Shelf, site: Site, settings: Settings, library: Library) -> tuple[Photo, RunJob]:
    photo = await shelf.photo(("a", await shelf.project("a")), "IMG", ["IMG.jpg"])
    await keep(site, photo)
    async with hired(settings, removal(settings, library)):
        command = await commit(site, [photo])
        await site.until_idle()
    return photo, command


async def test_an_undo_after_the_trash_expired_says_so(
    shelf: Shelf, site: Site, settings: Settings, library: Library, runner: Runner
) -> None:
    photo, command = await _committed(shelf, site, settings, library)
    assert await site.fetch(DONE) == [(1,)]
    [trashed] = lying(photo.folder)
    older = named(25, command.task_id)
    (photo.folder / TRASH / trashed).rename(photo.folder / TRASH / older)
    await site.execute("UPDATE file_operations SET target_path = replace(target_path, $1, $2)", trashed, older)
    await runner.do("trash_maintenance")
    assert lying(photo.folder) == []
    assert await site.fetch(DONE) == [(0,)]

    asked = await ask_undo(site, command)
    async with hired(settings, removal(settings, library)):
        await site.until_idle()
    assert await site.outcomes(asked) == [(photo.id, "failed", "IMG.jpg: It is no longer in the trash.")]
    assert await shelf.rows() == []


async def test_an_undo_under_way_is_not_robbed(
    shelf: Shelf, site: Site, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its first look at the trash to its end it holds the folder; what it left on record keeps its files."""
    photo, command = await _committed(shelf, site, settings, library)
    hasty = settings.model_copy(update={"maintenance": Maintenance(trash_hours=1e-9, lock_wait_seconds=0.0)})
    runner = Runner(site, {"trash_maintenance": TrashMaintenance(Context(library, hasty, load_definitions()))})
    asked = await ask_undo(site, command)
    really_rename, raced = folders.Folder.rename, list[object]()

    def rename(self: folders.Folder, name: str, target: folders.Folder, new: str) -> None:
        if not raced:
            with shelf.library.open_project("a") as second:
                raced.append(second.try_lock())
        really_rename(self, name, target, new)

    monkeypatch.setattr(folders.Folder, "rename", rename)
    async with hired(settings, removal(settings, library)):
        await site.until_idle()
    assert raced == [False]
    assert await site.outcomes(asked) == [(photo.id, "done", None)]
    await runner.do("trash_maintenance")
    assert (photo.folder / "IMG.jpg").exists()
