"""Photos that had left the catalogue are known again when their files turn up; and what an undo comes to then."""

import pytest
from by_hand import Owner, Seen, bytes_of, recognised, seen_as
from removing import commit, keep, removal
from taking_back import undo
from working import Site, hired

from photobus_common.config import Settings
from photobus_common.events.projects import PhotosRestored
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST

ARCHIVE = "UPDATE projects SET status = 'canceled', archived_at = now(), cancel_cause = $2 WHERE id = $1"

pytestmark = pytest.mark.usefixtures("marks_at_once")


@pytest.mark.parametrize(("cause", "follows"), [("folder_gone", True), ("deleted", False)])
async def test_photos_of_an_archived_project_follow_if_its_folder_had_gone(
    owner: Owner, cause: str, follows: bool
) -> None:
    here, _ = await owner.project("a"), await owner.project("b")
    photo = await owner.photo(here, "A", "A.jpg")
    owner.rename("a/A.jpg", "b/Sunset.jpg")
    for path in (owner.shelf.root / "a" / MANIFEST, owner.shelf.root / "a"):
        path.unlink() if path.is_file() else path.rmdir()
    await owner.runner.site.execute(ARCHIVE, here[1], cause)
    await owner.check("folder_check")
    seen = await owner.seen()
    assert (seen[photo.id].folder, len(seen)) == ("b" if follows else "a", 1)
    assert bool(await recognised(owner)) == follows


async def test_a_photo_that_was_cleaned_away_comes_back_with_all_it_had(owner: Owner) -> None:
    here, _ = await owner.project("a"), await owner.project("b")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg")
    await keep(owner.runner.site, photo, "raw")
    times = await owner.taken_at()
    away = owner.shelf.root / ".elsewhere"
    away.mkdir()
    for ending in (".dng", ".jpg"):
        owner.rename(f"a/A{ending}", f".elsewhere/A{ending}")
    await owner.check_and_clean()
    assert await owner.seen() == {}
    assert {(name, removed) for _, name, _, removed in await owner.lost()} == {("A.dng", True), ("A.jpg", True)}

    owner.rename(".elsewhere/A.jpg", "b/B.jpg")
    await owner.check()
    [seen] = (await owner.seen()).values()
    assert seen == Seen(photo.id, "b", "B", ("B.jpg",), "jpg", "raw", ("of A",), "pending")
    assert await owner.taken_at() == times
    [back] = [data for data in await owner.said() if isinstance(data, PhotosRestored)]
    assert (back.cause, back.photos[0].photo_id, back.photos[0].filename) == ("folder_check", photo.id, "B")
    assert [(name, removed) for _, name, _, removed in await owner.lost()] == [("B.dng", False)]
    await owner.nothing_more()


async def test_a_photo_that_was_cleaned_away_comes_back_under_its_own_name_first(owner: Owner) -> None:
    here, _ = await owner.project("a"), await owner.project("b")
    photo = await owner.photo(here, "A", "A.jpg")
    (photo.folder / "A.jpg").unlink()
    await owner.check_and_clean()
    owner.put("a/A.jpg")
    owner.put("b/COPY.jpg", bytes_of("A.jpg"))
    await owner.check()
    seen = await owner.seen()
    assert (seen[photo.id].folder, seen[photo.id].filename) == ("a", "A")
    [copy] = [one for one in seen.values() if one.id != photo.id]
    assert (copy.filename, copy.tags) == ("COPY", ())
    await owner.nothing_more()


async def test_what_the_log_does_not_tell_yet_waits(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.jpg")
    (photo.folder / "A.jpg").unlink()
    await owner.check_and_clean(archived=False)
    owner.put("a/B.jpg", bytes_of("A.jpg"))
    await owner.runner.do("folder_check")
    assert await owner.seen() == {}
    assert await owner.marked() == []
    await owner.archive()
    await owner.check("folder_check")
    assert seen_as(await owner.seen()) == {photo.id: ("a", "B", ("B.jpg",))}


async def test_an_earlier_task_is_undone_as_far_as_the_photo_is_where_it_was(
    owner: Owner, site: Site, settings: Settings, library: Library
) -> None:
    here, there = await owner.project("a"), await owner.project("b")
    photo, other = await owner.photo(here, "A", "A.dng", "A.jpg"), await owner.photo(here, "B", "B.dng", "B.jpg")
    for one in (photo, other):
        await keep(site, one, "jpg")
    handlers = removal(settings, library)
    async with hired(settings, handlers):
        committed = await commit(site, [photo, other])
        await site.until_idle()
    owner.rename("a/A.jpg", "b/Sunset.jpg")
    await owner.check("folder_check")
    undone = await undo(site, settings, handlers, committed)

    assert seen_as(await owner.seen()) == {
        photo.id: ("b", "Sunset", ("Sunset.jpg",)),
        other.id: ("a", "B", ("B.dng", "B.jpg")),
    }
    assert {photo_id: status for photo_id, status, _ in await site.outcomes(undone)} == {
        photo.id: "failed",
        other.id: "done",
    }
    assert there[1] != here[1]
    history = await site.fetch("SELECT type FROM event_log WHERE photo_ids @> ARRAY[$1::bigint] ORDER BY seq", photo.id)
    assert [word for (word,) in history if word.startswith("Photo")] == ["PhotoFilesChanged", "PhotosRecognized"]
