"""Committing pending deletions by the API: one task for any number of projects, and a dry run that tells the truth."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from gateway_server import Gateway
from reconciling import checks
from removing import derivatives, keep, lying, originals, removal, rows_agree, show, trashed
from running_orchestrator import Running, running
from shelf import Photo, Shelf
from working import LEASES, Site, hired

from photobus_common.config import Events, RateLimits, Settings
from photobus_common.definitions import load_definitions
from photobus_common.events.tasks import TaskRequested
from photobus_common.job_types import provided_by
from photobus_common.storage.library import Library
from photobus_common.worker import Handler, ItemOutcome, Job
from photobus_maintenance.context import Context
from photobus_maintenance.jobs.manifest_cleaning import ManifestCleaning
from photobus_orchestrator.audit import replay

PROJECTS = 6
ENDED = "SELECT type, status FROM tasks WHERE ended_at IS NOT NULL ORDER BY created_at"
JOBS = "SELECT job_type, status, done FROM jobs WHERE task_id = $1 ORDER BY step, index"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a small allowance, and a quick relay."""
    limits = RateLimits(requests=3, trusted_proxies=("127.0.0.1",))
    return settings.model_copy(
        update={"rate_limits": limits, "pipeline": LEASES, "events": Events(relay_after_seconds=0.2)}
    )


@pytest.fixture
async def photos(shelf: Shelf, site: Site) -> list[Photo]:
    """In each project a photo that goes, one whose RAW goes, one whose JPEG goes, and one that stays; in that order."""
    found = []
    for number in range(PROJECTS):
        project = (f"P{number}", await shelf.project(f"P{number}"))
        for basename, kept in (("A", ""), ("B", "jpg"), ("C", "raw"), ("D", "jpg raw")):
            name = f"{basename}{number}"
            photo = await shelf.photo(project, name, [f"{name}.dng", f"{name}.dng.xmp", f"{name}.jpg", f"{name}.xmp"])
            show(photo, name)
            await keep(site, photo, kept)
            found.append(photo)
    return found


@pytest.fixture
async def process(settings: Settings, library: Library, gateway: Gateway) -> AsyncIterator[Running]:
    """An orchestrator with a file mover and maintenance; derivatives are made by somebody who says so."""
    cleaning = ManifestCleaning(Context(library, settings, load_definitions()))
    handlers: dict[str, Handler] = {**checks(settings, library), "manifest_cleaning": cleaning}
    makes: dict[str, Handler] = {job_type.name: _says_done for job_type in provided_by("derivatives")}
    async with (
        running(settings) as started,
        hired(settings, removal(settings, library)),
        hired(settings, handlers),
        hired(settings, makes),
    ):
        yield started


async def _says_done(job: Job) -> None:
    job.record(ItemOutcome(item.position, item.photo_id, "done") for item in await job.pending_items())


async def test_one_task_commits_what_is_pending_in_many_projects_as_the_dry_run_told(
    gateway: Gateway, process: Running, shelf: Shelf, site: Site, photos: list[Photo], settings: Settings
) -> None:
    before = originals(shelf)
    planned = await gateway.post("/api/photos/commit-changes", {"dry_run": True})
    assert planned.status == 200, planned.body
    assert originals(shelf) == before

    answer = await gateway.post("/api/photos/commit-changes", {})
    await process.until_rows([("change_commit_all", "completed"), ("generate_derivatives", "completed")], ENDED)

    pending = 3 * PROJECTS
    assert (planned.body["photos"], planned.body["projects"], len(planned.body["items"])) == (
        pending,
        PROJECTS,
        pending,
    )
    assert await process.fetch(JOBS, answer.body["task"]["id"]) == [
        ("file_removal", "completed", pending),
        *((step, "completed", 0) for step in ("manifest_check", "folder_check", "manifest_cleaning")),
    ]
    for number in range(PROJECTS):
        items = [item for item in planned.body["items"] if item["project_folder"] == f"P{number}"]
        assert trashed(shelf, f"P{number}") == sorted(name for item in items for name in item["removes"])
        gone = {item["filename"] for item in items if item["derivatives"] == "removed"}
        shown = {f"{basename}{number}" for basename in "ABCD"} - gone
        assert derivatives(shelf, f"P{number}") == sorted(
            f"{kind}/{name}.jpg" for kind in (".preview", ".thumb") for name in shown
        )
    rows = {row["id"]: row for row in await shelf.rows()}
    assert rows.keys() == {photo.id for photo in photos} - {
        item["photo_id"] for item in planned.body["items"] if item["photo_goes"]
    }
    anew = {item["photo_id"] for item in planned.body["items"] if item["derivatives"] == "pending"}
    assert {row["id"] for row in rows.values() if row["thumbnail_status"] == "pending"} == anew
    assert originals(shelf).keys() == before.keys()
    assert await rows_agree(shelf, site)
    assert (await gateway.get("/api/photos/pending-deletes")).body["total"] == 0
    assert await replay(settings.postgres.dsn) == []


async def test_a_project_is_committed_for_itself(
    gateway: Gateway, process: Running, shelf: Shelf, photos: list[Photo]
) -> None:
    answer = await gateway.post("/api/projects/P1/commit-changes", {})
    assert (answer.status, answer.body["task"]["type"]) == (202, "change_commit")
    await process.until_rows([("change_commit", "completed"), ("generate_derivatives", "completed")], ENDED)
    assert [len(trashed(shelf, f"P{number}")) for number in range(PROJECTS)] == [0, 7, 0, 0, 0, 0]


async def test_a_photo_that_is_named_and_has_nothing_pending_stays(
    gateway: Gateway, process: Running, shelf: Shelf, photos: list[Photo]
) -> None:
    body = {"items": [{"photo_id": photos[3].id}, {"photo_id": photos[1].id}]}
    planned = await gateway.post("/api/photos/commit-changes", {**body, "dry_run": True})
    assert [(item["filename"], item["removes"]) for item in planned.body["items"]] == [
        ("D0", []),
        ("B0", ["B0.dng", "B0.dng.xmp"]),
    ]
    assert (await gateway.post("/api/photos/commit-changes", body)).status == 202
    await process.until_rows([("change_commit_all", "completed")], ENDED)
    assert lying(shelf, "P0") == sorted(
        [f"{basename}0.{ending}" for basename in "ACD" for ending in ("dng", "dng.xmp", "jpg", "xmp")]
        + ["B0.jpg", "B0.xmp"]
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/api/photos/commit-changes", {"projects": ["Nowhere"]}, 404, "projects"),
        ("/api/photos/commit-changes", {"projects": []}, 400, "projects"),
        ("/api/photos/commit-changes", {"items": [{"photo_id": 999_999}]}, 404, "items"),
        ("/api/photos/commit-changes", {"projects": ["P0"], "filter": {}}, 400, ""),
        ("/api/photos/commit-changes", {"projects": "P0"}, 400, "projects"),
        ("/api/projects/Nowhere/commit-changes", {}, 404, "path.folder"),
    ],
)
async def test_what_cannot_be_committed_is_named(
    gateway: Gateway, photos: list[Photo], path: str, body: dict[str, Any], status: int, field: str
) -> None:
    refused = await gateway.post(path, body)
    assert (refused.status, refused.body["errors"][0]["field"]) == (status, field)
    assert await gateway.events("TaskRequested") == []


async def test_an_address_may_commit_so_often_and_viewers_may_not_at_all(gateway: Gateway, photos: list[Photo]) -> None:
    viewer = await gateway.token("viewer")
    assert (await gateway.post("/api/photos/commit-changes", {}, token=viewer)).status == 403
    answers = [
        await gateway.post(path, {}, headers={"X-Forwarded-For": "10.0.0.1"})
        for path in ["/api/photos/commit-changes", "/api/projects/P0/commit-changes"] * 2
    ]
    assert [answer.status for answer in answers] == [202, 202, 202, 429]
    assert answers[3].body["code"] == "rate_limited"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 300
    asked = [event.data for event in await gateway.events("TaskRequested")]
    assert [data.targets.filter for data in asked if isinstance(data, TaskRequested)] == [
        {"pending_deletion": True},
        {"pending_deletion": True, "project_folders": ["P0"]},
        {"pending_deletion": True},
    ]
