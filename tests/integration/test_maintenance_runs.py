"""Reports of runs of maintenance over HTTP: asked for, run by true workers, and told line by line with their events."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from gateway_server import Gateway
from removing import show
from running_orchestrator import Running, running
from shelf import Photo, Shelf
from upkeep import upkeep
from working import LEASES, Site, hired

from photobus_cli import maintenance
from photobus_client import PhotobusClient
from photobus_common.config import Events, Maintenance, Settings
from photobus_common.job_types import provided_by
from photobus_common.storage.library import Library
from photobus_common.worker import Handler, ItemOutcome, Job
from photobus_orchestrator.audit import replay
from photobus_orchestrator.clearing import ReportClearing

ENDED = "SELECT type, status FROM tasks WHERE ended_at IS NOT NULL ORDER BY created_at"
ENDED_OF_PROJECTS = "SELECT count(*) FROM tasks WHERE ended_at IS NOT NULL AND scope = 'project'"
AGE = "UPDATE maintenance_findings SET found_at = found_at - $1::interval WHERE kind = 'changed'"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    guard = Maintenance(lock_wait_seconds=0.0, settle_seconds=600)
    return settings.model_copy(
        update={"maintenance": guard, "pipeline": LEASES, "events": Events(relay_after_seconds=0.2)}
    )


@pytest.fixture
async def photos(shelf: Shelf) -> dict[str, Photo]:
    """In Alps a photo that is well, one whose file is gone, and one without derivatives; in Sea one that is well."""
    alps, sea = ("Alps", await shelf.project("Alps")), ("Sea", await shelf.project("Sea"))
    found = {name: await shelf.photo(alps, name, [f"{name}.jpg"]) for name in ("well", "gone", "bare")}
    found["sea"] = await shelf.photo(sea, "sea", ["sea.jpg"])
    for name, photo in found.items():
        if name != "bare":
            show(photo, name)
    (found["gone"].folder / "gone.jpg").unlink()
    return found


async def says_done(job: Job) -> None:
    """Stand in for whoever makes derivatives."""
    job.record(ItemOutcome(item.position, item.photo_id, "done") for item in await job.pending_items())


@pytest.fixture
async def process(settings: Settings, library: Library, gateway: Gateway) -> AsyncIterator[Running]:
    """An orchestrator and a maintenance worker; derivatives are made by somebody who says so."""
    makes: dict[str, Handler] = {job_type.name: says_done for job_type in provided_by("derivatives")}
    async with running(settings) as started, hired(settings, upkeep(settings, library)), hired(settings, makes):
        yield started


async def test_a_run_is_told_with_its_lines_and_each_of_them_leads_to_its_event(
    gateway: Gateway, process: Running, photos: dict[str, Photo], settings: Settings
) -> None:
    asked = {"type": "cache_validation", "targets": {"project_folders": ["Alps"]}}
    checked = (await gateway.post("/api/tasks", asked)).body["task"]["id"]
    await process.until_rows([("cache_validation", "completed"), ("generate_derivatives", "completed")], ENDED)
    whole = (await gateway.post("/api/tasks", {"type": "integrity_check", "targets": {"all": True}})).body["task"]["id"]
    ends = [("cache_validation", "completed"), ("generate_derivatives", "completed"), ("integrity_check", "completed")]
    await process.until_rows(ends, ENDED)

    runs = (await gateway.get("/api/maintenance/runs")).body
    assert [(run["task_id"], run["type"], run["status"]) for run in runs["items"]] == [
        (whole, "integrity_check", "completed"),
        (checked, "cache_validation", "completed"),
    ]
    assert [(run["changed"], run["refused"], run["reported"]) for run in runs["items"]] == [(0, 0, 1), (1, 0, 0)]
    [step] = runs["items"][0]["steps"]
    assert (step["job_type"], step["status"], step["looked_at"], step["reported"]) == (
        "integrity_check",
        "completed",
        4,
        1,
    )
    assert (step["progress_done"], step["remaining_seconds"]) == (step["progress_total"] or 0, None)
    assert runs["items"][0]["duration_seconds"] >= 0

    lines = [(await gateway.get(run["lines"])).body["items"] for run in runs["items"]]
    assert [
        [(one["kind"], one["code"], one["subject"], one["photo_id"], one["count"]) for one in some] for some in lines
    ] == [
        [("reported", "missing", "gone.jpg", photos["gone"].id, 1)],
        [("changed", "derivatives_missing", None, None, 1)],
    ]
    events = [(await gateway.get(some[0]["event"])).body for some in lines]
    assert [(event["id"], event["type"], event["task_id"]) for event in events] == [
        (lines[0][0]["event_id"], "FindingsReported", whole),
        (lines[1][0]["event_id"], "DerivativesUpdated", checked),
    ]
    assert events[1]["data"]["photos"][0]["photo_id"] == photos["bare"].id
    assert (await gateway.get(runs["items"][1]["task"])).body["id"] == checked
    assert await replay(settings.postgres.dsn) == []


async def test_runs_and_lines_come_page_by_page_and_by_what_is_asked_for(
    gateway: Gateway, process: Running, photos: dict[str, Photo]
) -> None:
    for name in ("well", "bare"):
        (photos[name].folder / f"{name}.jpg").unlink()
    tasks = []
    for number, word in enumerate(("project_integrity_check", "cache_validation", "project_integrity_check")):
        asked = {"type": word, "targets": {"project_folders": ["Alps"]}}
        tasks.append((await gateway.post("/api/tasks", asked)).body["task"]["id"])
        await process.until_rows(
            [(number + 1,)], "SELECT count(*) FROM tasks WHERE ended_at IS NOT NULL AND scope = 'project'"
        )

    first = (await gateway.get("/api/maintenance/runs?limit=2")).body
    rest = (await gateway.get(f"/api/maintenance/runs?limit=2&cursor={first['next_cursor']}")).body
    assert [run["task_id"] for run in [*first["items"], *rest["items"]]] == tasks[::-1]
    assert (first["total"], rest["next_cursor"]) == (3, None)
    only = (await gateway.get("/api/maintenance/runs?type=cache_validation&type=upload_postprocess")).body
    assert [run["task_id"] for run in only["items"]] == [tasks[1]]
    assert (await gateway.get("/api/maintenance/runs?type=generate_derivatives")).body["items"] == []
    assert (await gateway.get("/api/maintenance/runs?status=failed")).body["items"] == []

    path = f"/api/maintenance/runs/{tasks[0]}/lines"
    page = (await gateway.get(f"{path}?limit=2")).body
    more = (await gateway.get(f"{path}?limit=2&cursor={page['next_cursor']}")).body
    assert [line["subject"] for line in [*page["items"], *more["items"]]] == ["well.jpg", "gone.jpg", "bare.jpg"]
    assert page["total"] == 3
    assert (await gateway.get(f"{path}?kind=changed")).body["items"] == []
    assert (await gateway.get(f"{path}?code=missing&job_type=integrity_check")).body["total"] == 3


async def test_what_there_is_not_is_not_found_and_others_see_nothing(
    gateway: Gateway, process: Running, photos: dict[str, Photo]
) -> None:
    asked = {"type": "project_integrity_check", "targets": {"project_folders": ["Alps"]}}
    task = (await gateway.post("/api/tasks", asked)).body["task"]["id"]
    await process.until_rows([("project_integrity_check", "completed")], ENDED)
    [line] = (await gateway.get(f"/api/maintenance/runs/{task}/lines")).body["items"]
    viewer = await gateway.token("viewer")
    assert (await gateway.get(line["event"], token=viewer)).status == 200
    for path in (f"runs/{uuid4()}", f"runs/{uuid4()}/lines"):
        assert (await gateway.get(f"/api/maintenance/{path}")).status == 404
    assert (await gateway.get(f"/api/events/{uuid4()}")).status == 404
    async with gateway.database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant, name, library_id) VALUES ('user_1', 'x', $1)", uuid4())
    other = await gateway.token("admin", "user_1")
    assert (await gateway.get("/api/maintenance/runs", token=other)).body["items"] == []
    for path in (f"/api/maintenance/runs/{task}", f"/api/maintenance/runs/{task}/lines", line["event"]):
        assert (await gateway.get(path, token=other)).status == 404


async def test_events_about_access_are_not_shown(gateway: Gateway) -> None:
    await gateway.post("/api/tokens", {"name": "mine", "role": "viewer"})
    made = (await gateway.events("TokenCreated"))[-1]
    assert (await gateway.get(f"/api/events/{made.id}")).status == 404


async def test_a_run_is_there_from_when_it_is_accepted(gateway: Gateway, photos: dict[str, Photo]) -> None:
    asked = {"type": "project_integrity_check", "targets": {"project_folders": ["Alps"]}}
    task = (await gateway.post("/api/tasks", asked)).body["task"]["id"]
    run = (await gateway.get(f"/api/maintenance/runs/{task}")).body
    assert (run["status"], run["steps"], run["duration_seconds"], run["changed"]) == ("requested", [], None, 0)


async def test_lines_go_when_they_are_old_and_counts_stay(
    gateway: Gateway, process: Running, photos: dict[str, Photo], site: Site
) -> None:
    for word in ("cache_validation", "project_integrity_check"):
        asked = {"type": word, "targets": {"project_folders": ["Alps"]}}
        await gateway.post("/api/tasks", asked)
    await process.until_rows([(2,)], ENDED_OF_PROJECTS)
    await site.execute(AGE, timedelta(days=3))

    assert await ReportClearing(site.database, 4).clear() == 0
    assert await ReportClearing(site.database, 2).clear() == 1
    runs = (await gateway.get("/api/maintenance/runs")).body["items"]
    lines = {run["type"]: (await gateway.get(run["lines"])).body["items"] for run in runs}
    assert {run["type"]: run["changed"] + run["reported"] for run in runs} == dict.fromkeys(lines, 1)
    assert {word: len(some) for word, some in lines.items()} == {"cache_validation": 0, "project_integrity_check": 1}


async def test_the_client_tells_runs_and_lines(gateway: Gateway, process: Running, photos: dict[str, Photo]) -> None:
    async with PhotobusClient(f"http://127.0.0.1:{gateway.port}", gateway.admin) as photobus:
        task = await photobus.start_task("project_integrity_check", {"project_folders": ["Alps"]})
        await process.until_rows([("project_integrity_check", "completed")], ENDED)
        [run] = [run async for run in photobus.maintenance.runs()]
        assert (run.task_id, run.type, run.reported, run.steps[0].looked_at) == (
            task.id,
            "project_integrity_check",
            1,
            3,
        )
        assert (await photobus.maintenance.run(task.id)).status == "completed"
        [line] = [line async for line in photobus.maintenance.lines(task.id, kind="reported")]
        assert (line.code, line.subject, line.project_folder) == ("missing", "gone.jpg", "Alps")
        assert (await photobus.maintenance.event(line.event_id)).type == "FindingsReported"
        [job] = [job async for job in photobus.all_jobs()]
        assert (job.progress_done, job.remaining_seconds) == (job.progress_total or 0, None)


async def test_the_command_line_lists_runs_and_shows_one(
    gateway: Gateway, process: Running, photos: dict[str, Photo], capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{gateway.port}"
    asked = {"type": "project_integrity_check", "targets": {"project_folders": ["Alps"]}}
    task = (await gateway.post("/api/tasks", asked)).body["task"]["id"]
    await process.until_rows([("project_integrity_check", "completed")], ENDED)

    await maintenance._runs(address, gateway.admin, 20, as_json=False)
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["id", "type", "status", "source"]
    assert [row.split()[:4] for row in rows] == [[task, "project_integrity_check", "completed", "user"]]

    await maintenance._show(address, gateway.admin, UUID(task), as_json=False)
    shown = capsys.readouterr().out
    assert f"{task}  project_integrity_check" in shown
    assert re.search(r"integrity_check +completed +3 +1 ", shown)
    assert re.search(r"reported missing +integrity_check +Alps +gone.jpg +1 +It is not in the folder.", shown)

    await maintenance._show(address, gateway.admin, UUID(task), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told[0]["task_id"], told[1]["code"]) == (task, "missing")
