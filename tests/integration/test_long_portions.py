"""A portion that takes longer than a lease is written once, by the run that began it, and holds up no other job."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from bus_traffic import until
from moving import contents, move, whereabouts
from removing import removal
from shelf import JPEG, Shelf
from working import Site, hired

from photobus_common.config import Filemover, Pipeline, Settings
from photobus_common.events.projects import PhotosMoved
from photobus_common.events.tasks import JobCompleted, JobStarted
from photobus_common.storage.folder import Folder
from photobus_common.storage.library import Library
from photobus_common.worker import ItemOutcome, Job
from photobus_common.worker.blocking import in_thread_beside
from photobus_filemover import journeys

LEASES = Pipeline(stale_seconds=0.6, heartbeat_ms=200, drain_seconds=5.0)
OLDEST = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'worker-test'
"""
LEASES_LONG = 4
WAITING = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - query_start)), 0)::float8 FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
TAKEOVERS = "SELECT takeovers FROM job_claims WHERE job_id = $1"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pipeline": LEASES, "filemover": Filemover(lock_wait_seconds=0.0)})


async def test_a_move_may_take_several_leases(
    shelf: Shelf, site: Site, settings: Settings, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    sea, lake = ("Sea", await shelf.project("Sea")), await shelf.project("Lake")
    bay, pond = ("Bay", await shelf.project("Bay")), await shelf.project("Pond")
    slow, quick = await shelf.photo(sea, "A", ["A.jpg"]), await shelf.photo(bay, "B", ["B.jpg"])
    told, may_go_on, really_rename = contents(shelf), threading.Event(), Folder.rename

    def rename(folder: Folder, name: str, target_folder: Folder, target: str) -> None:
        assert name != "A.jpg" or may_go_on.wait(60)
        really_rename(folder, name, target_folder, target)

    monkeypatch.setattr(Folder, "rename", rename)
    command = await move(site, [slow], lake)
    handlers = removal(settings, library)
    try:
        async with hired(settings, handlers), hired(settings, handlers):
            await until(lambda: _long_ago(site))
            await site.until_state(await move(site, [quick], pond), "completed")
            may_go_on.set()
            await site.until_idle()
    finally:
        may_go_on.set()

    assert [(place, name) for _, place, name, _ in await whereabouts(site)] == [("Lake", "A"), ("Pond", "B")]
    assert contents(shelf) == told
    assert len(await site.said(JobStarted, command.job_id)) == 1
    assert len(await site.said(JobCompleted, command.job_id)) == 1


@pytest.mark.parametrize(("bound", "portions"), [(1, 3), (2 * len(JPEG), 2), (3 * len(JPEG), 1)])
async def test_no_more_is_copied_at_once_than_rows_should_be_held_for(
    shelf: Shelf,
    site: Site,
    settings: Settings,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    bound: int,
    portions: int,
) -> None:
    sea, lake = ("Sea", await shelf.project("Sea")), await shelf.project("Lake")
    photos = [await shelf.photo(sea, name, [f"{name}.jpg"]) for name in "ABC"]
    monkeypatch.setattr(journeys, "COPIED", bound)
    at_once = journeys._at_once
    apart: Any = (SimpleNamespace(identity=(1, 1)), SimpleNamespace(identity=(2, 1)))  # as on two file systems
    monkeypatch.setattr(journeys, "_at_once", lambda _folders, photos: at_once(apart, photos))

    command = await move(site, photos, lake)
    async with hired(settings, removal(settings, library)):
        await site.until_state(command, "completed")

    assert [(status, reason) for _, status, reason in await site.outcomes(command)] == [("done", None)] * 3
    assert len(await site.said(PhotosMoved)) == portions


async def test_who_waits_for_its_end_to_take_the_job_over_finds_its_worker_alive(
    site: Site, settings: Settings
) -> None:
    may_go_on = threading.Event()

    async def works(job: Job) -> None:
        for item in await job.pending_items():
            async with job.checkpoint([ItemOutcome(item.position, item.photo_id, "done")]) as work:
                await in_thread_beside(work.connection, may_go_on.wait, 60)

    async def somebody_waits_for_long() -> bool:
        return bool((await site.fetch(WAITING))[0][0] > 2 * LEASES.stale_seconds)

    command = await site.post(2)
    try:
        async with hired(settings, works), hired(settings, works):
            await until(lambda: _long_ago(site))
            await site.send(command)
            await until(somebody_waits_for_long)
            may_go_on.set()
            await site.until_idle()
    finally:
        may_go_on.set()

    assert await site.fetch(TAKEOVERS, command.job_id) == [(0,)]
    assert len(await site.said(JobStarted)) == 1


async def _long_ago(site: Site) -> bool:
    """Whether a worker began a transaction several leases ago that has not ended."""
    return bool((await site.fetch(OLDEST))[0][0] > LEASES_LONG * LEASES.stale_seconds)
