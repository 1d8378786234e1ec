"""A folder of photos that exists already, served and indexed where it lies, by the stack as its owner starts it."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import images
import pytest
from bus_traffic import until
from insight import stored
from running_stack import PHOTOBUS, RunningStack
from shelf import put
from shoot import until_ended

from photobus_client import PhotobusClient

pytestmark = pytest.mark.stack

TENANTS_MADE = "SELECT tenant, actor FROM event_log WHERE type = 'TenantCreated'"


@pytest.fixture
def photos(folder_of_servers: Path) -> Path:
    """A folder of photos as somebody may have it."""
    root = folder_of_servers / "photos"
    for number in range(3):
        folder = root / "user_0" / "Trip"
        folder.mkdir(parents=True, exist_ok=True)
        put(folder / f"IMG_{number}.jpg", images.jpeg(96, 64) + bytes([number]))
    put(root / "user_0" / "Trip" / "film.MP4", b"no photo, and yet dear to somebody")
    (root / "user_0" / "Nothing yet").mkdir()
    return root


@pytest.fixture
async def stack(folder_of_servers: Path) -> AsyncIterator[RunningStack]:
    """A stack that a test starts; stopped afterwards if it still runs."""
    started = RunningStack(folder_of_servers / "data", PHOTOBUS_MAINTENANCE__SETTLE_SECONDS="0")
    yield started
    await started.abandon()


async def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command to its end; return its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *PHOTOBUS,
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def visible(root: Path) -> set[str]:
    """Everything in the library that is not hidden."""
    paths = (path.relative_to(root) for path in root.rglob("*"))
    return {str(path) for path in paths if not any(part.startswith(".") for part in path.parts)}


def leave_empty(root: Path) -> None:
    """Put an empty folder into the library's place, as when its disk is not mounted."""
    root.rename(root.with_name("away"))
    root.mkdir()


async def projects(photobus: PhotobusClient) -> dict[str, int]:
    """Return the photos that each project counts."""
    return {project.folder: project.photos async for project in photobus.projects()}


async def test_it_is_served_where_it_lies(stack: RunningStack, photos: Path) -> None:
    before = visible(photos)
    status, said = await run("up", "--library", str(photos), PHOTOBUS_DATA=str(stack.data))
    assert (status, said.splitlines()[1:]) == (
        1,
        [f"photobus: {photos} is no library yet. If it is to be one: photobus library init {photos}"],
    )
    assert (await run("library", "init", str(photos)))[0] == 0
    await stack.start((*PHOTOBUS, "up", "--library", str(photos)))
    assert f"library    {photos}" in stack.said()
    async with stack.client() as photobus:

        async def discovered() -> bool:
            return await projects(photobus) == {"Trip": 3, "Nothing yet": 0}

        await until(discovered)
        task = await photobus.start_task("maintenance_global", {"all": True})
        assert (await until_ended(photobus, task.id)).status == "completed"
    assert await stored(stack, TENANTS_MADE) == [{"tenant": "user_0", "actor": "local"}]
    await until(lambda: len(list((photos / "user_0" / "Trip" / ".thumb").glob("*.jpg"))) == 3)
    assert visible(photos) == before
    assert not (stack.data / "library").exists()
    assert await stack.interrupt() == 0
    await stack.start()  # it is remembered
    async with stack.client() as photobus:
        assert await projects(photobus) == {"Trip": 3, "Nothing yet": 0}
    assert await stack.interrupt() == 0
    await refused_with_another(stack, photos)


async def refused_with_another(stack: RunningStack, photos: Path) -> None:
    """See that the data folder takes no other library, nor an empty place where this one was."""
    other = photos.with_name("other")
    await run("library", "init", str(other))
    status, said = await run("up", PHOTOBUS_DATA=str(stack.data), PHOTOBUS_LIBRARY=str(other))
    assert status == 1
    assert f"The data folder {stack.data} is that of another library than {other}" in said
    leave_empty(photos)
    status, said = await run("up", PHOTOBUS_DATA=str(stack.data))
    assert (status, said.splitlines()[-1]) == (
        1,
        f"photobus: The library that was in {photos} is not there; is it mounted?",
    )
    assert visible(photos) == set()
