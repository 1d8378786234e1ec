"""What is known of files that were found gone, and what only those photos lose of which a check really knows."""

from datetime import timedelta

import pytest
from by_hand import Owner, believing, bytes_of, seen_as
from deleting import deletion
from removing import commit, keep, removal
from told import arrange
from working import Site, hired

from photobus_common.config import Settings
from photobus_common.events.projects import PhotosRemoved
from photobus_common.photos.exif import Exif
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.photos import Arrival, StoredFile, photos_of_basenames, record_files

LONG_AGO = "UPDATE lost_files SET lost_at = lost_at - $1::interval"
STALE = "UPDATE photos SET jpg_available = false WHERE id = $1"
EMPTY = "DELETE FROM photo_files WHERE photo_id = $1"
DELETED = """
UPDATE projects SET status = 'canceled', archived_at = now(), cancel_cause = 'deleted' WHERE id = $1
"""
REFUSED = """
INSERT INTO maintenance_findings (tenant, task_id, job_id, job_type, kind, code, project_id, event_id)
VALUES ('user_0', $1, gen_random_uuid(), 'manifest_check', 'refused', 'storage_unavailable', $2, gen_random_uuid())
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return believing(settings)


async def test_a_file_is_lost_until_it_is_back(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg", "A.xmp")
    await keep(owner.runner.site, photo, "raw")
    for ending in ("jpg", "xmp"):
        (photo.folder / f"A.{ending}").unlink()
    await owner.check()
    assert await owner.lost() == [(photo.id, "A.jpg", here[1], False), (photo.id, "A.xmp", here[1], False)]

    owner.put("a/A.jpg")
    await owner.check()
    assert [name for _, name, *_ in await owner.lost()] == ["A.xmp"]
    seen = (await owner.seen())[photo.id]
    assert (seen.available, seen.keep) == ("jpg raw", "raw")  # what its owner said of it stands

    owner.put("a/A.tiff", bytes_of("A.jpg"))  # no TIFF: odd, and left
    owner.put("a/A.xmp", bytes_of("A.xmp") + b"edited")
    await owner.check()
    assert await owner.lost() == []


async def test_a_file_that_is_uploaded_again_is_back(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg")
    (photo.folder / "A.jpg").unlink()
    await owner.check()
    file = StoredFile("A.jpg", "jpg", 3, "0" * 32, (await owner.taken_at())[photo.id])
    async with owner.database.transaction() as connection:
        await arrange(connection)
        known = await photos_of_basenames(connection, here[1], ["A"])
        await record_files(connection, "user_0", here[1], known, [Arrival("A", file, Exif())])
    assert await owner.lost() == []


@pytest.mark.parametrize("kept", ["", "raw"])
async def test_what_a_commit_removed_makes_no_later_file_known(
    owner: Owner, site: Site, settings: Settings, library: Library, kept: str
) -> None:
    here, _ = await owner.project("a"), await owner.project("b")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg", "A.png")
    (photo.folder / "A.jpg").unlink()
    await owner.check()
    assert [name for _, name, *_ in await owner.lost()] == ["A.jpg"]
    await keep(site, photo, kept)
    async with hired(settings, removal(settings, library)):
        await commit(site, [photo])
        await site.until_idle()
    assert await owner.lost() == []  # what is not there counts as removed with the rest of its kind
    if kept:
        (photo.folder / "A.dng").unlink()

    owner.put("b/AGAIN.jpg", bytes_of("A.jpg"))
    await owner.check()
    [again] = [one for one in (await owner.seen()).values() if one.id != photo.id]
    assert (again.filename, again.tags) == ("AGAIN", ())


async def test_photos_of_a_deleted_project_are_known_by_all_they_had(
    owner: Owner, site: Site, settings: Settings, library: Library
) -> None:
    here, _ = await owner.project("a"), await owner.project("b")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg")
    (photo.folder / "A.dng").unlink()
    await owner.check()
    await site.execute("UPDATE projects SET status = 'canceled', archived_at = now(), cancel_cause = 'deleted'")
    await site.execute(
        "UPDATE projects SET status = 'active', archived_at = NULL, cancel_cause = NULL WHERE name = 'b'"
    )
    command = await site.post([], "project_cleanup_db", over="projects", task_type="project_delete")
    await site.execute("INSERT INTO task_projects (task_id, project_id) VALUES ($1, $2)", command.task_id, here[1])
    async with hired(settings, deletion(settings, library)):
        await site.until_idle()
    await owner.archive()
    assert await owner.seen() == {}
    assert await owner.lost() == [(photo.id, "A.dng", here[1], True), (photo.id, "A.jpg", here[1], True)]

    owner.rename("a/A.jpg", "b/B.jpg")
    await owner.check("folder_check")
    assert seen_as(await owner.seen()) == {photo.id: ("b", "B", ("B.jpg",))}


async def test_only_what_this_task_found_gone_is_cleaned(owner: Owner) -> None:
    here = await owner.project("a")
    gone = await owner.photo(here, "GONE", "GONE.jpg")
    before = await owner.photo(here, "BEFORE", "BEFORE.jpg")
    half = await owner.photo(here, "HALF", "HALF.dng", "HALF.jpg")
    stale = await owner.photo(here, "STALE", "STALE.jpg")
    (before.folder / "BEFORE.jpg").unlink()
    await owner.check("manifest_check")
    for name in ("GONE.jpg", "HALF.jpg"):
        (gone.folder / name).unlink()
    await owner.runner.site.execute(STALE, stale.id)
    await owner.runner.do("manifest_cleaning")  # a task that has checked nothing
    assert len(await owner.seen()) == 4
    await owner.check_and_clean()
    assert sorted(await owner.seen()) == [half.id, stale.id]
    [told] = [data for data in await owner.said() if isinstance(data, PhotosRemoved)]
    assert {photo.photo_id for photo in told.photos} == {gone.id, before.id}
    assert [photo.tags for photo in told.photos] == [("of GONE",), ("of BEFORE",)]


async def test_what_a_check_refused_to_look_at_is_not_cleaned(owner: Owner) -> None:
    here, there = await owner.project("a"), await owner.project("b")
    photos = [await owner.photo(project, name, f"{name}.jpg") for project, name in ((here, "A"), (there, "B"))]
    for photo, name in zip(photos, "AB", strict=True):
        (photo.folder / f"{name}.jpg").unlink()
    await owner.check("manifest_check")
    command = await owner.runner.do("manifest_check")
    await owner.runner.site.end(command, "completed")
    await owner.runner.site.execute(REFUSED, command.task_id, here[1])
    cleaning = await owner.runner.job("manifest_cleaning")
    await owner.runner.run(cleaning.model_copy(update={"task_id": command.task_id}))
    assert sorted(await owner.seen()) == [photos[0].id]


async def test_what_changed_after_the_check_began_is_not_cleaned(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.jpg")
    command = await owner.runner.do("manifest_check")
    await owner.runner.site.end(command, "completed")
    await owner.runner.site.execute(EMPTY, photo.id)
    await owner.runner.site.execute("UPDATE photos SET jpg_available = false, size = 0, updated_at = now()")
    (photo.folder / "A.jpg").unlink()
    cleaning = await owner.runner.job("manifest_cleaning")
    await owner.runner.run(cleaning.model_copy(update={"task_id": command.task_id}))
    assert sorted(await owner.seen()) == [photo.id]


async def test_what_was_gone_for_long_is_cleaned_by_any_task(owner: Owner, settings: Settings) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.dng", "A.jpg")
    (photo.folder / "A.dng").unlink()
    await owner.check("manifest_check")
    missing = timedelta(days=settings.maintenance.missing_days)
    await owner.runner.site.execute(LONG_AGO, missing + timedelta(hours=1))
    (photo.folder / "A.jpg").unlink()
    await owner.check("manifest_check")
    await owner.runner.do("manifest_cleaning")  # the last of its files has gone just now
    assert sorted(await owner.seen()) == [photo.id]

    await owner.runner.site.execute(LONG_AGO, missing + timedelta(hours=1))
    owner.put("a/A.jpg")
    await owner.runner.do("manifest_cleaning")  # it is back, and no check has seen it yet
    assert sorted(await owner.seen()) == [photo.id]
    (photo.folder / "A.jpg").unlink()
    await owner.runner.do("manifest_cleaning")
    assert await owner.seen() == {}


async def test_projects_with_nothing_to_clean_are_not_looked_at(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = await owner.project("a"), await owner.project("b")
    photos = [await owner.photo(project, name, f"{name}.jpg") for project, name in ((here, "A"), (there, "B"))]
    (photos[1].folder / "B.jpg").unlink()
    listed: list[str] = []
    really_list = ProjectFolder.list

    def noted(folder: ProjectFolder, *, hidden: bool = False) -> object:
        listed.append(folder.name)
        return really_list(folder, hidden=hidden)

    command = await owner.runner.do("manifest_check")
    await owner.runner.site.end(command, "completed")
    monkeypatch.setattr(ProjectFolder, "list", noted)
    cleaning = await owner.runner.job("manifest_cleaning")
    await owner.runner.run(cleaning.model_copy(update={"task_id": command.task_id}))
    assert sorted(await owner.seen()) == [photos[0].id]
    assert set(listed) == {"b"}


async def test_killed_between_any_two_effects_a_cleaning_is_told_once(owner: Owner) -> None:
    names: list[str] = []
    for effects in range(20):
        here = await owner.project(f"p{effects}")
        for letter in "xy":
            names.append(f"{letter}{effects}")
            photo = await owner.photo(here, names[-1], f"{names[-1]}.jpg")
            (photo.folder / f"{names[-1]}.jpg").unlink()
        command = await owner.runner.do("manifest_check")
        await owner.runner.site.end(command, "completed")
        job = await owner.runner.job("manifest_cleaning")
        cleaning = job.model_copy(update={"task_id": command.task_id})
        if not await owner.runner.dies(cleaning, effects):
            break
        await owner.runner.run(cleaning)
    else:
        pytest.fail("it dies at every point")
    assert await owner.seen() == {}
    told = [photo.filename for data in await owner.said() if isinstance(data, PhotosRemoved) for photo in data.photos]
    assert sorted(told) == sorted(names)
    assert all(removed for *_, removed in await owner.lost())


async def test_nothing_is_cleaned_while_the_disk_of_a_project_is_away(owner: Owner) -> None:
    here = await owner.project("a")
    photo = await owner.photo(here, "A", "A.jpg")
    path = owner.shelf.root / "a" / "A.jpg"
    path.unlink()
    await owner.check("manifest_check")
    await owner.runner.site.execute(LONG_AGO, timedelta(days=31))
    owner.put("a/A.jpg")  # it is back, and before a check sees that its disk goes away
    owner.rename("a", "../disk")
    (owner.shelf.root / "a").mkdir()
    await owner.runner.do("manifest_cleaning")
    assert photo.id in await owner.seen()
