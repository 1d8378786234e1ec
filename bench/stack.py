"""A whole photobus of its own for a measurement: started, measured, stopped, removed."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
from running_stack import RunningStack

from photobus_client import PhotobusClient
from photobus_common.config import Postgres
from photobus_common.store.database import Connection, Database


@contextmanager
def own_folder() -> Iterator[Path]:
    """Lend a folder that goes with the measurement; the user that Postgres runs as may enter it."""
    folder = Path(tempfile.mkdtemp(prefix="photobus-bench-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running_stack(**environment: str) -> AsyncIterator[RunningStack]:
    """Run the whole system, with ``environment`` on top, in a folder that goes with it."""
    with own_folder() as folder:
        stack = RunningStack(folder / "data", **environment)
        try:
            await stack.start()
            yield stack
            await stack.interrupt()
        finally:
            await stack.abandon()


@asynccontextmanager
async def catalogue(stack: RunningStack) -> AsyncIterator[Connection]:
    """Connect to the stack's own Postgres."""
    dsn = (stack.data / "run" / "dsn").read_text().strip()
    database = await Database.open(Postgres(dsn=dsn, command_timeout_seconds=900), "bench")
    try:
        async with database.connection() as connection:
            yield connection
    finally:
        await database.close()


async def upload(client: PhotobusClient, folder: str, files: dict[str, bytes]) -> list[int]:
    """Upload ``files`` in one request; returns the ids of their photos."""
    with aiohttp.MultipartWriter("form-data") as form:
        for name, content in files.items():
            form.append(content).set_content_disposition("form-data", name="files", filename=name)
    path, headers = f"/api/projects/{folder}/upload", {"Content-Type": form.content_type}
    async with client.transport.request("POST", path, content=await form.as_bytes(), headers=headers) as answer:
        results = (await answer.json())["results"]
    return [result["photo_id"] for result in results]


async def until_quiet(client: PhotobusClient) -> None:
    """Wait until there are tasks and every one has ended."""
    while not (tasks := (await client.tasks()).items) or not all(task.ended for task in tasks):
        await asyncio.sleep(0.2)
