"""Maintenance is killed between any two effects of a rename: folder, row and manifest agree after the retry."""

from itertools import count

import aiohttp
import pytest
from crashing_gateway import crashing_gateways
from crashing_renamer import run_until_killed
from renaming import OPEN_RENAMES, Sides, call, contents, files, folders, renamers, sides
from shelf import DNG, JPEG, XMP, Shelf, put
from upkeep import over_library, over_projects
from working import Site, hired

from photobus_common.config import Maintenance, Pipeline, Settings
from photobus_common.events.maintenance import FilesRenamed, FolderRenamed
from photobus_common.events.projects import ProjectRenamed
from photobus_common.events.tasks import JobCompleted
from photobus_common.storage.library import Library

LEASES = Pipeline(stale_seconds=0.6, heartbeat_ms=200, drain_seconds=5.0)
LEAST_POINTS = 12
"""Effects that each rename has at least: fewer would show that the points are no longer where they were."""

PAIR = ("A.dng", "A.dng.xmp", "A.jpg", "A.xmp")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"pipeline": LEASES, "maintenance": Maintenance(lock_wait_seconds=0.0, settle_seconds=0.0)}
    )


async def test_killed_between_any_two_effects_an_alignment_is_healed(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    """The project was renamed by an API that was killed before it wrote the manifest."""
    ends: dict[int, Sides] = {}
    for effects in count(1):
        name = f"Trip {effects}"
        project_id = await shelf.project(f"Old {effects}")
        put(shelf.root / f"Old {effects}" / "A.jpg")
        await call(site, project_id, name)
        command = await over_library(site, "folder_alignment")
        died = await run_until_killed(settings, effects)
        async with hired(settings, renamers(settings, library)):
            await site.until_state(command, "completed")

        ends[project_id] = Sides(name, name, name)
        assert await sides(shelf, site) == ends, effects
        assert files(shelf, name) == ["A.jpg"]
        if not died:
            break
    assert effects > LEAST_POINTS
    assert folders(shelf) == sorted(end.folder for end in ends.values())
    told = await site.said(FolderRenamed)
    assert sorted(one.project_id for one in told) == sorted(ends)
    assert await site.said(ProjectRenamed) == []
    assert len(await site.said(JobCompleted)) == effects


async def test_who_heals_may_die_too(shelf: Shelf, site: Site, settings: Settings, library: Library) -> None:
    ends: dict[int, Sides] = {}
    for effects in range(1, LEAST_POINTS):
        name = f"Trip {effects}"
        project_id = await shelf.project(f"Old {effects}")
        await call(site, project_id, name)
        command = await over_library(site, "folder_alignment")
        assert await run_until_killed(settings, LEAST_POINTS - 3)
        await run_until_killed(settings, effects)
        async with hired(settings, renamers(settings, library)):
            await site.until_state(command, "completed")
        ends[project_id] = Sides(name, name, name)
        assert await sides(shelf, site) == ends, effects
    assert sorted(one.project_id for one in await site.said(FolderRenamed)) == sorted(ends)


@pytest.mark.parametrize("storage", ["renaming", "linking"])
async def test_killed_between_any_two_effects_a_pair_gets_its_name_whole(
    shelf: Shelf, site: Site, settings: Settings, library: Library, storage: str
) -> None:
    for effects in count(1):
        first, second = f"First {effects}", f"Second {effects}"
        first_id = await shelf.project(first)
        base = f"A{effects}"
        await shelf.photo((first, first_id), base, [f"{base}.jpg"])
        second_id = await shelf.project(second)
        for name in PAIR:
            put(shelf.root / second / name.replace("A", base, 1))
        command = await over_projects(site, "duplicate_resolution", second_id)
        died = await run_until_killed(settings, effects, storage)
        async with hired(settings, renamers(settings, library)):
            await site.until_state(command, "completed")

        assert files(shelf, first) == [f"{base}.jpg"]
        assert files(shelf, second) == [name.replace("A", f"{base}_duplicate1", 1) for name in PAIR], effects
        assert await site.fetch(OPEN_RENAMES) == [(0,)]
        if not died:
            break
    assert effects > LEAST_POINTS
    assert contents(shelf) == sorted([JPEG, JPEG, DNG, XMP, XMP] * effects)
    told = [file for data in await site.said(FilesRenamed) for file in data.files]
    assert len({file.name for file in told}) == len(told) == 4 * effects


@pytest.mark.parametrize("job_type", ["duplicate_resolution", "folder_check"])
async def test_what_was_put_on_record_is_finished_by_whoever_comes_next(
    shelf: Shelf, site: Site, settings: Settings, library: Library, job_type: str
) -> None:
    """Also where something has come to lie under the new name of one file."""
    first_id = await shelf.project("First")
    await shelf.photo(("First", first_id), "A", ["A.jpg"])
    second_id = await shelf.project("Second")
    for name in PAIR:
        put(shelf.root / "Second" / name)
    await site.execute(
        "INSERT INTO file_renames (id, tenant, project_id, task_id, cause, names, targets, basename) VALUES"
        " (gen_random_uuid(), 'user_0', $1, gen_random_uuid(), 'duplicate_resolution', $2, $3, 'A_duplicate1')",
        second_id, list(PAIR), [name.replace("A", "A_duplicate1", 1) for name in PAIR],
    )  # fmt: skip
    put(shelf.root / "Second" / "A_duplicate1.jpg", JPEG + b"another")
    (shelf.root / "Second" / "A.dng").rename(shelf.root / "Second" / "A_duplicate1.dng")
    async with hired(settings, renamers(settings, library)):
        await site.until_state(await over_library(site, job_type), "completed")

    renamed = sorted(name.replace("A", "A_duplicate2", 1) for name in PAIR)
    assert files(shelf, "Second") == sorted(["A_duplicate1.jpg", *renamed])
    assert (shelf.root / "Second" / "A_duplicate1.jpg").read_bytes() == JPEG + b"another"
    assert await site.fetch(OPEN_RENAMES) == [(0,)]


async def test_a_gateway_killed_before_the_manifest_leaves_it_to_the_alignment(
    shelf: Shelf, site: Site, settings: Settings, library: Library
) -> None:
    project_id = await shelf.project("Old")
    async with crashing_gateways(settings, "user_0", ["project renamed"]) as gateways:
        gateway = gateways.by_point["project renamed"]
        with pytest.raises(aiohttp.ClientError):
            await gateway.call("PATCH", "/api/projects/Old/rename", json={"new_name": "Trip/2"})
        await gateways.all_died()
    assert await sides(shelf, site) == {project_id: Sides("Trip/2", "Old", "Old")}

    async with hired(settings, renamers(settings, library)):
        await site.until_state(await over_library(site, "folder_alignment"), "completed")
    assert await sides(shelf, site) == {project_id: Sides("Trip/2", "Trip_2", "Trip/2")}
