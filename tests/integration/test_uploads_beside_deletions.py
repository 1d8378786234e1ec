"""Uploads that race a deletion: each is whole in the trash, or was refused; none is left half way, or is seen."""

import asyncio
from typing import Final

import pytest
from deleting import at_work, trashed
from gateway_server import Answer, Gateway
from shelf import JPEG, Shelf
from uploading import begin, make_project, portion, received, until, upload

from photobus_common.config import Filemover, Settings, Uploader
from photobus_common.storage.library import Library
from photobus_common.store.projects import ids_of_folders

SENDERS: Final = 4
EACH: Final = 6
PLACING: Final = "SELECT count(*) FROM uploads WHERE state = 'placing'"
LEFT: Final = "SELECT count(*) FROM photos"
STATUS: Final = "SELECT status FROM tasks WHERE id = $1"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {"uploader": Uploader(batch_seconds=60.0), "filemover": Filemover(lock_wait_seconds=0.0)}
    return settings.model_copy(update=changes)


def _stored(answers: list[Answer]) -> set[str]:
    """Return the files that were told to be stored; of every other one it was told that it was not."""
    stored = set()
    for answer in answers:
        assert answer.status in {200, 404, 409}, answer.body
        for result in answer.body["results"] if answer.status == 200 else ():
            assert result["status"] == "created" or result["code"] == "project_gone", result
            if result["status"] == "created":
                stored.add(result["filename"])
    return stored


@pytest.mark.parametrize("before", [0, 1, 4, 9, 16])
async def test_each_is_whole_in_the_trash_or_was_refused(
    gateway: Gateway, shelf: Shelf, settings: Settings, library: Library, before: int
) -> None:
    folder = await make_project(gateway, "Sea")
    async with gateway.database.connection() as connection:
        project_id = (await ids_of_folders(connection, gateway.tenant, [folder]))[folder]
    async with at_work(settings, library) as deletions:
        answers: list[Answer] = []

        async def send(sender: int) -> None:
            for number in range(EACH):
                names = (f"A{sender}_{number}.jpg", f"B{sender}_{number}.jpg")
                answers.append(await upload(gateway, folder, [(name, JPEG) for name in names]))

        async def enough() -> bool:
            return len(answers) >= before

        async with asyncio.TaskGroup() as senders:
            for sender in range(SENDERS):
                senders.create_task(send(sender))
            await until(enough)
            asked = await gateway.call("DELETE", "/api/projects/Sea")
        assert asked.status == 202
        await deletions.until_counted(
            "SELECT count(*) FROM tasks WHERE id = $1 AND ended_at IS NOT NULL", asked.body["task"]["id"]
        )

        assert await deletions.process.fetch(STATUS, asked.body["task"]["id"]) == [("completed",)]
        stored = _stored(answers)
        [place] = trashed(shelf)
        assert {path.name for path in place.iterdir() if not path.name.startswith(".")} == stored
        assert all((place / name).read_bytes() == JPEG for name in stored)
        assert len(stored) >= 2 * before
        assert not (shelf.root / "Sea").exists()
        assert await deletions.process.fetch(PLACING) == [(0,)]
        assert await deletions.process.fetch(LEFT) == [(0,)]
        assert await deletions.rows(project_id) == []
        assert received(gateway) == []


async def test_a_resumable_upload_finds_its_project_gone(
    gateway: Gateway, shelf: Shelf, settings: Settings, library: Library
) -> None:
    folder = await make_project(gateway, "Sea")
    address = await begin(gateway, folder, len(JPEG), filename="late.jpg")
    assert (await portion(gateway, address, 0, JPEG[:100])).status == 204
    async with at_work(settings, library) as deletions:
        asked = await gateway.call("DELETE", "/api/projects/Sea")
        assert (await portion(gateway, address, 100, JPEG[100:])).status == 404
        ended = "SELECT count(*) FROM tasks WHERE id = $1 AND status = 'completed'"
        await deletions.until_counted(ended, asked.body["task"]["id"])
        assert (await portion(gateway, address, 100, JPEG[100:])).status == 404
        assert await deletions.process.fetch("SELECT count(*) FROM uploads") == [(0,)]
    assert [path.name for path in trashed(shelf)[0].glob("*.jpg")] == []
