"""Folders that are discovered while storage goes away, or while somebody makes a project."""

import asyncio
import errno
import os
import shutil
from contextlib import suppress

import pytest
from bus_traffic import ORIGIN, until
from discovering import (
    JOB,
    Explorer,
    folder_of,
    picture,
)
from dying import Quiet
from shelf import Shelf, forbid, put
from working import Site

from photobus_common.storage.errors import storage_errors
from photobus_common.storage.library import TenantLibrary
from photobus_common.storage.manifest import Manifest
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.worker.results import AttemptFailed
from photobus_gateway import new_projects
from photobus_maintenance.jobs import folder_discovery
from photobus_maintenance.judging import Verdict, judge

pytestmark = pytest.mark.usefixtures("broker", "tenant")


class TestStorage:
    async def test_an_absent_library_has_no_new_folders(self, explorer: Explorer) -> None:
        folder_of(explorer.shelf, "Trip", {"A.jpg": picture(1)})
        await explorer.shelf.project("Known")
        explorer.shelf.away()
        folder_of(explorer.shelf, "Not a project", {"B.jpg": picture(2)})
        result = await explorer.runner.run(await explorer.runner.job(JOB))
        assert isinstance(result, AttemptFailed)
        assert (result.code, result.retryable) == ("storage_unavailable", True)
        assert await explorer.projects() == [("Known", "Known", "active")]
        assert await explorer.findings() == []
        shutil.rmtree(explorer.shelf.root / "Not a project")
        explorer.shelf.back()
        await explorer.discover()
        assert await explorer.photos("Trip") == {"A": ["A.jpg"]}
        await explorer.agreed()

    async def test_one_that_goes_away_in_the_middle_fails_the_attempt(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("A", "B", "C"):
            folder_of(explorer.shelf, name, {f"{name}.jpg": picture(1)})
        judged: list[str] = []

        async def leaving(connection: Connection, library: TenantLibrary, folder: ProjectFolder) -> Verdict:
            judged.append(folder.name)
            if judged == ["A", "B"]:
                explorer.shelf.away()
            return await judge(connection, library, folder)

        command = await explorer.runner.job(JOB)
        with monkeypatch.context() as patch:
            patch.setattr(folder_discovery, "judge", leaving)
            result = await explorer.runner.run(command)
        assert isinstance(result, AttemptFailed)
        assert result.code == "storage_unavailable"
        assert await explorer.projects() == [("A", "A", "active")]
        assert list(explorer.shelf.root.iterdir()) == []
        explorer.shelf.back()
        await explorer.discover()
        assert len(await explorer.projects()) == 3
        await explorer.agreed()

    @pytest.mark.parametrize("error", [errno.EACCES, errno.EIO])
    async def test_a_folder_that_cannot_be_opened_costs_no_other(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch, error: int
    ) -> None:
        for name in ("A", "B", "C"):
            folder_of(explorer.shelf, name, {f"{name}.jpg": picture(1)})
        with monkeypatch.context() as patch:
            forbid(patch, "B", error)
            await explorer.discover()
        assert await explorer.projects() == [("A", "A", "active"), ("C", "C", "active")]
        [(kind, _, subject)] = [line for line in await explorer.findings() if line[0] != "changed"]
        assert (kind, subject) == ("refused", "B")

    async def test_nor_does_one_that_may_not_be_written_to(
        self, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder_of(explorer.shelf, "A", {"A.jpg": picture(1)})
        folder_of(explorer.shelf, "B", {"B.jpg": picture(2)})
        write = ProjectFolder.write_manifest

        def refusing(self: ProjectFolder, written: Manifest) -> None:
            with storage_errors("writing"):
                if self.name == "A":
                    raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            write(self, written)

        with monkeypatch.context() as patch:
            patch.setattr(ProjectFolder, "write_manifest", refusing)
            await explorer.discover()
        assert await explorer.projects() == [("B", "B", "active")]
        assert ("refused", "storage_unavailable", "A") in await explorer.findings()
        await explorer.discover()
        await explorer.agreed()
        assert len(await explorer.projects()) == 2


class TestBesideAGateway:
    async def test_a_project_that_is_being_made_is_made_once(self, explorer: Explorer, shelf: Shelf) -> None:
        async with unit_of_work(shelf.database, Quiet()) as work:
            await new_projects.create(work, ORIGIN, shelf.library, "Trip")
            put(shelf.root / "Trip" / "A.jpg")
            discovery = asyncio.create_task(explorer.discover())
            await until(lambda: waits(explorer.site))
        await discovery
        assert await explorer.projects() == [("Trip", "Trip", "active")]
        await explorer.agreed()

    async def test_one_that_is_not_made_after_all_is_left_to_who_asks_again(
        self, explorer: Explorer, shelf: Shelf
    ) -> None:
        with suppress(ConnectionError):
            async with unit_of_work(shelf.database, Quiet()) as work:
                await new_projects.create(work, ORIGIN, shelf.library, "Trip")
                raise ConnectionError
        await explorer.discover()
        assert await explorer.projects() == []
        async with unit_of_work(shelf.database, Quiet()) as work:
            await new_projects.create(work, ORIGIN, shelf.library, "Trip")
        await explorer.discover()
        assert await explorer.projects() == [("Trip", "Trip", "active")]
        await explorer.agreed()


async def waits(site: Site) -> bool:
    """Whether somebody waits for a lock in the database."""
    return bool(await site.fetch("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
