"""What a check would remove beyond the usual is asked about: nothing goes before, and then only what was shown."""

from collections.abc import Sequence

import pytest
from bus_traffic import TENANT
from folding import LeftInOutbox
from guarded import LINES, SHOWN, STATUS, again, answer, arrange, left, lose
from reconciling import checks
from shelf import Shelf, put
from working import Site, hired

from photobus_common.commands import RunJob
from photobus_common.config import Maintenance, Settings
from photobus_common.events import Origin
from photobus_common.events.confirmations import ConfirmationExpired, ConfirmationRequested, JobWaiting
from photobus_common.events.maintenance import FindingsReported
from photobus_common.events.parts import TaskSource
from photobus_common.events.projects import PhotoFilesChanged
from photobus_common.events.tasks import JobAttemptFailed, JobCompleted
from photobus_common.job_types import Unit
from photobus_common.storage.library import Library
from photobus_common.storage.manifest import MANIFEST
from photobus_common.store import confirmations
from photobus_common.store.unit_of_work import unit_of_work
from photobus_common.worker.job import Handler
from photobus_maintenance import rounds

END_TASK = """
INSERT INTO tasks (id, tenant, type, scope, source, label, actor, status, state, created_at, ended_at)
VALUES ($1, 'user_0', 'maintenance', 'project', 'user', '', 'ada', 'canceled', '{}', now(), now())
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(removal_photos=3, removal_share=0.3, lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"maintenance": guard})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    return checks(settings, library)


async def post(
    site: Site, projects: Sequence[int] = (), *, over: Unit = "projects", source: TaskSource = "user"
) -> RunJob:
    command = await site.post(
        [], "manifest_check", over=over, task_type="maintenance", source=source, projects=projects
    )
    await site.until_idle()
    return command


@pytest.mark.parametrize("over", ["projects", "library"])
async def test_too_much_is_asked_about_while_all_else_goes_on(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], over: Unit
) -> None:
    photos, others = await arrange(shelf, "a", 5), await arrange(shelf, "b", 5)
    lose(photos, 0, 1, 2)
    lose(others, 4)
    (photos[3].folder / "a3.jpg").unlink()

    async with hired(settings, handlers):
        command = await post(site, [photos[0].project_id, others[0].project_id], over=over)

    assert left(await shelf.rows()) == [2] * 9 + [0]
    [asked] = await site.said(ConfirmationRequested)
    assert (asked.project_folder, asked.lacking, asked.photos) == ("a", 4, 5)
    assert asked.reason == "4 of 5 photos of a lack files."
    shown = [(photo.id, [f"a{n}.dng", f"a{n}.jpg"]) for n, photo in enumerate(photos[:3])]
    assert await site.fetch(SHOWN, asked.confirmation_id) == [*shown, (photos[3].id, ["a3.jpg"])]
    [waiting] = await site.said(JobWaiting)
    assert (waiting.dispatch, waiting.confirmation_ids) == (1, (asked.confirmation_id,))
    assert await site.state(command) == "released"
    assert await site.said(JobAttemptFailed) == []
    assert await site.fetch(LINES, command.task_id) == [("needs_confirmation", "a")]
    [reported] = await site.said(FindingsReported)
    assert [found.kind for found in reported.findings] == ["refused"]


async def test_what_was_confirmed_goes_and_no_more(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PORTION", 2)
    photos = await arrange(shelf, "a", 10)
    lose(photos, 0, 1, 2, 3, 4)
    async with hired(settings, handlers):
        command = await post(site, [photos[0].project_id])
        [asked] = await site.said(ConfirmationRequested)
        put(photos[4].folder / "a4.jpg")  # is back
        (photos[9].folder / "a9.jpg").unlink()  # is no more than what goes unasked
        await answer(site, asked.confirmation_id, confirmed=True)
        await again(site, command)

    assert left(await shelf.rows()) == [0, 0, 0, 0, 1, 2, 2, 2, 2, 1]
    assert await site.fetch(STATUS) == [("confirmed", True)]
    assert await site.state(command) == "completed"
    assert len(await site.said(JobCompleted)) == 1


async def test_what_is_gone_beside_what_was_confirmed_is_asked_about_anew(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, "a", 10)
    lose(photos, 0, 1, 2, 3)
    async with hired(settings, handlers):
        command = await post(site, [photos[0].project_id])
        [first] = await site.said(ConfirmationRequested)
        lose(photos, 4, 5, 6, 7)
        await answer(site, first.confirmation_id, confirmed=True)
        await again(site, command)
        assert left(await shelf.rows()) == [2] * 10
        assert await site.fetch(STATUS) == [("confirmed", True), ("open", False)]
        _, second = await site.said(ConfirmationRequested)
        assert (second.lacking, second.photos) == (8, 10)
        assert [waiting.confirmation_ids for waiting in await site.said(JobWaiting)] == [
            (first.confirmation_id,),
            (second.confirmation_id,),
        ]
        await answer(site, second.confirmation_id, confirmed=True)
        await again(site, command, dispatch=3)
    assert left(await shelf.rows()) == [0] * 8 + [2] * 2
    assert await site.state(command) == "completed"


async def test_another_file_of_a_photo_that_was_shown_is_not_confirmed_with_it(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, "a", 5)
    for number in range(4):
        (photos[number].folder / f"a{number}.dng").unlink()
    async with hired(settings, handlers):
        command = await post(site, [photos[0].project_id])
        [asked] = await site.said(ConfirmationRequested)
        lose(photos, 0, 1, 2, 3)
        await answer(site, asked.confirmation_id, confirmed=True)
        await again(site, command)
    assert left(await shelf.rows()) == [2] * 5
    assert len(await site.said(ConfirmationRequested)) == 2


async def test_a_refusal_leaves_everything_and_scheduled_runs_do_not_ask_again(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, "a", 9)
    lose(photos, 0, 1, 2)
    before = await shelf.rows()
    async with hired(settings, handlers):
        command = await post(site, over="library", source="system")
        [asked] = await site.said(ConfirmationRequested)
        await answer(site, asked.confirmation_id, confirmed=False)
        await again(site, command)
        assert await shelf.rows() == before
        assert await site.state(command) == "completed"
        assert await site.fetch(STATUS) == [("refused", True)]
        assert await site.fetch(LINES, command.task_id) == [("needs_confirmation", "a"), ("removal_refused", "a")]

        scheduled = await post(site, over="library", source="system")
        assert await site.state(scheduled) == "completed"
        assert await site.fetch(LINES, scheduled.task_id) == [("removal_refused", "a")]
        assert len(await site.said(ConfirmationRequested)) == 1

        by_hand = await post(site, over="library")
        assert await site.state(by_hand) == "released"
        await answer(site, (await site.said(ConfirmationRequested))[1].confirmation_id, confirmed=False)

        lose(photos, 3)
        await post(site, over="library", source="system")
        assert [one.lacking for one in await site.said(ConfirmationRequested)] == [3, 3, 4]
    assert await shelf.rows() == before


async def test_while_one_task_waits_others_leave_the_project_as_it_is(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, "a", 9)
    lose(photos, 0, 1, 2)
    before = await shelf.rows()
    async with hired(settings, handlers):
        first = await post(site, [photos[0].project_id])
        put(photos[0].folder / "a0.jpg")
        put(photos[0].folder / "a0.dng")
        second = await post(site, [photos[0].project_id])  # misses few enough, and yet
        assert await site.state(second) == "completed"
        assert await site.fetch(LINES, second.task_id) == [("awaits_confirmation", "a")]
        assert await shelf.rows() == before

        await site.execute(END_TASK, first.task_id)  # nobody waits any more
        await post(site, [photos[0].project_id])
    assert left(await shelf.rows()) == [2, 0, 0, *[2] * 6]


@pytest.mark.parametrize("photo_count", [1, 2])
async def test_an_empty_folder_without_manifest_is_taken_for_an_absent_mount_however_few_photos_it_had(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], photo_count: int
) -> None:
    photos = await arrange(shelf, "a", photo_count)
    lose(photos, *range(photo_count))
    manifest = photos[0].folder / MANIFEST
    manifest.unlink()
    before = await shelf.rows()
    async with hired(settings, handlers):
        await site.post([photo.target for photo in photos], "manifest_check")
        await site.until_idle()
        assert [failed.code for failed in await site.said(JobAttemptFailed)] == ["too_many_missing"]
        command = await post(site, [photos[0].project_id])
        assert await shelf.rows() == before
        assert not manifest.exists()
        [asked] = await site.said(ConfirmationRequested)
        assert "not mounted" in asked.reason

        await answer(site, asked.confirmation_id, confirmed=True)
        await again(site, command)
    assert left(await shelf.rows()) == [0] * photo_count
    assert manifest.exists()


async def test_an_emptied_folder_with_its_manifest_and_few_photos_is_believed(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, "a", 2)
    lose(photos, 0, 1)
    async with hired(settings, handlers):
        await post(site, [photos[0].project_id])
    assert left(await shelf.rows()) == [0, 0]
    assert await site.said(ConfirmationRequested) == []


async def test_an_answer_that_comes_before_the_job_waits_is_acted_upon_at_once(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, other = await arrange(shelf, "a", 4), await arrange(shelf, "b", 1)
    lose(photos, 0, 1, 2)
    visit = rounds._Round._visit

    async def answered_meanwhile(self: rounds._Round, project: object, known: object) -> None:
        for asked in await site.said(ConfirmationRequested) if getattr(project, "folder", "") == "b" else ():
            await answer(site, asked.confirmation_id, confirmed=True)
        await visit(self, project, known)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(rounds._Round, "_visit", answered_meanwhile)
    async with hired(settings, handlers):
        command = await post(site, [photos[0].project_id, other[0].project_id])
    assert left(await shelf.rows()) == [0, 0, 0, 2, 2]
    assert await site.state(command) == "completed"
    assert await site.said(JobWaiting) == []


async def test_of_a_project_that_was_deleted_nothing_is_asked_any_more(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, "a", 4)
    lose(photos, 0, 1, 2)
    async with hired(settings, handlers):
        command = await post(site, [photos[0].project_id])
        async with unit_of_work(site.database, LeftInOutbox()) as work:
            origin = Origin("/test", TENANT, "ada")
            await confirmations.expire_of_projects(work, origin, [photos[0].project_id])
        await site.execute("UPDATE projects SET status = 'canceled', archived_at = now()")
        await again(site, command)
    assert left(await shelf.rows()) == [2] * 4
    [expired] = await site.said(ConfirmationExpired)
    assert expired.task_id == command.task_id
    assert await site.state(command) == "completed"


# --- killed between any two of it -----------------------------------------------------------------------------------


async def test_a_check_that_dies_after_the_question_waits_for_the_same_answer(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    """The question is on record, and neither the cursor nor that the job waits: the job is handed to another worker."""
    photos = await arrange(shelf, "a", 4)
    lose(photos, 0, 1, 2)
    async with hired(settings, handlers):
        command = await post(site, [photos[0].project_id])
        await site.execute("UPDATE job_claims SET cursor = NULL")
        await again(site, command)
        [asked] = await site.said(ConfirmationRequested)
        assert [waiting.confirmation_ids for waiting in await site.said(JobWaiting)] == [(asked.confirmation_id,)] * 2
        assert await site.fetch(LINES, command.task_id) == [("needs_confirmation", "a")]
        await answer(site, asked.confirmation_id, confirmed=True)
        await site.execute("UPDATE job_claims SET cursor = NULL")  # the answer is found on the way already
        await again(site, command, dispatch=3)
    assert left(await shelf.rows()) == [0, 0, 0, 2]
    assert await site.fetch(STATUS) == [("confirmed", True)]
    assert sum(len(changed.photos) for changed in await site.said(PhotoFilesChanged)) == 3


async def test_a_check_that_dies_before_it_has_noted_that_it_acted_changes_nothing_twice(
    shelf: Shelf, site: Site, settings: Settings, handlers: dict[str, Handler]
) -> None:
    photos = await arrange(shelf, "a", 4)
    lose(photos, 0, 1, 2)
    async with hired(settings, handlers):
        command = await post(site, [photos[0].project_id])
        [asked] = await site.said(ConfirmationRequested)
        await answer(site, asked.confirmation_id, confirmed=True)
        await again(site, command)
        rows = await shelf.rows()
        await site.execute("UPDATE confirmations SET applied_at = NULL")
        await site.execute("UPDATE job_claims SET state = 'released'")
        await again(site, command, dispatch=3)
    assert await shelf.rows() == rows
    assert await site.fetch(STATUS) == [("confirmed", True)]
    assert len(await site.said(PhotoFilesChanged)) == 1
