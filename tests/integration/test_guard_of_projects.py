"""Projects whose folders are gone go only as a person agrees, where many photos would go with them."""

from collections.abc import Sequence

import pytest
from bus_traffic import TENANT
from guarded import LINES, SHOWN, again, answer, arrange
from shelf import Shelf
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Maintenance, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.confirmations import ConfirmationRequested
from photobus_common.events.parts import TaskSource
from photobus_common.storage.library import Library
from photobus_common.store.reconciliation import projects_of_tenant
from photobus_common.worker import Job
from photobus_maintenance.context import Context
from photobus_maintenance.guard import may_archive, wait_for_answers
from photobus_maintenance.report import Report


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(removal_photos=3, removal_share=0.3, lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"maintenance": guard})


class Archiver:
    """A job that would archive the projects whose folders are gone, as far as it may."""

    def __init__(self, context: Context, gone: Sequence[int]) -> None:
        self.context = context
        self.gone = gone
        self.archived: list[list[str]] = []

    async def __call__(self, job: Job) -> None:
        async with job.database.connection() as connection:
            projects = await projects_of_tenant(connection, TENANT, self.gone)
        may = await may_archive(job, self.context, Report(job), list(projects.values()))
        self.archived.append(sorted(project.folder for project in may))
        await wait_for_answers(job)


@pytest.fixture
async def archiver(shelf: Shelf, settings: Settings, library: Library) -> Archiver:
    """Folders of two projects are gone, with 4 of the library's 9 photos."""
    a, b = await arrange(shelf, "a", 3), await arrange(shelf, "b", 1)
    empty = await shelf.project("empty")
    await arrange(shelf, "c", 5)
    return Archiver(Context(library, settings, load_definitions()), [a[0].project_id, b[0].project_id, empty])


async def run(site: Site, source: TaskSource = "system") -> RunJob:
    command = await site.post([], "orphaned_project_cleanup", over="library", source=source)
    await site.until_idle()
    return command


async def test_projects_that_go_together_are_asked_about_together(
    site: Site, settings: Settings, archiver: Archiver
) -> None:
    async with hired(settings, {"orphaned_project_cleanup": archiver}):
        command = await run(site)
        [asked] = await site.said(ConfirmationRequested)
        assert (asked.project_id, asked.lacking, asked.photos) == (None, 4, 9)
        assert len(await site.fetch(SHOWN, asked.confirmation_id)) == 4
        assert await site.state(command) == "released"
        other = await run(site)
        assert await site.fetch(LINES, other.task_id) == [("awaits_confirmation", None)]
        await answer(site, asked.confirmation_id, confirmed=True)
        await again(site, command)
        await site.execute("UPDATE job_claims SET state = 'released'")
        await again(site, command, dispatch=3)  # died before it had archived them
    assert archiver.archived == [[], [], ["a", "b", "empty"], ["a", "b", "empty"]]
    assert await site.state(command) == "completed"


async def test_projects_that_were_not_shown_stay(
    shelf: Shelf, site: Site, settings: Settings, archiver: Archiver
) -> None:
    async with hired(settings, {"orphaned_project_cleanup": archiver}):
        command = await run(site)
        [asked] = await site.said(ConfirmationRequested)
        await answer(site, asked.confirmation_id, confirmed=True)
        more = await arrange(shelf, "d", 7)
        archiver.gone = [*archiver.gone, more[0].project_id]
        await again(site, command)
    assert archiver.archived == [[], ["a", "b", "empty"]]
    assert await site.state(command) == "completed"


async def test_projects_of_a_refusal_stay_and_are_not_asked_about_each_hour(
    site: Site, settings: Settings, archiver: Archiver
) -> None:
    async with hired(settings, {"orphaned_project_cleanup": archiver}):
        command = await run(site)
        [asked] = await site.said(ConfirmationRequested)
        await answer(site, asked.confirmation_id, confirmed=False)
        await again(site, command)
        assert await site.fetch(LINES, command.task_id) == [("needs_confirmation", None), ("removal_refused", None)]
        later = await run(site)
        assert await site.fetch(LINES, later.task_id) == [("removal_refused", None)]
    assert archiver.archived == [[], [], []]
    assert await site.state(later) == "completed"


async def test_few_photos_go_with_their_projects_unasked(site: Site, settings: Settings, archiver: Archiver) -> None:
    archiver.gone = archiver.gone[1:]
    async with hired(settings, {"orphaned_project_cleanup": archiver}):
        await run(site)
    assert archiver.archived == [["b", "empty"]]
