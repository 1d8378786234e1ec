"""Uploads as tests make them, and what they leave on disk and in the catalogue."""

import asyncio
import base64
import fcntl
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import FormData
from gateway_server import Answer, Gateway

from photobus_common.events import EventData
from photobus_gateway.uploads.service import UPLOADS, Uploads

DataT = TypeVar("DataT", bound=EventData)

Status = tuple[str, str, str | None]
"""File name, status and code of an answer."""

TUS = {"Tus-Resumable": "1.0.0"}


async def make_project(gateway: Gateway, name: str) -> str:
    """Make a project; return its folder."""
    answer = await gateway.post("/api/projects", {"name": name})
    assert answer.status == 201, answer.body
    return str(answer.body["folder"])


async def upload(
    gateway: Gateway, folder: str, sent: Sequence[tuple[str, bytes]], query: str = "", **fields: str
) -> Answer:
    """Upload files in one request, the form fields before them."""
    form = FormData(quote_fields=False)
    for name, value in fields.items():
        form.add_field(name, value)
    for name, content in sent:
        form.add_field("file", content, filename=name)
    return await gateway.call("POST", f"/api/projects/{folder}/upload{query}", data=form)


async def upload_together(gateway: Gateway, folder: str, sent: Sequence[tuple[str, bytes]], query: str = "") -> Answer:
    """Upload files so that all of them are placed in one group; the first is sent before too, and holds up the rest."""
    waiting = service(gateway).queue._waiting

    async def being_placed() -> bool:
        return bool(waiting) and not any(waiting.values())

    async def all_wait() -> bool:
        return sum(map(len, waiting.values())) == len(sent)

    with holding(folder_of(gateway, folder)):
        before = asyncio.create_task(upload(gateway, folder, sent[:1], query))
        await until(being_placed)
        sending = asyncio.create_task(upload(gateway, folder, sent, query))
        await until(all_wait)
    await before
    return await sending


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold the lock of a project's folder."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def statuses(answer: Answer) -> list[Status]:
    """What became of each file."""
    assert answer.status == 200, answer.body
    return [(result["filename"], result["status"], result["code"]) for result in answer.body["results"]]


def folder_of(gateway: Gateway, folder: str) -> Path:
    """Where the project lies."""
    return gateway.settings.library.root / gateway.tenant / folder


def received(gateway: Gateway) -> list[str]:
    """Names in `.uploads`."""
    return sorted(path.name for path in folder_of(gateway, ".uploads").glob("*"))


def visible(gateway: Gateway, folder: str) -> list[str]:
    """Names in the project's folder that are not hidden."""
    return sorted(path.name for path in folder_of(gateway, folder).iterdir() if not path.name.startswith("."))


async def photos(gateway: Gateway, folder: str) -> dict[str, Any]:
    """Photos of the project, whole, by name."""
    listed = await gateway.get(f"/api/projects/{folder}/photos")
    assert listed.status == 200, listed.body
    found = [(await gateway.get(f"/api/photos/{item['id']}")).body for item in listed.body["items"]]
    return {photo["filename"]: photo for photo in found}


async def said(gateway: Gateway, word: type[DataT]) -> list[DataT]:
    """What the events of one type say, in the order of their commits."""
    return [event.data for event in await gateway.events(word.TYPE) if isinstance(event.data, word)]


def service(gateway: Gateway) -> Uploads:
    """The gateway's own service of uploads."""
    app = gateway.app
    assert app is not None
    found: Uploads = app[UPLOADS]
    return found


async def count(gateway: Gateway, table: str) -> int:
    """Number of rows."""
    async with gateway.database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names in tests


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait until ``condition`` holds; fail after ``seconds``."""
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


def take_away(gateway: Gateway) -> Path:
    """Put an empty folder in the library's place, as when its disk is not mounted; return that folder."""
    root = gateway.settings.library.root
    root.rename(root.with_name("away"))
    root.mkdir()
    return root


def metadata(**values: str) -> str:
    """Values as `Upload-Metadata`."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


async def begin(gateway: Gateway, folder: str, size: int, **values: str) -> str:
    """Begin a resumable upload; return its address."""
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(**values)}
    answer = await gateway.call("POST", f"/api/projects/{folder}/uploads", headers=headers)
    assert answer.status == 201, answer.body
    return str(answer.headers["Location"])


async def portion(gateway: Gateway, address: str, offset: int, content: bytes, **headers: str) -> Answer:
    """Send a portion."""
    sent = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream", **headers}
    return await gateway.call("PATCH", address, headers=sent, data=content)


async def until_written_to(gateway: Gateway, address: str) -> None:
    """Wait until a request holds the upload's file, without asking for the lock that it is about to take."""
    inode = (folder_of(gateway, ".uploads") / address.rpartition("/")[2]).stat().st_ino

    async def is_locked() -> bool:
        return _is_locked(inode)

    await until(is_locked)


def _is_locked(inode: int) -> bool:
    locks = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return any("FLOCK" in lock and any(field.endswith(f":{inode}") for field in lock) for lock in locks)


async def offset_of(gateway: Gateway, address: str) -> int:
    """How far the upload is."""
    answer = await gateway.call("HEAD", address, headers=TUS)
    assert answer.status == 200, answer.status
    return int(answer.headers["Upload-Offset"])
