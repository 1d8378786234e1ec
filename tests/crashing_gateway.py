"""Gateways in processes of their own, each of which kills itself at a chosen point of a request.

Started as a program with the settings as JSON, the tenant and the points, it forks a gateway for each and prints a line
of JSON when that one listens and when it has died; it ends when its input does.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import aiohttp
from forking import FORK_SERVER
from gateway_server import running_gateway
from uploading import TUS

from photobus_common.bus.connection import Broker
from photobus_common.config import Settings
from photobus_common.storage.library import Library
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Database
from photobus_gateway.routes import projects as routes
from photobus_gateway.uploads import placing, recording, sweeping, taking_in
from photobus_gateway.uploads.placing import Placer
from photobus_gateway.uploads.portions import Portions

_DIE_WITH_PARENT: Final = 1

LIVES: Final = "lives"
"""No point: the gateway runs until its client has done with it."""

Point = tuple[Any, str, bool]
"""Where it dies: an object, the name of its function, and whether that function has run then."""

POINTS: Final[dict[str, Point]] = {
    "bytes received": (Placer, "_decide", False),
    "intent on record": (Placer, "_put_all", False),
    "old file in the trash": (ProjectFolder, "place", False),
    "file in place": (ProjectFolder, "place", True),
    "files in place and synced": (Placer, "_put_all", True),
    "rows written but not committed": (recording, "record", True),
    "rows committed": (placing, "_discard_all", False),
    "answered": (placing, "_discard_all", True),
    "receiving": (taking_in, "_receive", True),
    "portion written": (Portions, "write", True),
    "project renamed": (routes, "follow_in_manifest", False),
}


@dataclass
class CrashingGateway:
    """One of the processes as its client sees it."""

    url: str
    token: str
    pid: int

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Make a request; return status and headers. Raises ``aiohttp.ClientError`` when the process dies."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers, **options) as answer,
        ):
            await answer.read()
            return answer.status, answer.headers

    async def upload(self, folder: str, files: Sequence[tuple[str, bytes]], query: str = "") -> None:
        """Upload by multipart."""
        form = aiohttp.FormData(quote_fields=False)
        for name, content in files:
            form.add_field("file", content, filename=name)
        await self.call("POST", f"/api/projects/{folder}/upload{query}", data=form)

    async def portion(self, address: str, offset: int, content: Any) -> None:
        """Send a portion of a resumable upload."""
        headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        await self.call("PATCH", address, headers=headers, data=content)


@dataclass
class CrashingGateways:
    """All of them, by the point at which each dies."""

    lines: asyncio.StreamReader
    by_point: dict[str, CrashingGateway]

    async def all_died(self) -> None:
        """Wait for their ends, and see that each was killed."""
        for _ in self.by_point:
            ended = await _line(self.lines)
            assert ended["signal"] == signal.SIGKILL, ended


@asynccontextmanager
async def crashing_gateways(settings: Settings, tenant: str, points: Sequence[str]) -> AsyncIterator[CrashingGateways]:
    """Run a gateway for each of ``points``."""
    (stdin, end), (told, stdout) = os.pipe(), os.pipe()
    program = await FORK_SERVER.start(
        "crashing_gateway", settings.model_dump_json(), tenant, *points, stdin=stdin, stdout=stdout
    )
    os.close(stdin)
    os.close(stdout)
    lines = asyncio.StreamReader()
    reading, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(told, "rb")
    )
    try:
        listening = [await _line(lines) for _ in points]
        yield CrashingGateways(lines, {line.pop("point"): CrashingGateway(**line) for line in listening})
    finally:
        os.close(end)
        await program.wait()
        reading.close()


async def _line(lines: asyncio.StreamReader) -> dict[str, Any]:
    async with asyncio.timeout(60):
        line = await lines.readline()
    assert line, "it ended before its gateways did"
    found: dict[str, Any] = json.loads(line)
    return found


def die_at(point: Point) -> None:
    """Have this process killed before or after the function runs."""
    owner, name, after = point
    original: Callable[..., Any] = getattr(owner, name)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if asyncio.iscoroutinefunction(original):

        @wraps(original)
        async def asynchronous(*args: Any, **options: Any) -> Any:
            if after:
                await original(*args, **options)
            die()

        setattr(owner, name, asynchronous)
        return

    @wraps(original)
    def blocking(*args: Any, **options: Any) -> Any:
        if after:
            original(*args, **options)
        die()

    setattr(owner, name, blocking)


async def serve(settings: Settings, tenant: str, point: str, lines: int) -> None:
    """Serve until killed."""
    database = await Database.open(settings.postgres, "crashing")
    broker = await Broker.open(settings.nats, "crashing")
    async with running_gateway(settings, database, broker, Library(settings.library.root), tenant) as gateway:
        url = f"http://127.0.0.1:{gateway.port}"
        _tell(lines, point, url=url, token=gateway.admin, pid=os.getpid())
        await asyncio.Event().wait()


def main(settings: str, tenant: str, *points: str) -> None:
    """Fork a gateway for each point, and tell of their ends; kill those that live when the input ends."""
    lines = os.dup(1)
    os.dup2(2, 1)  # What is logged must not get between the lines.
    children: dict[int, str] = {}
    for point in points:
        pid = os.fork()
        if pid == 0:
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            if point != LIVES:
                die_at(POINTS[point])
            # A gateway that swept in the middle of a test would finish what another left, and die of it.
            sweeping._EVERY_SECONDS = 3600.0  # type: ignore[misc]  # for this process alone
            asyncio.run(serve(Settings.model_validate_json(settings), tenant, point, lines))
            os._exit(1)
        children[pid] = point
    threading.Thread(target=_kill_at_the_end, args=(children,), daemon=True).start()
    while children:
        pid, status = os.wait()
        _tell(lines, children.pop(pid), signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None)


def _kill_at_the_end(children: dict[int, str]) -> None:
    sys.stdin.read()
    for pid in list(children):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _tell(lines: int, point: str, **what: Any) -> None:
    os.write(lines, json.dumps({"point": point, **what}).encode() + b"\n")
