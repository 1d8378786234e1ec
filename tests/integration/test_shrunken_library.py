"""A library that shrinks by 60 % between two runs of maintenance waits for a person, and both answers work."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import crashing_guard
import pytest
from bus_traffic import until
from gateway_server import Gateway
from running_orchestrator import Running, running
from shelf import Photo, Shelf
from working import hired

from photobus_common.config import Events, Pipeline, Settings
from photobus_common.definitions import load_definitions
from photobus_common.storage.library import Library
from photobus_common.worker.job import Handler
from photobus_maintenance.app import handlers_of
from photobus_maintenance.context import Context
from photobus_orchestrator.audit import replay

PHOTOS = 40
GONE = 24
"""Of the photos of Trip."""

FILES = """
SELECT pr.name, count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM photo_files f WHERE f.photo_id = p.id))
FROM photos p JOIN projects pr ON pr.id = p.project_id GROUP BY pr.name ORDER BY pr.name
"""
OF_TYPE = "SELECT count(*) FROM event_log WHERE type = $1"
JOB = "SELECT status, attempt, dispatch FROM jobs WHERE job_type = 'manifest_check' AND task_id = $1"
UNSENT = "SELECT count(*) FROM outbox WHERE kind = 'event'"

WHOLE = [("Alps", 5, 4), ("Trip", PHOTOS, PHOTOS)]
"""While it waits: projects, their photos, and those with files by their rows. Of Alps one photo was lost as ever."""

AFTER = {
    "confirm": [("Alps", 4, 4), ("Trip", PHOTOS - GONE, PHOTOS - GONE)],
    "refuse": [("Alps", 4, 4), ("Trip", PHOTOS, PHOTOS)],
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Leases that end within the test; what a dead process left is published soon."""
    pipeline = Pipeline(stale_seconds=2.0, heartbeat_ms=200, drain_seconds=5.0)
    return settings.model_copy(update={"pipeline": pipeline, "events": Events(relay_after_seconds=0.2)})


@pytest.fixture
def handlers(settings: Settings, library: Library) -> dict[str, Handler]:
    """All of the maintenance service."""
    return handlers_of(Context(library, settings, load_definitions()))


@pytest.fixture
async def photos(shelf: Shelf) -> list[Photo]:
    """Two projects as they should be."""
    for name, number in (("Trip", PHOTOS), ("Alps", 5)):
        project = (name, await shelf.project(name))
        found = [await shelf.photo(project, f"{name}{n}", [f"{name}{n}.jpg"]) for n in range(number)]
        if name == "Trip":
            trip = found
    return trip


class System:
    """A running system with a library that has shrunk."""

    def __init__(self, process: Running, gateway: Gateway, settings: Settings) -> None:
        self.process = process
        self.gateway = gateway
        self.settings = settings
        self.task = ""

    async def maintain(self) -> None:
        """Ask for the maintenance of the library."""
        answer = await self.gateway.post("/api/tasks", {"type": "maintenance_global", "targets": {"all": True}})
        self.task = answer.body["task"]["id"]

    async def until_task(self, status: str) -> None:
        """Wait until the task has the status."""

        async def reached() -> bool:
            return bool((await self.gateway.get(f"/api/tasks/{self.task}")).body["status"] == status)

        await until(reached)

    async def asked(self) -> dict[str, Any]:
        """Return the one confirmation that the task waits for."""
        [one] = (await self.gateway.get(f"/api/tasks/{self.task}")).body["confirmations"]
        return dict(one)

    async def answer(self, word: str) -> None:
        """Answer it."""
        asked = await self.asked()
        answered = await self.gateway.post(f"/api/confirmations/{asked['id']}", {"answer": word})
        assert answered.status == 200

    async def check_record(self) -> None:
        """Hold what callers see against the log, once all of it is archived."""
        await self.process.until_rows([(0,)], UNSENT)
        assert await replay(self.settings.postgres.dsn) == []


@asynccontextmanager
async def shrunken(
    settings: Settings, gateway: Gateway, handlers: dict[str, Handler], photos: list[Photo]
) -> AsyncIterator[System]:
    """Run an orchestrator; the first run of maintenance finds all well, then Trip and Alps shrink."""
    async with running(settings) as process:
        system = System(process, gateway, settings)
        async with hired(settings, handlers):
            await system.maintain()
            await system.until_task("completed")
        assert await process.fetch(FILES) == [("Alps", 5, 5), ("Trip", PHOTOS, PHOTOS)]
        root = photos[0].folder.parent
        for number in range(GONE):
            (root / "Trip" / f"Trip{number}.jpg").unlink()
        (root / "Alps" / "Alps0.jpg").unlink()
        yield system


@pytest.mark.parametrize("word", ["confirm", "refuse"])
async def test_it_waits_and_both_answers_work(
    settings: Settings, gateway: Gateway, handlers: dict[str, Handler], photos: list[Photo], word: str
) -> None:
    async with shrunken(settings, gateway, handlers, photos) as system, hired(settings, handlers):
        await system.maintain()
        await system.until_task("waiting")
        assert await system.process.fetch(FILES) == WHOLE
        asked = await system.asked()
        assert (asked["project_folder"], asked["lacking"], asked["photos"]) == ("Trip", GONE, PHOTOS)
        shown = await gateway.get(f"/api/confirmations/{asked['id']}")
        assert [item["photo_id"] for item in shown.body["items"]["items"]] == [photo.id for photo in photos[:GONE]]

        await system.answer(word)
        await system.until_task("completed")
        assert await system.process.fetch(FILES) == AFTER[word]
        assert await system.process.fetch(JOB, system.task) == [("completed", 1, 2)]
        await system.check_record()

        await system.maintain()  # what was confirmed is done with; who asks by hand is asked again
        await system.until_task("completed" if word == "confirm" else "waiting")
        assert await system.process.fetch(FILES) == AFTER[word]


async def test_a_task_that_waits_is_canceled_at_once(
    settings: Settings, gateway: Gateway, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    async with shrunken(settings, gateway, handlers, photos) as system, hired(settings, handlers):
        await system.maintain()
        await system.until_task("waiting")
        asked = await system.asked()
        await gateway.post(f"/api/tasks/{system.task}/cancel")
        await system.until_task("canceled")
        late = await gateway.post(f"/api/confirmations/{asked['id']}", {"answer": "confirm"})
        assert late.status == 409
        assert await system.process.fetch(FILES) == WHOLE
        await system.check_record()


@pytest.mark.parametrize("fatal", ["ConfirmationRequested", "JobWaiting"])
async def test_killed_between_the_question_and_the_wait_the_same_is_asked_by_another(
    settings: Settings, gateway: Gateway, handlers: dict[str, Handler], photos: list[Photo], fatal: str
) -> None:
    async with shrunken(settings, gateway, handlers, photos) as system:
        await system.maintain()
        assert await crashing_guard.death_of(await crashing_guard.start(settings, fatal)) == signal.SIGKILL
        async with hired(settings, handlers):
            await system.until_task("waiting")
            assert await system.process.fetch(FILES) == WHOLE
            await system.answer("confirm")
            await system.until_task("completed")
        assert await system.process.fetch(FILES) == AFTER["confirm"]
        await system.check_record()
        assert await system.process.fetch(OF_TYPE, "ConfirmationRequested") == [(1,)]


async def test_killed_between_what_was_confirmed_and_the_note_of_it_another_goes_on(
    settings: Settings, gateway: Gateway, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    async with shrunken(settings, gateway, handlers, photos) as system:
        async with hired(settings, handlers):
            await system.maintain()
            await system.until_task("waiting")
        dying = await crashing_guard.start(settings, "PhotoFilesChanged")
        await system.answer("confirm")
        assert await crashing_guard.death_of(dying) == signal.SIGKILL
        async with hired(settings, handlers):
            await system.until_task("completed")
        assert await system.process.fetch(FILES) == AFTER["confirm"]
        await system.check_record()


async def test_an_answer_that_nobody_heard_counts_when_an_orchestrator_is_back(
    settings: Settings, gateway: Gateway, handlers: dict[str, Handler], photos: list[Photo]
) -> None:
    """Dead between the answer and the requeue: the answer is committed and published, and nobody folds it."""
    async with hired(settings, handlers):
        async with shrunken(settings, gateway, handlers, photos) as system:
            await system.maintain()
            await system.until_task("waiting")
        await system.answer("confirm")
        async with running(settings) as system.process:
            await system.until_task("completed")
            assert await system.process.fetch(FILES) == AFTER["confirm"]
            await system.check_record()
