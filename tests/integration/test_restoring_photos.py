"""Rows of photos come back from what the log kept of them, as they were."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from bus_traffic import ORIGIN, TENANT
from folding import LeftInOutbox, Log
from shelf import Photo, Shelf
from told import arrange
from working import Site

from photobus_common.events.projects import PhotoRemoved, PhotosRemoved
from photobus_common.removal import removed_photo
from photobus_common.store.removals import delete_photos, removable_photos
from photobus_common.store.restoring import Restoration, restore_photos
from photobus_common.store.unit_of_work import unit_of_work

MODIFIED: Final = datetime(2026, 4, 1, 8, tzinfo=UTC)

FILL = """
UPDATE photos SET thumbnail_status = 'failed', preview_status = 'missing', derivative_key = 'key',
    derivative_reason = 'reason', taken_at = '2021-02-03 04:05:06.789012+02', taken_offset_minutes = 120,
    taken_from = 'exif', size = 7, width = 96, height = 64, exif_orientation = 6, camera_make = 'Make',
    camera_model = 'Model', lens = 'Lens', exposure_seconds = 1.0 / 3, f_number = 2.8, iso = 100,
    focal_length_mm = 0.1, gps_latitude = 1e-7, gps_longitude = -179.123456789, gps_altitude_m = 8848.86,
    keep_jpg = false, version = 5, created_at = '2020-01-01 00:00:00.000001+00'
WHERE id = $1
"""
TAGS = "INSERT INTO photo_tags (photo_id, tenant, tag) SELECT $1, $2, unnest($3::text[])"
COLUMNS = "SELECT to_jsonb(p) - ARRAY['version', 'updated_at'], p.version FROM photos p WHERE id = $1"
FILES = "SELECT to_jsonb(f) - 'id' FROM photo_files f WHERE photo_id = $1 ORDER BY name"
TAGS_OF = "SELECT tag FROM photo_tags WHERE photo_id = $1 ORDER BY tag"
BARE = "UPDATE photo_files SET modified_at = $1"


async def _rows(site: Site, photo_id: int) -> list[list[tuple[Any, ...]]]:
    return [await site.fetch(query, photo_id) for query in (COLUMNS, FILES, TAGS_OF)]


async def _remove(site: Site, photo: Photo) -> PhotoRemoved:
    async with site.database.transaction() as connection:
        await arrange(connection)
        found = await removable_photos(connection, TENANT, [photo.id], lock=True)
        deleted = await delete_photos(connection, [photo.id])
    return removed_photo(found[photo.id], deleted[photo.id])


async def _restore(site: Site, project_id: int, *removed: PhotoRemoved) -> Restoration:
    times = {file.name: MODIFIED for photo in removed for file in photo.files}
    async with site.database.transaction() as connection:
        await arrange(connection)
        return await restore_photos(connection, TENANT, project_id, removed, times)


async def test_every_column_file_and_tag_comes_back(shelf: Shelf, site: Site) -> None:
    project = ("Sea", await shelf.project("Sea"))
    photo = await shelf.photo(project, "A", ["A.dng", "A.jpg", "A.xmp"])
    await site.execute(FILL, photo.id)
    await site.execute(BARE, MODIFIED)
    await site.execute(TAGS, photo.id, TENANT, ["a", "b"])
    [[(row, version)], files, tags] = await _rows(site, photo.id)
    assert {name for name, value in row.items() if value is None} == set()

    removed = await _remove(site, photo)
    assert await _rows(site, photo.id) == [[], [], []]
    restored = await _restore(site, project[1], removed.model_validate_json(removed.model_dump_json()))

    assert await _rows(site, photo.id) == [[(row, version + 2)], files, tags]
    [told] = restored.photos
    assert (told.version, told.thumbnail_status, told.preview_status) == (version + 2, "failed", "missing")
    assert (told.tags, told.keep, told.files) == (removed.tags, removed.keep, removed.files)


async def test_what_is_there_already_is_passed_over_and_told(shelf: Shelf, site: Site) -> None:
    project = ("Sea", await shelf.project("Sea"))
    gone, back, taken = [await shelf.photo(project, name, [f"{name}.jpg"]) for name in ("A", "B", "C")]
    removed = [await _remove(site, photo) for photo in (gone, back, taken)]
    await _restore(site, project[1], removed[1])
    other = await shelf.photo(project, "C", ["C.jpg"])
    before = [await _rows(site, photo.id) for photo in (back, other)]

    restored = await _restore(site, project[1], *removed)

    assert [photo.photo_id for photo in restored.photos] == [gone.id]
    assert (restored.there, restored.taken) == (frozenset({back.id}), frozenset({taken.id}))
    assert [await _rows(site, photo.id) for photo in (back, other)] == before


async def test_a_row_that_an_earlier_version_kept_less_of_comes_back_all_the_same(shelf: Shelf, site: Site) -> None:
    project = ("Sea", await shelf.project("Sea"))
    photo = await shelf.photo(project, "A", ["A.jpg"])
    removed = (await _remove(site, photo)).model_copy(update={"row": {"jpg_available": True}})

    restored = await _restore(site, project[1], removed)

    assert [photo.thumbnail_status for photo in restored.photos] == ["pending"]
    [row] = await shelf.rows()
    assert (row["jpg_available"], row["raw_available"], row["filename"]) == (True, False, "A")


@pytest.mark.parametrize("archived", [True, False])
async def test_what_was_removed_again_since_counts_on_from_there(shelf: Shelf, site: Site, archived: bool) -> None:
    project = ("Sea", await shelf.project("Sea"))
    photo = await shelf.photo(project, "A", ["A.jpg"])
    first = await _remove(site, photo)
    await _restore(site, project[1], first)
    second = await _remove(site, photo)
    about = {"project_id": project[1], "project_folder": "Sea"}
    async with unit_of_work(site.database, LeftInOutbox()) as work:
        for removed in (first, second):
            work.emit(ORIGIN.event(PhotosRemoved(**about, cause="undo", photos=(removed,))))
    if archived:
        await Log(site.database).come_back()
        await site.execute("DELETE FROM outbox")

    [told] = (await _restore(site, project[1], first)).photos

    assert (first.version, second.version, told.version) == (2, 4, 5)
