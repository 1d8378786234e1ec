"""Folders of archived projects that lie in the library again: brought back by their owners, or never taken away."""

import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from bus_traffic import ORIGIN, TENANT
from discovering import Explorer, aged, files_in, folder_of, manifest_of, write_manifest
from dying import Quiet
from shelf import MADE_AT, put
from told import arrange
from working import Site

from photobus_common.events.maintenance import ProjectReturned
from photobus_common.events.projects import PhotosAdded, PhotosRemoved, PhotosRestored
from photobus_common.removal import removed_photo
from photobus_common.store.deletions import archive_projects
from photobus_common.store.removals import delete_photos, removable_photos
from photobus_common.store.unit_of_work import unit_of_work

FOLDER_GONE = """
UPDATE projects SET status = 'canceled', cancel_cause = 'folder_gone', archived_at = now(), version = 2 WHERE id = $1
"""
MISSED = "INSERT INTO missing_folders (project_id, task_id) VALUES ($1, gen_random_uuid())"
MOVED = """
INSERT INTO project_operations (tenant, project_id, task_id, kind, path, state, outcome)
VALUES ($1, $2, gen_random_uuid(), 'trash', 'Trip', $3, $4)
"""
ARCHIVE = """
INSERT INTO event_log (seq, event_id, time, type, tenant, subject, actor, task_id, project_id, payload, hash)
SELECT row_number() OVER (), id, now(), 'PhotosRemoved', tenant, subject, 'test', $1, $2,
    convert_from(payload, 'UTF8'), ''
FROM outbox
"""
TASK = """
INSERT INTO tasks (id, tenant, type, scope, label, source, actor, status, state, created_at, ended_at)
VALUES ($1, $2, 'project_delete', 'project', 'Delete', 'user', 'ada', 'completed', '{}', now(), $3)
"""
TAG = "INSERT INTO photo_tags (photo_id, tenant, tag) VALUES ($1, $2, 'sea')"
TAGS = "SELECT photo_id, tag FROM photo_tags"

pytestmark = pytest.mark.usefixtures("broker", "tenant")


async def deleted(explorer: Explorer, outcome: str | None = "moved", *, ended: bool = True) -> tuple[int, int]:
    """Make a project with a photo, and delete it as its tasks do; return both. Its folder is left to the caller."""
    project_id = await explorer.shelf.project("Trip")
    photo = await explorer.shelf.photo(("Trip", project_id), "A", ["A.jpg"])
    await explorer.site.execute(TAG, photo.id, TENANT)
    task_id = uuid4()
    async with unit_of_work(explorer.shelf.database, Quiet()) as work:
        connection = work.connection
        await arrange(connection)
        await archive_projects(connection, TENANT, [project_id], task_id, MADE_AT)
        photos = await removable_photos(connection, TENANT, [photo.id], lock=True)
        gone = await delete_photos(connection, [photo.id])
        parts = tuple(removed_photo(one, gone[one.id]) for one in photos.values())
        about = {"project_id": project_id, "project_folder": "Trip", "task_id": task_id}
        work.emit(ORIGIN.event(PhotosRemoved(**about, cause="project_delete", photos=parts)))
    await explorer.site.execute(ARCHIVE, task_id, project_id)
    await explorer.site.execute(TASK, task_id, TENANT, MADE_AT if ended else None)
    if outcome is not None:
        await explorer.site.execute(MOVED, TENANT, project_id, "done", outcome)
    return project_id, photo.id


class TestBroughtBack:
    async def test_a_deleted_project_is_active_again_with_its_photos(self, explorer: Explorer, site: Site) -> None:
        project_id, photo_id = await deleted(explorer)
        await explorer.discover()
        assert await explorer.projects() == [("Trip", "Trip", "active")]
        assert await explorer.id_of("Trip") == project_id
        [returned] = await site.said(ProjectReturned)
        assert (returned.name, returned.project_folder) == ("Trip", "Trip")
        [restored] = await site.said(PhotosRestored)
        assert [photo.photo_id for photo in restored.photos] == [photo_id]
        assert await site.said(PhotosAdded) == []
        assert await site.fetch(TAGS) == [(photo_id, "sea")]
        assert await explorer.photos("Trip") == {"A": ["A.jpg"]}
        await explorer.agreed()
        await explorer.settled()

    async def test_so_is_one_whose_folder_had_gone(self, explorer: Explorer, site: Site) -> None:
        project_id = await explorer.shelf.project("Trip")
        photo = await explorer.shelf.photo(("Trip", project_id), "A", ["A.jpg"])
        put(photo.folder / "B.jpg")
        await site.execute(FOLDER_GONE, project_id)
        await site.execute(MISSED, project_id)
        await explorer.discover()
        assert await explorer.photos("Trip") == {"A": ["A.jpg"], "B": ["B.jpg"]}
        [returned] = await site.said(ProjectReturned)
        assert returned.version == 3
        assert await site.fetch("SELECT * FROM missing_folders") == []
        await explorer.settled()

    async def test_its_name_gets_a_number_where_it_is_taken(self, explorer: Explorer) -> None:
        project_id, _ = await deleted(explorer)
        (explorer.shelf.root / "Trip").rename(explorer.shelf.root / "Trip (2)")
        await explorer.shelf.project("Trip")
        await explorer.discover()
        assert await explorer.projects() == [("Trip (2)", "Trip (2)", "active"), ("Trip", "Trip", "active")]
        assert manifest_of(explorer.shelf.root / "Trip (2)") == (project_id, "Trip (2)")
        await explorer.settled()

    async def test_another_name_of_its_folder_is_its_owners_will(self, explorer: Explorer) -> None:
        project_id, _ = await deleted(explorer)
        (explorer.shelf.root / "Trip").rename(explorer.shelf.root / "Summer")
        await explorer.discover()
        assert await explorer.projects() == [("Summer", "Summer", "active")]
        assert manifest_of(explorer.shelf.root / "Summer") == (project_id, "Summer")
        await explorer.settled()


class TestLeft:
    async def leaves(self, explorer: Explorer) -> None:
        before = explorer.shelf.disk()
        await explorer.discover()
        assert await explorer.projects() == [("Trip", "Trip", "canceled")]
        assert explorer.shelf.disk() == before

    async def test_while_its_deletion_goes_on(self, explorer: Explorer) -> None:
        await deleted(explorer, ended=False)
        await self.leaves(explorer)

    async def test_while_nobody_knows_of_its_deletion_yet(self, explorer: Explorer, site: Site) -> None:
        await deleted(explorer)
        await site.execute("DELETE FROM tasks")
        await self.leaves(explorer)
        assert await explorer.findings() == []

    async def test_while_its_folder_is_moved(self, explorer: Explorer, site: Site) -> None:
        project_id, _ = await deleted(explorer)
        await site.execute(MOVED, TENANT, project_id, "open", None)
        await self.leaves(explorer)

    @pytest.mark.parametrize("outcome", [None, "kept"])
    async def test_if_its_deletion_never_moved_it(self, explorer: Explorer, outcome: str | None) -> None:
        await deleted(explorer, outcome)
        await self.leaves(explorer)
        assert await explorer.findings() == [("refused", "deletion_unfinished", "Trip")]


async def test_a_folder_that_is_gone_is_only_told(explorer: Explorer, site: Site) -> None:
    project_id = await explorer.shelf.project("Trip")
    photo = await explorer.shelf.photo(("Trip", project_id), "A", ["A.jpg"])
    shutil.rmtree(photo.folder)
    rows = await explorer.shelf.rows()
    await explorer.discover()
    assert await explorer.findings() == [("reported", "folder_missing", None)]
    assert await explorer.projects() == [("Trip", "Trip", "active")]
    assert await explorer.shelf.rows() == rows
    await explorer.settled()


class TestBeingMade:
    """A gateway makes the folder before the row, and may die between the two."""

    def left_over(self, explorer: Explorer, hours: float) -> Path:
        folder = folder_of(explorer.shelf, "Trip")
        write_manifest(folder, 4_000_000, "Trip")
        aged(folder, hours)
        return folder

    async def test_nobody_takes_it_from_who_asks_again(self, explorer: Explorer) -> None:
        folder = self.left_over(explorer, 0.1)
        await explorer.discover()
        assert await explorer.projects() == []
        put(folder / "A.jpg")
        await explorer.discover()
        assert await explorer.photos("Trip") == {"A": ["A.jpg"]}

    async def test_later_it_is_a_folder_like_others(self, explorer: Explorer) -> None:
        folder = self.left_over(explorer, 1.0)
        await explorer.discover()
        assert await explorer.projects() == [("Trip", "Trip", "active")]
        assert files_in(folder) == []
        await explorer.agreed()
