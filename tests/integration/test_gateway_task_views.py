"""Tasks, jobs and items as they go on: folded by the orchestrator's own code, read over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from catalogue import Shot, add_project, add_shots
from gateway_server import EVENTS_IN_OUTBOX, Gateway

from photobus_common.bus.reader import StoredEvent
from photobus_common.config import Jobs
from photobus_common.definitions import load_definitions
from photobus_common.events import Origin, decode
from photobus_common.events.tasks import (
    JobAttemptFailed,
    JobCompleted,
    JobProgress,
    JobStarted,
    TaskCancelRequested,
    TaskRequested,
)
from photobus_common.store import event_log, job_items
from photobus_common.store.job_items import ItemOutcome, ItemStatus, JobOutcomes
from photobus_common.store.unit_of_work import unit_of_work
from photobus_orchestrator.domain.plan import Rules
from photobus_orchestrator.fold import Fold
from photobus_orchestrator.resolver import Resolver

ITEMS_OF_JOB = """
SELECT i.position, i.photo_id FROM jobs j JOIN task_items i ON i.task_id = j.task_id
    AND i.position >= j.first AND i.position < j.first + j.count
WHERE j.id = $1 ORDER BY 1
"""
OPEN_JOBS = "SELECT id FROM jobs WHERE ended_at IS NULL ORDER BY created_at, step, index"


@dataclass
class Works:
    """The orchestrator's fold over what is in the outbox, and workers that say what the test wants."""

    gateway: Gateway
    fold: Fold
    resolver: Resolver
    folded: set[UUID] = field(default_factory=set)

    async def settle(self) -> None:
        """Fold everything said so far, and what follows from it."""
        while events := await self._fresh():
            await self.fold.fold(events)
            await self.resolver.resolve_some()

    async def run(self, statuses: Sequence[ItemStatus] = (), *, fault: str | None = None) -> UUID:
        """Let a worker run the oldest open job; its items end as ``statuses`` say, the others as done."""
        async with self.gateway.database.connection() as connection:
            job_id: UUID = await connection.fetchval(OPEN_JOBS)
            items = await connection.fetch(ITEMS_OF_JOB, job_id)
        about = (await self.gateway.get(f"/api/jobs/{job_id}")).body["job"]
        common = {
            "task_id": about["task_id"],
            "task_type": about["task_type"],
            "job_id": job_id,
            "attempt": about["attempt"],
            "job_type": about["job_type"],
            "scope": about["scope"],
            "source": about["source"],
        }
        origin = Origin("/worker", self.gateway.tenant, "worker")
        async with unit_of_work(self.gateway.database, self.gateway.publisher) as work:
            work.emit(origin.event(JobStarted(**common, holder="w")))
        await self.settle()
        ends: list[ItemStatus] = list(statuses)
        ends += ["done" for _ in items[len(ends) :]]
        async with unit_of_work(self.gateway.database, self.gateway.publisher) as work:
            if fault is not None:
                work.emit(origin.event(JobAttemptFailed(**common, code=fault, reason="cannot", retryable=False)))
            else:
                outcomes = [
                    ItemOutcome(item["position"], item["photo_id"], end, "why" if end == "failed" else None)
                    for item, end in zip(items, ends, strict=True)
                ]
                await job_items.insert_outcomes(work.connection, [JobOutcomes(job_id, 1, outcomes)])
                done, failed, skipped = (ends.count(end) for end in ("done", "failed", "skipped"))
                work.emit(origin.event(JobCompleted(**common, done=done, failed=failed, skipped=skipped)))
        await self.settle()
        return job_id

    async def _fresh(self) -> list[StoredEvent]:
        async with self.gateway.database.connection() as connection:
            rows = await connection.fetch(EVENTS_IN_OUTBOX)
        payloads = [row["payload"] for row in rows if decode(row["payload"]).id not in self.folded]
        self.folded |= {decode(payload).id for payload in payloads}
        first = self.fold.cursor.seq + 1
        return [StoredEvent(first + number, datetime.now(UTC), payload) for number, payload in enumerate(payloads)]


@pytest.fixture
async def works(gateway: Gateway) -> Works:
    """The orchestrator's part, over jobs of three photos."""
    jobs = Jobs(size={"generate_derivatives": 3, "upload_postprocess": 3, "manifest_check": 3, "folder_check": 3})
    rules = Rules(load_definitions(), gateway.settings.pipeline, jobs)
    async with gateway.database.transaction() as connection:
        cursor = await event_log.ensure_cursor(connection)
    return Works(
        gateway, Fold(gateway.database, gateway.publisher, rules, cursor), Resolver(gateway.database, gateway.publisher)
    )


@dataclass
class Catalogue:
    """What the tasks are over."""

    alps: list[int]
    sea: list[int]


@pytest.fixture
async def photos(gateway: Gateway) -> Catalogue:
    """Two projects."""
    async with gateway.database.transaction() as connection:
        alps = await add_project(connection, gateway.tenant, "Alps")
        sea = await add_project(connection, gateway.tenant, "Sea")
        return Catalogue(
            await add_shots(connection, gateway.tenant, alps, [Shot(f"A{n}") for n in range(4)]),
            await add_shots(connection, gateway.tenant, sea, [Shot(f"S{n}") for n in range(3)]),
        )


async def _start(gateway: Gateway, photo_ids: list[int]) -> str:
    answer = await gateway.post("/api/photos/process", {"items": [{"photo_id": photo} for photo in photo_ids]})
    assert answer.status == 202
    return str(answer.body["task"]["id"])


async def test_a_task_is_seen_from_its_start_to_its_end(gateway: Gateway, works: Works, photos: Catalogue) -> None:
    task = await _start(gateway, [*photos.alps, *photos.sea])
    await works.settle()
    running = (await gateway.get(f"/api/tasks/{task}")).body
    assert (running["status"], running["items"]) == ("running", 7)
    (step,) = running["steps"]
    assert (step["jobs"], step["jobs_by_status"]) == (3, {"queued": 3})
    assert (running["progress_done"], running["progress_total"]) == (0, 7)
    await works.run()
    half = (await gateway.get(f"/api/tasks/{task}")).body
    assert half["steps"][0]["jobs_by_status"] == {"queued": 2, "completed": 1}
    assert (half["progress_done"], half["progress_total"]) == (3, 7)
    await works.run()
    await works.run(["failed"])
    ended = (await gateway.get(f"/api/tasks/{task}")).body
    assert (ended["status"], ended["done"], ended["failed"]) == ("completed_with_errors", 6, 1)
    assert (ended["progress_done"], ended["ended_at"] is None) == (7, False)


async def test_a_job_over_the_library_tells_how_far_it_is_and_how_long_it_still_takes(
    gateway: Gateway, works: Works
) -> None:
    asked = {"type": "integrity_check", "targets": {"all": True}}
    task = (await gateway.post("/api/tasks", asked)).body["task"]["id"]
    await works.settle()
    (queued,) = (await gateway.get(f"/api/jobs?task_id={task}")).body["items"]
    assert (queued["progress_total"], queued["remaining_seconds"]) == (None, None)

    common = {name: queued[name] for name in ("task_id", "task_type", "attempt", "job_type", "scope", "source")}
    origin = Origin("/worker", gateway.tenant, "worker")
    async with unit_of_work(gateway.database, gateway.publisher) as work:
        work.emit(origin.event(JobStarted(**common, job_id=queued["id"], holder="w")))
        work.emit(origin.event(JobProgress(**common, job_id=queued["id"], done=3, total=10)))
    await works.settle()
    (half,) = (await gateway.get(f"/api/jobs?task_id={task}")).body["items"]
    assert (half["progress_done"], half["progress_total"]) == (3, 10)
    shown = (await gateway.get(f"/api/tasks/{task}")).body
    run = (await gateway.get(f"/api/maintenance/runs/{task}")).body
    assert (run["status"], run["steps"][0]["status"], run["steps"][0]["progress_total"]) == ("running", "running", 10)
    for told in (half, shown, shown["steps"][0], run["steps"][0]):
        assert told["remaining_seconds"] >= 0

    await works.run()
    (ended,) = (await gateway.get(f"/api/jobs?task_id={task}")).body["items"]
    assert (ended["progress_done"], ended["progress_total"], ended["remaining_seconds"]) == (10, 10, None)
    assert (await gateway.get(f"/api/tasks/{task}")).body["remaining_seconds"] is None


async def test_a_job_shows_its_items_page_by_page_with_their_reasons(
    gateway: Gateway, works: Works, photos: Catalogue
) -> None:
    await _start(gateway, photos.alps[:3])
    await works.settle()
    job = await works.run(["failed", "skipped"])
    whole = (await gateway.get(f"/api/jobs/{job}")).body
    assert whole["items_summary"] == {"total": 3, "pending": 0, "done": 1, "failed": 1, "skipped": 1, "canceled": 0}
    assert [(item["photo_id"], item["status"], item["reason"]) for item in whole["items"]["items"]] == [
        (photos.alps[0], "failed", "why"),
        (photos.alps[1], "skipped", None),
        (photos.alps[2], "done", None),
    ]
    assert {(item["project_folder"], item["filename"]) for item in whole["items"]["items"]} == {
        ("Alps", "A0"),
        ("Alps", "A1"),
        ("Alps", "A2"),
    }
    first = (await gateway.get(f"/api/jobs/{job}?limit=2")).body["items"]
    rest = (await gateway.get(f"/api/jobs/{job}?limit=2&cursor={first['next_cursor']}")).body["items"]
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]
    failed = (await gateway.get(f"/api/jobs/{job}?status=failed")).body["items"]
    assert ([item["photo_id"] for item in failed["items"]], failed["total"]) == ([photos.alps[0]], 1)
    assert (await gateway.get(f"/api/jobs/{uuid4()}")).status == 404


async def test_items_that_were_canceled_for_themselves_are_counted_and_found(
    gateway: Gateway, works: Works, photos: Catalogue
) -> None:
    await _start(gateway, photos.alps[:3])
    await works.settle()
    job = await works.run(["canceled", "skipped"])
    shown = (await gateway.get(f"/api/jobs/{job}?status=canceled")).body
    assert shown["items_summary"] == {"total": 3, "pending": 0, "done": 1, "failed": 0, "skipped": 1, "canceled": 1}
    assert ([item["photo_id"] for item in shown["items"]["items"]], shown["items"]["total"]) == ([photos.alps[0]], 1)


async def test_jobs_of_a_project_are_those_with_a_photo_of_it(
    gateway: Gateway, works: Works, photos: Catalogue
) -> None:
    mixed = await _start(gateway, [*photos.alps[:3], photos.alps[3], photos.sea[0]])
    await works.settle()
    uploaded = await gateway.post("/api/projects/Sea/jobs", {"task_type": "upload_postprocess"})
    await works.settle()
    of_alps = (await gateway.get("/api/projects/Alps/jobs")).body
    of_sea = (await gateway.get("/api/projects/Sea/jobs")).body
    everything = (await gateway.get("/api/jobs")).body
    assert (of_alps["total"], of_sea["total"], everything["total"]) == (2, 2, 3)
    assert {job["task_id"] for job in of_alps["items"]} == {mixed}
    assert {job["task_id"] for job in of_sea["items"]} == {mixed, uploaded.body["task"]["id"]}
    by_type = (await gateway.get("/api/projects/Sea/jobs?type=upload_postprocess&status=queued&status=running")).body
    assert [job["task_id"] for job in by_type["items"]] == [uploaded.body["task"]["id"]]
    assert (await gateway.get(f"/api/jobs?task_id={mixed}")).body["total"] == 2
    assert (await gateway.get("/api/projects/Alps/jobs?status=completed")).body["items"] == []
    assert (await gateway.get("/api/projects/Alps/jobs?status=asleep")).status == 400


async def test_tasks_are_listed_newest_first_and_filtered(gateway: Gateway, works: Works, photos: Catalogue) -> None:
    tasks = []
    for photo in photos.alps:
        tasks.append(await _start(gateway, [photo]))
        await works.settle()
    await works.run()
    pages = []
    cursor = ""
    while cursor is not None:
        page = (await gateway.get(f"/api/tasks?limit=3{cursor and f'&cursor={cursor}'}")).body
        pages.append([task["id"] for task in page["items"]])
        cursor = page["next_cursor"]
    assert pages == [tasks[:0:-1], tasks[:1]]
    completed = (await gateway.get("/api/tasks?status=completed")).body
    assert ([task["id"] for task in completed["items"]], completed["total"]) == ([tasks[0]], 1)
    assert (await gateway.get("/api/tasks?type=maintenance")).body["total"] == 0


async def test_a_cancel_is_said_once_the_task_goes_on_and_refused_after_its_end(
    gateway: Gateway, works: Works, photos: Catalogue
) -> None:
    task = await _start(gateway, photos.alps)
    early = await gateway.post(f"/api/tasks/{task}/cancel")
    assert (early.status, early.body["status"]) == (202, "requested")
    await works.settle()
    (said,) = await gateway.events("TaskCancelRequested")
    assert isinstance(said.data, TaskCancelRequested)
    assert str(said.data.task_id) == task
    assert (await gateway.get(f"/api/tasks/{task}")).body["status"] == "canceled"
    late = await gateway.post(f"/api/tasks/{task}/cancel")
    assert (late.status, late.body["code"]) == (409, "conflict")
    assert (await gateway.post(f"/api/tasks/{uuid4()}/cancel")).status == 404


async def test_a_retry_is_a_new_task_over_what_failed(gateway: Gateway, works: Works, photos: Catalogue) -> None:
    task = await _start(gateway, photos.alps[:3])
    await works.settle()
    assert (await gateway.post(f"/api/tasks/{task}/retry")).status == 409
    await works.run(["done", "failed"])
    again = await gateway.post(f"/api/tasks/{task}/retry", headers={"Idempotency-Key": "again"})
    repeated = await gateway.post(f"/api/tasks/{task}/retry", headers={"Idempotency-Key": "again"})
    assert (again.status, again.body) == (202, repeated.body)
    await works.settle()
    shown = (await gateway.get(f"/api/tasks/{again.body['task']['id']}")).body
    assert (shown["retry_of"], shown["items"], shown["status"]) == (task, 1, "running")
    job = await works.run()
    (item,) = (await gateway.get(f"/api/jobs/{job}")).body["items"]["items"]
    assert item["photo_id"] == photos.alps[1]
    nothing = await gateway.post(f"/api/tasks/{again.body['task']['id']}/retry")
    assert nothing.status == 409


async def test_a_retry_of_a_failed_task_has_its_targets(gateway: Gateway, works: Works, photos: Catalogue) -> None:
    task = await _start(gateway, photos.alps[:3])
    await works.settle()
    job = await works.run(fault="broken")
    failed = (await gateway.get(f"/api/tasks/{task}")).body
    assert (failed["status"], failed["error_code"]) == ("failed", "broken")
    assert (await gateway.get(f"/api/jobs/{job}")).body["job"]["status"] == "failed"
    again = await gateway.post(f"/api/tasks/{task}/retry")
    asked = [event.data for event in await gateway.events("TaskRequested")]
    assert isinstance(asked[-1], TaskRequested)
    assert asked[-1].targets.photo_ids == tuple(photos.alps[:3])
    assert str(asked[-1].task_id) == again.body["task"]["id"]
