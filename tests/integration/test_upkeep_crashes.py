"""A worker is killed between effects of jobs that look after files: another finishes, and tells it once."""

from itertools import count
from typing import Final

import pytest
from crashing_upkeep import run_until_killed
from shelf import Photo, Shelf
from upkeep import Line, over_projects, report, upkeep
from working import Site, hired

from photobus_common.config import Maintenance, Pipeline, Settings
from photobus_common.events.maintenance import FindingsReported, MetadataUpdated
from photobus_common.events.tasks import TaskRequested
from photobus_common.storage.library import Library

LEASES: Final = Pipeline(stale_seconds=0.6, heartbeat_ms=200, drain_seconds=5.0)
LEAST_POINTS: Final = 6
"""Effects that a job has at least: fewer would show that the points are no longer where they were."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(update={"pipeline": LEASES, "maintenance": guard})


async def without_derivatives(shelf: Shelf, name: str) -> list[Photo]:
    """Make two photos whose rows say that they have derivatives."""
    project = (name, await shelf.project(name))
    return [await shelf.photo(project, basename, [f"{basename}.jpg"]) for basename in "12"]


async def test_killed_between_any_two_effects_derivatives_are_marked_and_asked_for_once(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        name = f"P{effects}"
        photos = await without_derivatives(shelf, name)
        command = await over_projects(site, "cache_validation", photos[0].project_id)
        died = await run_until_killed(settings, effects)
        async with hired(settings, upkeep(settings, library)):
            await site.until_idle()

        assert await site.state(command) == "completed"
        assert {(row["preview_status"], row["version"]) for row in await shelf.rows()} == {("missing", 2)}
        assert await report(site, command) == [
            Line("changed", "derivatives_missing", name, None, None, 2, "DerivativesUpdated")
        ]
        filters = [data.targets.filter for data in await site.said(TaskRequested)]
        assert filters.count({"status": "missing", "project_folders": [name]}) == 1, effects
        if not died:
            break
    assert effects > LEAST_POINTS


async def test_killed_between_any_two_effects_what_is_wrong_with_originals_is_told_once(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        name = f"P{effects}"
        photos = await without_derivatives(shelf, name)
        (photos[0].folder / "1.jpg").unlink()
        command = await over_projects(site, "integrity_check", photos[0].project_id)
        died = await run_until_killed(settings, effects)
        async with hired(settings, upkeep(settings, library)):
            await site.until_idle()

        assert await site.state(command) == "completed"
        assert await report(site, command) == [
            Line("reported", "missing", name, "1.jpg", photos[0].id, 1, "FindingsReported")
        ], effects
        if not died:
            break
    assert effects > LEAST_POINTS - 2
    assert len(await site.said(FindingsReported)) == effects


async def test_killed_between_any_two_effects_metadata_is_corrected_once(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    for effects in count(1):
        photos = await without_derivatives(shelf, f"P{effects}")
        command = await site.post([photo.target for photo in photos], "regenerate_metadata")
        died = await run_until_killed(settings, effects)
        async with hired(settings, upkeep(settings, library)):
            await site.until_idle()

        assert await site.outcomes(command) == [(photo.id, "done", None) for photo in photos], effects
        assert {row["version"] for row in await shelf.rows()} == {2}
        [line] = await report(site, command)
        assert (line.code, line.things) == ("metadata_updated", 2)
        if not died:
            break
    assert effects > LEAST_POINTS - 2
    assert len(await site.said(MetadataUpdated)) == effects
