"""What the storage refuses costs the one photo it is about: its operation ends, and nothing waits for it."""

import errno
import os
from pathlib import Path

import pytest
from crashing_mover import run_until_killed
from moving import contents, move
from refusing import need_copies, refuse_changes, refuse_unlink
from removing import OPEN, commit, derivatives, keep, lying, mover, removal, rows_agree, show, trashed
from shelf import Photo, Shelf, forbid, put
from taking_back import ask_undo
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Filemover, Settings
from photobus_common.events.projects import FilesTrashed
from photobus_common.events.tasks import JobAttemptFailed
from photobus_common.storage import transfer
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import PREVIEWS, THUMBNAILS
from photobus_common.worker.job import Handler
from photobus_filemover.finishing import Finisher

EFFECTS_OF_A_FILE_THAT_WENT = 3
"""Claim, operation on record, file in the trash."""

EFFECTS_OF_A_FILE_THAT_CAME = 3
"""Claim, operation on record, file in its place."""

STAYS = "A.jpg: The storage does not let the file go there."


class Nobody:
    """A publisher that leaves everything in the outbox."""

    def offer(self, messages: object) -> None:
        """Publish nothing."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"filemover": Filemover(lock_wait_seconds=0.0)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return removal(settings, library)


async def _photo(shelf: Shelf, name: str = "Sea") -> Photo:
    photo = await shelf.photo((name, await shelf.project(name)), "A", ["A.jpg"])
    show(photo, "A")
    return photo


async def _settled(site: Site, settings: Settings, handlers: dict[str, Handler], command: RunJob) -> list[str]:
    """Wait until the job has an end; return what is said of its items, unless the attempt failed."""
    async with hired(settings, handlers):
        await site.until_idle()
    assert await site.said(JobAttemptFailed) == []
    assert await site.fetch(OPEN) == [(0,)]
    return [reason or status for _, status, reason in await site.outcomes(command)]


def _in_place_of(folder: Path, how: str) -> None:
    for path in folder.glob("*"):
        path.unlink()
    folder.rmdir()
    if how == "a link":
        (outside := folder.parent.parent.parent / "outside").mkdir()
        folder.symlink_to(outside)
    else:
        put(folder, b"a file")


@pytest.mark.parametrize("what", ["move", "commit"])
@pytest.mark.parametrize("how", ["a link", "a file"])
@pytest.mark.parametrize("kind", [THUMBNAILS, PREVIEWS])
async def test_what_lies_in_the_place_of_derivatives_holds_up_no_photo(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], kind: str, how: str, what: str
) -> None:
    photo, lake = await _photo(shelf), await shelf.project("Lake")
    _in_place_of(photo.folder / kind, how)
    await keep(site, photo)

    command = await (move(site, [photo], lake) if what == "move" else commit(site, [photo]))

    assert await _settled(site, settings, handlers, command) == ["done"]
    assert (lying(shelf, "Sea"), lying(shelf, "Lake")) == ([], ["A.jpg"] if what == "move" else [])
    assert (photo.folder / kind).exists()


@pytest.mark.parametrize("error", [errno.EACCES, errno.EROFS])
async def test_derivatives_that_cannot_go_are_left_and_made_anew(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    error: int,
) -> None:
    photo, lake = await _photo(shelf), await shelf.project("Lake")
    refuse_changes(monkeypatch, photo.folder / THUMBNAILS, error)

    assert await _settled(site, settings, handlers, await move(site, [photo], lake)) == ["done"]

    assert (lying(shelf, "Lake"), derivatives(shelf, "Lake")) == (["A.jpg"], [".preview/A.jpg"])
    [row] = await shelf.rows()
    assert (row["thumbnail_status"], row["preview_status"]) == ("pending", "generated")


@pytest.mark.parametrize("error", [errno.EACCES, errno.EROFS])
async def test_of_a_file_that_can_be_copied_but_not_removed_no_copy_stays(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    error: int,
) -> None:
    photo, lake = await _photo(shelf), await shelf.project("Lake")
    need_copies(monkeypatch, "A.jpg")
    refuse_unlink(monkeypatch, photo.folder / "A.jpg", error)
    before = contents(shelf)

    assert await _settled(site, settings, handlers, await move(site, [photo], lake)) == [STAYS]

    assert (lying(shelf, "Sea"), lying(shelf, "Lake"), contents(shelf)) == (["A.jpg"], [], before)
    assert await rows_agree(shelf, site)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_a_file_that_cannot_be_copied_stays_and_others_go(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    error: int,
) -> None:
    photo, lake = await _photo(shelf), await shelf.project("Lake")
    other = await shelf.photo(("Sea", photo.project_id), "B", ["B.jpg", "B.dng"])
    need_copies(monkeypatch, "A.jpg")

    def fails(_original: int, _copy: int) -> str:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(transfer, "_pour", fails)

    assert await _settled(site, settings, handlers, await move(site, [photo, other], lake)) == [STAYS, "done"]

    assert (lying(shelf, "Sea"), lying(shelf, "Lake")) == (["A.jpg"], ["B.dng", "B.jpg"])
    assert await rows_agree(shelf, site)


@pytest.mark.parametrize("what", ["move", "commit"])
async def test_a_folder_that_may_not_be_opened_costs_its_own_photos_only(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    photos, lake = [await _photo(shelf, name) for name in ("Alps", "Bay")], await shelf.project("Lake")
    for photo in photos:
        await keep(site, photo)
    forbid(monkeypatch, "Alps")

    command = await (move(site, photos, lake) if what == "move" else commit(site, photos))

    assert await _settled(site, settings, handlers, command) == ["The folder Alps may not be opened.", "done"]
    assert (lying(shelf, "Alps"), lying(shelf, "Bay")) == (["A.jpg"], [])


@pytest.mark.parametrize("effects", [5, 6])
async def test_what_waits_for_a_folder_that_may_not_be_opened_blocks_no_job_of_the_other(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    library: Library,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    effects: int,
) -> None:
    photo, lake = await _photo(shelf), ("Lake", await shelf.project("Lake"))
    other = await shelf.photo(lake, "B", ["B.jpg"])
    await keep(site, other)
    canceled = await move(site, [photo], lake[1])
    assert await run_until_killed(settings, effects)
    await site.end(canceled)

    with monkeypatch.context() as patch:
        forbid(patch, "Sea")
        command = await commit(site, [other])
        async with hired(settings, handlers):
            await site.until_state(command, "completed")
        assert await site.outcomes(command) == [(other.id, "done", None)]
        assert await site.fetch(OPEN) != [(0,)]
    await Finisher(mover(settings, library)).finish(site.database, Nobody())

    assert await site.fetch(OPEN) == [(0,)]
    assert (lying(shelf, "Sea"), lying(shelf, "Lake")) == ([], ["A.jpg"])
    assert await rows_agree(shelf, site)


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO])
async def test_a_file_that_cannot_be_read_moves_all_the_same(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    error: int,
) -> None:
    photo, lake = await _photo(shelf), await shelf.project("Lake")
    put(photo.folder / "A.jpg", b"not what its row says")
    with monkeypatch.context() as patch:
        forbid(patch, "A.jpg", error)
        assert await _settled(site, settings, handlers, await move(site, [photo], lake)) == ["done"]
    assert (lying(shelf, "Sea"), lying(shelf, "Lake")) == ([], ["A.jpg"])


async def test_a_file_that_is_kept_again_and_cannot_be_put_back_stays_in_the_trash_and_is_told(
    shelf: Shelf, site: Site, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await _photo(shelf)
    await keep(site, photo)
    canceled = await commit(site, [photo])
    assert await run_until_killed(settings, EFFECTS_OF_A_FILE_THAT_WENT)
    await site.end(canceled)
    assert trashed(shelf, "Sea") == ["A.jpg"]
    await keep(site, photo, "jpg")
    refuse_changes(monkeypatch, photo.folder)

    await Finisher(mover(settings, library)).finish(site.database, Nobody())

    assert (lying(shelf, "Sea"), trashed(shelf, "Sea")) == ([], ["A.jpg"])
    assert await site.fetch(OPEN) == [(0,)]
    assert await rows_agree(shelf, site)
    assert len(await site.said(FilesTrashed)) == 1


async def test_a_file_that_is_back_and_can_neither_stay_nor_go_holds_up_nothing(
    shelf: Shelf, site: Site, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await _photo(shelf)
    await keep(site, photo)
    committed = await commit(site, [photo])
    async with hired(settings, removal(settings, library)):
        await site.until_state(committed, "completed")
    undoing = await ask_undo(site, committed)
    assert await run_until_killed(settings, EFFECTS_OF_A_FILE_THAT_CAME)
    await site.end(undoing)
    assert lying(shelf, "Sea") == ["A.jpg"]
    await site.execute("UPDATE projects SET status = 'canceled', archived_at = now()")
    refuse_changes(monkeypatch, photo.folder)

    await Finisher(mover(settings, library)).finish(site.database, Nobody())

    assert lying(shelf, "Sea") == ["A.jpg"]
    assert await site.fetch(OPEN) == [(0,)]


async def test_a_file_whose_name_the_file_system_takes_for_the_same_is_not_taken_for_a_copy(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, lake = await _photo(shelf), ("Lake", await shelf.project("Lake"))
    await shelf.photo(lake, "a", ["a.jpg"], on_disk=["A.jpg"])
    before, really_listed = contents(shelf), Folder.names
    monkeypatch.setattr(Folder, "names", lambda folder: frozenset(map(str.lower, really_listed(folder))))

    command = await move(site, [photo], lake[1])

    assert await _settled(site, settings, handlers, command) == ["A.jpg: Its name was taken by another file."]
    assert (lying(shelf, "Sea"), lying(shelf, "Lake"), contents(shelf)) == (["A.jpg"], ["A.jpg"], before)


@pytest.mark.parametrize("error", [errno.EXDEV, errno.ENOSPC, errno.EROFS])
async def test_a_trash_that_takes_nothing_costs_items_and_blocks_no_other_job(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    handlers: dict[str, Handler],
    monkeypatch: pytest.MonkeyPatch,
    error: int,
) -> None:
    photo, lake = await _photo(shelf), await shelf.project("Lake")
    await keep(site, photo)
    (photo.folder / ".trash").mkdir()
    with monkeypatch.context() as patch:
        refuse_changes(patch, photo.folder / ".trash", error)
        said = await _settled(site, settings, handlers, await commit(site, [photo]))
    assert said == ["A.jpg: The storage does not let the file go."]
    assert await rows_agree(shelf, site)

    assert await _settled(site, settings, handlers, await move(site, [photo], lake)) == ["done"]
